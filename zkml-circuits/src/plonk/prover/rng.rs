//! Where the prover's randomness may come from.

use rand_core::{OsRng, RngCore};

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
impl ProverRng for rand_chacha::ChaCha20Rng {
    fn generator(&mut self) -> &mut dyn RngCore {
        self
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for rand_core::OsRng {}

    #[cfg(feature = "testing")]
    impl Sealed for rand_chacha::ChaCha20Rng {}
}
