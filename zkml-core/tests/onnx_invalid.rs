//! Nodes that break the rules of their operator: errors that name the node and what was expected.

mod onnx_build;

use onnx_build::*;
use zkml_core::onnx::{
    ImportError,
    proto::{NodeProto, TensorProto},
};

/// The error of a model of `nodes` at opset 17 on an input of shape `[2, 3]`.
fn message(nodes: Vec<NodeProto>, tensors: Vec<TensorProto>) -> String {
    error(&with_initializers(model(17, &[2, 3], nodes), tensors))
}

fn check(expected: &str, node: NodeProto, tensors: Vec<TensorProto>) {
    let title = node.name.clone().unwrap_or_default();
    let text = message(vec![node], tensors);
    assert!(text.contains(expected), "{title}: expected `{expected}` in: {text}");
    assert!(text.contains(&title), "{title} is not named in: {text}");
}

#[test]
fn numbers_of_operands() {
    check("expected 2 inputs, got 1", node("MatMul", &["x"], &["y"]), vec![]);
    check("expected 1 inputs, got 2", node("Relu", &["x", "x"], &["y"]), vec![]);
    check("expected 1 to 3 inputs", node("Clip", &["x"; 4], &["y"]), vec![]);
    check("input 1 is missing", node("Add", &["x", ""], &["y"]), vec![]);
}

#[test]
fn shapes_that_do_not_fit() {
    let w = || vec![floats("w", &[2, 2], &[1.0; 4])];
    check("differ", node("MatMul", &["x", "w"], &["y"]), w());
    check("broadcast", node("Add", &["x", "w"], &["y"]), w());
    let gemm = node("Gemm", &["x", "w", "c"], &["y"]);
    let fitting = || floats("w", &[3, 2], &[1.0; 6]);
    let c = floats("c", &[3], &[1.0; 3]);
    check("must broadcast to [2, 2]", gemm.clone(), vec![fitting(), c]);
    let larger = floats("c", &[2, 2, 2], &[1.0; 8]);
    check("must broadcast to [2, 2]", gemm.clone(), vec![fitting(), larger]);
    let vector = floats("w", &[3], &[1.0; 3]);
    check("expected a matrix", node("Gemm", &["x", "w"], &["y"]), vec![vector]);
    let reshape = node("Reshape", &["x", "s"], &["y"]);
    for shape in [&[5][..], &[-1, 4], &[-1, -1], &[-2, 3], &[2, 3, 0], &[i64::MAX, 2]] {
        let text = message(vec![reshape.clone()], vec![int64s("s", &[shape.len() as i64], shape)]);
        assert!(text.contains("Reshape/y"), "{text}");
    }
    let both = with(reshape, vec![int("allowzero", 1)]);
    check("both 0 and -1", both, vec![int64s("s", &[2], &[0, -1])]);
    let squeeze = node("Squeeze", &["x", "a"], &["y"]);
    check("is not 1", squeeze.clone(), vec![int64s("a", &[1], &[0])]);
    check("outside of -2..2", squeeze, vec![int64s("a", &[1], &[2])]);
    let unsqueeze = node("Unsqueeze", &["x", "a"], &["y"]);
    check("twice", unsqueeze.clone(), vec![int64s("a", &[2], &[0, -4])]);
    check("outside of -3..3", unsqueeze, vec![int64s("a", &[1], &[i64::MIN])]);
    let transpose =
        |perm: &[i64]| with(node("Transpose", &["x"], &["y"]), vec![ints("perm", perm)]);
    check("not a permutation", transpose(&[0, 0]), vec![]);
    check("not a permutation", transpose(&[0]), vec![]);
    check("outside of 0..2", transpose(&[0, 2]), vec![]);
    check("outside of", with(node("Flatten", &["x"], &["y"]), vec![int("axis", 3)]), vec![]);
    let batch = node("BatchNormalization", &["x", "s", "s", "s", "s"], &["y"]);
    check("expected [3]", batch, vec![floats("s", &[2], &[1.0; 2])]);
}

#[test]
fn attributes_of_the_wrong_kind() {
    check("expected FLOAT", with(node("Elu", &["x"], &["y"]), vec![int("alpha", 1)]), vec![]);
    check("finite", with(node("Elu", &["x"], &["y"]), vec![float("alpha", f32::NAN)]), vec![]);
    let gelu = with(node("Gelu", &["x"], &["y"]), vec![string("approximate", "erf")]);
    let text = error(&model(20, &[2, 3], vec![gelu]));
    assert!(text.contains("expected `none` or `tanh`"), "{text}");
    let gemm = with(node("Gemm", &["x", "x"], &["y"]), vec![int("transB", 2)]);
    check("expected 0 or 1", gemm, vec![]);
    let mut reference = float("alpha", 1.0);
    reference.ref_attr_name = Some("a".into());
    check("of a function", with(node("Elu", &["x"], &["y"]), vec![reference]), vec![]);
}

#[test]
fn versions_of_an_operator() {
    let text = error(&model(19, &[2], vec![node("Gelu", &["x"], &["y"])]));
    assert!(text.contains("exists from opset 20"), "{text}");
    // Bounds and axes moved from attributes to inputs.
    let clip = |opset, node| error(&model(opset, &[2], vec![node]));
    let old = with(node("Clip", &["x"], &["y"]), vec![float("min", 0.0)]);
    assert!(clip(11, old).contains("an input since opset 11"));
    assert!(clip(10, node("Clip", &["x", "x"], &["y"])).contains("before opset 11"));
    let old = with(node("Unsqueeze", &["x"], &["y"]), vec![ints("axes", &[0])]);
    assert!(clip(13, old).contains("an input since opset 13"));
    assert!(clip(12, node("Unsqueeze", &["x", "x"], &["y"])).contains("before opset 13"));
    let no_c = node("Gemm", &["x", "x"], &["y"]);
    assert!(error(&model(9, &[2, 2], vec![no_c])).contains("required before opset 11"));
}

#[test]
fn constants_that_are_not_finite() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let add = node("Add", &["x", "c"], &["y"]);
        let proto = model(17, &[2], vec![add]);
        let proto = with_initializers(proto, vec![floats("c", &[2], &[1.0, value])]);
        let Err(ImportError::NonFinite { tensor, element: 1, .. }) = import(&proto) else {
            panic!("{value} was accepted");
        };
        assert_eq!(tensor, "c");
    }
    // Also those that folding makes.
    let div = node("Div", &["x", "c"], &["y"]);
    let proto = with_initializers(model(17, &[1], vec![div]), vec![floats("c", &[1], &[0.0])]);
    let Err(ImportError::NonFinite { tensor, .. }) = import(&proto) else {
        panic!("a division by zero was accepted");
    };
    assert!(tensor.contains('y'), "{tensor}");
    let clip = node("Clip", &["x", "c"], &["y"]);
    let proto = with_initializers(model(17, &[1], vec![clip]), vec![floats("c", &[], &[f32::NAN])]);
    assert!(error(&proto).contains("NaN"));
}

#[test]
fn element_types() {
    let add = node("Add", &["x", "c"], &["y"]);
    check("is int64", add, vec![int64s("c", &[3], &[1, 2, 3])]);
    let nodes = vec![node("Add", &["a", "c"], &["z"]), node("Add", &["x", "z"], &["y"])];
    let tensors = vec![int64s("c", &[1], &[1]), floats("a", &[1], &[1.0])];
    let text = message(nodes, tensors);
    assert!(text.contains("operands are float32 and int64"), "{text}");
}

#[test]
fn whole_numbers_overflow_or_divide_by_zero() {
    for (op, a, b) in [("Mul", i64::MAX, 2), ("Div", 1, 0), ("Div", i64::MIN, -1), ("Mod", 1, 0)] {
        let nodes = vec![
            node(op, &["a", "b"], &["c"]),
            with(node("Cast", &["c"], &["f"]), vec![int("to", 1)]),
            node("Add", &["x", "f"], &["y"]),
        ];
        let text = message(nodes, vec![int64s("a", &[1], &[a]), int64s("b", &[1], &[b])]);
        assert!(text.contains(&format!("{op}/c")) && text.contains("whole numbers"), "{text}");
    }
}

#[test]
fn constants_outside_of_the_range_of_a_cast() {
    for (to, value) in [(2, 256.0), (3, -129.0), (6, 3e9), (7, 1e19), (7, f32::NAN)] {
        let nodes = vec![
            with(node("Cast", &["c"], &["i"]), vec![int("to", to)]),
            with(node("Cast", &["i"], &["f"]), vec![int("to", 1)]),
            node("Add", &["x", "f"], &["y"]),
        ];
        let text = message(nodes, vec![floats("c", &[1], &[value])]);
        assert!(text.contains("Cast/i") && text.contains("range"), "{text}");
    }
}

#[test]
fn indices_outside_of_a_constant() {
    let gather = |index| {
        let nodes = vec![node("Gather", &["c", "i"], &["g"]), node("Add", &["x", "g"], &["y"])];
        message(nodes, vec![floats("c", &[2], &[1.0; 2]), int64s("i", &[1], &[index])])
    };
    for index in [2, -3, i64::MAX, i64::MIN] {
        let text = gather(index);
        assert!(text.contains("Gather/g") && text.contains("outside"), "{text}");
    }
}
