//! Mutations of whole models: of every kind of cell of every operation the first, the last and some between
//! are changed in an otherwise honest witness, by a stated seed, and the row-by-row checker must notice;
//! what nothing reads, it must not. `data/mutations.md` counts what was tried, and is stale when a
//! model's plan has other kinds of cells.
//!
//! Small models here; `ZKML_MUTATIONS=all` takes all examples (half an hour on two cores, most of it nanogpt), `ZKML_MUTATIONS=NAME,..`
//! some. `ZKML_BLESS=1` writes the rows of those that were tried.

mod machine_common;
mod plonk_common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::{Path, PathBuf},
};

use halo2curves::bn256::Fr;
use machine_common::{Subject, every_cell, sample, tampered};
use zkml_circuits::{model::CompileConfig, plan::Objective};
use zkml_core::{
    exec::integer::Executor,
    io::{Arrays, InputSpec, samples},
    onnx::{ImportOptions, load},
    quant::search_suited,
};

const SEED: u64 = 20_261_128;
/// Cells of a kind between the first and the last.
const BETWEEN: usize = 1;
/// Tried by every run of the tests.
const QUICK: [(&str, Objective); 2] =
    [("mlp_wine", Objective::Prover), ("mlp_iris_batch8", Objective::Gas)];
/// What there is.
const ALL: [(&str, Objective); 11] = [
    ("mlp_wine", Objective::Prover),
    ("mlp_iris_batch8", Objective::Gas),
    ("mlp_digits", Objective::Prover),
    ("mlp_digits", Objective::Gas),
    ("credit_boosted", Objective::Prover),
    ("credit_forest", Objective::Prover),
    ("lenet_digits", Objective::Prover),
    ("bert_aspect", Objective::Prover),
    ("resnet8", Objective::Prover),
    ("nanogpt", Objective::Prover),
    ("nanogpt", Objective::Memory),
];

const HEAD: &str = "# Mutations

Written by `machine_mutations.rs` with `ZKML_BLESS=1` (`ZKML_MUTATIONS=all` for all rows). Of each kind of advice cell (role, place in its segment,
live, dead or idle lane, padding, first and last rows, multiplicities, helpers, accumulators, junk) of each operation the first, the last and one
more, by a stated seed, are changed in an honest witness, and all public words. *Survivors* are changes of cells that a constraint must bind which the
checker accepts; *free* cells are those that nothing reads, of which it must accept every change.

| model | machine | k | operations | kinds of cells | pairs of both | cells changed | words changed | free | survivors |
|---|---|---|---|---|---|---|---|---|---|
";

#[test]
fn every_kind_of_cell_of_every_operation_is_bound() {
    let chosen = match std::env::var("ZKML_MUTATIONS") {
        Ok(names) if names == "all" => ALL.to_vec(),
        Ok(names) => ALL.into_iter().filter(|(m, _)| names.split(',').any(|n| n == *m)).collect(),
        Err(_) => QUICK.to_vec(),
    };
    assert!(!chosen.is_empty(), "ZKML_MUTATIONS names no example");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/mutations.md");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let mut rows: BTreeMap<String, String> = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| model"))
        .map(|line| (key(line), line.to_owned()))
        .collect();
    let mut fresh = Vec::new();
    for (model, objective) in chosen {
        let row = mutated(model, objective);
        eprintln!("{row}");
        fresh.push(row);
    }
    if std::env::var_os("ZKML_BLESS").is_some() {
        rows.extend(fresh.iter().map(|row| (key(row), row.clone())));
        let mut text = HEAD.to_owned();
        for row in rows.values() {
            writeln!(text, "{row}").expect("to a string");
        }
        std::fs::write(&path, text).expect("can be written");
    }
    for row in fresh {
        let written = rows.get(&key(&row));
        assert_eq!(written, Some(&row), "mutations.md is stale; run again with ZKML_BLESS=1");
    }
}

/// Model and machine of a row.
fn key(row: &str) -> String {
    row.split('|').skip(1).take(2).map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Changes cells of an example model; the row of the report.
fn mutated(model: &str, objective: Objective) -> String {
    let subject = example(model, objective);
    let honest = subject.satisfied(&subject.words, &mut subject.honest());
    assert!(honest, "{model}: the honest witness");
    let cells = every_cell(&subject);
    let sampled = sample(&cells, BETWEEN, SEED);
    let (mut free, mut survivors) = (0, Vec::new());
    for (cell, small) in sampled.iter().zip([true, false].into_iter().cycle()) {
        // By the least that there is, and by what no table holds.
        let change = if small { Fr::one() } else { -Fr::from(1 << 40) };
        let ok = subject.satisfied(&subject.words, &mut tampered(&subject, cell, change));
        match (cell.bound, ok) {
            (true, true) => survivors.push(cell),
            (false, false) => panic!("{model}: {cell:?} is free and its change is noticed"),
            (bound, _) => free += usize::from(!bound),
        }
    }
    assert!(survivors.is_empty(), "{model}: {survivors:?} changed, and nothing noticed");
    // Words: the first, the last and every tenth.
    let last = subject.words.len().saturating_sub(1);
    let words: BTreeSet<usize> =
        (0..subject.words.len()).filter(|w| w % 10 == 0 || *w == last).collect();
    for word in &words {
        let mut changed = subject.words.clone();
        changed[*word] += Fr::one();
        let ok = subject.satisfied(&changed, &mut subject.honest());
        assert!(!ok, "{model}: word {word} changed, and nothing noticed");
    }

    let distinct = |of: &dyn Fn(usize) -> String| -> usize {
        (0..sampled.len()).map(of).collect::<BTreeSet<_>>().len()
    };
    let ops: BTreeSet<&str> =
        cells.iter().map(|c| c.op.as_str()).filter(|op| !op.is_empty()).collect();
    let kinds = distinct(&|at| sampled[at].kind.clone());
    let pairs = distinct(&|at| format!("{} / {}", sampled[at].kind, sampled[at].op));
    let all: BTreeSet<_> = cells.iter().map(|c| (&c.kind, &c.op)).collect();
    assert_eq!(pairs, all.len(), "{model}: every pair is tried");
    let rows = &subject.plan().rows;
    format!(
        "| {model} | {} | {} | {} | {kinds} | {pairs} | {} | {} | {free} | 0 |",
        rows.profile,
        rows.k,
        ops.len(),
        sampled.len(),
        words.len(),
    )
}

/// An example with the inputs that lie beside it, as the command line compiles it.
fn example(model: &str, objective: Objective) -> Subject {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models").join(model);
    let imported = load(folder.join("model.onnx"), &ImportOptions::default()).expect("imports");
    let specs = InputSpec::of_graph(&imported.graph);
    let read = |file: &str| {
        let arrays = Arrays::read(&folder.join(file)).expect("there");
        samples(arrays, &specs, file).expect("samples")
    };
    let npz = folder.join("calib.npz").exists();
    let calibration = read(if npz { "calib.npz" } else { "calib.npy" });
    let found = search_suited(&imported.graph, &calibration, None, None).expect("calibrates");
    let program = found.compiled.program;
    let executor = Executor::new(&program).expect("well-formed");
    let trace = executor.run_real(&calibration[0]).expect("in range");
    let config = CompileConfig { objective, ..CompileConfig::default() };
    Subject::of_run(program, &config, trace)
}
