//! Raises the precision until a target is met.

use super::{
    CalibrationOptions, Compiled, QuantError, Settings, calibrate, columns::splits,
    compile::encode, compile_with_sources, fuse::fuse,
};
use crate::{
    ir::{Graph, Op},
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

/// Equal predictions that a transformer is given enough bits for.
const AGREEMENT: f64 = 0.99;

/// [`search`] with these options, or with what suits the kind of model:
///
/// | model | without a target | with one |
/// |---|---|---|
/// | transformer | from [`CalibrationOptions::transformer`] up to 99 % equal predictions, or, if nothing reaches that, as near as it gets | the same, to the target |
/// | other | [`CalibrationOptions::default`] | from [`CalibrationOptions::narrow`] up |
///
/// A transformer is what multiplies activations as matrices, exponentiates shifted scores or embeds
/// ids. How many bits it needs depends on its training far more than on its size (the residual stream
/// of a well-trained one spans more), and its proof costs at least its tables: no width suits all.
///
/// # Errors
/// As [`search`]; without a target no [`QuantError::TargetMissed`].
pub fn search_suited(
    graph: &Graph,
    samples: &[Vec<Tensor<f32>>],
    options: Option<&CalibrationOptions>,
    target: Option<Target>,
) -> Result<Calibrated, QuantError> {
    if let Some(options) = options {
        return search(graph, samples, options, target);
    }
    let options = CalibrationOptions::suited_to(graph, target);
    if target.is_some() || !is_transformer(graph) {
        return search(graph, samples, &options, target);
    }
    match climb(graph, samples, &options, Target::Agreement(AGREEMENT))? {
        Ladder::Met(found) | Ladder::Missed { best: found, .. } => Ok(*found),
    }
}

/// Whether a graph multiplies activations as matrices, exponentiates shifted scores or embeds ids.
pub(super) fn is_transformer(graph: &Graph) -> bool {
    graph.nodes().iter().any(|node| match node.op {
        Op::ExpShifted { .. } | Op::Embed => true,
        Op::MatMul => node.inputs.iter().all(|id| graph.get(*id).constant.is_none()),
        _ => false,
    })
}

/// Calibrates on `samples`, from the precision of `options` upwards, one bit of activations,
/// weights and shift at a time, until `target` is met; without a target, once. Where the arguments of
/// functions have fewer bits than other activations, they get one more before all do.
///
/// # Errors
/// As [`calibrate`] and [`super::compile`]; [`QuantError::TargetMissed`] when 16 bits are not enough.
pub fn search(
    graph: &Graph,
    samples: &[Vec<Tensor<f32>>],
    options: &CalibrationOptions,
    target: Option<Target>,
) -> Result<Calibrated, QuantError> {
    let Some(target) = target else {
        let settings = calibrate(graph, samples, options)?;
        let compiled = compile_with_sources(graph, &settings)?;
        let report = Report::new(graph, &compiled, samples, None)?;
        return Ok(Calibrated { settings, compiled, report });
    };
    match climb(graph, samples, options, target)? {
        Ladder::Met(found) => Ok(*found),
        Ladder::Missed { reached, .. } => Err(QuantError::TargetMissed { target, best: reached }),
    }
}

/// How far precision was raised.
enum Ladder {
    /// The first that meets the target.
    Met(Box<Calibrated>),
    /// None meets it; the nearest, and what that reaches.
    Missed { best: Box<Calibrated>, reached: f64 },
}

fn climb(
    graph: &Graph,
    samples: &[Vec<Tensor<f32>>],
    options: &CalibrationOptions,
    target: Target,
) -> Result<Ladder, QuantError> {
    let observed = calibrate(graph, samples, options)?;
    let fused = fuse(graph, &splits(graph, &observed)?)?;
    let mut best: Option<(Box<Calibrated>, f64)> = None;
    // Half a step is one bit more for the arguments of functions, where they have less.
    let halves = 1 + options.table_saving.min(1);
    for step in 0..=Bits::MAX * halves {
        let raise = step / halves;
        let settings = Settings {
            default_bits: (options.bits + raise).min(Bits::MAX),
            weight_bits: (options.weight_bits + raise).min(Bits::MAX),
            max_shift: (options.max_shift + raise).min(Program::MAX_SHIFT),
            table_saving: options.table_saving - step % halves,
            ..observed.clone()
        };
        let widest = settings.default_bits == Bits::MAX && settings.weight_bits == Bits::MAX;
        let compiled = match encode(graph, &fused, &settings) {
            Ok(compiled) => compiled,
            // Fewer bits did: these have no room for sums and differences.
            Err(_) if best.is_some() => break,
            Err(error) => return Err(error),
        };
        let report = Report::new(graph, &compiled, samples, None)?;
        let reached = target.measure(&report);
        let found = Box::new(Calibrated { settings, compiled, report });
        if target.met(reached) {
            return Ok(Ladder::Met(found));
        }
        if best.as_ref().is_none_or(|(_, best)| target.is_better(reached, *best)) {
            best = Some((found, reached));
        }
        if widest {
            break;
        }
    }
    best.map(|(best, reached)| Ladder::Missed { best, reached }).ok_or(QuantError::NoSamples)
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

    fn is_better(self, reached: f64, than: f64) -> bool {
        match self {
            Self::Error(_) => reached < than,
            Self::Agreement(_) => reached > than,
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
