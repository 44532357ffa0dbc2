//! Operators of ai.onnx.ml: what scikit-learn, XGBoost and LightGBM are exported to.
//!
//! ```text
//! trees (forest)        sum over leaves of weight * [every question on the way has the leaf's answer]
//! linear models, SVMs   products with constants, kernels as functions of them
//! preprocessing         Scaler, Normalizer, Binarizer, Imputer, OneHotEncoder, LabelEncoder, ...
//! ```
//!
//! Where onnxruntime and the ONNX reference give different results and the specification does not
//! decide (some classifiers of two classes with the scores of one), the node is refused.
//!
//! **Labels.** A classifier's label is the class of the greatest score, the first of equals; whole
//! numbers only. Labels that are strings are refused where an output of the graph depends on them.
//!
//! **Maps.** ZipMap puts names beside probabilities, which prove nothing: an output that it makes, of
//! type `sequence(map(..))` in the file, is the tensor of probabilities `[N, classes]`.
//!
//! **Missing values.** NaN is no value of an input, so what tracks missing values has no effect.

mod attribute;
mod classifier;
mod encoder;
mod ensemble;
mod feature;
mod forest;
mod kernel;
mod label;
mod linear;
mod paths;
mod regressor;
mod scale;
mod svm;
mod threshold;
mod transform;
mod version5;

use super::{
    kind::Kind,
    registry::{
        Domain,
        Form::{Any, Many, Mixed},
        MANY, NONE, Rule, rule,
    },
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::{Op, ValueId},
    onnx::Model,
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// The name of the domain.
pub(super) const NAME: &str = "ai.onnx.ml";

pub(super) static DOMAIN: Domain = Domain { oldest: 1, newest: 5, rules: RULES };

const CLASSIFIER: &[&str] = &[
    "base_values",
    "base_values_as_tensor",
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "class_weights_as_tensor",
    "classlabels_int64s",
    "classlabels_strings",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_hitrates_as_tensor",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "nodes_values_as_tensor",
    "post_transform",
];
const REGRESSOR: &[&str] = &[
    "aggregate_function",
    "base_values",
    "base_values_as_tensor",
    "n_targets",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_hitrates_as_tensor",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "nodes_values_as_tensor",
    "post_transform",
    "target_ids",
    "target_nodeids",
    "target_treeids",
    "target_weights",
    "target_weights_as_tensor",
];
const ENSEMBLE: &[&str] = &[
    "aggregate_function",
    "leaf_targetids",
    "leaf_weights",
    "membership_values",
    "n_targets",
    "nodes_falseleafs",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_splits",
    "nodes_trueleafs",
    "nodes_truenodeids",
    "post_transform",
    "tree_roots",
];
const ENCODER: &[&str] = &[
    "classes_strings",
    "default_float",
    "default_int64",
    "default_string",
    "default_tensor",
    "keys_floats",
    "keys_int64s",
    "keys_strings",
    "keys_tensor",
    "values_floats",
    "values_int64s",
    "values_strings",
    "values_tensor",
];
const IMPUTER: &[&str] = &[
    "imputed_value_floats",
    "imputed_value_int64s",
    "replaced_value_float",
    "replaced_value_int64",
];
const LINEAR: &[&str] = &[
    "classlabels_ints",
    "classlabels_strings",
    "coefficients",
    "intercepts",
    "multi_class",
    "post_transform",
];
const SVM_CLASSIFIER: &[&str] = &[
    "classlabels_ints",
    "classlabels_strings",
    "coefficients",
    "kernel_params",
    "kernel_type",
    "post_transform",
    "prob_a",
    "prob_b",
    "rho",
    "support_vectors",
    "vectors_per_class",
];
const SVM_REGRESSOR: &[&str] = &[
    "coefficients",
    "kernel_params",
    "kernel_type",
    "n_supports",
    "one_class",
    "post_transform",
    "rho",
    "support_vectors",
];

#[rustfmt::skip]
static RULES: &[Rule] = &[
    rule("ArrayFeatureExtractor", &[1], NONE, (2, 2), Any(feature::array_feature_extractor)),
    rule("Binarizer", &[1], &["threshold"], (1, 1), Mixed(scale::binarizer)),
    rule("FeatureVectorizer", &[1], &["inputdimensions"], (1, MANY), Mixed(feature::feature_vectorizer)),
    rule("Imputer", &[1], IMPUTER, (1, 1), Mixed(scale::imputer)),
    rule("LabelEncoder", &[1, 2, 4], ENCODER, (1, 1), Any(encoder::label_encoder)),
    rule("LinearClassifier", &[1], LINEAR, (1, 1), Many(linear::classifier)),
    rule("LinearRegressor", &[1], &["coefficients", "intercepts", "post_transform", "targets"], (1, 1), Mixed(linear::regressor)),
    rule("Normalizer", &[1], &["norm"], (1, 1), Mixed(scale::normalizer)),
    rule("OneHotEncoder", &[1], &["cats_int64s", "cats_strings", "zeros"], (1, 1), Any(feature::one_hot_encoder)),
    rule("Scaler", &[1], &["offset", "scale"], (1, 1), Mixed(scale::scaler)),
    rule("SVMClassifier", &[1], SVM_CLASSIFIER, (1, 1), Many(svm::classifier)),
    rule("SVMRegressor", &[1], SVM_REGRESSOR, (1, 1), Mixed(svm::regressor)),
    rule("TreeEnsemble", &[5], ENSEMBLE, (1, 1), Mixed(regressor::ensemble)),
    rule("TreeEnsembleClassifier", &[1, 3, 5], CLASSIFIER, (1, 1), Many(classifier::classifier)),
    rule("TreeEnsembleRegressor", &[1, 3, 5], REGRESSOR, (1, 1), Mixed(regressor::regressor)),
    rule("ZipMap", &[1], &["classlabels_int64s", "classlabels_strings"], (1, 1), Any(feature::zip_map)),
];

/// Whether the output of the graph is one of a ZipMap.
pub(super) fn is_zipped(model: &Model, output: &str) -> bool {
    let of = |name: &String| name == output;
    model
        .nodes
        .iter()
        .any(|node| node.domain == NAME && node.op == "ZipMap" && node.outputs.iter().any(of))
}

/// Operand 0, of any kind of number, as `[N, F]`: rows of features.
fn features(site: &mut Site<'_>) -> Result<(ValueId, [usize; 2])> {
    if let Lowered::Constant(_) = site.input(0)? {
        return Err(site.unsupported(Some("X"), "supported only where it depends on the input"));
    }
    let x = site.number(0)?;
    let [rows, features] = match *site.dims(x) {
        [features] => [1, features],
        [rows, features] => [rows, features],
        _ => {
            let shape = site.shape(0)?;
            return Err(site.invalid(format!("X has shape {shape}, expected rows of features")));
        }
    };
    let rows_of = site.reshape(x, vec![rows, features], "rows")?;
    Ok((site.as_floats(rows_of, "numbers")?, [rows, features]))
}

impl Site<'_> {
    /// The same numbers, as floats.
    fn as_floats(&mut self, x: ValueId, part: &str) -> Result<ValueId> {
        if self.canvas.kind(x) == Kind::Float {
            return Ok(x);
        }
        let shape = self.canvas.graph.get(x).shape.clone();
        let floats = self.push(Op::Reshape(shape), vec![x], part)?;
        self.canvas.set_kind(floats, Kind::Float);
        Ok(floats)
    }
}

/// The results of a classifier: its label, where an output depends on it, and its scores, renamed.
fn classified(site: &mut Site<'_>, label: Option<ValueId>, scores: ValueId) -> Vec<Lowered> {
    if let Some(name) = site.node.outputs.get(1).filter(|name| !name.is_empty()) {
        site.canvas.graph.rename(scores, name);
    }
    let label = label.map_or(Lowered::Poisoned { activation: true }, Lowered::Activation);
    vec![label, Lowered::Activation(scores)]
}

fn undecided(site: &Site<'_>, attribute: Option<&str>, what: &str) -> Halt {
    let hint = format!("{what}: onnxruntime and the ONNX reference differ, ONNX does not say");
    site.unsupported(attribute, hint)
}
