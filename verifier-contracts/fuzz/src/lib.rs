//! What the fuzz targets of `targets/` share: honest keys, statements and proofs, and bytes changed by a
//! script that is the input of a target.

pub mod honest;
pub mod script;
