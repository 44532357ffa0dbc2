//! The integer executor: **the specification** of a compiled model.
//!
//! For each stored tensor, in order,
//!
//! ```text
//! c = sum of terms + bias          exact, 64 bits suffice by the static bound
//! c = 2^s x + r - 2^(s-1),         0 <= r < 2^s         (s = 0: x = c, r = 0)
//! y = table[x]
//! ```
//!
//! which has exactly one solution `(x, r)`; an `x` outside the tensor's range or its table's domain
//! is an error, never a saturation.

mod matmul;

use self::matmul::matmul_add;
use super::{ExecError, spatial::correlate_add};
use crate::{
    program::{
        Affine, Bounds, Given, InputDecl, Program, Scale, Step, StoredTensor, Table, Term, View,
    },
    tensor::{Shape, Tensor},
};
use std::borrow::Cow;

/// All cells of one stored tensor, in stored order: the circuit's witness is built from these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// Re-quantised values, or the input itself.
    pub x: Vec<i32>,
    /// Remainders, `0 <= r < 2^s`; all zero when `s = 0` and for inputs. As many as `x`.
    pub r: Vec<i32>,
    /// Table values `f(x)`; empty when the tensor has no table.
    pub y: Vec<i32>,
}

impl Cells {
    /// What later steps read: `y` if there is a table, else `x`.
    pub fn values(&self) -> &[i32] {
        if self.y.is_empty() { &self.x } else { &self.y }
    }
}

/// The cells of every stored tensor of a run, indexed by [`crate::program::TensorId`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// By [`crate::program::TensorId`].
    pub tensors: Vec<Cells>,
}

impl Trace {
    /// The integers a view reads, in the view's order.
    ///
    /// # Panics
    /// If the view is not one of the program that ran.
    pub fn view(&self, view: &View) -> Tensor<i64> {
        let data = self.read(view).iter().map(|v| i64::from(*v)).collect();
        Tensor::new(view.shape.clone(), data).expect("one element for each of the shape")
    }

    /// The numbers that a view of `program`, the program that ran, stands for: `v * 2^-scale`.
    ///
    /// # Panics
    /// As [`Self::view`].
    pub fn real(&self, program: &Program, view: &View) -> Tensor<f64> {
        dequantize(&self.view(view), program.tensors[view.tensor.0].scale)
    }

    /// The values a view reads, in its order.
    fn read(&self, view: &View) -> Cow<'_, [i32]> {
        let values = self.tensors[view.tensor.0].values();
        match &view.index {
            None => Cow::Borrowed(values),
            Some(_) => {
                let value = |i| view.element(i).map_or(0, |at| values[at]);
                Cow::Owned((0..view.shape.len()).map(value).collect())
            }
        }
    }

    /// The integer outputs of `program`, the program that ran, in its order.
    pub fn outputs(&self, program: &Program) -> Vec<Tensor<i64>> {
        program.outputs.iter().map(|output| self.view(&output.view)).collect()
    }

    /// The outputs as real numbers, `v * 2^-scale`.
    pub fn real_outputs(&self, program: &Program) -> Vec<Tensor<f64>> {
        program.outputs.iter().map(|output| self.real(program, &output.view)).collect()
    }
}

/// A program found well-formed and free of overflow, ready to run many times.
#[derive(Clone, Debug)]
pub struct Executor<'p> {
    program: &'p Program,
    bounds: Bounds,
}

/// Runs `program` once on integer inputs in its order. See [`Executor::run`].
///
/// # Errors
/// As [`Executor::new`] and [`Executor::run`].
pub fn run(program: &Program, inputs: &[Tensor<i64>]) -> Result<Trace, ExecError> {
    Executor::new(program)?.run(inputs)
}

impl<'p> Executor<'p> {
    /// Checks the program and bounds its accumulators.
    ///
    /// # Errors
    /// [`ExecError::Program`] when it is malformed, [`ExecError::Bound`] when it might overflow.
    pub fn new(program: &'p Program) -> Result<Self, ExecError> {
        program.check()?;
        Ok(Self { program, bounds: Bounds::new(program)? })
    }

    /// The worst case of every accumulator.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Runs the program on integer inputs.
    ///
    /// # Errors
    /// Number, shape or range of an input; an activation out of its range, naming node, element,
    /// value and range.
    pub fn run(&self, inputs: &[Tensor<i64>]) -> Result<Trace, ExecError> {
        check_count(self.program.inputs.len(), inputs.len())?;
        let mut trace = Trace { tensors: Vec::with_capacity(self.program.tensors.len()) };
        for tensor in &self.program.tensors {
            let cells = match &tensor.step {
                Step::Input(i) => input_cells(&self.program.inputs[*i].name, tensor, &inputs[*i])?,
                Step::Affine(affine) => self.affine_cells(tensor, affine, &trace)?,
            };
            trace.tensors.push(cells);
        }
        Ok(trace)
    }

    /// Runs the program on real inputs, quantised first.
    ///
    /// # Errors
    /// As [`quantize_inputs`] and [`Self::run`].
    pub fn run_real(&self, inputs: &[Tensor<f32>]) -> Result<Trace, ExecError> {
        self.run(&quantize_inputs(self.program, inputs)?)
    }

    fn affine_cells(
        &self,
        tensor: &StoredTensor,
        affine: &Affine,
        trace: &Trace,
    ) -> Result<Cells, ExecError> {
        let sums = accumulate(tensor, affine, trace);
        let table = affine.table.map(|id| &self.program.tables[id.0]);
        let mut cells = Cells::default();
        for (element, c) in sums.into_iter().enumerate() {
            let (x, r) = requantize(c, affine.shift);
            let y = match table {
                Some(table) => table.get(x),
                None => tensor.bits.contains(x).then_some(x),
            };
            let Some(y) = y else {
                let bits = tensor.bits;
                let (min, max) = table.map_or(bits.min()..=bits.max(), Table::domain).into_inner();
                let (origin, value) = (tensor.origin.clone(), x);
                return Err(ExecError::OutOfRange { origin, element, value, min, max });
            };
            // x fits 16 signed bits, r 16 unsigned ones, y the 32 of a table's value.
            cells.x.push(x as i32);
            cells.r.push(r as i32);
            if table.is_some() {
                cells.y.push(y as i32);
            }
        }
        Ok(cells)
    }
}

/// The only `(x, r)` with `c = 2^s x + r - 2^(s-1)` and `0 <= r < 2^s`; `(c, 0)` for `s = 0`.
///
/// `|c| < 2^62` and `s <= 16`.
pub fn requantize(c: i64, shift: u8) -> (i64, i64) {
    let half = (1i64 << shift) >> 1;
    // Arithmetic shift: rounds towards minus infinity, so ties go up for either sign.
    let x = (c + half) >> shift;
    (x, c + half - (x << shift))
}

/// Quantises real inputs, in the order of [`Program::given`]: `round half up(v * 2^scale)`. The result has
/// a tensor for each input of the program.
///
/// # Errors
/// Number or shape of the inputs; an element that is not finite or outside the input's range.
pub fn quantize_inputs(
    program: &Program,
    inputs: &[Tensor<f32>],
) -> Result<Vec<Tensor<i64>>, ExecError> {
    let given = program.given();
    check_count(given.len(), inputs.len())?;
    let parts = given.iter().zip(inputs).flat_map(|(given, input)| {
        given.parts.iter().map(move |part| quantize_input(program, (given, part), input))
    });
    parts.collect()
}

/// The integer nearest to `value * 2^scale`, halves up.
pub fn quantize(value: f64, scale: Scale) -> f64 {
    (libm::ldexp(value, scale.0) + 0.5).floor()
}

/// The real numbers `v * 2^-scale`.
pub fn dequantize(tensor: &Tensor<i64>, scale: Scale) -> Tensor<f64> {
    let unit = scale.unit();
    tensor.map(|v| *v as f64 * unit)
}

fn quantize_input(
    program: &Program,
    (given, decl): (&Given<'_>, &InputDecl),
    input: &Tensor<f32>,
) -> Result<Tensor<i64>, ExecError> {
    let (name, tensor) = (given.name, &program.tensors[decl.tensor.0]);
    check_shape(name, &given.shape, input)?;
    let width = given.shape.dims().last().copied().unwrap_or(1).max(1);
    let taken: Vec<usize> = match decl.columns() {
        [] => (0..input.data().len()).collect(),
        columns => {
            let row = |row| columns.iter().map(move |column| row * width + *column as usize);
            (0..input.data().len() / width).flat_map(row).collect()
        }
    };
    for &element in &taken {
        let value = f64::from(input.data()[element]);
        if !value.is_finite() {
            return Err(ExecError::InputNotFinite { name: name.into(), element });
        }
        if given.integer && value.fract() != 0.0 {
            let (name, value) = (name.into(), value as f32);
            return Err(ExecError::InputNotWhole { name, element, value });
        }
        let (min, max) = (tensor.bits.min() as f64, tensor.bits.max() as f64);
        if !(min..=max).contains(&quantize(value, tensor.scale)) {
            let (min, max) = (min * tensor.scale.unit(), max * tensor.scale.unit());
            return Err(ExecError::InputRange { name: name.into(), element, value, min, max });
        }
    }
    let integer = |at: &usize| quantize(f64::from(input.data()[*at]), tensor.scale) as i64;
    let integers = taken.iter().map(integer).collect();
    Ok(Tensor::new(tensor.shape.clone(), integers).expect("as many as the part has"))
}

fn input_cells(name: &str, tensor: &StoredTensor, input: &Tensor<i64>) -> Result<Cells, ExecError> {
    check_shape(name, &tensor.shape, input)?;
    if let Some(element) = input.data().iter().position(|v| !tensor.bits.contains(*v)) {
        return Err(ExecError::InputRange {
            name: name.into(),
            element,
            value: input.data()[element] as f64,
            min: tensor.bits.min() as f64,
            max: tensor.bits.max() as f64,
        });
    }
    // In range, so 16 bits.
    let x: Vec<i32> = input.data().iter().map(|v| *v as i32).collect();
    Ok(Cells { r: vec![0; x.len()], x, y: Vec::new() })
}

/// The accumulators `c` of a step, in stored order.
fn accumulate(tensor: &StoredTensor, affine: &Affine, trace: &Trace) -> Vec<i64> {
    let len = tensor.shape.len();
    let mut sums = match &affine.bias {
        Some(bias) if bias.shape().rank() > 0 => bias.data().to_vec(),
        Some(bias) => vec![bias.data()[0]; len],
        None => vec![0; len],
    };
    for term in &affine.terms {
        match term {
            Term::Contract { view, weight } => {
                let values = trace.read(view);
                let (inner, columns) = (weight.shape().dims()[0], weight.shape().dims()[1]);
                matmul_add(&mut sums, (&values, weight.data()), (1, inner, columns));
            }
            Term::Correlate { view, weight, window, groups } => {
                let view = trace.view(view);
                correlate_add(&mut sums, &view, weight, (window, *groups), |a, w| a * i64::from(w));
            }
            Term::Product { left, right, factor } => {
                let (a, b) = (trace.read(left), trace.read(right));
                let &[batch, inner, columns] = right.shape.dims() else { continue };
                let mut products = vec![0; len];
                matmul_add(&mut products, (&a, &b), (batch, inner, columns));
                for (sum, product) in sums.iter_mut().zip(products) {
                    *sum += i64::from(*factor) * product;
                }
            }
            Term::Scale { view, factor } => {
                let values = trace.read(view);
                let factors = factor.data().iter().cycle().map(|f| i64::from(*f));
                for ((sum, v), f) in sums.iter_mut().zip(&*values).zip(factors) {
                    *sum += i64::from(*v) * f;
                }
            }
        }
    }
    sums
}

fn check_count(expected: usize, got: usize) -> Result<(), ExecError> {
    if expected == got { Ok(()) } else { Err(ExecError::InputCount { expected, got }) }
}

fn check_shape<T>(name: &str, shape: &Shape, input: &Tensor<T>) -> Result<(), ExecError> {
    if input.shape() == shape {
        return Ok(());
    }
    Err(ExecError::InputShape {
        name: name.into(),
        expected: shape.clone(),
        got: input.shape().clone(),
    })
}

#[cfg(test)]
mod tests;
