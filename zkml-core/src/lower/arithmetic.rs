//! Arithmetic, of activations and of constants of any type.
//!
//! ```text
//! a / b     = a * (1 / b)
//! max(a, b) = b + relu(a - b),   min(a, b) = b - relu(b - a)
//! ```
//!
//! Float32 results of `+ - * / sqrt` are computed in double precision and rounded once, which gives
//! the correctly rounded result. Whole numbers that overflow are an error.

use super::{
    build::hidden,
    divide, extreme,
    fill::finish,
    index::broadcast_map,
    kind::Kind,
    power,
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::{Activation, Op, ValueId},
    onnx::{Constant, Elements},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// A binary operation, on floats and on whole numbers (`None` where it has no result).
type Binary = (fn(f64, f64) -> f64, fn(i64, i64) -> Option<i64>);
type Unary = (fn(f64) -> f64, fn(i64) -> Option<i64>);

pub(super) fn add(site: &mut Site<'_>) -> Result {
    linear(site, Op::Add, (|a, b| a + b, i64::checked_add))
}

pub(super) fn sub(site: &mut Site<'_>) -> Result {
    linear(site, Op::Sub, (|a, b| a - b, i64::checked_sub))
}

pub(super) fn mul(site: &mut Site<'_>) -> Result {
    linear(site, Op::Mul, (|a, b| a * b, i64::checked_mul))
}

/// Whole numbers are divided towards zero. An activation is multiplied by the reciprocal.
pub(super) fn div(site: &mut Site<'_>) -> Result {
    match (site.input(0)?, site.input(1)?) {
        (Lowered::Constant(a), Lowered::Constant(b)) => {
            binary(site, &a, &b, (|a, b| a / b, i64::checked_div))
        }
        (_, Lowered::Constant(_)) if site.common_kind()? == Kind::Int => {
            divide::whole_quotient(site)
        }
        (_, Lowered::Constant(_)) => {
            whole_division(site)?;
            let divisor = site.floats(1, "B")?;
            let reciprocal = divisor.map(|v| (1.0 / f64::from(*v)) as f32);
            let x = site.operand(0)?;
            let reciprocal = site.own_constant("reciprocal", reciprocal)?;
            Ok(Lowered::Activation(site.push(Op::Mul, vec![x, reciprocal], "")?))
        }
        (a, Lowered::Activation(b)) => {
            whole_division(site)?;
            if site.shape_of(&a).rank() == 0 && site.uniform(&a)? == Some(1.0) {
                return Ok(Lowered::Activation(site.apply(Activation::Reciprocal, b, "")?));
            }
            let inverse = site.apply(Activation::Reciprocal, b, "reciprocal")?;
            let a = site.operand(0)?;
            Ok(Lowered::Activation(site.push(Op::Mul, vec![a, inverse], "")?))
        }
        _ => Err(Halt::Poisoned),
    }
}

/// Division of whole numbers rounds towards zero, which is no product.
fn whole_division(site: &Site<'_>) -> Result<()> {
    match site.common_kind()? {
        Kind::Float => Ok(()),
        _ => Err(site.unsupported(None, "whole numbers are divided only by constants")),
    }
}

pub(super) fn neg(site: &mut Site<'_>) -> Result {
    match site.input(0)? {
        Lowered::Constant(_) => unary(site, (|v| -v, i64::checked_neg)),
        _ => {
            let x = site.operand(0)?;
            let minus_one = site.scalar(-1.0, "minus_one")?;
            Ok(Lowered::Activation(site.push(Op::Mul, vec![x, minus_one], "")?))
        }
    }
}

fn linear(site: &mut Site<'_>, op: Op, f: Binary) -> Result {
    if let (Lowered::Constant(a), Lowered::Constant(b)) = (site.input(0)?, site.input(1)?) {
        return binary(site, &a, &b, f);
    }
    let operands = match site.common_kind()? {
        Kind::Float => vec![addend(site, &op, 0)?, addend(site, &op, 1)?],
        Kind::Int => vec![site.number(0)?, site.number(1)?],
        Kind::Bool => return Err(site.invalid("operands are bool, expected numbers")),
    };
    Ok(Lowered::Activation(site.push(op, operands, "")?))
}

/// Operand `i` of a sum, difference or product. Minus infinity in a constant that is added hides what
/// it is added to.
fn addend(site: &mut Site<'_>, op: &Op, i: usize) -> Result<ValueId> {
    let added = match op {
        Op::Add => true,
        Op::Sub => i == 0,
        _ => false,
    };
    match site.input(i)? {
        Lowered::Constant(constant) if added => {
            let tensor = site.float_tensor(&constant)?;
            if !tensor.data().contains(&f32::NEG_INFINITY) {
                return site.operand(i);
            }
            site.spend(tensor.shape().len())?;
            site.own_constant("mask", tensor.map(|v| hidden(*v)))
        }
        _ => site.operand(i),
    }
}

/// The exponent may be of another type; the result has the type of the base.
pub(super) fn pow(site: &mut Site<'_>) -> Result {
    if !site.all_constant() {
        return power::of(site);
    }
    let (base, exponent) = (site.constant(0, "X")?, site.constant(1, "Y")?);
    let elements = match &base.elements {
        Elements::F32(_) => {
            Some(Elements::F32(exponent.elements.to_f64().iter().map(|v| *v as f32).collect()))
        }
        Elements::F64(_) => Some(Elements::F64(exponent.elements.to_f64())),
        ints => exponent.elements.to_i64().and_then(|values| ints.with_i64(values)),
    };
    let elements = elements.ok_or_else(|| {
        site.unsupported(Some("Y"), "powers of whole numbers need whole exponents that fit")
    })?;
    let exponent = site.valid(Constant::new(exponent.shape.clone(), elements))?;
    binary(site, &base, &exponent, (libm::pow, |a, b| a.checked_pow(u32::try_from(b).ok()?)))
}

/// With `fmod` the sign is that of the dividend, as in C, else that of the divisor.
pub(super) fn modulo(site: &mut Site<'_>) -> Result {
    let fmod = site.flag("fmod", false)?;
    if !site.all_constant() {
        if site.kind(0)? == Kind::Float && !fmod {
            return Err(site.invalid("floats need `fmod` = 1"));
        }
        return divide::remainder(site, fmod);
    }
    let (a, b) = (site.constant(0, "A")?, site.constant(1, "B")?);
    let is_float = matches!(a.elements, Elements::F32(_) | Elements::F64(_));
    if is_float && !fmod {
        return Err(site.invalid("floats need `fmod` = 1"));
    }
    let floored = |a: i64, b: i64| {
        let rest = a.checked_rem(b)?;
        if rest != 0 && (rest < 0) != (b < 0) { rest.checked_add(b) } else { Some(rest) }
    };
    binary(site, &a, &b, (|a, b| a % b, if fmod { i64::checked_rem } else { floored }))
}

pub(super) fn min(site: &mut Site<'_>) -> Result {
    let f: Binary = (|a, b| if b < a || b.is_nan() { b } else { a }, |a, b| Some(a.min(b)));
    if site.all_constant() { fold(site, f) } else { extreme::of(site, false) }
}

pub(super) fn max(site: &mut Site<'_>) -> Result {
    let f: Binary = (|a, b| if b > a || b.is_nan() { b } else { a }, |a, b| Some(a.max(b)));
    if site.all_constant() { fold(site, f) } else { extreme::of(site, true) }
}

pub(super) fn abs(site: &mut Site<'_>) -> Result {
    function(site, Activation::Abs, (f64::abs, i64::checked_abs))
}

pub(super) fn sign(site: &mut Site<'_>) -> Result {
    // Not `signum`, which is 1 of 0.
    let sign = |v: f64| if v == 0.0 { 0.0 } else { v.signum() };
    function(site, Activation::Sign, (sign, |v| Some(v.signum())))
}

pub(super) fn sqrt(site: &mut Site<'_>) -> Result {
    function(site, Activation::Sqrt, (f64::sqrt, |_| None))
}

pub(super) fn exp(site: &mut Site<'_>) -> Result {
    function(site, Activation::Exp, (libm::exp, |_| None))
}

pub(super) fn log(site: &mut Site<'_>) -> Result {
    function(site, Activation::Log, (libm::log, |_| None))
}

pub(super) fn reciprocal(site: &mut Site<'_>) -> Result {
    function(site, Activation::Reciprocal, (|v| 1.0 / v, |_| None))
}

pub(super) fn floor(site: &mut Site<'_>) -> Result {
    function(site, Activation::Floor, (f64::floor, |_| None))
}

pub(super) fn ceil(site: &mut Site<'_>) -> Result {
    function(site, Activation::Ceil, (f64::ceil, |_| None))
}

pub(super) fn round(site: &mut Site<'_>) -> Result {
    function(site, Activation::Round, (libm::rint, |_| None))
}

/// A function of an activation, or of a constant in double precision.
fn function(site: &mut Site<'_>, f: Activation, of_constant: Unary) -> Result {
    if matches!(site.input(0)?, Lowered::Constant(_)) {
        return unary(site, of_constant);
    }
    let kept = matches!(f, Activation::Abs | Activation::Sign);
    match site.kind(0)? {
        Kind::Float => {}
        Kind::Int if kept => {}
        _ => return Err(site.invalid("the operand does not hold floats")),
    }
    let x = site.operand(0)?;
    Ok(Lowered::Activation(site.apply(f, x, "")?))
}

fn fold(site: &mut Site<'_>, f: Binary) -> Result {
    let mut result = site.input(0)?;
    for i in 1..site.inputs.len() {
        let (Lowered::Constant(a), b) = (&result, site.constant(i, "data")?) else {
            return Err(Halt::Poisoned); // the caller has seen that all are constants
        };
        let a = a.clone();
        result = binary(site, &a, &b, f)?;
    }
    Ok(result)
}

fn binary(site: &mut Site<'_>, a: &Constant, b: &Constant, (float, int): Binary) -> Result {
    if std::mem::discriminant(&a.elements) != std::mem::discriminant(&b.elements) {
        let (a, b) = (a.elements.dtype(), b.elements.dtype());
        return Err(site.invalid(format!("operands are {a} and {b}, expected one type")));
    }
    let shape = site.valid(a.shape.broadcast(&b.shape))?;
    let from_a = broadcast_map(site, &a.shape, &shape)?;
    let from_b = broadcast_map(site, &b.shape, &shape)?;
    let pairs = || from_a.iter().zip(&from_b).map(|(i, j)| (*i as usize, *j as usize));
    let elements = match (&a.elements, &b.elements) {
        (Elements::F32(a), Elements::F32(b)) => {
            Elements::F32(pairs().map(|(i, j)| float(a[i].into(), b[j].into()) as f32).collect())
        }
        (Elements::F64(a), Elements::F64(b)) => {
            Elements::F64(pairs().map(|(i, j)| float(a[i], b[j])).collect())
        }
        (a, b) => {
            let (Some(left), Some(right)) = (number_ints(a), number_ints(b)) else {
                return Err(site.invalid("operands are bool, expected numbers"));
            };
            let values: Option<Vec<i64>> = pairs().map(|(i, j)| int(left[i], right[j])).collect();
            values.and_then(|values| a.with_i64(values)).ok_or_else(|| no_result(site))?
        }
    };
    finish(site, Constant::new(shape, elements))
}

fn unary(site: &mut Site<'_>, (float, int): Unary) -> Result {
    let x = site.constant(0, "X")?;
    site.spend(x.shape.len())?;
    let elements = match &x.elements {
        Elements::F32(v) => Elements::F32(v.iter().map(|v| float((*v).into()) as f32).collect()),
        Elements::F64(v) => Elements::F64(v.iter().map(|v| float(*v)).collect()),
        other => {
            let ints = number_ints(other)
                .ok_or_else(|| site.invalid("the operand is bool, expected numbers"))?;
            let values: Option<Vec<i64>> = ints.into_iter().map(int).collect();
            values.and_then(|values| other.with_i64(values)).ok_or_else(|| no_result(site))?
        }
    };
    finish(site, Constant::new(x.shape.clone(), elements))
}

fn number_ints(elements: &Elements) -> Option<Vec<i64>> {
    if matches!(elements, Elements::Bool(_)) { None } else { elements.to_i64() }
}

fn no_result(site: &Site<'_>) -> Halt {
    site.invalid("whole numbers overflow, are divided by zero, or the operator needs floats")
}
