//! The machine: one constraint system for all models of a profile.
//!
//! Rows come in groups; a group holds `W` lanes of small integers (phase 1), the fingerprint units
//! that read them, and a few steps of the vector unit (phase 3). What a group does is data in
//! fixed columns, written by `plan` and checked by `lint`.
//!
//! | phase | free witness committed | then drawn |
//! |---|---|---|
//! | 1 | lanes `x r y`, scalars `p`, multiplicities `m` | `rho` |
//! | 2 | junk `j` | `lambda, alpha, beta` |
//! | 3 | nothing free: units `U1 U2 U4`, vector `A B Z`, logUp `h g S` | halo2's own |

#[cfg(feature = "prover")]
mod circuit;
mod columns;
mod gates;
mod profile;

#[cfg(feature = "prover")]
pub use circuit::{CircuitProfile, MachineCircuit};
pub use columns::{Challenges, Control, MachineColumns, Role, TableColumns, Unit, VectorControl};
pub use gates::{DEGREE, configure};
pub use profile::{Profile, ProfileError};
