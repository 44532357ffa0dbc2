//! Sums, multiples and products with constants.

use super::{Fuser, Symbol};
use crate::{
    ir::{Node, Op, ValueId, Window},
    program::View,
    quant::{
        QuantError,
        form::{Pending, Prefix},
        product::{contract, correlate, unsupported},
    },
    tensor::Tensor,
};

impl Fuser<'_> {
    pub(super) fn sum(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let sign = if node.op == Op::Sub { -1.0 } else { 1.0 };
        let (varying, constant, signs) = match (self.constant(left), self.constant(right)) {
            (None, None) => return self.sum_of_two(node),
            (None, Some(constant)) => (left, constant, (1.0, sign)),
            (Some(constant), _) => (right, constant, (sign, 1.0)),
        };
        let constant = self.expand(node, constant)?.iter().map(|c| c * signs.1).collect::<Vec<_>>();
        let pending = self.broadcast(varying, node)?;
        let pending = if signs.0 < 0.0 { pending.negated() } else { pending };
        Ok(Symbol::Pending(Box::new(pending.add_constant(&constant))))
    }

    fn sum_of_two(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let (a, b) = (self.broadcast(left, node)?, self.broadcast(right, node)?);
        let b = if node.op == Op::Sub { b.negated() } else { b };
        let sum = if !b.has_product() || (a.has_product() && a.aligned(&b)) {
            a.add(b)
        } else if !a.has_product() {
            b.add(a)
        } else {
            // Two products in different orders: the second gets a tensor of its own.
            let b = if node.op == Op::Sub { b.negated() } else { b };
            let origin = b.origin.clone();
            let view = self.store(b, (right, right), None, &origin)?;
            let b = Pending::of_view(view, origin);
            a.add(if node.op == Op::Sub { b.negated() } else { b })
        };
        Ok(Symbol::Pending(Box::new(Pending { origin: node.origin.clone(), ..sum })))
    }

    pub(super) fn product(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let (varying, constant) = match (self.constant(left), self.constant(right)) {
            (None, None) => return self.product_of_two(node),
            (None, Some(constant)) => (left, constant),
            (Some(constant), _) => (right, constant),
        };
        let factor = self.expand(node, constant)?;
        let pending = self.broadcast(varying, node)?;
        let pending = match pending.multiply(&factor) {
            Ok(pending) => pending,
            Err(pending) => {
                let origin = pending.origin.clone();
                let view = self.store(*pending, (varying, varying), None, &origin)?;
                Pending::of_view(view, origin)
                    .multiply(&factor)
                    .expect("a stored tensor absorbs any factor")
            }
        };
        Ok(Symbol::Pending(Box::new(pending)))
    }

    pub(super) fn matmul(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let (varying, constant, flipped) = match (self.constant(left), self.constant(right)) {
            (None, None) => return self.matmul_of_two(node),
            (None, Some(constant)) => (left, constant.clone(), false),
            (Some(constant), _) => (right, constant.clone(), true),
        };
        // The product sums over the last axis of a left operand, the last but one of a right one.
        let rank = self.graph.get(varying).shape.rank();
        let axis = rank.saturating_sub(if flipped { 2 } else { 1 });
        let along =
            |view: &View, prefix: &Prefix| prefix.offsets_along(&view.shape, axis).is_some();
        let (view, prefix) = self.operand(varying, axis, along)?;
        let out = self.graph.get(node.output).shape.clone();
        let pending = contract(node, view, prefix, &constant, flipped)?;
        debug_assert_eq!(pending.shape.len(), out.len());
        Ok(Symbol::Pending(Box::new(pending.reshaped(out))))
    }

    pub(super) fn correlate(
        &mut self,
        node: &Node,
        window: &Window,
        groups: usize,
    ) -> Result<Symbol, QuantError> {
        let Some(weight) = self.constant(node.inputs[1]).cloned() else {
            return Err(unsupported(
                node,
                "convolution with weights that are no constant is not supported yet",
            ));
        };
        if self.constant(node.inputs[0]).is_some() {
            return Err(unsupported(node, "convolution of a constant is not supported yet"));
        }
        let channels = 1;
        let (view, prefix) = self.operand(node.inputs[0], channels, |_, _| true)?;
        let pending = correlate(node, view, prefix, &weight, (window, groups))?;
        Ok(Symbol::Pending(Box::new(pending)))
    }

    /// The operand of a product: a stored tensor, and what to do to it on the way, if it is a
    /// multiple of one that the constant absorbs (a normalised input, say).
    fn operand(
        &mut self,
        id: ValueId,
        axis: usize,
        absorbs: impl Fn(&View, &Prefix) -> bool,
    ) -> Result<(View, Option<Prefix>), QuantError> {
        let symbol = self.take(id);
        if let Symbol::Pending(pending) = &symbol
            && let Some((view, prefix)) = pending.as_prefix(axis)
            && absorbs(&view, &prefix)
        {
            return Ok((view, Some(prefix)));
        }
        self.symbols[id.0] = Some(symbol);
        Ok((self.stored(id)?, None))
    }

    /// A constant broadcast to the shape of the node's result.
    pub(super) fn expand(
        &self,
        node: &Node,
        constant: &Tensor<f32>,
    ) -> Result<Vec<f64>, QuantError> {
        let map = constant
            .shape()
            .broadcast_map(&self.graph.get(node.output).shape)
            .map_err(|source| unsupported(node, source.to_string()))?;
        Ok(map.iter().map(|&at| f64::from(constant.data()[at as usize])).collect())
    }
}
