//! Operators that opset 7 changed, as they were in opset 6: `broadcast` and `axis` said how the second
//! operand of an element-wise operation lies in the first.
//!
//! ```text
//! broadcast = 0    both shapes are the same (or one element, which old exporters write anyway)
//! broadcast = 1    B's axes are those of A from `axis` on, or the last ones
//! ```
//!
//! PRelu's slopes are by channel. Everything else of opset 6 that is supported is as in opset 7.

use super::{
    site::{Halt, Site},
    view::reshaped_part,
};
use crate::onnx::Node;

/// Element-wise operators of two operands.
const ELEMENTWISE: [&str; 11] =
    ["Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"];

/// Others that opset 7 changed.
const OTHERS: [&str; 5] = ["AveragePool", "BatchNormalization", "Dropout", "Gemm", "PRelu"];

/// Whether a node is supported as it was before opset 7, which changed its operator.
pub(super) fn knows(node: &Node) -> bool {
    let op = node.op.as_str();
    node.domain.is_empty() && (ELEMENTWISE.contains(&op) || OTHERS.contains(&op))
}

/// Lays out the second operand as opset 7 would have it.
pub(super) fn prepare(site: &mut Site<'_>) -> Result<(), Halt> {
    if !site.node.domain.is_empty() {
        return Ok(());
    }
    let op = site.node.op.as_str();
    let elementwise = ELEMENTWISE.contains(&op);
    if elementwise || op == "Gemm" {
        site.not_from("broadcast", 7)?;
    }
    if !(elementwise || op == "PRelu") || site.since >= 7 || site.inputs.len() < 2 {
        return Ok(());
    }
    let (a, b) = (site.shape(0)?, site.shape(1)?);
    let axis = if op == "PRelu" {
        if b.len() == 1 || b.rank() != 1 { None } else { Some(1) }
    } else if site.flag("broadcast", false)? {
        match site.int_attribute("axis")? {
            Some(axis) => Some(site.axis(axis, a.rank(), true)?),
            None => None,
        }
    } else {
        if a != b && b.len() != 1 {
            return Err(site.invalid(format!("{a} and {b} differ, and `broadcast` is not set")));
        }
        None
    };
    let Some(axis) = axis else { return Ok(()) };
    let Some(after) = a.rank().checked_sub(axis + b.rank()) else {
        return Err(site.invalid(format!("{b} does not lie in {a} from axis {axis} on")));
    };
    if after > 0 {
        let dims = [b.dims(), &vec![1; after]].concat();
        let second = site.input(1)?;
        let laid_out = reshaped_part(site, second, dims, "second")?;
        site.inputs[1] = Some(laid_out);
    }
    Ok(())
}
