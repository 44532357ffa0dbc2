//! Bytes to keys, a verifier's and a prover's: parts of honest ones, changed, mixed and closed anew with their
//! checksums and bindings. What is accepted reads the same a second time; its digest is an honest one's only if
//! it is that key; no proof made for another key holds under it; and the development string is marked.

#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use sha3::{Digest, Keccak256};
use std::sync::LazyLock;
use zkml_circuits::model::{ProvingKey, VerifyingKey};
use zkml_contracts_fuzz::{
    honest::Model,
    script::{self, apply},
};
use zkml_core_fuzz::{bytes::CHECKSUM, memory::bounded};

/// Offset of the binding in a plonk verifying key: magic, k, two counts, words, stride.
const BINDING: usize = 8 + 3 * 4 + 2 * 8;

/// Bytes of an SRS's identity, with which a header ends.
const SRS: usize = 33;

/// Parts of keys, without checksums.
#[derive(Clone)]
struct Parts {
    header: Vec<u8>,
    verifying: Vec<u8>,
    compiled: Vec<u8>,
    srs: Vec<u8>,
    columns: Vec<u8>,
}

struct Honest {
    model: Model,
    parts: Parts,
}

/// Two models above the development string, and one above another.
static HONEST: LazyLock<[Honest; 3]> = LazyLock::new(|| {
    [(3, true), (4, true), (3, false)].map(|(seed, development)| {
        let model = Model::new(seed, development);
        let parts = Parts::of(&model.key);
        assert_eq!(parts.verifying_key(), model.key.verifying_key().to_bytes());
        assert_eq!(parts.proving_key(), model.key.to_bytes());
        Honest { model, parts }
    })
});

fuzz_target!(init: begin(), |data: &[u8]| {
    let _ = check(&mut Unstructured::new(data));
});

impl Parts {
    fn of(key: &ProvingKey) -> Self {
        let vk = key.verifying_key().to_bytes();
        let header = u32::from_be_bytes(vk[8..12].try_into().expect("four")) as usize;
        let (header, verifying) = vk[12..].split_at(header);
        let pk = key.to_bytes();
        let compiled = u64::from_be_bytes(pk[8..16].try_into().expect("eight")) as usize;
        let (compiled, rest) = pk[16..].split_at(compiled);
        let (srs, plonk) = rest.split_at(SRS);
        let columns = &plonk[16 + verifying.len()..];
        let open = |bytes: &[u8]| bytes[..bytes.len() - CHECKSUM].to_vec();
        Self {
            header: header.to_vec(),
            verifying: open(verifying),
            compiled: open(compiled),
            srs: srs.to_vec(),
            columns: open(columns),
        }
    }

    /// Binds the header into the key, as `Header::binding` does.
    fn bind(&mut self) {
        let mut hash = Keccak256::new();
        hash.update(b"zkml-binding-v1");
        hash.update((self.header.len() as u64).to_be_bytes());
        hash.update(&self.header);
        if let Some(binding) = self.verifying.get_mut(BINDING..BINDING + 32) {
            binding.copy_from_slice(&hash.finalize());
        }
    }

    fn verifying_key(&self) -> Vec<u8> {
        let mut bytes = b"ZKMLMV\x00\x01".to_vec();
        bytes.extend((self.header.len() as u32).to_be_bytes());
        bytes.extend(&self.header);
        bytes.extend(closed(&self.verifying));
        bytes
    }

    fn proving_key(&self) -> Vec<u8> {
        let (compiled, verifying) = (closed(&self.compiled), closed(&self.verifying));
        let mut bytes = b"ZKMLMP\x00\x01".to_vec();
        bytes.extend((compiled.len() as u64).to_be_bytes());
        bytes.extend(compiled);
        bytes.extend(&self.srs);
        let mut plonk = b"ZKMLPK\x00\x03".to_vec();
        plonk.extend((verifying.len() as u64).to_be_bytes());
        plonk.extend(verifying);
        plonk.extend(&self.columns);
        bytes.extend(closed(&plonk));
        bytes
    }
}

/// With a checksum.
fn closed(bytes: &[u8]) -> Vec<u8> {
    [bytes, &Keccak256::digest(bytes)].concat()
}

fn check(script: &mut Unstructured) -> arbitrary::Result<()> {
    let of_prover = script.ratio(1, 4)?;
    let mut parts = script.choose(&*HONEST)?.parts.clone();
    // Some parts whole from another key.
    for (field, get) in FIELDS {
        if script.ratio(1, 8)? {
            let other = &script.choose(&*HONEST)?.parts;
            *field(&mut parts) = get(other).clone();
        }
    }
    let (field, get) = FIELDS[script.choose_index(FIELDS.len())?];
    let others: Vec<&[u8]> = HONEST.iter().map(|honest| get(&honest.parts).as_slice()).collect();
    // Points of a verifying key begin after the binding.
    let _ = apply(field(&mut parts), BINDING, &others, script);
    if !script.ratio(1, 8)? {
        if of_prover && let Some(at) = parts.header.len().checked_sub(SRS) {
            parts.header.truncate(at);
            parts.header.extend(&parts.srs);
        }
        parts.bind();
    }
    let mut bytes = if of_prover { parts.proving_key() } else { parts.verifying_key() };
    if script.ratio(1, 8)? {
        let _ = apply(&mut bytes, 0, &[], script);
    }
    let limit = 64 * bytes.len() + (256 << 20);
    if of_prover {
        let key = bounded(limit, || ProvingKey::from_bytes(&bytes)).map_err(|e| e.to_string());
        if let Ok(key) = key {
            let written = key.to_bytes();
            let again = ProvingKey::from_bytes(&written).expect("as written");
            assert_eq!(again.to_bytes(), written);
            check_key(key.verifying_key());
        }
    } else {
        let key = bounded(limit, || VerifyingKey::from_bytes(&bytes)).map_err(|e| e.to_string());
        if let Ok(key) = key {
            let written = key.to_bytes();
            let again = VerifyingKey::from_bytes(&written).expect("as written");
            assert_eq!(again.to_bytes(), written);
            assert_eq!(again.digest(), key.digest());
            assert!(bytes.ends_with(&key.plonk().to_bytes()));
            check_key(&key);
        }
    }
    Ok(())
}

fn begin() {
    script::begin();
    let _ = &*HONEST;
}

type Field = (fn(&mut Parts) -> &mut Vec<u8>, fn(&Parts) -> &Vec<u8>);

const FIELDS: [Field; 5] = [
    (|parts| &mut parts.header, |parts| &parts.header),
    (|parts| &mut parts.verifying, |parts| &parts.verifying),
    (|parts| &mut parts.compiled, |parts| &parts.compiled),
    (|parts| &mut parts.srs, |parts| &parts.srs),
    (|parts| &mut parts.columns, |parts| &parts.columns),
];

fn check_key(key: &VerifyingKey) {
    assert!(!key.plonk().is_development() || key.srs().insecure);
    for Honest { model, .. } in &*HONEST {
        let honest = model.key.verifying_key();
        let same = key.to_bytes() == honest.to_bytes();
        assert_eq!(same, key.digest() == honest.digest());
        // Of the honest key it is known.
        assert!(same || key.verify(&model.words, &model.proof).is_err());
    }
}
