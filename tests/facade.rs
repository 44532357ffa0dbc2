//! The crate as a program uses it, on a small model: the way from ONNX to contract, proof files
//! that are none, and proofs that do not hold.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::{path::Path, sync::OnceLock};
use zkml::{
    CompileOptions, Error, ErrorClass, Keys, Model, Program, Proof, ProofError, Srs, Tensor,
    VerifyingKey,
    core::io::{Arrays, InputSpec, inputs, samples},
    solidity::{self, Fork, Verdict},
};

struct Fixture {
    program: Program,
    input: Vec<Tensor<f32>>,
    keys: Keys,
    proof: Proof,
}

/// The way of the crate's documentation, once.
fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| make(None).unwrap())
}

fn make(bits: Option<u8>) -> Result<Fixture, Box<dyn std::error::Error>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models/mlp_iris_batch8");
    let model = Model::from_onnx(directory.join("model.onnx"))?;
    let specs = InputSpec::of_graph(model.graph());
    let read = |name: &str| Arrays::read(&directory.join(name));
    let calibration = samples(read("calib.npy")?, &specs, "calib.npy")?;
    let mut options = CompileOptions::default().calibrate(&calibration)?;
    if let Some(bits) = bits {
        options = options
            .calibration(zkml::core::quant::CalibrationOptions { bits, ..Default::default() });
    }
    let program = model.compile(&options)?;
    let keys = program.setup(&Srs::development(program.k())?)?;
    let input = inputs(read("input.json")?, &specs, "input.json")?;
    let proof = keys.proving_key().prove(&input)?;
    Ok(Fixture { program, input, keys, proof })
}

/// The proof file, changed.
fn edited(pointer: &str, value: impl Into<Value>) -> Result<Proof, ProofError> {
    let mut document: Value = serde_json::from_str(&fixture().proof.to_json()).unwrap();
    *document.pointer_mut(pointer).unwrap() = value.into();
    Proof::from_json(document.to_string().as_bytes())
}

#[test]
fn from_onnx_to_a_contract() {
    let f = fixture();
    let key = f.keys.verifying_key();
    key.verify(&f.proof).unwrap();
    let export = solidity::export(key).unwrap();
    assert!(export.files.iter().any(|(name, _)| name.to_string().ends_with(".sol")));
    let (outcome, _) = solidity::evm_verify(key, &f.proof, Fork::Cancun).unwrap();
    assert!(matches!(outcome.verdict, Verdict::Accepted { .. }));
    assert_eq!(f.proof.bytes().len(), f.program.cost().proof_bytes);
    assert_eq!(f.proof.words().len(), f.program.cost().words);
    assert!(f.proof.is_insecure() && key.is_insecure());
}

#[test]
fn files_are_read_back() {
    let f = fixture();
    let program = Program::from_bytes(&f.program.to_bytes()).unwrap();
    assert_eq!(program.compiled().digest(), f.program.compiled().digest());
    let vk = VerifyingKey::from_bytes(&f.keys.verifying_key().to_bytes()).unwrap();
    assert_eq!(vk.digest(), f.keys.verifying_key().digest());
    // A larger SRS of the same ceremony will do.
    let larger = Srs::development(f.program.k() + 1).unwrap();
    let keys = Keys::from_bytes(&f.keys.proving_key().to_bytes(), &larger).unwrap();
    vk.verify(&keys.proving_key().prove(&f.input).unwrap()).unwrap();
    let smaller = Srs::development(f.program.k() - 1).unwrap();
    let refused = f.program.setup(&smaller).unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Configuration, "{refused}");
    let read = Proof::from_json(f.proof.to_json().as_bytes()).unwrap();
    assert_eq!(read, f.proof);
    vk.verify(&read).unwrap();
}

#[test]
fn hostile_proof_files() {
    let json = fixture().proof.to_json();
    for cut in (0..json.len()).step_by(97).chain([json.len() - 1]) {
        let read = Proof::from_json(&json.as_bytes()[..cut]);
        assert!(matches!(read, Err(ProofError::Json(_))), "cut at {cut}: {read:?}");
    }
    let doubled = json.replacen("\"schema\": 1,", "\"schema\": 1, \"schema\": 1,", 1);
    let unknown = json.replacen("\"schema\": 1,", "\"schema\": 1, \"note\": 1,", 1);
    let nested = json.replacen("\"schema\": 1", &format!("\"schema\": {}", "[".repeat(90_000)), 1);
    for hostile in [doubled, unknown, nested, "[".repeat(1 << 20), "null".into()] {
        let read = Proof::from_json(hostile.as_bytes());
        assert!(matches!(read, Err(ProofError::Json(_))), "{read:?}");
    }
    let read = Proof::from_json(&vec![b' '; Proof::MAX_BYTES + 1]);
    assert!(matches!(read, Err(ProofError::TooLarge { .. })), "{read:?}");
    assert!(matches!(edited("/schema", 2), Err(ProofError::Schema { expected: 1, got: 2 })));
    let modulus = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
    for word in [modulus, "0x", "0x1", "00", &format!("0x{}", "f".repeat(1 << 20))] {
        let read = edited("/instances/2", word);
        assert!(
            matches!(&read, Err(ProofError::Hex { field, .. }) if field == "instances[2]"),
            "{read:?}"
        );
    }
    // Hex of any length is a file; whether it is a proof, the verifier says.
    let huge = edited("/proof", format!("0x{}", "ab".repeat(1 << 20))).unwrap();
    let refused = fixture().keys.verifying_key().verify(&huge).unwrap_err();
    assert!(matches!(refused, Error::Rejected(_)), "{refused}");
}

#[test]
fn edited_proofs_are_rejected() {
    let key = fixture().keys.verifying_key();
    let zero = format!("0x{}", "0".repeat(64));
    for (pointer, value) in [
        ("/outputs/0/values/0", Value::from(9.5)),
        ("/outputs/0/integers/23", 1.into()),
        ("/outputs/0/name", "other".into()),
        ("/inputs/0/values/0", 0.125.into()),
        ("/instances/0", zero.clone().into()),
        ("/vk_digest", zero.clone().into()),
        ("/model_digest", zero.clone().into()),
        ("/srs/id", zero.into()),
        ("/srs/insecure", false.into()),
    ] {
        let refused = key.verify(&edited(pointer, value).unwrap()).unwrap_err();
        assert_eq!(refused.class(), ErrorClass::Negative, "{pointer}: {refused}");
    }
}

#[test]
fn another_key_rejects() {
    let other = make(Some(8)).unwrap();
    let refused = other.keys.verifying_key().verify(&fixture().proof).unwrap_err();
    assert!(matches!(refused, Error::Proof(ProofError::Other { .. })), "{refused}");
    assert_eq!(refused.class(), ErrorClass::Negative);
}

#[test]
fn errors_say_what_kind_of_trouble_they_are() {
    let missing = Model::from_onnx("no/such/model.onnx").unwrap_err();
    assert_eq!(missing.class(), ErrorClass::Resource, "{missing}");
    let directory = Model::from_onnx(env!("CARGO_MANIFEST_DIR")).unwrap_err();
    assert_eq!(directory.class(), ErrorClass::Resource, "{directory}");
    let noise = Model::from_bytes(b"no model", &Default::default()).unwrap_err();
    assert_eq!(noise.class(), ErrorClass::Invalid, "{noise}");
    let none = CompileOptions::default().calibrate(&[]).unwrap_err();
    assert!(matches!(none, Error::NoSamples));
    let f = fixture();
    let large = vec![f.input[0].map(|_| 1e6)];
    let refused = f.keys.proving_key().prove(&large).unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Invalid);
    assert!(refused.to_string().contains("flowers"), "{refused}");
}
