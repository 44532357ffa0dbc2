//! Raises the precision until a target is met.

use super::{CalibrationOptions, Compiled, QuantError, Settings, calibrate, compile_with_sources};
use crate::{
    ir::Graph,
    program::{Bits, Program},
    report::Report,
    tensor::Tensor,
};

/// What the integer program must reach on the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// No output differs by more than this.
    Error(f64),
    /// At least this share (0 to 1) of the rows of each output has the same greatest element.
    Agreement(f64),
}

/// Settings that meet a target, the program they give, and its report.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// The settings.
    pub settings: Settings,
    /// The program compiled with them.
    pub compiled: Compiled,
    /// Float against integer on the samples.
    pub report: Report,
}

/// Calibrates on `samples`, from the precision of `options` upwards, one bit of activations,
/// weights and shift at a time, until `target` is met; without a target, once.
///
/// # Errors
/// As [`calibrate`] and [`super::compile`]; [`QuantError::TargetMissed`] when 16 bits are not enough.
pub fn search(
    graph: &Graph,
    samples: &[Vec<Tensor<f32>>],
    options: &CalibrationOptions,
    target: Option<Target>,
) -> Result<Calibrated, QuantError> {
    let observed = calibrate(graph, samples, options)?;
    let mut best: Option<f64> = None;
    for raise in 0..=Bits::MAX {
        let settings = Settings {
            default_bits: (options.bits + raise).min(Bits::MAX),
            weight_bits: (options.weight_bits + raise).min(Bits::MAX),
            max_shift: (options.max_shift + raise).min(Program::MAX_SHIFT),
            ..observed.clone()
        };
        let compiled = compile_with_sources(graph, &settings)?;
        let report = Report::new(graph, &compiled, samples, None)?;
        let Some(target) = target else { return Ok(Calibrated { settings, compiled, report }) };
        let reached = target.measure(&report);
        if target.met(reached) {
            return Ok(Calibrated { settings, compiled, report });
        }
        best = Some(best.map_or(reached, |best| target.better(best, reached)));
        if settings.default_bits == Bits::MAX && settings.weight_bits == Bits::MAX {
            break;
        }
    }
    match (target, best) {
        (Some(target), Some(best)) => Err(QuantError::TargetMissed { target, best }),
        _ => Err(QuantError::NoSamples),
    }
}

impl Target {
    fn measure(self, report: &Report) -> f64 {
        match self {
            Self::Error(_) => report.max_error(),
            Self::Agreement(_) => report.agreement(),
        }
    }

    fn met(self, reached: f64) -> bool {
        match self {
            Self::Error(limit) => reached <= limit,
            Self::Agreement(least) => reached >= least,
        }
    }

    fn better(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Error(_) => a.min(b),
            Self::Agreement(_) => a.max(b),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error(limit) => write!(f, "error={limit}"),
            Self::Agreement(least) => write!(f, "agreement={least}"),
        }
    }
}

/// Reads `error=1e-2` or `agreement=0.99`.
impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected error=NUMBER or agreement=SHARE, got `{text}`");
        let (kind, number) = text.split_once('=').ok_or_else(expected)?;
        let number: f64 = number.trim().parse().map_err(|_| expected())?;
        match kind.trim() {
            "error" if number > 0.0 && number.is_finite() => Ok(Self::Error(number)),
            "agreement" if (0.0..=1.0).contains(&number) => Ok(Self::Agreement(number)),
            _ => Err(expected()),
        }
    }
}
