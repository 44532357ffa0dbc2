//! `PROOF.json`: a proof, its public words, and what they say in plain numbers.
//!
//! The numbers are for people: a verifier recomputes them from the words and refuses a file that
//! says otherwise.

use ff::PrimeField;
use halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};
#[cfg(feature = "prover")]
use zkml_circuits::{model::ModelProof, plonk::scalar_to_bytes};
use zkml_circuits::{
    model::VerifyingKey,
    statement::{IoTensor, StatementError},
};

/// Version of the file.
const SCHEMA: u32 = 1;

/// A proof with its statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    words: Vec<Fr>,
    bytes: Vec<u8>,
    file: File,
}

/// Values of one tensor of the statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// ONNX name.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// An integer `v` stands for `v * 2^-scale`.
    pub scale: i32,
    /// Integers, row-major.
    pub integers: Vec<i64>,
    /// Real values, row-major.
    pub values: Vec<f64>,
}

/// How long things took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Wall-clock seconds of the proof, the run of the model included.
    pub prove_seconds: f64,
}

/// The file's fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    proof: String,
    instances: Vec<String>,
    /// Public inputs; empty when they are private.
    inputs: Vec<Values>,
    outputs: Vec<Values>,
    vk_digest: String,
    model_digest: String,
    srs: SrsField,
    timings: Timings,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SrsField {
    id: String,
    insecure: bool,
}

/// Why a file is no proof, or not one of this key.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Too large.
    #[error("a proof file has at most {limit} bytes, got {got}")]
    TooLarge {
        /// Largest size.
        limit: usize,
        /// Size given.
        got: usize,
    },
    /// Not the JSON of a proof.
    #[error("not a proof file: {0}")]
    Json(String),
    /// Another version.
    #[error("proof file of schema {got}, this version reads {expected}")]
    Schema {
        /// Version read.
        expected: u32,
        /// Version of the file.
        got: u32,
    },
    /// A field that is no hex string of the right length.
    #[error("`{field}` is not {expected}")]
    Hex {
        /// Name of the field.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The file names another verifying key, model or SRS.
    #[error("the proof was made for another {what}: expected {expected}, got {got}")]
    Other {
        /// What differs.
        what: &'static str,
        /// The key's.
        expected: String,
        /// The file's.
        got: String,
    },
    /// The words are no statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The numbers in the file are not those of its words.
    #[error("the file's values of `{name}` are not those that the proof is about")]
    Values {
        /// The tensor.
        name: String,
    },
}

impl ProofError {
    /// Whether a well-formed file was checked and refused.
    pub fn is_rejection(&self) -> bool {
        matches!(self, Self::Other { .. } | Self::Statement(_) | Self::Values { .. })
    }
}

impl Proof {
    /// Largest file, bytes: far above any proof and statement of a machine.
    pub const MAX_BYTES: usize = 64 << 20;

    #[cfg(feature = "prover")]
    pub(crate) fn new(
        key: &VerifyingKey,
        made: ModelProof,
        timings: Timings,
    ) -> Result<Self, ProofError> {
        let (inputs, outputs) = values(key, &made.words)?;
        let file = File {
            schema: SCHEMA,
            proof: hexadecimal(&made.proof),
            instances: made.words.iter().map(|w| hexadecimal(&scalar_to_bytes(w))).collect(),
            inputs,
            outputs,
            vk_digest: hexadecimal(&key.digest()),
            model_digest: hexadecimal(&key.model_digest()),
            srs: SrsField { id: hexadecimal(&key.srs().id), insecure: key.srs().insecure },
            timings,
        };
        Ok(Self { words: made.words, bytes: made.proof, file })
    }

    /// Public words: inputs (if public), then outputs.
    pub fn words(&self) -> &[Fr] {
        &self.words
    }

    /// The proof.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Public inputs; none when they are private.
    pub fn inputs(&self) -> &[Values] {
        &self.file.inputs
    }

    /// Outputs.
    pub fn outputs(&self) -> &[Values] {
        &self.file.outputs
    }

    /// Whether the SRS is one whose secret somebody may know, as the file says.
    pub fn is_insecure(&self) -> bool {
        self.file.srs.insecure
    }

    /// How long things took.
    pub fn timings(&self) -> Timings {
        self.file.timings
    }

    /// The file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&self.file).expect("strings and numbers serialise")
    }

    /// Reads a file. Nothing of it is trusted before [`crate::VerifyingKey::verify`].
    ///
    /// # Errors
    /// [`ProofError`] when it is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(ProofError::TooLarge { limit: Self::MAX_BYTES, got: bytes.len() });
        }
        let file: File =
            serde_json::from_slice(bytes).map_err(|e| ProofError::Json(e.to_string()))?;
        if file.schema != SCHEMA {
            return Err(ProofError::Schema { expected: SCHEMA, got: file.schema });
        }
        let proof = unhex("proof", &file.proof)?;
        let words = file
            .instances
            .iter()
            .enumerate()
            .map(|(i, text)| word(&format!("instances[{i}]"), text))
            .collect::<Result<_, _>>()?;
        Ok(Self { words, bytes: proof, file })
    }

    /// Checks that the file is about `key`, and that its numbers are those of its words.
    pub(crate) fn check(&self, key: &VerifyingKey) -> Result<(), ProofError> {
        let named = [
            ("verifying key", key.digest(), &self.file.vk_digest),
            ("model", key.model_digest(), &self.file.model_digest),
            ("SRS", key.srs().id, &self.file.srs.id),
        ];
        for (what, expected, got) in named {
            let expected = hexadecimal(&expected);
            if !expected.eq_ignore_ascii_case(got) {
                return Err(ProofError::Other {
                    what,
                    expected,
                    got: got.chars().take(80).collect(),
                });
            }
        }
        if self.file.srs.insecure != key.srs().insecure {
            let [expected, got] = [key.srs().insecure, self.file.srs.insecure]
                .map(|insecure| if insecure { "an insecure one" } else { "a ceremony's" });
            return Err(ProofError::Other {
                what: "kind of SRS",
                expected: expected.into(),
                got: got.into(),
            });
        }
        let (inputs, outputs) = values(key, &self.words)?;
        for (said, meant) in [(&self.file.inputs, inputs), (&self.file.outputs, outputs)] {
            if said.len() != meant.len() {
                return Err(ProofError::Values { name: "the statement".into() });
            }
            if let Some((_, meant)) = said.iter().zip(&meant).find(|(said, meant)| said != meant) {
                return Err(ProofError::Values { name: meant.name.clone() });
            }
        }
        Ok(())
    }
}

/// What the words say, inputs and outputs.
fn values(key: &VerifyingKey, words: &[Fr]) -> Result<(Vec<Values>, Vec<Values>), StatementError> {
    let io = key.io();
    let mut integers = io.unpack(words)?.into_iter();
    let mut of = |tensors: &[IoTensor]| {
        tensors.iter().zip(integers.by_ref()).map(|(t, v)| plain(t, v)).collect::<Vec<_>>()
    };
    let inputs = of(&io.inputs);
    let outputs = of(&io.outputs);
    Ok((inputs, outputs))
}

fn plain(tensor: &IoTensor, integers: Vec<i64>) -> Values {
    let unit = tensor.scale.unit();
    Values {
        name: tensor.name.clone(),
        shape: tensor.shape.dims().to_vec(),
        scale: tensor.scale.0,
        values: integers.iter().map(|v| *v as f64 * unit).collect(),
        integers,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn unhex(field: &str, text: &str) -> Result<Vec<u8>, ProofError> {
    let digits = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
    digits.ok_or_else(|| ProofError::Hex { field: field.into(), expected: "0x and hex digits" })
}

fn word(field: &str, text: &str) -> Result<Fr, ProofError> {
    let expected = "0x and 64 hex digits below the field's modulus";
    let fail = || ProofError::Hex { field: field.into(), expected };
    let mut bytes: [u8; 32] = unhex(field, text)?.try_into().map_err(|_| fail())?;
    bytes.reverse();
    Option::from(Fr::from_repr(bytes)).ok_or_else(fail)
}
