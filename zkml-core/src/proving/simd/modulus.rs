//! The two fields of BN254 in limbs of 52 bits.

use halo2curves::bn256::{Fq, Fr};
use halo2curves::serde::SerdeObject;

/// Bits of a limb.
pub(super) const LIMB_BITS: u32 = 52;
/// Limbs of an element.
pub(crate) const LIMBS: usize = 5;
/// The bits of a limb.
pub(super) const MASK: u64 = (1 << LIMB_BITS) - 1;
/// Multiples of the modulus that stay below `2^260`, one more.
pub(super) const MULTIPLES: usize = 65;

/// A field of BN254. Elements are four words of 64 bits in memory, `a 2^256 mod p`, least
/// significant first.
pub(crate) trait Modulus: Copy + Default + Send + Sync + 'static {
    /// `p` as words of 64 bits.
    const WORDS: [u64; 4];

    /// `p` in limbs.
    const P: [u64; LIMBS] = split(Self::WORDS);
    /// `2^260 - p` in limbs.
    const MINUS_P: [u64; LIMBS] = complement(Self::P);
    /// `-1 / p mod 2^52`.
    const INVERSE: u64 = negative_inverse(Self::WORDS[0]) & MASK;
    /// `k p` in limbs, for `k` up to 64.
    const MULTIPLES_OF_P: [[u64; LIMBS]; MULTIPLES] = multiples(Self::P);
    /// `2^256 mod p` in limbs.
    const TO_MEMORY: [u64; LIMBS] = split(power_of_two(Self::WORDS, 256));
    /// `2^260 mod p` in limbs: 1 in lane form.
    const ONE_IN_LANES: [u64; LIMBS] = split(power_of_two(Self::WORDS, 260));
    /// `2^264 mod p` in limbs: times this, memory form becomes lane form.
    const TO_LANES: [u64; LIMBS] = split(power_of_two(Self::WORDS, 264));
    /// `2^516 mod p` in limbs: times this, an integer becomes its memory form.
    const FROM_INTEGERS: [u64; LIMBS] = split(power_of_two(Self::WORDS, 516));
    /// `floor(2^97 / (P[4] + 1))`.
    const QUOTIENT: u64 =
        ((1u128 << (LIMB_BITS + QUOTIENT_SHIFT)) / (Self::P[4] as u128 + 1)) as u64;
}

/// Bits after the point of a quotient by the modulus.
pub(super) const QUOTIENT_SHIFT: u32 = 45;

impl Modulus for Fr {
    const WORDS: [u64; 4] = [
        0x43e1_f593_f000_0001,
        0x2833_e848_79b9_7091,
        0xb850_45b6_8181_585d,
        0x3064_4e72_e131_a029,
    ];
}

impl Modulus for Fq {
    const WORDS: [u64; 4] = [
        0x3c20_8c16_d87c_fd47,
        0x9781_6a91_6871_ca8d,
        0xb850_45b6_8181_585d,
        0x3064_4e72_e131_a029,
    ];
}

/// An element's limbs in lane form, canonical.
pub(crate) fn lane_form(element: &Fr) -> [u64; LIMBS] {
    // In memory 16 a is a 2^260 mod p.
    let bytes = (*element * Fr::from(16)).to_raw_bytes();
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    split(words)
}

pub(super) const fn split(w: [u64; 4]) -> [u64; LIMBS] {
    [
        w[0] & MASK,
        (w[0] >> 52 | w[1] << 12) & MASK,
        (w[1] >> 40 | w[2] << 24) & MASK,
        (w[2] >> 28 | w[3] << 36) & MASK,
        w[3] >> 16,
    ]
}

/// `2^260 - p`, for odd `p`.
const fn complement(p: [u64; LIMBS]) -> [u64; LIMBS] {
    // The lowest limb is not zero, so that nothing is carried.
    [MASK + 1 - p[0], MASK - p[1], MASK - p[2], MASK - p[3], MASK - p[4]]
}

/// `-1 / a mod 2^64` by Newton's iteration, for odd `a`.
const fn negative_inverse(a: u64) -> u64 {
    let mut inverse = 1u64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(a.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg()
}

const fn multiples(p: [u64; LIMBS]) -> [[u64; LIMBS]; MULTIPLES] {
    let mut all = [[0; LIMBS]; MULTIPLES];
    let mut k = 1;
    while k < MULTIPLES {
        let (mut carry, mut i) = (0, 0);
        while i < LIMBS {
            let sum = all[k - 1][i] + p[i] + carry;
            carry = sum >> LIMB_BITS;
            all[k][i] = sum & MASK;
            i += 1;
        }
        k += 1;
    }
    all
}

/// `2^exponent mod p` by doubling.
const fn power_of_two(p: [u64; 4], exponent: u32) -> [u64; 4] {
    let mut value = [1u64, 0, 0, 0];
    let mut step = 0;
    while step < exponent {
        // p has 254 bits: twice a value below p does not overflow.
        let doubled: [u64; 4] = [
            value[0] << 1,
            value[1] << 1 | value[0] >> 63,
            value[2] << 1 | value[1] >> 63,
            value[3] << 1 | value[2] >> 63,
        ];
        let (mut difference, mut borrow, mut i) = ([0u64; 4], false, 0);
        while i < 4 {
            let (d, first) = doubled[i].overflowing_sub(p[i]);
            let (d, second) = d.overflowing_sub(borrow as u64);
            difference[i] = d;
            borrow = first || second;
            i += 1;
        }
        value = if borrow { doubled } else { difference };
        step += 1;
    }
    value
}
