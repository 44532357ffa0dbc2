//! Comparison and logic: Equal, Less, Greater, LessOrEqual, GreaterOrEqual, And, Or, Xor, Not, IsNaN.
//!
//! Constant whole numbers are compared as such, constant floats as doubles. Of activations,
//!
//! ```text
//! a = b    (a - b) = 0          not a    1 - a
//! a < b    (b - a) > 0          a and b  (a + b - 1) > 0,   a c        with a constant c
//! a <= b   (b - a) >= 0         a or b   (a + b) > 0,       a (1 - c) + c
//!                               a xor b  (a - b)^2,         a (1 - 2 c) + c
//! ```

use super::{
    fill::finish,
    index::broadcast_map,
    kind::Kind,
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::{Activation, Op, ValueId},
    onnx::{Constant, Elements},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// A comparison of floats and of whole numbers.
type Comparison = (fn(f64, f64) -> bool, fn(i64, i64) -> bool);

pub(super) fn equal(site: &mut Site<'_>) -> Result {
    compare(site, (|a, b| a == b, |a, b| a == b), (Activation::IsZero, false))
}

pub(super) fn less(site: &mut Site<'_>) -> Result {
    compare(site, (|a, b| a < b, |a, b| a < b), (Activation::IsPositive, true))
}

pub(super) fn greater(site: &mut Site<'_>) -> Result {
    compare(site, (|a, b| a > b, |a, b| a > b), (Activation::IsPositive, false))
}

pub(super) fn less_or_equal(site: &mut Site<'_>) -> Result {
    compare(site, (|a, b| a <= b, |a, b| a <= b), (Activation::IsNonNegative, true))
}

pub(super) fn greater_or_equal(site: &mut Site<'_>) -> Result {
    compare(site, (|a, b| a >= b, |a, b| a >= b), (Activation::IsNonNegative, false))
}

pub(super) fn and(site: &mut Site<'_>) -> Result {
    logic(site, |a, b| a && b, Connective::And)
}

pub(super) fn or(site: &mut Site<'_>) -> Result {
    logic(site, |a, b| a || b, Connective::Or)
}

pub(super) fn xor(site: &mut Site<'_>) -> Result {
    logic(site, |a, b| a != b, Connective::Xor)
}

pub(super) fn not(site: &mut Site<'_>) -> Result {
    let Lowered::Constant(x) = site.input(0)? else {
        site.expect_kind(0, "X", Kind::Bool)?;
        let x = site.operand(0)?;
        return Ok(Lowered::Activation(site.complement(x, "")?));
    };
    let Elements::Bool(bits) = &x.elements else {
        return Err(not_bool(site, &x));
    };
    site.spend(bits.len())?;
    let elements = Elements::Bool(bits.iter().map(|bit| !bit).collect());
    finish(site, Constant::new(x.shape.clone(), elements))
}

/// No activation is NaN: a run stops where one would be.
pub(super) fn is_nan(site: &mut Site<'_>) -> Result {
    let input = site.input(0)?;
    let shape = site.shape_of(&input);
    site.spend(shape.len())?;
    let bits = match &input {
        Lowered::Constant(x) if Kind::of_elements(&x.elements) == Kind::Float => {
            x.elements.to_f64().iter().map(|v| v.is_nan()).collect()
        }
        _ => {
            site.expect_kind(0, "X", Kind::Float)?;
            vec![false; shape.len()]
        }
    };
    finish(site, Constant::new(shape, Elements::Bool(bits)))
}

/// No activation is infinite. The flags say which infinities count.
pub(super) fn is_inf(site: &mut Site<'_>) -> Result {
    let negative = site.flag("detect_negative", true)?;
    let positive = site.flag("detect_positive", true)?;
    let input = site.input(0)?;
    let shape = site.shape_of(&input);
    site.spend(shape.len())?;
    site.expect_kind(0, "X", Kind::Float)?;
    let is = |v: &f64| v.is_infinite() && if *v > 0.0 { positive } else { negative };
    let bits = match &input {
        Lowered::Constant(x) => x.elements.to_f64().iter().map(is).collect(),
        _ => vec![false; shape.len()],
    };
    finish(site, Constant::new(shape, Elements::Bool(bits)))
}

/// Of constants by `of_constants`; of activations by a function of `a - b`, or `b - a` if `swapped`.
fn compare(
    site: &mut Site<'_>,
    of_constants: Comparison,
    (function, swapped): (Activation, bool),
) -> Result {
    if let (Lowered::Constant(a), Lowered::Constant(b)) = (site.input(0)?, site.input(1)?) {
        return compare_constants(site, &a, &b, of_constants);
    }
    site.common_kind()?;
    let (a, b) = (site.number(0)?, site.number(1)?);
    let operands = if swapped { vec![b, a] } else { vec![a, b] };
    let difference = site.push(Op::Sub, operands, "difference")?;
    let id = site.apply(function, difference, "")?;
    Ok(site.holds(id, Kind::Bool))
}

fn compare_constants(
    site: &mut Site<'_>,
    a: &Constant,
    b: &Constant,
    (float, int): Comparison,
) -> Result {
    if std::mem::discriminant(&a.elements) != std::mem::discriminant(&b.elements) {
        let (a, b) = (a.elements.dtype(), b.elements.dtype());
        return Err(site.invalid(format!("operands are {a} and {b}, expected one type")));
    }
    match (a.elements.to_i64(), b.elements.to_i64()) {
        (Some(left), Some(right)) => zip(site, a, b, |i, j| int(left[i], right[j])),
        _ => {
            let (left, right) = (a.elements.to_f64(), b.elements.to_f64());
            zip(site, a, b, |i, j| float(left[i], right[j]))
        }
    }
}

#[derive(Clone, Copy)]
enum Connective {
    And,
    Or,
    Xor,
}

fn logic(site: &mut Site<'_>, f: fn(bool, bool) -> bool, connective: Connective) -> Result {
    let (a, b) = match (site.input(0)?, site.input(1)?) {
        (Lowered::Constant(a), Lowered::Constant(b)) => {
            return match (&a.elements, &b.elements) {
                (Elements::Bool(left), Elements::Bool(right)) => {
                    zip(site, &a, &b, |i, j| f(left[i], right[j]))
                }
                (Elements::Bool(_), _) => Err(not_bool(site, &b)),
                _ => Err(not_bool(site, &a)),
            };
        }
        (Lowered::Activation(a), Lowered::Constant(c)) => (a, Err(c)),
        (Lowered::Constant(c), Lowered::Activation(a)) => (a, Err(c)),
        (Lowered::Activation(a), Lowered::Activation(b)) => (a, Ok(b)),
        _ => return Err(Halt::Poisoned),
    };
    site.expect_kind(0, "A", Kind::Bool)?;
    site.expect_kind(1, "B", Kind::Bool)?;
    Ok(Lowered::Activation(match b {
        Ok(b) => of_two(site, (a, b), connective)?,
        Err(c) => of_constant(site, a, &c, connective)?,
    }))
}

fn of_two(
    site: &mut Site<'_>,
    (a, b): (ValueId, ValueId),
    connective: Connective,
) -> Result<ValueId> {
    let (op, function) = match connective {
        Connective::And | Connective::Or => (Op::Add, Activation::IsPositive),
        Connective::Xor => (Op::Sub, Activation::Square),
    };
    let mut sum = site.push(op, vec![a, b], "sum")?;
    if matches!(connective, Connective::And) {
        sum = site.plus(sum, -1.0, "both")?;
    }
    site.apply(function, sum, "")
}

fn of_constant(
    site: &mut Site<'_>,
    a: ValueId,
    c: &Constant,
    connective: Connective,
) -> Result<ValueId> {
    let c = site.number_tensor(c)?;
    let (slope, offset) = match connective {
        Connective::And => (c, None),
        Connective::Or => (c.map(|c| 1.0 - c), Some(c)),
        Connective::Xor => (c.map(|c| 1.0 - 2.0 * c), Some(c)),
    };
    let slope = site.own_constant("slope", slope)?;
    let Some(offset) = offset else { return site.push(Op::Mul, vec![a, slope], "") };
    let product = site.push(Op::Mul, vec![a, slope], "product")?;
    let offset = site.own_constant("offset", offset)?;
    site.push(Op::Add, vec![product, offset], "")
}

fn not_bool(site: &Site<'_>, constant: &Constant) -> Halt {
    site.invalid(format!("an operand is {}, expected bool", constant.elements.dtype()))
}

/// `f` of the indices of corresponding elements.
fn zip(
    site: &mut Site<'_>,
    a: &Constant,
    b: &Constant,
    f: impl Fn(usize, usize) -> bool,
) -> Result {
    let shape = site.valid(a.shape.broadcast(&b.shape))?;
    let from_a = broadcast_map(site, &a.shape, &shape)?;
    let from_b = broadcast_map(site, &b.shape, &shape)?;
    let bits = from_a.iter().zip(&from_b).map(|(i, j)| f(*i as usize, *j as usize)).collect();
    finish(site, Constant::new(shape, Elements::Bool(bits)))
}
