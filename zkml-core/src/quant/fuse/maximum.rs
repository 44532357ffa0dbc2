//! Maximum along one axis as a balanced tree.
//!
//! `max(a, b) = b + relu(a - b)`, in integers exactly. Each level halves the candidates `c`:
//!
//! ```text
//! D[j] = relu(c[j] - c[j + h]),   c'[j] = c[j + h] + D[j],    h = half of the candidates
//! ```
//!
//! and the odd one is the last candidate of the next level as it is. Candidates are sums of views of
//! the operand and of the differences before, so the tensors stored are the differences only, the
//! axis last: as many elements as the operand, but for one, and as many steps as levels.

use super::{Fuser, Precision, Symbol};
use crate::{
    ir::{Activation, Node},
    program::View,
    quant::{
        QuantError,
        form::{Floor, Form, FormTerm, Least, Pending, Unit, gather_view},
        function::Function,
        product::unsupported,
    },
    tensor::{Shape, ShapeError},
};

impl Fuser<'_> {
    pub(super) fn reduce_max(&mut self, node: &Node, axis: usize) -> Result<Symbol, QuantError> {
        let operand = self.stored(node.inputs[0])?;
        let view = last(&operand, axis).map_err(|source| unsupported(node, source.to_string()))?;
        let maximum = self.maximum(node, &view, None)?;
        let shape = self.graph.get(node.output).shape.clone();
        Ok(match maximum.as_view() {
            // Of one element.
            Some(view) => Symbol::Stored(View { shape, ..view.clone() }),
            None => Symbol::Pending(Box::new(maximum.reshaped(shape))),
        })
    }

    /// The maximum of `operand` along its last axis, and of a constant, if one is given; the last
    /// axis has one element then.
    pub(super) fn maximum(
        &mut self,
        node: &Node,
        operand: &View,
        constant: Option<Unit>,
    ) -> Result<Pending, QuantError> {
        let fail = |source: ShapeError| unsupported(node, source.to_string());
        let least = Least::of(operand);
        let mut level = Candidates::new(operand.clone(), constant).map_err(fail)?;
        while level.count() > 1 {
            let half = level.count() / 2;
            let first = level.columns(0..half, 0).map_err(fail)?;
            let second = level.columns(half..2 * half, 0).map_err(fail)?;
            let [first, second] =
                [first, second].map(|c| Pending::new(c.form(), node.origin.clone()));
            let form = first.add(second.negated()).form;
            let relu = Some(Function::Of(Activation::Relu));
            let difference = self.step(node, form, relu, Precision::Contest(least))?;
            let odd = level.count() % 2;
            let rest = level.columns(half..level.count(), 0).map_err(fail)?;
            level = rest.with(Candidates::of(difference).columns(0..half, odd).map_err(fail)?);
        }
        let form = level.form();
        let pending = Pending::new(form, node.origin.clone());
        Ok(Pending { maximum: Some(least), ..pending })
    }
}

/// The view with `axis` moved last.
pub(super) fn last(view: &View, axis: usize) -> Result<View, ShapeError> {
    let rank = view.shape.rank();
    if axis + 1 == rank {
        return Ok(view.clone());
    }
    let (shape, map) = view.shape.transpose_map(&axis_last(rank, axis))?;
    Ok(gather_view(view, shape, &map))
}

/// The permutation that moves `axis` last.
pub(super) fn axis_last(rank: usize, axis: usize) -> Vec<usize> {
    (0..rank).filter(|a| *a != axis).chain([axis]).collect()
}

/// Candidates along the last axis: a sum of views, and of a constant at some of them.
struct Candidates {
    views: Vec<View>,
    constant: Option<(Unit, Vec<f64>)>,
}

impl Candidates {
    fn of(view: View) -> Self {
        Self { views: vec![view], constant: None }
    }

    /// The elements of a view, then the constant.
    fn new(view: View, constant: Option<Unit>) -> Result<Self, ShapeError> {
        let candidates = Self::of(view);
        let Some(unit) = constant else { return Ok(candidates) };
        let count = candidates.count();
        let wider = candidates.columns(0..count, 1)?;
        let at = |e| if e % (count + 1) == count { 1.0 } else { 0.0 };
        let factor = (0..wider.views[0].shape.len()).map(at).collect();
        Ok(Self { constant: Some((unit, factor)), ..wider })
    }

    fn shape(&self) -> &Shape {
        &self.views[0].shape
    }

    /// How many there are.
    fn count(&self) -> usize {
        self.shape().dims().last().copied().unwrap_or(1)
    }

    /// Those of a range, and `more` of 0.
    fn columns(&self, range: std::ops::Range<usize>, more: usize) -> Result<Self, ShapeError> {
        let count = self.count();
        let mut dims = self.shape().dims().to_vec();
        dims.pop();
        let rows: usize = dims.iter().product();
        dims.push(range.len() + more);
        let shape = Shape::new(dims)?;
        let holes = || std::iter::repeat_n(View::HOLE, more);
        // Elements of a tensor are fewer than 2^28.
        let row = |r: usize| range.clone().map(move |c| (r * count + c) as u32).chain(holes());
        let map: Vec<u32> = (0..rows).flat_map(row).collect();
        let views = self.views.iter().map(|view| gather_view(view, shape.clone(), &map)).collect();
        let constant = self.constant.as_ref().map(|(unit, factor)| {
            let at = |e: &u32| factor.get(*e as usize).copied().unwrap_or(0.0);
            (*unit, map.iter().map(at).collect())
        });
        Ok(Self { views, constant })
    }

    /// The element-wise sum.
    fn with(self, other: Self) -> Self {
        let views = self.views.into_iter().chain(other.views).collect();
        Self { views, constant: self.constant.or(other.constant) }
    }

    /// The sum, without views that are 0 everywhere.
    fn form(&self) -> Form {
        let empty = |view: &View| {
            view.index.as_ref().is_some_and(|index| index.iter().all(|at| *at == View::HOLE))
        };
        let term = |view: &View| FormTerm::Scale { view: view.clone(), factor: vec![1.0] };
        let terms = self.views.iter().filter(|view| !empty(view)).map(term).collect();
        let mut form = Form::new(self.shape().clone(), terms);
        if let Some((unit, factor)) = &self.constant
            && factor.iter().any(|f| *f != 0.0)
        {
            form.floors.push(Floor { unit: *unit, factor: factor.clone() });
        }
        form
    }
}
