//! Constraint systems of the machine's profiles.

use crate::error::ContractError;
use halo2_proofs::plonk::ConstraintSystem;
use zkml_circuits::{
    machine::{Profile, configure},
    plonk::Protocol,
};

/// The constraint system of all models of `profile`.
///
/// # Errors
/// [`ContractError::Protocol`] when the machine uses what the proof system does not support, which
/// would be a bug.
pub fn profile_protocol(profile: Profile) -> Result<Protocol, ContractError> {
    let mut cs = ConstraintSystem::default();
    configure(&mut cs, profile);
    Protocol::new(&cs).map_err(|e| ContractError::Protocol(format!("profile {profile}: {e}")))
}
