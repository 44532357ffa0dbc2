//! Vector unit: a small multiply-accumulate region over field elements that holds fingerprints.
//!
//! ```text
//! q Z - (z1 + z_rho rho + z_lambda lambda) Z[next row] - kab A B - ka A - kj j = 0
//! ```
//!
//! with fixed `z1 z_rho z_lambda kab ka kj`. One step a row, folded or not. A dot product has
//! `z1 = kab = 1`; a Horner run `z_rho = ka = 1` or `z_lambda = ka = 1`. An equation is a copy
//! constraint between two `Z`, or a `Z` and a unit.
//!
//! *Invariants.* Each `A` and `B` that a row uses is copied from a unit or another `Z`: phase 3
//! has nothing free. The linter checks it (Rule F). *Degree.* 3.

use super::super::{MachineColumns, VectorControl};
use halo2_proofs::{halo2curves::bn256::Fr, plonk::ConstraintSystem, poly::Rotation};

pub(super) fn configure(cs: &mut ConstraintSystem<Fr>, columns: &MachineColumns) {
    cs.create_gate("vector unit", |v| {
        let (here, next) = (Rotation::cur(), Rotation::next());
        let usable = v.query_fixed(columns.usable, here);
        let lambda = v.query_challenge(columns.challenges.lambda);
        let rho = v.query_challenge(columns.challenges.rho);
        let mut control = |c: VectorControl| v.query_fixed(columns.vector_control[c.index()], here);
        let step = control(VectorControl::One)
            + control(VectorControl::Rho) * rho
            + control(VectorControl::Lambda) * lambda;
        let product = control(VectorControl::Product);
        let linear = control(VectorControl::Linear);
        let junk_scale = control(VectorControl::Junk);
        let (a, b) = (v.query_advice(columns.a, here), v.query_advice(columns.b, here));
        let (z, z_next) = (v.query_advice(columns.z, here), v.query_advice(columns.z, next));
        let junk = v.query_advice(columns.junk, here);
        vec![usable * z - step * z_next - product * a.clone() * b - linear * a - junk_scale * junk]
    });
}
