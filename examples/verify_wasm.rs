//! The verifier as a WebAssembly module, which `verify_wasm.mjs` calls.
//!
//! `cargo build --release -p zkml-examples --no-default-features --example verify_wasm --target
//! wasm32-unknown-unknown`

#![allow(unsafe_code, reason = "names that a caller of the module can see; no unsafe block")]

use std::sync::Mutex;
use zkml::{ErrorClass, Proof, VerifyingKey};

/// The proof was accepted.
const ACCEPTED: u32 = 0;
/// The proof was checked and does not hold.
const REJECTED: u32 = 1;
/// One of the files is none.
const INVALID: u32 = 3;

/// The files that the caller writes: key and proof, one after the other.
static FILES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Makes room for `length` bytes, and says where.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    let mut files = FILES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    *files = vec![0; length];
    files.as_mut_ptr()
}

/// Verifies: the key has the first `key` bytes of the files, the proof the rest.
#[unsafe(no_mangle)]
pub extern "C" fn verify(key: usize) -> u32 {
    let files = FILES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some((key, proof)) = files.split_at_checked(key) else { return INVALID };
    let (Ok(key), Ok(proof)) = (VerifyingKey::from_bytes(key), Proof::from_json(proof)) else {
        return INVALID;
    };
    match key.verify(&proof) {
        Ok(()) => ACCEPTED,
        Err(error) if error.class() == ErrorClass::Negative => REJECTED,
        Err(_) => INVALID,
    }
}

/// halo2-axiom links a generator of randomness, which a verifier never asks for anything.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod randomness {
    fn none(_: &mut [u8]) -> Result<(), getrandom::Error> {
        Err(getrandom::Error::UNSUPPORTED)
    }

    getrandom::register_custom_getrandom!(none);
}
