//! The transformer examples, from the file to the EVM.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod example;

use example::{Example, argmax};
use serde_json::Value;
use zkml::{
    CompileOptions, ErrorClass, Keys, Program, Proof, Srs, Tensor,
    core::{
        exec::integer::Executor, io::tokens, quant::compile_with_sources, report::PerplexitySource,
    },
    solidity::{self, Fork, Verdict},
};

/// A transformer, compiled with the default settings.
struct Transformer {
    example: Example,
    program: Program,
}

impl Transformer {
    fn new(name: &str, calibration: &str) -> Self {
        let example = Example::new(name);
        let specs = &example.specs;
        assert!(specs.iter().all(|spec| spec.integer), "ids and masks: {specs:?}");
        let options = CompileOptions::default().calibrate(&example.samples(calibration)).unwrap();
        let program = example.model.compile(&options).unwrap();
        Self { example, program }
    }

    /// Rows of the samples whose greatest logit is onnxruntime's, of all rows.
    fn agreement(&self, file: &str) -> (usize, usize) {
        let program = self.program.compiled().program();
        let executor = Executor::new(program).unwrap();
        let expected = self.example.array("expected.npy");
        let classes = *expected.shape().dims().last().unwrap();
        let cases = self.example.samples(file);
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
        let proof = keys.proving_key().prove(&self.example.input()).unwrap();
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
    let transformer = Transformer::new("nanogpt", "calib.npy");
    let (example, program) = (&transformer.example, &transformer.program);
    let (model, compiled) = (&example.model, program.compiled());
    let mut report = program.report().unwrap().clone();
    // 256 windows of 16 characters.
    assert_eq!(report.outputs[0].agreement.rows.count, 4096);
    assert!(report.agreement() >= 0.99, "{report}");
    let own = report.perplexity.clone().unwrap();
    assert_eq!((own.source, own.tokens, own.rejected), (PerplexitySource::Samples, 3840, 0));
    assert!(own.relative.abs() < 0.01, "{own}");

    let text = tokens(example.read("tokens.npy"), "tokens.npy").unwrap();
    let settings = program.settings().unwrap();
    let quantised = compile_with_sources(model.graph(), settings).unwrap();
    assert_eq!(&quantised.program, compiled.program());
    report.score_text(model.graph(), &quantised, &text).unwrap();
    let held_out = report.perplexity.clone().unwrap();
    assert_eq!((held_out.source, held_out.tokens), (PerplexitySource::Text, 2048));
    assert_eq!(held_out.rejected, 0, "{held_out}");
    assert!(held_out.relative.abs() < 0.01, "{held_out}");
    assert!((held_out.float - 5.525).abs() < 0.01, "{held_out}");

    let (equal, rows) = transformer.agreement("samples.npy");
    assert!(rows == 320 && equal * 100 >= rows * 99, "{equal} of {rows}");
    let (keys, _) = transformer.prove();

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
    let transformer = Transformer::new("bert_aspect", "calib.npz");
    let report = transformer.program.report().unwrap();
    assert_eq!(report.rejected.count, 0, "{report}");
    assert!(report.agreement() >= 0.98, "{report}");
    assert_eq!(report.perplexity, None);
    let (equal, rows) = transformer.agreement("samples.npz");
    assert!(rows == 20 && equal == 20, "{equal} of {rows}");
    transformer.prove();
}
