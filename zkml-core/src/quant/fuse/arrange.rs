//! What moves elements about: views, and sums of views with holes.

use super::{Fuser, Symbol};
use crate::{
    ir::{Node, ValueId},
    program::View,
    quant::{
        QuantError,
        form::{Pending, gather_view},
        product::unsupported,
    },
    tensor::Shape,
};

impl Fuser<'_> {
    pub(super) fn reshape(&mut self, node: &Node, to: Shape) -> Symbol {
        match self.take(node.inputs[0]) {
            Symbol::Stored(view) => Symbol::Stored(View { shape: to, ..view }),
            Symbol::Pending(pending) => Symbol::Pending(Box::new(pending.reshaped(to))),
        }
    }

    pub(super) fn transpose(&mut self, node: &Node, perm: &[usize]) -> Result<Symbol, QuantError> {
        let from = &self.graph.get(node.inputs[0]).shape;
        let (shape, map) =
            from.transpose_map(perm).map_err(|source| unsupported(node, source.to_string()))?;
        Ok(match self.take(node.inputs[0]) {
            Symbol::Stored(view) => Symbol::Stored(gather_view(&view, shape, &map)),
            Symbol::Pending(pending) => Symbol::Pending(Box::new(pending.permuted(shape, &map))),
        })
    }

    /// Elements along one axis: of a stored tensor or a multiple a view, of a product too if none
    /// is left out or repeated.
    pub(super) fn take_along(
        &mut self,
        node: &Node,
        axis: usize,
        indices: &[u32],
    ) -> Result<Symbol, QuantError> {
        let from = &self.graph.get(node.inputs[0]).shape;
        let to = self.graph.get(node.output).shape.clone();
        let map = place(&to, from, |at| {
            at[axis] = indices[at[axis]] as usize;
            true
        });
        let mut seen = vec![false; from.len()];
        let once = map.iter().all(|e| !std::mem::replace(&mut seen[*e as usize], true));
        let permutation = once && map.len() == from.len();
        Ok(match self.take(node.inputs[0]) {
            Symbol::Pending(pending) if permutation => {
                Symbol::Pending(Box::new(pending.permuted(to, &map)))
            }
            symbol => self.gathered(node.inputs[0], symbol, (to, &map), 0.0)?,
        })
    }

    /// A border of one value.
    pub(super) fn pad(
        &mut self,
        node: &Node,
        begin: &[usize],
        value: f64,
    ) -> Result<Symbol, QuantError> {
        let from = &self.graph.get(node.inputs[0]).shape;
        let to = self.graph.get(node.output).shape.clone();
        let map = place(&to, from, |at| shifted(at, begin, from));
        let symbol = self.take(node.inputs[0]);
        self.gathered(node.inputs[0], symbol, (to, &map), value)
    }

    /// One after the other along an axis: a view where all parts are views of one tensor, else a
    /// sum of the parts, each 0 where the others are.
    pub(super) fn concat(&mut self, node: &Node, axis: usize) -> Result<Symbol, QuantError> {
        let to = self.graph.get(node.output).shape.clone();
        // Each part has an index for every element of the result.
        if node.inputs.len().saturating_mul(to.len()) > Shape::MAX_ELEMENTS {
            let (parts, most) = (node.inputs.len(), Shape::MAX_ELEMENTS);
            return Err(unsupported(
                node,
                format!("{parts} parts of a tensor of shape {to}: more than {most} indices"),
            ));
        }
        let mut begin = vec![0; to.rank()];
        let mut bias = vec![0.0; to.len()];
        let mut parts: Vec<Pending> = Vec::new();
        for id in &node.inputs {
            let from = &self.graph.get(*id).shape;
            let map = place(&to, from, |at| shifted(at, &begin, from));
            begin[axis] += from.dims()[axis];
            if let Some(constant) = self.constant(*id) {
                for (bias, e) in bias.iter_mut().zip(&map).filter(|(_, e)| **e != View::HOLE) {
                    *bias = f64::from(constant.data()[*e as usize]);
                }
                continue;
            }
            let symbol = self.take(*id);
            parts.push(match self.gathered(*id, symbol, (to.clone(), &map), 0.0)? {
                Symbol::Pending(pending) => *pending,
                Symbol::Stored(view) => Pending::of_view(view, node.origin.clone()),
            });
        }
        let constant = bias.iter().any(|b| *b != 0.0);
        let views: Option<Vec<&View>> = parts.iter().map(Pending::as_view).collect();
        if let (Some(views), false) = (views, constant)
            && let Some(view) = merged(&views)
        {
            return Ok(Symbol::Stored(view));
        }
        let sum = parts.into_iter().reduce(Pending::add);
        let sum = sum.ok_or_else(|| unsupported(node, "concatenation of constants alone"))?;
        let sum = if constant { sum.add_constant(&bias) } else { sum };
        Ok(Symbol::Pending(Box::new(Pending { origin: node.origin.clone(), ..sum })))
    }

    /// The value whose element `e` is element `map[e]` of the value `id`, and `missing` at a hole.
    fn gathered(
        &mut self,
        id: ValueId,
        symbol: Symbol,
        (to, map): (Shape, &[u32]),
        missing: f64,
    ) -> Result<Symbol, QuantError> {
        let view = match symbol {
            Symbol::Pending(pending) if !pending.has_product() => {
                return Ok(Symbol::Pending(Box::new(pending.gathered(to, map, missing))));
            }
            Symbol::Pending(pending) => {
                let origin = pending.origin.clone();
                self.store(*pending, (id, id), None, &origin)?
            }
            Symbol::Stored(view) => view,
        };
        if missing == 0.0 {
            return Ok(Symbol::Stored(gather_view(&view, to, map)));
        }
        let origin = self.drafts[view.tensor.0].origin.clone();
        let pending = Pending::of_view(view, origin).gathered(to, map, missing);
        Ok(Symbol::Pending(Box::new(pending)))
    }

    /// The value `id` broadcast to the shape of the node's result.
    pub(super) fn broadcast(&mut self, id: ValueId, node: &Node) -> Result<Pending, QuantError> {
        let (from, to) = (&self.graph.get(id).shape, &self.graph.get(node.output).shape);
        if from.len() == to.len() {
            // Only axes of one element are added.
            return Ok(self.pending(id, &node.origin).reshaped(to.clone()));
        }
        Ok(Pending::of_view(self.full(id, node)?, node.origin.clone()))
    }

    /// The value `id` stored, as a view of the shape of the node's result.
    pub(super) fn full(&mut self, id: ValueId, node: &Node) -> Result<View, QuantError> {
        let (from, to) = (&self.graph.get(id).shape, &self.graph.get(node.output).shape);
        let view = self.stored(id)?;
        if from.len() == to.len() {
            return Ok(View { shape: to.clone(), ..view });
        }
        let map = from.broadcast_map(to).map_err(|source| unsupported(node, source.to_string()))?;
        Ok(gather_view(&view, to.clone(), &map))
    }
}

/// Moves a position of the result to that of the operand that lies at `begin`; whether it is one.
fn shifted(at: &mut [usize], begin: &[usize], from: &Shape) -> bool {
    at.iter_mut().zip(begin).zip(from.dims()).all(|((at, begin), len)| {
        let moved = at.checked_sub(*begin).filter(|at| at < len);
        *at = moved.unwrap_or(0);
        moved.is_some()
    })
}

/// For each element of `to` the element of `from` that `source` moves its position to, or a hole.
fn place(to: &Shape, from: &Shape, source: impl Fn(&mut [usize]) -> bool) -> Vec<u32> {
    let (strides, steps) = (from.strides(), to.strides());
    let mut at = vec![0; to.rank()];
    let element = |e: usize| {
        for ((at, step), dim) in at.iter_mut().zip(&steps).zip(to.dims()) {
            *at = e / step % dim;
        }
        if !source(&mut at) {
            return View::HOLE;
        }
        // Elements of a tensor are fewer than 2^28.
        at.iter().zip(&strides).map(|(at, stride)| at * stride).sum::<usize>() as u32
    };
    (0..to.len()).map(element).collect()
}

/// The view that reads what some view of one tensor reads, when each element is a hole of all but
/// one at most.
fn merged(views: &[&View]) -> Option<View> {
    let (first, rest) = views.split_first()?;
    if rest.iter().any(|view| view.tensor != first.tensor) {
        return None;
    }
    let element = |e| {
        let at = views.iter().find_map(|view| view.element(e));
        at.map_or(View::HOLE, |at| at as u32)
    };
    let index = (0..first.shape.len()).map(element).collect();
    Some(View { tensor: first.tensor, shape: first.shape.clone(), index: Some(index) })
}
