//! The integer program against onnxruntime.

use super::file;
use crate::{exit::CliError, load};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use zkml::core::{exec::integer::Executor, io::InputSpec};

/// Share of samples whose largest output is onnxruntime's, and the largest difference; `None`
/// without reference outputs.
pub(super) fn agreement(directory: &Path, zkc: &Path) -> Result<Option<Value>, CliError> {
    let pairs = [("samples", "expected.npy"), ("calib", "calib_out.npy")];
    let pair = pairs.map(|(samples, expected)| {
        let samples = PathBuf::from(file(directory, samples, &["npy", "npz"]));
        (samples, directory.join(expected))
    });
    let Some((samples, expected)) = pair.iter().find(|(s, e)| s.exists() && e.exists()) else {
        return Ok(None);
    };
    let program = load::program(zkc)?;
    let program = program.compiled().program();
    let samples = load::sample_sets(samples, &InputSpec::of_program(program))?;
    let [output] = &program.outputs[..] else { return Ok(None) };
    let spec =
        [InputSpec { name: output.name.clone(), shape: output.view.shape.clone(), integer: false }];
    let expected = load::sample_sets(expected, &spec)?;
    let executor = Executor::new(program)?;
    let classes = output.view.shape.dims().last().copied().unwrap_or(1).max(1);
    let (mut equal, mut rows, mut error) = (0usize, 0usize, 0f64);
    for (input, expected) in samples.iter().zip(&expected) {
        let trace = executor.run_real(input)?;
        let (got, want) = (trace.real_outputs(program), &expected[0]);
        for (got, want) in got[0].data().chunks(classes).zip(want.data().chunks(classes)) {
            let want: Vec<f64> = want.iter().map(|v| f64::from(*v)).collect();
            equal += usize::from(largest(got) == largest(&want));
            rows += 1;
            error = got.iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(error, f64::max);
        }
    }
    Ok(Some(json!({ "equal": equal, "of": rows, "max_error": error })))
}

fn largest(values: &[f64]) -> Option<usize> {
    let best = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    best.map(|(index, _)| index)
}
