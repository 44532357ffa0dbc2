//! halo2-axiom's own prover on the sample circuit, as far as it goes: two phases.

use halo2_proofs::{
    plonk::{ProvingKey, create_proof, keygen_pk2},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::ProverSHPLONK,
    },
    transcript::TranscriptWrite,
};
use halo2curves::bn256::{Bn256, G1Affine};
use rand_core::OsRng;
use zkml_core::proving::Srs;

use super::{Fixture, SampleCircuit};
use crate::plonk::Challenge;

/// The SRS in halo2-axiom's form.
#[must_use]
pub fn halo2_params(srs: &Srs) -> ParamsKZG<Bn256> {
    let n = srs.n();
    // `from_parts` is a method: it needs some other string to be called on.
    ParamsKZG::setup(1, OsRng).from_parts(
        srs.k(),
        srs.monomial()[..n].to_vec(),
        Some(srs.lagrange().to_vec()),
        srs.g2(),
        srs.s_g2(),
    )
}

/// What halo2-axiom needs to prove a fixture's statement.
#[derive(Debug)]
pub struct Halo2Prover<'a> {
    fixture: &'a Fixture,
    params: ParamsKZG<Bn256>,
    key: ProvingKey<G1Affine>,
}

impl<'a> Halo2Prover<'a> {
    /// Makes the keys of the fixture's circuit anew.
    ///
    /// # Panics
    /// Never for a fixture, whose circuit has keys.
    #[must_use]
    pub fn new(fixture: &'a Fixture) -> Self {
        let params = halo2_params(&fixture.srs);
        let key = keygen_pk2(&params, &fixture.circuit, false).expect("the circuit has keys");
        Self { fixture, params, key }
    }

    /// halo2-axiom's key.
    #[must_use]
    pub fn key(&self) -> &ProvingKey<G1Affine> {
        &self.key
    }

    /// Proves the fixture's statement by `create_proof`.
    ///
    /// # Panics
    /// When the circuit has three phases.
    pub fn prove(&self, transcript: &mut impl TranscriptWrite<G1Affine, Challenge>) {
        let Fixture { circuit, key, words, .. } = self.fixture;
        let column = key.verifying_key().instance_layout().expand(words);
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, SampleCircuit>(
            &self.params,
            &self.key,
            std::slice::from_ref(circuit),
            &[&[&column]],
            OsRng,
            transcript,
        )
        .expect("the statement holds");
    }
}
