//! The report for people.

use super::{Errors, LayerReport, Perplexity, PerplexitySource, Proportion, Report};
use std::fmt;

impl Report {
    /// The report as a plain-text table.
    pub fn to_text(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} samples", self.samples)?;
        if let Some((sample, why)) = &self.rejected.first {
            let share = 100.0 * self.rejected.share;
            write!(f, ", {} out of range ({share:.2} %)", self.rejected.count)?;
            write!(f, "; first: sample {sample}: {why}")?;
        }
        writeln!(f, "; accumulators of at most {} bits", self.accumulator_bits)?;
        for output in &self.outputs {
            write!(f, "output `{}`: {}", output.name, Line(&output.errors))?;
            writeln!(f, "; argmax agrees {}", output.agreement.rows)?;
            if !output.agreement.flipped.is_empty() {
                writeln!(f, "  differs in samples {:?}", output.agreement.flipped)?;
            }
        }
        if let Some(accuracy) = &self.accuracy {
            writeln!(f, "accuracy: float {}, integer {}", accuracy.float, accuracy.integer)?;
        }
        if let Some(perplexity) = &self.perplexity {
            writeln!(f, "perplexity: {perplexity}")?;
        }
        let width = self.layers.iter().map(|layer| layer.label().len()).max().unwrap_or(0).max(5);
        writeln!(
            f,
            "{:width$}  {:>8} {:>4} {:>5} {:>5} {:>4} {:>5} {:>10} {:>10} {:>8}  table",
            "layer",
            "elements",
            "bits",
            "scale",
            "shift",
            "acc",
            "used",
            "max error",
            "mean",
            "SQNR dB"
        )?;
        for layer in &self.layers {
            write!(
                f,
                "{:width$}  {:>8} {:>4} {:>5} {:>5} {:>4} {:>4.0}%",
                layer.label(),
                layer.elements,
                layer.bits,
                layer.scale,
                layer.shift,
                layer.accumulator_bits,
                100.0 * layer.range_used,
            )?;
            let Errors { count, max_abs, mean_abs, .. } = layer.errors;
            if count == 0 {
                // A tensor that stands for no value of the model.
                write!(f, " {:>10} {:>10} {:>8}", "-", "-", "-")?;
            } else {
                let ratio = decibel(&layer.errors);
                write!(f, " {max_abs:>10.3e} {mean_abs:>10.3e} {ratio:>8}")?;
            }
            writeln!(f, "  {}", layer.table.as_deref().unwrap_or("-"))?;
        }
        Ok(())
    }
}

impl LayerReport {
    fn label(&self) -> String {
        format!("{} ({})", self.node, self.op)
    }
}

struct Line<'e>(&'e Errors);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Errors { max_abs, mean_abs, rmse, .. } = self.0;
        write!(f, "max error {max_abs:.3e}, mean {mean_abs:.3e}, RMSE {rmse:.3e}, ")?;
        write!(f, "SQNR {} dB", decibel(self.0))?;
        self.0.cosine.map_or(Ok(()), |cosine| write!(f, ", cosine {cosine:.6}"))
    }
}

impl fmt::Display for Perplexity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { float, integer, tokens, .. } = self;
        write!(f, "float {float:.4}, integer {integer:.4}, ")?;
        write!(f, "difference {:+.3} %, over {tokens} tokens of ", 100.0 * self.relative)?;
        let (source, parts) = match self.source {
            PerplexitySource::Samples => ("the samples", "samples"),
            PerplexitySource::Text => ("the text", "windows"),
        };
        f.write_str(source)?;
        match self.rejected {
            0 => Ok(()),
            count => write!(f, "; {count} {parts} out of range left out of both"),
        }
    }
}

impl fmt::Display for Proportion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| 100.0 * share;
        write!(f, "{:.2} % of {} ", percent(self.share), self.count)?;
        write!(f, "(95 % interval {:.2} to {:.2})", percent(self.low), percent(self.high))
    }
}

fn decibel(errors: &Errors) -> String {
    errors.sqnr_db.map_or_else(|| "exact".into(), |db| format!("{db:.1}"))
}
