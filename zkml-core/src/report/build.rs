//! Runs both executors over samples and compares them.

use super::{
    Accuracy, Agreement, Errors, LanguageModel, Perplexity, PerplexitySource, Proportion,
    agreement::argmax, errors::Sums, perplexity::Score,
};
use crate::{
    exec::{
        ExecError,
        float::{self, FloatTrace},
        integer::{Executor, Trace},
    },
    ir::Graph,
    program::{Step, TensorId},
    quant::{Compiled, QuantError},
    tensor::Tensor,
};
use serde::{Deserialize, Serialize};

/// Classes of the samples, one for each row of the first output of each sample.
pub type Labels = [Vec<usize>];

/// Float against integer, over samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Samples given.
    pub samples: usize,
    /// Samples the integer program refused because a value was out of range.
    pub rejected: Rejected,
    /// By output, in the model's order.
    pub outputs: Vec<OutputReport>,
    /// By stored tensor, in order of computation.
    pub layers: Vec<LayerReport>,
    /// Bits of the largest accumulator in the worst case, sign included.
    pub accumulator_bits: u32,
    /// Against labels, if given, by the first output.
    pub accuracy: Option<Accuracy>,
    /// Of a language model: on the samples' own tokens, or on a text ([`Report::score_text`]).
    #[serde(default)]
    pub perplexity: Option<Perplexity>,
}

/// Samples out of range.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rejected {
    /// How many.
    pub count: usize,
    /// `count / samples`.
    pub share: f64,
    /// Index of the first, and why.
    pub first: Option<(usize, String)>,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputReport {
    /// ONNX name.
    pub name: String,
    /// Distances.
    pub errors: Errors,
    /// Equal predictions.
    pub agreement: Agreement,
}

/// One stored tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// ONNX name of the value it stands for.
    pub name: String,
    /// ONNX node computed last.
    pub node: String,
    /// Operator of that node.
    pub op: String,
    /// Number of elements.
    pub elements: usize,
    /// Width of `x`.
    pub bits: u8,
    /// Scale of what is read.
    pub scale: i32,
    /// Re-quantisation shift.
    pub shift: u8,
    /// Name of the table.
    pub table: Option<String>,
    /// Bits of the accumulator in the worst case, sign included.
    pub accumulator_bits: u32,
    /// Largest share of its range that a value `x` used.
    pub range_used: f64,
    /// Distances; of no elements for a tensor that is one step of several towards the value.
    pub errors: Errors,
}

impl Report {
    /// Compares `compiled` with its `graph` on `samples` (one tensor an input each).
    ///
    /// # Errors
    /// [`QuantError::NoSamples`]; [`QuantError::Sample`] when the *float* graph refuses one, or
    /// labels do not fit; [`QuantError::Setting`] when the number of labels differs.
    pub fn new(
        graph: &Graph,
        compiled: &Compiled,
        samples: &[Vec<Tensor<f32>>],
        labels: Option<&Labels>,
    ) -> Result<Self, QuantError> {
        if samples.is_empty() {
            return Err(QuantError::NoSamples);
        }
        check_labels(graph, samples.len(), labels)?;
        let fail = |sample| move |source| QuantError::Sample { sample, source };
        let executor = Executor::new(&compiled.program).map_err(fail(0))?;
        let mut tally = Tally::new(graph, compiled);
        for (sample, inputs) in samples.iter().enumerate() {
            let float = float::run(graph, inputs).map_err(fail(sample))?;
            let integer = match executor.run_real(inputs) {
                Ok(trace) => Some(trace),
                Err(error @ (ExecError::InputRange { .. } | ExecError::OutOfRange { .. })) => {
                    tally.reject(sample, &error);
                    None
                }
                Err(source) => return Err(QuantError::Sample { sample, source }),
            };
            let labels = labels.map(|labels| labels[sample].as_slice());
            tally.add(sample, &float, integer.as_ref(), labels);
            tally.score(inputs, &float, integer.as_ref());
        }
        Ok(tally.report(samples.len(), labels.is_some()))
    }

    /// Largest absolute error of any output; infinite if some sample was refused.
    pub fn max_error(&self) -> f64 {
        if self.rejected.count > 0 {
            return f64::INFINITY;
        }
        self.outputs.iter().map(|output| output.errors.max_abs).fold(0.0, f64::max)
    }

    /// Least share of equal predictions of any output; refused samples count as different.
    pub fn agreement(&self) -> f64 {
        self.outputs.iter().map(|output| output.agreement.rows.share).fold(1.0, f64::min)
    }
}

fn check_labels(graph: &Graph, samples: usize, labels: Option<&Labels>) -> Result<(), QuantError> {
    let (Some(labels), Some((name, id))) = (labels, graph.outputs().first()) else {
        return Ok(());
    };
    let fail = |expected: String, got: String| {
        Err(QuantError::Setting { key: "labels".into(), expected, got })
    };
    if labels.len() != samples {
        return fail(format!("{samples} samples"), labels.len().to_string());
    }
    let shape = &graph.get(*id).shape;
    let classes = shape.dims().last().copied().unwrap_or(1);
    let rows = shape.len() / classes.max(1);
    match labels.iter().find(|labels| labels.len() != rows) {
        Some(labels) => {
            fail(format!("{rows} labels a sample (rows of `{name}`)"), labels.len().to_string())
        }
        None => Ok(()),
    }
}

/// Running sums of a report.
struct Tally<'c> {
    graph: &'c Graph,
    compiled: &'c Compiled,
    rejected: Rejected,
    layers: Vec<Sums>,
    range_used: Vec<f64>,
    outputs: Vec<OutputTally>,
    correct: (u64, u64),
    labelled: u64,
    language: Option<LanguageModel>,
    score: Score,
}

#[derive(Default)]
struct OutputTally {
    sums: Sums,
    equal: u64,
    rows: u64,
    flipped: Vec<usize>,
}

impl<'c> Tally<'c> {
    fn new(graph: &'c Graph, compiled: &'c Compiled) -> Self {
        let layers = compiled.program.tensors.len();
        Self {
            graph,
            compiled,
            rejected: Rejected::default(),
            layers: vec![Sums::default(); layers],
            range_used: vec![0.0; layers],
            outputs: graph.outputs().iter().map(|_| OutputTally::default()).collect(),
            correct: (0, 0),
            labelled: 0,
            language: LanguageModel::of(graph),
            score: Score::default(),
        }
    }

    fn reject(&mut self, sample: usize, error: &ExecError) {
        self.rejected.count += 1;
        self.rejected.first.get_or_insert_with(|| (sample, error.to_string()));
    }

    fn add(
        &mut self,
        sample: usize,
        float: &FloatTrace<'_>,
        integer: Option<&Trace>,
        labels: Option<&[usize]>,
    ) {
        if let Some(trace) = integer {
            self.add_layers(float, trace);
        }
        let program = &self.compiled.program;
        for (i, (_, id)) in self.graph.outputs().iter().enumerate() {
            let value = float.get(*id);
            let columns = value.shape().dims().last().copied().unwrap_or(1);
            let expected: Vec<f64> = value.data().iter().map(|v| f64::from(*v)).collect();
            let got =
                integer.map(|trace| trace.real(program, &program.outputs[i].view).into_data());
            let output = &mut self.outputs[i];
            for (float, integer) in expected.iter().zip(got.iter().flatten()) {
                output.sums.add(*float, *integer);
            }
            let expected = argmax(&expected, columns);
            let got = got.map(|got| argmax(&got, columns));
            let equal = got.as_ref().map_or(0, |got| count_equal(&expected, got));
            output.rows += expected.len() as u64;
            output.equal += equal;
            if equal < expected.len() as u64 && output.flipped.len() < Agreement::LISTED {
                output.flipped.push(sample);
            }
            if let (0, Some(labels)) = (i, labels) {
                self.labelled += labels.len() as u64;
                self.correct.0 += count_equal(labels, &expected);
                self.correct.1 += got.as_ref().map_or(0, |got| count_equal(labels, got));
            }
        }
    }

    /// Scores the tokens of a language model's sample.
    fn score(&mut self, inputs: &[Tensor<f32>], float: &FloatTrace<'_>, integer: Option<&Trace>) {
        let (Some(model), [ids]) = (&self.language, inputs) else { return };
        match integer {
            Some(trace) => self.score.add_sample(model, float, self.compiled, trace, ids),
            None => self.score.rejected += 1,
        }
    }

    fn add_layers(&mut self, float: &FloatTrace<'_>, trace: &Trace) {
        let program = &self.compiled.program;
        for (i, source) in self.compiled.sources.iter().enumerate() {
            if let Some(view) = &source.view {
                let expected = float.get(source.value).data();
                for (float, integer) in expected.iter().zip(trace.real(program, view).data()) {
                    self.layers[i].add(f64::from(*float), *integer);
                }
            }
            let bits = program.tensors[i].bits;
            let used = |x: &i32| {
                let end = if *x < 0 { bits.min() } else { bits.max().max(1) };
                f64::from(*x) / end as f64
            };
            let used = trace.tensors[i].x.iter().map(used).fold(0.0, f64::max);
            self.range_used[i] = self.range_used[i].max(used);
        }
    }

    fn report(self, samples: usize, labelled: bool) -> Report {
        let program = &self.compiled.program;
        let layer = |(i, sums): (usize, &Sums)| {
            let tensor = &program.tensors[i];
            let (shift, table) = match &tensor.step {
                Step::Affine(affine) => (affine.shift, affine.table),
                Step::Input(_) => (0, None),
            };
            LayerReport {
                name: self.graph.get(self.compiled.sources[i].value).name.clone(),
                node: tensor.origin.node.clone(),
                op: tensor.origin.op.clone(),
                elements: tensor.shape.len(),
                bits: tensor.bits.get(),
                scale: tensor.scale.0,
                shift,
                table: table.map(|id| program.tables[id.0].name.clone()),
                accumulator_bits: signed_bits(self.compiled.bounds.accumulator_of(TensorId(i))),
                range_used: self.range_used[i],
                errors: sums.errors(),
            }
        };
        let output = |((name, _), tally): (&(String, _), OutputTally)| OutputReport {
            name: name.clone(),
            errors: tally.sums.errors(),
            agreement: Agreement {
                rows: Proportion::new(tally.equal, tally.rows),
                flipped: tally.flipped,
            },
        };
        Report {
            samples,
            rejected: Rejected {
                share: self.rejected.count as f64 / samples as f64,
                ..self.rejected
            },
            layers: self.layers.iter().enumerate().map(layer).collect(),
            outputs: self.graph.outputs().iter().zip(self.outputs).map(output).collect(),
            accumulator_bits: signed_bits(self.compiled.bounds.largest()),
            accuracy: labelled.then(|| Accuracy {
                float: Proportion::new(self.correct.0, self.labelled),
                integer: Proportion::new(self.correct.1, self.labelled),
            }),
            perplexity: self.score.perplexity(PerplexitySource::Samples),
        }
    }
}

fn count_equal(a: &[usize], b: &[usize]) -> u64 {
    a.iter().zip(b).filter(|(a, b)| a == b).count() as u64
}

fn signed_bits(magnitude: u64) -> u32 {
    u64::BITS - magnitude.leading_zeros() + 1
}
