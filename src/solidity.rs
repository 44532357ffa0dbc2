//! Solidity verifiers.

use crate::{Error, Proof, VerifyingKey};
pub use verifier_contracts::{
    ContractError, Export, Fork, Schema,
    evm::{Deployment, Outcome, Verdict},
    gas::Gas,
};
use verifier_contracts::{Example, gas};

/// Everything a dApp developer needs to deploy and call the verifier of `key`: see
/// [`Export::files`].
///
/// # Errors
/// [`Error::Contract`] when there is no contract for such a key.
pub fn export(key: &VerifyingKey) -> Result<Export, Error> {
    export_with(key, None)
}

/// [`export`], with `proof` as the example of calldata.
///
/// # Errors
/// As [`export`].
pub fn export_with(key: &VerifyingKey, proof: Option<&Proof>) -> Result<Export, Error> {
    let example = proof.map(|p| Example { proof: p.bytes(), words: p.words() });
    let profile = key.inner().profile().to_string();
    let schema = Schema::of(key.inner())?;
    Ok(verifier_contracts::export(key.inner().plonk(), &profile, Some(&schema), example)?)
}

/// Deploys key and verifier in an embedded EVM and asks the contract about `proof`.
///
/// # Errors
/// [`Error::Contract`] when no bytecode ships for the key's machine, or the EVM refuses.
pub fn evm_verify(
    key: &VerifyingKey,
    proof: &Proof,
    fork: Fork,
) -> Result<(Outcome, Deployment), Error> {
    Ok(verifier_contracts::evm::verify(key.inner().plonk(), proof.words(), proof.bytes(), fork)?)
}

/// Predicts the gas of one verification.
///
/// # Errors
/// [`Error::Contract`] when there is no contract for such a key.
pub fn predict_gas(key: &VerifyingKey, fork: Fork) -> Result<Gas, Error> {
    Ok(gas::predict_for(key.inner().plonk(), fork)?)
}
