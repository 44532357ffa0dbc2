//! Files of structured reference strings, ours and snarkjs's: small ones, and changes of them.

use crate::{
    bytes::{change_words, raw, summed},
    dice::Dice,
};
use halo2curves::serde::SerdeObject;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{fs, path::PathBuf, sync::LazyLock};
use zkml_core::proving::Srs;

/// Where a provenance's kind, a ceremony's hash, its name's length and its name stand in our file.
const KIND: usize = 16;
const NAME_LENGTH: usize = KIND + 1 + 32;
const NAME: usize = NAME_LENGTH + 2;

/// A string of a secret of its own.
///
/// # Panics
/// For a `k` that is none.
pub fn string(k: u32) -> Srs {
    Srs::generate_insecure(k, ChaCha20Rng::seed_from_u64(u64::from(k))).expect("a small k")
}

/// Its file.
///
/// # Panics
/// When temporary files cannot be written.
pub fn file(srs: &Srs) -> Vec<u8> {
    let path = temporary("saved");
    srs.save(&path).expect("a directory to write to");
    fs::read(path).expect("just written")
}

/// The string in a file of these bytes, if it is one.
///
/// # Panics
/// When temporary files cannot be written.
pub fn load(bytes: &[u8]) -> Option<Srs> {
    let path = temporary("loaded");
    fs::write(&path, bytes).expect("a directory to write to");
    // Errors are written, too.
    Srs::load(&path).map_err(|error| error.to_string()).ok()
}

/// A path of this process, in memory where there is a file system of memory.
fn temporary(name: &str) -> PathBuf {
    static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
        let memory = PathBuf::from("/dev/shm");
        let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let directory = base.join(format!("zkml-fuzz-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory to write to");
        directory
    });
    DIRECTORY.join(name)
}

/// Another file of ours; mostly with its checksum.
pub fn change(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    if dice.below(8) == 0 {
        return raw(bytes);
    }
    if bytes.len() < NAME {
        return file(&string(1 + dice.below(3) as u32));
    }
    for _ in 0..=dice.below(2) {
        let points =
            NAME + usize::from(u16::from_le_bytes([bytes[NAME_LENGTH], bytes[NAME_LENGTH + 1]]));
        match dice.below(8) {
            0 => {
                let at = dice.below(NAME);
                bytes[at] = dice.number(i64::from(bytes[at])) as u8;
            }
            1 => bytes[KIND] = dice.below(4) as u8,
            2 if points <= bytes.len() => {
                // A ceremony's name of any length and bytes.
                let name = raw(vec![b'a'; dice.of([0, 1, 20, 191, 255])]);
                bytes[KIND] = 2;
                bytes[NAME_LENGTH..NAME].copy_from_slice(&(name.len() as u16).to_le_bytes());
                drop(bytes.splice(NAME..points, name));
            }
            3 => {
                // The points of another string under this header.
                let other = file(&string(1 + dice.below(3) as u32));
                let at = points + dice.below(bytes.len().saturating_sub(points) / 64 + 1) * 64;
                let from = other.len().min(NAME + at.saturating_sub(points));
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            _ => change_words(&mut bytes, points, dice),
        }
        if bytes.len() < NAME {
            break;
        }
    }
    summed(bytes)
}

/// A `.ptau` of the powers that `k` needs.
pub fn ptau(k: u32) -> Vec<u8> {
    let srs = string(k + 1);
    let mut header = 32u32.to_le_bytes().to_vec();
    header.extend(FIELD);
    header.extend([k.to_le_bytes(), k.to_le_bytes()].concat());
    let tau_g1 = srs.monomial()[..(2 << k) - 1].iter().flat_map(|p| p.to_raw_bytes()).collect();
    // None but the first two are looked at.
    let g2 = std::iter::once(srs.g2()).chain(std::iter::repeat_n(srs.s_g2(), (1 << k) - 1));
    let tau_g2 = g2.flat_map(|p| p.to_raw_bytes()).collect();
    join(&[(1, header), (2, tau_g1), (3, tau_g2), (4, vec![7; 9])])
}

/// The modulus of the base field, little-endian.
const FIELD: [u8; 32] = {
    let mut bytes = crate::bytes::MODULI[1];
    bytes.reverse();
    bytes
};

/// A section's type and content.
type Section = (u32, Vec<u8>);

fn join(sections: &[Section]) -> Vec<u8> {
    let mut bytes = b"ptau\x01\0\0\0".to_vec();
    bytes.extend((sections.len() as u32).to_le_bytes());
    for (kind, content) in sections {
        bytes.extend(kind.to_le_bytes());
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend(content);
    }
    bytes
}

/// Sections as far as they are whole.
fn split(bytes: &[u8]) -> Vec<Section> {
    let mut rest = bytes.get(12..).unwrap_or_default();
    let mut sections = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<12>() {
        let [a, b, c, d, length @ ..] = *head;
        let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
        let Some((content, after)) = after.split_at_checked(length) else { break };
        sections.push((u32::from_le_bytes([a, b, c, d]), content.to_vec()));
        rest = after;
    }
    sections
}

/// Another `.ptau`.
pub fn change_ptau(bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let mut sections = split(&bytes);
    if sections.is_empty() || dice.below(6) == 0 {
        return raw(bytes);
    }
    for _ in 0..=dice.below(2) {
        let count = sections.len();
        let [a, b] = [0; 2].map(|_| dice.below(count));
        match dice.below(8) {
            0 => sections.swap(a, b),
            1 => sections.insert(a, sections[b].clone()),
            2 if count > 1 => drop(sections.remove(a)),
            3 => sections[a].0 = dice.below(16) as u32,
            4 if sections[a].0 == 1 && sections[a].1.len() == 44 => {
                // Another power, with points for it.
                let power = dice.of([0, 1, 2, 3, 4, 5, 27, 28, 29]);
                sections[a].1[36..40].copy_from_slice(&u32::to_le_bytes(power));
                let each = [(2, (2usize << power.min(6)) - 1, 64), (3, 1 << power.min(6), 128)];
                for (kind, points, size) in each {
                    for (_, content) in sections.iter_mut().filter(|(found, _)| *found == kind) {
                        let last = content.len().saturating_sub(size);
                        let last = content[last..].to_vec();
                        content.truncate(points * size);
                        while !last.is_empty() && content.len() < points * size {
                            content.extend(&last);
                        }
                    }
                }
            }
            5 => {
                let other = split(&ptau(1 + dice.below(3) as u32));
                sections[a] = other[dice.below(other.len())].clone();
            }
            _ => change_words(&mut sections[a].1, 0, dice),
        }
    }
    let mut bytes = join(&sections);
    if dice.below(8) == 0 {
        let at = 12.min(bytes.len());
        change_words(&mut bytes, at, dice);
    }
    bytes
}
