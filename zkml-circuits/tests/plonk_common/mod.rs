//! Shared by the tests of the proof system: the referee.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::OnceLock;

use halo2_proofs::{
    plonk::{Circuit, verify_proof},
    poly::kzg::{
        commitment::KZGCommitmentScheme, multiopen::VerifierSHPLONK, strategy::SingleStrategy,
    },
};
use halo2curves::bn256::{Bn256, Fr};
use zkml_circuits::plonk::{
    InstanceLayout, KeccakRead, VerifyError, VerifyingKey,
    testing::{Fixture, SampleCircuit, SampleParams, halo2_params},
    verify,
};
use zkml_core::proving::Srs;

/// The honest fixture of the default circuit, made once a test binary.
pub(crate) fn honest() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| Fixture::new(SampleParams::default()))
}

/// halo2-axiom's verdict, trailing bytes refused as in our verifier.
pub(crate) fn referee(fixture: &Fixture, words: &[Fr], proof: &[u8]) -> bool {
    let key = fixture.key.verifying_key();
    referee_of::<SampleCircuit>(key, fixture.circuit.params, &fixture.srs, words, proof)
}

/// halo2-axiom's verdict on a proof for `key`, whose constraint system `C` configures.
pub(crate) fn referee_of<C: Circuit<Fr>>(
    key: &VerifyingKey,
    params: C::Params,
    srs: &Srs,
    words: &[Fr],
    proof: &[u8],
) -> bool {
    referee_from::<C>(KeccakRead::new(key.digest(), proof), key, params, srs, words)
}

/// As [`referee_of`], from a transcript that begins with the key's digest.
pub(crate) fn referee_from<C: Circuit<Fr>>(
    mut transcript: KeccakRead<'_>,
    key: &VerifyingKey,
    params: C::Params,
    srs: &Srs,
    words: &[Fr],
) -> bool {
    let halo2 = key.to_halo2::<C>(params);
    assert_eq!(halo2.transcript_repr(), key.transcript_repr());
    let params = halo2_params(srs);
    // A wrong number of words gives a column of another length.
    let layout = InstanceLayout { words: words.len(), ..key.instance_layout() };
    let column = layout.expand(words);
    let verdict = verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
        &params,
        &halo2,
        SingleStrategy::new(&params),
        &[&[&column]],
        &mut transcript,
    );
    verdict.is_ok() && transcript.finish().is_ok()
}

/// Our verdict, after making sure that the referee's is the same.
pub(crate) fn both(fixture: &Fixture, words: &[Fr], proof: &[u8]) -> Result<(), VerifyError> {
    let ours = verify(fixture.key.verifying_key(), words, proof);
    assert_eq!(ours.is_ok(), referee(fixture, words, proof), "verdicts differ: ours {ours:?}");
    ours
}
