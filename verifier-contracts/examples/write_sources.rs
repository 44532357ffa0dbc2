//! Writes what is generated and checked in: the sources of all verifiers that ship compiled, and the
//! fixtures of the Foundry tests. `node scripts/build.mjs` then compiles the sources.
//!
//! ```text
//! cargo run -p zkml-verifier-contracts --example write_sources && node verifier-contracts/scripts/build.mjs
//! ```

#[path = "../tests/catalogue/mod.rs"]
mod catalogue;

use std::{error::Error, fs, path::Path};
use zkml_verifier_contracts::{INTERFACE_FILE, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contracts = root.join("contracts");
    for entry in fs::read_dir(&contracts)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "sol") && !path.ends_with(INTERFACE_FILE) {
            fs::remove_file(path)?;
        }
    }
    for (name, protocol) in catalogue::protocols() {
        let verifier = generate(&protocol)?;
        fs::write(contracts.join(format!("{name}.sol")), &verifier.source)?;
        eprintln!("{name}: {} multiplications in the constraints", verifier.multiplications);
    }
    for (path, fixture) in catalogue::FIXTURES {
        fs::write(root.join(path), fixture())?;
    }
    Ok(())
}
