//! Einsum: products of operands summed over the labels that the result does not have.
//!
//! Operands are joined from left to right. Of two, labels that nothing else needs are summed first;
//! then those of both that are summed are the inner axis of a matrix product, those of both that stay
//! its batch, and the others its rows and columns:
//!
//! ```text
//! [batch.., rows, inner] x [batch.., inner, columns]
//! ```
//!
//! Without a label to sum it is an element-wise product.

use super::{
    equation::{Equation, Fault, Label},
    kind::Kind,
    site::{Halt, Lowered, Site},
};
use crate::ir::{Op, ValueId};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// Most operands: each costs a product.
const MOST_OPERANDS: usize = 64;

pub(super) fn einsum(site: &mut Site<'_>) -> Result {
    let text = site
        .ascii_attribute("equation", Equation::LONGEST)?
        .ok_or_else(|| site.invalid("`equation` is missing"))?;
    let count = site.inputs.len();
    if count > MOST_OPERANDS {
        let hint = format!("{count} operands are more than the {MOST_OPERANDS} supported");
        return Err(site.unsupported(Some("equation"), hint));
    }
    let shapes = (0..count).map(|i| site.shape(i)).collect::<Result<Vec<_>>>()?;
    let dims: Vec<&[usize]> = shapes.iter().map(|shape| shape.dims()).collect();
    let equation = Equation::parse(&text, &dims).map_err(|fault| match fault {
        Fault::Invalid(what) => site.invalid(format!("`equation`: {what}")),
        Fault::Unsupported(what) => site.unsupported(Some("equation"), what),
    })?;
    for i in 0..count {
        site.expect_kind(i, "Inputs", Kind::Float)?;
    }
    let mut terms = Vec::with_capacity(count);
    for (i, labels) in equation.operands.iter().enumerate() {
        terms.push(Labelled { id: site.operand(i)?, labels: labels.clone() });
    }
    let mut terms = terms.into_iter();
    let Some(mut all) = terms.next() else { return Err(site.invalid("no operands")) };
    for (i, term) in terms.enumerate() {
        let later = equation.operands.get(i + 2..).unwrap_or_default();
        let needed = |label: &Label| {
            equation.result.contains(label) || later.iter().flatten().any(|other| other == label)
        };
        all = join(site, (all, term), needed, &format!("term{i}"))?;
    }
    let all = summed(site, all, |label| equation.result.contains(label), "single")?;
    let all = arranged(site, all, &equation.result, "result")?;
    Ok(Lowered::Activation(site.result(all.id)))
}

/// A value and the labels of its axes.
struct Labelled {
    id: ValueId,
    labels: Vec<Label>,
}

/// Sums over the labels that are not `needed`.
fn summed(
    site: &mut Site<'_>,
    x: Labelled,
    needed: impl Fn(&Label) -> bool,
    part: &str,
) -> Result<Labelled> {
    let (kept, gone): (Vec<Label>, Vec<Label>) = x.labels.iter().partition(|label| needed(label));
    if gone.is_empty() {
        return Ok(x);
    }
    let order = [kept.clone(), gone].concat();
    let moved = arranged(site, x, &order, &format!("{part}_moved"))?;
    let dims = site.dims(moved.id);
    let (outer, inner) = dims.split_at(kept.len());
    let rows = [outer, &[inner.iter().product()]].concat();
    let rows = site.reshape(moved.id, rows, &format!("{part}_rows"))?;
    let sum = site.sum_last(rows, 1.0, &format!("{part}_sum"))?;
    let id = site.reshape(sum, outer.to_vec(), part)?;
    Ok(Labelled { id, labels: kept })
}

/// `x` with its axes in the order of `labels`, which are its own.
fn arranged(site: &mut Site<'_>, x: Labelled, labels: &[Label], part: &str) -> Result<Labelled> {
    let at = |label: &Label| x.labels.iter().position(|other| other == label);
    let perm: Option<Vec<usize>> = labels.iter().map(at).collect();
    let perm = perm.ok_or_else(|| site.invalid("a label of the equation is lost"))?;
    let id = site.permute(x.id, &perm, part)?;
    Ok(Labelled { id, labels: labels.to_vec() })
}

fn join(
    site: &mut Site<'_>,
    (a, b): (Labelled, Labelled),
    needed: impl Fn(&Label) -> bool,
    part: &str,
) -> Result<Labelled> {
    // An axis of one is in both only if the other has it too; what only one has is summed at once.
    let a_labels = a.labels.clone();
    let a = summed(site, a, |l| needed(l) || b.labels.contains(l), &format!("{part}_left"))?;
    let b = summed(site, b, |l| needed(l) || a_labels.contains(l), &format!("{part}_right"))?;
    let of = |x: &Labelled, keep: &dyn Fn(&Label) -> bool| -> Vec<Label> {
        x.labels.iter().copied().filter(|label| keep(label)).collect()
    };
    let batch = of(&a, &|l| b.labels.contains(l) && needed(l));
    let inner = of(&a, &|l| b.labels.contains(l) && !needed(l));
    let rows = of(&a, &|l| !b.labels.contains(l));
    let columns = of(&b, &|l| !a.labels.contains(l));

    let left = arranged(site, a, &[&batch[..], &rows, &inner].concat(), &format!("{part}_left"))?;
    let right =
        arranged(site, b, &[&batch[..], &inner, &columns].concat(), &format!("{part}_right"))?;
    let (left_dims, right_dims) = (site.dims(left.id), site.dims(right.id));
    let (left_batch, left_rest) = left_dims.split_at(batch.len());
    let (right_batch, right_rest) = right_dims.split_at(batch.len());
    let (row_dims, left_inner) = left_rest.split_at(rows.len());
    let (right_inner, column_dims) = right_rest.split_at(inner.len());
    if left_inner != right_inner {
        let hint = "an axis of size 1 that is summed beside a larger one is not supported";
        return Err(site.unsupported(Some("equation"), hint));
    }
    let size = |dims: &[usize]| dims.iter().fold(1usize, |all, dim| all.saturating_mul(*dim));
    let (m, k, n) = (size(row_dims), size(left_inner), size(column_dims));
    let left = site.reshape(left.id, [left_batch, &[m, k]].concat(), &format!("{part}_rows"))?;
    let right =
        site.reshape(right.id, [right_batch, &[k, n]].concat(), &format!("{part}_columns"))?;
    let op = if inner.is_empty() { Op::Mul } else { Op::MatMul };
    let product = site.push(op, vec![left, right], &format!("{part}_product"))?;
    let product_dims = site.dims(product);
    let dims = [&product_dims[..batch.len()], row_dims, column_dims].concat();
    let id = site.reshape(product, dims, part)?;
    Ok(Labelled { id, labels: [batch, rows, columns].concat() })
}
