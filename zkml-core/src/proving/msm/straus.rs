//! A handful of full-size scalars: Straus's method with width-5 non-adjacent forms.
//!
//! The doublings are shared by all points, and each needs an addition every sixth bit only. Used
//! for the blinding rows that follow a column of small values, too few for buckets.

use group::Group;
use halo2curves::bn256::{Fr, G1, G1Affine};

use super::digits::limbs;

/// Digits are odd and below `2^4` in magnitude.
const WIDTH: u32 = 5;
/// Length of the form of a 254-bit scalar: one more than its bits.
const LENGTH: usize = 255;

/// `sum_i scalars[i] bases[i]` over the shorter of both.
pub(super) fn straus(scalars: &[Fr], bases: &[G1Affine]) -> G1 {
    let terms: Vec<_> = scalars
        .iter()
        .zip(bases)
        .map(|(scalar, base)| (non_adjacent_form(limbs(scalar)), odd_multiples(base)))
        .collect();
    let mut sum = G1::identity();
    for position in (0..LENGTH).rev() {
        sum = sum.double();
        for (form, multiples) in &terms {
            let digit = form[position];
            let multiple = multiples[usize::from(digit.unsigned_abs() / 2)];
            match digit.signum() {
                1 => sum += multiple,
                -1 => sum -= multiple,
                _ => {}
            }
        }
    }
    sum
}

/// `P, 3 P, 5 P, ..., 15 P`.
fn odd_multiples(base: &G1Affine) -> [G1; 8] {
    let double = G1::from(base).double();
    let mut multiple = G1::from(base);
    std::array::from_fn(|_| {
        let current = multiple;
        multiple += double;
        current
    })
}

/// Odd or zero digits below `2^4` in magnitude, any five neighbours of which hold at most one that
/// is not zero, such that `scalar = sum_i digit_i 2^i`.
fn non_adjacent_form(mut scalar: [u64; 4]) -> [i8; LENGTH] {
    let mut form = [0; LENGTH];
    for digit in &mut form {
        if scalar[0] & 1 == 1 {
            let low = (scalar[0] & ((1 << WIDTH) - 1)) as i8;
            *digit = if low >= 1 << (WIDTH - 1) { low - (1 << WIDTH) } else { low };
            add_signed(&mut scalar, -i64::from(*digit));
        }
        halve(&mut scalar);
    }
    form
}

/// Adds a small signed number to a number that it keeps non-negative and below `2^256`.
fn add_signed(number: &mut [u64; 4], addend: i64) {
    let extension = if addend < 0 { u64::MAX } else { 0 };
    let mut carry = false;
    for (position, limb) in number.iter_mut().enumerate() {
        let word = if position == 0 { addend as u64 } else { extension };
        let (sum, first) = limb.overflowing_add(word);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        *limb = sum;
        carry = first | second;
    }
}

fn halve(number: &mut [u64; 4]) {
    let mut above = 0;
    for limb in number.iter_mut().rev() {
        let low = *limb << 63;
        *limb = *limb >> 1 | above;
        above = low;
    }
}
