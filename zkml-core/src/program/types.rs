//! The data of an integer program.

use crate::{
    ir::{Origin, Window},
    tensor::{Shape, Tensor},
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Fractional bits: a stored integer `v` stands for the real `v * 2^-scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scale(pub i32);

impl Scale {
    /// The real value of one unit, `2^-scale`.
    pub fn unit(self) -> f64 {
        libm::ldexp(1.0, -self.0)
    }
}

/// Width of a signed range: values in `[-2^(bits-1), 2^(bits-1))`, at most 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Bits(u8);

impl TryFrom<u8> for Bits {
    type Error = String;

    fn try_from(bits: u8) -> Result<Self, String> {
        Self::new(bits).ok_or_else(|| format!("width of {bits} bits is not in 1 to {}", Self::MAX))
    }
}

impl Bits {
    /// Widest range: one digit of a public word.
    pub const MAX: u8 = 16;

    /// The range of [`Self::MAX`] bits.
    pub const WIDEST: Self = Self(Self::MAX);

    /// A width of `bits`, 1 to 16.
    pub fn new(bits: u8) -> Option<Self> {
        (1..=Self::MAX).contains(&bits).then_some(Self(bits))
    }

    /// The number of bits.
    pub fn get(self) -> u8 {
        self.0
    }

    /// Smallest value.
    pub fn min(self) -> i64 {
        -(1i64 << (self.0 - 1))
    }

    /// Largest value.
    pub fn max(self) -> i64 {
        (1i64 << (self.0 - 1)) - 1
    }

    /// Every value.
    pub fn range(self) -> RangeInclusive<i32> {
        // At most 16 bits.
        self.min() as i32..=self.max() as i32
    }

    /// Whether `v` fits.
    pub fn contains(self, v: i64) -> bool {
        (self.min()..=self.max()).contains(&v)
    }
}

/// Names a stored tensor of a [`Program`]: the index of the step that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TensorId(pub usize);

/// Names a table of a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableId(pub usize);

/// A function table: `y = values[x - first]` for every `x` of its domain, `first` and the
/// `values.len() - 1` integers after it. An `x` outside is an error, also where the tensor's width
/// has room for it: so a table checks a range of its own, and a function that is singular
/// somewhere has rows where it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What the table computes, for people: "Relu", "Gelu 2^-7 -> 2^-8".
    pub name: String,
    /// Least argument.
    pub first: i32,
    /// Values, 1 to `2^16` of them. Those of a public tensor have 16 bits, others may have all 32:
    /// the square of 16 bits has 31.
    pub values: Vec<i32>,
}

impl Table {
    /// `f(x)`, or `None` outside the domain.
    pub fn get(&self, x: i64) -> Option<i64> {
        let at = usize::try_from(x.checked_sub(i64::from(self.first))?).ok()?;
        self.values.get(at).map(|v| i64::from(*v))
    }

    /// Every argument.
    pub fn domain(&self) -> RangeInclusive<i64> {
        let first = i64::from(self.first);
        first..=first + self.values.len() as i64 - 1
    }

    /// Least and greatest value; 0 and 0 of a table of none.
    pub fn extremes(&self) -> (i64, i64) {
        let least = self.values.iter().min().copied().unwrap_or(0);
        let greatest = self.values.iter().max().copied().unwrap_or(0);
        (i64::from(least), i64::from(greatest))
    }

    /// Whether every value fits `bits`.
    pub fn fits(&self, bits: Bits) -> bool {
        let (least, greatest) = self.extremes();
        bits.contains(least) && bits.contains(greatest)
    }
}

/// A stored tensor read under another shape: element `i` of the view is element `index[i]` of the
/// stored tensor, or 0 where `index[i]` is [`View::HOLE`]. Reshape, Transpose, Squeeze, Flatten,
/// Slice, Pad and broadcasts compose into this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The stored tensor.
    pub tensor: TensorId,
    /// Shape of the view.
    pub shape: Shape,
    /// Index map, or `None` for the identity (row-major order kept).
    pub index: Option<Vec<u32>>,
}

impl View {
    /// Index of an element that is the constant 0.
    pub const HOLE: u32 = u32::MAX;

    /// The stored element that element `i` of the view reads, none where it is the constant 0.
    pub fn element(&self, i: usize) -> Option<usize> {
        match &self.index {
            None => Some(i),
            Some(index) if index[i] == Self::HOLE => None,
            Some(index) => Some(index[i] as usize),
        }
    }

    /// Whether some element is the constant 0.
    pub fn has_holes(&self) -> bool {
        self.index.as_ref().is_some_and(|index| index.contains(&Self::HOLE))
    }

    /// Whether it reads each of the `stored` elements of its tensor once, and no hole.
    pub fn is_permutation(&self, stored: usize) -> bool {
        let Some(index) = &self.index else { return self.shape.len() == stored };
        if index.len() != stored {
            return false;
        }
        let mut seen = vec![false; stored];
        index
            .iter()
            .all(|at| seen.get_mut(*at as usize).is_some_and(|s| !std::mem::replace(s, true)))
    }
}

/// One summand of an accumulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Term {
    /// `out[i, j] += sum_k view[i, k] * weight[k, j]`: `view` has shape `[I, K]`, `weight`
    /// `[K, J]`, and the output of the step, flattened to `[I, J]` in row-major order, has
    /// `I * J` elements.
    Contract {
        /// Activation, shape `[I, K]`.
        view: View,
        /// Weights, shape `[K, J]`.
        weight: Tensor<i32>,
    },
    /// `out[e] += view[e] * factor[e]`: `view` has the output's shape; `factor` holds one element
    /// (for all) or as many as the output.
    Scale {
        /// Activation, shape of the output.
        view: View,
        /// Constant factor: shape `[]` or the output's.
        factor: Tensor<i32>,
    },
    /// Convolution and its relatives: the output of the step, flattened to `[B, O, H', W']` in
    /// row-major order, gets at `[b, o, h', w']` the sum over the channels `c` of `o`'s group and
    /// the taps `(i, j)` that meet an input `(h, w)` of `view[b, c, h, w] * weight[o, c, i, j]`.
    Correlate {
        /// Activation, shape `[B, C, H, W]`.
        view: View,
        /// Weights, shape `[O, C / groups, Kh, Kw]`.
        weight: Tensor<i32>,
        /// Which positions meet.
        window: Window,
        /// Groups of channels; divides `C` and `O`.
        groups: usize,
    },
    /// Product of two activations: the output of the step, flattened to `[B, I, J]` in row-major
    /// order, gets at `[b, i, j]` the sum `factor * sum_k left[b, i, k] * right[b, k, j]`. Both may
    /// read the same tensor. Beside a Contract term, `B * I` is its `I`.
    Product {
        /// Activation, shape `[B, I, K]`.
        left: View,
        /// Activation, shape `[B, K, J]`.
        right: View,
        /// Constant factor, not 0.
        factor: i32,
    },
}

impl Term {
    /// The activations it reads: one, or left and right.
    pub fn views(&self) -> impl Iterator<Item = &View> {
        let (first, second) = match self {
            Self::Contract { view, .. }
            | Self::Scale { view, .. }
            | Self::Correlate { view, .. } => (view, None),
            Self::Product { left, right, .. } => (left, Some(right)),
        };
        std::iter::once(first).chain(second)
    }
}

/// Terms, bias, re-quantisation and table of one stored tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affine {
    /// Summands, at least one. All products of one step have the same shape: `[I, J]` if they are
    /// Contract terms, `[B, O, H', W']` if they are Correlate terms, `[B, I, J]` if they are
    /// Product terms, with `[B I, J]` that of Contract terms beside them.
    pub terms: Vec<Term>,
    /// Constant summand at accumulator scale: shape `[]` or the output's.
    pub bias: Option<Tensor<i64>>,
    /// Re-quantisation shift `s`, 0 to 16.
    pub shift: u8,
    /// Function applied to `x`, if any; its domain lies in the range of the tensor's `bits`.
    pub table: Option<TableId>,
}

/// How a stored tensor comes about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Step {
    /// Program input number `.0`, given by the caller, within the tensor's `bits`.
    Input(usize),
    /// Computed from earlier tensors.
    Affine(Affine),
}

/// A stored tensor: shape, encoding, definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTensor {
    /// Shape of the stored (row-major) elements.
    pub shape: Shape,
    /// Range of `x`.
    pub bits: Bits,
    /// Scale of what later steps read: of `y` if there is a table, else of `x`.
    pub scale: Scale,
    /// How it is computed.
    pub step: Step,
    /// The ONNX node it stands for (the last one fused into it): what errors name.
    pub origin: Origin,
}

/// A program input: ONNX name and the stored tensor it fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDecl {
    /// ONNX name.
    pub name: String,
    /// Its tensor, whose step is [`Step::Input`].
    pub tensor: TensorId,
    /// What it takes.
    pub kind: InputKind,
}

/// What an input takes of what its caller gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum InputKind {
    /// Real numbers, rounded to the scale of the tensor.
    Real,
    /// Whole numbers only, which are never rounded: token ids, masks.
    Whole,
    /// Some columns of an input, which has other scales in others.
    Columns(Columns),
}

/// Columns of an input of real numbers, `[N, width]`. The program has the others too, each once, in
/// inputs that stand next to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Name of the input that they are columns of.
    pub input: String,
    /// Columns it has.
    pub width: usize,
    /// Ascending.
    pub columns: Vec<u32>,
}

/// A program output: ONNX name and what it reads. Each output reads a stored tensor of its own,
/// one that is no program input, so that the circuit can publish it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputDecl {
    /// ONNX name.
    pub name: String,
    /// What it reads; a permutation of the stored elements.
    pub view: View,
}

/// An integer program. Built by `quant`; [`Program::check`] states its invariants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Stored tensors in order of computation, indexed by [`TensorId`].
    pub tensors: Vec<StoredTensor>,
    /// Tables, indexed by [`TableId`]; no two are equal.
    pub tables: Vec<Table>,
    /// Inputs in ONNX order.
    pub inputs: Vec<InputDecl>,
    /// Outputs in ONNX order.
    pub outputs: Vec<OutputDecl>,
}

/// A malformed program (a damaged file, or a bug in the compiler).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed program: {what}")]
pub struct ProgramError {
    /// What is wrong, naming the tensor.
    pub what: String,
}
