//! The files a dApp developer gets: `zkml export-verifier`.

use crate::{
    abi, artifacts,
    error::ContractError,
    fork::Fork,
    gas,
    key::{deploy_code, g2_words, keccak, key_code},
    schema::Schema,
    solidity::{FILE, INTERFACE, INTERFACE_FILE, VerifierSource, generate},
};
use halo2curves::bn256::Fr;
use serde_json::{Map, Value, json};
use zkml_circuits::plonk::VerifyingKey;

const README: &str = include_str!("README.md.in");

/// Files to write, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// File names and contents, in a fixed order.
    pub files: Vec<(String, Vec<u8>)>,
    /// Whether compiled bytecode of this verifier ships with the crate and is among the files.
    pub compiled: bool,
}

/// A proof to make an example of calldata from.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// The proof.
    pub proof: &'a [u8],
    /// Its public words.
    pub words: &'a [Fr],
}

/// Everything needed to deploy and use the contract of `key`; `profile` names its constraint system
/// in the README, `schema` says what its public words mean.
///
/// # Errors
/// [`ContractError::Key`] or [`ContractError::Protocol`] when there is no contract for such a key,
/// [`ContractError::Calldata`] when the example is not a proof.
pub fn export(
    key: &VerifyingKey,
    profile: &str,
    schema: Option<&Schema>,
    example: Option<Example<'_>>,
) -> Result<Export, ContractError> {
    let verifier = generate(key.protocol())?;
    let code = key_code(key)?;
    let creation_code = match artifacts::find(&verifier) {
        Ok(artifact) => Some(artifact.creation_code),
        Err(ContractError::MissingArtifact { .. }) => None,
        Err(e) => return Err(e),
    };
    let compiled = creation_code.is_some();
    let deployment = deployment(key, &verifier, &code, creation_code.as_deref())?;
    let readme = readme(key, profile, &code, compiled)?;

    let text = |name: &str, content: String| (name.to_owned(), content.into_bytes());
    let mut files = vec![
        text(FILE, verifier.source),
        text(INTERFACE_FILE, INTERFACE.to_owned()),
        ("vk.bin".to_owned(), code),
        text("deployment.json", pretty(&deployment)),
    ];
    if let Some(schema) = schema {
        files.push(text("schema.json", pretty(&schema.to_json())));
    }
    if let Some(Example { proof, words }) = example {
        let calldata = abi::encode_verify(proof, words)?;
        files.push(text("calldata.hex", format!("0x{}\n", hex::encode(calldata))));
    }
    files.push(text("README.md", readme));
    Ok(Export { files, compiled })
}

fn deployment(
    key: &VerifyingKey,
    verifier: &VerifierSource,
    code: &[u8],
    creation_code: Option<&[u8]>,
) -> Result<Value, ContractError> {
    let settings: Value = serde_json::from_str(artifacts::SETTINGS)
        .map_err(|e| ContractError::Artifacts(format!("settings.json: {e}")))?;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("vkDigest", hexadecimal(&key.digest()));
    put("numInstances", json!(key.instance_layout().words));
    put("vkCodehash", hexadecimal(&keccak(code)));
    put("vkInitCode", hexadecimal(&deploy_code(code)?));
    put("sG2", json!(g2_words(&key.s_g2()).map(|w| hexadecimal(&w))));
    put("constructor", json!("constructor(address vk, bytes32 vkCodehash, uint256[4] sG2)"));
    if let Some(creation_code) = creation_code {
        put("verifierCreationCode", hexadecimal(creation_code));
    }
    let mut gas = Map::new();
    for fork in Fork::ALL {
        let execution = gas::predict_for(key, fork)?.execution();
        gas.insert(fork.to_string().to_lowercase(), json!(execution));
    }
    put("verifyGas", Value::Object(gas));
    put("artifactKey", json!(artifacts::key(&verifier.source)));
    put("solc", json!(artifacts::compiler()?));
    put("solcSettings", settings);
    Ok(Value::Object(fields))
}

fn readme(
    key: &VerifyingKey,
    profile: &str,
    code: &[u8],
    compiled: bool,
) -> Result<String, ContractError> {
    let gas = |fork| gas::predict_for(key, fork).map(|g| g.total());
    let bytecode = if compiled {
        "`deployment.json` has the verifier's creation code as `verifierCreationCode`, compiled with the \
         settings given there; compile `ZkmlVerifier.sol` yourself and compare."
    } else {
        "This profile's bytecode does not ship with zkml: compile `ZkmlVerifier.sol` with the settings \
         in `deployment.json`."
    };
    let replacements = [
        ("{{PROFILE}}", profile.to_owned()),
        ("{{DIGEST}}", format!("0x{}", hex::encode(key.digest()))),
        ("{{CODEHASH}}", format!("0x{}", hex::encode(keccak(code)))),
        ("{{WORDS}}", key.instance_layout().words.to_string()),
        ("{{KEY_BYTES}}", code.len().to_string()),
        ("{{GAS_CANCUN}}", gas(Fork::Cancun)?.to_string()),
        ("{{GAS_OSAKA}}", gas(Fork::Osaka)?.to_string()),
        ("{{BYTECODE}}", bytecode.to_owned()),
    ];
    Ok(replacements.iter().fold(README.to_owned(), |text, (name, value)| text.replace(name, value)))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> Value {
    Value::String(format!("0x{}", hex::encode(bytes)))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
