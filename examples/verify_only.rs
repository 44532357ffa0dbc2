//! Only verifies: a verifying key and a proof file in, a verdict out. Needs no model and no SRS.
//!
//! `cargo run --release -p zkml-examples --example verify_only -- model.vk proof.json`

use std::{error::Error, io::Write, process::ExitCode};
use zkml::{Proof, VerifyingKey};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(key), Some(proof)) = (arguments.next(), arguments.next()) else {
        writeln!(std::io::stderr(), "usage: verify_only model.vk proof.json")?;
        return Ok(ExitCode::from(2));
    };
    let key = VerifyingKey::from_bytes(&std::fs::read(key)?)?;
    let proof = Proof::from_json(&std::fs::read(proof)?)?;
    let mut out = std::io::stdout().lock();
    if key.is_insecure() {
        writeln!(out, "INSECURE: the key was made with an SRS whose secret somebody may know")?;
    }
    // The outputs mean something only after the proof is accepted.
    match key.verify(&proof) {
        Ok(()) => {
            for output in proof.outputs() {
                writeln!(out, "{} = {:?}", output.name, output.values)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            writeln!(out, "rejected: {error}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}
