//! What becomes of a case.
//!
//! * *float*: the float executor's outputs are the expected ones, `|got - y| <= 1e-7 + 1e-3 |y|`, the
//!   suite's own tolerance;
//! * *integer*: compiled to integers with activations of [`BITS`] bits, calibrated on the case's own
//!   input, the integer executor's outputs are those of the float executor within
//!   `TOLERANCE * max |y|`, the greatest over the elements of the output.

use zkml_core::{
    exec::{ExecError, float, integer::Executor},
    onnx::{ImportError, ImportOptions, from_bytes},
    quant::{CalibrationOptions, QuantError, calibrate, compile},
    tensor::Tensor,
};

use crate::{
    case::{Bound, Case},
    parameters,
};

/// Width of activations.
pub(crate) const BITS: u8 = 12;

/// Least width of weights.
pub(crate) const WEIGHT_BITS: u8 = 9;

/// Largest shift.
pub(crate) const MAX_SHIFT: u8 = 14;

/// Error of the integer executor, as a share of an output's greatest magnitude.
pub(crate) const TOLERANCE: f64 = 1.0 / 64.0;

/// What became of a case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The float executor is right.
    Passes {
        /// It is about constants: nothing depends on an input.
        constant: bool,
        /// Why there is no integer program that is right.
        integer: Option<String>,
    },
    /// The model is refused, with this code.
    Refused(String),
    /// It runs, and its result is not the expected one.
    Wrong(String),
}

/// `op` is the operator whose inputs the case has.
pub(crate) fn of(case: &Case, op: &str) -> Verdict {
    let count = case.model.graph.as_ref().map_or(0, |graph| graph.input.len());
    let data = parameters::data(op, count, case.holds_integers());
    let bound = match case.bind(&data, data.is_empty()) {
        Ok(bound) => bound,
        Err(what) => return Verdict::Refused(what),
    };
    match judge(&bound, data.is_empty()) {
        // The result is a constant although there is an input: a shape, for example.
        Verdict::Refused(code) if code == CONSTANT => {
            let bound = case.bind(&[], true).expect("as before");
            judge(&bound, true)
        }
        verdict => verdict,
    }
}

const CONSTANT: &str = "unsupported/output";

fn judge(bound: &Bound, constant: bool) -> Verdict {
    let imported = match from_bytes(&bound.model, None, &ImportOptions::default()) {
        Ok(imported) => imported,
        Err(error) => return Verdict::Refused(code(&error)),
    };
    let graph = imported.graph;
    let trace = match float::run(&graph, &bound.inputs) {
        Ok(trace) => trace,
        // Infinities and NaN, in the data or on the way, are no numbers of a proof.
        Err(error @ (ExecError::InputNotFinite { .. } | ExecError::NotFinite { .. })) => {
            return Verdict::Refused(variant(&error, "run"));
        }
        Err(error) => return Verdict::Wrong(error.to_string()),
    };
    let outputs: Vec<Tensor<f64>> =
        trace.outputs().iter().map(|tensor| tensor.map(|v| f64::from(*v))).collect();
    if outputs.len() != bound.expected.len() {
        return Verdict::Wrong(format!("{} outputs", outputs.len()));
    }
    for (got, expected) in outputs.iter().zip(&bound.expected) {
        if let Err(what) = compare(got, expected, |y| 1e-7 + 1e-3 * y.abs()) {
            return Verdict::Wrong(format!("float: {what}"));
        }
    }
    let options = CalibrationOptions {
        bits: BITS,
        weight_bits: WEIGHT_BITS,
        max_shift: MAX_SHIFT,
        ..CalibrationOptions::default()
    };
    let samples = [bound.inputs.clone()];
    let integer = calibrate(&graph, &samples, &options)
        .and_then(|settings| compile(&graph, &settings))
        .map_err(|error| quantiser_code(&error))
        .and_then(|program| {
            let executor = Executor::new(&program).map_err(|error| variant(&error, "run"))?;
            let trace = executor.run_real(&bound.inputs).map_err(|error| variant(&error, "run"))?;
            Ok(trace.real_outputs(&program))
        })
        .and_then(|got| {
            for (got, expected) in got.iter().zip(&outputs) {
                let most = expected.data().iter().fold(0.0, |most: f64, y| most.max(y.abs()));
                compare(got, expected, |_| TOLERANCE * most).map_err(|_| "inexact".to_owned())?;
            }
            Ok(())
        });
    Verdict::Passes { constant, integer: integer.err() }
}

fn compare(
    got: &Tensor<f64>,
    expected: &Tensor<f64>,
    tolerance: impl Fn(f64) -> f64,
) -> Result<(), String> {
    if got.shape() != expected.shape() {
        return Err(format!("shape {}, expected {}", got.shape(), expected.shape()));
    }
    for (i, (got, expected)) in got.data().iter().zip(expected.data()).enumerate() {
        let close = (got - expected).abs() <= tolerance(*expected); // not of NaN
        if !close {
            return Err(format!("element {i} is {got}, expected {expected}"));
        }
    }
    Ok(())
}

/// What lists call an error.
fn code(error: &ImportError) -> String {
    match error {
        ImportError::Unsupported(items) => {
            let item = &items[0];
            let domain =
                if item.domain.is_empty() { String::new() } else { format!("{}.", item.domain) };
            match &item.attribute {
                Some(attribute) => format!("unsupported/{domain}{}/{attribute}", item.op),
                None => format!("unsupported/{domain}{}", item.op),
            }
        }
        other => variant(other, "invalid"),
    }
}

fn quantiser_code(error: &QuantError) -> String {
    match error {
        QuantError::Unsupported { origin, .. } => format!("quant/Unsupported/{}", origin.op),
        QuantError::Sample { source, .. } => variant(source, "sample"),
        other => variant(other, "quant"),
    }
}

/// The name of an error's variant.
fn variant(error: &impl std::fmt::Debug, stage: &str) -> String {
    let debug = format!("{error:?}");
    let name = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    format!("{stage}/{name}")
}
