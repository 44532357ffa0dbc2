//! The stored tensors of a program to be.

use crate::{
    ir::{Origin, ValueId},
    program::{TensorId, View},
    quant::{
        form::{Form, Least},
        function::{Dropped, Function},
    },
    tensor::Shape,
};

/// A stored tensor to be.
#[derive(Clone, Debug)]
pub(in crate::quant) struct Draft {
    pub(in crate::quant) shape: Shape,
    pub(in crate::quant) step: DraftStep,
    /// Value of the graph that `x` stands for.
    pub(in crate::quant) x: ValueId,
    /// Value of the graph that later steps read: `x`, or the function's.
    pub(in crate::quant) y: ValueId,
    /// `y` as a view of this tensor.
    pub(in crate::quant) view: View,
    pub(in crate::quant) origin: Origin,
    pub(in crate::quant) precision: Precision,
    /// Whether it is a multiple of `y`, or a part of it.
    pub(in crate::quant) scaled: bool,
    /// Of a rounding to steps, how large they are: `x` and the argument of the function count them.
    pub(in crate::quant) unit: Option<f64>,
    /// The calibrated range, where it is not that of `x`.
    pub(in crate::quant) range: Option<(f64, f64)>,
}

impl Draft {
    /// The function after the form, if there is one.
    pub(in crate::quant) fn function(&self) -> Option<&Function> {
        match &self.step {
            DraftStep::Linear(_, function) => function.as_ref(),
            DraftStep::Input(_) | DraftStep::Copy(_) => None,
        }
    }

    /// Whether later steps may read values of more than 16 bits.
    pub(super) fn is_wide(&self) -> bool {
        self.function().is_some_and(Function::is_wide)
    }

    /// Whether it stands for a value of the graph.
    pub(in crate::quant) fn stands_for_value(&self) -> bool {
        let stepping = matches!(
            self.function(),
            Some(Function::OneHot { .. } | Function::Mask { dropped: Dropped::Vanishing, .. })
        );
        self.precision.is_of_value() && !self.scaled && !stepping
    }
}

/// What decides width and scale of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quant) enum Precision {
    /// Its own settings.
    Own,
    /// The operand of a pool: a maximum of its values, exact at its scale.
    Maximum(Least),
    /// The operand of a pool: a difference of two of its values, exact at its scale. It stands for
    /// no value of the graph.
    Difference(Least),
    /// The operand of a tree of maxima: a difference of two of its values, as above.
    Contest(Least),
    /// The operand of a softmax: its maximum along an axis, exact at its scale. It stands for no
    /// value of the graph.
    Winner {
        least: Least,
        /// Whether it is never what a mask has dropped.
        live: bool,
    },
    /// The operand of a softmax: how far a value lies below the maximum, exact at its scale.
    Distance(Least),
    /// A sum of the integers of two tensors, whatever their scales.
    Units(TensorId, TensorId),
    /// A sum of whole numbers. It stands for no value of the graph.
    Whole,
}

impl Precision {
    /// Whether `y` stands for a value of the graph.
    fn is_of_value(self) -> bool {
        matches!(self, Self::Own | Self::Maximum(_) | Self::Distance(_))
    }
}

/// How a draft is computed.
#[derive(Clone, Debug)]
pub(in crate::quant) enum DraftStep {
    /// Program input number `.0`.
    Input(usize),
    /// A linear form, then a function.
    Linear(Form, Option<Function>),
    /// The integers of a view unchanged, for an output that needs a tensor of its own.
    Copy(View),
}

/// A draft and how it is read.
pub(super) struct NewDraft {
    pub(super) shape: Shape,
    pub(super) step: DraftStep,
    pub(super) ids: (ValueId, ValueId),
    /// Shape and order of the value, when not those of the tensor.
    pub(super) read: Option<(Shape, Option<Vec<u32>>)>,
    pub(super) origin: Origin,
    pub(super) precision: Precision,
    pub(super) range: Option<(f64, f64)>,
}

impl NewDraft {
    pub(super) fn new(
        shape: Shape,
        step: DraftStep,
        ids: (ValueId, ValueId),
        origin: Origin,
    ) -> Self {
        Self { shape, step, ids, read: None, origin, precision: Precision::Own, range: None }
    }
}
