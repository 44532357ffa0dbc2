//! Comparison and logic of constants: Equal, Less, Greater, LessOrEqual, GreaterOrEqual, And, Or,
//! Not. Whole numbers are compared as such, floats as doubles.

use super::{
    fill::finish,
    index::broadcast_map,
    site::{Halt, Lowered, Site},
};
use crate::onnx::{Constant, Elements};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn equal(site: &mut Site<'_>) -> Result {
    compare(site, |a, b| a == b, |a, b| a == b)
}

pub(super) fn less(site: &mut Site<'_>) -> Result {
    compare(site, |a, b| a < b, |a, b| a < b)
}

pub(super) fn greater(site: &mut Site<'_>) -> Result {
    compare(site, |a, b| a > b, |a, b| a > b)
}

pub(super) fn less_or_equal(site: &mut Site<'_>) -> Result {
    compare(site, |a, b| a <= b, |a, b| a <= b)
}

pub(super) fn greater_or_equal(site: &mut Site<'_>) -> Result {
    compare(site, |a, b| a >= b, |a, b| a >= b)
}

pub(super) fn and(site: &mut Site<'_>) -> Result {
    logic(site, |a, b| a && b)
}

pub(super) fn or(site: &mut Site<'_>) -> Result {
    logic(site, |a, b| a || b)
}

pub(super) fn not(site: &mut Site<'_>) -> Result {
    let x = site.constant(0, "X")?;
    let Elements::Bool(bits) = &x.elements else {
        return Err(not_bool(site, &x));
    };
    let origin = site.origin();
    site.budget.take(bits.len(), &origin)?;
    let elements = Elements::Bool(bits.iter().map(|bit| !bit).collect());
    finish(site, Constant::new(x.shape.clone(), elements))
}

fn compare(site: &mut Site<'_>, float: fn(f64, f64) -> bool, int: fn(i64, i64) -> bool) -> Result {
    let (a, b) = (site.constant(0, "A")?, site.constant(1, "B")?);
    if std::mem::discriminant(&a.elements) != std::mem::discriminant(&b.elements) {
        let (a, b) = (a.elements.dtype(), b.elements.dtype());
        return Err(site.invalid(format!("operands are {a} and {b}, expected one type")));
    }
    match (a.elements.to_i64(), b.elements.to_i64()) {
        (Some(left), Some(right)) => zip(site, &a, &b, |i, j| int(left[i], right[j])),
        _ => {
            let (left, right) = (a.elements.to_f64(), b.elements.to_f64());
            zip(site, &a, &b, |i, j| float(left[i], right[j]))
        }
    }
}

fn logic(site: &mut Site<'_>, f: fn(bool, bool) -> bool) -> Result {
    let (a, b) = (site.constant(0, "A")?, site.constant(1, "B")?);
    match (&a.elements, &b.elements) {
        (Elements::Bool(left), Elements::Bool(right)) => {
            zip(site, &a, &b, |i, j| f(left[i], right[j]))
        }
        (Elements::Bool(_), _) => Err(not_bool(site, &b)),
        _ => Err(not_bool(site, &a)),
    }
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
    let shape = a.shape.broadcast(&b.shape).map_err(|error| site.invalid(error.to_string()))?;
    let from_a = broadcast_map(site, &a.shape, &shape)?;
    let from_b = broadcast_map(site, &b.shape, &shape)?;
    let bits = from_a.iter().zip(&from_b).map(|(i, j)| f(*i as usize, *j as usize)).collect();
    finish(site, Constant::new(shape, Elements::Bool(bits)))
}
