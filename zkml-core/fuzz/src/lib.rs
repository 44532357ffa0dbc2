//! What fuzz targets share: mutators of models, files and texts, programs built from bytes, a count of
//! the memory that a call takes.

pub mod bytes;
pub mod data;
pub mod dice;
pub mod graph;
pub mod memory;
pub mod model;
pub mod program;
pub mod seeds;
pub mod srs;
pub mod text;
