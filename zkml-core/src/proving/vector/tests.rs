//! Both kernels against the definitions, at lengths around those of chunks and lanes.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

const LENGTHS: [usize; 9] = [0, 1, 7, 8, 9, 64, 1000, CHUNK, 3 * CHUNK + 5];

fn random(n: usize, seed: u64) -> Vec<Fr> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    (0..n).map(|_| Fr::random(&mut rng)).collect()
}

/// The kernels of this processor, fastest first.
fn all_kernels() -> Vec<&'static dyn Kernels> {
    vec![kernels(), &scalar::Kernels]
}

#[test]
fn vector_products_with_powers() {
    let ratio = random(1, 1)[0];
    for n in LENGTHS {
        let vector = random(n, 2);
        let power = |i: usize| ratio.pow_vartime([i as u64]);
        assert_eq!(powers(ratio, n), (0..n).map(power).collect::<Vec<Fr>>(), "{n}");
        let expected: Vec<Fr> = vector.iter().enumerate().map(|(i, v)| *v * power(i)).collect();
        let mut whole = vector.clone();
        multiply_by_powers(&mut whole, ratio);
        assert_eq!(whole, expected, "{n}");
        for kernels in all_kernels() {
            let mut chunk = vector.clone();
            kernels.multiply_by_powers(&mut chunk, power(3), ratio);
            let shifted: Vec<Fr> = expected.iter().map(|v| *v * power(3)).collect();
            assert_eq!(chunk, shifted, "{n}");
        }
    }
}
