//! Which operators of which domains are supported, since which versions, with which attributes.
//!
//! `since` lists the opsets that changed an operator, from `onnx.defs` of onnx 1.22.0, up to
//! [`NEWEST_OPSET`]; many of them only added element types. An opset newer than that may mean
//! something else and is refused, as is an attribute that is not listed.

use super::{
    activation, along, arg, arithmetic, attention, blocks, cast, choose, compare, convolution,
    cumulative, einsum, fill, index, linear, ml, normalise, one_hot, pad, pool, positions,
    quantised, recurrent, reduce, resize, response, rotary, select,
    site::{Halt, Lowered, Site},
    softmax, statistics, top_k, trivial, view,
};

/// Newest opset of ai.onnx that the table knows.
const NEWEST_OPSET: i64 = 27;

/// Oldest opset of ai.onnx supported as a whole: the first with today's broadcasting. Of older ones
/// operators that are the same in this one are supported, and those of [`super::legacy`].
const OLDEST_OPSET: i64 = 7;

/// The operators of one domain.
pub(super) struct Domain {
    /// Oldest opset supported as a whole.
    pub(super) oldest: i64,
    /// Newest opset that the rules know.
    pub(super) newest: i64,
    pub(super) rules: &'static [Rule],
}

static STANDARD: Domain = Domain { oldest: OLDEST_OPSET, newest: NEWEST_OPSET, rules: RULES };

/// The domain of that name, empty for ai.onnx.
pub(super) fn domain(name: &str) -> Option<&'static Domain> {
    match name {
        "" => Some(&STANDARD),
        ml::NAME => Some(&ml::DOMAIN),
        _ => None,
    }
}

/// An operator that import supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operator {
    /// Its domain; empty for ai.onnx.
    pub domain: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The versions of the domain that changed it, ascending.
    pub since: &'static [i64],
    /// The attributes supported; any other is refused.
    pub attributes: &'static [&'static str],
    /// Whether it is supported on values that depend on the inputs, not on constants and shapes alone.
    pub on_activations: bool,
}

/// Every operator that import supports, by domain.
pub fn operators() -> impl Iterator<Item = Operator> {
    [("", &STANDARD), (ml::NAME, &ml::DOMAIN)].into_iter().flat_map(|(domain, of)| {
        of.rules.iter().map(move |rule| Operator {
            domain,
            name: rule.op,
            since: rule.since,
            attributes: rule.attributes,
            on_activations: !matches!(rule.form, Form::Constant(_)),
        })
    })
}

pub(super) type Apply = fn(&mut Site<'_>) -> Result<Lowered, Halt>;

/// A rule with a result for each output.
pub(super) type ApplyMany = fn(&mut Site<'_>) -> Result<Vec<Lowered>, Halt>;

/// What an operator works on.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// Activations and constants, of any element type.
    Any(Apply),
    /// Activations of floats; of constants the lowered graph is run.
    Float(Apply),
    /// Activations that the rule checks the kinds of; of constants the lowered graph is run.
    Mixed(Apply),
    /// Constants only.
    Constant(Apply),
    /// As [`Self::Any`], with a result for each output.
    Many(ApplyMany),
    /// As [`Self::Float`], with a result for each output.
    FloatMany(ApplyMany),
    /// As [`Self::Mixed`], with a result for each output.
    MixedMany(ApplyMany),
}

/// A supported operator.
pub(super) struct Rule {
    pub(super) op: &'static str,
    /// Opsets that changed it, ascending.
    since: &'static [i64],
    pub(super) attributes: &'static [&'static str],
    /// Fewest and most operands.
    pub(super) inputs: (usize, usize),
    pub(super) form: Form,
}

impl Rule {
    /// The version of the operator in `opset`.
    pub(super) fn since(&self, opset: i64) -> Option<i64> {
        self.since.iter().copied().rfind(|since| *since <= opset)
    }

    /// The first version of the operator.
    pub(super) fn first(&self) -> i64 {
        self.since.first().copied().unwrap_or(1)
    }
}

impl Domain {
    /// The rule of operator `op`.
    pub(super) fn find(&self, op: &str) -> Option<&'static Rule> {
        self.rules.iter().find(|rule| rule.op == op)
    }
}

pub(super) const fn rule(
    op: &'static str,
    since: &'static [i64],
    attributes: &'static [&'static str],
    inputs: (usize, usize),
    form: Form,
) -> Rule {
    Rule { op, since, attributes, inputs, form }
}

pub(super) const NONE: &[&str] = &[];
const WINDOW: &[&str] = &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];
/// Of opset 6, see [`super::legacy`].
const BROADCAST: &[&str] = &["axis", "broadcast"];
const REDUCE: &[&str] = &["axes", "keepdims", "noop_with_empty_axes"];
/// No limit on operands.
pub(super) const MANY: usize = 1 << 16;

use Form::{Any, Constant, Float, FloatMany, Many, Mixed, MixedMany};

#[rustfmt::skip]
static RULES: &[Rule] = &[
    // Linear algebra.
    rule("Gemm", &[1, 6, 7, 9, 11, 13], &["alpha", "beta", "broadcast", "transA", "transB"], (2, 3), Float(linear::gemm)),
    rule("MatMul", &[1, 9, 13], NONE, (2, 2), Float(linear::matmul)),
    rule("BatchNormalization", &[1, 6, 7, 9, 14, 15], &["epsilon", "is_test", "momentum", "spatial", "training_mode"], (5, 5), Float(normalise::batch_normalization)),
    rule("Einsum", &[12], &["equation"], (1, MANY), Mixed(einsum::einsum)),

    // Attention and normalisation.
    rule("Attention", &[23, 24, 25], &["is_causal", "kv_num_heads", "left_window_size", "q_num_heads", "qk_matmul_output_mode", "right_window_size", "scale", "softcap", "softmax_precision"], (3, 7), MixedMany(attention::attention)),
    rule("RotaryEmbedding", &[23], &["interleaved", "num_heads", "rotary_embedding_dim"], (3, 4), Mixed(rotary::rotary_embedding)),
    rule("Softmax", &[1, 11, 13], &["axis"], (1, 1), Float(softmax::softmax)),
    rule("LogSoftmax", &[1, 11, 13], &["axis"], (1, 1), Float(softmax::log_softmax)),
    rule("LayerNormalization", &[17], &["axis", "epsilon", "stash_type"], (2, 3), FloatMany(statistics::layer_normalization)),
    rule("RMSNormalization", &[23], &["axis", "epsilon", "stash_type"], (2, 2), Float(statistics::rms_normalization)),
    rule("GroupNormalization", &[18, 21], &["epsilon", "num_groups", "stash_type"], (3, 3), Float(statistics::group_normalization)),
    rule("InstanceNormalization", &[1, 6, 22], &["epsilon"], (3, 3), Float(statistics::instance_normalization)),
    rule("MeanVarianceNormalization", &[9, 13], &["axes"], (1, 1), Float(statistics::mean_variance_normalization)),
    rule("LpNormalization", &[1, 22], &["axis", "p"], (1, 1), Float(statistics::lp_normalization)),

    // Windows.
    rule("Conv", &[1, 11, 22], WINDOW, (2, 3), Float(convolution::conv)),
    rule("ConvTranspose", &[1, 11, 22], &["auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"], (2, 3), Float(convolution::conv_transpose)),
    rule("AveragePool", &[1, 7, 10, 11, 19, 22], &["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"], (1, 1), Float(pool::average_pool)),
    rule("MaxPool", &[1, 8, 10, 11, 12, 22], &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"], (1, 1), Mixed(pool::max_pool)),
    rule("GlobalAveragePool", &[1, 22], NONE, (1, 1), Float(pool::global_average_pool)),
    rule("GlobalMaxPool", &[1, 22], NONE, (1, 1), Float(pool::global_max_pool)),
    rule("ReduceSum", &[1, 11, 13], REDUCE, (1, 2), Mixed(reduce::reduce_sum)),
    rule("ReduceMean", &[1, 11, 13, 18], REDUCE, (1, 2), Float(reduce::reduce_mean)),
    rule("ReduceMin", &[1, 11, 12, 13, 18, 20], REDUCE, (1, 2), Mixed(reduce::reduce_min)),
    rule("ReduceSumSquare", &[1, 11, 13, 18], REDUCE, (1, 2), Float(reduce::reduce_sum_square)),
    rule("ReduceL1", &[1, 11, 13, 18], REDUCE, (1, 2), Float(reduce::reduce_l1)),
    rule("ReduceL2", &[1, 11, 13, 18], REDUCE, (1, 2), Float(reduce::reduce_l2)),
    rule("ReduceLogSum", &[1, 11, 13, 18], REDUCE, (1, 2), Float(reduce::reduce_log_sum)),
    rule("ReduceLogSumExp", &[1, 11, 13, 18], REDUCE, (1, 2), Float(reduce::reduce_log_sum_exp)),
    rule("ReduceMax", &[1, 11, 12, 13, 18, 20], REDUCE, (1, 2), Mixed(reduce::reduce_max)),

    rule("ReduceProd", &[1, 11, 13, 18], REDUCE, (1, 2), Mixed(reduce::reduce_prod)),
    rule("LpPool", &[1, 2, 11, 18, 22], &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "p", "pads", "strides"], (1, 1), Float(pool::lp_pool)),
    rule("GlobalLpPool", &[1, 2, 22], &["p"], (1, 1), Float(pool::global_lp_pool)),
    rule("LRN", &[1, 13], &["alpha", "beta", "bias", "size"], (1, 1), Float(response::lrn)),
    rule("Resize", &[10, 11, 13, 18, 19], &["antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy", "mode", "nearest_mode"], (2, 4), Mixed(resize::resize)),
    rule("Upsample", &[7, 9, 10], &["mode", "scales"], (1, 2), Mixed(resize::upsample)),

    // Recurrent.
    rule("LSTM", &[1, 7, 14, 22], &["activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "input_forget", "layout"], (3, 8), MixedMany(recurrent::lstm)),
    rule("GRU", &[1, 3, 7, 14, 22], &["activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout", "linear_before_reset"], (3, 6), MixedMany(recurrent::gru)),
    rule("RNN", &[1, 7, 14, 22], &["activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout"], (3, 6), MixedMany(recurrent::rnn)),

    // Quantised models.
    rule("QuantizeLinear", &[10, 13, 19, 21, 23, 24, 25], &["axis", "block_size", "output_dtype", "precision", "saturate"], (2, 3), Any(quantised::quantize_linear)),
    rule("DequantizeLinear", &[10, 13, 19, 21, 23, 24, 25], &["axis", "block_size", "output_dtype"], (2, 3), Any(quantised::dequantize_linear)),
    rule("DynamicQuantizeLinear", &[11], NONE, (1, 1), Many(quantised::dynamic_quantize_linear)),
    rule("MatMulInteger", &[10], NONE, (2, 4), Any(quantised::matmul_integer)),
    rule("QLinearMatMul", &[10, 21], NONE, (8, 8), Any(quantised::qlinear_matmul)),
    rule("ConvInteger", &[10], WINDOW, (2, 4), Any(quantised::conv_integer)),
    rule("QLinearConv", &[10], WINDOW, (8, 9), Any(quantised::qlinear_conv)),

    // Order.
    rule("ArgMax", &[1, 11, 12, 13], &["axis", "keepdims", "select_last_index"], (1, 1), Mixed(arg::arg_max)),
    rule("ArgMin", &[1, 11, 12, 13], &["axis", "keepdims", "select_last_index"], (1, 1), Mixed(arg::arg_min)),
    rule("Hardmax", &[1, 11, 13], &["axis"], (1, 1), Float(arg::hardmax)),
    rule("TopK", &[1, 10, 11, 24], &["axis", "k", "largest", "sorted"], (1, 2), MixedMany(top_k::top_k)),

    // Arithmetic.
    rule("Add", &[1, 6, 7, 13, 14], BROADCAST, (2, 2), Any(arithmetic::add)),
    rule("Sub", &[1, 6, 7, 13, 14], BROADCAST, (2, 2), Any(arithmetic::sub)),
    rule("Mul", &[1, 6, 7, 13, 14], BROADCAST, (2, 2), Any(arithmetic::mul)),
    rule("Div", &[1, 6, 7, 13, 14], BROADCAST, (2, 2), Any(arithmetic::div)),
    rule("Neg", &[1, 6, 13], NONE, (1, 1), Any(arithmetic::neg)),
    rule("Pow", &[1, 7, 12, 13, 15], BROADCAST, (2, 2), Any(arithmetic::pow)),
    rule("Mod", &[10, 13], &["fmod"], (2, 2), Any(arithmetic::modulo)),
    rule("Min", &[1, 6, 8, 12, 13], NONE, (1, MANY), Any(arithmetic::min)),
    rule("Max", &[1, 6, 8, 12, 13], NONE, (1, MANY), Any(arithmetic::max)),
    rule("Abs", &[1, 6, 13], NONE, (1, 1), Any(arithmetic::abs)),
    rule("Sqrt", &[1, 6, 13], NONE, (1, 1), Any(arithmetic::sqrt)),
    rule("Exp", &[1, 6, 13], NONE, (1, 1), Any(arithmetic::exp)),
    rule("Log", &[1, 6, 13], NONE, (1, 1), Any(arithmetic::log)),
    rule("Reciprocal", &[1, 6, 13], NONE, (1, 1), Any(arithmetic::reciprocal)),
    rule("Floor", &[1, 6, 13], NONE, (1, 1), Any(arithmetic::floor)),
    rule("Ceil", &[1, 6, 13], NONE, (1, 1), Any(arithmetic::ceil)),
    rule("Round", &[11, 22], NONE, (1, 1), Any(arithmetic::round)),
    rule("Sign", &[9, 13], NONE, (1, 1), Any(arithmetic::sign)),
    rule("Sum", &[1, 6, 8, 13], NONE, (1, MANY), Float(linear::sum)),
    rule("Mean", &[1, 6, 8, 13], NONE, (1, MANY), Float(linear::mean)),

    // Functions of one variable.
    rule("Relu", &[1, 6, 13, 14], NONE, (1, 1), Float(activation::relu)),
    rule("LeakyRelu", &[1, 6, 16], &["alpha"], (1, 1), Float(activation::leaky_relu)),
    rule("Sigmoid", &[1, 6, 13], NONE, (1, 1), Float(activation::sigmoid)),
    rule("Tanh", &[1, 6, 13], NONE, (1, 1), Float(activation::tanh)),
    rule("Gelu", &[20], &["approximate"], (1, 1), Float(activation::gelu)),
    rule("Erf", &[9, 13], NONE, (1, 1), Float(activation::erf)),
    rule("Elu", &[1, 6, 22], &["alpha"], (1, 1), Float(activation::elu)),
    rule("Softplus", &[1, 22], NONE, (1, 1), Float(activation::softplus)),
    rule("HardSigmoid", &[1, 6, 22], &["alpha", "beta"], (1, 1), Float(activation::hard_sigmoid)),
    rule("HardSwish", &[14, 22], NONE, (1, 1), Float(activation::hard_swish)),
    rule("PRelu", &[1, 6, 7, 9, 16], NONE, (2, 2), Float(activation::prelu)),
    rule("Celu", &[12], &["alpha"], (1, 1), Float(activation::celu)),
    rule("Selu", &[1, 6, 22], &["alpha", "gamma"], (1, 1), Float(activation::selu)),
    rule("Softsign", &[1, 22], NONE, (1, 1), Float(activation::softsign)),
    rule("Mish", &[18, 22], NONE, (1, 1), Float(activation::mish)),
    rule("Swish", &[24], &["alpha"], (1, 1), Float(activation::swish)),
    rule("ThresholdedRelu", &[10, 22], &["alpha"], (1, 1), Float(activation::thresholded_relu)),
    rule("Shrink", &[9], &["bias", "lambd"], (1, 1), Float(activation::shrink)),
    rule("Sin", &[7, 22], NONE, (1, 1), Float(activation::sin)),
    rule("Cos", &[7, 22], NONE, (1, 1), Float(activation::cos)),
    rule("Tan", &[7, 22], NONE, (1, 1), Float(activation::tan)),
    rule("Sinh", &[9, 22], NONE, (1, 1), Float(activation::sinh)),
    rule("Cosh", &[9, 22], NONE, (1, 1), Float(activation::cosh)),
    rule("Asin", &[7, 22], NONE, (1, 1), Float(activation::asin)),
    rule("Acos", &[7, 22], NONE, (1, 1), Float(activation::acos)),
    rule("Atan", &[7, 22], NONE, (1, 1), Float(activation::atan)),
    rule("Asinh", &[9, 22], NONE, (1, 1), Float(activation::asinh)),
    rule("Acosh", &[9, 22], NONE, (1, 1), Float(activation::acosh)),
    rule("Atanh", &[9, 22], NONE, (1, 1), Float(activation::atanh)),
    rule("Clip", &[1, 6, 11, 12, 13], &["min", "max"], (1, 3), Mixed(activation::clip)),

    // The same elements.
    rule("Flatten", &[1, 9, 11, 13, 21, 23, 24, 25], &["axis"], (1, 1), Any(view::flatten)),
    rule("Reshape", &[1, 5, 13, 14, 19, 21, 23, 24, 25], &["allowzero"], (2, 2), Any(view::reshape)),
    rule("Squeeze", &[1, 11, 13, 21, 23, 24, 25], &["axes"], (1, 2), Any(view::squeeze)),
    rule("Unsqueeze", &[1, 11, 13, 21, 23, 24, 25], &["axes"], (1, 2), Any(view::unsqueeze)),
    rule("Transpose", &[1, 13, 21, 23, 24, 25], &["perm"], (1, 1), Any(view::transpose)),
    rule("Identity", &[1, 13, 14, 16, 19, 21, 23, 24, 25], NONE, (1, 1), Any(trivial::identity)),
    rule("Dropout", &[1, 6, 7, 10, 12, 13, 22], &["is_test", "ratio", "seed"], (1, 3), Many(trivial::dropout)),
    rule("Cast", &[1, 6, 9, 13, 19, 21, 23, 24, 25], &["to", "saturate", "round_mode"], (1, 1), Any(cast::cast)),
    rule("CastLike", &[15, 19, 21, 23, 24, 25], &["saturate", "round_mode"], (2, 2), Any(cast::cast_like)),

    // Constants and shapes.
    rule("Constant", &[1, 9, 11, 12, 13, 19, 21, 23, 24, 25], &["value", "value_float", "value_floats", "value_int", "value_ints", "value_string", "value_strings", "sparse_value"], (0, 0), Any(fill::constant)),
    rule("ConstantOfShape", &[9, 20, 21, 23, 24, 25], &["value"], (1, 1), Constant(fill::constant_of_shape)),
    rule("Range", &[11, 27], &["stash_type"], (3, 3), Constant(fill::range)),
    rule("Shape", &[1, 13, 15, 19, 21, 23, 24, 25], &["start", "end"], (1, 1), Any(fill::shape)),
    rule("Size", &[1, 13, 19, 21, 23, 24, 25], NONE, (1, 1), Any(fill::size)),
    rule("Split", &[1, 2, 11, 13, 18], &["axis", "split", "num_outputs"], (1, 2), Many(along::split)),
    rule("Tile", &[6, 13], NONE, (2, 2), Any(along::tile)),
    rule("Pad", &[1, 2, 11, 13, 18, 19, 21, 23, 24, 25], &["mode", "pads", "value"], (1, 4), Mixed(pad::pad)),
    rule("Gather", &[1, 11, 13], &["axis"], (2, 2), Any(along::gather)),
    rule("Concat", &[1, 4, 11, 13], &["axis"], (1, MANY), Any(index::concat)),
    rule("Slice", &[1, 10, 11, 13], &["axes", "ends", "starts"], (1, 5), Any(along::slice)),
    rule("Expand", &[8, 13], NONE, (2, 2), Any(along::expand)),
    rule("GatherElements", &[11, 13], &["axis"], (2, 2), Any(positions::gather_elements)),
    rule("GatherND", &[11, 12, 13], &["batch_dims"], (2, 2), Any(positions::gather_nd)),
    rule("Scatter", &[9, 11], &["axis"], (3, 3), Any(positions::scatter_elements)),
    rule("ScatterElements", &[11, 13, 16, 18], &["axis", "reduction"], (3, 3), Any(positions::scatter_elements)),
    rule("ScatterND", &[11, 13, 16, 18], &["reduction"], (3, 3), Any(positions::scatter_nd)),
    rule("TensorScatter", &[24], &["axis", "mode"], (2, 3), Any(positions::tensor_scatter)),
    rule("DepthToSpace", &[1, 11, 13], &["blocksize", "mode"], (1, 1), Any(blocks::depth_to_space)),
    rule("SpaceToDepth", &[1, 13], &["blocksize"], (1, 1), Any(blocks::space_to_depth)),
    rule("Compress", &[9, 11], &["axis"], (2, 2), Any(choose::compress)),
    rule("ReverseSequence", &[10], &["batch_axis", "time_axis"], (2, 2), Any(choose::reverse_sequence)),
    rule("CumSum", &[11, 14], &["exclusive", "reverse"], (2, 2), Mixed(cumulative::cum_sum)),
    rule("CumProd", &[26], &["exclusive", "reverse"], (2, 2), Mixed(cumulative::cum_prod)),
    rule("OneHot", &[9, 11], &["axis"], (3, 3), Any(one_hot::one_hot)),
    rule("EyeLike", &[9, 22], &["dtype", "k"], (1, 1), Any(fill::eye_like)),
    rule("IsInf", &[10, 20], &["detect_negative", "detect_positive"], (1, 1), Any(compare::is_inf)),
    rule("Where", &[9, 16], NONE, (3, 3), Any(select::choose)),
    rule("Trilu", &[14], &["upper"], (1, 2), Any(select::trilu)),
    rule("IsNaN", &[9, 13, 20], NONE, (1, 1), Any(compare::is_nan)),
    rule("Xor", &[1, 7], BROADCAST, (2, 2), Any(compare::xor)),
    rule("Equal", &[1, 7, 11, 13, 19], BROADCAST, (2, 2), Any(compare::equal)),
    rule("Less", &[1, 7, 9, 13], BROADCAST, (2, 2), Any(compare::less)),
    rule("Greater", &[1, 7, 9, 13], BROADCAST, (2, 2), Any(compare::greater)),
    rule("LessOrEqual", &[12, 16], NONE, (2, 2), Any(compare::less_or_equal)),
    rule("GreaterOrEqual", &[12, 16], NONE, (2, 2), Any(compare::greater_or_equal)),
    rule("And", &[1, 7], BROADCAST, (2, 2), Any(compare::and)),
    rule("Or", &[1, 7], BROADCAST, (2, 2), Any(compare::or)),
    rule("Not", &[1], NONE, (1, 1), Any(compare::not)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_ascend_and_names_are_unique() {
        for name in ["", ml::NAME] {
            let domain = domain(name).expect("supported");
            for (i, rule) in domain.rules.iter().enumerate() {
                assert!(rule.since.is_sorted_by(|a, b| a < b), "{}", rule.op);
                assert!(rule.since.last() <= Some(&domain.newest), "{}", rule.op);
                assert!(domain.rules[..i].iter().all(|other| other.op != rule.op), "{}", rule.op);
            }
        }
        assert!(domain("com.example").is_none());
    }

    #[test]
    fn version_is_the_last_change() {
        let clip = STANDARD.find("Clip").expect("supported");
        assert_eq!(clip.since(10), Some(6));
        assert_eq!(clip.since(11), Some(11));
        assert_eq!(clip.since(27), Some(13));
        assert_eq!(STANDARD.find("Gelu").expect("supported").since(19), None);
    }
}
