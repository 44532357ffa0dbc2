//! Width and scale that the range of a tensor asks for.

use super::{super::settings::Keys, finest};
use crate::{
    ir::{Activation, Graph},
    program::Bits,
    quant::{
        QuantError, Settings,
        function::{Dropped, Function, has_domain, is_quantizing, is_singular},
        fuse::{Draft, Precision},
    },
};

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
    masked: bool,
    /// Of a rounding to steps.
    steps: bool,
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
        (keys, settings): (&Keys, &Settings),
        fine: bool,
    ) -> Result<Self, QuantError> {
        let tensor = settings.of(keys, draft.x)?;
        let default = match draft.function() {
            Some(function) if is_quantizing(function) => settings.step_bits(),
            None if fine => settings.step_bits(),
            Some(_) => settings.function_bits(),
            None => settings.default_bits,
        };
        let bits = width(tensor.bits.unwrap_or(default))?;
        let width = if tensor.bits.is_some() { Width::Fixed } else { Width::Default };
        // A tensor that was always zero gets the range of [-1, 1].
        let (min, max) = match draft.range.unwrap_or((tensor.min, tensor.max)) {
            (0.0, 0.0) => (-1.0, 1.0),
            (min, max) => (min / draft.unit.unwrap_or(1.0), max / draft.unit.unwrap_or(1.0)),
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
            masked: false,
            steps: draft.unit.is_some(),
        };
        let wanted = Self {
            y: wanted.of_function(draft, keys, settings),
            domain: wanted.domain_of(draft),
            masked: matches!(draft.function(), Some(Function::Mask { .. })),
            ..wanted
        };
        let whole = graph.get(draft.x).integer && draft.unit.is_none();
        if whole && draft.precision == Precision::Own {
            return wanted.of_whole(draft, tensor.scale);
        }
        let x = tensor.scale.unwrap_or_else(|| wanted.finest());
        Ok(Self { x, ..wanted })
    }

    fn of_function(&self, draft: &Draft, keys: &Keys, settings: &Settings) -> Option<i32> {
        if matches!(draft.function()?, Function::Mask { .. }) {
            return None;
        }
        let tensor = settings.of(keys, draft.y).ok()?;
        let bits = Bits::new(settings.function_bits())?;
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
        Ok(Self { bits, x: 0, fixed: true, whole: true, ..self })
    }

    /// The range with its room where the table is not one of a width.
    fn domain_of(&self, draft: &Draft) -> Option<(f64, f64)> {
        let room = match draft.function()? {
            Function::Mask { .. } => self.room,
            // Values of singular functions change by factors.
            Function::Of(f) if is_singular(f) => self.room * self.room,
            Function::Of(f) if has_domain(f) => self.room,
            _ => return None,
        };
        if !matches!(draft.precision, Precision::Own | Precision::Maximum(_)) {
            return None;
        }
        let (min, max) = self.range;
        let below = if min > 0.0 { min / room } else { min * room };
        let above = if max > 0.0 { max * room } else { max / room };
        Some((below, above))
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
        let most = i64::from(i16::MAX);
        let fits = |scale: i32| {
            let (first, last) = self.at(scale).domain_units(None);
            let value = dropped.units(scale, first);
            let span = last.max(value).saturating_sub(first.min(value));
            span <= most && value.saturating_abs() <= most
        };
        if !self.fixed {
            self.x = self.x.min(finest(fits));
        }
    }

    /// Coarsens a scale that is not by hand to this one.
    pub(in crate::quant) fn coarsen(&mut self, scale: i32) {
        if !self.fixed {
            self.x = self.x.min(scale);
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

    /// First and last argument of a table of `f`, or of what a mask keeps: the calibrated ones with
    /// their room as far as `f` has values there, or the whole width. 0 is left out where `f` has no
    /// value there and the range does not hold it.
    pub(super) fn domain_units(&self, f: Option<&Activation>) -> (i64, i64) {
        let Some((min, max)) = self.domain else { return (self.bits.min(), self.bits.max()) };
        // Saturating conversions; what exceeds 16 bits is refused later.
        let mut first = libm::floor(libm::ldexp(min, self.x)) as i32;
        let mut last = libm::ceil(libm::ldexp(max, self.x)) as i32;
        let pole = f.is_some_and(|f| !f.eval(0.0).is_finite());
        if pole && min > 0.0 && first <= 0 {
            first = 1;
        }
        if pole && max < 0.0 && last >= 0 {
            last = -1;
        }
        // Room where the function has no value is no use. (Of a range that is refused later, all.)
        if let Some(f) = f.filter(|_| i64::from(last) - i64::from(first) < 1 << 17) {
            let real = |v: i32| libm::ldexp(f64::from(v), -self.x);
            let none = |v: i32| !f.eval(real(v)).is_finite();
            let (least, greatest) = self.range;
            while real(first) < least && none(first) {
                first += 1;
            }
            while real(last) > greatest && none(last) {
                last -= 1;
            }
        }
        (first.into(), last.max(first).into())
    }

    /// The domains of both.
    pub(super) fn widen(&mut self, other: &Self) {
        if let (Some(own), Some(other)) = (&mut self.domain, other.domain) {
            *own = (own.0.min(other.0), own.1.max(other.1));
        }
    }

    /// The largest scale at which the range fits the width, or the domain has as many integers as
    /// the width.
    fn finest(&self) -> i32 {
        if self.steps {
            // The shift rounds to whole ones.
            return 0;
        }
        let Some((min, max)) = self.domain else {
            return finest(|scale| {
                let at = |v: f64| libm::floor(libm::ldexp(v * self.room, scale) + 0.5);
                let (min, max) = self.range;
                at(max) <= self.bits.max() as f64 && at(min) >= self.bits.min() as f64
            });
        };
        let rows = libm::ldexp(1.0, self.bits.get().into());
        let widest = f64::from(i16::MAX);
        // A mask moves what it drops below the rest.
        let lowest = if self.masked { 2.0 * min - max } else { min };
        let least = if min > 0.0 { min } else { -max };
        let precise = libm::ldexp(1.0, i32::from(self.bits.get()) - PRECISION);
        finest(|scale| {
            let at = |v: f64| libm::ldexp(v, scale);
            let coarse = least <= 0.0 || at(least / 2.0) < precise;
            at(max - min) + 2.0 <= rows && at(max) < widest && at(lowest) - 2.0 > -widest && coarse
        })
    }
}

/// A range that does not hold 0 is cut into no more parts than make its least magnitude this many bits
/// less wide than a width: as precise, about, as what is that wide and symmetric.
const PRECISION: i32 = 4;

fn width(bits: u8) -> Result<Bits, QuantError> {
    Bits::new(bits).ok_or_else(|| QuantError::Setting {
        key: "bits".into(),
        expected: format!("1 to {}", Bits::MAX),
        got: bits.to_string(),
    })
}
