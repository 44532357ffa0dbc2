//! Fuses the nodes of a graph into the steps of a program, still in real numbers.
//!
//! Linear nodes (MatMul, Correlate, Add, Sub, Mul by a constant) grow a [`Pending`] form; it is
//! stored when a function reads it, when several nodes do, or when a product does. What moves
//! elements about (Reshape, Transpose, Take, Pad, Concat) is a view and costs nothing, except that
//! a Concat of several tensors is stored. A MaxPool is a chain of steps, see [`pool`], a maximum
//! along an axis a tree of them, see [`maximum`]; [`softmax`], [`embed`] and [`bilinear`] say how
//! softmaxes, masks, embeddings and products of activations come about, [`quantized`] what becomes of
//! the whole numbers of a quantised model.

mod arrange;
mod bilinear;
mod draft;
mod embed;
mod input;
mod linear;
mod maximum;
mod pool;
mod quantized;
mod softmax;

pub(super) use draft::{Draft, DraftStep, Precision};

use super::{
    QuantError,
    columns::Group,
    form::{Form, Pending},
    function::Function,
    product::unsupported,
};
use crate::{
    exec::float,
    ir::{Graph, Node, Op, Origin, ValueId},
    program::{InputKind, TensorId, View},
    tensor::Tensor,
};
use draft::NewDraft;
use std::collections::{BTreeMap, BTreeSet};

/// Steps in order of computation, and the views that the outputs read.
#[derive(Clone, Debug)]
pub(super) struct Fused {
    pub(super) inputs: Vec<Input>,
    pub(super) drafts: Vec<Draft>,
    pub(super) outputs: Vec<(String, View)>,
}

/// An input of the program.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) kind: InputKind,
}

/// Fuses `graph`; `splits` has inputs that are several inputs of the program.
pub(super) fn fuse(
    graph: &Graph,
    splits: &BTreeMap<usize, Vec<Group>>,
) -> Result<Fused, QuantError> {
    for (what, empty) in
        [("inputs", graph.inputs().is_empty()), ("outputs", graph.outputs().is_empty())]
    {
        if empty {
            return Err(QuantError::Empty { what });
        }
    }
    let mut fuser = Fuser::new(graph);
    fuser.inputs(splits)?;
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
    inputs: Vec<Input>,
    /// Inputs that are several: pending, with any number of readers.
    split: BTreeSet<ValueId>,
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
        Self {
            graph,
            uses,
            folded: vec![None; len],
            symbols: vec![None; len],
            drafts: Vec::new(),
            inputs: Vec::new(),
            split: BTreeSet::new(),
        }
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
        if self.graph.get(node.output).shape.len() == 0 {
            return Err(unsupported(node, "a tensor without elements"));
        }
        let symbol = match &node.op {
            Op::Reshape(to) => self.reshape(node, to.clone()),
            Op::Transpose(perm) => self.transpose(node, perm)?,
            Op::Activation(f) => Symbol::Stored(self.function(node, f)?),
            Op::Add | Op::Sub => self.sum(node)?,
            Op::Mul => self.product(node)?,
            Op::MatMul => self.matmul(node)?,
            Op::Correlate { window, groups } => self.correlate(node, window, *groups)?,
            Op::MaxPool(window) => self.max_pool(node, window)?,
            Op::Take { axis, indices } => self.take_along(node, *axis, indices)?,
            Op::Concat { axis } => self.concat(node, *axis)?,
            Op::Pad { begin, value, .. } => self.pad(node, begin, f64::from(*value))?,
            Op::ReduceMax { axis } => self.reduce_max(node, *axis)?,
            Op::ExpShifted { axis } => self.exp_shifted(node, *axis)?,
            Op::Mask { value } => self.mask(node, *value)?,
            Op::Embed => self.embed(node)?,
        };
        let symbol = match symbol {
            Symbol::Pending(pending)
                if self.uses[node.output.0] > 1 && !self.is_dequantized(&pending) =>
            {
                let ids = (node.output, node.output);
                Symbol::Stored(self.store(*pending, ids, None, &node.origin)?)
            }
            symbol => symbol,
        };
        self.symbols[node.output.0] = Some(symbol);
        Ok(())
    }

    /// The constant `id`, of the file or folded.
    fn constant(&self, id: ValueId) -> Option<&Tensor<f32>> {
        self.graph.get(id).constant.as_ref().or(self.folded[id.0].as_ref())
    }

    /// The value `id`, which depends on the inputs. A pending one has one reader, which takes it, but
    /// for multiples of whole numbers.
    fn take(&mut self, id: ValueId) -> Symbol {
        let symbol = match &self.symbols[id.0] {
            Some(symbol) if self.uses[id.0] > 1 => Some(symbol.clone()),
            Some(Symbol::Stored(view)) => Some(Symbol::Stored(view.clone())),
            Some(symbol) if self.split.contains(&id) => Some(symbol.clone()),
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
        function: Option<Function>,
        origin: &Origin,
    ) -> Result<View, QuantError> {
        if !pending.form.constants().all(f64::is_finite) {
            return Err(QuantError::ConstantNotFinite { origin: origin.clone() });
        }
        let precision = pending.maximum.map_or(Precision::Own, Precision::Maximum);
        let pending = if self.split.is_empty() { pending } else { pending.without_holes() };
        let Pending { form, shape, order, .. } = pending.with_matrices().map_err(|source| {
            QuantError::Unsupported { origin: origin.clone(), what: source.to_string() }
        })?;
        let stored = form.shape.clone();
        let draft = NewDraft::new(stored, DraftStep::Linear(form, function), ids, origin.clone());
        self.draft(NewDraft { read: Some((shape, order)), precision, ..draft })
    }

    fn draft(&mut self, draft: NewDraft) -> Result<View, QuantError> {
        let NewDraft { shape, step, ids: (x, y), read, origin, precision, range } = draft;
        if shape.len() == 0 {
            return Err(QuantError::Unsupported {
                origin,
                what: "a tensor without elements".into(),
            });
        }
        let (read, index) = read.unwrap_or_else(|| (shape.clone(), None));
        let view = View { tensor: TensorId(self.drafts.len()), shape: read, index };
        self.drafts.push(Draft {
            shape,
            step,
            x,
            y,
            view: view.clone(),
            origin,
            precision,
            scaled: range.is_some(),
            unit: None,
            range,
        });
        Ok(view)
    }

    /// A tensor on the way to the value of `node`, read as it is stored.
    fn step(
        &mut self,
        node: &Node,
        form: Form,
        function: Option<Function>,
        precision: Precision,
    ) -> Result<View, QuantError> {
        let (shape, ids) = (form.shape.clone(), (node.output, node.output));
        let step = DraftStep::Linear(form, function);
        let draft = NewDraft::new(shape, step, ids, node.origin.clone());
        self.draft(NewDraft { precision, ..draft })
    }

    /// Gives each output a tensor of its own.
    fn finish(mut self) -> Result<Fused, QuantError> {
        let mut taken = BTreeSet::new();
        let mut outputs = Vec::new();
        for (name, id) in self.graph.outputs() {
            if self.constant(*id).is_some() {
                return Err(QuantError::ConstantOutput { name: name.clone() });
            }
            let mut view = self.stored(*id)?;
            if self.drafts[view.tensor.0].is_wide() {
                let origin = Origin { node: name.clone(), op: "Output".into(), opset: 0 };
                let pending = Pending::of_view(view, origin.clone());
                view = self.store(pending, (*id, *id), None, &origin)?;
            }
            let draft = &self.drafts[view.tensor.0];
            let input = matches!(draft.step, DraftStep::Input(_));
            let own = !input && view.is_permutation(draft.shape.len()) && taken.insert(view.tensor);
            let view = if own { view } else { self.copy(name, *id, view)? };
            taken.insert(view.tensor);
            outputs.push((name.clone(), view));
        }
        Ok(Fused { inputs: self.inputs, drafts: self.drafts, outputs })
    }

    fn copy(&mut self, name: &str, id: ValueId, view: View) -> Result<View, QuantError> {
        let origin = Origin { node: name.into(), op: "Output".into(), opset: 0 };
        self.draft(NewDraft::new(view.shape.clone(), DraftStep::Copy(view), (id, id), origin))
    }
}
