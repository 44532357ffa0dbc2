//! Programs from bytes: small ones, mostly well-formed, whose constants are as likely extreme as small;
//! then, of some, bytes of their written form changed, as in a damaged file.

use arbitrary::{Result, Unstructured};
use zkml_core::{
    ir::{Axis, Origin, Window},
    program::{
        Affine, Bits, InputDecl, InputKind, OutputDecl, Program, Scale, Step, StoredTensor, Table,
        TableId, TensorId, Term, View,
    },
    tensor::{Shape, Tensor},
};

/// A program, or `None` where changed bytes are none.
pub fn program(source: &mut Unstructured) -> Result<Option<Program>> {
    let mut program = Program::default();
    for _ in 0..source.int_in_range(0..=2)? {
        program.tables.push(table(source)?);
    }
    for i in 0..source.int_in_range(1..=2)? {
        let tensor = TensorId(program.tensors.len());
        let shape = shape(source, 0, 3)?;
        program.inputs.push(InputDecl { name: format!("x{i}"), tensor, kind: InputKind::Real });
        program.tensors.push(stored(source, shape, Step::Input(i))?);
    }
    for _ in 0..source.int_in_range(1..=5)? {
        let (shape, affine) = affine(&program, source)?;
        program.tensors.push(stored(source, shape, Step::Affine(affine))?);
    }
    let tensor = TensorId(program.tensors.len() - 1);
    let shape = program.tensors[tensor.0].shape.clone();
    let view = View { tensor, shape, index: None };
    program.outputs.push(OutputDecl { name: "y".into(), view });

    let changes = source.int_in_range(0..=7)?;
    if changes < 4 {
        return Ok(Some(program));
    }
    let mut bytes = postcard::to_stdvec(&program).expect("any program can be written");
    for _ in 4..=changes {
        let at = source.choose_index(bytes.len())?;
        bytes[at] = source.arbitrary()?;
    }
    Ok(postcard::from_bytes(&bytes).ok())
}

/// Elements and products of a run.
pub fn cost(program: &Program) -> usize {
    let of = |tensor: &StoredTensor| {
        let Step::Affine(affine) = &tensor.step else { return tensor.shape.len() };
        let products = affine.terms.iter().map(|term| {
            let views: usize = term.views().map(|view| view.shape.len()).sum();
            let inner = match term {
                Term::Contract { weight, .. } => weight.shape().dims()[0],
                Term::Correlate { weight, .. } => weight.shape().dims()[1..].iter().product(),
                Term::Product { left, .. } => left.shape.dims()[2],
                _ => 1,
            };
            views.saturating_add(inner.saturating_mul(tensor.shape.len()))
        });
        products.fold(tensor.shape.len(), usize::saturating_add)
    };
    program.tensors.iter().map(of).fold(0, usize::saturating_add)
}

/// A small number, or one of any size.
pub fn number(source: &mut Unstructured) -> Result<i64> {
    Ok(match source.int_in_range(0..=5)? {
        0 => i64::from(source.arbitrary::<i32>()?),
        1 => i64::from(*source.choose(&[i32::MIN, i32::MAX, 0, 1 << 16, -1])?),
        2 => source.arbitrary()?,
        _ => i64::from(source.arbitrary::<i8>()?),
    })
}

fn numbers(source: &mut Unstructured, shape: Shape) -> Result<Tensor<i32>> {
    // Of those of 64 bits, the lower ones.
    let data = (0..shape.len()).map(|_| Ok(number(source)? as i32)).collect::<Result<_>>()?;
    Ok(Tensor::new(shape, data).expect("as many as the shape"))
}

fn table(source: &mut Unstructured) -> Result<Table> {
    let first = source.int_in_range(-40..=40)?;
    let count = source.int_in_range(1..=80)?;
    let values = (0..count).map(|_| Ok(number(source)? as i32)).collect::<Result<_>>()?;
    Ok(Table { name: "f".into(), first, values })
}

fn stored(source: &mut Unstructured, shape: Shape, step: Step) -> Result<StoredTensor> {
    let bits = Bits::new(source.int_in_range(1..=Bits::MAX)?).expect("in range");
    let scale = Scale(source.int_in_range(-8..=8)?);
    let origin = Origin { node: "n".into(), op: "Op".into(), opset: 1 };
    Ok(StoredTensor { shape, bits, scale, step, origin })
}

fn shape(source: &mut Unstructured, least: usize, most: usize) -> Result<Shape> {
    let rank = source.int_in_range(least..=most)?;
    let dims = (0..rank).map(|_| source.int_in_range(1..=4)).collect::<Result<_>>()?;
    Ok(Shape::new(dims).expect("small"))
}

fn dims(dims: &[usize]) -> Shape {
    Shape::new(dims.to_vec()).expect("small")
}

/// An earlier tensor under a shape: as it is where it has as many elements, else by an index.
fn view(program: &Program, source: &mut Unstructured, shape: Shape) -> Result<View> {
    let tensor = TensorId(source.choose_index(program.tensors.len())?);
    let stored = program.tensors[tensor.0].shape.len();
    if stored == shape.len() && source.arbitrary()? {
        return Ok(View { tensor, shape, index: None });
    }
    let element = |_| {
        let at = source.int_in_range(0..=stored)?;
        Ok(if at == stored { View::HOLE } else { at as u32 })
    };
    let index = Some((0..shape.len()).map(element).collect::<Result<_>>()?);
    Ok(View { tensor, shape, index })
}

fn axis(source: &mut Unstructured) -> Result<Axis> {
    Ok(Axis {
        input: source.int_in_range(1..=5)?,
        output: source.int_in_range(1..=5)?,
        kernel: source.int_in_range(1..=3)?,
        out_step: source.int_in_range(1..=3)?,
        in_step: source.int_in_range(1..=3)?,
        origin: source.int_in_range(-4..=4)?,
        slope: source.int_in_range(-3..=3)?,
    })
}

/// A step: terms of one kind of product, with summands beside them, and the shape that they give.
fn affine(program: &Program, source: &mut Unstructured) -> Result<(Shape, Affine)> {
    let mut size = || source.int_in_range(1..=4);
    let [b, i, j, k] = [size()?, size()?, size()?, size()?];
    let mut terms = Vec::new();
    let shape = match source.int_in_range(0..=3)? {
        0 => shape(source, 0, 3)?,
        1 => {
            let out = dims(&[b, i, j]);
            for _ in 0..source.int_in_range(1..=2)? {
                let view = view(program, source, dims(&[b * i, k]))?;
                let weight = numbers(source, dims(&[k, j]))?;
                terms.push(Term::Contract { view, weight });
            }
            out
        }
        2 => {
            let groups = source.int_in_range(1..=2)?;
            let window = Window { height: axis(source)?, width: axis(source)? };
            let (h, w) = (window.height, window.width);
            let view = view(program, source, dims(&[b, i * groups, h.input, w.input]))?;
            let weight = numbers(source, dims(&[j * groups, i, h.kernel, w.kernel]))?;
            terms.push(Term::Correlate { view, weight, window, groups });
            dims(&[b, j * groups, h.output, w.output])
        }
        _ => {
            let left = view(program, source, dims(&[b, i, k]))?;
            let right = view(program, source, dims(&[b, k, j]))?;
            let factor = number(source)? as i32;
            terms.push(Term::Product { left, right, factor });
            dims(&[b, i, j])
        }
    };
    if terms.is_empty() || source.arbitrary()? {
        let view = view(program, source, shape.clone())?;
        let of = if source.arbitrary()? { shape.clone() } else { Shape::scalar() };
        terms.push(Term::Scale { view, factor: numbers(source, of)? });
    }
    let bias = match source.int_in_range(0..=2)? {
        0 => None,
        1 => Some(Tensor::scalar(number(source)?)),
        _ => {
            let data = (0..shape.len()).map(|_| number(source)).collect::<Result<_>>()?;
            Some(Tensor::new(shape.clone(), data).expect("as many as the shape"))
        }
    };
    let shift = source.int_in_range(0..=16)?;
    let tables = program.tables.len();
    let table = match source.int_in_range(0..=tables)? {
        at if at < tables => Some(TableId(at)),
        _ => None,
    };
    Ok((shape, Affine { terms, bias, shift, table }))
}
