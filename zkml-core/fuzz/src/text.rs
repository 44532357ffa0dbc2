//! Texts (JSON, TOML) mutated by tokens.

use crate::{bytes::raw, dice::Dice};

/// Tokens that a text of numbers may hold.
const WORDS: [&str; 24] = [
    "0",
    "-0.0",
    "1",
    "-1",
    "0.1",
    "1e39",
    "1e-46",
    "1e309",
    "9007199254740993",
    "255",
    "256",
    "inf",
    "nan",
    "-9223372036854775808",
    "18446744073709551616",
    "16",
    "17",
    "true",
    "null",
    "\"\"",
    "[]",
    "{}",
    "[[]]",
    "\n",
];

/// Another text.
pub fn change(text: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    if dice.below(3) == 0 {
        return raw(text);
    }
    change_tokens(text, dice)
}

/// Tokens of a text removed, moved, repeated and replaced.
pub fn change_tokens(text: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let mut tokens = tokens(&text);
    for _ in 0..=dice.below(3) {
        let count = tokens.len();
        if count == 0 {
            break;
        }
        let [a, b, c] = [0; 3].map(|_| dice.below(count));
        match dice.below(6) {
            0 => drop(tokens.remove(a)),
            1 => tokens.insert(a, tokens[b]),
            2 => tokens.swap(a, b),
            3 => {
                // A part once more.
                let part = tokens[a.min(b)..a.max(b)].to_vec();
                drop(tokens.splice(c..c, part.into_iter().take(4096)));
            }
            4 => drop(tokens.drain(a.min(b)..a.max(b))),
            _ => {
                // Numbers are changed rather than what stands between them.
                let at =
                    (0..count).map(|i| (a + i) % count).find(|i| tokens[*i][0].is_ascii_digit());
                tokens[at.unwrap_or(b)] = dice.of(WORDS).as_bytes();
            }
        }
    }
    tokens.concat()
}

/// Words of letters and digits, and single other bytes.
fn tokens(text: &[u8]) -> Vec<&[u8]> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(*byte, b'_' | b'.' | b'-');
    text.chunk_by(|a, b| word(a) && word(b)).collect()
}
