//! Lanes against scalar arithmetic, at the ends of their bounds.

use ff::{Field, PrimeField};
use halo2curves::bn256::{Fq, Fr};
use halo2curves::serde::SerdeObject;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::modulus::Modulus;
use super::*;

/// Runs a check in both fields, where the processor can.
macro_rules! in_both_fields {
    ($name:ident, $check:ident) => {
        #[test]
        fn $name() {
            if available() {
                // SAFETY: the processor has the features.
                unsafe {
                    $check::<Fr>();
                    $check::<Fq>();
                }
            }
        }
    };
}

in_both_fields!(products_and_squares, check_products);
in_both_fields!(sums_differences_and_reductions, check_sums);
in_both_fields!(bounds_up_to_64_p, check_bounds);
in_both_fields!(zeros_and_blends, check_blends);

/// Random elements, and those at the ends of the range of words in memory.
fn samples<F: Modulus + PrimeField + SerdeObject>(seed: u64) -> Vec<F> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    // Elements whose words in memory are small, or just below p.
    let word = |word: u64| {
        let bytes = [word, 0, 0, 0].map(u64::to_le_bytes).concat();
        F::from_raw_bytes_unchecked(&bytes)
    };
    let ends = [word(0), word(1), word(u64::MAX), -word(1), -word(2), F::ONE, -F::ONE];
    let mut samples: Vec<F> = (0..64 - ends.len()).map(|_| F::random(&mut rng)).collect();
    samples.extend(ends);
    samples
}

fn eight<F>(elements: &[F]) -> [&F; 8] {
    std::array::from_fn(|i| &elements[i])
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn stored<F: Modulus + PrimeField>(lanes: Lanes<F>) -> Vec<F> {
    let mut elements = [F::ZERO; 8];
    store(lanes, elements.each_mut());
    elements.to_vec()
}

fn zip_with<F: Field>(a: &[F], b: &[F], f: impl Fn(F, F) -> F) -> Vec<F> {
    a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn check_products<F: Modulus + PrimeField + SerdeObject>() {
    let (left, right) = (samples::<F>(1), samples::<F>(2));
    for shift in 0..8 {
        for (a, b) in left.chunks_exact(8).zip(right[shift..].chunks_exact(8)) {
            let (x, y) = (load_scaled(eight(a)), load_scaled(eight(b)));
            let product = x.mul(y);
            assert_eq!(stored(product.to_memory_form()), zip_with(a, b, |a, b| a * b));
            assert_eq!(stored(x.square().to_memory_form()), zip_with(a, a, |a, b| a * b));
            let converted = load(eight(a)).to_lane_form().mul(y).to_memory_form();
            assert_eq!(stored(converted), zip_with(a, b, |a, b| a * b));
            // Memory form times lane form is memory form.
            let mixed = load(eight(a)).mul(y).canonical();
            assert_eq!(stored(mixed), zip_with(a, b, |a, b| a * b));
            assert_eq!(stored(Lanes::one().mul(load(eight(a))).canonical()), a);
        }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn check_sums<F: Modulus + PrimeField + SerdeObject>() {
    let (left, right) = (samples::<F>(3), samples::<F>(4));
    for shift in 0..8 {
        for (a, b) in left.chunks_exact(8).zip(right[shift..].chunks_exact(8)) {
            let (x, y) = (load(eight(a)), load(eight(b)));
            assert_eq!(stored(x), a);
            assert_eq!(stored(x.add(y).carry().canonical()), zip_with(a, b, |a, b| a + b));
            assert_eq!(stored(x.sub(y, 1).carry().canonical()), zip_with(a, b, |a, b| a - b));
            // Many steps without a carry.
            let mut sum = x;
            for _ in 0..20 {
                sum = sum.sub(y, 1).sub(y, 1).add(y);
            }
            let expected = zip_with(a, b, |a, b| a - b * F::from(20u64));
            assert_eq!(stored(sum.carry().reduce().canonical()), expected);
        }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn check_bounds<F: Modulus + PrimeField + SerdeObject>() {
    let elements = samples::<F>(5);
    for a in elements.chunks_exact(8) {
        for multiple in 0..=63 {
            // a + multiple p
            let x = load(eight(a)).sub(Lanes::zero(), multiple).carry();
            assert_eq!(stored(x.reduce().canonical()), a, "{multiple}");
            let y = load(eight(a)).sub(Lanes::zero(), 63).carry();
            let product = x.mul(y).reduce().canonical();
            // The product of memory forms lacks 2^4.
            let sixteenth = F::from(16u64).invert().unwrap();
            assert_eq!(stored(product), zip_with(a, a, |a, b| a * b * sixteenth), "{multiple}");
            assert_eq!(
                stored(x.square().reduce().canonical()),
                stored(x.mul(x).reduce().canonical())
            );
        }
    }
}

/// Butterflies and sums of products, of the largest values that may come.
#[test]
fn butterflies_and_sums_of_products() {
    if available() {
        // SAFETY: the processor has the features.
        unsafe { check_butterflies() }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn check_butterflies() {
    let (left, right, factors) = (samples::<Fr>(7), samples::<Fr>(8), samples::<Fr>(9));
    let above =
        |a: &[Fr], multiple| load_row(a.first_chunk().unwrap()).sub(Lanes::zero(), multiple);
    let checked = |lanes: Lanes<Fr>| stored(lanes.carry_wrapping().reduce().canonical());
    for (a, b) in left.chunks_exact(8).zip(right.chunks_exact(8)) {
        assert_eq!(stored(load_row(a.first_chunk().unwrap())), a);
        for multiple in [0, 1, 30, 64] {
            // Twice 64 p would exceed 84 p.
            let (x, y) = (above(a, multiple), above(b, multiple).sub(Lanes::zero(), 19));
            let (sum, difference) = plain_butterfly(x, y);
            assert_eq!(checked(sum), zip_with(a, b, |a, b| a + b), "{multiple}");
            assert_eq!(checked(difference), zip_with(a, b, |a, b| a - b), "{multiple}");
            for w in &factors {
                let fixed = Fixed::new(w);
                let results = [butterfly::<true>(x, y, &fixed), butterfly::<false>(x, y, &fixed)];
                for (sum, difference) in results {
                    assert_eq!(checked(sum), zip_with(a, b, |a, b| a + *w * b), "{multiple}");
                    assert_eq!(
                        checked(difference),
                        zip_with(a, b, |a, b| a - *w * b),
                        "{multiple}"
                    );
                }
            }
        }
        for w in &factors {
            let mut products = Products::new();
            for _ in 0..100 {
                products.add(above(a, 3).carry(), Spread::new(w).lanes());
                products.add(above(b, 3).carry(), Spread::new(w).lanes());
            }
            let hundred = Fr::from(100);
            assert_eq!(checked(products.sum()), zip_with(a, b, |a, b| (a + b) * w * hundred));
        }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn check_blends<F: Modulus + PrimeField + SerdeObject>() {
    let a: Vec<F> = samples(6)[..8].to_vec();
    let b: Vec<F> = [0u64, 1, 0, 2, 0, 0, 3, 0].map(F::from).to_vec();
    let (x, y) = (load(eight(&a)), load(eight(&b)));
    assert_eq!(y.is_zero(), 0b1011_0101);
    let blended = stored(x.blend(y.is_zero(), y));
    for (lane, value) in blended.iter().enumerate() {
        assert_eq!(*value, if b[lane].is_zero_vartime() { b[lane] } else { a[lane] });
    }
}
