//! The proving machine of zkml: plan, gates, witness, prover, verifier.

pub mod lint;
pub mod machine;
pub mod model;
pub mod plan;
pub mod plonk;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod witness;
