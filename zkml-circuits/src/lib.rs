//! The proving machine of zkml: plan, gates, witness, prover, verifier.

pub mod plonk;
