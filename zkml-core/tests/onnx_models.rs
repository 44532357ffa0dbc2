//! Whole models: the examples, external data, open dimensions.

mod onnx_build;

use std::path::{Path, PathBuf};

use onnx_build::*;
use prost::Message;
use zkml_core::{
    exec::float,
    io::parse_npy,
    ir::Op,
    onnx::{
        DimBindings, ImportError, ImportOptions, Imported, NodeStatus, from_bytes, inspect, load,
        proto::{ModelProto, tensor_proto::DataType},
    },
    tensor::{Shape, Tensor},
};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn array(path: PathBuf) -> Tensor<f32> {
    parse_npy(&std::fs::read(&path).expect("fixture"), "fixture").expect("fixture")
}

fn run(model: &Imported, x: &[f32]) -> Vec<f32> {
    let shape = model.graph.get(model.graph.inputs()[0]).shape.clone();
    let x = Tensor::new(shape, x.to_vec()).expect("fits");
    float::run(&model.graph, &[x]).expect("runs").outputs()[0].data().to_vec()
}

#[test]
fn examples_compute_what_onnxruntime_computes() {
    for name in ["mlp_digits", "mlp_wine", "mlp_iris_batch8"] {
        let folder = here("../examples/models").join(name);
        let model = load(folder.join("model.onnx"), &ImportOptions::default()).expect(name);
        let samples = array(folder.join("samples.npy"));
        let expected = array(folder.join("expected.npy"));
        let count = samples.shape().dims()[0];
        assert!(count >= 8, "{name}: {count} samples");
        let inputs = samples.data().chunks(samples.data().len() / count);
        let outputs = expected.data().chunks(expected.data().len() / count);
        for (x, expected) in inputs.zip(outputs) {
            for (got, expected) in run(&model, x).iter().zip(expected) {
                let error = (got - expected).abs();
                assert!(error <= 2e-5 * expected.abs().max(1.0), "{name}: {got}, {expected}");
            }
        }
    }
}

#[test]
fn a_layer_of_fixed_weights_is_a_product_and_a_sum() {
    let model = load(here("../examples/models/mlp_digits/model.onnx"), &ImportOptions::default())
        .expect("imports");
    let ops: Vec<&Op> = model.graph.nodes().iter().map(|node| &node.op).collect();
    assert_eq!(ops.len(), 8, "{ops:?}");
    assert_eq!(model.summary.parameters, 17_226);
    assert_eq!(model.summary.opsets.get(""), Some(&17));
    assert_eq!(model.summary.ops.get("Gemm"), Some(&3));
}

#[test]
fn external_data_is_read_and_digested() {
    let folder = here("tests/fixtures/external");
    let model = load(folder.join("model.onnx"), &ImportOptions::default()).expect("imports");
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("fixture");
    let expected: serde_json::Value = serde_json::from_str(&text).expect("fixture");
    let numbers = |key: &str| -> Vec<f32> {
        let list = expected[key].as_array().expect("a list");
        list.iter().map(|v| v.as_f64().expect("a number") as f32).collect()
    };
    let y = run(&model, &numbers("x"));
    assert_eq!(y.len(), numbers("y").len());
    for (got, expected) in y.iter().zip(numbers("y")) {
        assert!((got - expected).abs() < 1e-5, "{got}, {expected}");
    }

    // Another weight is another model, although the model file is the same.
    let copy = tempfile::tempdir().expect("temporary directory");
    for file in ["model.onnx", "model.onnx.data"] {
        std::fs::copy(folder.join(file), copy.path().join(file)).expect("copied");
    }
    let again = load(copy.path().join("model.onnx"), &ImportOptions::default()).expect("imports");
    assert_eq!(again.digest, model.digest);
    let data = copy.path().join("model.onnx.data");
    let mut bytes = std::fs::read(&data).expect("there");
    bytes[0] ^= 1;
    std::fs::write(&data, bytes).expect("written");
    let other = load(copy.path().join("model.onnx"), &ImportOptions::default()).expect("imports");
    assert_ne!(other.digest, model.digest);

    // Without a directory there is nowhere to read from.
    let bytes = std::fs::read(folder.join("model.onnx")).expect("fixture");
    let error = from_bytes(&bytes, None, &ImportOptions::default()).expect_err("no directory");
    assert!(error.to_string().contains("not read from a directory"), "{error}");
}

fn open_dims() -> ModelProto {
    let mut proto = model(17, &[], vec![node("Relu", &["x"], &["y"])]);
    let fixed = value("", DataType::Float, &[3, -1]);
    let Some(zkml_core::onnx::proto::type_proto::Value::TensorType(tensor)) =
        fixed.r#type.expect("typed").value
    else {
        panic!("a tensor")
    };
    let mut dims = tensor.shape.expect("shaped").dim;
    dims.insert(0, named_dim("batch"));
    graph(&mut proto).input[0] = tensor_value("x", DataType::Float, dims);
    proto
}

fn import_with(proto: &ModelProto, dims: &[&str]) -> Result<Imported, ImportError> {
    let mut bindings = DimBindings::new();
    for dim in dims {
        bindings.parse(dim).expect("valid");
    }
    from_bytes(&proto.encode_to_vec(), None, &ImportOptions::with_dims(bindings))
}

#[test]
fn open_dimensions_are_bound_by_name_or_place() {
    let proto = open_dims();
    for dims in [["batch=2", "x:2=5"], ["x:0=2", "x:2=5"]] {
        let model = import_with(&proto, &dims).expect("imports");
        let input = model.graph.get(model.graph.inputs()[0]);
        assert_eq!(input.shape.dims(), [2, 3, 5]);
    }
}

#[test]
fn open_dimensions_have_no_default() {
    let error = import_with(&open_dims(), &["x:2=5"]).expect_err("open");
    assert!(matches!(&error, ImportError::UnboundDim { axis: 0, .. }));
    let text = error.to_string();
    assert!(text.contains("input `x`, axis 0") && text.contains("--dim batch=VALUE"), "{text}");
    let text = import_with(&open_dims(), &["batch=2"]).expect_err("open").to_string();
    assert!(text.contains("--dim x:2=VALUE"), "{text}");
}

#[test]
fn a_binding_that_binds_nothing_is_refused() {
    let dims = ["batch=2", "x:2=5", "bath=1"];
    let error = import_with(&open_dims(), &dims).expect_err("misspelt");
    assert!(error.to_string().contains("`--dim bath` binds nothing"), "{error}");
    // Nor does one bind a dimension that is fixed already.
    let dims = ["batch=2", "x:2=5", "x:1=4"];
    assert!(matches!(import_with(&open_dims(), &dims), Err(ImportError::UnknownDim { .. })));
}

#[test]
fn inspection_of_open_dimensions_still_lists_nodes() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let path = folder.path().join("open.onnx");
    std::fs::write(&path, open_dims().encode_to_vec()).expect("written");
    let report = inspect(&path, &ImportOptions::default()).expect("well-formed");
    assert!(matches!(report.error, Some(ImportError::UnboundDim { .. })));
    assert_eq!(report.nodes[0].status, NodeStatus::Unknown);
    assert!(report.graph.is_none());
}

#[test]
fn initializers_that_are_also_inputs_are_constants() {
    let proto = model(8, &[2], vec![node("Add", &["x", "c"], &["y"])]);
    let mut proto = with_initializers(proto, vec![floats("c", &[2], &[1.0, 2.0])]);
    graph(&mut proto).input.push(value("c", DataType::Float, &[2]));
    let model = import(&proto).expect("imports");
    assert_eq!(model.graph.inputs().len(), 1);
    assert_eq!(run(&model, &[10.0, 20.0]), [11.0, 22.0]);
}

#[test]
fn unused_inputs_stay_in_the_interface() {
    let mut proto = model(17, &[2], vec![node("Relu", &["x"], &["y"])]);
    graph(&mut proto).input.push(value("unused", DataType::Float, &[4]));
    let model = import(&proto).expect("imports");
    assert_eq!(model.graph.inputs().len(), 2);
}

#[test]
fn whole_numbers_and_truth_values_come_in_and_go_out() {
    for dtype in [DataType::Int64, DataType::Int32, DataType::Int16, DataType::Uint8] {
        let mut proto = model(17, &[3], vec![node("Less", &["x", "i"], &["y"])]);
        let g = graph(&mut proto);
        g.input = vec![value("x", dtype, &[3]), value("i", dtype, &[3])];
        g.output[0] = value("y", DataType::Bool, &[3]);
        let imported = import(&proto).expect("imports").graph;
        assert!(imported.inputs().iter().all(|id| imported.get(*id).integer), "{dtype:?}");
        let (_, y) = &imported.outputs()[0];
        assert!(imported.get(*y).integer);
        let of =
            |data: Vec<f32>| Tensor::new(Shape::new(vec![3]).expect("small"), data).expect("3");
        let trace = float::run(&imported, &[of(vec![1., 2., 3.]), of(vec![2., 2., 2.])]);
        assert_eq!(trace.expect("runs").outputs()[0], &of(vec![1., 0., 0.]));
    }
}
