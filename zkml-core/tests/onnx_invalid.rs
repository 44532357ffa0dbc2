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
fn results_that_the_operator_does_not_have() {
    let k = || vec![int64s("k", &[1], &[1])];
    for (op, inputs, results, tensors) in [
        ("Dropout", &["x"][..], 2, vec![]),
        ("TopK", &["x", "k"], 2, k()),
        ("LayerNormalization", &["x", "s"], 3, vec![floats("s", &[3], &[1.0; 3])]),
    ] {
        let names: Vec<String> = (0..=results).map(|i| format!("r{i}")).collect();
        let outputs: Vec<&str> = names.iter().map(String::as_str).collect();
        let last = node("Identity", &[outputs[results]], &["y"]);
        let text = message(vec![node(op, inputs, &outputs), last], tensors);
        assert!(text.contains(&format!("output `r{results}` is one more")), "{text}");
    }
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
    // Minus infinity that is added hides what it is added to, as in masks.
    let all = [
        ("Add", f32::NAN),
        ("Add", f32::INFINITY),
        ("Sub", f32::NEG_INFINITY),
        ("Mul", f32::NEG_INFINITY),
    ];
    for (op, value) in all {
        let add = node(op, &["x", "c"], &["y"]);
        let proto = model(17, &[2], vec![add]);
        let proto = with_initializers(proto, vec![floats("c", &[2], &[1.0, value])]);
        let Err(ImportError::NonFinite { tensor, element: 1, .. }) = import(&proto) else {
            panic!("{op} of {value} was accepted");
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

#[test]
fn windows_that_do_not_fit() {
    let x = [1, 2, 4, 5];
    let refused = |expected: &str, opset: i64, node: NodeProto, tensors: Vec<TensorProto>| {
        let title = node.name.clone().unwrap_or_default();
        let text = error(&with_initializers(model(opset, &x, vec![node]), tensors));
        assert!(text.contains(expected) && text.contains(&title), "expected `{expected}`: {text}");
    };
    let w =
        |dims: &[i64]| vec![floats("w", dims, &vec![0.5; dims.iter().product::<i64>() as usize])];
    let conv = |attributes| with(node("Conv", &["x", "w"], &["y"]), attributes);
    refused("do not fit 2 channels", 22, conv(vec![]), w(&[1, 3, 2, 2]));
    refused("does not divide", 22, conv(vec![int("group", 3)]), w(&[3, 1, 2, 2]));
    refused("does not divide", 22, conv(vec![int("group", 0)]), w(&[3, 1, 2, 2]));
    refused("expected 4 axes", 22, conv(vec![]), w(&[1, 2, 3]));
    refused("expected 4 axes", 22, conv(vec![]), w(&[0, 2, 3, 3]));
    refused("`kernel_shape` is", 22, conv(vec![ints("kernel_shape", &[3, 2])]), w(&[1, 2, 2, 2]));
    refused("larger than the 4 padded", 22, conv(vec![]), w(&[1, 2, 5, 2]));
    refused("expected 1 or more", 22, conv(vec![ints("strides", &[0, 1])]), w(&[1, 2, 2, 2]));
    refused("expected 0 or more", 22, conv(vec![ints("pads", &[0, -1, 0, 0])]), w(&[1, 2, 2, 2]));
    refused("expected 4", 22, conv(vec![ints("pads", &[0, 0])]), w(&[1, 2, 2, 2]));
    refused("expected 2", 22, conv(vec![ints("dilations", &[1])]), w(&[1, 2, 2, 2]));
    refused("`auto_pad` is `SAME`", 22, conv(vec![string("auto_pad", "SAME")]), w(&[1, 2, 2, 2]));
    let both = vec![string("auto_pad", "VALID"), ints("pads", &[1, 1, 1, 1])];
    refused("both given", 22, conv(both), w(&[1, 2, 2, 2]));
    let bias = [w(&[1, 2, 2, 2]), vec![floats("b", &[2], &[1.0; 2])]].concat();
    refused("expected [1]", 22, node("Conv", &["x", "w", "b"], &["y"]), bias);

    let deconv = |attributes| with(node("ConvTranspose", &["x", "w"], &["y"]), attributes);
    refused("do not fit 2 channels", 22, deconv(vec![]), w(&[1, 3, 2, 2]));
    refused("take all of", 22, deconv(vec![ints("pads", &[3, 0, 3, 0])]), w(&[2, 1, 2, 2]));
    refused("more than the 5", 22, deconv(vec![ints("output_shape", &[6, 6])]), w(&[2, 1, 2, 2]));

    let pool = |op: &str, attributes: Vec<_>| {
        let kernel = vec![ints("kernel_shape", &[2, 2])];
        with(node(op, &["x"], &["y"]), [kernel, attributes].concat())
    };
    refused("`kernel_shape` is missing", 22, node("MaxPool", &["x"], &["y"]), vec![]);
    let alone = vec![ints("pads", &[2, 0, 0, 0])];
    refused("padding alone", 22, pool("MaxPool", alone.clone()), vec![]);
    refused("padding alone", 22, pool("AveragePool", alone), vec![]);
    refused("from opset 10", 9, pool("MaxPool", vec![int("ceil_mode", 1)]), vec![]);
    refused("from opset 19", 18, pool("AveragePool", vec![ints("dilations", &[1, 1])]), vec![]);

    let axes = |op: &str| with(node(op, &["x"], &["y"]), vec![ints("axes", &[1])]);
    refused("an input since opset 18", 18, axes("ReduceMean"), vec![]);
    refused("an input since opset 13", 13, axes("ReduceSum"), vec![]);
    let twice = with(node("ReduceMean", &["x"], &["y"]), vec![ints("axes", &[1, -3])]);
    refused("twice", 13, twice, vec![]);
    let parts = |sizes: &[i64]| vec![int64s("s", &[sizes.len() as i64], sizes)];
    let split = || with(node("Split", &["x", "s"], &["y", "z"]), vec![int("axis", 3)]);
    refused("does not split", 13, split(), parts(&[1, 3]));
    refused("does not split", 13, split(), parts(&[1, 2, 2]));
    refused("negative", 13, split(), parts(&[-1, 6]));
    let thirds = with(node("Split", &["x"], &["y", "z"]), vec![int("axis", 3)]);
    refused("does not split", 13, thirds, vec![]);
    let pad = || node("Pad", &["x", "s"], &["y"]);
    refused("expected 8", 13, pad(), parts(&[1, 2]));
    refused("leave nothing", 13, pad(), parts(&[0, 0, -2, 0, 0, 0, -2, 0]));
    refused("beyond the size", 13, pad(), parts(&[0, 0, i64::MIN, 0, 0, 0, i64::MAX, 0]));
    refused("limit", 13, pad(), parts(&[0, 0, 1 << 28, 1 << 28, 0, 0, 0, 0]));
    let concat = with(node("Concat", &["x", "w"], &["y"]), vec![int("axis", 1)]);
    refused("beside", 13, concat, w(&[1, 2, 4, 4]));
}
