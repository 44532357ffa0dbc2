//! Pads go into the window that reads them, where what lies outside the input is not met:
//!
//! ```text
//! Correlate(Pad(x, 0), w)   ->  Correlate'(x, w)
//! MaxPool(Pad(x, v))        ->  MaxPool'(x)        if no element of x can be below v
//! ```
//!
//! With `p` pads before, input `i` of the padded axis is input `i - p` of `x`, so that the window
//! `out_step o = in_step i + origin + slope t` has the origin `origin + in_step p` on `x`.
//!
//! A pad of a correlation counts as 0, so a pad of any other value stays. A pad of a maximum counts
//! as nothing: its value must be at most each element of `x`, as after a Relu with `v = 0`, and each
//! window must meet an element of `x`. Only spatial axes may be padded, and the window must be the
//! only reader.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::ir::{Activation, Axis, Graph, GraphError, Node, Op, ValueId, Window};

/// `graph` with pads folded into the windows that read them.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn fold_pads(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some((op, x)) = folded(matcher, node) else { return Ok(None) };
        let mut inputs = vec![rewrite.operand(node, x)?];
        for id in &node.inputs[1..] {
            inputs.push(rewrite.operand(node, *id)?);
        }
        rewrite.push(node, op, inputs).map(Some)
    })
}

/// The operation that reads what is padded, and that.
fn folded(matcher: &Matcher<'_>, node: &Node) -> Option<(Op, ValueId)> {
    let padded = matcher.only_user(*node.inputs.first()?)?;
    let (Op::Pad { begin, end, value }, [x]) = (&padded.op, padded.inputs.as_slice()) else {
        return None;
    };
    let op = match &node.op {
        Op::Correlate { window, groups } if *value == 0.0 => {
            Op::Correlate { window: unpadded(window, begin, end)?, groups: *groups }
        }
        Op::MaxPool(window) if *value <= least(matcher, *x) => {
            let Window { height, width } = unpadded(window, begin, end)?;
            let met = height.covers() && width.covers();
            met.then_some(Op::MaxPool(Window { height: height.trimmed(), width: width.trimmed() }))?
        }
        _ => return None,
    };
    Some((op, *x))
}

/// The window on what is padded.
fn unpadded(window: &Window, begin: &[usize], end: &[usize]) -> Option<Window> {
    let (&[0, 0, top, left], &[0, 0, bottom, right]) = (begin, end) else { return None };
    let axis = |axis: &Axis, before: usize, after: usize| {
        let input = axis.input.checked_sub(before)?.checked_sub(after)?;
        let shift = i64::try_from(axis.in_step.checked_mul(before)?).ok()?;
        Some(Axis { input, origin: axis.origin.checked_add(shift)?, ..*axis })
    };
    let window = Window {
        height: axis(&window.height, top, bottom)?,
        width: axis(&window.width, left, right)?,
    };
    window.check().then_some(window)
}

/// A bound that no element of `id` is below, if all are finite.
fn least(matcher: &Matcher<'_>, mut id: ValueId) -> f32 {
    while let Some(node) = matcher.producer(id) {
        match (&node.op, node.inputs.as_slice()) {
            (Op::Activation(f), _) => return least_of(f),
            // Elements of the operand.
            (Op::MaxPool(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. }, [x]) => id = *x,
            _ => break,
        }
    }
    f32::MIN
}

/// A bound that no value of the function is below.
fn least_of(f: &Activation) -> f32 {
    match *f {
        Activation::Relu
        | Activation::Sigmoid
        | Activation::Softplus
        | Activation::HardSigmoid { .. }
        | Activation::Exp
        | Activation::Square
        | Activation::Sqrt
        | Activation::Rsqrt
        | Activation::Abs
        | Activation::IsZero
        | Activation::IsPositive
        | Activation::IsNonNegative => 0.0,
        Activation::Tanh | Activation::Erf | Activation::Sign => -1.0,
        Activation::Elu { alpha } if alpha >= 0.0 => -alpha,
        // As `eval` has it: a minimum above the maximum gives the maximum.
        Activation::Clip { min, max } => min.min(max).max(f32::MIN),
        _ => f32::MIN,
    }
}
