//! Calldata of the verifier: `verify(bytes,uint256[])` in canonical encoding.
//!
//! ```text
//! selector | 0x40 | 0x60 + proof length | proof length | proof | number of words | words
//! ```
//! A proof's length is a multiple of 32, so the proof needs no padding.

use crate::{error::ContractError, key::keccak};
use ff::PrimeField;
use halo2curves::bn256::Fr;

/// Signature of the verifying function.
pub const VERIFY: &str = "verify(bytes,uint256[])";
/// Signature of its sibling that returns a bool.
pub const TRY_VERIFY: &str = "tryVerify(bytes,uint256[])";
/// Bytes before the proof.
const HEAD: usize = 4 + 3 * 32;

/// First four bytes of the hash of a function's or an error's signature.
#[must_use]
pub fn selector(signature: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = keccak(signature.as_bytes());
    [a, b, c, d]
}

/// Calldata of `verify(proof, words)`.
///
/// # Errors
/// [`ContractError::Calldata`] when the proof's length is not a multiple of 32.
pub fn encode_verify(proof: &[u8], words: &[Fr]) -> Result<Vec<u8>, ContractError> {
    encode_call(VERIFY, proof, words)
}

/// Calldata of a function with `verify`'s parameters.
///
/// # Errors
/// Those of [`encode_verify`].
pub fn encode_call(signature: &str, proof: &[u8], words: &[Fr]) -> Result<Vec<u8>, ContractError> {
    if !proof.len().is_multiple_of(32) {
        return Err(ContractError::Calldata {
            what: "proof length",
            expected: "a multiple of 32".to_owned(),
            got: proof.len().to_string(),
        });
    }
    let mut data = selector(signature).to_vec();
    data.extend(number(0x40));
    data.extend(number(0x60 + proof.len()));
    data.extend(number(proof.len()));
    data.extend(proof);
    data.extend(number(words.len()));
    data.extend(words.iter().flat_map(word));
    Ok(data)
}

/// The proof and the words of [`encode_verify`]'s calldata. Accepts what the contract accepts as an
/// encoding, and nothing else.
///
/// # Errors
/// [`ContractError::Calldata`] saying which part is not canonical.
pub fn decode_verify(data: &[u8]) -> Result<(Vec<u8>, Vec<Fr>), ContractError> {
    let bad = |what, expected: String, got: String| ContractError::Calldata { what, expected, got };
    let short = |what| bad(what, "more bytes".to_owned(), data.len().to_string());
    let found = data.get(..4).ok_or_else(|| short("selector"))?;
    if found != selector(VERIFY) {
        return Err(bad("selector", hex::encode(selector(VERIFY)), hex::encode(found)));
    }
    let read = |at: usize, what| -> Result<usize, ContractError> {
        let bytes = data.get(at..at + 32).ok_or_else(|| short(what))?;
        let (high, low) = bytes.split_at(24);
        let low: [u8; 8] = low.try_into().map_err(|_| short(what))?;
        let value = usize::try_from(u64::from_be_bytes(low)).ok();
        value
            .filter(|v| *v <= data.len() && high.iter().all(|b| *b == 0))
            .ok_or_else(|| bad(what, "a length within the calldata".to_owned(), hex::encode(bytes)))
    };
    let expect = |what, expected: usize, got: usize| {
        if expected == got { Ok(()) } else { Err(bad(what, expected.to_string(), got.to_string())) }
    };
    expect("offset of the proof", 0x40, read(4, "offset of the proof")?)?;
    let length = read(4 + 64, "proof length")?;
    if !length.is_multiple_of(32) {
        return Err(bad("proof length", "a multiple of 32".to_owned(), length.to_string()));
    }
    expect("offset of the words", 0x60 + length, read(4 + 32, "offset of the words")?)?;
    let proof = data.get(HEAD..HEAD + length).ok_or_else(|| short("proof"))?;
    let words = data.get(HEAD + length + 32..).ok_or_else(|| short("words"))?;
    expect("bytes of words", read(HEAD + length, "number of words")? * 32, words.len())?;
    let words = words.chunks_exact(32).map(|chunk| {
        let mut repr = [0; 32];
        repr.iter_mut().zip(chunk.iter().rev()).for_each(|(to, from)| *to = *from);
        Option::from(Fr::from_repr(repr)).ok_or_else(|| {
            bad("public word", "below the scalar field's modulus".to_owned(), hex::encode(chunk))
        })
    });
    Ok((proof.to_vec(), words.collect::<Result<_, _>>()?))
}

/// Arguments of the verifier's constructor.
#[must_use]
pub fn encode_constructor(key: [u8; 20], key_code_hash: [u8; 32], s_g2: &[[u8; 32]; 4]) -> Vec<u8> {
    let mut data = vec![0; 12];
    data.extend(key);
    data.extend(key_code_hash);
    data.extend(s_g2.concat());
    data
}

/// A number as a word.
pub(crate) fn number(n: usize) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&(n as u64).to_be_bytes());
    bytes
}

fn word(value: &Fr) -> [u8; 32] {
    let mut bytes: [u8; 32] = value.to_repr();
    bytes.reverse();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (Vec<u8>, Vec<Fr>) {
        ((0..96u8).collect(), vec![Fr::from(7), -Fr::from(1)])
    }

    #[test]
    fn selectors_are_the_known_ones() {
        // As in every ERC-20 token and in every Solidity panic.
        assert_eq!(selector("transfer(address,uint256)"), [0xa9, 0x05, 0x9c, 0xbb]);
        assert_eq!(selector("Panic(uint256)"), [0x4e, 0x48, 0x7b, 0x71]);
    }

    #[test]
    fn decoding_inverts_encoding() {
        let (proof, words) = example();
        let data = encode_verify(&proof, &words).unwrap();
        assert_eq!(data.len(), 4 + 32 * (3 + 3 + 1 + 2));
        assert_eq!(decode_verify(&data).unwrap(), (proof, words));
    }

    #[test]
    fn only_the_canonical_encoding_is_decoded() {
        let (proof, words) = example();
        let data = encode_verify(&proof, &words).unwrap();
        for length in 0..data.len() {
            assert!(decode_verify(&data[..length]).is_err(), "truncated to {length}");
        }
        let longer = [data.as_slice(), &[0]].concat();
        assert!(decode_verify(&longer).is_err());
        let heads = (0..100).chain(196..228);
        for at in heads {
            let mut changed = data.clone();
            changed[at] ^= 1;
            assert!(decode_verify(&changed).is_err(), "byte {at}");
            changed[at] = 0xff;
            assert!(decode_verify(&changed).is_err(), "byte {at}");
        }
        let mut high = data;
        high[228..260].fill(0xff);
        assert!(decode_verify(&high).is_err());
        assert!(encode_verify(&[0; 31], &[]).is_err());
    }
}
