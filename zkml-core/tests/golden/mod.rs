//! Models with the outputs that onnxruntime gives, as `fixtures/golden.py` and `make_ops.py` lay them
//! end to end.

#![allow(dead_code, unreachable_pub, reason = "each test file uses another part")]

use std::{collections::BTreeMap, path::Path};

use zkml_core::{
    exec::float,
    io::parse_npz,
    ir::Graph,
    onnx::{ImportOptions, from_bytes},
    tensor::{Shape, Tensor},
};

pub struct Case {
    pub name: String,
    pub model: Vec<u8>,
    /// All inputs.
    pub x: Vec<f32>,
    /// Of the output, or the number of elements of several.
    pub shape: Shape,
    /// All outputs.
    pub y: Vec<f32>,
}

/// The cases of a fixture, all arrays of which are laid end to end.
pub fn cases(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
    let bytes = std::fs::read(path).expect("fixture");
    let mut arrays: BTreeMap<String, _> = parse_npz(&bytes, file)
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

/// The inputs of `graph`, which are laid end to end in `x`.
pub fn inputs(graph: &Graph, mut x: &[f32]) -> Result<Vec<Tensor<f32>>, String> {
    let mut inputs = Vec::new();
    for id in graph.inputs() {
        let shape = graph.get(*id).shape.clone();
        let (data, rest) = x.split_at_checked(shape.len()).ok_or("inputs are missing")?;
        x = rest;
        inputs.push(Tensor::new(shape, data.to_vec()).expect("its length"));
    }
    if x.is_empty() { Ok(inputs) } else { Err("inputs are left over".into()) }
}

/// The output of `graph`, or all elements of several.
pub fn run(graph: &Graph, x: &[f32]) -> Result<Tensor<f32>, String> {
    let trace = float::run(graph, &inputs(graph, x)?).map_err(|error| error.to_string())?;
    let outputs = trace.outputs();
    if let [only] = outputs.as_slice() {
        return Ok((*only).clone());
    }
    let all: Vec<f32> = outputs.iter().flat_map(|output| output.data()).copied().collect();
    Ok(Tensor::new(Shape::new(vec![all.len()]).expect("small"), all).expect("its length"))
}

/// Compares with the outputs of a case, up to `tolerance` times their magnitude or 1.
pub fn check(case: &Case, got: &Tensor<f32>, tolerance: f32) -> Result<(), String> {
    if got.shape() != &case.shape {
        return Err(format!("{}: shape {}, expected {}", case.name, got.shape(), case.shape));
    }
    for (i, (got, expected)) in got.data().iter().zip(&case.y).enumerate() {
        if (got - expected).abs() > tolerance * expected.abs().max(1.0) {
            return Err(format!("{}: element {i} is {got}, expected {expected}", case.name));
        }
    }
    Ok(())
}

/// Runs all cases in the float executor, as they are and optimised.
pub fn check_all(cases: &[Case], tolerance: f32) {
    let mut failures = Vec::new();
    for case in cases {
        for optimise in [false, true] {
            let mut options = ImportOptions::default();
            options.optimise = optimise;
            match from_bytes(&case.model, None, &options) {
                Ok(model) => match run(&model.graph, &case.x) {
                    Ok(got) => failures.extend(check(case, &got, tolerance).err()),
                    Err(error) => failures.push(format!("{}: {error}", case.name)),
                },
                Err(error) => failures.push(format!("{}: {error}", case.name)),
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
