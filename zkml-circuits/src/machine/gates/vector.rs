//! Vector unit: a small multiply-accumulate region over field elements that holds fingerprints.
//!
//! ```text
//! q Z - (u (1 - v) + u v lambda + (1 - u) v rho) Z[next row] - kab A B - ka A - kj j = 0
//! ```
//!
//! with fixed `u`, `v` (0 or 1) and `kab ka kj`. One step a row, folded or not. A dot product has
//! `u = kab = 1`; a Horner run `v = ka = 1`, and `u = 1` for base `lambda`. An equation is a copy
//! constraint between two `Z`, or a `Z` and a unit.
//!
//! *Invariants.* Each `A` and `B` that a row uses is copied from a unit or another `Z`: phase 3
//! has nothing free. The linter checks it (Rule F). *Degree.* 3.

use super::super::{MachineColumns, VectorControl};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Expression},
    poly::Rotation,
};

pub(super) fn configure(cs: &mut ConstraintSystem<Fr>, columns: &MachineColumns) {
    cs.create_gate("vector unit", |v| {
        let (here, next) = (Rotation::cur(), Rotation::next());
        let usable = v.query_fixed(columns.usable, here);
        let lambda = v.query_challenge(columns.challenges.lambda);
        let rho = v.query_challenge(columns.challenges.rho);
        let mut control = |c: VectorControl| v.query_fixed(columns.vector_control[c.index()], here);
        let next_row = control(VectorControl::Next);
        let power = control(VectorControl::Power);
        let one = Expression::Constant(Fr::one());
        let step = next_row.clone() * (one.clone() - power.clone() + power.clone() * lambda)
            + (one - next_row) * power * rho;
        let product = control(VectorControl::Product);
        let linear = control(VectorControl::Linear);
        let junk_scale = control(VectorControl::Junk);
        let (a, b) = (v.query_advice(columns.a, here), v.query_advice(columns.b, here));
        let (z, z_next) = (v.query_advice(columns.z, here), v.query_advice(columns.z, next));
        let junk = v.query_advice(columns.junk, here);
        vec![usable * z - step * z_next - product * a.clone() * b - linear * a - junk_scale * junk]
    });
}
