//! How far the integer program is from the float graph it was compiled from.
//!
//! Every stored tensor (a *layer*) and every output is compared with the float value it stands for,
//! over all elements of all samples. Predictions are compared row by row, those of a language model by
//! perplexity too.

mod agreement;
mod build;
mod errors;
mod perplexity;
mod text;

pub use agreement::{Accuracy, Agreement, Proportion};
pub use build::{Labels, LayerReport, OutputReport, Rejected, Report};
pub use errors::Errors;
pub use perplexity::{LanguageModel, Perplexity, PerplexitySource};
#[cfg(test)]
mod tests;
