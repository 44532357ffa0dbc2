//! Which inputs of a case are data, and which are parameters that a compiler knows.
//!
//! The suite gives everything as an input, shapes and weights too. A zero-knowledge proof is of a
//! fixed model, so all but the data become constants.

/// Positions of the data among `count` inputs of operator `op`, the first of which holds whole numbers
/// or not.
pub(crate) fn data(op: &str, count: usize, whole: bool) -> Vec<usize> {
    let most = match op {
        // Weights, scales, statistics, states.
        "BatchNormalization"
        | "Conv"
        | "ConvInteger"
        | "ConvTranspose"
        | "DequantizeLinear"
        | "GRU"
        | "Gemm"
        | "GroupNormalization"
        | "InstanceNormalization"
        | "LSTM"
        | "LayerNormalization"
        | "MatMulInteger"
        | "PRelu"
        | "QLinearConv"
        | "QLinearMatMul"
        | "QuantizeLinear"
        | "RMSNormalization"
        | "RNN"
        | "RotaryEmbedding" => 1,
        // Shapes, axes, positions, limits.
        "ArrayFeatureExtractor"
        | "CastLike"
        | "CenterCropPad"
        | "Clip"
        | "Compress"
        | "CumProd"
        | "CumSum"
        | "DFT"
        | "Dropout"
        | "Expand"
        | "Gather"
        | "GatherElements"
        | "GatherND"
        | "OneHot"
        | "Pad"
        | "Resize"
        | "Reshape"
        | "ReverseSequence"
        | "Slice"
        | "Split"
        | "Squeeze"
        | "Tile"
        | "TopK"
        | "Trilu"
        | "Unsqueeze"
        | "Upsample" => 1,
        // Exponents and divisors.
        "Mod" | "Pow" => 1,
        "Div" if whole => 1,
        // Masks and pasts of keys and values are constants.
        "Attention" => 3,
        "Range" | "ConstantOfShape" => 0,
        op if op.starts_with("Reduce") => 1,
        // Positions lie between what is changed and what is put there.
        "Scatter" | "ScatterElements" | "ScatterND" | "TensorScatter" => {
            return [0, 2].into_iter().filter(|i| *i < count).collect();
        }
        _ => count,
    };
    (0..most.min(count)).collect()
}
