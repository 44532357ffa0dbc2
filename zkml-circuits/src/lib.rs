//! The proving machine of zkml: plan, gates, witness, prover, verifier.
//!
//! ```text
//! program -> plan -> lint                     an integer program laid out, and proven to mean it
//!              |
//!           machine -> plonk keys             one constraint system a profile; a model is data
//!              |           |
//! trace -> witness -> plonk prover -> plonk verifier
//! ```
//!
//! [`model`] ties these together: compiled models, their keys and proofs. [`plonk`] knows nothing
//! of machine learning, [`plan`] and [`lint`] nothing of proofs.
//!
//! Without the feature `prover` there is what a verifier needs: [`machine`], [`statement`], keys and
//! verifiers of [`plonk`] and [`model`].

#[cfg(feature = "prover")]
mod formal;
#[cfg(feature = "prover")]
pub mod lint;
pub mod machine;
pub mod model;
#[cfg(feature = "prover")]
pub mod plan;
pub mod plonk;
pub mod statement;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(feature = "prover")]
pub mod witness;
