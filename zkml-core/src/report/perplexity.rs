//! Perplexity: how well a language model foresees the next token.
//!
//! ```text
//! perplexity = exp(-(1/N) sum_i ln p_i),   p_i = softmax(logits of position i)[token i + 1]
//! ```
//!
//! Float graph and integer program are scored on the same positions. A text is cut into windows of the model's
//! length side by side, so that each token but the first is foreseen once, from what precedes it in its window.

use super::Report;
use crate::{
    exec::{
        ExecError,
        float::{self, FloatTrace},
        integer::{Executor, Trace},
    },
    ir::Graph,
    quant::{Compiled, QuantError},
    tensor::Tensor,
};
use serde::{Deserialize, Serialize};

/// Perplexity of the float graph and of the integer program on the same positions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perplexity {
    /// What was scored.
    pub source: PerplexitySource,
    /// Positions scored.
    pub tokens: u64,
    /// Samples or windows that the integer program refused; they are scored for neither.
    pub rejected: usize,
    /// Of the float graph.
    pub float: f64,
    /// Of the integer program.
    pub integer: f64,
    /// `integer / float - 1`.
    pub relative: f64,
}

/// What a perplexity was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PerplexitySource {
    /// The samples of the report: each token but the first of a row.
    Samples,
    /// A text of its own.
    Text,
}

/// A graph whose one input are token ids `[.., T]` and whose first output are logits `[.., T, V]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanguageModel {
    /// Rows of tokens of one run, those of the leading axes together.
    pub rows: usize,
    /// Tokens of a row, `T`.
    pub length: usize,
    /// Tokens there are, `V`.
    pub vocabulary: usize,
}

impl LanguageModel {
    /// The language model that a graph is, judged by types and shapes.
    pub fn of(graph: &Graph) -> Option<Self> {
        let ([input], Some((_, output))) = (graph.inputs(), graph.outputs().first()) else {
            return None;
        };
        let (ids, logits) = (graph.get(*input), &graph.get(*output).shape);
        let (length, rows) = ids.shape.dims().split_last()?;
        let (vocabulary, positions) = logits.dims().split_last()?;
        let fits = ids.integer && positions == ids.shape.dims() && *length > 0 && *vocabulary > 1;
        fits.then(|| Self { rows: rows.iter().product(), length: *length, vocabulary: *vocabulary })
    }

    /// Fewest tokens of a text with a window to score.
    pub fn least_tokens(&self) -> usize {
        self.length + 1
    }

    /// The token to foresee at each position of a sample; none at the end of a row, and where the next id is no
    /// token of the vocabulary.
    fn targets_within(&self, ids: &[f32]) -> Vec<Option<usize>> {
        let token = |id: &f32| {
            let known = *id >= 0.0 && *id < self.vocabulary as f32 && id.fract() == 0.0;
            known.then_some(*id as usize)
        };
        let row = |row: &[f32]| -> Vec<Option<usize>> {
            row.iter().skip(1).map(token).chain([None]).collect()
        };
        ids.chunks(self.length).flat_map(row).collect()
    }

    /// Windows of a text, the rows of a run filled in turn; each with the ids and the token to foresee at each
    /// position. Rows without a window hold token 0 and are not scored, nor is what is left at the end.
    fn windows(&self, tokens: &[usize]) -> Vec<(Vec<f32>, Vec<Option<usize>>)> {
        let count = tokens.len().saturating_sub(1) / self.length;
        let starts: Vec<usize> = (0..count).map(|i| i * self.length).collect();
        let run = |starts: &[usize]| {
            let at =
                |first: usize| starts.iter().flat_map(move |s| &tokens[s + first..][..self.length]);
            let mut ids: Vec<f32> = at(0).map(|id| *id as f32).collect();
            let mut targets: Vec<Option<usize>> = at(1).map(|id| Some(*id)).collect();
            ids.resize(self.rows * self.length, 0.0);
            targets.resize(self.rows * self.length, None);
            (ids, targets)
        };
        starts.chunks(self.rows.max(1)).map(run).collect()
    }
}

impl Report {
    /// Measures the perplexity on a text instead of the samples'.
    ///
    /// # Errors
    /// [`QuantError::Setting`] when the graph is no [`LanguageModel`], the text is shorter than a window or has a
    /// token beyond the vocabulary; [`QuantError::Sample`] when the float graph refuses a window.
    pub fn score_text(
        &mut self,
        graph: &Graph,
        compiled: &Compiled,
        tokens: &[usize],
    ) -> Result<(), QuantError> {
        let fail = |expected: String, got: String| {
            Err(QuantError::Setting { key: "perplexity".into(), expected, got })
        };
        let (Some(model), [input]) = (LanguageModel::of(graph), graph.inputs()) else {
            let expected = "a model of token ids [.., T] with logits [.., T, V]".into();
            return fail(expected, "one of other inputs or outputs".into());
        };
        if tokens.len() < model.least_tokens() {
            return fail(
                format!("at least {} tokens", model.least_tokens()),
                tokens.len().to_string(),
            );
        }
        if let Some(token) = tokens.iter().find(|token| **token >= model.vocabulary) {
            return fail(format!("tokens below {}", model.vocabulary), token.to_string());
        }
        let mut score = Score::default();
        let fail = |sample| move |source| QuantError::Sample { sample, source };
        let executor = Executor::new(&compiled.program).map_err(fail(0))?;
        for (i, (ids, targets)) in model.windows(tokens).into_iter().enumerate() {
            let shape = graph.get(*input).shape.clone();
            let ids = [Tensor::new(shape, ids).expect("rows times length ids")];
            let float = float::run(graph, &ids).map_err(fail(i))?;
            match executor.run_real(&ids) {
                Ok(trace) => score.add(&float, compiled, &trace, &targets),
                Err(ExecError::InputRange { .. } | ExecError::OutOfRange { .. }) => {
                    score.rejected += 1
                }
                Err(source) => return Err(fail(i)(source)),
            }
        }
        self.perplexity = score.perplexity(PerplexitySource::Text);
        Ok(())
    }
}

/// Running sums of `-ln p` over the positions scored.
#[derive(Clone, Debug, Default)]
pub(super) struct Score {
    float: f64,
    integer: f64,
    tokens: u64,
    pub(super) rejected: usize,
}

impl Score {
    /// Scores a sample on its own tokens.
    pub(super) fn add_sample(
        &mut self,
        model: &LanguageModel,
        float: &FloatTrace<'_>,
        compiled: &Compiled,
        integer: &Trace,
        ids: &Tensor<f32>,
    ) {
        self.add(float, compiled, integer, &model.targets_within(ids.data()));
    }

    fn add(
        &mut self,
        float: &FloatTrace<'_>,
        compiled: &Compiled,
        integer: &Trace,
        targets: &[Option<usize>],
    ) {
        let (float, program) = (float.outputs(), &compiled.program);
        let (Some(float), Some(output)) = (float.first(), program.outputs.first()) else { return };
        let float: Vec<f64> = float.data().iter().map(|v| f64::from(*v)).collect();
        let integer = integer.real(program, &output.view);
        self.add_logits(&float, integer.data(), targets);
    }

    /// Logits of both, row by row, with the token to foresee at each row.
    fn add_logits(&mut self, float: &[f64], integer: &[f64], targets: &[Option<usize>]) {
        let columns = float.len() / targets.len().max(1);
        let rows = float.chunks(columns.max(1)).zip(integer.chunks(columns.max(1)));
        for ((float, integer), target) in rows.zip(targets) {
            if let Some(target) = target.filter(|target| *target < columns) {
                self.float += surprise(float, target);
                self.integer += surprise(integer, target);
                self.tokens += 1;
            }
        }
    }

    pub(super) fn perplexity(&self, source: PerplexitySource) -> Option<Perplexity> {
        let count = self.tokens as f64;
        let of = |sum: f64| libm::exp(sum / count);
        (self.tokens > 0).then(|| Perplexity {
            source,
            tokens: self.tokens,
            rejected: self.rejected,
            float: of(self.float),
            integer: of(self.integer),
            relative: libm::expm1((self.integer - self.float) / count),
        })
    }
}

/// `-ln softmax(logits)[target]`.
fn surprise(logits: &[f64], target: usize) -> f64 {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|v| libm::exp(v - top)).sum();
    top + libm::log(sum) - logits[target]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(rows: usize, length: usize, vocabulary: usize) -> LanguageModel {
        LanguageModel { rows, length, vocabulary }
    }

    fn score(float: &[f64], integer: &[f64], targets: &[Option<usize>]) -> Perplexity {
        let mut score = Score::default();
        score.add_logits(float, integer, targets);
        score.perplexity(PerplexitySource::Text).expect("tokens")
    }

    #[test]
    fn equal_logits_are_as_perplexing_as_the_vocabulary_is_large() {
        let p = score(&[3.0; 10], &[-700.0; 10], &[Some(1), Some(4)]);
        assert!((p.float - 5.0).abs() < 1e-12 && (p.integer - 5.0).abs() < 1e-12, "{p:?}");
        assert!(p.relative.abs() < 1e-12 && p.tokens == 2);
    }

    #[test]
    fn probabilities_by_hand() {
        // p = 1/2 and 1/8: perplexity 4; the integers say 1/4 and 1/4: the same. Logits far from zero.
        let ln = |p: [f64; 3]| p.map(|p| p.ln() + 1000.0);
        let float = [ln([0.5, 0.25, 0.25]), ln([0.5, 0.375, 0.125])].concat();
        let integer = [ln([0.25, 0.5, 0.25]), ln([0.5, 0.25, 0.25])].concat();
        let p = score(&float, &integer, &[Some(0), Some(2)]);
        assert!((p.float - 4.0).abs() < 1e-9 && (p.integer - 4.0).abs() < 1e-9, "{p:?}");
        // Only the first position: 2 against 4, twice as perplexing.
        let p = score(&float, &integer, &[Some(0), None]);
        assert!((p.float - 2.0).abs() < 1e-9 && (p.relative - 1.0).abs() < 1e-9, "{p:?}");
        assert_eq!(p.tokens, 1);
    }

    #[test]
    fn a_token_that_is_never_expected_costs_its_logit() {
        let p = score(&[0.0, -1000.0], &[0.0, 0.0], &[Some(1)]);
        assert!(p.float.is_infinite() || p.float > 1e300, "{p:?}");
        assert!((p.integer - 2.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_scored_is_no_perplexity() {
        assert_eq!(Score::default().perplexity(PerplexitySource::Samples), None);
        let mut nothing = Score::default();
        nothing.add_logits(&[0.0; 4], &[0.0; 4], &[None, Some(2)]);
        assert_eq!(nothing.perplexity(PerplexitySource::Samples), None);
    }

    #[test]
    fn windows_lie_side_by_side() {
        let tokens: Vec<usize> = (0..10).collect();
        let windows = model(1, 4, 10).windows(&tokens);
        // 4 + 4 tokens and the one after; the tenth has no window of its own.
        assert_eq!(windows.len(), 2);
        assert_eq!(windows[1].0, [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(windows[1].1, [5, 6, 7, 8].map(Some));
        assert_eq!(model(1, 4, 10).windows(&tokens[..8]).len(), 1);
        assert!(model(1, 4, 10).windows(&tokens[..4]).is_empty());
        // Two rows a run: the second run is half empty.
        let windows = model(2, 3, 10).windows(&tokens);
        assert_eq!(windows.len(), 2);
        assert_eq!(windows[0].0, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(windows[1].0, [6.0, 7.0, 8.0, 0.0, 0.0, 0.0]);
        assert_eq!(windows[1].1, [Some(7), Some(8), Some(9), None, None, None]);
    }

    #[test]
    fn a_sample_is_scored_on_its_own_tokens() {
        let targets = model(2, 3, 5).targets_within(&[1.0, 2.0, 9.0, 4.0, 0.5, 0.0]);
        assert_eq!(targets, [Some(2), None, None, None, Some(0), None]);
    }
}
