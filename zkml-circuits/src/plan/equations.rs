//! The equation of each computed tensor, as vector rows.
//!
//! With `c = 2^s x + r - 2^(s-1)` at the monomial `lambda^i rho^e` that the tensor's grid gives it,
//!
//! ```text
//! sum lambda^i rho^e (2^s x + r) = sum_k A_k(lambda) W_k(rho) + sum_e rho^e f_e V_e(lambda)
//!                                  + sum lambda^i rho^e (bias + 2^(s-1))
//! ```
//!
//! left: `U1` reads of the stored segments, combined along the other axis; right: one product a
//! contraction index, one Horner step a grid column, constants from weight segments.

use super::{
    builder::Builder,
    layout::{Grid, Layout, Slots, columns},
    rows::{Base, Carry, Source, UnitRef, VectorRow},
};
use crate::machine::Unit;
use zkml_core::{
    program::{Affine, Program, Step, StoredTensor, Term, View},
    tensor::Tensor,
};

/// Adds the equations of every computed tensor.
pub(super) fn build(builder: &mut Builder, program: &Program, grids: &[Grid], layouts: &[Layout]) {
    for ((tensor, grid), layout) in program.tensors.iter().zip(grids).zip(layouts) {
        if let Step::Affine(affine) = &tensor.step {
            let right = right_side(builder, tensor, affine, grid);
            let left = left_side(builder, grid, layout);
            builder.equations.push((left, right));
        }
    }
}

fn left_side(builder: &mut Builder, grid: &Grid, layout: &Layout) -> Source {
    let across = match grid.base {
        Base::Lambda => Carry::Rho,
        Base::Rho => Carry::Lambda,
    };
    let segments: Vec<_> = layout
        .segments
        .iter()
        .map(|segment| {
            let live = segment.slots.iter().any(Option::is_some);
            live.then(|| (Source::Unit(UnitRef::new(Unit::Output, segment.group)), 1))
        })
        .collect();
    builder.horner(across, &segments)
}

fn right_side(
    builder: &mut Builder,
    tensor: &StoredTensor,
    affine: &Affine,
    grid: &Grid,
) -> Source {
    let mut sum = Vec::new();
    for term in &affine.terms {
        match term {
            Term::Contract { view, weight } => contract(builder, view, weight, grid, &mut sum),
            Term::Scale { view, factor } => {
                let total = scale(builder, view, factor, grid);
                sum.push(add(total));
            }
            // `Program::check` is matched by `plan` before.
            _ => unreachable!("terms this compiler makes"),
        }
    }
    constants(builder, tensor, affine, grid, &mut sum);
    builder.run(sum)
}

/// `sum_k A_k(lambda) W_k(rho)`; contraction indices whose weights are all 0 vanish.
fn contract(
    builder: &mut Builder,
    view: &View,
    weight: &Tensor<i32>,
    grid: &Grid,
    sum: &mut Vec<VectorRow>,
) {
    let outputs = weight.shape().dims().last().copied().unwrap_or(0);
    for (column, row) in columns(view).iter().zip(weight.data().chunks(outputs.max(1))) {
        // Output `j` stands where the grid put element `(0, j)`.
        let placed = (0..grid.columns.len())
            .map(|e| grid.at(0, e).map_or(0, |element| i64::from(row[element as usize])))
            .collect();
        if let Some(weights) = builder.weights(placed) {
            let operand = builder.polynomial(view.tensor, column);
            sum.push(VectorRow {
                carry: Carry::One,
                a: Some(operand),
                b: Some(weights),
                product: true,
                ..VectorRow::default()
            });
        }
    }
}

/// `sum_e rho^e sum_i lambda^i f v` over the grid.
fn scale(builder: &mut Builder, view: &View, factor: &Tensor<i32>, grid: &Grid) -> Source {
    let factors = factor.data();
    let of = |element: u32| {
        let at = if factors.len() == 1 { 0 } else { element as usize };
        i64::from(factors[at])
    };
    let mut values = Vec::with_capacity(grid.columns.len());
    for slots in &grid.columns {
        let Some(first) = slots.iter().flatten().next() else {
            values.push(None);
            continue;
        };
        let uniform = slots.iter().flatten().all(|e| of(*e) == of(*first));
        if uniform {
            let read: Slots =
                slots.iter().map(|s| view.element((*s)? as usize).map(|at| at as u32)).collect();
            values.push(Some((builder.polynomial(view.tensor, &read), of(*first))));
        } else {
            let scalars: Vec<_> = slots
                .iter()
                .map(|slot| {
                    slot.and_then(|e| {
                        let element = view.element(e as usize)? as u32;
                        Some((builder.scalar(view.tensor, element), of(e)))
                    })
                })
                .collect();
            values.push(Some((builder.horner(Carry::Lambda, &scalars), 1)));
        }
    }
    builder.horner(Carry::Rho, &values)
}

/// Bias and rounding constant, over exactly the monomials the left side reads.
fn constants(
    builder: &mut Builder,
    tensor: &StoredTensor,
    affine: &Affine,
    grid: &Grid,
    sum: &mut Vec<VectorRow>,
) {
    let half = if affine.shift == 0 { 0 } else { 1i64 << (affine.shift - 1) };
    let value = |element: u32| {
        let bias = affine.bias.as_ref().map_or(0, |bias| {
            let at = if bias.data().len() == tensor.shape.len() { element as usize } else { 0 };
            bias.data()[at]
        });
        bias + half
    };
    let live: Vec<&Slots> =
        grid.columns.iter().filter(|slots| slots.iter().any(Option::is_some)).collect();
    let pattern = |slots: &Slots| slots.iter().map(Option::is_some).collect::<Vec<bool>>();
    let constant = |slots: &Slots| {
        let mut values = slots.iter().flatten().map(|e| value(*e));
        let first = values.next().unwrap_or(0);
        values.all(|v| v == first).then_some(first)
    };
    let Some(first) = live.first() else { return };
    let separable =
        live.iter().all(|slots| pattern(slots) == pattern(first) && constant(slots).is_some());
    if separable {
        let by_column = grid.columns.iter().map(|s| constant(s).unwrap_or(0)).collect();
        if let Some(weights) = builder.weights(by_column) {
            let ones = pattern(first);
            sum.push(if ones == [true] {
                add(weights)
            } else {
                VectorRow {
                    carry: Carry::One,
                    a: Some(builder.ones(ones)),
                    b: Some(weights),
                    product: true,
                    ..VectorRow::default()
                }
            });
        }
        return;
    }
    let rows: Vec<_> = (0..grid.rows())
        .map(|i| {
            let by_column =
                (0..grid.columns.len()).map(|e| grid.at(i, e).map_or(0, value)).collect();
            builder.weights(by_column).map(|weights| (weights, 1))
        })
        .collect();
    let total = builder.horner(Carry::Lambda, &rows);
    sum.push(add(total));
}

fn add(source: Source) -> VectorRow {
    VectorRow { carry: Carry::One, a: Some(source), linear: 1, ..VectorRow::default() }
}
