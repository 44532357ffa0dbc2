//! Public words: one instance cell packs up to eight values of a group.
//!
//! ```text
//! a ((gx + gy) inst - sum_{l < 8} 2^(16 l) m_l (gx x_l + gy y_l + (gx + gy) 2^15)) = 0
//! ```
//!
//! with at most one of the fixed `gx`, `gy` set. The word stands at the group's active row of the
//! instance column.
//!
//! *Invariants.* Every packed cell is looked up in a table within `[-2^15, 2^15)` in its own row
//! (the linter checks), so the digits are the word's base-`2^16` digits, unique below `2^128`:
//! no carry into the neighbour, no second preimage modulo the field. The verifier rejects words
//! `>= r`. Digits of dead lanes are 0. *Degree.* 4.

use super::super::{
    Control, MachineColumns, Role,
    columns::{advice, fixed},
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Expression},
    poly::Rotation,
};

pub(super) fn configure(cs: &mut ConstraintSystem<Fr>, columns: &MachineColumns) {
    let profile = columns.profile();
    cs.create_gate("public words", |v| {
        let active = fixed(v, (columns.active, 0));
        let word = v.query_instance(columns.instance, Rotation::cur());
        let from_x = fixed(v, columns.control(Control::PublicX));
        let from_y = fixed(v, columns.control(Control::PublicY));
        let either = from_x.clone() + from_y.clone();
        let offset = Expression::Constant(Fr::from(1 << 15));
        let radix = Expression::Constant(Fr::from(1 << 16));
        let mut packed = Expression::Constant(Fr::zero());
        for lane in (0..profile.public_lanes()).rev() {
            let mask = fixed(v, columns.mask(lane));
            let x = advice(v, columns.lane(Role::X, lane), 0);
            let y = advice(v, columns.lane(Role::Y, lane), 0);
            let digit =
                mask * (from_x.clone() * x + from_y.clone() * y + either.clone() * offset.clone());
            packed = packed * radix.clone() + digit;
        }
        vec![active * (either * word - packed)]
    });
}
