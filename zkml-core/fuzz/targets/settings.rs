//! Text to the settings of a quantisation, TOML as the command line reads it or JSON: what is accepted is
//! written and read as it was, and compiles a model to a program that runs, or not at all.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::sync::LazyLock;
use zkml_core::{
    exec::integer::Executor,
    ir::Graph,
    onnx::{ImportOptions, from_bytes},
    quant::{CalibrationOptions, Settings, calibrate, compile},
};
use zkml_core_fuzz::{bytes::mutate_with, dice::Dice, graph::sample, memory::bounded, seeds, text};

/// Models that the settings may be those of.
static GRAPHS: LazyLock<Vec<Graph>> = LazyLock::new(|| {
    let models = [
        &include_bytes!("../../../examples/models/mlp_iris_batch8/model.onnx")[..],
        include_bytes!("../../../examples/models/mlp_wine/model.onnx"),
        include_bytes!("../../../examples/models/credit_boosted/model.onnx"),
    ];
    let import =
        |bytes| from_bytes(bytes, None, &ImportOptions::default()).expect("an example").graph;
    models.into_iter().map(import).collect()
});

fuzz_target!(init: begin(), |data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let limit = 256 * data.len() + (1 << 20);
    let toml = bounded(limit, || toml::from_str::<Settings>(text)).map_err(|e| e.to_string()).ok();
    let json = bounded(limit, || serde_json::from_str::<Settings>(text)).map_err(|e| e.to_string()).ok();
    for settings in toml.into_iter().chain(json) {
        if settings.check().map_err(|e| e.to_string()).is_err() {
            assert!(GRAPHS.iter().all(|graph| compile(graph, &settings).is_err()));
            continue;
        }
        match toml::to_string_pretty(&settings) {
            Ok(written) => assert_eq!(toml::from_str::<Settings>(&written).as_ref(), Ok(&settings)),
            // TOML's numbers are those of 64 bits with a sign.
            Err(error) => assert!(i64::try_from(settings.samples).is_err(), "{error}"),
        }
        let written = serde_json::to_string(&settings).expect("names and finite numbers");
        assert_eq!(serde_json::from_str::<Settings>(&written).expect("as written"), settings);
        for graph in &*GRAPHS {
            let compiled = compile(graph, &settings).map_err(|e| e.to_string());
            let Ok(program) = compiled else { continue };
            let executor = Executor::new(&program).expect("compiled");
            let _ = executor.run_real(&sample(graph)).map_err(|e| e.to_string());
        }
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_with(data, size, max_size, |bytes| text::change(bytes, &mut Dice::new(seed)))
});

fn begin() {
    for (i, graph) in GRAPHS.iter().enumerate() {
        let options = CalibrationOptions::default();
        let settings = calibrate(graph, &[sample(graph)], &options).expect("finite numbers");
        let text = toml::to_string_pretty(&settings).expect("names and numbers");
        seeds::write(&format!("model-{i}.toml"), text.as_bytes());
        let text = serde_json::to_string(&settings).expect("names and finite numbers");
        seeds::write(&format!("model-{i}.json"), text.as_bytes());
    }
}
