//! Golden proofs: of each standard profile a key, public words and a proof that are checked in
//! under `golden/` and must be accepted for as long as nobody says in CHANGELOG.md that they are
//! not. Every bit in them counts. `ZKML_BLESS=1` writes them anew; golden/README.md says when.

mod machine_common;
mod plonk_common;

use halo2curves::bn256::Fr;
use machine_common::{Subject, Verdict, classifier};
use std::{
    fs,
    path::{Path, PathBuf},
};
use zkml_circuits::{
    machine::Profile,
    model::{RejectedProof, VerifyingKey},
    plan::Visibility,
    plonk::{ProverObjective, scalar_from_bytes, scalar_to_bytes},
};

const HINT: &str = "ZKML_BLESS=1 writes golden proofs; see zkml-circuits/tests/golden/README.md \
                    for when it may";

/// What is checked in of one profile.
struct Golden {
    profile: Profile,
    directory: PathBuf,
    key: Vec<u8>,
    /// 32 bytes each, as in a proof.
    words: Vec<u8>,
    proof: Vec<u8>,
}

/// How a verifier that reads all three from bytes takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Accepted,
    /// The key is no key.
    NoKey,
    /// A word is no field element.
    NoWord,
    /// The words are no statement of the model.
    NoStatement,
    /// The proof does not hold.
    NoProof,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn name(profile: Profile) -> String {
    let (lanes, fold) = (profile.lanes(), profile.fold());
    format!("w{lanes}-r{fold}-g{}-t{}", profile.weight_lanes(), profile.tables())
}

impl Golden {
    fn read(profile: Profile) -> Self {
        let directory = root().join(name(profile));
        let file = |name: &str| {
            let path = directory.join(name);
            fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; {HINT}", path.display()))
        };
        let (key, words, proof) = (file("key.vk"), file("words.bin"), file("proof.bin"));
        Self { profile, directory, key, words, proof }
    }

    /// Blinding comes from a seed, so that blessing what did not change changes no byte.
    fn bless(profile: Profile) {
        let subject = Subject::new(classifier(1, 0), profile, Visibility::Public);
        let proof = subject.prove(&subject.words, &mut subject.honest());
        let words: Vec<u8> = subject.words.iter().flat_map(scalar_to_bytes).collect();
        let key = subject.key.verifying_key().to_bytes();
        let directory = root().join(name(profile));
        fs::create_dir_all(&directory).expect("writable");
        for (name, bytes) in [("key.vk", key), ("words.bin", words), ("proof.bin", proof)] {
            fs::write(directory.join(name), bytes).expect("writable");
        }
    }

    fn taken(&self) -> Taken {
        let Ok(key) = VerifyingKey::from_bytes(&self.key) else { return Taken::NoKey };
        let (words, rest) = self.words.as_chunks::<32>();
        assert!(rest.is_empty(), "{}", self.directory.display());
        let words: Option<Vec<Fr>> = words.iter().map(scalar_from_bytes).collect();
        let Some(words) = words else { return Taken::NoWord };
        match key.verify(&words, &self.proof) {
            Ok(()) => Taken::Accepted,
            Err(RejectedProof::Statement(_)) => Taken::NoStatement,
            Err(RejectedProof::Proof(_)) => Taken::NoProof,
            Err(error) => panic!("an error that this test does not know: {error}"),
        }
    }

    /// How these are taken with one bit of `part` flipped.
    fn flipped(&mut self, part: fn(&mut Self) -> &mut Vec<u8>, byte: usize, bit: usize) -> Taken {
        part(self)[byte] ^= 1 << bit;
        let taken = self.taken();
        part(self)[byte] ^= 1 << bit;
        taken
    }
}

/// Of each standard profile; those that are missing fail the test, with a hint.
fn all() -> Vec<Golden> {
    let profiles = Profile::standard();
    if std::env::var_os("ZKML_BLESS").is_some() {
        profiles.iter().for_each(|profile| Golden::bless(*profile));
    }
    profiles.into_iter().map(Golden::read).collect()
}

/// One test, because blessing must come before reading.
#[test]
fn golden_proofs_keep_verifying_and_every_bit_of_them_counts() {
    for mut golden in all() {
        let place = golden.directory.display().to_string();
        assert_eq!(golden.taken(), Taken::Accepted, "{place} no longer verifies; {HINT}");
        let key = VerifyingKey::from_bytes(&golden.key).expect("accepted just now");
        assert_eq!(key.profile(), golden.profile, "{place}");
        assert!(golden.words.len() >= 64 && golden.proof.len() > 1000, "{place} is no proof");

        // Bits all over the key, one at least in each of its points and scalars of 32 bytes: it is
        // read canonically and hashed whole, so that none of them is free.
        for byte in (0..golden.key.len()).step_by(29) {
            let taken = golden.flipped(|g| &mut g.key, byte, byte % 8);
            assert_ne!(taken, Taken::Accepted, "{place}: bit {} of key byte {byte}", byte % 8);
        }
        // The lowest bit of each word makes another statement, or none.
        for byte in (31..golden.words.len()).step_by(32) {
            let taken = golden.flipped(|g| &mut g.words, byte, 0);
            let refused = matches!(taken, Taken::NoProof | Taken::NoStatement);
            assert!(refused, "{place}: word {}: {taken:?}", byte / 32);
        }
        // A bit of each point and scalar of the proof.
        for (item, byte) in (0..golden.proof.len()).step_by(32).enumerate() {
            let byte = byte + item * 7 % 32;
            let taken = golden.flipped(|g| &mut g.proof, byte, item % 8);
            assert_eq!(taken, Taken::NoProof, "{place}: byte {byte} of the proof");
        }
        // Nothing is left changed by the flips above.
        assert_eq!(golden.taken(), Taken::Accepted, "{place}");
    }
}

#[test]
fn there_is_a_golden_proof_of_every_standard_profile_and_of_no_other() {
    if std::env::var_os("ZKML_BLESS").is_some() {
        return;
    }
    let entries = fs::read_dir(root()).expect("checked in");
    let names = entries.map(|e| e.expect("readable").file_name().into_string().expect("ASCII"));
    let mut found: Vec<String> = names.filter(|name| name != "README.md").collect();
    let mut expected: Vec<String> = Profile::standard().into_iter().map(name).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{HINT}");
}

/// Every machine's constraints, with combinations of columns, whole and in parts.
#[test]
fn proofs_are_the_same_whatever_the_prover_saves() {
    for profile in Profile::standard() {
        let mut subject = Subject::new(classifier(1, 0), profile, Visibility::Public);
        let prove = |subject: &Subject| subject.prove(&subject.words, &mut subject.honest());
        let proof = prove(&subject);
        assert_eq!(subject.verdict_on(&subject.words, &proof), Verdict::Accepted, "{profile}");
        for keeps in [true, false] {
            subject.key = subject.key.keeping_computed(keeps);
            assert!(prove(&subject) == proof, "{profile}: another proof, columns kept: {keeps}");
        }
        subject.key = subject.key.with_objective(ProverObjective::Memory);
        for parts in [1, 2, 4] {
            subject.key = subject.key.with_parts(parts);
            assert!(prove(&subject) == proof, "{profile}: another proof in {parts} parts");
        }
    }
}
