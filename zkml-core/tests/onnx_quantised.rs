//! Operators of quantised models: every version and type against onnxruntime
//! (`fixtures/make_quantised.py`), to the bit where the result is whole numbers, and what is refused.

mod golden;
mod onnx_build;

use golden::{Case, cases, check, check_all, run};
use onnx_build::*;
use zkml_core::onnx::{
    ImportOptions, from_bytes,
    proto::{NodeProto, TensorProto, tensor_proto::DataType},
};

/// Whether the result is whole numbers.
fn is_whole(case: &Case) -> bool {
    case.y.iter().all(|y| y.fract() == 0.0)
}

#[test]
fn quantised_operators_agree_with_onnxruntime_in_every_version() {
    let (whole, real): (Vec<Case>, Vec<Case>) =
        cases("quantised.npz").into_iter().partition(is_whole);
    assert!(whole.len() > 150 && real.len() > 60, "{} and {} cases", whole.len(), real.len());
    check_all(&whole, 0.0);
    check_all(&real, 1e-6);
}

/// The comparison above can fail.
#[test]
fn a_number_beside_the_right_one_is_noticed() {
    let mut cases = cases("quantised.npz");
    let case = cases.iter_mut().find(|case| case.name == "q_int8_-3_0.03_13").expect("there");
    let model = from_bytes(&case.model, None, &ImportOptions::default()).expect("imports");
    let got = run(&model.graph, &case.x).expect("the model runs");
    check(case, &got, 0.0).expect("right");
    case.y[0] += 1.0;
    assert!(check(case, &got, 0.0).is_err());
}

fn int8s(name: &str, dims: &[i64], data: &[i32]) -> TensorProto {
    TensorProto { data_type: Some(DataType::Int8 as i32), ..int32s(name, dims, data) }
}

fn quantize(inputs: &[&str]) -> NodeProto {
    node("QuantizeLinear", inputs, &["y"])
}

fn message(opset: i64, node: NodeProto, tensors: Vec<TensorProto>) -> String {
    error(&with_initializers(model(opset, &[2, 3], vec![node]), tensors))
}

#[test]
fn scales_and_zero_points_are_checked() {
    let scale = |value: f32| floats("s", &[], &[value]);
    let zero = || int8s("z", &[], &[0]);
    let check = |expected: &str, node: NodeProto, tensors: Vec<TensorProto>| {
        let text = message(21, node, tensors);
        assert!(text.contains(expected), "expected `{expected}` in: {text}");
    };
    let full = || quantize(&["x", "s", "z"]);
    check("`y_scale` has 0, expected more than 0", full(), vec![scale(0.0), zero()]);
    check("`y_scale` has -1", full(), vec![scale(-1.0), zero()]);
    check("inf", full(), vec![scale(f32::INFINITY), zero()]);
    check("NaN", full(), vec![scale(f32::NAN), zero()]);
    let three = || floats("s", &[3], &[0.1; 3]);
    check("`y_zero_point` has shape [], but the scale [3]", full(), vec![three(), zero()]);
    let zeros = |count: usize| int8s("z", &[count as i64], &vec![0; count]);
    let axis = |axis: i64| with(full(), vec![int("axis", axis)]);
    check("expected [2]", axis(0), vec![three(), zeros(3)]);
    check("outside of -2..2", axis(2), vec![three(), zeros(3)]);
    assert!(
        import(&with_initializers(model(21, &[2, 3], vec![axis(-1)]), vec![three(), zeros(3)]))
            .is_ok()
    );
    let wide = int32s("z", &[], &[0]);
    check(
        "`y_zero_point` is int32, expected an integer of 4 to 16 bits",
        full(),
        vec![scale(1.0), wide],
    );
    check("int64, expected an integer type", full(), vec![scale(1.0), int64s("z", &[], &[0])]);
    check("is float32, expected an integer", full(), vec![scale(1.0), floats("z", &[], &[0.0])]);
    let typed = with(full(), vec![int("output_dtype", DataType::Uint8 as i64)]);
    check("`y_zero_point` is int8, but `output_dtype` uint8", typed, vec![scale(1.0), zero()]);
    let blocks = |size: i64| with(full(), vec![int("block_size", size)]);
    check("`block_size` is -1", blocks(-1), vec![scale(1.0), zero()]);
    check("expected [2, 2]", blocks(2), vec![three(), zeros(3)]);
    // Attributes that came later, and vectors before there was an axis.
    let text = message(12, axis(1), vec![three(), zeros(3)]);
    assert!(text.contains("`axis` exists from opset 13 on"), "{text}");
    let text = message(10, full(), vec![three(), zeros(3)]);
    assert!(text.contains("expected a scalar before 13"), "{text}");
    let text = message(19, blocks(1), vec![scale(1.0), zero()]);
    assert!(text.contains("`block_size` exists from opset 21 on"), "{text}");

    let dequantize = node("DequantizeLinear", &["x", "s", "z"], &["y"]);
    check("`x` holds floats, expected whole numbers", dequantize, vec![scale(1.0), zero()]);
    let folded = node("DequantizeLinear", &["k", "s", "z"], &["y"]);
    let other = TensorProto { data_type: Some(DataType::Uint8 as i32), ..int32s("k", &[1], &[3]) };
    check("`x` is uint8, but `x_zero_point` int8", folded, vec![other, scale(1.0), zero()]);
    let product = node("MatMulInteger", &["x", "w"], &["y"]);
    check("`A` holds floats", product, vec![int8s("w", &[3, 1], &[1, 2, 3])]);
}

#[test]
fn what_is_not_supported_says_what_to_do() {
    let only = |nodes: Vec<NodeProto>, tensors: Vec<TensorProto>, domain: &str| {
        let mut proto = with_initializers(model(21, &[2, 3], nodes), tensors);
        if !domain.is_empty() {
            let mut import = proto.opset_import[0].clone();
            (import.domain, import.version) = (Some(domain.into()), Some(1));
            proto.opset_import.push(import);
        }
        let list = unsupported(&proto);
        assert_eq!(list.len(), 1, "{list:?}");
        list[0].clone()
    };
    let dynamic = node("DynamicQuantizeLinear", &["x"], &["q", "y", "z"]);
    let item = only(vec![dynamic], vec![], "");
    assert!(
        item.hint.contains("depends on the input") && item.hint.contains("QuantFormat.QDQ"),
        "{item:?}"
    );
    for (op, quantised) in
        [("QLinearAdd", true), ("QGemm", true), ("DynamicQuantizeMatMul", true), ("Inverse", false)]
    {
        let other = NodeProto { domain: Some("com.microsoft".into()), ..node(op, &["x"], &["y"]) };
        let item = only(vec![other], vec![], "com.microsoft");
        assert_eq!(item.hint.contains("QuantFormat.QDQ"), quantised, "{item:?}");
    }
    let scale = || floats("s", &[2, 2], &[0.1; 4]);
    let blocks = with(quantize(&["x", "s"]), vec![int("block_size", 2)]);
    assert_eq!(only(vec![blocks], vec![scale()], "").attribute.as_deref(), Some("block_size"));
    let one = || floats("s", &[], &[0.1]);
    let float8 =
        with(quantize(&["x", "s"]), vec![int("output_dtype", DataType::Float8e4m3fn as i64)]);
    assert_eq!(only(vec![float8], vec![one()], "").attribute.as_deref(), Some("output_dtype"));
    let varying = quantize(&["x", "x"]);
    assert_eq!(only(vec![varying], vec![], "").attribute.as_deref(), Some("y_scale"));
}
