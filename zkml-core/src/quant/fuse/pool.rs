//! MaxPool as a chain of steps.
//!
//! `max(a, b) = b + relu(a - b)`, in integers exactly. Over one axis and then the other,
//!
//! ```text
//! D_1 = relu(X[0] - X[1])
//! D_k = relu(X[k-1] + D_{k-1} - X[k]),    k = 2 .. K-1
//! max = X[K-1] + D_{K-1}
//! ```
//!
//! where `X[t]` is what the window meets at tap `t`, a depthwise convolution with one tap, and
//! `X[k-1] - X[k]` one with the taps `1, -1`. The maximum over the first axis is a sum of two
//! tensors, so the second axis reads convolutions of both. What lies outside the input counts as
//! the least value that the operand can hold, a bias ([`Floor`]) that is 0 after a Relu.
//!
//! Source: the identity is folklore; the exactness needs all tensors at one scale with shift 0,
//! which [`Precision`] asks for.

use super::{Fuser, Precision, Symbol};
use crate::{
    ir::{Activation, Axis, Node, Window},
    program::View,
    quant::{
        QuantError,
        form::{Floor, Form, FormTerm, Least, Pending, Unit, gather_view},
        function::Function,
        product::unsupported,
    },
    tensor::{Shape, Tensor},
};

impl Fuser<'_> {
    pub(super) fn max_pool(&mut self, node: &Node, window: &Window) -> Result<Symbol, QuantError> {
        let window = &Window {
            height: trimmed(node, &window.height)?,
            width: trimmed(node, &window.width)?,
        };
        let operand = self.stored(node.inputs[0])?;
        if let Some(view) = subsampled(&operand, window) {
            return Ok(Symbol::Stored(View { shape: self.shape(node), ..view }));
        }
        let least = Least::of(&operand);
        let (height, width) = (window.height.input, window.width.input);
        let partial =
            Partial { view: operand, window: Window::identity(height, width), bounded: true };
        // The axis first whose differences are fewer.
        let count = |first: &Axis, second: &Axis| {
            (first.kernel - 1) * first.output * second.input
                + (second.kernel - 1) * second.output * first.output
        };
        let (rows, columns) = (&window.height, &window.width);
        let axes = if count(columns, rows) <= count(rows, columns) {
            [(false, columns), (true, rows)]
        } else {
            [(true, rows), (false, columns)]
        };
        let mut partials = vec![partial];
        for (vertical, axis) in axes {
            let difference = self.differences(node, least, &partials, (vertical, axis))?;
            let last = |p: &Partial| p.at(vertical, axis, axis.kernel - 1, 1);
            partials = partials.iter().map(last).chain(difference).collect();
        }
        let form = sum(node, least, &partials, &[1.0])?;
        let pending = Pending::new(form, node.origin.clone());
        Ok(Symbol::Pending(Box::new(Pending { maximum: Some(least), ..pending })))
    }

    /// The chain over one axis; gives its last difference, none if there is one tap.
    fn differences(
        &mut self,
        node: &Node,
        least: Least,
        partials: &[Partial],
        (vertical, axis): (bool, &Axis),
    ) -> Result<Option<Partial>, QuantError> {
        let mut last: Option<Partial> = None;
        for tap in 0..axis.kernel - 1 {
            let pair: Vec<_> = partials.iter().map(|p| p.at(vertical, axis, tap, 2)).collect();
            let mut form = sum(node, least, &pair, &[1.0, -1.0])?;
            if let Some(Partial { view, .. }) = last {
                form.terms.push(FormTerm::Scale { view, factor: vec![1.0] });
            }
            let (rows, columns) = (form.shape.dims()[2], form.shape.dims()[3]);
            let relu = Some(Function::Of(Activation::Relu));
            let view = self.step(node, form, relu, Precision::Difference(least))?;
            last = Some(Partial { view, window: Window::identity(rows, columns), bounded: false });
        }
        Ok(last)
    }

    fn shape(&self, node: &Node) -> Shape {
        self.graph.get(node.output).shape.clone()
    }
}

/// A summand of a maximum: a tensor `[B, C, H, W]` under a window of one tap, or of two whose
/// difference is meant.
struct Partial {
    view: View,
    window: Window,
    /// Whether the least value stands for what the window does not meet, else 0.
    bounded: bool,
}

impl Partial {
    /// The summand under `taps` taps of an axis not yet windowed, from `tap` on.
    fn at(&self, vertical: bool, axis: &Axis, tap: usize, taps: usize) -> Self {
        let origin = axis.origin + axis.slope * tap as i64;
        let slope = if taps == 1 { -1 } else { axis.slope };
        let axis = Axis { kernel: taps, origin, slope, ..*axis };
        let window = if vertical {
            Window { height: axis, ..self.window }
        } else {
            Window { width: axis, ..self.window }
        };
        Self { view: self.view.clone(), window, bounded: self.bounded }
    }

    fn is_identity(&self) -> bool {
        let Window { height, width } = self.window;
        height == Axis::identity(height.input) && width == Axis::identity(width.input)
    }

    /// What stands at one plane for the taps that meet nothing, as a multiple of the least value.
    fn unmet(&self, taps: &[f64]) -> Vec<f64> {
        let (rows, columns) = (self.window.height.output, self.window.width.output);
        let missing = |at: usize| {
            let met = self.window.meets((at / columns, at % columns));
            // One axis at most has more than one tap.
            taps.iter().sum::<f64>() - met.map(|((i, j), _)| taps[i.max(j)]).sum::<f64>()
        };
        (0..rows * columns).map(missing).collect()
    }
}

/// The sum of partial maxima, their taps weighted.
fn sum(node: &Node, least: Least, partials: &[Partial], taps: &[f64]) -> Result<Form, QuantError> {
    let first = partials.first().ok_or_else(|| unsupported(node, "a maximum of nothing"))?;
    let fail = |source: crate::tensor::ShapeError| unsupported(node, source.to_string());
    let (batch, channels) = (first.view.shape.dims()[0], first.view.shape.dims()[1]);
    let (rows, columns) = (first.window.height.output, first.window.width.output);
    let shape = Shape::new(vec![batch, channels, rows, columns]).map_err(fail)?;
    let mut form = Form::new(shape, Vec::new());
    for partial in partials {
        if !partial.window.check() {
            return Err(unsupported(node, "steps or dilations of this size"));
        }
        let view = partial.view.clone();
        form.terms.push(if partial.is_identity() {
            FormTerm::Scale { view, factor: vec![1.0] }
        } else {
            let (kh, kw) = (partial.window.height.kernel, partial.window.width.kernel);
            let weights = taps.iter().copied().cycle().take(channels * kh * kw).collect();
            let kernel = Shape::new(vec![channels, 1, kh, kw]).map_err(fail)?;
            let weight = Tensor::new(kernel, weights).map_err(fail)?;
            FormTerm::Correlate { view, weight, window: partial.window, groups: channels }
        });
        let unmet = if partial.bounded { partial.unmet(taps) } else { Vec::new() };
        if unmet.iter().any(|f| *f != 0.0) {
            let factor = unmet.iter().copied().cycle().take(form.shape.len()).collect();
            form.floors.push(Floor { unit: Unit::Least(least), factor });
        }
    }
    Ok(form)
}

/// Longest chain over one axis: each tap is a step of the program.
const MAX_TAPS: usize = 1 << 12;

/// The axis without the taps at either end that never meet an input.
fn trimmed(node: &Node, axis: &Axis) -> Result<Axis, QuantError> {
    let axis = axis.trimmed();
    if axis.kernel > MAX_TAPS {
        let what = format!(
            "maximum over {} positions of one axis; at most {MAX_TAPS} are supported",
            axis.kernel
        );
        return Err(unsupported(node, what));
    }
    Ok(axis)
}

/// The operand itself, where each window is one element.
fn subsampled(operand: &View, window: &Window) -> Option<View> {
    if (window.height.kernel, window.width.kernel) != (1, 1) {
        return None;
    }
    let (rows, columns) = (window.height.output, window.width.output);
    let (height, width) = (window.height.input, window.width.input);
    let planes = operand.shape.dims()[0] * operand.shape.dims()[1];
    let mut map = Vec::with_capacity(planes * rows * columns);
    for (plane, at) in (0..planes).flat_map(|p| (0..rows * columns).map(move |at| (p, at))) {
        let row = window.height.input_at(at / columns, 0)?;
        let column = window.width.input_at(at % columns, 0)?;
        // Elements of a tensor are fewer than 2^28.
        map.push((plane * height * width + row * width + column) as u32);
    }
    let shape = operand.shape.clone();
    Some(gather_view(operand, shape, &map))
}
