//! The transformer examples, from the file to the EVM.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use zkml::{
    CompileOptions, ErrorClass, Keys, Model, Program, Proof, Srs, Tensor,
    core::{
        exec::integer::Executor,
        io::{Arrays, InputSpec, inputs, samples, tokens},
        quant::compile_with_sources,
        report::PerplexitySource,
    },
    solidity::{self, Fork, Verdict},
};

struct Example {
    directory: PathBuf,
    model: Model,
    specs: Vec<InputSpec>,
    program: Program,
}

impl Example {
    /// Compiled with the default settings.
    fn new(name: &str, calibration: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models").join(name);
        let model = Model::from_onnx(directory.join("model.onnx")).unwrap();
        let specs = InputSpec::of_graph(model.graph());
        assert!(specs.iter().all(|spec| spec.integer), "ids and masks: {specs:?}");
        let read = Arrays::read(&directory.join(calibration)).unwrap();
        let calibration = samples(read, &specs, calibration).unwrap();
        let options = CompileOptions::default().calibrate(&calibration).unwrap();
        let program = model.compile(&options).unwrap();
        Self { directory, model, specs, program }
    }

    fn read(&self, name: &str) -> Arrays {
        Arrays::read(&self.directory.join(name)).unwrap()
    }

    fn input(&self) -> Vec<Tensor<f32>> {
        inputs(self.read("input.json"), &self.specs, "input.json").unwrap()
    }

    /// Rows of the samples whose greatest logit is onnxruntime's, of all rows.
    fn agreement(&self, file: &str) -> (usize, usize) {
        let program = self.program.compiled().program();
        let executor = Executor::new(program).unwrap();
        let Arrays::Single(expected) = self.read("expected.npy") else { panic!("one array") };
        let classes = *expected.shape().dims().last().unwrap();
        let cases = samples(self.read(file), &self.specs, file).unwrap();
        let mut expected = expected.data().chunks(classes);
        let (mut equal, mut rows) = (0, 0);
        for case in &cases {
            let outputs = executor.run_real(case).unwrap().outputs(program);
            for got in outputs[0].data().chunks(classes) {
                equal += usize::from(argmax(got) == argmax(expected.next().unwrap()));
                rows += 1;
            }
        }
        assert!(cases.len() == 20 && expected.next().is_none());
        (equal, rows)
    }

    /// Proves the example's input; checked here and in the EVM, honest and changed.
    fn prove(&self) -> (Keys, Proof) {
        let keys = self.program.setup(&Srs::development(self.program.k()).unwrap()).unwrap();
        let proof = keys.proving_key().prove(&self.input()).unwrap();
        let key = keys.verifying_key();
        key.verify(&proof).unwrap();
        let (outcome, _) = solidity::evm_verify(key, &proof, Fork::Cancun).unwrap();
        assert!(matches!(outcome.verdict, Verdict::Accepted { .. }));
        let words = proof.words().len();
        for place in [0, words / 2, words - 1] {
            let forged = with_word(&proof, place);
            let refused = key.verify(&forged).unwrap_err();
            assert_eq!(refused.class(), ErrorClass::Negative, "word {place}: {refused}");
        }
        (keys, proof)
    }
}

/// The first of the greatest.
fn argmax<T: PartialOrd + Copy>(values: &[T]) -> usize {
    (0..values.len()).rev().fold(0, |best, i| if values[i] >= values[best] { i } else { best })
}

/// A proof with one public word changed.
fn with_word(proof: &Proof, place: usize) -> Proof {
    let mut document: Value = serde_json::from_str(&proof.to_json()).unwrap();
    let word = document["instances"][place].as_str().unwrap().to_owned();
    let (head, last) = word.split_at(word.len() - 1);
    let last = u32::from_str_radix(last, 16).unwrap();
    document["instances"][place] = format!("{head}{:x}", (last + 1) % 16).into();
    Proof::from_json(document.to_string().as_bytes()).unwrap()
}

#[test]
fn nanogpt() {
    let example = Example::new("nanogpt", "calib.npy");
    let (model, compiled) = (&example.model, example.program.compiled());
    let mut report = example.program.report().unwrap().clone();
    // 256 windows of 16 characters.
    assert_eq!(report.outputs[0].agreement.rows.count, 4096);
    assert!(report.agreement() >= 0.99, "{report}");
    let own = report.perplexity.clone().unwrap();
    assert_eq!((own.source, own.tokens, own.rejected), (PerplexitySource::Samples, 3840, 0));
    assert!(own.relative.abs() < 0.01, "{own}");

    let text = tokens(example.read("tokens.npy"), "tokens.npy").unwrap();
    let settings = example.program.settings().unwrap();
    let quantised = compile_with_sources(model.graph(), settings).unwrap();
    assert_eq!(&quantised.program, compiled.program());
    report.score_text(model.graph(), &quantised, &text).unwrap();
    let held_out = report.perplexity.clone().unwrap();
    assert_eq!((held_out.source, held_out.tokens), (PerplexitySource::Text, 2048));
    assert_eq!(held_out.rejected, 0, "{held_out}");
    assert!(held_out.relative.abs() < 0.01, "{held_out}");
    assert!((held_out.float - 5.525).abs() < 0.01, "{held_out}");

    let (equal, rows) = example.agreement("samples.npy");
    assert!(rows == 320 && equal * 100 >= rows * 99, "{equal} of {rows}");
    let (keys, _) = example.prove();

    // An id beyond the vocabulary, and one that is none.
    for (id, part) in [(65.0, "Gather"), (-1.0, "Gather"), (0.5, "ids")] {
        let mut data = example.input()[0].data().to_vec();
        data[3] = id;
        let ids = Tensor::new(example.specs[0].shape.clone(), data).unwrap();
        let refused = keys.proving_key().prove(&[ids]).unwrap_err();
        assert_eq!(refused.class(), ErrorClass::Invalid, "{refused}");
        assert!(refused.to_string().contains(part), "{id}: {refused}");
    }
}

#[test]
fn bert_aspect() {
    let example = Example::new("bert_aspect", "calib.npz");
    let report = example.program.report().unwrap();
    assert_eq!(report.rejected.count, 0, "{report}");
    assert!(report.agreement() >= 0.98, "{report}");
    assert_eq!(report.perplexity, None);
    let (equal, rows) = example.agreement("samples.npz");
    assert!(rows == 20 && equal == 20, "{equal} of {rows}");
    example.prove();
}
