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

#[test]
fn vector_multiples() {
    let factors = random(150, 3);
    for n in LENGTHS {
        let vectors: Vec<Vec<Fr>> = (0..150).map(|i| random(n, 10 + i)).collect();
        for count in [0, 1, 3, 64, 65, 150] {
            let terms: Vec<(Fr, &[Fr])> = factors
                .iter()
                .copied()
                .zip(vectors.iter().map(Vec::as_slice))
                .take(count)
                .collect();
            let to = random(n, 4);
            let expected: Vec<Fr> = (0..n)
                .map(|i| terms.iter().fold(to[i], |sum, (factor, v)| sum + *factor * v[i]))
                .collect();
            let mut whole = to.clone();
            add_multiples(&mut whole, &terms);
            assert_eq!(whole, expected, "{n}, {count} terms");
            for kernels in all_kernels() {
                let mut chunk = to.clone();
                kernels.add_multiples(&mut chunk, &terms);
                assert_eq!(chunk, expected, "{n}, {count} terms");
            }
        }
    }
    // The largest values.
    let ends = vec![-Fr::ONE; 64];
    let terms = vec![(-Fr::ONE, ends.as_slice()); 64];
    let mut sum = ends.clone();
    add_multiples(&mut sum, &terms);
    assert_eq!(sum, vec![Fr::from(63); 64]);
}

#[test]
fn vector_multiples_of_different_lengths() {
    let lengths = [0, 1, 5, 16, CHUNK, CHUNK + 1, CHUNK + 20, 2 * CHUNK + 9];
    let vectors: Vec<Vec<Fr>> = lengths.iter().map(|n| random(*n, *n as u64)).collect();
    let factors = random(lengths.len(), 5);
    let mut sum = vec![Fr::ZERO; 2 * CHUNK + 10];
    let terms: Vec<(Fr, &[Fr])> =
        factors.iter().copied().zip(vectors.iter().map(Vec::as_slice)).collect();
    add_multiples(&mut sum, &terms);
    for (i, sum) in sum.iter().enumerate() {
        let of_term = |(factor, v): &(Fr, &[Fr])| v.get(i).map(|v| *factor * v);
        assert_eq!(*sum, terms.iter().filter_map(of_term).sum(), "{i}");
    }
}

#[test]
fn polynomial_values_and_quotients() {
    for n in LENGTHS {
        let polynomial = random(n, 6);
        for point in [random(1, 7)[0], Fr::ZERO, Fr::ONE, -Fr::ONE] {
            let value = polynomial.iter().rev().fold(Fr::ZERO, |value, a| value * point + a);
            assert_eq!(evaluate(&polynomial, point), value, "{n}");
            for kernels in all_kernels() {
                assert_eq!(kernels.evaluate(&polynomial, point), value, "{n}");
            }
            let mut quotient = polynomial.clone();
            divide_by_linear(&mut quotient, point);
            assert_eq!(quotient.last().copied().unwrap_or_default(), Fr::ZERO);
            // quotient (X - point) + value is the polynomial.
            for i in 0..n {
                let above = if i == 0 { value } else { quotient[i - 1] };
                assert_eq!(above - quotient[i] * point, polynomial[i], "{n}, {i}");
            }
            let carry = random(1, 8)[0];
            let divided = all_kernels().into_iter().map(|kernels| {
                let mut chunk = polynomial.clone();
                kernels.divide(&mut chunk, point, carry);
                chunk
            });
            let mut longer = polynomial.clone();
            longer.push(carry);
            divide_by_linear(&mut longer, point);
            divided.for_each(|chunk| assert_eq!(chunk, longer[..n], "{n}"));
        }
    }
}

#[test]
fn vector_inverses() {
    for n in LENGTHS {
        let mut vector = random(n, 9);
        for zero in [0, 3, 8, 9, 77] {
            if let Some(element) = vector.get_mut(zero) {
                *element = Fr::ZERO;
            }
        }
        let expected: Vec<Fr> =
            vector.iter().map(|v| Option::from(v.invert()).unwrap_or(Fr::ZERO)).collect();
        let mut whole = vector.clone();
        invert(&mut whole);
        assert_eq!(whole, expected, "{n}");
        for kernels in all_kernels() {
            let mut chunk = vector.clone();
            kernels.invert(&mut chunk);
            assert_eq!(chunk, expected, "{n}");
        }
    }
}

#[test]
fn integers_as_elements() {
    let (edge, mut integers) = (1i64 << 51, vec![0, 1, -1, i64::MAX, i64::MIN]);
    integers.extend([edge - 1, edge, edge + 1, -edge, -edge - 1, 1 - edge]);
    integers.extend((0..CHUNK as i64).map(|i| i * i * 7919 - 1_000_000));
    for shift in 0..11 {
        let integers = &integers[shift..];
        let element = |v: &i64| match u64::try_from(*v) {
            Ok(v) => Fr::from(v),
            Err(_) => -Fr::from(v.unsigned_abs()),
        };
        let expected: Vec<Fr> = integers.iter().map(element).collect();
        assert_eq!(from_integers(integers), expected);
        for kernels in all_kernels() {
            let mut chunk = vec![Fr::ONE; integers.len()];
            kernels.write_integers(integers, &mut chunk);
            assert_eq!(chunk, expected);
        }
    }
    assert_eq!(
        from_integers(&[i32::MIN, 3, i32::MAX]),
        [i32::MIN, 3, i32::MAX].map(|v| from_integer(v.into()))
    );
}
