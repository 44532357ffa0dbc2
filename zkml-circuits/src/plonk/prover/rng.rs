//! Where the prover's randomness may come from.

use halo2curves::bn256::Fr;
use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, RngCore, SeedableRng};

/// A source of randomness for blinding. Only the operating system's generator is one: proofs
/// blinded with predictable values reveal the witness. Feature `testing` admits seeded generators.
pub trait ProverRng: sealed::Sealed {
    /// The generator.
    fn generator(&mut self) -> &mut dyn RngCore;
}

impl ProverRng for OsRng {
    fn generator(&mut self) -> &mut dyn RngCore {
        self
    }
}

#[cfg(feature = "testing")]
impl ProverRng for ChaCha20Rng {
    fn generator(&mut self) -> &mut dyn RngCore {
        self
    }
}

/// A random field element.
pub(super) fn random(rng: &mut dyn RngCore) -> Fr {
    // `Field::random` wants a sized generator.
    let mut wide = [0; 64];
    rng.fill_bytes(&mut wide);
    ff::FromUniformBytes::from_uniform_bytes(&wide)
}

/// A random polynomial: what it is made from, which is as secret as the polynomial, and the number of
/// its coefficients.
pub(super) struct RandomPolynomial {
    seed: [u8; 32],
    coefficients: usize,
}

impl RandomPolynomial {
    pub(super) fn new(coefficients: usize, rng: &mut dyn RngCore) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self { seed, coefficients }
    }

    /// The coefficients. They are made again when they are opened: the quotient needs the memory.
    pub(super) fn coefficients(&self) -> Vec<Fr> {
        let mut rng = ChaCha20Rng::from_seed(self.seed);
        (0..self.coefficients).map(|_| random(&mut rng)).collect()
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for rand_core::OsRng {}

    #[cfg(feature = "testing")]
    impl Sealed for rand_chacha::ChaCha20Rng {}
}
