//! Lies about one element of a run, with all that follows computed from it as the program says.
//!
//! Such a lie breaks the definition of that element and nothing else: whatever accepts it does not
//! bind the element.

use std::collections::BTreeSet;

use zkml_core::{
    exec::integer::{Cells, Trace, run},
    program::{Affine, Bits, Program, Step, Table, TableId, TensorId, Term, View},
    tensor::Tensor,
};

/// The cells of one element: `x`, `r`, and `y` if the tensor has a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lie {
    pub(crate) tensor: TensorId,
    pub(crate) element: usize,
    pub(crate) x: i32,
    pub(crate) r: i32,
    pub(crate) y: Option<i32>,
}

impl Lie {
    /// `x + dx` with the remainder as it is and the function's value there; none beyond the range.
    pub(crate) fn step(
        program: &Program,
        trace: &Trace,
        tensor: TensorId,
        element: usize,
        dx: i32,
    ) -> Option<Self> {
        let (stored, cells) = (&program.tensors[tensor.0], &trace.tensors[tensor.0]);
        let x = cells.x[element] + dx;
        let table = match &stored.step {
            Step::Affine(affine) => affine.table.map(|t| &program.tables[t.0]),
            _ => None,
        };
        if !stored.bits.contains(x.into()) {
            return None;
        }
        let y = match table {
            // Tables hold values of 32 bits.
            Some(table) => Some(table.get(x.into())? as i32),
            None => None,
        };
        Some(Self { tensor, element, x, r: cells.r.get(element).copied().unwrap_or(0), y })
    }

    /// The element as it is, but for the remainder, moved by `dr`, and `x`, by `dx`.
    pub(crate) fn shifted(self, dx: i32, dr: i32) -> Self {
        Self { x: self.x + dx, r: self.r + dr, ..self }
    }

    /// The run after the lie: later tensors are computed from it. None if one leaves its range.
    pub(crate) fn carried(self, program: &Program, trace: &Trace) -> Option<Trace> {
        carried(program, trace, &[self])
    }

    fn put(self, cells: &mut Cells) {
        cells.x[self.element] = self.x;
        if let Some(r) = cells.r.get_mut(self.element) {
            *r = self.r;
        }
        if let Some(y) = self.y {
            cells.y[self.element] = y;
        }
    }
}

/// The run after several lies: what they do not say is computed from what they say. None if something
/// leaves its range.
pub(crate) fn carried(program: &Program, trace: &Trace, lies: &[Lie]) -> Option<Trace> {
    let tensors: BTreeSet<TensorId> = lies.iter().map(|lie| lie.tensor).collect();
    let (mut rest, mut after) = (program.clone(), trace.clone());
    let mut given: Vec<(TensorId, Cells)> = Vec::new();
    for tensor in tensors {
        let of_tensor = lies.iter().filter(|lie| lie.tensor == tensor);
        of_tensor.for_each(|lie| lie.put(&mut after.tensors[tensor.0]));
        let cells = after.tensors[tensor.0].clone();
        give(&mut rest, tensor, cells.values());
        given.push((tensor, cells));
        if !program.tensors.iter().any(|other| reads(&other.step, tensor)) {
            continue;
        }
        after = run(&rest, &inputs_of(&rest, &after)).ok()?;
        for (tensor, cells) in &given {
            after.tensors[tensor.0] = cells.clone();
        }
    }
    Some(after)
}

/// The inputs of a run.
pub(super) fn inputs_of(program: &Program, trace: &Trace) -> Vec<Tensor<i64>> {
    let of = |tensor: TensorId| {
        let values = trace.tensors[tensor.0].x.iter().map(|v| i64::from(*v)).collect();
        let shape = program.tensors[tensor.0].shape.clone();
        Tensor::new(shape, values).expect("as many as the shape")
    };
    program.inputs.iter().map(|input| of(input.tensor)).collect()
}

/// Makes a tensor one of the values given, whatever it was: element `i` is entry `i` of a table of its own,
/// since an input has 16 bits and values of tables have 32.
fn give(rest: &mut Program, tensor: TensorId, values: &[i32]) {
    let stored = &mut rest.tensors[tensor.0];
    stored.bits = Bits::WIDEST;
    if matches!(stored.step, Step::Input(_)) {
        return;
    }
    // Another domain than that of any table before, for no two may be the same.
    let first = i32::from(i16::MIN) + rest.tables.len() as i32;
    let zero = Term::Scale {
        view: View {
            tensor: TensorId(0),
            shape: stored.shape.clone(),
            index: Some(vec![View::HOLE; values.len()]),
        },
        factor: Tensor::scalar(0),
    };
    let places = (0..values.len() as i64).map(|place| i64::from(first) + place).collect();
    let places = Tensor::new(stored.shape.clone(), places).expect("as many as the shape");
    let table = TableId(rest.tables.len());
    stored.step = Step::Affine(Affine::new(vec![zero]).bias(places).table(table));
    let name = format!("given {}", tensor.0);
    rest.tables.push(Table { name, first, values: values.to_vec() });
    // Wide values are no digits.
    let public = values.iter().all(|v| i16::try_from(*v).is_ok());
    rest.outputs.retain(|output| public || output.view.tensor != tensor);
}

fn reads(step: &Step, tensor: TensorId) -> bool {
    match step {
        Step::Affine(affine) => {
            affine.terms.iter().flat_map(Term::views).any(|view| view.tensor == tensor)
        }
        _ => false,
    }
}
