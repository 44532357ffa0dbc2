//! Right keys and wrong proofs: of every pair of example models, the key of one refuses the proof of
//! the other with an error of its type, however much of the proof file is rewritten to please it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::path::Path;
use zkml::{
    CompileOptions, Error, ErrorClass, Keys, Model, Proof, ProofError, Srs,
    circuits::{model::RejectedProof, plonk::scalar_to_bytes},
    core::io::{Arrays, InputSpec, inputs, samples},
};

/// Those that prove in less than a second.
const SMALL: [&str; 5] =
    ["mlp_digits", "mlp_wine", "mlp_iris_batch8", "lenet_digits", "credit_boosted"];
const ALL: [&str; 9] = [
    "mlp_digits",
    "mlp_wine",
    "mlp_iris_batch8",
    "lenet_digits",
    "credit_boosted",
    "credit_forest",
    "bert_aspect",
    "nanogpt",
    "resnet8",
];

/// An example model with its key and an honest proof.
struct Example {
    name: &'static str,
    keys: Keys,
    proof: Proof,
}

impl Example {
    fn new(name: &'static str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models").join(name);
        let model = Model::from_onnx(directory.join("model.onnx")).unwrap();
        let specs = InputSpec::of_graph(model.graph());
        let file = ["calib.npy", "calib.npz"].map(|name| directory.join(name));
        let calib = file.iter().find(|path| path.exists()).unwrap();
        let calib = samples(Arrays::read(calib).unwrap(), &specs, "calib").unwrap();
        let program = model.compile(&CompileOptions::default().calibrate(&calib).unwrap()).unwrap();
        let keys = program.setup(&Srs::development(program.k()).unwrap()).unwrap();
        let input = Arrays::read(&directory.join("input.json")).unwrap();
        let input = inputs(input, &specs, "input.json").unwrap();
        let proof = keys.proving_key().prove(&input).unwrap();
        keys.verifying_key().verify(&proof).unwrap();
        Self { name, keys, proof }
    }

    fn document(&self) -> Value {
        serde_json::from_str(&self.proof.to_json()).unwrap()
    }

    /// Why the key refuses what a file says.
    fn refusal(&self, document: &Value, what: &str) -> Error {
        let proof = Proof::from_json(document.to_string().as_bytes()).unwrap();
        let refusal = self.keys.verifying_key().verify(&proof).expect_err(what);
        assert_eq!(refusal.class(), ErrorClass::Negative, "{what}: {refusal}");
        refusal
    }

    /// The key with a proof of `other`, from an honest file to one that is ours but for the proof.
    fn refuses(&self, other: &Self) {
        let what = format!("key of {}, proof of {}", self.name, other.name);
        let (ours, theirs) = (self.document(), other.document());
        let refusal = self.refusal(&theirs, &what);
        let named = matches!(&refusal, Error::Proof(ProofError::Other { what, .. })
            if *what == "verifying key");
        assert!(named, "{what}: {refusal}");

        // The header names our key: what the words say is another statement, if it is one.
        let mut renamed = theirs.clone();
        for field in ["vk_digest", "model_digest", "srs"] {
            renamed[field] = ours[field].clone();
        }
        let refusal = self.refusal(&renamed, &what);
        let told =
            matches!(&refusal, Error::Proof(ProofError::Statement(_) | ProofError::Values { .. }));
        assert!(told, "{what}, header rewritten: {refusal}");

        // The values are ours as well, or the words, or both; then only the proof is theirs.
        for field in ["inputs", "outputs"] {
            renamed[field] = ours[field].clone();
        }
        let refusal = self.refusal(&renamed, &what);
        assert!(matches!(&refusal, Error::Proof(_)), "{what}, values rewritten: {refusal}");
        renamed["instances"] = ours["instances"].clone();
        assert_eq!(renamed["proof"], theirs["proof"]);
        let refusal = self.refusal(&renamed, &what);
        let checked = matches!(&refusal, Error::Rejected(RejectedProof::Proof(_)));
        assert!(checked, "{what}, all but the proof rewritten: {refusal}");

        // The other way round: our proof for their words, in our name.
        let mut renamed = ours.clone();
        renamed["instances"] = theirs["instances"].clone();
        let refusal = self.refusal(&renamed, &what);
        assert!(matches!(&refusal, Error::Proof(_)), "{what}, words of the other: {refusal}");

        // Below the file: their words and proof as they are, and each with ours.
        let key = self.keys.verifying_key().inner();
        let (mine, other) = (&self.proof, &other.proof);
        for (words, bytes) in [
            (other.words(), other.bytes()),
            (mine.words(), other.bytes()),
            (other.words(), mine.bytes()),
        ] {
            let refusal = key.verify(words, bytes).expect_err(&what);
            let typed = matches!(refusal, RejectedProof::Statement(_) | RejectedProof::Proof(_));
            assert!(typed, "{what}: {refusal}");
        }
        let reason = zkml::circuits::plonk::verify(key.plonk(), mine.words(), other.bytes());
        assert!(reason.is_err(), "{what}, the plain verifier");
    }
}

fn every_pair(names: &[&'static str]) {
    let examples: Vec<Example> = names.iter().map(|name| Example::new(name)).collect();
    let mut pairs = 0;
    for a in &examples {
        for b in examples.iter().filter(|b| b.name != a.name) {
            // Keys and words are theirs alone, or the pair would show nothing.
            assert_ne!(a.keys.verifying_key().digest(), b.keys.verifying_key().digest());
            let words = |e: &Example| e.proof.words().iter().map(scalar_to_bytes).collect();
            let (mine, other): (Vec<[u8; 32]>, Vec<[u8; 32]>) = (words(a), words(b));
            assert_ne!(mine, other, "{} and {}", a.name, b.name);
            a.refuses(b);
            pairs += 1;
        }
        // And the file that was taken apart is still good.
        let proof = Proof::from_json(a.document().to_string().as_bytes()).unwrap();
        a.keys.verifying_key().verify(&proof).unwrap();
    }
    assert_eq!(pairs, names.len() * (names.len() - 1));
}

#[test]
fn of_small_models_no_key_takes_the_proof_of_another() {
    every_pair(&SMALL);
}

/// A minute: `cargo test --release --test pairs -- --ignored`.
#[test]
#[ignore = "a minute"]
fn of_all_models_no_key_takes_the_proof_of_another() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models");
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let models = entries.filter(|path| path.join("model.onnx").exists()).count();
    assert_eq!(models, ALL.len(), "a model is missing here");
    every_pair(&ALL);
}
