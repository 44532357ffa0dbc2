//! Every operator in every version against onnxruntime: `fixtures/make_ops.py` writes the models
//! and the expected outputs.

use std::{collections::BTreeMap, path::Path};

use zkml_core::{
    exec::float,
    io::parse_npz,
    ir::Graph,
    onnx::{ImportOptions, from_bytes},
    tensor::{Shape, Tensor},
};

struct Case {
    name: String,
    model: Vec<u8>,
    x: Vec<f32>,
    shape: Shape,
    y: Vec<f32>,
}

/// The cases of `ops.npz`, all arrays of which are laid end to end.
fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ops.npz");
    let bytes = std::fs::read(path).expect("fixture");
    let mut arrays: BTreeMap<String, _> = parse_npz(&bytes, "ops.npz")
        .expect("fixture")
        .into_iter()
        .map(|(name, tensor)| (name, tensor.into_data().into_iter()))
        .collect();
    let mut take = |name: &str, count: usize| -> Vec<f32> {
        let rest = arrays.get_mut(name).expect("member");
        rest.by_ref().take(count).collect()
    };
    let names: Vec<u8> = take("names", usize::MAX).iter().map(|byte| *byte as u8).collect();
    let names = String::from_utf8(names).expect("UTF-8");
    let mut cases = Vec::new();
    for name in names.lines() {
        let mut length = |name: &str| take(name, 1)[0] as usize;
        let (model, x, rank) = (length("models_len"), length("x_len"), length("y_rank"));
        let dims = take("y_shape", rank).iter().map(|dim| *dim as usize).collect();
        let shape = Shape::new(dims).expect("small");
        cases.push(Case {
            name: name.to_owned(),
            model: take("models", model).iter().map(|byte| *byte as u8).collect(),
            x: take("x", x),
            y: take("y", shape.len()),
            shape,
        });
    }
    assert!(arrays.values_mut().all(|rest| rest.next().is_none()), "data is left over");
    cases
}

/// The inputs are laid end to end in `x`.
fn run(graph: &Graph, mut x: &[f32]) -> Result<Tensor<f32>, String> {
    let mut inputs = Vec::new();
    for id in graph.inputs() {
        let shape = graph.get(*id).shape.clone();
        let (data, rest) = x.split_at_checked(shape.len()).ok_or("inputs are missing")?;
        x = rest;
        inputs.push(Tensor::new(shape, data.to_vec()).expect("its length"));
    }
    if !x.is_empty() {
        return Err("inputs are left over".into());
    }
    let trace = float::run(graph, &inputs).map_err(|error| error.to_string())?;
    Ok(trace.outputs()[0].clone())
}

fn check(case: &Case, got: &Tensor<f32>) -> Result<(), String> {
    if got.shape() != &case.shape {
        return Err(format!("{}: shape {}, expected {}", case.name, got.shape(), case.shape));
    }
    for (i, (got, expected)) in got.data().iter().zip(&case.y).enumerate() {
        if (got - expected).abs() > 2e-6 * expected.abs().max(1.0) {
            return Err(format!("{}: element {i} is {got}, expected {expected}", case.name));
        }
    }
    Ok(())
}

#[test]
fn operators_agree_with_onnxruntime_in_every_version() {
    let cases = cases();
    assert!(cases.len() > 2500, "only {} cases", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        for optimise in [false, true] {
            let mut options = ImportOptions::default();
            options.optimise = optimise;
            match from_bytes(&case.model, None, &options) {
                Ok(model) => match run(&model.graph, &case.x) {
                    Ok(got) => failures.extend(check(case, &got).err()),
                    Err(error) => failures.push(format!("{}: {error}", case.name)),
                },
                Err(error) => failures.push(format!("{}: {error}", case.name)),
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// The comparison above can fail.
#[test]
fn a_wrong_output_is_noticed() {
    let mut cases = cases();
    let case = cases.iter_mut().find(|case| case.name == "gemm_13").expect("there");
    let model = from_bytes(&case.model, None, &ImportOptions::default()).expect("imports");
    let got = run(&model.graph, &case.x).expect("the model runs");
    check(case, &got).expect("right");
    case.y[0] += 1e-3;
    assert!(check(case, &got).is_err());
}
