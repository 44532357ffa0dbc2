//! Lookups by logarithmic derivatives, in gates.
//!
//! Each lane looks up `(t_r, r, 0)`: the remainder's range, and `(t_f, x, y)`: the function, whose
//! domain is the range of `x`. With `f = alpha + tag + beta in + beta^2 out`,
//!
//! ```text
//! a (h f1 f2 f3 - f2 f3 - f1 f3 - f1 f2) = 0       three lookups a helper: h = 1/f1 + 1/f2 + 1/f3
//! a h' = 0                                         helper cells a group does not need
//! q (g t - m) = 0                                  t: the table row's f, m its multiplicity
//! q (q[1] S[1] - S - sum h + sum g) = 0            running sum over rows, closed at the last
//! (q - q q[-1]) S = 0                              and opened at the first
//! ```
//!
//! Lookup inputs are raw cells, so the degree is 5.
//!
//! *Invariants.* Row u of halo2 (`l_last`) is random, so the sum closes one row before, where
//! `q[1] = 0`. If two factors of a helper vanish together `h` is free; that needs `alpha = -f`,
//! within the bound. Tag 0 is the null table `(0, 0, 0)`: an inactive lookup forces its cells to
//! 0. Blinding rows are outside `q`, so multiplicities and helpers are blinded as any advice.
//! *Source.* Haboeck, "Multivariate lookups based on logarithmic derivatives", eprint 2022/1530.

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
    lane_helpers(cs, columns);
    table_side(cs, columns);
}

fn lane_helpers(cs: &mut ConstraintSystem<Fr>, columns: &MachineColumns) {
    let profile = columns.profile();
    cs.create_gate("lookup helpers", |v| {
        let alpha = v.query_challenge(columns.challenges.alpha);
        let beta = v.query_challenge(columns.challenges.beta);
        let active = fixed(v, (columns.active, 0));
        let tag_r = fixed(v, columns.control(Control::TagR));
        let tag_f = fixed(v, columns.control(Control::TagF));
        let mut factors = Vec::with_capacity(2 * profile.lanes());
        for lane in 0..profile.lanes() {
            let [x, r, y] =
                [Role::X, Role::R, Role::Y].map(|role| advice(v, columns.lane(role, lane), 0));
            factors.push(alpha.clone() + tag_r.clone() + beta.clone() * r);
            factors.push(alpha.clone() + tag_f.clone() + beta.clone() * (x + beta.clone() * y));
        }
        let mut constraints = Vec::new();
        for helper in 0..columns.helper_cells() {
            let h = advice(v, columns.helper(helper), 0);
            let body = match factors.get(3 * helper..).unwrap_or_default() {
                [] => h,
                [f] => h * f.clone() - one(),
                [f, g] => h * f.clone() * g.clone() - f.clone() - g.clone(),
                [f, g, k, ..] => {
                    let pair = f.clone() * g.clone();
                    (h * pair.clone() - f.clone() - g.clone()) * k.clone() - pair
                }
            };
            constraints.push(active.clone() * body);
        }
        constraints
    });
}

fn table_side(cs: &mut ConstraintSystem<Fr>, columns: &MachineColumns) {
    cs.create_gate("lookup tables", |v| {
        let (prev, here, next) = (Rotation::prev(), Rotation::cur(), Rotation::next());
        let alpha = v.query_challenge(columns.challenges.alpha);
        let beta = v.query_challenge(columns.challenges.beta);
        let usable = v.query_fixed(columns.usable, here);
        let usable_prev = v.query_fixed(columns.usable, prev);
        let usable_next = v.query_fixed(columns.usable, next);
        let sum = v.query_advice(columns.sum, here);
        let sum_next = v.query_advice(columns.sum, next);

        let mut constraints = Vec::new();
        let mut change = columns
            .helpers
            .iter()
            .map(|h| v.query_advice(*h, here))
            .reduce(|acc, h| acc + h)
            .expect("a profile has at least one lane");
        for table in &columns.tables {
            let [tag, input, output] =
                [table.tag, table.input, table.output].map(|c| v.query_fixed(c, here));
            let multiplicity = v.query_advice(table.multiplicity, here);
            let quotient = v.query_advice(table.quotient, here);
            let entry = alpha.clone() + tag + beta.clone() * (input + beta.clone() * output);
            constraints.push(usable.clone() * (quotient.clone() * entry - multiplicity));
            change = change - quotient;
        }
        constraints.push(usable.clone() * (usable_next * sum_next - sum.clone() - change));
        constraints.push((usable.clone() - usable * usable_prev) * sum);
        constraints
    });
}

fn one() -> Expression<Fr> {
    Expression::Constant(Fr::one())
}
