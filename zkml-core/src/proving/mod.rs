//! Proving primitives that know nothing of machine learning: SRS, MSM.

mod msm;

pub use msm::{MsmBackend, MsmError, Scalars};
