//! Both kinds of transforms against each other and against the definition.

use ff::Field;
use halo2curves::bn256::Fr;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

fn random(n: usize, seed: u64) -> Vec<Fr> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    (0..n).map(|_| Fr::random(&mut rng)).collect()
}

fn evaluate(coefficients: &[Fr], point: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::ZERO, |sum, a| sum * point + a)
}

fn scalar(k: u32) -> Fft {
    Fft::with(k, scalar::Twiddles::shared)
}

/// Transforms on lanes, where there are any for this processor and size.
fn lanes(k: u32) -> Option<Fft> {
    #[cfg(target_arch = "x86_64")]
    if k >= lanes::MIN_K && crate::proving::simd::available() {
        return Some(Fft::with(k, lanes::Twiddles::shared));
    }
    None
}

#[test]
fn fft_values_are_those_of_the_polynomial() {
    let shift = Fr::from(7);
    for k in [0, 1, 2, 3, 5, 6, 7, 10] {
        for fft in [Some(scalar(k)), lanes(k)].into_iter().flatten() {
            let n = fft.n();
            let coefficients = random(n, 1);
            let values = fft.coset(shift).values(&coefficients);
            let rows = fft.coset(Fr::ONE).values(&coefficients);
            for j in [0, 1, 2, n / 2, n - 1].into_iter().filter(|j| *j < n) {
                let root = omega(k).pow_vartime([j as u64]);
                assert_eq!(rows[j], evaluate(&coefficients, root), "k {k}, row {j}");
                assert_eq!(values[j], evaluate(&coefficients, shift * root), "k {k}, value {j}");
            }
            assert_eq!(fft.interpolate(&rows), coefficients, "k {k}");
            assert_eq!(fft.interpolate_all(vec![rows.clone(); 3]), vec![coefficients.clone(); 3]);
            let mut back = vec![Fr::ONE; n];
            fft.coset_interpolate_into(&values, shift, &mut back);
            assert_eq!(back, coefficients, "k {k}");
        }
    }
}

#[test]
fn fft_parts_are_every_so_manyth_value_of_the_coset() {
    let shift = Fr::from(5);
    for k in [0, 1, 2, 3, 4, 6, 9, 11, 12] {
        for fft in [scalar(k), Fft::new(k)] {
            let coefficients = random(fft.n(), 2);
            let whole = fft.coset(shift).values(&coefficients);
            for parts in [1, 2, 4, 8].into_iter().filter(|parts| *parts <= fft.n()) {
                for part in 0..parts {
                    let coset = fft.coset_part(shift, parts, part);
                    let expected: Vec<Fr> =
                        whole.iter().skip(part).step_by(parts).copied().collect();
                    assert_eq!(coset.len(), expected.len());
                    assert_eq!(coset.values(&coefficients), expected, "k {k}, {part} of {parts}");
                    let mut points = expected;
                    coset.write_points(&mut points);
                    let of_x: Vec<Fr> =
                        points.iter().map(|x| evaluate(&coefficients, *x)).collect();
                    assert_eq!(of_x, coset.values(&coefficients), "k {k}, {part} of {parts}");
                }
            }
        }
    }
}

#[test]
fn fft_on_lanes_is_the_scalar_one() {
    for k in (0..=12).chain([15]) {
        let (Some(lanes), scalar) = (lanes(k), scalar(k)) else { continue };
        let coefficients = random(lanes.n(), u64::from(k));
        assert_eq!(lanes.interpolate(&coefficients), scalar.interpolate(&coefficients), "k {k}");
        for shift in [Fr::ONE, Fr::from(7), -Fr::ONE] {
            let values = |fft: &Fft| fft.coset(shift).values(&coefficients);
            assert_eq!(values(&lanes), values(&scalar), "k {k}");
        }
    }
}

/// Columns of any height on lanes: bounds hold, at elements that make the largest values.
#[test]
#[cfg(target_arch = "x86_64")]
fn fft_columns_stay_within_bounds() {
    for k in [16, 17, 19, 20] {
        let Some(fft) = lanes(k) else { continue };
        let mut coefficients = vec![-Fr::ONE; fft.n()];
        coefficients[1..].iter_mut().step_by(2).for_each(|a| *a = Fr::ZERO);
        let values = fft.coset(Fr::ONE).values(&coefficients);
        // - sum_(i even) X^i is - n / 2 at 1 and - 1, and zero at the other rows.
        let (n, half) = (fft.n(), Fr::from(fft.n() as u64 / 2));
        assert_eq!((values[0], values[n / 2]), (-half, -half));
        let others = values.iter().enumerate().filter(|(j, _)| *j != 0 && *j != n / 2);
        assert!(others.map(|(_, value)| *value).all(|value| value == Fr::ZERO));
        assert_eq!(fft.interpolate(&values), coefficients);
    }
}
