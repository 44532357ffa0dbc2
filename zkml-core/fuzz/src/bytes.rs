//! Files mutated as files: fields, words and points changed in place, moved or repeated; then the checksum
//! computed anew, as whoever writes a hostile file does.

use crate::dice::Dice;
use libfuzzer_sys::fuzzer_mutate;
use sha3::{Digest, Keccak256};

/// Bytes of a checksum.
pub const CHECKSUM: usize = 32;

/// A mutator of libFuzzer from one of files: `change` gives the new file, of any length.
pub fn mutate_with(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    change: impl FnOnce(Vec<u8>) -> Vec<u8>,
) -> usize {
    let bytes = change(data[..size].to_vec());
    let size = bytes.len().min(max_size);
    data[..size].copy_from_slice(&bytes[..size]);
    size
}

/// Bytes as libFuzzer changes them; at most 64 more.
pub fn raw(mut bytes: Vec<u8>) -> Vec<u8> {
    let size = bytes.len();
    bytes.resize(size + 64, 0);
    let size = fuzzer_mutate(&mut bytes, size, size + 64);
    bytes.truncate(size);
    bytes
}

/// Content whose last 32 bytes become the hash of all before.
pub fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.len().checked_sub(CHECKSUM) {
        let (content, checksum) = bytes.split_at_mut(end);
        checksum.copy_from_slice(&Keccak256::digest(content));
    }
    bytes
}

/// One change of the words (of 1 to 64 bytes) that begin at `from`.
pub fn change_words(bytes: &mut Vec<u8>, from: usize, dice: &mut Dice) {
    let width = dice.of([1, 4, 8, 32, 32, 64, 64]);
    let count = bytes.len().saturating_sub(from) / width;
    if count == 0 {
        return;
    }
    let [a, b] = [0; 2].map(|_| from + width * dice.below(count));
    match dice.below(10) {
        0 => bytes[a..a + width].fill(0),
        1 => bytes[a..a + width].fill(0xff),
        2 => bytes.copy_within(b..b + width, a),
        3 => {
            let word = bytes[a..a + width].to_vec();
            bytes.copy_within(b..b + width, a);
            bytes[b..b + width].copy_from_slice(&word);
        }
        4 => drop(bytes.drain(a..a + width)),
        5 => {
            let word = bytes[b..b + width].to_vec();
            drop(bytes.splice(a..a, word));
        }
        6 => bytes[a + dice.below(width)] ^= 1 << dice.below(8),
        7 => {
            // The greater order first, or the lesser.
            let number = dice.number(0);
            let number =
                if dice.below(2) == 0 { number.to_le_bytes() } else { number.to_be_bytes() };
            let width = width.min(8);
            bytes[a..a + width].copy_from_slice(&number[..width]);
        }
        8 => add(&mut bytes[a..a + width], &dice.of(MODULI), dice.below(2) == 0),
        _ => {
            let mut one = [0; 32];
            one[31] = 1;
            add(&mut bytes[a..a + width], &one, dice.below(2) == 0);
        }
    }
}

/// Moduli of BN254's scalar field and base field, big-endian.
pub const MODULI: [[u8; 32]; 2] = [
    [
        0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58,
        0x5d, 0x28, 0x33, 0xe8, 0x48, 0x79, 0xb9, 0x70, 0x91, 0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00,
        0x00, 0x01,
    ],
    [
        0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58,
        0x5d, 0x97, 0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c,
        0xfd, 0x47,
    ],
];

/// Adds a big-endian number to each 32 bytes, big-endian or little-endian, modulo 2^256.
pub fn add(words: &mut [u8], number: &[u8; 32], little: bool) {
    for word in words.chunks_exact_mut(32) {
        let mut carry = 0;
        for i in (0..32).rev() {
            let at = if little { 31 - i } else { i };
            let sum = u16::from(word[at]) + u16::from(number[i]) + carry;
            word[at] = sum as u8;
            carry = sum >> 8;
        }
    }
}
