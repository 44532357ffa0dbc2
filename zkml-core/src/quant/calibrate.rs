//! Observes the range of every value of a graph over samples.

use super::{
    CalibrationOptions, QuantError, RangeMethod, Settings, TensorSettings,
    columns::{Columns, groups, may_split},
    settings::Keys,
};
use crate::{
    exec::float,
    ir::{Graph, ValueId},
    tensor::Tensor,
};
use std::collections::BTreeMap;

/// Bins of a histogram of magnitudes.
const BINS: usize = 2048;

/// Runs the graph on each sample (one tensor an input) and notes the range of every value.
///
/// # Errors
/// [`QuantError::NoSamples`]; [`QuantError::Setting`]; [`QuantError::Sample`] when one does not run.
pub fn calibrate(
    graph: &Graph,
    samples: &[Vec<Tensor<f32>>],
    options: &CalibrationOptions,
) -> Result<Settings, QuantError> {
    options.check()?;
    if samples.is_empty() {
        return Err(QuantError::NoSamples);
    }
    let mut ranges: Vec<Range> = vec![Range::default(); graph.values().len()];
    for_each_value(graph, samples, |id, data| ranges[id.0].widen(data))?;
    if let RangeMethod::Percentile(percent) = options.method {
        let mut histograms: Vec<Histogram> = ranges.iter().map(Histogram::new).collect();
        for_each_value(graph, samples, |id, data| histograms[id.0].count(data))?;
        for (range, histogram) in ranges.iter_mut().zip(&histograms) {
            range.narrow(histogram.magnitude(percent));
        }
    }
    let keys = Keys::new(graph);
    let mut columns: BTreeMap<ValueId, Columns> = BTreeMap::new();
    for (i, id) in graph.inputs().iter().enumerate().filter(|(_, id)| may_split(graph, **id)) {
        let by_column = columns_of(samples.iter().map(|inputs| &inputs[i]));
        if groups(&by_column).len() > 1 {
            columns.insert(*id, by_column);
        }
    }
    let tensors = graph
        .values()
        .iter()
        .zip(&ranges)
        .enumerate()
        .filter(|(_, (value, range))| value.constant.is_none() && range.min <= range.max)
        .map(|(id, (_, range))| {
            let columns = columns.remove(&ValueId(id)).unwrap_or_default();
            let (min, max) = (range.min, range.max);
            let settings = TensorSettings { min, max, bits: None, scale: None, columns };
            (keys.of(ValueId(id)).to_owned(), settings)
        })
        .collect();
    Ok(options.settings(samples.len(), tensors))
}

fn for_each_value(
    graph: &Graph,
    samples: &[Vec<Tensor<f32>>],
    mut visit: impl FnMut(ValueId, &[f32]),
) -> Result<(), QuantError> {
    for (sample, inputs) in samples.iter().enumerate() {
        let trace =
            float::run(graph, inputs).map_err(|source| QuantError::Sample { sample, source })?;
        let computed = graph.nodes().iter().map(|node| node.output);
        for id in graph.inputs().iter().copied().chain(computed) {
            visit(id, trace.get(id).data());
        }
    }
    Ok(())
}

/// Least and greatest value of each column of matrices.
fn columns_of<'t>(matrices: impl Iterator<Item = &'t Tensor<f32>>) -> Columns {
    let mut ranges: Vec<Range> = Vec::new();
    for matrix in matrices {
        let count = matrix.shape().dims().last().copied().unwrap_or(1).max(1);
        ranges.resize(count, Range::default());
        for row in matrix.data().chunks(count) {
            for (range, value) in ranges.iter_mut().zip(row) {
                range.widen(&[*value]);
            }
        }
    }
    ranges.into_iter().map(|range| [range.min, range.max]).collect()
}

#[derive(Clone, Copy, Debug)]
struct Range {
    min: f64,
    max: f64,
}

impl Default for Range {
    fn default() -> Self {
        Self { min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Range {
    fn widen(&mut self, data: &[f32]) {
        for value in data {
            self.min = self.min.min(f64::from(*value));
            self.max = self.max.max(f64::from(*value));
        }
    }

    fn narrow(&mut self, magnitude: f64) {
        self.min = self.min.max(-magnitude);
        self.max = self.max.min(magnitude);
    }
}

/// Counts of magnitudes up to the largest.
#[derive(Clone, Debug)]
struct Histogram {
    width: f64,
    bins: Vec<u64>,
}

impl Histogram {
    fn new(range: &Range) -> Self {
        let largest = range.min.abs().max(range.max.abs());
        let width = if largest.is_finite() { largest / BINS as f64 } else { 0.0 };
        Self { width, bins: vec![0; BINS] }
    }

    fn count(&mut self, data: &[f32]) {
        for value in data {
            // A saturating conversion; 0 / 0 gives bin 0.
            let bin = (f64::from(value.abs()) / self.width) as usize;
            self.bins[bin.min(BINS - 1)] += 1;
        }
    }

    /// Upper edge of the bin up to which `percent` of the values lie.
    fn magnitude(&self, percent: f64) -> f64 {
        let total: u64 = self.bins.iter().sum();
        let wanted = (total as f64 * percent / 100.0).ceil() as u64;
        let mut seen = 0;
        let reaches = |count: &u64| {
            seen += count;
            seen >= wanted
        };
        let last = self.bins.iter().position(reaches).unwrap_or(BINS - 1);
        (last + 1) as f64 * self.width
    }
}
