//! What is valid ONNX but not supported is refused, all of it together, and named.

mod onnx_build;

use onnx_build::*;
use prost::Message;
use zkml_core::onnx::{
    ImportOptions, NodeStatus, inspect_bytes,
    proto::{
        ModelProto, NodeProto, OperatorSetIdProto, SparseTensorProto, TensorProto,
        tensor_proto::DataType, type_proto,
    },
};

#[test]
fn everything_unsupported_is_listed_together() {
    let nodes = vec![
        node("Det", &["x", "w"], &["a"]),
        node("Relu", &["a"], &["b"]),
        with(node("Gelu", &["b"], &["c"]), vec![int("mystery", 1)]),
        node("NonZero", &["c"], &["d"]),
        with(node("Cast", &["x"], &["e"]), vec![int("to", DataType::Int8 as i64)]),
        node("Add", &["d", "d"], &["f"]),
        node("Pow", &["x", "x"], &["g"]),
        node("Loop", &["f", "e", "g"], &["y"]),
    ];
    let weights = floats("w", &[1], &[1.0]);
    let mut proto = with_initializers(model(20, &[2, 2], nodes), vec![weights]);
    let list = unsupported(&proto);
    let found: Vec<_> = list
        .iter()
        .map(|item| (item.node.as_str(), item.op.as_str(), item.attribute.as_deref(), item.opset))
        .collect();
    assert_eq!(
        found,
        [
            ("Det/a", "Det", None, 20),
            ("Gelu/c", "Gelu", Some("mystery"), 20),
            ("NonZero/d", "NonZero", None, 20),
            ("Cast/e", "Cast", Some("to"), 20),
            ("Pow/g", "Pow", Some("Y"), 20),
            ("Loop/y", "Loop", None, 20),
        ]
    );
    let text = import(&proto).expect_err("unsupported").to_string();
    assert!(text.starts_with("6 unsupported:"), "{text}");
    assert!(text.contains("node `Gelu/c` (Gelu, ai.onnx opset 20), `mystery`: "), "{text}");

    // The inspection still describes every node.
    let report = inspect_bytes(&proto.encode_to_vec(), None, &ImportOptions::default());
    let report = report.expect("well-formed");
    assert_eq!(report.unsupported.len(), 6);
    assert!(report.graph.is_none());
    assert_eq!(report.nodes.len(), 8);
    assert_eq!(report.nodes[0].status, NodeStatus::Unsupported);
    assert_eq!(report.nodes[1].status, NodeStatus::Unknown);
    assert_eq!(report.summary.ops.get("Gelu"), Some(&1));

    // Nothing that the output does not need counts.
    graph(&mut proto).output[0].name = Some("x".into());
    assert!(import(&proto).is_ok());
}

fn only(model: &zkml_core::onnx::proto::ModelProto) -> (String, Option<String>, String) {
    let mut list = unsupported(model);
    assert_eq!(list.len(), 1, "{list:?}");
    let item = list.remove(0);
    (item.node, item.attribute, item.hint)
}

#[test]
fn opsets_newer_or_older_than_known() {
    let changed = "opset 7 changed the operator";
    for (opset, op, expected) in [
        (28, "Relu", "up to 27"),
        (1 << 40, "Relu", "up to 27"),
        // Relu 1 has an attribute that Relu 6 has not; 6 is what opset 7 has.
        (5, "Relu", changed),
        (-1, "Relu", "opsets before 7"),
        (1, "Split", changed),
        (4, "Reshape", changed),
    ] {
        let (name, attribute, hint) = only(&model(opset, &[2], vec![node(op, &["x"], &["y"])]));
        assert_eq!((name, attribute), (format!("{op}/y"), None));
        assert!(hint.contains(expected), "{hint}");
    }
    assert!(import(&model(6, &[2], vec![node("Relu", &["x"], &["y"])])).is_ok());
}

#[test]
fn other_domains() {
    let mut relu = node("Relu", &["x"], &["y"]);
    relu.domain = Some("com.microsoft".into());
    let mut proto = model(17, &[2], vec![relu]);
    let domain = OperatorSetIdProto { domain: Some("com.microsoft".into()), version: Some(1) };
    proto.opset_import.push(domain);
    let list = unsupported(&proto);
    assert_eq!((list[0].domain.as_str(), list[0].opset), ("com.microsoft", 1));

    // `ai.onnx` is the default domain.
    let graph = graph(&mut proto);
    graph.node[0].domain = Some("ai.onnx".into());
    assert!(import(&proto).is_ok());
}

#[test]
fn an_opset_that_no_node_needs_may_be_missing() {
    let mut proto = model(17, &[2], vec![]);
    graph(&mut proto).output[0].name = Some("x".into());
    proto.opset_import.clear();
    assert!(import(&proto).is_ok());
}

#[test]
fn control_flow() {
    let body = model(17, &[2], vec![]).graph.expect("a graph");
    let branch = with(node("If", &["x"], &["y"]), vec![subgraph("then_branch", body)]);
    assert!(only(&model(17, &[2], vec![branch])).2.contains("sub-graphs"));
}

#[test]
fn training_is_refused() {
    let flag = zkml_core::onnx::proto::TensorProto {
        name: Some("t".into()),
        data_type: Some(DataType::Bool as i32),
        int32_data: vec![1],
        ..Default::default()
    };
    let dropout = node("Dropout", &["x", "", "t"], &["y"]);
    let proto = with_initializers(model(13, &[2], vec![dropout]), vec![flag]);
    assert_eq!(only(&proto).1.as_deref(), Some("training_mode"));

    let four = |name| floats(name, &[2], &[1.0, 1.0]);
    let parameters = || vec![four("s"), four("b"), four("m"), four("v")];
    let batch = node("BatchNormalization", &["x", "s", "b", "m", "v"], &["y"]);
    let training = with(batch.clone(), vec![int("training_mode", 1)]);
    let proto = with_initializers(model(15, &[1, 2], vec![training]), parameters());
    assert_eq!(only(&proto).1.as_deref(), Some("training_mode"));
    let mut old = batch.clone();
    old.output.push("running_mean".into());
    let proto = with_initializers(model(9, &[1, 2], vec![old]), parameters());
    assert_eq!(only(&proto).1.as_deref(), Some("training_mode"));
    let spatial = with(batch, vec![int("spatial", 0)]);
    let proto = with_initializers(model(7, &[1, 2], vec![spatial]), parameters());
    assert_eq!(only(&proto).1.as_deref(), Some("spatial"));
}

#[test]
fn a_used_second_output() {
    let two = |name| floats(name, &[2], &[1.0, 1.0]);
    let batch = node("BatchNormalization", &["x", "s", "b", "m", "v"], &["d", "mean"]);
    let nodes = vec![batch, node("Identity", &["mean"], &["y"])];
    let parameters = vec![two("s"), two("b"), two("m"), two("v")];
    let list = unsupported(&with_initializers(model(15, &[1, 2], nodes), parameters));
    assert_eq!(list[0].attribute.as_deref(), Some("mean"));
}

#[test]
fn inputs_and_outputs_must_be_tensors_of_numbers() {
    for dtype in [DataType::Uint64, DataType::Float16, DataType::Complex64, DataType::String] {
        let mut proto = model(17, &[2], vec![node("Relu", &["x"], &["y"])]);
        graph(&mut proto).input[0] = value("x", dtype, &[2]);
        let (name, _, hint) = only(&proto);
        assert_eq!(name, "x");
        assert!(hint.contains(&dtype.as_str_name().to_lowercase()), "{hint}");
    }
    let mut proto = model(17, &[2], vec![node("Relu", &["x"], &["y"])]);
    let sequence = type_proto::Value::SequenceType(Default::default());
    graph(&mut proto).input[0] = typed_value("x", sequence);
    assert!(only(&proto).2.contains("sequence"));
    let optional = type_proto::Value::OptionalType(Default::default());
    let mut proto = model(17, &[2], vec![node("Relu", &["x"], &["y"])]);
    graph(&mut proto).output[0] = typed_value("y", optional);
    assert!(only(&proto).2.contains("optional"));
}

#[test]
fn an_output_that_no_input_reaches() {
    let nodes = vec![node("Relu", &["c"], &["y"])];
    let proto = with_initializers(model(17, &[2], nodes), vec![floats("c", &[1], &[1.0])]);
    assert!(only(&proto).2.contains("does not depend"));
}

#[test]
fn sparse_initializers() {
    let mut proto = model(17, &[2], vec![node("Add", &["x", "s"], &["y"])]);
    graph(&mut proto).sparse_initializer.push(SparseTensorProto {
        values: Some(floats("s", &[1], &[1.0])),
        indices: Some(int64s("", &[1], &[0])),
        dims: vec![2],
    });
    let list = unsupported(&proto);
    assert_eq!((list[0].op.as_str(), list[0].node.as_str()), ("initializer", "s"));
}

#[test]
fn operators_on_constants_only() {
    for (op, inputs) in [("ConstantOfShape", &["x"][..]), ("Range", &["x", "x", "x"])] {
        let (_, _, hint) = only(&model(17, &[2], vec![node(op, inputs, &["y"])]));
        assert!(hint.contains("only on constants"), "{op}: {hint}");
    }
    assert!(import(&model(17, &[2], vec![node("Shape", &["x"], &["y"])])).is_err());
}

#[test]
fn parameters_that_must_be_constant() {
    for (op, inputs, role) in [
        ("Reshape", vec!["x", "x"], "shape"),
        ("Clip", vec!["x", "x"], "min"),
        ("Unsqueeze", vec!["x", "x"], "axes"),
        ("BatchNormalization", vec!["x", "x", "x", "x", "x"], "scale"),
    ] {
        let (_, attribute, _) = only(&model(17, &[2, 2], vec![node(op, &inputs, &["y"])]));
        assert_eq!(attribute.as_deref(), Some(role), "{op}");
    }
}

#[test]
fn windows_and_arrangements() {
    let w = |dims: &[i64]| floats("w", dims, &vec![0.5; dims.iter().product::<i64>() as usize]);
    let conv = || node("Conv", &["x", "w"], &["y"]);
    let pool = |attributes| {
        with(
            node("MaxPool", &["x"], &["y"]),
            [vec![ints("kernel_shape", &[2, 2])], attributes].concat(),
        )
    };
    let volume = [1, 1, 3, 3, 3];
    let huge = 1i64 << 40;
    for (expected, x, node, tensors) in [
        (None, &volume[..], conv(), vec![w(&[1, 1, 2, 2, 2])]),
        (None, &volume, node("GlobalMaxPool", &["x"], &["y"]), vec![]),
        (Some("W"), &[1, 1, 3, 3], node("Conv", &["x", "x"], &["y"]), vec![]),
        (Some("W"), &[1, 1, 3, 3], node("ConvTranspose", &["x", "x"], &["y"]), vec![]),
        (Some("B"), &[1, 1, 3, 3], node("Conv", &["x", "w", "x"], &["y"]), vec![w(&[1, 1, 2, 2])]),
        (Some("strides"), &[1, 1, 3, 3], pool(vec![ints("strides", &[1, huge])]), vec![]),
        (Some("dilations"), &[1, 1, 3, 3], pool(vec![ints("dilations", &[huge, 1])]), vec![]),
        (Some("pads"), &[1, 1, 3, 3], pool(vec![ints("pads", &[0, 0, huge, 0])]), vec![]),
        (Some("split"), &[2, 3], node("Split", &["x", "x"], &["y"]), vec![]),
        (Some("data"), &[2, 3], node("Gather", &["x", "x"], &["y"]), vec![]),
        (Some("repeats"), &[2, 3], node("Tile", &["x", "x"], &["y"]), vec![]),
        (
            Some("pads"),
            &[2, 3],
            with(node("Pad", &["x", "p"], &["y"]), vec![string("mode", "edge")]),
            vec![int64s("p", &[4], &[0, -1, 0, 1])],
        ),
        (
            Some("mode"),
            &[2, 3],
            with(node("Pad", &["x", "p"], &["y"]), vec![string("mode", "wrap")]),
            vec![int64s("p", &[4], &[0, 1, 0, 1])],
        ),
        (
            Some("constant_value"),
            &[2, 3],
            node("Pad", &["x", "p", "c"], &["y"]),
            vec![int64s("p", &[4], &[0, 1, 0, 1]), floats("c", &[], &[f32::NEG_INFINITY])],
        ),
    ] {
        let title = node.name.clone();
        let (name, attribute, _) = only(&with_initializers(model(17, x, vec![node]), tensors));
        assert_eq!((Some(name), attribute.as_deref()), (title, expected));
    }
    // Indices of maxima, if they are used.
    let nodes = vec![
        with(node("MaxPool", &["x"], &["m"]), vec![ints("kernel_shape", &[2, 2])]),
        with(node("Cast", &["i"], &["y"]), vec![int("to", 1)]),
    ];
    let mut proto = model(17, &[1, 1, 3, 3], nodes);
    graph(&mut proto).node[0].output.push("i".into());
    assert_eq!(only(&proto).1.as_deref(), Some("i"));
}

/// Nodes of an input `x` of floats, `i` of whole numbers and `b` of truth values.
fn mixed(opset: i64, x: &[i64], node: NodeProto, tensors: Vec<TensorProto>) -> ModelProto {
    let mut proto = with_initializers(model(opset, x, vec![node]), tensors);
    let inputs = &mut graph(&mut proto).input;
    inputs.push(value("i", DataType::Int64, &[2, 3]));
    inputs.push(value("b", DataType::Bool, &[2, 3]));
    proto
}

#[test]
fn what_transformers_use_beyond_what_is_supported() {
    let head = [1, 2, 3, 4];
    let attention = |inputs: &[&str]| node("Attention", inputs, &["y"]);
    let einsum = |equation: &str| {
        with(node("Einsum", &["x", "x"], &["y"]), vec![string("equation", equation)])
    };
    let cast = |from, to: DataType| with(node("Cast", &[from], &["y"]), vec![int("to", to as i64)]);
    let pow = |inputs: &[&str]| node("Pow", inputs, &["y"]);
    for (expected, opset, x, node, tensors) in [
        (Some("past_key"), 23, &head[..], attention(&["x", "x", "x", "", "x", "x"]), vec![]),
        (Some("nonpad_kv_seqlen"), 24, &head, attention(&["x", "x", "x", "", "", "", "i"]), vec![]),
        (Some("equation"), 17, &[3, 3], einsum("ii,ij->j"), vec![]),
        (Some("Y"), 17, &[2, 3], pow(&["x", "x"]), vec![]),
        (Some("X"), 17, &[2, 3], pow(&["e", "x"]), vec![floats("e", &[1], &[-2.0])]),
        (Some("Y"), 17, &[2, 3], pow(&["i", "e"]), vec![int64s("e", &[], &[-1])]),
        (None, 17, &[2, 3], node("Div", &["i", "i"], &["y"]), vec![]),
        (Some("i"), 17, &[2, 3], node("Sigmoid", &["i"], &["y"]), vec![]),
        (Some("b"), 17, &[2, 3], node("Softmax", &["b"], &["y"]), vec![]),
        (Some("data"), 17, &[2, 3], node("Gather", &["x", "i"], &["y"]), vec![]),
        (Some("to"), 17, &[2, 3], cast("i", DataType::Int8), vec![]),
        (Some("to"), 17, &[2, 3], cast("x", DataType::Float16), vec![]),
        (Some("slope"), 17, &[2, 3], node("PRelu", &["x", "x"], &["y"]), vec![]),
        (Some("k"), 17, &[2, 3], node("Trilu", &["x", "i"], &["y"]), vec![]),
        (Some("cos_cache"), 23, &head, node("RotaryEmbedding", &["x", "x", "x"], &["y"]), vec![]),
        (None, 17, &[2, 3], node("Add", &["i", "e"], &["y"]), vec![int64s("e", &[], &[1 << 40])]),
    ] {
        let title = node.name.clone();
        let (name, attribute, _) = only(&mixed(opset, x, node, tensors));
        assert_eq!((Some(name), attribute.as_deref()), (title, expected));
    }
    // Outputs of a cache, if they are used.
    let mut node = attention(&["x", "x", "x"]);
    node.output.push("present".into());
    let mut proto = mixed(23, &head, node, vec![]);
    graph(&mut proto).output[0].name = Some("present".into());
    assert_eq!(only(&proto).1.as_deref(), Some("present_key"));
}

#[test]
fn kinds_of_operands() {
    let einsum = |equation: &str| {
        with(node("Einsum", &["x", "x"], &["y"]), vec![string("equation", equation)])
    };
    let table = || vec![floats("t", &[4, 2], &[0.5; 8])];
    let three = || vec![int64s("e", &[], &[3])];
    let of = |op, inputs: &[&str]| node(op, inputs, &["y"]);
    for (expected, node, tensors) in [
        ("holds floats, expected whole numbers", of("Gather", &["t", "x"]), table()),
        ("holds truth values, expected whole numbers", of("Gather", &["t", "b"]), table()),
        ("holds whole numbers, expected truth values", of("Not", &["i"]), vec![]),
        ("holds floats", of("And", &["x", "b"]), vec![]),
        ("input 1 holds whole numbers", of("Less", &["x", "i"]), vec![]),
        ("is int64", of("Less", &["x", "e"]), three()),
        ("is int64", of("Where", &["b", "x", "e"]), three()),
        ("holds floats", of("Where", &["x", "x", "x"]), vec![]),
        ("bool", of("Add", &["b", "b"]), vec![]),
        ("letters for 2 axes", einsum("ijk,ij->j"), vec![]),
        ("sizes", einsum("ij,jk->ik"), vec![]),
    ] {
        let error = import(&mixed(17, &[2, 3], node, tensors)).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}
