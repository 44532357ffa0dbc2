//! Division of whole numbers and Mod, of an activation by a constant: functions of one variable,
//!
//! ```text
//! floor(a / b)   = floor((a + sign(b) / 2) / b)                          a, b whole
//! trunc(a / b)   = sign(a) sign(b) floor((|a| + 1/2) / |b|)
//! a mod b        = a - b floor(a / b)        the sign of b
//! fmod(a, b)     = a - b trunc(a / b)        the sign of a; also of floats
//! ```
//!
//! The halves keep quotients of whole numbers off the edges, so that rounding in between changes
//! nothing. Div rounds towards zero.

use std::sync::Arc;

use super::{
    groups,
    kind::Kind,
    site::{Halt, Lowered, Site},
};
use crate::ir::{Activation, Pointwise};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// `a / b` of whole numbers, `b` constant.
pub(super) fn whole_quotient(site: &mut Site<'_>) -> Result {
    by_divisor(site, |b| truncated(b, 0.5))
}

/// `Mod` of an activation by a constant.
pub(super) fn remainder(site: &mut Site<'_>, fmod: bool) -> Result {
    let whole = site.common_kind()? == Kind::Int;
    let half = if whole { 0.5 } else { 0.0 };
    by_divisor(site, |b| {
        let quotient = if fmod { truncated(b, half) } else { floored(b) };
        Pointwise::Difference(Box::new(Pointwise::Argument), product(number(b), quotient))
    })
}

fn by_divisor(site: &mut Site<'_>, f: impl Fn(f32) -> Pointwise) -> Result {
    let kind = site.common_kind()?;
    if kind == Kind::Bool {
        return Err(site.invalid("operands are bool, expected numbers"));
    }
    let divisors = site.constant(1, "B")?;
    let divisors = site.number_tensor(&divisors)?;
    if divisors.data().iter().any(|b| *b == 0.0 || !b.is_finite()) {
        return Err(site.invalid("a divisor is 0 or not finite"));
    }
    let id = groups::by_parameter(site, &divisors, |site, x, b, part| {
        site.apply(Activation::Pointwise(Arc::new(f(b))), x, part)
    })?;
    Ok(site.holds(id, kind))
}

fn floored(b: f32) -> Pointwise {
    let shifted = Pointwise::Sum(Box::new(Pointwise::Argument), number(0.5f32.copysign(b)));
    apply(Activation::Floor, Pointwise::Product(Box::new(shifted), inverse(b)))
}

fn truncated(b: f32, half: f32) -> Pointwise {
    let magnitude = apply(Activation::Abs, Pointwise::Argument);
    let shifted = Pointwise::Sum(Box::new(magnitude), number(half));
    let floor = apply(Activation::Floor, Pointwise::Product(Box::new(shifted), inverse(b.abs())));
    let sign = apply(Activation::Sign, Pointwise::Argument);
    let signed = Pointwise::Product(Box::new(sign), number(1f32.copysign(b)));
    Pointwise::Product(Box::new(signed), Box::new(floor))
}

/// `1 / b`, in double precision.
fn inverse(b: f32) -> Box<Pointwise> {
    Box::new(apply(Activation::Reciprocal, Pointwise::Constant(b)))
}

fn number(value: f32) -> Box<Pointwise> {
    Box::new(Pointwise::Constant(value))
}

fn product(a: Box<Pointwise>, b: Pointwise) -> Box<Pointwise> {
    Box::new(Pointwise::Product(a, Box::new(b)))
}

fn apply(f: Activation, x: Pointwise) -> Pointwise {
    Pointwise::Apply(f, Box::new(x))
}
