//! Rows of a constant table, by one-hot vectors.
//!
//! ```text
//! x[t, v] = id[t] - v,    y = 1 if x = 0, else 0,    row = y W
//! ```
//!
//! The table of `y` has the domain `[-(V-1), V-1]`. An id below 0 or above `V - 1` leaves it at
//! `v = V - 1` or `v = 0`: so it is the range check of the ids, and each `y` has one 1.

use super::{Fuser, Precision, Symbol};
use crate::{
    ir::Node,
    quant::{
        QuantError,
        form::{Form, FormTerm, gather_view},
        function::Function,
        product::{contract, unsupported},
    },
    tensor::{Shape, ShapeError},
};

/// Most rows of a table: the differences of two ids have 16 bits.
const MAX_ROWS: usize = 1 << 15;

impl Fuser<'_> {
    pub(super) fn embed(&mut self, node: &Node) -> Result<Symbol, QuantError> {
        let fail = |source: ShapeError| unsupported(node, source.to_string());
        let Some(table) = self.constant(node.inputs[1]).cloned() else {
            return Err(unsupported(node, "rows of a table that is no constant"));
        };
        let rows = table.shape().dims()[0];
        if rows > MAX_ROWS {
            let what = format!("a table of {rows} rows; at most {MAX_ROWS} are supported");
            return Err(unsupported(node, what));
        }
        let value = self.graph.get(node.inputs[0]);
        if !value.integer {
            return Err(unsupported(node, "rows selected by numbers that may not be whole"));
        }
        let ids = self.stored(node.inputs[0])?;
        let count = ids.shape.len();
        let shape = Shape::new([ids.shape.dims(), &[rows]].concat()).map_err(fail)?;
        // Elements of a tensor are fewer than 2^28.
        let map: Vec<u32> = (0..count * rows).map(|e| (e / rows) as u32).collect();
        let view = gather_view(&ids, shape.clone(), &map);
        let mut form = Form::new(shape, vec![FormTerm::Scale { view, factor: vec![1.0] }]);
        form.bias = (0..count * rows).map(|e| -((e % rows) as f64)).collect();
        let one_hot = self.step(node, form, Some(Function::OneHot { rows }), Precision::Whole)?;
        let product = contract(node, one_hot, None, &table, false)?;
        let out = self.graph.get(node.output).shape.clone();
        Ok(Symbol::Pending(Box::new(product.reshaped(out))))
    }
}
