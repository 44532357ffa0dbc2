//! Eight field elements at a time, with AVX-512 IFMA.
//!
//! [`Lanes`] hold eight elements of a prime field of 254 bits as five limbs of 52 bits, a vector of
//! eight 64-bit words for each limb. `vpmadd52` multiplies limbs of eight elements in one
//! instruction, so that a product takes about a quarter of the time of eight scalar ones. Source:
//! Gueron and Krasnov, "Accelerating Big Integer Arithmetic Using Intel IFMA Extensions" (ARITH
//! 2016), section 3.
//!
//! # Forms
//! halo2curves keeps `a` as `a 2^256 mod p` ("memory form"). A product of lanes divides by `2^260`.
//! So
//!
//! * lanes in memory form times lanes in *lane form*, `b 2^260`, are lanes in memory form: what
//!   transforms do, whose twiddles are in lane form;
//! * lanes in lane form are closed under all operations: what gates do. [`load_scaled`] multiplies
//!   by the missing `2^4` for free, [`Lanes::to_memory_form`] goes back.
//!
//! # Bounds
//! Values are not reduced to `[0, p)` after every operation; each function says which multiple of
//! `p` it takes and gives. Everything must stay below `64 p < 2^260`. Limbs may be any signed words
//! after additions; [`Lanes::carry`] brings them into `[0, 2^52)`, which products need.
//!
//! The processor is asked once ([`available`]); elsewhere callers use scalar code, with the same
//! results to the bit.
#![allow(unsafe_code, reason = "vector loads and stores")]

mod fixed;
mod lanes;
mod modulus;
mod products;
#[cfg(test)]
mod tests;

pub(crate) use fixed::{Fixed, Spread, butterfly, multiply_add, plain_butterfly};
pub(crate) use lanes::{Lanes, load, load_row, load_scaled, prefetch, store};
pub(crate) use modulus::{LIMBS, lane_form};
pub(crate) use products::Products;

/// Elements in [`Lanes`].
pub(crate) const LANES: usize = 8;

/// Whether this processor has what [`Lanes`] need.
pub(crate) fn available() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512ifma")
}
