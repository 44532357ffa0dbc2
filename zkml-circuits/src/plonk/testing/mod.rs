//! A circuit that uses everything the proof system offers, for tests of all verifiers.
//!
//! ```no_run
//! # use zkml_circuits::plonk::{testing::{Fixture, SampleParams}, verify};
//! let f = Fixture::new(SampleParams::default());
//! verify(f.key.verifying_key(), &f.words, &f.proof).unwrap();
//! ```

mod backend;
mod circuit;
mod fixture;
mod halo2;
mod log;
mod witness;

pub use backend::ReferenceMsm;
pub use circuit::{SampleCircuit, SampleConfig, SampleParams};
pub use fixture::Fixture;
pub use halo2::{Halo2Prover, halo2_params};
pub use log::{TranscriptEvent, TranscriptLog, prove_from, verify_logged};
pub use witness::{SampleWitness, Tamper};
