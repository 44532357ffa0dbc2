//! The official ONNX backend suite, proven: each case of at most [`MOST_ELEMENTS`] elements that has an
//! integer program (`zkml-core/tests/onnx_suite`) is laid out, keyed, proven and verified, and what
//! the proof says is what the integer executor computed; changed by one, it is rejected.
//!
//! Integers are narrow here, which makes tables and proofs small: precision is the other suite's
//! concern. `unproven.txt` lists the cases that have no proof and why; a test fails when one of them
//! gets one. `ZKML_BLESS=1` writes the list anew, `ZKML_ONNX_SUITE=FILE` takes other cases.

#[path = "../../zkml-core/tests/onnx_suite/case.rs"]
mod case;
#[path = "../../zkml-core/tests/onnx_suite/parameters.rs"]
mod parameters;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, LazyLock, Mutex},
};

use ff::Field;
use halo2curves::bn256::Fr;
use libtest_mimic::{Arguments, Failed, Trial};
use zkml::{
    CompileOptions, Model, Profile, Srs,
    core::{
        exec::integer::Executor,
        onnx::ImportOptions,
        quant::{CalibrationOptions, calibrate},
    },
};

use crate::case::Bound;

/// Most elements of an input or output.
const MOST_ELEMENTS: usize = 4096;

/// Reference strings made so far, by size.
static STRINGS: LazyLock<Mutex<BTreeMap<u32, Arc<Srs>>>> = LazyLock::new(Mutex::default);

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = std::env::var_os("ZKML_ONNX_SUITE").map(PathBuf::from);
    let cases = whole.unwrap_or_else(|| root.join("zkml-core/tests/onnx_suite/cases.zip"));
    let cases = case::read(&cases);
    let ops: BTreeMap<String, String> =
        cases.iter().map(|case| (case.name.clone(), case.op().to_owned())).collect();
    let passes = root.join("zkml-core/tests/onnx_suite/lists/passes.txt");
    let passes = std::fs::read_to_string(passes).expect("the list of what passes");
    let passes: BTreeMap<&str, &str> =
        passes.lines().filter_map(|line| line.split_once(' ')).collect();
    let list = root.join("tests/onnx_suite/unproven.txt");
    let unproven = std::fs::read_to_string(&list).unwrap_or_default();
    let unproven: BTreeMap<String, String> = unproven
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, why)| (name.to_owned(), why.to_owned()))
        .collect();

    let mut bound = Vec::new();
    for case in cases {
        // Of what is about constants nothing is proven.
        if passes.get(case.name.as_str()) != Some(&"integer") {
            continue;
        }
        let op = case.family(&ops);
        let count = case.model.graph.as_ref().map_or(0, |graph| graph.input.len());
        let data = parameters::data(&op, count, case.holds_integers());
        let case_bound = case.bind(&data, false).expect("it passes");
        if case_bound.elements() <= MOST_ELEMENTS {
            bound.push((case.name, case_bound));
        }
    }
    if std::env::var_os("ZKML_BLESS").is_some() {
        let mut text = String::new();
        for (name, case) in &bound {
            if let Err(why) = prove(case) {
                text.push_str(&format!("{name} {}\n", why.replace('\n', " ")));
            }
        }
        std::fs::write(list, text).expect("the list can be written");
        return ExitCode::SUCCESS;
    }
    let unproven = Arc::new(unproven);
    let trials = bound.into_iter().map(|(name, case)| {
        let unproven = unproven.clone();
        Trial::test(name.clone(), move || {
            let (listed, found) = (unproven.get(&name), prove(&case).err());
            if listed == found.as_ref() {
                return Ok(());
            }
            Err(Failed::from(format!("listed as {listed:?}, found {found:?}")))
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Everything from the model to a verified proof; an error says at which step it ended.
fn prove(case: &Bound) -> Result<(), String> {
    let says = |step: &str, error: &dyn std::fmt::Display| format!("{step}: {error}");
    let model = Model::from_bytes(&case.model, &ImportOptions::default())
        .map_err(|e| says("import", &e))?;
    let samples = [case.inputs.clone()];
    let narrow = CalibrationOptions { bits: 7, ..CalibrationOptions::narrow() };
    let settings =
        calibrate(model.graph(), &samples, &narrow).map_err(|e| says("calibrate", &e))?;
    // One machine for all, so that nothing is searched.
    let profile = Profile::standard().remove(0);
    let options = CompileOptions::default().settings(settings).profile(profile);
    let program = model.compile(&options).map_err(|e| says("compile", &e))?;

    let integers = program.compiled().program();
    let executor = Executor::new(integers).map_err(|e| says("program", &e))?;
    let trace = executor.run_real(&case.inputs).map_err(|e| says("run", &e))?;

    let keys = program.setup(&string(program.k())).map_err(|e| says("setup", &e))?;
    let proof = keys.proving_key().prove(&case.inputs).map_err(|e| says("prove", &e))?;
    let key = keys.verifying_key();
    key.verify(&proof).map_err(|e| says("verify", &e))?;
    for (stated, computed) in proof.outputs().iter().zip(trace.outputs(integers)) {
        if stated.integers != computed.data() {
            return Err(format!("the proof says {:?} of `{}`", stated.integers, stated.name));
        }
    }
    // Another last output.
    let mut words = proof.words().to_vec();
    *words.last_mut().ok_or("no words")? += Fr::ONE;
    match key.inner().verify(&words, proof.bytes()) {
        Ok(()) => Err("a proof of another output is accepted".into()),
        Err(_) => Ok(()),
    }
}

fn string(k: u32) -> Arc<Srs> {
    let mut strings = STRINGS.lock().expect("no panic in between");
    let make = || Arc::new(Srs::development(k).expect("a size that a machine has"));
    strings.entry(k).or_insert_with(make).clone()
}
