//! zkml within a program: from an ONNX file to a proof that a contract accepts.
//!
//! ```text
//! cargo run --release -p zkml-examples --example embed [MODEL_DIRECTORY]
//! ```
//!
//! The model of `models/mlp_digits` classifies handwritten digits. The SRS is the development one: its secret is known,
//! so use the result of a ceremony where a proof has to convince anybody.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, path::Path, time::Instant};
use zkml::{
    CompileOptions, Model, Srs,
    core::io::{Arrays, InputSpec, inputs, samples},
    solidity::{Fork, Verdict, evm_verify},
};

/// What happened.
struct Outcome {
    /// The most likely class, as the proof states it.
    prediction: usize,
    k: u32,
    setup_seconds: f64,
    prove_seconds: f64,
    verify_seconds: f64,
    proof_bytes: usize,
    /// Gas of the transaction that verifies.
    gas: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/models/mlp_digits");
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| default.into());
    let outcome = run(Path::new(&directory))?;
    println!("prediction: class {}", outcome.prediction);
    println!("machine of 2^{} rows, keys in {:.2} s", outcome.k, outcome.setup_seconds);
    println!("proof of {} bytes in {:.2} s", outcome.proof_bytes, outcome.prove_seconds);
    println!("accepted by the verifier in {:.1} ms", outcome.verify_seconds * 1e3);
    println!("accepted by the contract for {} gas", outcome.gas);
    Ok(())
}

/// Proves the example input of a model of `models/`.
fn run(directory: &Path) -> Result<Outcome, Box<dyn Error>> {
    let model = Model::from_onnx(directory.join("model.onnx"))?;
    let specs = InputSpec::of_graph(model.graph());
    let read = |name: &str| Arrays::read(&directory.join(name));

    // Ranges and scales come from samples of what the model will see.
    let calibration = samples(read("calib.npy")?, &specs, "calib.npy")?;
    let program = model.compile(&CompileOptions::default().calibrate(&calibration)?)?;

    let start = Instant::now();
    let keys = program.setup(&Srs::development(program.k())?)?;
    let setup_seconds = start.elapsed().as_secs_f64();

    let input = inputs(read("input.json")?, &specs, "input.json")?;
    let proof = keys.proving_key().prove(&input)?;

    // From here on only the verifying key and the proof are needed.
    let key = keys.verifying_key();
    let start = Instant::now();
    key.verify(&proof)?;
    let verify_seconds = start.elapsed().as_secs_f64();
    let (outcome, _) = evm_verify(key, &proof, Fork::Cancun)?;
    if let Verdict::Rejected { error } = outcome.verdict {
        return Err(format!("the contract rejects the proof: {error}").into());
    }

    let scores = proof.outputs().first().ok_or("the model has no output")?;
    let best = scores.values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let (prediction, _) = best.ok_or("the output is empty")?;
    Ok(Outcome {
        prediction,
        k: program.k(),
        setup_seconds,
        prove_seconds: proof.timings().prove_seconds,
        verify_seconds,
        proof_bytes: proof.bytes().len(),
        gas: outcome.transaction_gas,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digit_is_the_one_that_the_float_model_sees() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/mlp_digits");
        let outcome = run(&directory).unwrap();
        let model = Model::from_onnx(directory.join("model.onnx")).unwrap();
        let specs = InputSpec::of_graph(model.graph());
        let arrays = Arrays::read(&directory.join("input.json")).unwrap();
        let input = inputs(arrays, &specs, "input.json").unwrap();
        let trace = zkml::core::exec::float::run(model.graph(), &input).unwrap();
        let scores = trace.outputs()[0].data();
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        assert_eq!(outcome.prediction, best.0);
        assert!(outcome.gas > 200_000 && outcome.proof_bytes > 1000);
    }
}
