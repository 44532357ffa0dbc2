//! The gates of the machine. They depend on the profile only; a model is data in fixed columns.
//!
//! Symbols: `l` a lane, `m_l` its fixed mask, `q` the usable-rows column, `a` the active-rows
//! column, `[s]` the value one group later, `W` lanes. Every group gate carries the factor `a`,
//! because with a fold the control cells of a group are dealt over its rows and mean something
//! else when read from another row. Degree 5 in all.

mod logup;
mod public;
mod units;
mod vector;

use super::{MachineColumns, Profile};
use halo2_proofs::{halo2curves::bn256::Fr, plonk::ConstraintSystem};

/// Degree of the machine's constraint system, set explicitly: halo2-axiom silently caps the degree
/// at an environment variable otherwise.
pub const DEGREE: usize = 5;

/// Declares columns and gates of `profile`.
pub fn configure(cs: &mut ConstraintSystem<Fr>, profile: Profile) -> MachineColumns {
    cs.set_minimum_degree(DEGREE);
    let columns = MachineColumns::new(cs, profile);
    units::configure(cs, &columns);
    vector::configure(cs, &columns);
    logup::configure(cs, &columns);
    public::configure(cs, &columns);
    columns
}
