//! Embeds zkml: an ONNX file and an input in, a verified proof and its price on Ethereum out.
//!
//! `cargo run --release -p zkml-examples --example embed [MODEL_DIRECTORY]`

use std::{error::Error, io::Write, path::PathBuf};
use zkml::{
    CompileOptions, Model, Objective, Srs,
    core::io::{Arrays, InputSpec, inputs, samples},
    solidity::{self, Fork},
};

fn main() -> Result<(), Box<dyn Error>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/models/mlp_digits");
    let directory = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| default.into()));
    let mut out = std::io::stdout().lock();

    let model = Model::from_onnx(directory.join("model.onnx"))?;
    let specs = InputSpec::of_graph(model.graph());
    let calibration = samples(Arrays::read(&directory.join("calib.npy"))?, &specs, "calib.npy")?;
    let input = inputs(Arrays::read(&directory.join("input.json"))?, &specs, "input.json")?;

    let options = CompileOptions::default().objective(Objective::Gas).calibrate(&calibration)?;
    let program = model.compile(&options)?;
    let cost = program.cost();
    writeln!(out, "predicted: k = {}, {:.2} CPU s, {} gas", cost.k, cost.prove_seconds, cost.gas)?;

    // A development SRS convinces nobody: import the result of a ceremony for anything real.
    let keys = program.setup(&Srs::development(program.k())?)?;
    let proof = keys.proving_key().prove(&input)?;
    keys.verifying_key().verify(&proof)?;
    for output in proof.outputs() {
        writeln!(out, "{} = {:?}", output.name, output.values)?;
    }
    let seconds = proof.timings().prove_seconds;
    writeln!(out, "proof of {} bytes in {seconds:.2} s: accepted", proof.bytes().len())?;

    let (outcome, deployment) = solidity::evm_verify(keys.verifying_key(), &proof, Fork::Cancun)?;
    writeln!(
        out,
        "contract of {} bytes: {:?}, {} gas",
        deployment.runtime_bytes, outcome.verdict, outcome.transaction_gas
    )?;
    Ok(())
}
