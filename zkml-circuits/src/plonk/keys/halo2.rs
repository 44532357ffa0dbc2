//! The same key as halo2-axiom holds it: for `transcript_repr`, and for its `verify_proof`, which
//! is the referee of ours.

use halo2_proofs::{
    plonk::{self, Circuit, ConstraintSystem, permutation},
    poly::EvaluationDomain,
};
use halo2curves::bn256::{Fr, G1Affine};

use super::verifying::VerifyingKey;
use crate::plonk::domain::MAX_K;
use crate::plonk::protocol::{Protocol, ProtocolError};

/// A configured constraint system.
#[derive(Debug)]
pub(super) struct Configured {
    pub(super) cs: ConstraintSystem<Fr>,
}

impl Configured {
    pub(super) fn of<C: Circuit<Fr>>(params: C::Params) -> Self {
        let mut cs = ConstraintSystem::default();
        C::configure_with_params(&mut cs, params);
        Self { cs }
    }

    /// Largest `k` for which the field has the extended domain of halo2's quotient.
    pub(super) fn max_k(&self) -> u32 {
        let pieces = self.cs.degree().saturating_sub(1).max(1);
        MAX_K.saturating_sub(pieces.next_power_of_two().trailing_zeros())
    }

    /// halo2-axiom's key with the given commitments; `k` is at most [`Self::max_k`].
    pub(super) fn into_key(
        self,
        k: u32,
        fixed: &[G1Affine],
        permutation: &[G1Affine],
    ) -> plonk::VerifyingKey<G1Affine> {
        let degree = u32::try_from(self.cs.degree()).expect("max_k bounds the degree");
        plonk::VerifyingKey::from_parts(
            EvaluationDomain::new(degree, k),
            fixed.to_vec(),
            permutation::VerifyingKey::from_commitments(permutation.to_vec()),
            self.cs,
            Vec::new(), // no selectors: `Protocol::new` refuses them
            false,
        )
    }
}

impl Protocol {
    /// The constraint system that a circuit configures with `params`.
    ///
    /// # Errors
    /// A [`ProtocolError`] when it is outside what prover and verifiers support.
    pub fn of_circuit<C: Circuit<Fr>>(params: C::Params) -> Result<Self, ProtocolError> {
        Self::new(&Configured::of::<C>(params).cs)
    }
}

impl VerifyingKey {
    /// halo2-axiom's form of this key, for its `verify_proof`. It builds tables of 448 bytes a row.
    /// `C` and `params` must be those that the key's protocol was derived from: with others it is
    /// the key of another circuit.
    #[must_use]
    pub fn to_halo2<C: Circuit<Fr>>(&self, params: C::Params) -> plonk::VerifyingKey<G1Affine> {
        Configured::of::<C>(params).into_key(
            self.k(),
            self.fixed_commitments(),
            self.permutation_commitments(),
        )
    }
}
