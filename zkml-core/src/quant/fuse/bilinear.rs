//! Products of two activations.
//!
//! A matrix product, and a product of elements where one operand is constant along axes on which
//! the other varies, are one `[B, I, K] x [B, K, J]` product each; in the latter `K = 1`. Batch axes
//! that only the left operand of a matrix product has become rows of it, so `B` is 1 for them.
//!
//! A product of two full tensors is a difference of squares, exactly, in integers:
//!
//! ```text
//! S = (a + b)^2,   D = (a - b)^2,   a b = (S - D) / 4
//! ```
//!
//! where the sums are of the stored integers, whatever their scales.

use super::{Fuser, Precision, Symbol};
use crate::{
    ir::{Node, Op, ValueId},
    program::View,
    quant::{
        QuantError,
        form::{Form, FormTerm, Pending, gather_view, is_identity},
        function::Function,
        product::{split_batch, unsupported},
    },
    tensor::{Shape, ShapeError, Tensor, inverse_permutation},
};

/// Fewest elements that one element of the smaller operand multiplies in a product of a batch;
/// below, two squares of each element are cheaper.
const LEAST_REPEATED: usize = 8;

impl Fuser<'_> {
    /// Matrix product by numpy's rules.
    pub(super) fn matmul_of_two(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let fail = |source: ShapeError| unsupported(node, source.to_string());
        let fraction = self.fraction_after(node);
        let (left, factor) = self.multiplied(node.inputs[0], fraction)?;
        let rest = if factor == 1.0 { fraction } else { 1.0 };
        let (right, other) = self.multiplied(node.inputs[1], rest)?;
        let factor = 1.0 / (factor * other);
        let (left_batch, left_matrix) = split_batch(node, left.shape.clone(), false)?;
        let (right_batch, right_matrix) = split_batch(node, right.shape.clone(), true)?;
        let (&[_, i, k], &[_, _, j]) = (left_matrix.dims(), right_matrix.dims()) else {
            return Err(unsupported(node, "matrix product of a scalar"));
        };
        let (batch, rows) = if right_batch.len() == 1 {
            (Shape::scalar(), left_batch.len() * i)
        } else {
            (left_batch.broadcast(&right_batch).map_err(fail)?, i)
        };
        let spread = |view: View, from: &Shape, [rows, columns]: [usize; 2]| {
            let shape = Shape::new(vec![batch.len(), rows, columns])?;
            if shape.len() == view.shape.len() {
                return Ok(View { shape, ..view });
            }
            let size = rows * columns;
            let repeated = from.broadcast_map(&batch)?;
            // Elements of a tensor are fewer than 2^28.
            let map =
                repeated.iter().flat_map(|b| (0..size).map(move |e| b * size as u32 + e as u32));
            Ok(gather_view(&view, shape, &map.collect::<Vec<_>>()))
        };
        let left = spread(left, &left_batch, [rows, k]).map_err(fail)?;
        let right = spread(right, &right_batch, [k, j]).map_err(fail)?;
        let shape = Shape::new(vec![batch.len(), rows, j]).map_err(fail)?;
        let out = self.graph.get(node.output).shape.clone();
        debug_assert_eq!(shape.len(), out.len());
        let form = Form::new(shape, vec![FormTerm::Product { left, right, factor }]);
        Ok(Symbol::Pending(Box::new(Pending::new(form, node.origin.clone()).reshaped(out))))
    }

    /// The one number that the only reader of the node multiplies its result by, up to a power of two:
    /// from 1/2 up, below 1; else 1.
    fn fraction_after(&self, node: &Node) -> f64 {
        let mut readers = self.graph.nodes().iter().filter(|n| n.inputs.contains(&node.output));
        let (Some(reader), 1) = (readers.next(), self.uses[node.output.0]) else { return 1.0 };
        let constant = reader.inputs.iter().find_map(|id| self.constant(*id));
        match (&reader.op, constant.map(Tensor::data)) {
            (Op::Mul, Some([first, rest @ ..])) if rest.iter().all(|c| c == first) => {
                let (fraction, _) = libm::frexp(f64::from(first.abs()));
                if fraction.is_finite() && fraction > 0.5 { fraction } else { 1.0 }
            }
            _ => 1.0,
        }
    }

    /// The value `id` stored, times `factor` if that costs nothing, and whether it does. A factor that
    /// is no power of two costs a product of activations bits, but no sum that is not yet stored.
    fn multiplied(&mut self, id: ValueId, factor: f64) -> Result<(View, f64), QuantError> {
        if factor == 1.0 {
            return Ok((self.stored(id)?, 1.0));
        }
        let pending = match self.take(id) {
            Symbol::Stored(view) => return Ok((view, 1.0)),
            Symbol::Pending(pending) => pending,
        };
        let origin = pending.origin.clone();
        let pending = pending.multiply(&[factor]).expect("every term absorbs one factor for all");
        let view = self.store(pending, (id, id), None, &origin)?;
        self.drafts[view.tensor.0].scaled = true;
        Ok((view, factor))
    }

    /// Product of elements.
    pub(super) fn product_of_two(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let out = self.graph.get(node.output).shape.clone();
        let ids = [node.inputs[0], node.inputs[1]];
        let [a, b] = ids.map(|id| padded(&self.graph.get(id).shape, out.rank()));
        let axes = |which: [bool; 2]| {
            let (a, b) = (&a, &b);
            (0..out.rank()).filter(move |axis| [a[*axis] > 1, b[*axis] > 1] == which)
        };
        let count = |axes: &[usize]| axes.iter().map(|axis| out.dims()[*axis]).product::<usize>();
        let only: [Vec<usize>; 2] = [axes([true, false]).collect(), axes([false, true]).collect()];
        if count(&only[0]) * count(&only[1]) < LEAST_REPEATED && out.len() > 1 {
            return self.squares(node);
        }
        // The smaller one is on the left.
        let swap = count(&only[0]) > count(&only[1]);
        let (left, right) = if swap { (1, 0) } else { (0, 1) };
        let fixed = axes([false, false]);
        let perm: Vec<usize> = axes([true, true])
            .chain(fixed)
            .chain(only[left].iter().copied())
            .chain(only[right].iter().copied())
            .collect();
        let (rows, columns) = (count(&only[left]), count(&only[right]));
        let batch = out.len() / (rows * columns);
        let fail = |source: ShapeError| unsupported(node, source.to_string());
        let dims = [a, b];
        let operand = |view: View, dims: &[usize], [i, j]: [usize; 2]| {
            let (_, map) = Shape::new(dims.to_vec())?.transpose_map(&perm)?;
            let shape = Shape::new(vec![batch, i, j])?;
            if is_identity(&map) {
                return Ok(View { shape, ..view });
            }
            Ok(gather_view(&view, shape, &map))
        };
        let mut views = [self.stored(ids[0])?, self.stored(ids[1])?];
        if swap {
            views.reverse();
        }
        let [left_view, right_view] = views;
        let term = FormTerm::Product {
            left: operand(left_view, &dims[left], [rows, 1]).map_err(fail)?,
            right: operand(right_view, &dims[right], [1, columns]).map_err(fail)?,
            factor: 1.0,
        };
        let shape = Shape::new(vec![batch, rows, columns]).map_err(fail)?;
        let product = Pending::new(Form::new(shape, vec![term]), node.origin.clone());
        let stored = out.transpose(&perm).map_err(fail)?;
        let (shape, map) = stored.transpose_map(&inverse_permutation(&perm)).map_err(fail)?;
        Ok(Symbol::Pending(Box::new(product.permuted(shape, &map))))
    }

    /// The product of two full tensors.
    fn squares(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let [a, b] = [self.full(node.inputs[0], node)?, self.full(node.inputs[1], node)?];
        let mut square = |sign: f64| {
            let term =
                |view: &View, factor| FormTerm::Scale { view: view.clone(), factor: vec![factor] };
            let form = Form::new(a.shape.clone(), vec![term(&a, 1.0), term(&b, sign)]);
            let precision = Precision::Units(a.tensor, b.tensor);
            self.step(node, form, Some(Function::Square), precision)
        };
        let (sum, difference) = (square(1.0)?, square(-1.0)?);
        let sum = Pending::of_view(sum, node.origin.clone());
        let difference = Pending::of_view(difference, node.origin.clone());
        Ok(Symbol::Pending(Box::new(sum.add(difference.negated()))))
    }
}

/// The axes of a shape after as many axes of 1 as make `rank`.
fn padded(shape: &Shape, rank: usize) -> Vec<usize> {
    let missing = rank.saturating_sub(shape.rank());
    std::iter::repeat_n(1, missing).chain(shape.dims().iter().copied()).collect()
}
