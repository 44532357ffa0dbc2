//! Scalars as signed digits in base `2^c` (Booth recoding).
//!
//! With `b_j` the bits of the scalar in two's complement and `b_{-1} = 0`, digit `w` is
//!
//! ```text
//! d_w = b_{wc-1} + sum_{j < c-1} 2^j b_{wc+j} - 2^(c-1) b_{wc+c-1}      in [-2^(c-1), 2^(c-1)]
//! ```
//!
//! and `scalar = sum_w 2^(cw) d_w`. Each digit depends on `c + 1` neighbouring bits only, so
//! windows need no carries, no storage, and can be taken in any order.

use ff::PrimeField;
use halo2curves::bn256::Fr;

use crate::proving::limbs::limbs;

/// Widest window: `2^15` buckets of 64 bytes.
const MAX_WIDTH: u32 = 16;

/// Scalars that can be read digit by digit.
pub(super) trait Digits: Send + Sync {
    /// Number of scalars.
    fn len(&self) -> usize;

    /// Fills `digits` with those of the scalars from `first` on, in the window of `width` bits that
    /// starts at bit `start`.
    fn digits(&self, first: usize, start: u32, width: u32, digits: &mut [i32]);
}

/// Signed integers.
impl Digits for &[i64] {
    fn len(&self) -> usize {
        <[i64]>::len(self)
    }

    fn digits(&self, first: usize, start: u32, width: u32, digits: &mut [i32]) {
        for (digit, value) in digits.iter_mut().zip(&self[first..]) {
            // Bit -1 is zero; above bit 63 the sign repeats. Callers keep `start` below 64.
            let window = if start == 0 { value << 1 } else { value >> (start - 1) };
            *digit = booth((window & low_bits(width + 1)) as u32, width);
        }
    }
}

/// Field elements as canonical little-endian limbs.
pub(super) struct FieldLimbs(Vec<[u64; 4]>);

impl FieldLimbs {
    pub(super) fn new(scalars: &[Fr]) -> Self {
        Self(scalars.iter().map(limbs).collect())
    }
}

impl Digits for FieldLimbs {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn digits(&self, first: usize, start: u32, width: u32, digits: &mut [i32]) {
        let (limb, shift) = (start.saturating_sub(1) as usize / 64, start.saturating_sub(1) % 64);
        for (digit, limbs) in digits.iter_mut().zip(&self.0[first..]) {
            let low = limbs.get(limb).copied().unwrap_or(0);
            let high = limbs.get(limb + 1).copied().unwrap_or(0);
            // Two shifts: one by 64 is none.
            let window =
                if start == 0 { low << 1 } else { low >> shift | high << 1 << (63 - shift) };
            *digit = booth((window as i64 & low_bits(width + 1)) as u32, width);
        }
    }
}

/// Bits of a canonical field element, and one for the sign of the top digit.
pub(super) const FIELD_BITS: u32 = Fr::NUM_BITS + 1;

/// Bits of the two's complement of values between `-largest - 1` and `largest`.
pub(super) fn signed_bits(largest: u64) -> u32 {
    u64::BITS - largest.leading_zeros() + 1
}

/// The window width that minimises the additions for `count` scalars of `bits` bits: per window, one
/// for each scalar, two for each bucket, which cost more where buckets are nearly empty.
pub(super) fn best_width(count: usize, bits: u32) -> u32 {
    let cost =
        |width: u32| u64::from(bits.div_ceil(width)) * (count as u64 + (3u64 << (width - 1)));
    (2..=MAX_WIDTH).min_by_key(|width| cost(*width)).unwrap_or(MAX_WIDTH)
}

fn low_bits(count: u32) -> i64 {
    (1 << count) - 1
}

/// The digit of `width + 1` bits, the lowest of which belongs to the window below.
#[inline]
fn booth(window: u32, width: u32) -> i32 {
    ((window + 1) >> 1) as i32 - (((window >> width) & 1) << width) as i32
}

#[cfg(test)]
mod tests {
    use ff::Field;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_of_integers_add_up(value in -(1i64 << 62)..=(1i64 << 62), width in 2u32..=16) {
            let bits = signed_bits(value.unsigned_abs());
            let values: &[i64] = &[value];
            let mut sum = 0i128;
            for window in 0..bits.div_ceil(width) {
                let mut digit = [0];
                values.digits(0, window * width, width, &mut digit);
                let [digit] = digit;
                prop_assert!(digit.unsigned_abs() <= 1 << (width - 1));
                sum += i128::from(digit) << (window * width);
            }
            prop_assert_eq!(sum, i128::from(value));
        }

        #[test]
        fn digits_of_field_elements_add_up(seed in any::<[u64; 4]>(), width in 2u32..=16) {
            let scalar = Fr::from_raw(seed);
            let limbs = FieldLimbs::new(&[scalar]);
            let mut sum = Fr::ZERO;
            for window in (0..FIELD_BITS.div_ceil(width)).rev() {
                let mut digit = [0];
                limbs.digits(0, window * width, width, &mut digit);
                let [digit] = digit;
                let magnitude = Fr::from(u64::from(digit.unsigned_abs()));
                sum = sum * Fr::from(1 << width) + if digit < 0 { -magnitude } else { magnitude };
            }
            prop_assert_eq!(sum, scalar);
        }
    }
}
