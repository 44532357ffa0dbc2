//! Bytes to a float graph: whatever the bytes, a graph or a typed error, soon and in little memory.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use zkml_core::onnx::{ImportOptions, from_bytes, inspect_bytes};
use zkml_core_fuzz::model::mutate;

fuzz_target!(|data: &[u8]| {
    let mut options = ImportOptions::default();
    let optimised = from_bytes(data, None, &options);
    options.optimise = false;
    // A description has a graph exactly where there is nothing against an import.
    match inspect_bytes(data, None, &options) {
        Ok(inspection) => {
            let importable = inspection.unsupported.is_empty() && inspection.error.is_none();
            assert_eq!(importable, inspection.graph.is_some());
            assert!(importable || optimised.is_err());
            // Errors are written, too.
            let _ = (inspection.error.map(|e| e.to_string()), optimised.map_err(|e| e.to_string()));
        }
        Err(error) => {
            assert!(optimised.is_err(), "{error}");
        }
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});
