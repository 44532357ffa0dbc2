//! Writes the sources of all verifiers that ship compiled; `node scripts/build.mjs` compiles them.
//!
//! ```text
//! cargo run -p zkml-verifier-contracts --example write_sources && node verifier-contracts/scripts/build.mjs
//! ```

use halo2_proofs::plonk::{Circuit, ConstraintSystem};
use std::{error::Error, fs, path::Path};
use zkml_circuits::machine::Profile;
use zkml_circuits::plonk::{
    Protocol, ProtocolError,
    testing::{SampleCircuit, SampleParams},
};
use zkml_verifier_contracts::{FILE, generate, profile_protocol};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/generated");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    let samples = [
        ("sample", SampleParams::default()),
        ("sample-large", SampleParams::large()),
        (
            "sample-far",
            SampleParams { phases: 2, degree: 6, far_rotation: -5, ..Default::default() },
        ),
    ];
    let mut protocols = Vec::new();
    for profile in Profile::standard() {
        protocols.push((profile.to_string(), profile_protocol(profile)?));
    }
    for (name, params) in samples {
        protocols.push((name.to_owned(), sample(params)?));
    }
    for (name, protocol) in protocols {
        let verifier = generate(&protocol)?;
        let folder = root.join(&name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(FILE), &verifier.source)?;
        eprintln!("{name}: {} multiplications in the constraints", verifier.multiplications);
    }
    Ok(())
}

fn sample(params: SampleParams) -> Result<Protocol, ProtocolError> {
    let mut cs = ConstraintSystem::default();
    SampleCircuit::configure_with_params(&mut cs, params);
    Protocol::new(&cs)
}
