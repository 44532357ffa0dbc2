//! What the fuzz targets of `targets/` share: models mutated as models, programs built from bytes.

pub mod model;
pub mod program;
