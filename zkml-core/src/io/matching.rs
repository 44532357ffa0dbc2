//! Matches the arrays of a file to the inputs of a model.

use super::{Arrays, DataError};
use crate::{
    ir::Graph,
    program::Program,
    tensor::{Shape, Tensor},
};

/// Name, shape and type of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// ONNX name.
    pub name: String,
    /// Shape.
    pub shape: Shape,
    /// Whether elements are whole numbers: token ids, or a mask of 0 and 1.
    pub integer: bool,
}

impl InputSpec {
    /// The inputs of a graph, in its order.
    pub fn of_graph(graph: &Graph) -> Vec<Self> {
        let spec = |value: &crate::ir::Value| Self {
            name: value.name.clone(),
            shape: value.shape.clone(),
            integer: value.integer,
        };
        graph.inputs().iter().map(|id| spec(graph.get(*id))).collect()
    }

    /// What is given to a program that passed [`Program::check`], in its order.
    pub fn of_program(program: &Program) -> Vec<Self> {
        let spec = |input: crate::program::Given<'_>| Self {
            name: input.name.to_owned(),
            shape: input.shape,
            integer: input.integer,
        };
        program.given().into_iter().map(spec).collect()
    }
}

/// One set of inputs in the model's order. An array has the shape of its input, up to axes of one
/// element, or is a flat list of as many elements.
///
/// # Errors
/// [`DataError`] naming `file` and the input; [`DataError::NotWhole`] for a fraction where whole numbers belong.
pub fn inputs(
    arrays: Arrays,
    specs: &[InputSpec],
    file: &str,
) -> Result<Vec<Tensor<f32>>, DataError> {
    let arrays = by_spec(arrays, specs, file)?;
    specs
        .iter()
        .zip(arrays)
        .map(|(spec, array)| {
            if !holds_one(array.shape(), &spec.shape) {
                return Err(shape_error(file, spec, "", array.shape()));
            }
            check_whole(file, spec, &array)?;
            let got = array.shape().clone();
            array.reshaped(spec.shape.clone()).map_err(|_| shape_error(file, spec, "", &got))
        })
        .collect()
}

/// Many sets of inputs: an array has a leading axis for the samples, `[N, ..shape]`, or its first
/// axis holds them all, `[N * B, ..]` for an input of `[B, ..]`; one sample without any extra axis
/// counts too. All inputs have as many samples.
///
/// # Errors
/// [`DataError`] naming `file` and the input, as [`inputs`].
pub fn samples(
    arrays: Arrays,
    specs: &[InputSpec],
    file: &str,
) -> Result<Vec<Vec<Tensor<f32>>>, DataError> {
    let arrays = by_spec(arrays, specs, file)?;
    let mut samples: Vec<Vec<Tensor<f32>>> = Vec::new();
    for (i, (spec, array)) in specs.iter().zip(arrays).enumerate() {
        let hint = " (with a leading axis for samples, or several along the first)";
        let fail = || shape_error(file, spec, hint, array.shape());
        let count = sample_count(array.shape(), &spec.shape).ok_or_else(fail)?;
        check_whole(file, spec, &array)?;
        if i == 0 {
            samples.resize_with(count, Vec::new);
        } else if count != samples.len() {
            let (name, expected) = (spec.name.clone(), samples.len());
            return Err(DataError::Samples { file: file.into(), name, expected, got: count });
        }
        let elements = array.data().chunks_exact(spec.shape.len().max(1));
        for (sample, elements) in samples.iter_mut().zip(elements) {
            sample.push(Tensor::new(spec.shape.clone(), elements.to_vec()).map_err(|_| fail())?);
        }
    }
    Ok(samples)
}

/// Class numbers, `rows` for each of `samples` samples, from one array of any shape.
///
/// # Errors
/// [`DataError::Labels`] when the count differs or an element is no class number.
pub fn labels(
    arrays: Arrays,
    samples: usize,
    rows: usize,
    file: &str,
) -> Result<Vec<Vec<usize>>, DataError> {
    let fail = |what: String| DataError::Labels { file: file.into(), what };
    let numbers = whole_numbers(arrays, "class number").map_err(fail)?;
    let (expected, got) = (samples.saturating_mul(rows), numbers.len());
    if got != expected || rows == 0 {
        return Err(fail(format!("expected {samples} x {rows} numbers, got {got}")));
    }
    Ok(numbers.chunks_exact(rows).map(<[usize]>::to_vec).collect())
}

/// Token ids of a text, from one array of any shape.
///
/// # Errors
/// [`DataError::Tokens`] when an element is no whole number from 0 on, or there are several arrays.
pub fn tokens(arrays: Arrays, file: &str) -> Result<Vec<usize>, DataError> {
    whole_numbers(arrays, "token id").map_err(|what| DataError::Tokens { file: file.into(), what })
}

/// The elements of the only array of a file.
fn whole_numbers(arrays: Arrays, what: &str) -> Result<Vec<usize>, String> {
    let array = match arrays {
        Arrays::Single(array) => array,
        Arrays::Named(mut named) if named.len() == 1 => named.swap_remove(0).1,
        Arrays::Named(named) => return Err(format!("expected one array, got {}", named.len())),
    };
    // Up to 2^24, every integer is an f32.
    let number = |v: &f32| {
        let whole = (0.0..16_777_216.0).contains(v) && v.fract() == 0.0;
        whole.then_some(*v as usize).ok_or_else(|| format!("{v} is not a {what}"))
    };
    array.data().iter().map(number).collect()
}

/// Refuses fractions for an input of whole numbers.
fn check_whole(file: &str, spec: &InputSpec, array: &Tensor<f32>) -> Result<(), DataError> {
    let fraction = |v: &f32| !v.is_finite() || v.fract() != 0.0;
    match array.data().iter().position(fraction).filter(|_| spec.integer) {
        None => Ok(()),
        Some(element) => Err(DataError::NotWhole {
            file: file.into(),
            name: spec.name.clone(),
            element,
            got: array.data()[element],
        }),
    }
}

/// The arrays in the order of the inputs.
fn by_spec(arrays: Arrays, specs: &[InputSpec], file: &str) -> Result<Vec<Tensor<f32>>, DataError> {
    let names =
        || specs.iter().map(|spec| format!("`{}`", spec.name)).collect::<Vec<_>>().join(", ");
    let named = match arrays {
        Arrays::Single(array) if specs.len() == 1 => return Ok(vec![array]),
        Arrays::Single(_) => {
            return Err(DataError::Unnamed { file: file.into(), expected: names() });
        }
        Arrays::Named(named) => named,
    };
    let mut found: Vec<Option<Tensor<f32>>> = vec![None; specs.len()];
    for (name, array) in named {
        match specs.iter().position(|spec| spec.name == name) {
            Some(i) => found[i] = Some(array),
            None => {
                return Err(DataError::UnknownInput { file: file.into(), name, expected: names() });
            }
        }
    }
    let missing =
        |spec: &InputSpec| DataError::MissingInput { file: file.into(), name: spec.name.clone() };
    specs.iter().zip(found).map(|(spec, array)| array.ok_or_else(|| missing(spec))).collect()
}

fn holds_one(array: &Shape, spec: &Shape) -> bool {
    array.len() == spec.len() && (array.rank() <= 1 || squeezed(array) == squeezed(spec))
}

fn squeezed(shape: &Shape) -> Vec<usize> {
    shape.dims().iter().copied().filter(|d| *d != 1).collect()
}

/// Number of samples that an array holds, none or not a whole number being an error.
fn sample_count(array: &Shape, spec: &Shape) -> Option<usize> {
    if array == spec {
        return Some(1);
    }
    let count = match (array.dims(), spec.dims()) {
        ([count, inner @ ..], dims) if inner == dims => *count,
        ([all, inner @ ..], [batch, rest @ ..]) if inner == rest && all % (*batch).max(1) == 0 => {
            all / (*batch).max(1)
        }
        // One sample, flat or up to axes of one element.
        _ if holds_one(array, spec) => 1,
        _ => return None,
    };
    (count > 0 && spec.len() > 0).then_some(count)
}

fn shape_error(file: &str, spec: &InputSpec, hint: &'static str, got: &Shape) -> DataError {
    DataError::Shape {
        file: file.into(),
        name: spec.name.clone(),
        expected: spec.shape.clone(),
        hint,
        got: got.clone(),
    }
}
