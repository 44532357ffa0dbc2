//! The multiplicative subgroup `{1, omega, ..., omega^(n-1)}` of rows, as the verifier needs it.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;

/// The largest supported logarithm of the number of rows: the field's two-adicity.
pub const MAX_K: u32 = Fr::S;

/// The rows of a circuit, `n = 2^k`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Domain {
    k: u32,
    omega: Fr,
    omega_inverse: Fr,
}

impl Domain {
    /// The domain of `2^k` rows; `k` is at most [`MAX_K`].
    pub(super) fn new(k: u32) -> Self {
        let steps = MAX_K.saturating_sub(k);
        let square = |root: Fr| (0..steps).fold(root, |root, _| root.square());
        Self { k, omega: square(Fr::ROOT_OF_UNITY), omega_inverse: square(Fr::ROOT_OF_UNITY_INV) }
    }

    /// The generator.
    pub(super) fn omega(&self) -> Fr {
        self.omega
    }

    /// `1 / n`.
    pub(super) fn n_inverse(&self) -> Fr {
        Fr::TWO_INV.pow_vartime([u64::from(self.k)])
    }

    /// `omega^rotation`.
    pub(super) fn root(&self, rotation: i32) -> Fr {
        let base = if rotation < 0 { self.omega_inverse } else { self.omega };
        base.pow_vartime([u64::from(rotation.unsigned_abs())])
    }

    /// `x^n`.
    pub(super) fn vanishing_power(&self, x: Fr) -> Fr {
        (0..self.k).fold(x, |power, _| power.square())
    }
}
