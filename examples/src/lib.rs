//! Examples of zkml: nothing to depend on.
//!
//! * `embed.rs`: from an ONNX file to a proof that a contract accepts, within a program;
//! * `verify_only.rs`: checking a proof that somebody else made;
//! * `models/`: trained models with samples and the outputs of onnxruntime.
