//! Masks and the numerators of softmaxes.
//!
//! A mask is a table after a step: where an element is not kept, its argument is moved below
//! whatever a kept one may be, by the *lift* `L` of the step:
//!
//! ```text
//! x = a - L (1 - keep),     y = x          if x >= live,  the least value of the width
//!                           y = the value  else
//! ```
//!
//! With a constant `keep` that is a bias. [`Function::Mask`] says what the value is: a number, or,
//! before a softmax, so far below every live value that its exponential rounds to 0.
//!
//! `exp(x - max)` is a table of the distance from the maximum, an integer that is not negative:
//!
//! ```text
//! M = max of a,     x = M - a - L,     y = exp(-(x + L))
//! ```
//!
//! where `L` centres the distances. One distance has one value, so a softmax of shifted scores is
//! the same, and the greatest has `exp(0) = 1` exactly. If what is kept depends on the inputs, the
//! least live value is a candidate for the maximum: a row of which nothing is kept is then 0
//! everywhere.

use super::{
    DraftStep, Fuser, NewDraft, Precision, Symbol,
    maximum::{axis_last, last},
};
use crate::{
    ir::{Node, Op, ValueId},
    program::View,
    quant::{
        QuantError,
        form::{Floor, Form, FormTerm, Least, Pending, Unit, gather_view},
        function::{Dropped, Function},
        product::unsupported,
    },
    tensor::{Shape, ShapeError, Tensor, inverse_permutation},
};

impl Fuser<'_> {
    pub(super) fn mask(&mut self, node: &Node, value: f32) -> Result<Symbol, QuantError> {
        let value = f64::from(value);
        if let Some(constant) = self.constant(node.inputs[0]).cloned() {
            return self.choice_of_constants(node, &constant, value);
        }
        let dropped = Dropped::Value(value);
        Ok(Symbol::Stored(self.masked(node, dropped, (node.inputs[0], node.output))?))
    }

    pub(super) fn exp_shifted(&mut self, node: &Node, axis: usize) -> Result<Symbol, QuantError> {
        let fail = |source: ShapeError| unsupported(node, source.to_string());
        if self.constant(node.inputs[0]).is_some() {
            return Err(unsupported(node, "a softmax of constants, masked by activations"));
        }
        let mut live = true;
        let scores = match node.inputs.get(1) {
            None => {
                live = self.keeps_some(node.inputs[0], axis);
                self.stored(node.inputs[0])?
            }
            Some(keep) => {
                if let Some(keep) = self.constant(*keep) {
                    let shape = &self.graph.get(node.output).shape;
                    check_rows(node, shape, axis, &self.expand(node, keep)?)?;
                }
                let ids = (node.inputs[0], node.inputs[0]);
                self.masked(node, Dropped::Vanishing, ids)?
            }
        };
        let varying = node.inputs.get(1).is_some_and(|keep| self.constant(*keep).is_none());
        let floor = varying.then_some(Unit::Live(scores.tensor));
        let rows = last(&scores, axis).map_err(fail)?;
        let maximum = self.maximum(node, &rows, floor)?;
        let maximum = match maximum.as_view() {
            Some(view) => view.clone(),
            None => self.helper(node, maximum, live)?,
        };
        let columns = rows.shape.dims().last().copied().unwrap_or(1);
        // Elements of a tensor are fewer than 2^28.
        let map: Vec<u32> = (0..rows.shape.len()).map(|e| (e / columns) as u32).collect();
        let spread = gather_view(&maximum, rows.shape.clone(), &map);
        let least = Least::of(&scores);
        let term = |view, factor| FormTerm::Scale { view, factor: vec![factor] };
        let terms = vec![term(spread, 1.0), term(rows.clone(), -1.0)];
        let mut form = Form::new(rows.shape.clone(), terms);
        form.floors.push(Floor { unit: Unit::Lift, factor: vec![-1.0] });
        let step = DraftStep::Linear(form, Some(Function::Decay));
        let ids = (node.output, node.output);
        let draft = NewDraft::new(rows.shape.clone(), step, ids, node.origin.clone());
        let shape = self.graph.get(node.output).shape.clone();
        let order = back(&shape, axis).map_err(fail)?;
        let (read, precision) = (Some((shape, order)), Precision::Distance(least));
        Ok(Symbol::Stored(self.draft(NewDraft { read, precision, ..draft })?))
    }

    /// A constant where something is kept, a number elsewhere: linear in what is kept.
    fn choice_of_constants(
        &mut self,
        node: &Node,
        constant: &Tensor<f32>,
        value: f64,
    ) -> Result<Symbol, QuantError> {
        let factor = self.expand(node, constant)?.iter().map(|c| c - value).collect();
        let view = self.full(node.inputs[1], node)?;
        let form = Form::new(view.shape.clone(), vec![FormTerm::Scale { view, factor }]);
        let bias = vec![value; form.shape.len()];
        Ok(Symbol::Pending(Box::new(Pending::new(form, node.origin.clone()).add_constant(&bias))))
    }

    /// The first operand of the node where the second is 1, something else where it is 0.
    fn masked(
        &mut self,
        node: &Node,
        dropped: Dropped,
        ids: (ValueId, ValueId),
    ) -> Result<View, QuantError> {
        let operand = self.broadcast(node.inputs[0], node)?;
        let keep = node.inputs[1];
        let (pending, kept_by) = match self.constant(keep) {
            Some(keep) => {
                let factor: Vec<f64> = self.expand(node, keep)?.iter().map(|k| k - 1.0).collect();
                (operand.add_floor(Unit::Lift, &factor), None)
            }
            None => {
                let view = self.full(keep, node)?;
                let keep = Pending::of_view(view, node.origin.clone());
                let sum = operand.add(keep).add_floor(Unit::Lift, &[-1.0]);
                let last = sum.form.terms.len() - 1;
                (sum, Some(last))
            }
        };
        let function = Function::Mask { dropped, kept_by };
        self.store(Pending { maximum: None, ..pending }, ids, Some(function), &node.origin)
    }

    /// Whether the value `id` is a mask by a constant that keeps some element of each row.
    fn keeps_some(&self, id: ValueId, axis: usize) -> bool {
        let Some(mask) = self.graph.nodes().iter().find(|node| node.output == id) else {
            return false;
        };
        let (Op::Mask { .. }, [_, keep]) = (&mask.op, mask.inputs.as_slice()) else { return false };
        let Some(keep) = self.constant(*keep) else { return false };
        let Ok(kept) = self.expand(mask, keep) else { return false };
        check_rows(mask, &self.graph.get(id).shape, axis, &kept).is_ok()
    }

    /// Stores a maximum that is no value of the graph. The table of a masked operand serves it too: it
    /// leaves live values as they are, and what it drops as well.
    fn helper(&mut self, node: &Node, maximum: Pending, live: bool) -> Result<View, QuantError> {
        let Some(least) = maximum.maximum else {
            return Err(unsupported(node, "a maximum of nothing"));
        };
        let function = match self.drafts[least.tensor.0].function() {
            Some(Function::Mask { dropped, .. }) => {
                Some(Function::Mask { dropped: *dropped, kept_by: None })
            }
            _ => None,
        };
        self.step(node, maximum.form, function, Precision::Winner { least, live })
    }
}

/// Refuses a constant mask that keeps nothing of some row: a softmax of nothing is no number.
fn check_rows(node: &Node, shape: &Shape, axis: usize, kept: &[f64]) -> Result<(), QuantError> {
    let (strides, dims) = (shape.strides(), shape.dims());
    let (Some(stride), Some(count)) = (strides.get(axis), dims.get(axis)) else { return Ok(()) };
    let rows = shape.len() / count.max(&1);
    let nothing = |row: usize| {
        let first = row / stride * stride * count + row % stride;
        (0..*count).all(|i| kept[first + i * stride] == 0.0)
    };
    match (0..rows).find(|row| nothing(*row)) {
        Some(row) => Err(unsupported(
            node,
            format!("a mask that keeps nothing of row {row}: its softmax is no number"),
        )),
        None => Ok(()),
    }
}

/// The order that moves the last axis back to `axis`, where that is not the last.
fn back(shape: &Shape, axis: usize) -> Result<Option<Vec<u32>>, ShapeError> {
    if axis + 1 == shape.rank() {
        return Ok(None);
    }
    let perm = axis_last(shape.rank(), axis);
    let moved = shape.transpose(&perm)?;
    moved.transpose_map(&inverse_permutation(&perm)).map(|(_, map)| Some(map))
}
