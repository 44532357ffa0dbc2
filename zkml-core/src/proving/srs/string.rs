//! The string itself and its identity.

use std::sync::Arc;

use halo2curves::bn256::{G1Affine, G2Affine};
use sha3::{Digest, Keccak256};

use super::encoding::{g1_to_bytes, g2_to_bytes};
use super::lagrange::lagrange_from_monomial;
use super::{MAX_K, MIN_K, Provenance, SrsError};

/// A structured reference string: `2^k + 1` powers and the Lagrange basis of size `2^k`. Clones share
/// the points.
#[derive(Clone, PartialEq)]
pub struct Srs {
    k: u32,
    monomial: Arc<Vec<G1Affine>>,
    lagrange: Arc<Vec<G1Affine>>,
    g2: G2Affine,
    s_g2: G2Affine,
    provenance: Provenance,
}

impl Srs {
    /// Puts the parts together; the caller has checked or made them.
    pub(super) fn from_parts(
        k: u32,
        monomial: Vec<G1Affine>,
        lagrange: Vec<G1Affine>,
        g2: G2Affine,
        s_g2: G2Affine,
        provenance: Provenance,
    ) -> Self {
        debug_assert_eq!(monomial.len(), (1 << k) + 1);
        debug_assert_eq!(lagrange.len(), 1 << k);
        let (monomial, lagrange) = (Arc::new(monomial), Arc::new(lagrange));
        Self { k, monomial, lagrange, g2, s_g2, provenance }
    }

    /// Logarithm of the size.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// The size `n = 2^k`.
    pub fn n(&self) -> usize {
        1 << self.k
    }

    /// `[s^0]_1, ..., [s^n]_1`: `n + 1` points.
    pub fn monomial(&self) -> &[G1Affine] {
        &self.monomial
    }

    /// `[L_0(s)]_1, ..., [L_{n-1}(s)]_1`: `n` points.
    pub fn lagrange(&self) -> &[G1Affine] {
        &self.lagrange
    }

    /// `[1]_2`, the standard generator.
    pub fn g2(&self) -> G2Affine {
        self.g2
    }

    /// `[s]_2`.
    pub fn s_g2(&self) -> G2Affine {
        self.s_g2
    }

    /// Where the string comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Whether somebody is known to have been in a position to know the secret.
    pub fn is_insecure(&self) -> bool {
        self.provenance.is_insecure()
    }

    /// Identity of the string: the same for every size taken from the same secret.
    ///
    /// `keccak256("zkml-srs-v1" || [1]_2 || [s]_2 || [1]_1 || [s]_1 || [s^2]_1)`, points
    /// uncompressed as EIP-197 writes them.
    pub fn id(&self) -> [u8; 32] {
        let mut hash = Keccak256::new();
        hash.update(b"zkml-srs-v1");
        hash.update(g2_to_bytes(&self.g2));
        hash.update(g2_to_bytes(&self.s_g2));
        for power in self.monomial.iter().take(3) {
            hash.update(g1_to_bytes(power));
        }
        hash.finalize().into()
    }

    /// The string of the same secret for a smaller `k`. The Lagrange basis depends on the size and
    /// is computed anew from the powers.
    ///
    /// # Errors
    /// [`SrsError::SizeOutOfRange`], [`SrsError::TooSmall`].
    pub fn truncate(&self, k: u32) -> Result<Self, SrsError> {
        require_size("truncating an SRS", k)?;
        if k > self.k {
            return Err(SrsError::TooSmall {
                context: "truncating an SRS".into(),
                wanted: k,
                available: self.k,
            });
        }
        if k == self.k {
            return Ok(self.clone());
        }
        let n = 1 << k;
        let monomial = self.monomial[..=n].to_vec();
        let lagrange = lagrange_from_monomial(&monomial[..n]);
        Ok(Self::from_parts(k, monomial, lagrange, self.g2, self.s_g2, self.provenance.clone()))
    }
}

impl std::fmt::Debug for Srs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Srs")
            .field("k", &self.k)
            .field("provenance", &self.provenance)
            .field("id", &hex::encode(self.id()))
            .finish_non_exhaustive()
    }
}

/// Refuses a `k` that no string can have.
pub(super) fn require_size(context: &str, k: u32) -> Result<(), SrsError> {
    if (MIN_K..=MAX_K).contains(&k) {
        Ok(())
    } else {
        Err(SrsError::SizeOutOfRange { context: context.into(), k })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_is_the_development_string_of_that_size() {
        let small = Srs::development(3).unwrap();
        let big = Srs::development(5).unwrap();
        assert_eq!(big.truncate(3).unwrap(), small);
        assert_eq!(big.id(), small.id());
        assert_eq!(big.truncate(5).unwrap(), big);
        assert!(matches!(
            small.truncate(4),
            Err(SrsError::TooSmall { wanted: 4, available: 3, .. })
        ));
        for k in [0, 29, u32::MAX] {
            assert!(matches!(small.truncate(k), Err(SrsError::SizeOutOfRange { .. })));
            assert!(matches!(Srs::development(k), Err(SrsError::SizeOutOfRange { .. })));
        }
    }
}
