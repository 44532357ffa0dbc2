//! Bases that stay on the device.
//!
//! Points are found again by their content: with random `r` and `k_0, ..., k_15` in the field of `q = 2^61 - 1` elements and `w_ij` word `j` of
//! point `i`, 32 bits each,
//!
//! ```text
//! fingerprint = sum_i r^(n-1-i) sum_j k_j w_ij      in F_q
//! ```
//!
//! which for two different lists of `n` points, chosen without knowing the randomness, agrees with probability at most `(n + 1) / q`. An
//! address would go stale when memory is freed and used again, and wrong bases give a proof that no one accepts.

use halo2curves::bn256::G1Affine;
use halo2curves::serde::SerdeObject;
use rand_core::{OsRng, RngCore};
use rayon::prelude::*;

use super::device::Device;
use super::threads::for_each;
use crate::proving::DeviceFault;

/// `2^61 - 1`, a prime.
const Q: u64 = (1 << 61) - 1;
/// Points that a thread takes at once.
const CHUNK: usize = 1 << 12;
/// Lists on the device: those of two reference strings.
const LISTS: usize = 4;
/// Bytes of a point: coordinates in Montgomery form, little endian.
pub(super) const AFFINE: usize = 64;

/// The randomness of fingerprints.
#[derive(Debug)]
pub(super) struct Key {
    r: u64,
    k: [u64; 16],
}

impl Key {
    pub(super) fn random() -> Self {
        let element = || OsRng.next_u64() >> 3;
        Self { r: element(), k: std::array::from_fn(|_| element()) }
    }

    pub(super) fn fingerprint(&self, points: &[G1Affine]) -> u64 {
        // Chunks from the first to the last, each by Horner's rule; all but the last have the same length.
        let chunks: Vec<(u64, usize)> = points
            .par_chunks(CHUNK)
            .map(|points| {
                let mut bytes = [0; AFFINE];
                let horner = |sum, point: &G1Affine| {
                    write_point(point, &mut bytes);
                    let words = bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b));
                    // Below 16 * 2^93.
                    let terms =
                        words.zip(&self.k).map(|(word, k)| u128::from(word) * u128::from(*k));
                    reduce(u128::from(sum) * u128::from(self.r) + terms.sum::<u128>())
                };
                (points.iter().fold(0, horner), points.len())
            })
            .collect();
        chunks.iter().fold(0, |sum, (chunk, length)| {
            let shifted = u128::from(sum) * u128::from(power(self.r, *length));
            reduce(shifted + u128::from(*chunk))
        })
    }
}

/// The element below `Q` of a number below `2^124`.
fn reduce(number: u128) -> u64 {
    let folded = (number & u128::from(Q)) + (number >> 61);
    let folded = (folded as u64 & Q) + (folded >> 61) as u64;
    if folded >= Q { folded - Q } else { folded }
}

fn power(base: u64, exponent: usize) -> u64 {
    let bits = (0..usize::BITS - exponent.leading_zeros()).rev();
    bits.fold(1, |power, bit| {
        let square = reduce(u128::from(power) * u128::from(power));
        if exponent >> bit & 1 == 0 {
            square
        } else {
            reduce(u128::from(square) * u128::from(base))
        }
    })
}

/// A point as kernels read it.
pub(super) fn write_point(point: &G1Affine, to: &mut [u8; AFFINE]) {
    let mut to = &mut to[..];
    // Writing to a slice of the right length does not fail.
    let _ = point.x.write_raw(&mut to);
    let _ = point.y.write_raw(&mut to);
}

/// Lists of points on a device, the one used last at the end.
pub(super) struct Lists<D: Device> {
    lists: Vec<List<D>>,
}

struct List<D: Device> {
    length: usize,
    fingerprint: u64,
    buffer: D::Buffer,
}

impl<D: Device> Lists<D> {
    pub(super) fn new() -> Self {
        Self { lists: Vec::new() }
    }

    /// The buffer that holds these points of this fingerprint, uploaded unless they are there. Lists that were not used for longest make room.
    pub(super) fn get(
        &mut self,
        device: &D,
        points: &[G1Affine],
        fingerprint: u64,
    ) -> Result<&D::Buffer, DeviceFault> {
        let length = points.len();
        let same = |list: &List<D>| list.length == length && list.fingerprint == fingerprint;
        let list = match self.lists.iter().position(same) {
            Some(position) => self.lists.remove(position),
            None => {
                self.lists.drain(..self.lists.len().saturating_sub(LISTS - 1));
                let buffer = loop {
                    match upload(device, points) {
                        Err(DeviceFault::OutOfMemory) if !self.lists.is_empty() => {
                            self.lists.remove(0);
                        }
                        buffer => break buffer?,
                    }
                };
                List { length, fingerprint, buffer }
            }
        };
        self.lists.push(list);
        Ok(&self.lists[self.lists.len() - 1].buffer)
    }

    /// Forgets all lists but the one used last.
    pub(super) fn shrink(&mut self) {
        self.lists.drain(..self.lists.len().saturating_sub(1));
    }
}

/// Points copied a piece at a time: the copy in between is small.
pub(super) fn upload<D: Device>(device: &D, points: &[G1Affine]) -> Result<D::Buffer, DeviceFault> {
    let mut buffer = device.allocate((points.len() * AFFINE) as u64)?;
    let piece = 16 * CHUNK;
    let mut bytes = vec![0; piece.min(points.len()) * AFFINE];
    for (index, points) in points.chunks(piece).enumerate() {
        let bytes = &mut bytes[..points.len() * AFFINE];
        let chunks = bytes.chunks_mut(CHUNK * AFFINE).zip(points.chunks(CHUNK));
        for_each(chunks.collect(), |(to, points)| {
            let slots = to.as_chunks_mut::<AFFINE>().0;
            slots.iter_mut().zip(points).for_each(|(to, point)| write_point(point, to));
        });
        device.write(&mut buffer, (index * piece * AFFINE) as u64, bytes)?;
    }
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::bn256::Fr;

    #[test]
    fn arithmetic_of_the_fingerprint() {
        for (number, expected) in [
            (0, 0),
            (u128::from(Q), 0),
            (u128::from(Q) + 5, 5),
            ((1 << 61) - 2, Q - 1),
            (u128::from(Q - 1) * u128::from(Q - 1), 1),
            ((1 << 124) - 1, 3),
        ] {
            // 2^124 = 4 mod Q.
            assert_eq!(reduce(number), expected, "{number}");
        }
        assert_eq!(power(3, 0), 1);
        assert_eq!(power(3, 5), 243);
        assert_eq!(power(2, 61), 1);
        assert_eq!(power(7, (Q - 1) as usize), 1);
    }

    #[test]
    fn fingerprints_see_every_point_and_its_place() {
        let point = |i: u64| -> G1Affine { (G1Affine::generator() * Fr::from(i + 1)).into() };
        let mut points: Vec<G1Affine> = (0..8).map(point).collect();
        points = points.iter().copied().cycle().take(2 * CHUNK + 3).collect();
        let key = Key::random();
        let fingerprint = key.fingerprint(&points);
        assert_eq!(key.fingerprint(&points.clone()), fingerprint);
        for row in [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 2] {
            let mut other = points.clone();
            other[row] = -other[row];
            assert_ne!(key.fingerprint(&other), fingerprint, "{row}");
        }
        for (a, b) in [(0, 1), (0, CHUNK + 1), (CHUNK, 2 * CHUNK + 2)] {
            let mut other = points.clone();
            other.swap(a, b);
            assert_ne!(key.fingerprint(&other), fingerprint, "{a} {b}");
        }
        // Horner's rule over all points at once.
        let mut bytes = [0; AFFINE];
        let whole = points.iter().fold(0, |sum, point| {
            write_point(point, &mut bytes);
            let words = bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b));
            let inner = words.zip(key.k).fold(0, |sum, (word, k)| {
                reduce(u128::from(sum) + u128::from(word) * u128::from(k))
            });
            reduce(u128::from(sum) * u128::from(key.r) + u128::from(inner))
        });
        assert_eq!(whole, fingerprint);
    }
}
