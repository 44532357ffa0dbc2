//! Examples of zkml: nothing to depend on.
//!
//! * `embed.rs`: from an ONNX file to a proof that a contract accepts, within a program;
//! * `verify_only.rs`: checking a proof that somebody else made;
//! * `verify_wasm.rs`: the same in WebAssembly, called by `verify_wasm.mjs`;
//! * `models/`: trained models with samples and the outputs of onnxruntime.
