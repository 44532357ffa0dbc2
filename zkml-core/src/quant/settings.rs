//! What calibration decides and a person may edit: ranges, widths, scales.

use super::{QuantError, Target, search::is_transformer};
use crate::{
    ir::{Graph, ValueId},
    program::{Bits, Program},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How ranges are chosen, and with what precision numbers are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalibrationOptions {
    /// Width of activations, 2 to 16 bits. Tables have `2^bits` rows.
    pub bits: u8,
    /// Least width of weights, 2 to 16 bits.
    pub weight_bits: u8,
    /// Largest re-quantisation shift, 0 to 16. A shift `s` needs a table of `2^s` rows; a smaller
    /// limit takes bits from the weights.
    pub max_shift: u8,
    /// Bits that the arguments of functions have less than other activations. The table of a function
    /// has a row for each argument, and a transformer needs a dozen of them; one table of ranges
    /// serves all other tensors.
    pub table_saving: u8,
    /// Room above the observed range, as a share of it: 0.2 accepts values 20 % larger.
    pub headroom: f64,
    /// Tables of one function share the coarser scale when their scales differ by this many bits.
    pub share_within: u8,
    /// Which observed range counts.
    pub method: RangeMethod,
}

impl Default for CalibrationOptions {
    fn default() -> Self {
        Self {
            bits: 9,
            weight_bits: 8,
            max_shift: 10,
            table_saving: 0,
            headroom: 0.2,
            share_within: 1,
            method: RangeMethod::MinMax,
        }
    }
}

/// Which observed range counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RangeMethod {
    /// From the least to the greatest value.
    #[default]
    MinMax,
    /// As many percent of the values (by magnitude) as this; the others are errors when they
    /// occur, not saturated.
    Percentile(f64),
}

/// Everything that turns a graph into a program: `settings.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Width of activations, 2 to 16 bits, where a tensor does not say otherwise.
    pub default_bits: u8,
    /// Least width of weights, 2 to 16 bits.
    pub weight_bits: u8,
    /// Largest re-quantisation shift, 0 to 16.
    pub max_shift: u8,
    /// Bits that the arguments of functions have less than other activations.
    #[serde(default)]
    pub table_saving: u8,
    /// Room above the observed range, as a share of it.
    pub headroom: f64,
    /// Tables of one function share the coarser scale when their scales differ by this many bits.
    pub share_within: u8,
    /// Number of samples the ranges come from.
    pub samples: usize,
    /// By ONNX name (with `#` and a number where the file uses a name twice).
    pub tensors: BTreeMap<String, TensorSettings>,
}

/// Range and encoding of one tensor of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSettings {
    /// Least value observed.
    pub min: f64,
    /// Greatest value observed.
    pub max: f64,
    /// Width, when not the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<u8>,
    /// Scale (fractional bits), when not the finest that holds the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<i32>,
    /// Of an input `[N, F]` whose columns differ: least and greatest value of each. It is given to the
    /// program in as many parts as there are orders of magnitude, base 4, among them; without this, or
    /// with a scale, it is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<[f64; 2]>,
}

/// Bits that what is rounded to steps has more than other activations.
const STEP_BITS: u8 = 7;

/// Bits by which it may be shifted more than others.
const STEP_SHIFT: u8 = 6;

impl Settings {
    /// Checks every number against its range.
    ///
    /// # Errors
    /// [`QuantError::Setting`] naming the key.
    pub fn check(&self) -> Result<(), QuantError> {
        let widths = 2..=u32::from(Bits::MAX);
        within("default_bits", self.default_bits, &widths)?;
        within("weight_bits", self.weight_bits, &widths)?;
        within("max_shift", self.max_shift, &(0..=u32::from(Program::MAX_SHIFT)))?;
        within("table_saving", self.table_saving, &(0..=u32::from(Bits::MAX)))?;
        within("share_within", self.share_within, &(0..=u32::from(Bits::MAX)))?;
        check_share("headroom", self.headroom)?;
        for (name, tensor) in &self.tensors {
            if let Some(bits) = tensor.bits {
                within(&format!("tensors.{name}.bits"), bits, &widths)?;
            }
            if !(tensor.min.is_finite() && tensor.max.is_finite() && tensor.min <= tensor.max) {
                return Err(QuantError::Setting {
                    key: format!("tensors.{name}"),
                    expected: "finite min <= max".into(),
                    got: format!("min {}, max {}", tensor.min, tensor.max),
                });
            }
            if !tensor
                .columns
                .iter()
                .all(|[min, max]| min.is_finite() && max.is_finite() && min <= max)
            {
                return Err(QuantError::Setting {
                    key: format!("tensors.{name}.columns"),
                    expected: "finite min <= max".into(),
                    got: format!("{:?}", tensor.columns),
                });
            }
            if let Some(scale) = tensor.scale
                && !(-64..=64).contains(&scale)
            {
                return Err(QuantError::Setting {
                    key: format!("tensors.{name}.scale"),
                    expected: "-64 to 64".into(),
                    got: scale.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Width of the arguments of functions, where a tensor does not say otherwise.
    pub(super) fn function_bits(&self) -> u8 {
        self.default_bits.saturating_sub(self.table_saving).max(2)
    }

    /// Width of what is rounded to the whole numbers of a quantised model, where it is a tensor of its
    /// own or a function of one.
    pub(super) fn step_bits(&self) -> u8 {
        self.default_bits.saturating_add(STEP_BITS).min(Bits::MAX)
    }

    /// Largest shift of such a rounding.
    pub(super) fn step_shift(&self) -> u8 {
        self.max_shift.saturating_add(STEP_SHIFT).min(Program::MAX_SHIFT)
    }

    /// Settings of a value of the graph.
    ///
    /// # Errors
    /// [`QuantError::MissingRange`] when there are none.
    pub(super) fn of(&self, keys: &Keys, id: ValueId) -> Result<&TensorSettings, QuantError> {
        let name = keys.of(id);
        self.tensors.get(name).ok_or_else(|| QuantError::MissingRange { name: name.into() })
    }
}

impl CalibrationOptions {
    /// Where a search for a target starts: the narrowest tables worth trying. Each raise adds a
    /// bit to activations, weights and shift, so the first that meets the target has the smallest
    /// tables and the cheapest plan.
    pub fn narrow() -> Self {
        Self { bits: 6, weight_bits: 6, max_shift: 7, ..Self::default() }
    }

    /// Where the precision of a transformer starts: see [`super::search_suited`].
    pub fn transformer() -> Self {
        Self { bits: 11, weight_bits: 9, max_shift: 10, table_saving: 2, ..Self::default() }
    }

    /// Options for the kind of model: where a search for a target starts, if there is one.
    pub fn suited_to(graph: &Graph, target: Option<Target>) -> Self {
        match (is_transformer(graph), target) {
            (true, _) => Self::transformer(),
            (false, Some(_)) => Self::narrow(),
            (false, None) => Self::default(),
        }
    }

    /// Checks every number against its range.
    ///
    /// # Errors
    /// [`QuantError::Setting`] naming the key.
    pub fn check(&self) -> Result<(), QuantError> {
        if let RangeMethod::Percentile(percent) = self.method
            && !(percent > 0.0 && percent <= 100.0)
        {
            return Err(QuantError::Setting {
                key: "percentile".into(),
                expected: "above 0, at most 100".into(),
                got: percent.to_string(),
            });
        }
        self.settings(0, BTreeMap::new()).check()
    }

    pub(super) fn settings(
        &self,
        samples: usize,
        tensors: BTreeMap<String, TensorSettings>,
    ) -> Settings {
        Settings {
            default_bits: self.bits,
            weight_bits: self.weight_bits,
            max_shift: self.max_shift,
            table_saving: self.table_saving,
            headroom: self.headroom,
            share_within: self.share_within,
            samples,
            tensors,
        }
    }
}

/// Unique names of a graph's values.
#[derive(Clone, Debug)]
pub(super) struct Keys(Vec<String>);

impl Keys {
    pub(super) fn new(graph: &Graph) -> Self {
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        for value in graph.values() {
            *uses.entry(value.name.as_str()).or_default() += 1;
        }
        let key = |(id, value): (usize, &crate::ir::Value)| {
            let unique = !value.name.is_empty() && uses[value.name.as_str()] == 1;
            if unique { value.name.clone() } else { format!("{}#{id}", value.name) }
        };
        Self(graph.values().iter().enumerate().map(key).collect())
    }

    pub(super) fn of(&self, id: ValueId) -> &str {
        &self.0[id.0]
    }
}

fn within(key: &str, got: u8, range: &std::ops::RangeInclusive<u32>) -> Result<(), QuantError> {
    if range.contains(&u32::from(got)) {
        return Ok(());
    }
    let expected = format!("{} to {}", range.start(), range.end());
    Err(QuantError::Setting { key: key.into(), expected, got: got.to_string() })
}

fn check_share(key: &str, got: f64) -> Result<(), QuantError> {
    if (0.0..=1000.0).contains(&got) {
        return Ok(());
    }
    Err(QuantError::Setting { key: key.into(), expected: "0 to 1000".into(), got: got.to_string() })
}
