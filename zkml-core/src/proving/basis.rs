//! Linear combinations of field elements with small integer coefficients.
//!
//! `sum_i v_i b_i` over the canonical limbs of the `b_i`: four multiplications of words a term
//! instead of two of field elements, and one reduction at the end.

use ff::Field;
use halo2curves::bn256::Fr;

use super::limbs::limbs;
use super::vector::from_integer;

/// Up to this magnitude, `2^16` products of a coefficient and a word add up within 127 bits.
const MAX_SMALL: u64 = 1 << 46;

/// Field elements to combine.
#[derive(Clone, Debug)]
pub struct Basis {
    elements: Vec<Fr>,
    limbs: Vec<[u64; 4]>,
    /// `2^256`.
    overflow: Fr,
}

impl Basis {
    /// A basis of these elements.
    #[must_use]
    pub fn new(elements: Vec<Fr>) -> Self {
        let word = Fr::from(1 << 32).square();
        let limbs = elements.iter().map(limbs).collect();
        Self { elements, limbs, overflow: word.square().square() }
    }

    /// The elements.
    #[must_use]
    pub fn elements(&self) -> &[Fr] {
        &self.elements
    }

    /// `sum v b_i` over pairs `(i, v)`, at most `2^16` of them with indices of this basis.
    #[must_use]
    pub fn combine(&self, terms: impl Iterator<Item = (usize, i64)>) -> Fr {
        let mut sums = [0i128; 4];
        let mut large = Fr::ZERO;
        for (index, value) in terms {
            if value.unsigned_abs() > MAX_SMALL {
                large += self.elements[index] * from_integer(value);
                continue;
            }
            for (sum, limb) in sums.iter_mut().zip(&self.limbs[index]) {
                *sum += i128::from(*limb) * i128::from(value);
            }
        }
        // Carries to the words above, signed: what is left is 256 bits and a signed number of 63.
        let (mut words, mut carry) = ([0u64; 4], 0i128);
        for (word, sum) in words.iter_mut().zip(sums) {
            let total = sum + carry;
            *word = total as u64;
            carry = total >> 64;
        }
        let high = from_integer(carry as i64) * self.overflow;
        Fr::from_raw(words) + high + large
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn naive(elements: &[Fr], values: &[i64]) -> Fr {
        elements.iter().zip(values).map(|(b, v)| *b * from_integer(*v)).sum()
    }

    fn combined(elements: &[Fr], values: &[i64]) -> Fr {
        Basis::new(elements.to_vec()).combine(values.iter().copied().enumerate())
    }

    #[test]
    fn extremes() {
        let largest = MAX_SMALL as i64;
        for element in [Fr::ZERO, Fr::ONE, -Fr::ONE] {
            for value in [0, 1, -1, largest, -largest, largest + 1, i64::MAX, i64::MIN] {
                for count in [0, 1, 2, 1 << 16] {
                    let (elements, values) = (vec![element; count], vec![value; count]);
                    assert_eq!(combined(&elements, &values), naive(&elements, &values));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn sums_are_exact(seed in any::<u64>(), values in prop::collection::vec((any::<i64>(), 0u32..64), 0..80)) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let values: Vec<i64> = values.iter().map(|(v, shift)| v >> shift).collect();
            let elements: Vec<Fr> = values.iter().map(|_| Fr::random(&mut rng)).collect();
            prop_assert_eq!(combined(&elements, &values), naive(&elements, &values));
        }
    }
}
