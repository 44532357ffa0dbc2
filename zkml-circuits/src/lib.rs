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

mod formal;
pub mod lint;
pub mod machine;
pub mod model;
pub mod plan;
pub mod plonk;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod witness;
