//! Multiplication of points by full-size scalars in width-5 non-adjacent form, in variable time.
//!
//! One point costs 255 doublings and about 50 additions, half the work of a constant-time
//! double-and-add.

use group::Group;
use halo2curves::bn256::{Fr, G1};

use super::limbs::limbs;

/// Of forms that multiply one point: digits are odd and below `2^4` in magnitude.
const WIDTH: u32 = 5;
/// Length of the form of a 254-bit scalar: one more than its bits.
pub(super) const LENGTH: usize = 255;

/// A scalar ready to multiply many points.
pub(super) struct Form([i8; LENGTH]);

impl Form {
    pub(super) fn new(scalar: &Fr) -> Self {
        Self(non_adjacent_form(scalar, WIDTH))
    }

    /// The scalar's multiple of `point`.
    pub(super) fn multiply(&self, point: &G1) -> G1 {
        let multiples = odd_multiples(*point);
        let mut sum = G1::identity();
        for digit in self.0.iter().rev() {
            sum = sum.double();
            let multiple = multiples[usize::from(digit.unsigned_abs() / 2)];
            match digit.signum() {
                1 => sum += multiple,
                -1 => sum -= multiple,
                _ => {}
            }
        }
        sum
    }
}

/// `P, 3 P, 5 P, ..., 15 P`.
fn odd_multiples(point: G1) -> [G1; 8] {
    let double = point.double();
    let mut multiple = point;
    std::array::from_fn(|_| {
        let current = multiple;
        multiple += double;
        current
    })
}

/// Odd or zero digits below `2^(width - 1)` in magnitude, any `width` neighbours of which hold at
/// most one that is not zero, such that `scalar = sum_i digit_i 2^i`. `width` is 2 to 7.
pub(super) fn non_adjacent_form(scalar: &Fr, width: u32) -> [i8; LENGTH] {
    let mut scalar = limbs(scalar);
    let mut form = [0; LENGTH];
    for digit in &mut form {
        if scalar[0] & 1 == 1 {
            let low = (scalar[0] & ((1 << width) - 1)) as i8;
            *digit = if low >= 1 << (width - 1) { low - (1 << width) } else { low };
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

#[cfg(test)]
mod tests {
    use ff::Field;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn multiples_are_those_of_double_and_add() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let point = G1::random(&mut rng);
        let edges = [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(15), Fr::from(16), Fr::from(17)];
        for scalar in edges.into_iter().chain((0..20).map(|_| Fr::random(&mut rng))) {
            let form = Form::new(&scalar);
            assert_eq!(form.multiply(&point), point * scalar);
            assert_eq!(form.multiply(&G1::identity()), G1::identity());
        }
    }
}
