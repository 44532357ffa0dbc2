//! Decisions, divisions, sums, indices.

use zkml_core::onnx::proto::tensor_proto::DataType;

use super::{FOLDED, Input, Nodes, WIDE};
use crate::{
    machine_common::Subject,
    onnx_build::{floats, int, int64s, node, string, with},
};

/// Ties of two and of three: the first greatest, the last least, the first greatest as a vector.
pub(crate) fn extremes() -> Subject {
    let axis = || vec![int("axis", 1), int("keepdims", 0)];
    let last = [axis(), vec![int("select_last_index", 1)]].concat();
    Nodes {
        inputs: &[("x", DataType::Float, &[2, 4], &[1.0, 3.0, -2.0, 3.0, 0.5, 0.5, 0.5, 2.5])],
        outputs: &[
            ("first", DataType::Int64),
            ("last", DataType::Int64),
            ("hard", DataType::Float),
        ],
        nodes: vec![
            with(node("ArgMax", &["x"], &["first"]), axis()),
            with(node("ArgMin", &["x"], &["last"]), last),
            with(node("Hardmax", &["x"], &["hard"]), vec![int("axis", 1)]),
        ],
        constants: vec![],
        shape: WIDE,
    }
    .subject()
}

/// The two greatest of four, which are equal.
pub(crate) fn top_k() -> Subject {
    Nodes {
        inputs: &[("x", DataType::Float, &[1, 4], &[1.0, 2.5, -2.0, 2.5])],
        outputs: &[("values", DataType::Float), ("indices", DataType::Int64)],
        nodes: vec![node("TopK", &["x", "k"], &["values", "indices"])],
        constants: vec![int64s("k", &[1], &[2])],
        shape: FOLDED,
    }
    .subject()
}

const A: [f32; 4] = [1.0, -2.0, 3.0, 1.5];
const B: [f32; 4] = [1.0, 2.0, -3.0, -0.5];

fn pair() -> [Input<'static>; 2] {
    [("a", DataType::Float, &[4], &A), ("b", DataType::Float, &[4], &B)]
}

/// All comparisons of two tensors, and connectives of theirs.
pub(crate) fn comparisons() -> Subject {
    Nodes {
        inputs: &pair(),
        outputs: &[("and", DataType::Bool), ("xor", DataType::Bool), ("not", DataType::Bool)],
        nodes: vec![
            node("Greater", &["a", "b"], &["greater"]),
            node("LessOrEqual", &["a", "b"], &["at_most"]),
            node("Equal", &["a", "b"], &["equal"]),
            node("Less", &["a", "b"], &["less"]),
            node("GreaterOrEqual", &["a", "b"], &["at_least"]),
            node("And", &["at_most", "at_least"], &["and"]),
            node("Xor", &["greater", "less"], &["xor"]),
            node("Or", &["equal", "greater"], &["or"]),
            node("Not", &["or"], &["not"]),
        ],
        constants: vec![],
        shape: FOLDED,
    }
    .subject()
}

/// `a < b ? a : b - a`, and the greater and lesser of both.
pub(crate) fn choices() -> Subject {
    Nodes {
        inputs: &pair(),
        outputs: &[("y", DataType::Float), ("max", DataType::Float), ("min", DataType::Float)],
        nodes: vec![
            node("Less", &["a", "b"], &["less"]),
            node("Sub", &["b", "a"], &["difference"]),
            node("Where", &["less", "a", "difference"], &["y"]),
            node("Max", &["a", "b"], &["max"]),
            node("Min", &["a", "b"], &["min"]),
        ],
        constants: vec![],
        shape: WIDE,
    }
    .subject()
}

/// Quotients and residues by 3 and -5 of whole numbers; fmod has the sign of the dividend.
pub(crate) fn divisions() -> Subject {
    let whole = |name: &str, divisor: i64| int64s(name, &[], &[divisor]);
    Nodes {
        inputs: &[("n", DataType::Int64, &[4], &[7.0, -8.0, 14.0, 3.0])],
        outputs: &[
            ("quotient", DataType::Int64),
            ("residue", DataType::Int64),
            ("fmod", DataType::Int64),
        ],
        nodes: vec![
            node("Div", &["n", "three"], &["quotient"]),
            node("Mod", &["n", "three"], &["residue"]),
            with(node("Mod", &["n", "minus_five"], &["fmod"]), vec![int("fmod", 1)]),
        ],
        constants: vec![whole("three", 3), whole("minus_five", -5)],
        shape: WIDE,
    }
    .subject()
}

/// Running sums, from either end, with their own element and without.
pub(crate) fn running() -> Subject {
    let backwards = vec![int("reverse", 1), int("exclusive", 1)];
    Nodes {
        inputs: &[("x", DataType::Float, &[2, 3], &[1.0, -0.5, 2.0, 0.5, 1.5, -1.0])],
        outputs: &[("sum", DataType::Float), ("rest", DataType::Float)],
        nodes: vec![
            node("CumSum", &["x", "axis"], &["sum"]),
            with(node("CumSum", &["x", "axis"], &["rest"]), backwards),
        ],
        constants: vec![int64s("axis", &[], &[1])],
        shape: FOLDED,
    }
    .subject()
}

/// Rows of a table, and vectors, at indices that are an input.
pub(crate) fn indices() -> Subject {
    Nodes {
        inputs: &[("ids", DataType::Int64, &[2], &[2.0, 0.0])],
        outputs: &[("rows", DataType::Float), ("hot", DataType::Float)],
        nodes: vec![
            node("Gather", &["table", "ids"], &["rows"]),
            node("OneHot", &["ids", "depth", "off_on"], &["hot"]),
        ],
        constants: vec![
            floats("table", &[3, 2], &[1.0, -2.0, 0.5, 3.0, -1.5, 2.5]),
            int64s("depth", &[], &[3]),
            floats("off_on", &[2], &[-1.0, 2.0]),
        ],
        shape: WIDE,
    }
    .subject()
}

/// Values cut at both ends, and an image made larger between its pixels.
pub(crate) fn clip_and_resize() -> Subject {
    Nodes {
        inputs: &[("x", DataType::Float, &[1, 1, 2, 3], &[1.0, -0.5, 2.0, 0.5, 1.5, -1.0])],
        outputs: &[("clipped", DataType::Float), ("larger", DataType::Float)],
        nodes: vec![
            node("Clip", &["x", "least", "most"], &["clipped"]),
            with(
                node("Resize", &["clipped", "", "", "sizes"], &["larger"]),
                vec![string("mode", "linear")],
            ),
        ],
        constants: vec![
            floats("least", &[], &[-0.75]),
            floats("most", &[], &[1.25]),
            int64s("sizes", &[4], &[1, 1, 3, 5]),
        ],
        shape: FOLDED,
    }
    .subject()
}
