//! Strings made without a ceremony: for development and tests only.

use ff::{Field, FromUniformBytes};
use group::Curve;
use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{Fr, G1, G1Affine, G2Affine};
use rand_core::RngCore;
use rayon::prelude::*;
use sha3::{Digest, Keccak256};

use super::string::require_size;
use super::{InsecureOrigin, Provenance, Srs, SrsError};
use crate::proving::domain::{geometric, inverse_size, omega};
use crate::proving::vector::invert;

/// Hashed to the secret of the development string; changing it changes every development key.
const DEVELOPMENT_SEED: &[u8] = b"zkml development SRS v1: INSECURE, its secret is public";

impl Srs {
    /// The development string of size `2^k`: INSECURE, made from a public seed, hence the same
    /// everywhere, at every size, and cacheable.
    ///
    /// # Errors
    /// [`SrsError::SizeOutOfRange`].
    pub fn development(k: u32) -> Result<Self, SrsError> {
        from_secret(k, development_secret(), InsecureOrigin::DevelopmentSeed)
    }

    /// A string of size `2^k` from a secret drawn from `rng`: INSECURE, since this process held the
    /// secret.
    ///
    /// # Errors
    /// [`SrsError::SizeOutOfRange`].
    pub fn generate_insecure(k: u32, rng: impl RngCore) -> Result<Self, SrsError> {
        from_secret(k, Fr::random(rng), InsecureOrigin::LocalRandomness)
    }
}

/// `[s]_2` of the development string: by it the string is recognised under any name.
pub(super) fn development_s_g2() -> G2Affine {
    (G2Affine::generator() * development_secret()).to_affine()
}

fn development_secret() -> Fr {
    let mut wide = [0; 64];
    for (counter, half) in (0u8..).zip(wide.chunks_exact_mut(32)) {
        let digest = Keccak256::new().chain_update(DEVELOPMENT_SEED).chain_update([counter]);
        half.copy_from_slice(&digest.finalize());
    }
    Fr::from_uniform_bytes(&wide)
}

/// The string of the secret `s`.
fn from_secret(k: u32, s: Fr, origin: InsecureOrigin) -> Result<Srs, SrsError> {
    require_size("generating an SRS", k)?;
    let n = 1usize << k;
    let table = FixedBaseTable::new(G1Affine::generator());
    let monomial = table.multiples(&geometric(s, Fr::ONE, n + 1));
    let lagrange = table.multiples(&lagrange_values(k, s));
    let g2 = G2Affine::generator();
    let s_g2 = (g2 * s).to_affine();
    Ok(Srs::from_parts(k, monomial, lagrange, g2, s_g2, Provenance::Insecure(origin)))
}

/// `L_i(s) = omega^i (s^n - 1) / (n (s - omega^i))` for every `i`.
///
/// A secret inside the domain, which nobody draws, would make the denominator zero and is left as
/// zero by the batch inversion: the string then fails every later check instead of panicking.
fn lagrange_values(k: u32, s: Fr) -> Vec<Fr> {
    let n = 1usize << k;
    let roots = geometric(omega(k), Fr::ONE, n);
    let mut values: Vec<Fr> = roots.iter().map(|root| s - root).collect();
    invert(&mut values);
    let factor = (s.pow_vartime([n as u64]) - Fr::ONE) * inverse_size(k);
    for (value, root) in values.iter_mut().zip(&roots) {
        *value *= *root * factor;
    }
    values
}

/// Bits of a window of [`FixedBaseTable`]: one byte of the scalar.
const WINDOWS: usize = 32;

/// Multiples `d 2^(8 w) P` of one point `P`, for each byte position `w` and byte `d`.
struct FixedBaseTable {
    windows: Vec<Vec<G1Affine>>,
}

impl FixedBaseTable {
    fn new(base: G1Affine) -> Self {
        let mut window_bases = Vec::with_capacity(WINDOWS);
        let mut current = base.to_curve();
        for _ in 0..WINDOWS {
            window_bases.push(current);
            current = (0..8).fold(current, |point, _| point + point);
        }
        let windows = window_bases
            .par_iter()
            .map(|base| {
                let mut multiples = Vec::with_capacity(256);
                let mut multiple = G1::default();
                for _ in 0..256 {
                    multiples.push(multiple);
                    multiple += base;
                }
                normalised(&multiples)
            })
            .collect();
        Self { windows }
    }

    /// `scalar P` for each scalar.
    fn multiples(&self, scalars: &[Fr]) -> Vec<G1Affine> {
        scalars
            .par_chunks(512)
            .flat_map_iter(|chunk| {
                let points: Vec<G1> = chunk.iter().map(|scalar| self.multiple(scalar)).collect();
                normalised(&points)
            })
            .collect()
    }

    fn multiple(&self, scalar: &Fr) -> G1 {
        let mut sum = G1::default();
        for (window, byte) in self.windows.iter().zip(scalar.to_bytes()) {
            if byte != 0 {
                sum += window[usize::from(byte)];
            }
        }
        sum
    }
}

/// Affine forms, with one inversion for all.
pub(super) fn normalised(points: &[G1]) -> Vec<G1Affine> {
    let mut affine = vec![G1Affine::default(); points.len()];
    G1::batch_normalize(points, &mut affine);
    affine
}
