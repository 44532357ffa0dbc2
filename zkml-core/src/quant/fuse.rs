//! Fuses the nodes of a graph into the steps of a program, still in real numbers.
//!
//! Linear nodes (MatMul, Add, Sub, Mul by a constant) grow a [`Pending`] form; it is stored when
//! a function reads it, when several nodes do, or when a product does. Reshape and Transpose are
//! views of whatever they are applied to and cost nothing.

use super::{
    QuantError,
    form::{Form, Pending, Prefix, gather_view},
    product::{contract, unsupported},
};
use crate::{
    exec::float,
    ir::{Activation, Graph, Node, Op, Origin, ValueId},
    program::{TensorId, View},
    tensor::{Shape, Tensor},
};
use std::collections::BTreeSet;

/// A stored tensor to be.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) shape: Shape,
    pub(super) step: DraftStep,
    /// Value of the graph that `x` stands for.
    pub(super) x: ValueId,
    /// Value of the graph that later steps read: `x`, or the function's.
    pub(super) y: ValueId,
    /// `y` as a view of this tensor.
    pub(super) view: View,
    pub(super) origin: Origin,
}

/// How a draft is computed.
#[derive(Clone, Debug)]
pub(super) enum DraftStep {
    /// Graph input number `.0`.
    Input(usize),
    /// A linear form, then a function.
    Linear(Form, Option<Activation>),
    /// The integers of a view unchanged, for an output that needs a tensor of its own.
    Copy(View),
}

/// Steps in order of computation, and the views that the outputs read.
#[derive(Clone, Debug)]
pub(super) struct Fused {
    pub(super) drafts: Vec<Draft>,
    pub(super) outputs: Vec<(String, View)>,
}

/// Fuses `graph`.
pub(super) fn fuse(graph: &Graph) -> Result<Fused, QuantError> {
    for (what, empty) in
        [("inputs", graph.inputs().is_empty()), ("outputs", graph.outputs().is_empty())]
    {
        if empty {
            return Err(QuantError::Empty { what });
        }
    }
    let mut fuser = Fuser::new(graph);
    fuser.inputs()?;
    for node in graph.nodes() {
        if fuser.uses[node.output.0] > 0 {
            fuser.node(node)?;
        }
    }
    fuser.finish()
}

/// A value that depends on the inputs.
#[derive(Clone, Debug)]
enum Symbol {
    Stored(View),
    Pending(Box<Pending>),
}

struct Fuser<'g> {
    graph: &'g Graph,
    /// Live nodes and outputs that read each value.
    uses: Vec<usize>,
    /// By value: constants computed from constants.
    folded: Vec<Option<Tensor<f32>>>,
    /// By value: those that depend on the inputs.
    symbols: Vec<Option<Symbol>>,
    drafts: Vec<Draft>,
}

impl<'g> Fuser<'g> {
    fn new(graph: &'g Graph) -> Self {
        let len = graph.values().len();
        let mut uses = vec![0; len];
        for (_, id) in graph.outputs() {
            uses[id.0] += 1;
        }
        for node in graph.nodes().iter().rev() {
            if uses[node.output.0] > 0 {
                for id in &node.inputs {
                    uses[id.0] += 1;
                }
            }
        }
        Self { graph, uses, folded: vec![None; len], symbols: vec![None; len], drafts: Vec::new() }
    }

    fn inputs(&mut self) -> Result<(), QuantError> {
        for (i, id) in self.graph.inputs().iter().enumerate() {
            let value = self.graph.get(*id);
            let origin = Origin { node: value.name.clone(), op: "Input".into(), opset: 0 };
            let shape = value.shape.clone();
            let view = self.draft(shape, DraftStep::Input(i), (*id, *id), None, origin)?;
            self.symbols[id.0] = Some(Symbol::Stored(view));
        }
        Ok(())
    }

    fn node(&mut self, node: &Node) -> Result<(), QuantError> {
        let constants: Option<Vec<&Tensor<f32>>> =
            node.inputs.iter().map(|id| self.constant(*id)).collect();
        if let Some(operands) = constants {
            let value = float::apply(&node.op, &operands)
                .map_err(|source| unsupported(node, source.to_string()))?;
            self.folded[node.output.0] = Some(value);
            return Ok(());
        }
        let symbol = match &node.op {
            Op::Reshape(to) => self.reshape(node, to.clone()),
            Op::Transpose(perm) => self.transpose(node, perm)?,
            Op::Activation(f) => {
                let pending = self.pending(node.inputs[0], &node.origin);
                let ids = (node.inputs[0], node.output);
                Symbol::Stored(self.store(pending, ids, Some(*f), &node.origin)?)
            }
            Op::Add | Op::Sub => self.sum(node)?,
            Op::Mul => self.product(node)?,
            Op::MatMul => self.matmul(node)?,
            Op::Correlate { .. }
            | Op::MaxPool(_)
            | Op::Take { .. }
            | Op::Concat { .. }
            | Op::Pad { .. } => return Err(unsupported(node, "has no integer form yet")),
        };
        let symbol = match symbol {
            Symbol::Pending(pending) if self.uses[node.output.0] > 1 => {
                let ids = (node.output, node.output);
                Symbol::Stored(self.store(*pending, ids, None, &node.origin)?)
            }
            symbol => symbol,
        };
        self.symbols[node.output.0] = Some(symbol);
        Ok(())
    }

    fn reshape(&mut self, node: &Node, to: Shape) -> Symbol {
        match self.take(node.inputs[0]) {
            Symbol::Stored(view) => Symbol::Stored(View { shape: to, ..view }),
            Symbol::Pending(pending) => Symbol::Pending(Box::new(pending.reshaped(to))),
        }
    }

    fn transpose(&mut self, node: &Node, perm: &[usize]) -> Result<Symbol, QuantError> {
        let from = &self.graph.get(node.inputs[0]).shape;
        let (shape, map) =
            from.transpose_map(perm).map_err(|source| unsupported(node, source.to_string()))?;
        Ok(match self.take(node.inputs[0]) {
            Symbol::Stored(view) => Symbol::Stored(gather_view(&view, shape, &map)),
            Symbol::Pending(pending) => Symbol::Pending(Box::new(pending.permuted(shape, &map))),
        })
    }

    fn sum(&mut self, node: &Node) -> Result<Symbol, QuantError> {
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

    fn product(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let (varying, constant) = match (self.constant(left), self.constant(right)) {
            (None, None) => {
                return Err(unsupported(
                    node,
                    "product of two activations is not supported yet; one factor must be constant",
                ));
            }
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

    fn matmul(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let (varying, constant, flipped) = match (self.constant(left), self.constant(right)) {
            (None, None) => {
                return Err(unsupported(
                    node,
                    "matrix product of two activations is not supported yet; one operand must be \
                     constant",
                ));
            }
            (None, Some(constant)) => (left, constant.clone(), false),
            (Some(constant), _) => (right, constant.clone(), true),
        };
        let (view, prefix) = self.operand(varying, flipped)?;
        let out = self.graph.get(node.output).shape.clone();
        let pending = contract(node, view, prefix, &constant, flipped)?;
        debug_assert_eq!(pending.shape.len(), out.len());
        Ok(Symbol::Pending(Box::new(pending.reshaped(out))))
    }

    /// The operand of a product: a stored tensor, and what to do to it on the way, if it is a
    /// multiple of one that the constant absorbs (a normalised input, say).
    fn operand(
        &mut self,
        id: ValueId,
        flipped: bool,
    ) -> Result<(View, Option<Prefix>), QuantError> {
        let symbol = self.take(id);
        if let Symbol::Pending(pending) = &symbol
            && let Some((view, prefix)) = pending.as_prefix(flipped)
        {
            return Ok((view, Some(prefix)));
        }
        self.symbols[id.0] = Some(symbol);
        Ok((self.stored(id)?, None))
    }

    /// The constant `id`, of the file or folded.
    fn constant(&self, id: ValueId) -> Option<&Tensor<f32>> {
        self.graph.get(id).constant.as_ref().or(self.folded[id.0].as_ref())
    }

    /// A constant broadcast to the shape of the node's result.
    fn expand(&self, node: &Node, constant: &Tensor<f32>) -> Result<Vec<f64>, QuantError> {
        let map = constant
            .shape()
            .broadcast_map(&self.graph.get(node.output).shape)
            .map_err(|source| unsupported(node, source.to_string()))?;
        Ok(map.iter().map(|&at| f64::from(constant.data()[at as usize])).collect())
    }

    /// The value `id`, which depends on the inputs. A pending one has one reader, which takes it.
    fn take(&mut self, id: ValueId) -> Symbol {
        let symbol = match &self.symbols[id.0] {
            Some(Symbol::Stored(view)) => Some(Symbol::Stored(view.clone())),
            _ => self.symbols[id.0].take(),
        };
        symbol.expect("a graph is in topological order, and a value read twice is stored")
    }

    fn pending(&mut self, id: ValueId, origin: &Origin) -> Pending {
        match self.take(id) {
            Symbol::Stored(view) => Pending::of_view(view, origin.clone()),
            Symbol::Pending(pending) => *pending,
        }
    }

    /// The value `id` broadcast to the shape of the node's result.
    fn broadcast(&mut self, id: ValueId, node: &Node) -> Result<Pending, QuantError> {
        let (from, to) = (&self.graph.get(id).shape, &self.graph.get(node.output).shape);
        if from == to {
            return Ok(self.pending(id, &node.origin));
        }
        if from.len() == to.len() {
            // Only axes of one element are added.
            return Ok(self.pending(id, &node.origin).reshaped(to.clone()));
        }
        let map = from.broadcast_map(to).map_err(|source| unsupported(node, source.to_string()))?;
        let view = gather_view(&self.stored(id)?, to.clone(), &map);
        Ok(Pending::of_view(view, node.origin.clone()))
    }

    /// The value `id` as a view of a stored tensor.
    fn stored(&mut self, id: ValueId) -> Result<View, QuantError> {
        match self.take(id) {
            Symbol::Stored(view) => Ok(view),
            Symbol::Pending(pending) => {
                let origin = pending.origin.clone();
                self.store(*pending, (id, id), None, &origin)
            }
        }
    }

    fn store(
        &mut self,
        pending: Pending,
        ids: (ValueId, ValueId),
        function: Option<Activation>,
        origin: &Origin,
    ) -> Result<View, QuantError> {
        let constants = pending.form.terms.iter().flat_map(|term| term.constants());
        if !constants.chain(&pending.form.bias).all(|c| c.is_finite()) {
            return Err(QuantError::ConstantNotFinite { origin: origin.clone() });
        }
        let Pending { form, shape, order, .. } = pending;
        let (stored, read) = (form.shape.clone(), (shape, order));
        self.draft(stored, DraftStep::Linear(form, function), ids, Some(read), origin.clone())
    }

    fn draft(
        &mut self,
        shape: Shape,
        step: DraftStep,
        (x, y): (ValueId, ValueId),
        read: Option<(Shape, Option<Vec<u32>>)>,
        origin: Origin,
    ) -> Result<View, QuantError> {
        if shape.len() == 0 {
            return Err(QuantError::Unsupported {
                origin,
                what: "a tensor without elements".into(),
            });
        }
        let (read, index) = read.unwrap_or_else(|| (shape.clone(), None));
        let view = View { tensor: TensorId(self.drafts.len()), shape: read, index };
        self.drafts.push(Draft { shape, step, x, y, view: view.clone(), origin });
        Ok(view)
    }

    /// Gives each output a tensor of its own.
    fn finish(mut self) -> Result<Fused, QuantError> {
        let mut taken = BTreeSet::new();
        let mut outputs = Vec::new();
        for (name, id) in self.graph.outputs() {
            if self.constant(*id).is_some() {
                return Err(QuantError::ConstantOutput { name: name.clone() });
            }
            let view = self.stored(*id)?;
            let draft = &self.drafts[view.tensor.0];
            let input = matches!(draft.step, DraftStep::Input(_));
            let own =
                !input && is_permutation(&view, draft.shape.len()) && taken.insert(view.tensor);
            let view = if own { view } else { self.copy(name, *id, view)? };
            taken.insert(view.tensor);
            outputs.push((name.clone(), view));
        }
        Ok(Fused { drafts: self.drafts, outputs })
    }

    fn copy(&mut self, name: &str, id: ValueId, view: View) -> Result<View, QuantError> {
        let origin = Origin { node: name.into(), op: "Output".into(), opset: 0 };
        self.draft(view.shape.clone(), DraftStep::Copy(view), (id, id), None, origin)
    }
}

fn is_permutation(view: &View, stored: usize) -> bool {
    let Some(index) = &view.index else { return true };
    let distinct: BTreeSet<u32> = index.iter().copied().collect();
    index.len() == stored && distinct.len() == stored
}
