//! Our prover against halo2-axiom's `create_proof` on a circuit of two phases: what must be equal.

mod plonk_common;

use std::{collections::HashSet, io};

use halo2_proofs::{
    plonk::verify_proof,
    poly::kzg::{
        commitment::KZGCommitmentScheme, multiopen::VerifierSHPLONK, strategy::SingleStrategy,
    },
    transcript::{Transcript, TranscriptRead, TranscriptWrite},
};
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use plonk_common::both;
use zkml_circuits::plonk::{
    Challenge, KeccakRead, KeccakWrite,
    testing::{Fixture, Halo2Prover, SampleCircuit, SampleParams, halo2_params},
};

/// What a transcript was used for; in the proof or not, points and scalars without their values.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Absorbed(Fr),
    Point,
    Scalar,
    Challenge,
}

/// A transcript that writes down its use.
struct Recorder<T> {
    inner: T,
    events: Vec<Event>,
}

impl<T> Recorder<T> {
    fn new(inner: T) -> Self {
        Self { inner, events: Vec::new() }
    }
}

impl<T: Transcript<G1Affine, Challenge>> Transcript<G1Affine, Challenge> for Recorder<T> {
    fn squeeze_challenge(&mut self) -> Challenge {
        self.events.push(Event::Challenge);
        self.inner.squeeze_challenge()
    }

    fn common_point(&mut self, _: G1Affine) -> io::Result<()> {
        Err(io::Error::other("all points are in the proof"))
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.events.push(Event::Absorbed(scalar));
        self.inner.common_scalar(scalar)
    }
}

impl<T: TranscriptWrite<G1Affine, Challenge>> TranscriptWrite<G1Affine, Challenge> for Recorder<T> {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.events.push(Event::Point);
        self.inner.write_point(point)
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.events.push(Event::Scalar);
        self.inner.write_scalar(scalar)
    }
}

impl<T: TranscriptRead<G1Affine, Challenge>> TranscriptRead<G1Affine, Challenge> for Recorder<T> {
    fn read_point(&mut self) -> io::Result<G1Affine> {
        self.events.push(Event::Point);
        self.inner.read_point()
    }

    fn read_scalar(&mut self) -> io::Result<Fr> {
        self.events.push(Event::Scalar);
        self.inner.read_scalar()
    }
}

/// What halo2-axiom's verifier does when it accepts `proof`.
fn reading(fixture: &Fixture, proof: &[u8]) -> Vec<Event> {
    let key = fixture.key.verifying_key();
    let halo2 = key.to_halo2::<SampleCircuit>(fixture.circuit.params);
    let params = halo2_params(&fixture.srs);
    let column = key.instance_layout().expand(&fixture.words);
    let mut transcript = Recorder::new(KeccakRead::new(key.digest(), proof));
    verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
        &params,
        &halo2,
        SingleStrategy::new(&params),
        &[&[&column]],
        &mut transcript,
    )
    .expect("the proof is accepted");
    transcript.inner.finish().expect("and read to its end");
    transcript.events
}

#[test]
fn both_provers_do_the_same() {
    for params in [
        SampleParams { phases: 2, ..SampleParams::default() },
        SampleParams { phases: 2, lanes: 6, degree: 6, words: 0, ..SampleParams::default() },
        SampleParams { phases: 2, lanes: 6, k: 8, stride: 1, words: 9, ..SampleParams::default() },
    ] {
        let fixture = Fixture::new(params);
        let halo2 = Halo2Prover::new(&fixture);
        let ours = fixture.key.verifying_key();
        let theirs = halo2.key().get_vk();
        assert_eq!(theirs.transcript_repr(), ours.transcript_repr());
        assert_eq!(theirs.fixed_commitments(), ours.fixed_commitments());
        assert_eq!(theirs.permutation().commitments(), ours.permutation_commitments());

        let mut transcript = Recorder::new(KeccakWrite::new(ours.digest()));
        halo2.prove(&mut transcript);
        let (proof, events) = (transcript.inner.finish(), transcript.events);
        assert_eq!(both(&fixture, &fixture.words, &proof), Ok(()), "{params:?}");
        assert_eq!(both(&fixture, &fixture.words, &fixture.proof), Ok(()), "{params:?}");

        // The order of points, scalars and challenges, and everything absorbed: the key's
        // representative, then the public words.
        assert_eq!(reading(&fixture, &fixture.proof), events, "{params:?}");
        let absorbed: Vec<Fr> = events
            .iter()
            .filter_map(|event| match event {
                Event::Absorbed(scalar) => Some(*scalar),
                _ => None,
            })
            .collect();
        let column = ours.instance_layout().expand(&fixture.words);
        assert_eq!(absorbed, [vec![ours.transcript_repr()], column].concat(), "{params:?}");
        assert_eq!(proof.len(), fixture.proof.len());

        // Everything else is blinded: nothing but evaluations of constant columns is shared.
        let words: HashSet<&[u8]> = proof.chunks(32).collect();
        let shared = fixture.proof.chunks(32).filter(|word| words.contains(word)).count();
        assert!(shared <= 1, "{shared} words of {params:?}");
    }
}
