//! Constraint systems of the machine's profiles.

use crate::error::ContractError;
use zkml_circuits::{machine::Profile, model, plonk::Protocol};

/// The constraint system of all models of `profile`.
///
/// # Errors
/// [`ContractError::Protocol`] when the machine uses what the proof system does not support, which
/// would be a bug.
pub fn profile_protocol(profile: Profile) -> Result<Protocol, ContractError> {
    model::protocol(profile).map_err(|e| ContractError::Protocol(format!("profile {profile}: {e}")))
}
