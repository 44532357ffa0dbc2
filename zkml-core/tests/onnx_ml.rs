//! Operators of ai.onnx.ml: against onnxruntime (`fixtures/make_ml.py`), what is refused, and the forests of
//! `examples/models` in integers.

mod golden;
mod onnx_build;

use std::path::{Path, PathBuf};

use golden::{cases, check, check_all, run};
use onnx_build::*;
use zkml_core::{
    exec::{float, integer::Executor},
    io::{Arrays, InputSpec, parse_npy, samples},
    onnx::{
        ImportOptions, from_bytes, load,
        proto::{
            AttributeProto, ModelProto, NodeProto, OperatorSetIdProto,
            attribute_proto::AttributeType, tensor_proto::DataType, type_proto,
        },
    },
    quant::{CalibrationOptions, calibrate, compile},
    tensor::Tensor,
};

const TOLERANCE: f32 = 2e-6;

#[test]
fn operators_agree_with_onnxruntime_in_every_version() {
    let cases = cases("ml.npz");
    assert!(cases.len() > 180, "only {} cases", cases.len());
    check_all(&cases, TOLERANCE);
}

/// The comparison above can fail, in labels and in scores.
#[test]
fn wrong_outputs_are_noticed() {
    let mut cases = cases("ml.npz");
    let case = cases.iter_mut().find(|case| case.name == "cls_none_3").expect("there");
    let model = from_bytes(&case.model, None, &ImportOptions::default()).expect("imports");
    let got = run(&model.graph, &case.x).expect("the model runs");
    check(case, &got, TOLERANCE).expect("right");
    for i in [0, case.y.len() - 1] {
        case.y[i] += 1e-3;
        assert!(check(case, &got, TOLERANCE).is_err());
        case.y[i] -= 1e-3;
    }
}

fn attribute(name: &str, r#type: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.into()), r#type: Some(r#type as i32), ..Default::default() }
}

fn floats_of(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto { floats: values.to_vec(), ..attribute(name, AttributeType::Floats) }
}

/// A node of ai.onnx.ml, the only one of a model with input `x`, `[2, 3]`.
fn ml(version: i64, op: &str, outputs: &[&str], attributes: Vec<AttributeProto>) -> ModelProto {
    let node = NodeProto { domain: Some("ai.onnx.ml".into()), ..node(op, &["x"], outputs) };
    let mut proto = model(14, &[2, 3], vec![with(node, attributes)]);
    let domain = Some("ai.onnx.ml".into());
    // Exports of XGBoost import nothing else.
    proto.opset_import = vec![OperatorSetIdProto { domain, version: Some(version) }];
    proto
}

/// A tree with one decision and weights for its leaves.
fn tree() -> Vec<AttributeProto> {
    vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[2, 0, 0]),
        strings("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
        floats_of("nodes_values", &[0.5, 0.0, 0.0]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
    ]
}

fn regressor(change: impl FnOnce(&mut Vec<AttributeProto>)) -> ModelProto {
    let mut attributes = tree();
    attributes.extend([
        ints("target_treeids", &[0, 0]),
        ints("target_nodeids", &[1, 2]),
        ints("target_ids", &[0, 0]),
        floats_of("target_weights", &[1.5, -2.0]),
        int("n_targets", 1),
    ]);
    change(&mut attributes);
    ml(3, "TreeEnsembleRegressor", &["y"], attributes)
}

fn classifier(weights: &[f32], ids: &[i64], more: Vec<AttributeProto>) -> ModelProto {
    let mut attributes = tree();
    attributes.extend([
        ints("class_treeids", &vec![0; ids.len()]),
        ints("class_nodeids", &(0..ids.len()).map(|i| 1 + i as i64 % 2).collect::<Vec<_>>()),
        ints("class_ids", ids),
        floats_of("class_weights", weights),
    ]);
    attributes.extend(more);
    let mut proto = ml(3, "TreeEnsembleClassifier", &["label", "y"], attributes);
    graph(&mut proto).output.push(value("label", DataType::Int64, &[2]));
    proto
}

fn replace(attributes: &mut [AttributeProto], new: AttributeProto) {
    let old = attributes.iter_mut().find(|a| a.name() == new.name()).expect("there");
    *old = new;
}

#[test]
fn malformed_trees_are_errors() {
    import(&regressor(|_| ())).expect("a tree");
    let wrong: [(&str, AttributeProto); 13] = [
        ("leads to 7, which is none", ints("nodes_truenodeids", &[7, 0, 0])),
        ("`nodes_featureids` has 3, expected 0 to 2", ints("nodes_featureids", &[3, 0, 0])),
        ("`nodes_featureids` has -1", ints("nodes_featureids", &[-1, 0, 0])),
        ("`nodes_featureids` has 2 elements, expected 3", ints("nodes_featureids", &[0, 0])),
        ("two nodes of a tree have one number", ints("nodes_nodeids", &[0, 1, 1])),
        ("`nodes_modes` has \"BRANCH\"", strings("nodes_modes", &["BRANCH", "LEAF", "LEAF"])),
        ("`nodes_modes` is missing", strings("nodes_modes", &[])),
        ("`nodes_values` is NaN at 0", floats_of("nodes_values", &[f32::NAN, 0.0, 0.0])),
        ("`nodes_values` has 1 elements", floats_of("nodes_values", &[0.5])),
        ("a weight is of node 0 of tree 0, which is no leaf", ints("target_nodeids", &[0, 2])),
        ("`target_ids` has 1, expected 0 to 0", ints("target_ids", &[0, 1])),
        ("`weights` is inf at 0", floats_of("target_weights", &[f32::INFINITY, 1.0])),
        ("`n_targets` is 0", int("n_targets", 0)),
    ];
    for (expected, attribute) in wrong {
        let error = import(&regressor(|a| replace(a, attribute))).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}, expected {expected}");
    }
    // A loop, and a node with two parents.
    for (yes, no) in [(0, 2), (1, 1)] {
        let loops = regressor(|a| {
            replace(a, strings("nodes_modes", &["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"]));
            replace(a, ints("nodes_truenodeids", &[yes, 2, 0]));
            replace(a, ints("nodes_falsenodeids", &[no, 2, 0]));
            replace(a, ints("target_nodeids", &[2, 2]));
        });
        import(&loops).expect_err("no tree");
    }
    let both = regressor(|a| {
        a.push(int("base_values_as_tensor", 1));
    });
    assert!(import(&both).expect_err("an INT").to_string().contains("expected TENSOR"));
}

#[test]
fn what_onnx_does_not_decide_is_refused() {
    let labels = || ints("classlabels_int64s", &[0, 1]);
    import(&classifier(&[0.25, 0.5], &[0, 0], vec![labels()])).expect("probabilities");
    import(&classifier(
        &[0.25, -0.5],
        &[0, 0],
        vec![labels(), string("post_transform", "LOGISTIC")],
    ))
    .expect("a margin");
    // What it is, weights, classes, attributes.
    type Refused = (&'static str, &'static [f32], &'static [i64], Vec<AttributeProto>);
    let refused: [Refused; 9] = [
        ("negative weights without LOGISTIC", &[0.25, -0.5], &[0, 0], vec![]),
        (
            "a softmax of one score",
            &[0.25, 0.5],
            &[0, 0],
            vec![string("post_transform", "SOFTMAX")],
        ),
        (
            "a label, with LOGISTIC",
            &[0.25, 0.5],
            &[0, 0],
            vec![string("post_transform", "LOGISTIC")],
        ),
        ("second of two classes alone", &[0.25, 0.5], &[1, 1], vec![]),
        ("two base values", &[0.25, 0.5], &[0, 0], vec![floats_of("base_values", &[0.0, 0.0])]),
        (
            "base values beside",
            &[0.5; 4],
            &[0, 0, 1, 1],
            vec![floats_of("base_values", &[0.0, 0.0])],
        ),
        ("PROBIT", &[0.25, 0.5], &[0, 0], vec![string("post_transform", "PROBIT")]),
        ("the first node of a tree", &[0.25, 0.5], &[0, 0], vec![]),
        ("more than 16 bits", &[0.25, 0.5], &[0, 0], vec![]),
    ];
    for (expected, weights, ids, more) in refused {
        let mut more = more;
        let large = expected.contains("16 bits");
        more.push(if large { ints("classlabels_int64s", &[0, 32_768]) } else { labels() });
        let mut proto = classifier(weights, ids, more);
        if expected.contains("first node") {
            let attributes = &mut graph(&mut proto).node[0].attribute;
            replace(attributes, ints("nodes_nodeids", &[1, 0, 2]));
            replace(attributes, strings("nodes_modes", &["LEAF", "BRANCH_LEQ", "LEAF"]));
            replace(attributes, ints("nodes_truenodeids", &[0, 1, 0]));
            replace(attributes, ints("nodes_falsenodeids", &[0, 2, 0]));
        }
        let hints: Vec<_> = unsupported(&proto).into_iter().map(|item| item.hint).collect();
        assert!(hints.iter().any(|hint| hint.contains(expected)), "{hints:?}, expected {expected}");
    }
}

/// Two classes, three vectors of three features.
fn support_vectors(change: impl FnOnce(&mut Vec<AttributeProto>)) -> ModelProto {
    let mut attributes = vec![
        ints("classlabels_ints", &[4, 2]),
        floats_of("coefficients", &[0.5, -0.25, -0.25]),
        floats_of("kernel_params", &[0.5, 0.0, 3.0]),
        string("kernel_type", "RBF"),
        floats_of("rho", &[0.125]),
        floats_of("support_vectors", &[0.5; 9]),
        ints("vectors_per_class", &[1, 2]),
    ];
    change(&mut attributes);
    let mut proto = ml(1, "SVMClassifier", &["label", "y"], attributes);
    graph(&mut proto).output.push(value("label", DataType::Int64, &[2]));
    proto
}

#[test]
fn malformed_support_vectors_are_errors() {
    import(&support_vectors(|_| ())).expect("a classifier");
    let wrong: [(&str, AttributeProto); 10] = [
        ("`vectors_per_class` has 1 elements, expected 2", ints("vectors_per_class", &[3])),
        ("`vectors_per_class` has -1", ints("vectors_per_class", &[-1, 4])),
        ("`support_vectors` has 9 elements, expected 3", ints("vectors_per_class", &[1, 0])),
        ("`support_vectors` has 9 elements", ints("vectors_per_class", &[1, i64::MAX])),
        ("`coefficients` has 2 elements, expected 3", floats_of("coefficients", &[0.5, -0.5])),
        ("`rho` has 2 elements, expected 1", floats_of("rho", &[0.5, 0.5])),
        ("`support_vectors` is NaN at 0", floats_of("support_vectors", &[f32::NAN; 9])),
        ("`kernel_params` has 2 elements, expected 3", floats_of("kernel_params", &[0.5, 0.0])),
        ("`kernel_type` is \"rbf\"", string("kernel_type", "rbf")),
        ("`classlabels_ints` and `classlabels_strings` are missing", ints("classlabels_ints", &[])),
    ];
    for (expected, attribute) in wrong {
        let proto = support_vectors(|a| replace(a, attribute));
        let error = import(&proto).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}, expected {expected}");
    }
}

#[test]
fn support_vectors_that_onnx_does_not_decide_are_refused() {
    let poly = |degree| {
        support_vectors(|a| {
            replace(a, string("kernel_type", "POLY"));
            replace(a, floats_of("kernel_params", &[0.5, 0.0, degree]));
        })
    };
    import(&poly(2.0)).expect("a square");
    let plain = |more: Vec<AttributeProto>| {
        support_vectors(|a| {
            replace(a, ints("vectors_per_class", &[]));
            replace(a, floats_of("coefficients", &[0.5; 6]));
            a.extend(more);
        })
    };
    let single = support_vectors(|a| {
        replace(a, ints("classlabels_ints", &[4]));
    });
    let positive = |a: &mut Vec<_>| replace(a, floats_of("coefficients", &[0.5, 0.25, 0.25]));
    let refused = [
        ("a degree of 2.5", poly(2.5)),
        ("a degree of 0", poly(0.0)),
        ("coupled pairs", support_vectors(|a| a.push(floats_of("prob_a", &[-1.0])))),
        (
            "a softmax of one score",
            support_vectors(|a| a.push(string("post_transform", "SOFTMAX"))),
        ),
        ("without a negative coefficient", support_vectors(positive)),
        ("the label of a linear model", plain(vec![])),
        ("a single class", single),
    ];
    for (expected, proto) in refused {
        let hints: Vec<_> = unsupported(&proto).into_iter().map(|item| item.hint).collect();
        assert!(hints.iter().any(|hint| hint.contains(expected)), "{hints:?}, expected {expected}");
    }
    // The scores alone are the same for all.
    for mut proto in [support_vectors(positive), plain(vec![])] {
        graph(&mut proto).output.truncate(1);
        import(&proto).expect("the scores alone");
    }
    let regressor = |post: &str| {
        let attributes = vec![
            floats_of("coefficients", &[0.5; 3]),
            floats_of("rho", &[0.125]),
            string("post_transform", post),
        ];
        ml(1, "SVMRegressor", &["y"], attributes)
    };
    import(&regressor("NONE")).expect("a linear model");
    assert!(unsupported(&regressor("LOGISTIC"))[0].hint.contains("a transformation"));
}

#[test]
fn labels_that_are_strings_are_refused_where_they_are_wanted() {
    let names = || vec![strings("classlabels_strings", &["no", "yes"])];
    let mut proto = classifier(&[0.25, 0.5], &[0, 0], names());
    graph(&mut proto).output[1] = value("label", DataType::String, &[2]);
    let hints: Vec<_> = unsupported(&proto).into_iter().map(|item| item.hint).collect();
    assert!(hints.iter().any(|hint| hint.contains("`y` alone")), "{hints:?}");
    assert!(hints.iter().any(|hint| hint.contains("a tensor of string")), "{hints:?}");
    graph(&mut proto).output.truncate(1);
    import(&proto).expect("the probabilities alone");
}

#[test]
fn maps_are_probabilities_and_other_sequences_are_refused() {
    let zip = |labels: &[i64]| {
        let mut proto = ml(3, "ZipMap", &["y"], vec![ints("classlabels_int64s", labels)]);
        let sequence = type_proto::Value::SequenceType(Default::default());
        graph(&mut proto).output = vec![typed_value("y", sequence)];
        proto
    };
    let graph = import(&zip(&[4, 5, 6])).expect("three classes").graph;
    assert_eq!(graph.get(graph.outputs()[0].1).shape.dims(), [2, 3]);
    let error = import(&zip(&[4, 5])).expect_err("three columns").to_string();
    assert!(error.contains("has 2 elements, expected 3"), "{error}");
    let mut other = zip(&[4, 5, 6]);
    onnx_build::graph(&mut other).node[0].op_type = Some("Binarizer".into());
    onnx_build::graph(&mut other).node[0].attribute.clear();
    assert!(unsupported(&other)[0].hint.contains("it is a sequence"));
}

#[test]
fn versions_of_the_domain_are_known() {
    let binarizer = |version| ml(version, "Binarizer", &["y"], vec![]);
    import(&binarizer(5)).expect("known");
    assert!(unsupported(&binarizer(6))[0].hint.contains("up to 5"));
    assert!(unsupported(&binarizer(0))[0].hint.contains("opsets before 1"));
    let ensemble = import(&ml(3, "TreeEnsemble", &["y"], vec![])).expect_err("of version 5");
    assert!(ensemble.to_string().contains("from opset 5 on"), "{ensemble}");
    assert!(unsupported(&ml(3, "Scale", &["y"], vec![]))[0].hint.contains("not supported"));
    // In version 1 there are no tensors.
    let early = {
        let mut proto = regressor(|a| {
            a.push(tensor_attribute("base_values_as_tensor", floats("t", &[1], &[0.5])));
        });
        proto.opset_import[0].version = Some(1);
        proto
    };
    let error = import(&early).expect_err("of version 3").to_string();
    assert!(error.contains("`base_values_as_tensor` exists from opset 3 on"), "{error}");
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models").join(name)
}

/// The samples of a file, one tensor each.
fn read(name: &str, file: &str, specs: &[InputSpec]) -> Vec<Vec<Tensor<f32>>> {
    let bytes = std::fs::read(folder(name).join(file)).expect("the file");
    let array = parse_npy(&bytes, file).expect("an array");
    samples(Arrays::Single(array), specs, file).expect("samples")
}

#[test]
fn forests_on_raw_features_decide_as_onnxruntime_does() {
    // Name, largest error of a probability in integers.
    for (name, tolerance) in [("credit_forest", 0.004), ("credit_boosted", 0.01)] {
        let model = load(folder(name).join("model.onnx"), &ImportOptions::default());
        let model = model.expect("imports");
        let specs = InputSpec::of_graph(&model.graph);
        let calibration = read(name, "calib.npy", &specs);
        let options = CalibrationOptions { bits: 12, ..Default::default() };
        let settings = calibrate(&model.graph, &calibration, &options).expect("calibrates");
        let program = compile(&model.graph, &settings).expect("compiles");
        // An income of 150,000 beside a rate of 0.02, each column with ten bits at least.
        assert!(program.inputs.len() > 3, "{:?}", program.inputs);
        let executor = Executor::new(&program).expect("well-formed");
        let inputs = read(name, "samples.npy", &specs);
        let bytes = std::fs::read(folder(name).join("expected.npy")).expect("the file");
        let expected = parse_npy(&bytes, "expected.npy").expect("an array");
        let bytes = std::fs::read(folder(name).join("expected_labels.npy")).expect("the file");
        let labels = parse_npy(&bytes, "expected_labels.npy").expect("an array");
        assert_eq!(inputs.len(), 20);
        for (i, input) in inputs.iter().enumerate() {
            let [expected, label] = [&expected.data()[2 * i..2 * i + 2], &labels.data()[i..=i]];
            let trace = float::run(&model.graph, input).expect("runs");
            let [probabilities, class] = [trace.outputs()[0], trace.outputs()[1]];
            assert_eq!(class.data(), label, "{name}, sample {i}");
            let trace = executor.run_real(input).expect("in range");
            let integer = trace.real_outputs(&program);
            for ((e, f), q) in expected.iter().zip(probabilities.data()).zip(integer[0].data()) {
                assert!((e - f).abs() < 1e-5, "{name}, sample {i}: {f} in float, expected {e}");
                let error = (f64::from(*e) - q).abs();
                assert!(error < tolerance, "{name}, sample {i}: {q} in integers, expected {e}");
            }
            assert_eq!(integer[1].data()[0], f64::from(label[0]), "{name}, sample {i}");
        }
    }
}
