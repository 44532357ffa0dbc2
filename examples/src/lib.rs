//! Examples of zkml: `embed` goes from an ONNX file to a verified proof, `verify_only` checks a
//! proof file. `models/` has trained models with the scripts that made them.
