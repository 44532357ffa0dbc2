//! Random cells and a random `rho`, drawn from a hash of all that is under test.
//!
//! Two polynomials in cells and `rho` that agree at a point drawn from `r = 2^253.6` values
//! each are equal, but for a probability of (their degree) / r; what an equation has of it is at most
//! `2^26` (`Poly::is_bounded`), what a claim has at most `2^32 + 2`. The point depends on program and
//! plan, so whoever looks for a plan that agrees by chance has to try `2^220` of them.

use super::LintError;
use crate::{
    formal::Cells,
    plan::{Geometry, Plan},
};
use ff::Field;
use halo2curves::bn256::Fr;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rayon::prelude::*;
use sha3::{Digest, Keccak256};
use zkml_core::program::Program;

/// Elements that one task draws.
const CHUNK: usize = 1 << 12;

/// One random assignment.
pub(super) struct Sample {
    /// `x`, `r`, `y`: lane `l` of group `g` at `g W + l`.
    lanes: [Vec<Fr>; 3],
    /// Scalars by group.
    pub(super) scalars: Vec<Fr>,
    lanes_of_group: usize,
    pub(super) rho: Fr,
    pub(super) powers: Powers,
}

/// Powers of `rho`, any exponent in four multiplications.
pub(super) struct Powers {
    /// `rho^(b 256^i)` at `256 i + b`.
    bytes: Vec<Fr>,
}

impl Powers {
    pub(super) fn new(rho: Fr) -> Self {
        let mut bytes = Vec::with_capacity(4 * 256);
        let mut base = rho;
        for _ in 0..4 {
            let mut power = Fr::ONE;
            for _ in 0..256 {
                bytes.push(power);
                power *= base;
            }
            base = power;
        }
        Self { bytes }
    }

    /// `rho^exponent`.
    pub(super) fn of(&self, exponent: u32) -> Fr {
        let [low, rest @ ..] = exponent.to_le_bytes();
        let mut power = self.bytes[usize::from(low)];
        for (i, byte) in (1..).zip(rest).filter(|(_, byte)| *byte != 0) {
            power *= self.bytes[256 * i + usize::from(byte)];
        }
        power
    }
}

impl Sample {
    pub(super) fn new(
        program: &Program,
        plan: &Plan,
        geometry: Geometry,
    ) -> Result<Self, LintError> {
        let mut hash = Hasher(Keccak256::new_with_prefix(b"zkml-lint-v1"));
        postcard::to_io(program, &mut hash).map_err(|_| LintError::Encoding)?;
        postcard::to_io(plan, &mut hash).map_err(|_| LintError::Encoding)?;
        let random = Random { seed: hash.0.finalize().into() };
        let lanes_of_group = plan.rows.profile.lanes();
        let cells = plan.rows.groups.len() * lanes_of_group;
        let lanes = [0, 1, 2].map(|role| random.elements(role, cells));
        let (scalars, rho) = (random.elements(3, geometry.groups()), random.elements(4, 1)[0]);
        let powers = Powers::new(rho);
        Ok(Self { lanes, scalars, lanes_of_group, rho, powers })
    }

    /// A cell of role 0, 1, 2 (`x`, `r`, `y`).
    pub(super) fn cell(&self, role: usize, group: usize, lane: usize) -> Fr {
        let at = group * self.lanes_of_group + lane;
        self.lanes[role].get(at).copied().unwrap_or(Fr::ZERO)
    }
}

/// Random vectors of one seed.
struct Random {
    seed: [u8; 32],
}

impl Random {
    /// The elements of vector `of`. Each chunk has a stream of the generator to itself, so that they
    /// can be drawn at the same time.
    fn elements(&self, of: u64, count: usize) -> Vec<Fr> {
        let mut elements = vec![Fr::ZERO; count];
        elements.par_chunks_mut(CHUNK).enumerate().for_each(|(at, chunk)| {
            let mut rng = ChaCha20Rng::from_seed(self.seed);
            rng.set_stream((at as u64) << 8 | of);
            chunk.iter_mut().for_each(|element| *element = Fr::random(&mut rng));
        });
        elements
    }
}

/// The sample's cells with scalars of their own.
pub(super) struct WithScalars<'a> {
    pub(super) sample: &'a Sample,
    pub(super) scalars: &'a [Fr],
}

impl Cells for WithScalars<'_> {
    fn lane(&self, role: usize, group: usize, lane: usize) -> Fr {
        self.sample.cell(role, group, lane)
    }

    fn scalar(&self, group: usize) -> Fr {
        self.scalars.get(group).copied().unwrap_or(Fr::ZERO)
    }
}

struct Hasher(Keccak256);

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_elements_are_one() {
        let random = Random { seed: [7; 32] };
        let (longer, other) = (random.elements(1, 2 * CHUNK + 9), random.elements(2, CHUNK));
        assert_eq!(random.elements(1, CHUNK + 5), longer[..CHUNK + 5]);
        let all: Vec<Fr> = longer.into_iter().chain(other).collect();
        let distinct: BTreeSet<[u8; 32]> = all.iter().map(Fr::to_bytes).collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn powers_are_powers() {
        let rho = Fr::from(123_456_789).square();
        let powers = Powers::new(rho);
        for exponent in [0, 1, 2, 255, 256, 257, 65_535, 65_536, 1 << 24, 0x0102_0304, u32::MAX] {
            assert_eq!(powers.of(exponent), rho.pow_vartime([u64::from(exponent)]), "{exponent}");
        }
    }
}
