//! The tables of steps: functions of the integers `x` of a step, given the scales chosen for it.

use super::QuantError;
use crate::{
    ir::{Activation, Origin, Pointwise},
    program::{Bits, Scale, Table},
};
use std::ops::RangeInclusive;

/// What a table computes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Function {
    /// A function of the real number that `x` stands for.
    Of(Activation),
    /// `x` of what is kept, something else of what is not, which the lift of the step moves below.
    Mask {
        dropped: Dropped,
        /// The term that reads what is kept, where that depends on the inputs.
        kept_by: Option<usize>,
    },
    /// `exp(-v)` of the real number that `x` and the lift stand for.
    Decay,
    /// 1 at 0, else 0, on `[-(rows - 1), rows - 1]`.
    OneHot { rows: usize },
    /// The square of the integer.
    Square,
}

/// What stands where a mask does not keep an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dropped {
    /// A number.
    Value(f64),
    /// A number whose exponential is 0 beside any that is kept, at the scale of [`Decay`].
    ///
    /// [`Decay`]: Function::Decay
    Vanishing,
}

impl Dropped {
    /// Finest scale of the values of [`Function::Decay`]: they fit 16 bits, the 1 of the maximum too.
    pub(super) const FINEST: i32 = 14;

    /// The integer that stands there at scale `x`, when the least live integer is `live`.
    pub(super) fn units(self, x: i32, live: i64) -> i64 {
        match self {
            // A saturating conversion; what does not fit a table is refused by its range.
            Self::Value(value) => libm::floor(libm::ldexp(value, x) + 0.5) as i64,
            Self::Vanishing => {
                // exp(-distance) < 2^-(FINEST + 1).
                let distance = f64::from(Self::FINEST + 1) * std::f64::consts::LN_2;
                live.saturating_sub(libm::floor(libm::ldexp(distance, x)) as i64).saturating_sub(1)
            }
        }
    }
}

/// Arguments of a table and what they stand for: `(x + lift) 2^-from`, values at scale `to`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lookup {
    pub(super) domain: RangeInclusive<i32>,
    pub(super) lift: i64,
    pub(super) from: i32,
    pub(super) to: i32,
    /// Least live argument of a mask.
    pub(super) live: i64,
}

impl Lookup {
    /// A table over a whole width.
    pub(super) fn of_width(bits: Bits, from: i32, to: i32) -> Self {
        Self { domain: bits.range(), lift: 0, from, to, live: bits.min() }
    }

    /// The same arguments, values at another scale.
    pub(super) fn with_values(&self, to: i32) -> Self {
        Self { to, ..self.clone() }
    }

    /// The narrowest width that holds the domain, from `least` up.
    pub(super) fn bits(&self, least: u8) -> Option<Bits> {
        let holds = |bits: &Bits| {
            bits.contains((*self.domain.start()).into())
                && bits.contains((*self.domain.end()).into())
        };
        (least..=Bits::MAX).filter_map(Bits::new).find(holds)
    }
}

impl Function {
    /// The table over the domain of `lookup`.
    pub(super) fn table(&self, lookup: &Lookup, origin: &Origin) -> Result<Table, QuantError> {
        let Lookup { lift, from, to, live, .. } = *lookup;
        let domain = lookup.domain.clone();
        Ok(match self {
            Self::Of(f) => {
                let table = if self.is_wide() { Table::of } else { Table::narrow };
                table(f, domain, lift, Scale(from), Scale(to))
                    .map_err(|source| QuantError::Table { origin: origin.clone(), source })?
            }
            Self::Mask { dropped, .. } => {
                let value = dropped.units(from, live);
                let value = i32::try_from(value).ok().filter(|v| i16::try_from(*v).is_ok());
                let value = value.ok_or_else(|| QuantError::Unsupported {
                    origin: origin.clone(),
                    what: format!("a mask whose value does not fit 16 bits at scale 2^-{from}"),
                })?;
                let name = format!("Mask 2^{} at {live} to {value}", -from);
                Table::tabulate(name, domain, |x| if i64::from(x) < live { value } else { x })
            }
            Self::Decay => {
                let name = format!("Exp (-x{:+}) 2^{} -> 2^{}", -lift, -from, -to);
                Table::tabulate(name, domain, |x| {
                    let distance = libm::ldexp((i64::from(x) + lift) as f64, -from);
                    // At most 2^14 for a distance that is not negative.
                    libm::floor(libm::ldexp(libm::exp(-distance), to) + 0.5) as i32
                })
            }
            Self::OneHot { .. } => Table::tabulate("One at 0", domain, |x| i32::from(x == 0)),
            // Of 16 bits.
            Self::Square => Table::tabulate("Square", domain, |x| x * x),
        })
    }

    /// The term whose factor is the lift of the step, if there is one.
    pub(super) fn kept_by(&self) -> Option<usize> {
        match self {
            Self::Mask { kept_by, .. } => *kept_by,
            _ => None,
        }
    }

    /// What tables that may be equal have in common.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Of(f) => f.to_string(),
            Self::Mask { dropped, .. } => format!("Mask {dropped:?}"),
            Self::Decay => "Decay".into(),
            Self::OneHot { rows } => format!("OneHot {rows}"),
            Self::Square => "Square of integers".into(),
        }
    }

    /// Whether values may have more than 16 bits.
    pub(super) fn is_wide(&self) -> bool {
        matches!(self, Self::Square) || matches!(self, Self::Of(f) if is_square(f))
    }

    /// Whether the table is one for every scale.
    pub(super) fn is_homogeneous(&self) -> bool {
        matches!(self, Self::Of(Activation::Relu | Activation::LeakyRelu { .. }))
    }
}

/// Whether it is the square.
pub(super) fn is_square(f: &Activation) -> bool {
    matches!(f, Activation::Square) || matches!(f, Activation::Pow { exponent } if *exponent == 2.0)
}

/// Whether the table is one of the calibrated range, with values of 16 bits, and not of a width:
/// functions with a pole, and those that are close to 0 or a line for most of a width.
pub(super) fn has_domain(f: &Activation) -> bool {
    is_singular(f)
        || matches!(
            f,
            Activation::Pointwise(_)
                | Activation::Quantize { .. }
                | Activation::Gelu { .. }
                | Activation::Silu
                | Activation::Swish { .. }
                | Activation::Mish
        )
}

/// Whether it rounds to the whole numbers of a quantised model.
pub(super) fn is_quantizing(function: &Function) -> bool {
    fn is(f: &Activation) -> bool {
        match f {
            Activation::Quantize { .. } => true,
            Activation::Pointwise(expression) => {
                matches!(&**expression, Pointwise::Apply(f, _) if is(f))
            }
            _ => false,
        }
    }
    matches!(function, Function::Of(f) if is(f))
}

/// Whether the function has no value somewhere, or changes by factors.
pub(super) fn is_singular(f: &Activation) -> bool {
    match f {
        Activation::Exp
        | Activation::Log
        | Activation::Sqrt
        | Activation::Rsqrt
        | Activation::Reciprocal
        | Activation::Tan
        | Activation::Sinh
        | Activation::Cosh
        | Activation::Asin
        | Activation::Acos
        | Activation::Acosh
        | Activation::Atanh => true,
        Activation::Pow { exponent } => *exponent != 2.0,
        Activation::Pointwise(expression) => has_singular(expression),
        _ => false,
    }
}

fn has_singular(expression: &Pointwise) -> bool {
    match expression {
        Pointwise::Argument | Pointwise::Constant(_) => false,
        Pointwise::Sum(a, b) | Pointwise::Difference(a, b) | Pointwise::Product(a, b) => {
            has_singular(a) || has_singular(b)
        }
        Pointwise::Apply(f, a) => is_singular(f) || has_singular(a),
    }
}
