//! Width and scale that the range of a tensor asks for.

use super::{super::settings::Keys, finest};
use crate::{
    ir::{Activation, Graph},
    program::Bits,
    quant::{
        QuantError, Settings,
        function::{Dropped, Function, is_singular},
        fuse::{Draft, DraftStep, Precision},
    },
};
use std::ops::RangeInclusive;

/// Width and scale that the range of a tensor asks for.
#[derive(Clone, Copy, Debug)]
pub(in crate::quant) struct Wanted {
    pub(in crate::quant) bits: Bits,
    pub(in crate::quant) width: Width,
    pub(super) x: i32,
    /// Scale at which the values of its function, if it has one, have the default width.
    y: Option<i32>,
    pub(super) fixed: bool,
    pub(super) whole: bool,
    range: (f64, f64),
    /// What the range is multiplied by.
    room: f64,
    /// Real arguments of a table that is narrower than a width.
    domain: Option<(f64, f64)>,
}

/// Whether settings ask for this width of this tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quant) enum Width {
    Fixed,
    Default,
}

impl Wanted {
    pub(super) fn new(
        graph: &Graph,
        draft: &Draft,
        keys: &Keys,
        settings: &Settings,
    ) -> Result<Self, QuantError> {
        let tensor = settings.of(keys, draft.x)?;
        let bits = width(tensor.bits.unwrap_or(settings.default_bits))?;
        let width = if tensor.bits.is_some() { Width::Fixed } else { Width::Default };
        // A tensor that was always zero gets the range of [-1, 1].
        let (min, max) = match (tensor.min, tensor.max) {
            (0.0, 0.0) => (-1.0, 1.0),
            range => range,
        };
        let room = 1.0 + settings.headroom;
        let wanted = Self {
            bits,
            width,
            x: 0,
            y: None,
            fixed: tensor.scale.is_some(),
            whole: false,
            range: (min, max),
            room,
            domain: None,
        };
        let wanted = Self { y: wanted.of_function(draft, keys, settings), ..wanted };
        if graph.get(draft.x).integer && draft.precision == Precision::Own {
            return wanted.of_whole(draft, tensor.scale);
        }
        if let DraftStep::Linear(_, Some(Function::Of(f))) = &draft.step
            && is_singular(f)
            && matches!(draft.precision, Precision::Own | Precision::Maximum(_))
        {
            let wanted = Self { domain: Some(domain((min, max), room)), ..wanted };
            let x = tensor.scale.unwrap_or_else(|| wanted.finest_domain());
            return Ok(Self { x, ..wanted });
        }
        let x = tensor.scale.unwrap_or_else(|| wanted.finest());
        Ok(Self { x, ..wanted })
    }

    fn of_function(&self, draft: &Draft, keys: &Keys, settings: &Settings) -> Option<i32> {
        let DraftStep::Linear(_, Some(function)) = &draft.step else { return None };
        if matches!(function, Function::Mask { .. }) {
            return None;
        }
        let tensor = settings.of(keys, draft.y).ok()?;
        let bits = Bits::new(settings.default_bits)?;
        let values = Self { bits, range: (tensor.min, tensor.max), ..*self };
        Some(tensor.scale.unwrap_or_else(|| values.finest()))
    }

    /// Scale of what later steps will read, as far as is known.
    pub(super) fn value_scale(&self) -> i32 {
        self.y.unwrap_or(self.x)
    }

    /// Whole numbers have scale 0 and as many bits as they need.
    fn of_whole(self, draft: &Draft, scale: Option<i32>) -> Result<Self, QuantError> {
        if scale.is_some_and(|scale| scale != 0) {
            return Err(QuantError::Setting {
                key: format!("scale of `{}`", draft.origin.node),
                expected: "0: its elements are whole numbers".into(),
                got: scale.unwrap_or(0).to_string(),
            });
        }
        let (min, max) = (self.range.0 * self.room, self.range.1 * self.room);
        let holds = |bits: &Bits| {
            let bits = *bits;
            bits.min() as f64 <= min && max <= bits.max() as f64
        };
        let bits = (2..=Bits::MAX).filter_map(Bits::new).find(holds).ok_or_else(|| {
            QuantError::Unsupported {
                origin: draft.origin.clone(),
                what: format!(
                    "whole numbers from {min} to {max} (with headroom) exceed {} bits",
                    Bits::MAX
                ),
            }
        })?;
        let bits = if self.width == Width::Fixed { self.bits } else { bits };
        let domain = match &draft.step {
            DraftStep::Linear(_, Some(Function::Of(f))) if is_singular(f) => {
                Some(domain(self.range, self.room))
            }
            _ => None,
        };
        Ok(Self { bits, x: 0, fixed: true, whole: true, domain, ..self })
    }

    /// Narrows a width that is not by hand.
    pub(in crate::quant) fn leave_room(&mut self, limit: u8) {
        if let (Width::Default, Some(limit)) = (self.width, Bits::new(limit))
            && self.bits > limit
        {
            *self = self.with_bits(limit);
        }
    }

    /// Coarsens a scale that is not by hand until what a mask drops, and its distance from all that
    /// it keeps, have 16 bits.
    pub(in crate::quant) fn hold(&mut self, dropped: Dropped) {
        let (bits, most) = (self.bits, i64::from(i16::MAX));
        let fits = |scale: i32| {
            let value = dropped.units(scale, bits.min());
            bits.max().saturating_sub(value) <= most && value <= most
        };
        if !self.fixed {
            self.x = self.x.min(finest(fits));
        }
    }

    /// Widens whole numbers until they hold this one.
    pub(in crate::quant) fn hold_whole(&mut self, number: i64) {
        let widths = (self.bits.get()..=Bits::MAX).filter_map(Bits::new);
        if let (true, Some(bits)) = (self.whole, widths.clone().find(|bits| bits.contains(number)))
        {
            self.bits = bits;
        }
    }

    /// The same at another width.
    fn with_bits(self, bits: Bits) -> Self {
        let wanted = Self { bits, ..self };
        Self { x: if self.fixed { self.x } else { wanted.finest() }, ..wanted }
    }

    /// The same at another scale.
    pub(super) fn at(self, x: i32) -> Self {
        Self { x, ..self }
    }

    /// For a function of a maximum of this width and scale.
    pub(super) fn of_maximum(self, bits: Bits, x: i32) -> Self {
        Self { bits, x, ..self }
    }

    /// Arguments of a table of `f`: the calibrated ones with their room, or the whole width. 0 is left
    /// out where `f` has no value there and the range does not hold it.
    pub(super) fn domain_units(&self, f: &Activation) -> RangeInclusive<i32> {
        let Some((min, max)) = self.domain else { return self.bits.range() };
        // Saturating conversions; what exceeds 16 bits is refused later.
        let mut first = libm::floor(libm::ldexp(min, self.x)) as i32;
        let mut last = libm::ceil(libm::ldexp(max, self.x)) as i32;
        if min > 0.0 && first <= 0 && !f.eval(0.0).is_finite() {
            first = 1;
        }
        if max < 0.0 && last >= 0 && !f.eval(0.0).is_finite() {
            last = -1;
        }
        first..=last.max(first)
    }

    /// The domains of both.
    pub(super) fn widen(&mut self, other: &Self) {
        if let (Some(own), Some(other)) = (&mut self.domain, other.domain) {
            *own = (own.0.min(other.0), own.1.max(other.1));
        }
    }

    /// The largest scale at which the range fits the width.
    fn finest(&self) -> i32 {
        finest(|scale| {
            let at = |v: f64| libm::floor(libm::ldexp(v * self.room, scale) + 0.5);
            let (min, max) = self.range;
            at(max) <= self.bits.max() as f64 && at(min) >= self.bits.min() as f64
        })
    }

    /// The largest scale at which the domain has `2^bits` rows at most, each of 16 bits.
    fn finest_domain(&self) -> i32 {
        let (min, max) = self.domain.unwrap_or(self.range);
        let rows = libm::ldexp(1.0, self.bits.get().into());
        let widest = f64::from(i16::MAX);
        finest(|scale| {
            let [min, max] = [min, max].map(|v| libm::ldexp(v, scale));
            max - min + 2.0 <= rows && max < widest && min > -widest
        })
    }
}

/// A range with room at each end, by a factor: the values of singular functions change by factors.
fn domain((min, max): (f64, f64), room: f64) -> (f64, f64) {
    let room = room * room;
    let below = if min > 0.0 { min / room } else { min * room };
    let above = if max > 0.0 { max * room } else { max / room };
    (below, above)
}

fn width(bits: u8) -> Result<Bits, QuantError> {
    Bits::new(bits).ok_or_else(|| QuantError::Setting {
        key: "bits".into(),
        expected: format!("1 to {}", Bits::MAX),
        got: bits.to_string(),
    })
}
