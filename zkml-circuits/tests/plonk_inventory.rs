//! What enters the transcript, in which order, and that all of it counts (frozen heart).
//!
//! `data/transcript.txt` lists it for each standard profile: what prover, light verifier and halo2-axiom's
//! verifier each absorb and draw must be that, and the same bytes. `ZKML_BLESS=1` writes the file;
//! a change of it is a change of the protocol. `verifier-contracts/tests/inventory.rs` holds the
//! contracts to the same bytes.

mod machine_common;
mod plonk_common;

use std::fmt::Write as _;

use ff::PrimeField;
use halo2curves::bn256::{Fq, Fr};
use machine_common::Subject;
use plonk_common::referee_from;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha3::{Digest, Keccak256};
use zkml_circuits::{
    machine::{CircuitProfile, MachineCircuit, Profile},
    plan::Visibility,
    plonk::{
        KeccakRead, KeccakWrite, POINT_BYTES, Protocol, SCALAR_BYTES,
        testing::{TranscriptEvent, TranscriptLog, prove_from, verify_logged},
    },
    testing::mlp,
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/transcript.txt");

/// Challenges in the order they are drawn.
const CHALLENGES: [&str; 12] = [
    "rho",
    "lambda",
    "alpha",
    "beta",
    "theta",
    "beta'",
    "gamma'",
    "y",
    "x",
    "shplonk y",
    "shplonk v",
    "shplonk u",
];

/// A proven statement with the events of its proof.
struct Logged {
    subject: Subject,
    proof: Vec<u8>,
    events: Vec<TranscriptEvent>,
}

impl Logged {
    fn new(profile: Profile) -> Self {
        let subject = Subject::new(mlp(2, 3), profile, Visibility::Public);
        let log = TranscriptLog::default();
        let (mut witness, mut rng) = (subject.honest(), ChaCha20Rng::seed_from_u64(21));
        let (key, words) = (subject.key.plonk(), &subject.words);
        let transcript = KeccakWrite::logged(key.verifying_key().digest(), &log);
        let proof = prove_from(transcript, key, &subject.srs, words, &mut witness, &mut rng);
        let proof = proof.expect("fits");
        drop(witness);
        Self { proof, events: log.events(), subject }
    }

    fn all() -> Vec<Self> {
        Profile::standard().into_iter().map(Self::new).collect()
    }

    fn protocol(&self) -> &Protocol {
        self.subject.key.verifying_key().plonk().protocol()
    }

    /// Whether the light verifier accepts, and its events, whatever it says.
    fn light(&self, words: &[Fr], proof: &[u8]) -> (bool, Vec<TranscriptEvent>) {
        let log = TranscriptLog::default();
        let verdict = verify_logged(self.subject.key.verifying_key().plonk(), words, proof, &log);
        (verdict.is_ok(), log.events())
    }
}

/// Names of what is absorbed before the next challenge, and how many of each there are.
fn names(drawn: usize, protocol: &Protocol) -> Vec<(String, usize)> {
    let phase = |phase: u8| {
        let count = protocol.advice_phase.iter().filter(|p| **p == phase).count();
        (format!("advice phase{phase}"), count)
    };
    let own = |name: &str, count| (name.to_string(), count);
    match drawn {
        // All that is left: the instance column has no length of its own in a protocol.
        0 => vec![own("representative", 1), own("instance", usize::MAX), phase(0)],
        1 => vec![phase(1)],
        4 => vec![phase(2)],
        7 => vec![own("products", protocol.num_products()), own("random", 1)],
        8 => vec![own("quotient", protocol.num_quotient_pieces())],
        9 => vec![own("evaluations", protocol.num_evaluations())],
        11 => vec![own("opening h", 1)],
        12 => vec![own("opening w", 1)],
        _ => Vec::new(),
    }
}

/// One line a run of items of one kind: what, how many, bytes of all.
fn inventory(profile: Profile, protocol: &Protocol, events: &[TranscriptEvent]) -> String {
    let mut text = format!("[{profile}]\n");
    let mut line = |line: String| writeln!(text, "{line}").expect("memory");
    let sections: Vec<&[TranscriptEvent]> =
        events.split_inclusive(|e| matches!(e, TranscriptEvent::Squeeze { .. })).collect();
    for (drawn, section) in sections.into_iter().enumerate() {
        let mut items: Vec<usize> = Vec::new();
        let mut end = None;
        for event in section {
            match event {
                TranscriptEvent::Start(digest) => line(format!("init digest {}", digest.len())),
                TranscriptEvent::Absorb(bytes) => items.push(bytes.len()),
                TranscriptEvent::Squeeze { .. } => end = CHALLENGES.get(drawn),
            }
        }
        let mut rest = &items[..];
        for (name, count) in names(drawn, protocol) {
            // Scalars and points do not mix under one name.
            let size = rest.first().copied().unwrap_or(0);
            let same = rest.iter().take_while(|s| **s == size).count().min(count);
            let verb = if end.is_some() { "absorb" } else { "read" };
            line(format!("{verb} {name} x{same} {}", same * size));
            rest = &rest[same..];
        }
        assert!(rest.is_empty(), "{profile}: {} items without a name", rest.len());
        if let Some(name) = end {
            line(format!("squeeze {name}"));
        }
    }
    text
}

#[test]
fn all_transcripts_are_the_inventory() {
    let mut text = String::new();
    for logged in Logged::all() {
        let subject = &logged.subject;
        let (key, profile) = (subject.key.verifying_key().plonk(), subject.plan().rows.profile);
        if !text.is_empty() {
            text.push('\n');
        }
        text += &inventory(profile, logged.protocol(), &logged.events);
        let (accepted, light) = logged.light(&subject.words, &logged.proof);
        assert!(accepted, "{profile}");
        assert_eq!(light, logged.events, "{profile}: light verifier");
        let log = TranscriptLog::default();
        let transcript = KeccakRead::logged(key.digest(), &logged.proof, &log);
        let params = CircuitProfile(profile);
        let accepted = referee_from::<MachineCircuit<'_>>(
            transcript,
            key,
            params,
            &subject.srs,
            &subject.words,
        );
        assert!(accepted, "{profile}");
        assert_eq!(log.events(), logged.events, "{profile}: halo2-axiom's verifier");
    }
    if std::env::var_os("ZKML_BLESS").is_some() {
        std::fs::write(FILE, &text).expect("a file of the repository");
    }
    assert_eq!(text, std::fs::read_to_string(FILE).expect("ZKML_BLESS=1 writes it"));
}

/// What is absorbed is the whole statement and the whole proof: digest of the key, representative, public
/// column, then the proof's bytes.
#[test]
fn nothing_is_left_out() {
    for logged in Logged::all() {
        let key = logged.subject.key.verifying_key().plonk();
        assert_eq!(logged.events[0], TranscriptEvent::Start(key.digest()));
        let absorbed = logged.events.iter().filter_map(|event| match event {
            TranscriptEvent::Absorb(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        let column = key.instance_layout().expand(&logged.subject.words);
        let statement = [key.transcript_repr()].into_iter().chain(column);
        let mut expected: Vec<u8> =
            statement.flat_map(|s| zkml_circuits::plonk::scalar_to_bytes(&s)).collect();
        expected.extend_from_slice(&logged.proof);
        assert_eq!(absorbed.collect::<Vec<_>>().concat(), expected);
    }
}

/// The sponge of the module's prose, from a hash function alone: preimage and digest of each challenge.
fn sponge(events: &[TranscriptEvent]) -> Vec<(Vec<u8>, [u8; 32])> {
    let (mut buffer, mut fresh, mut drawn) = (Vec::new(), true, Vec::new());
    for event in events {
        match event {
            TranscriptEvent::Start(digest) => buffer = digest.to_vec(),
            TranscriptEvent::Absorb(bytes) => {
                buffer.extend_from_slice(bytes);
                fresh = true;
            }
            TranscriptEvent::Squeeze { .. } => {
                if !fresh {
                    buffer.push(1);
                }
                let digest: [u8; 32] = Keccak256::digest(&buffer).into();
                drawn.push((std::mem::replace(&mut buffer, digest.to_vec()), digest));
                fresh = false;
            }
        }
    }
    drawn
}

fn squeezed(events: &[TranscriptEvent]) -> Vec<(Vec<u8>, [u8; 32])> {
    let of = |event: &TranscriptEvent| match event {
        TranscriptEvent::Squeeze { preimage, digest } => Some((preimage.clone(), *digest)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

/// The first bit flipped of any item, the digest of the key included: challenges before it are what they
/// were, all after it are others.
#[test]
fn a_flipped_bit_changes_every_later_challenge() {
    for logged in Logged::all() {
        let honest = squeezed(&logged.events);
        assert_eq!(honest.len(), CHALLENGES.len());
        assert_eq!(sponge(&logged.events), honest, "the sponge is what its prose says");
        let mut before = 0;
        for at in 0..logged.events.len() {
            let mut events = logged.events.clone();
            match &mut events[at] {
                TranscriptEvent::Squeeze { .. } => {
                    before += 1;
                    continue;
                }
                TranscriptEvent::Start(bytes) => bytes[0] ^= 1,
                TranscriptEvent::Absorb(bytes) => bytes[0] ^= 1,
            }
            for (index, (now, then)) in sponge(&events).iter().zip(&honest).enumerate() {
                assert_eq!(now.1 == then.1, index < before, "item {at}, challenge {index}");
            }
        }
        assert_eq!(before, CHALLENGES.len());
    }
}

/// The same of the light verifier itself, as far as bytes can change that it reads: each scalar of the
/// proof by a bit, each point for its negative, each word by 1. It draws other challenges, and rejects.
#[test]
fn the_verifier_draws_other_challenges_from_other_bytes() {
    let logged = Logged::new(Profile::standard()[3]);
    let honest = squeezed(&logged.events);
    let words = &logged.subject.words;
    let compare = |what: &str, before: usize, words: &[Fr], proof: &[u8]| {
        let (accepted, events) = logged.light(words, proof);
        assert!(!accepted, "{what}");
        let got = squeezed(&events);
        assert_eq!(got.len(), honest.len(), "{what}: read to its end");
        for (index, (now, then)) in got.iter().zip(&honest).enumerate() {
            assert_eq!(now.1 == then.1, index < before, "{what}, challenge {index}");
        }
    };
    for at in 0..words.len() {
        let mut words = words.clone();
        words[at] += Fr::one();
        compare(&format!("word {at}"), 0, &words, &logged.proof);
    }
    // The proof is the tail of what is absorbed.
    let column = logged.subject.key.verifying_key().plonk().instance_layout().expand(words);
    let (mut skip, mut offset, mut before) = (1 + column.len(), 0, 0);
    for event in &logged.events {
        match event {
            TranscriptEvent::Squeeze { .. } => before += 1,
            TranscriptEvent::Absorb(_) if skip > 0 => skip -= 1,
            TranscriptEvent::Absorb(bytes) => {
                let mut proof = logged.proof.clone();
                let item = &mut proof[offset..offset + bytes.len()];
                assert_eq!(item, bytes);
                match bytes.len() {
                    SCALAR_BYTES => item[31] ^= 1,
                    POINT_BYTES => negate(&mut item[32..]),
                    other => panic!("an item of {other} bytes"),
                }
                compare(&format!("byte {offset}"), before, words, &proof);
                offset += bytes.len();
            }
            TranscriptEvent::Start(_) => {}
        }
    }
    assert_eq!(offset, logged.proof.len());
}

/// `q - y`, big-endian.
fn negate(y: &mut [u8]) {
    let mut repr = [0; 32];
    repr.copy_from_slice(y);
    repr.reverse();
    let mut repr = (-Fq::from_repr(repr).expect("canonical")).to_repr();
    repr.reverse();
    y.copy_from_slice(&repr);
}
