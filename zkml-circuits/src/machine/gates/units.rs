//! Fingerprint units: random evaluations of whole tensors, one field cell a group.
//!
//! ```text
//! a (U1 - (1 - b - e) H_lambda(k1, c) - b H_lambda^2(k1, c) - e H_rho(k1, c)) = 0
//!                                       c_l = m_l (Sx x_l + r_l)
//! a (U2 - (1 - d) H_lambda(k2, o) - d H_lambda^2(k2, o) - cp p) = 0
//!                                       o_l = m_l (cx x_l + cy y_l + c1)
//! a (U4 - sum_(l < gW) rho^l w_l - sum_(l < W) rho^l m_l (fx x_l + fy y_l)
//!       - k4 ((1 - fx - fy) rho^gW + (fx + fy) rho^W) U4[1]) = 0
//!
//! H_t(k, v) = k t^W U[1] + sum_(l < W) t^l v_l
//! ```
//!
//! with fixed `b`, `e`, `d` (base), `k` (1: the segment goes on in the next group), `Sx`,
//! `cx cy c1 cp fx fy` (what is read), weights `w`. Base `lambda^2` puts a tensor's elements on every second
//! position, where the outputs of a convolution of stride 2 live. Accumulated backwards: at the
//! first group of a segment the unit holds `sum_i t^i v_i`, element `i` at power `i`; no
//! initialisation is needed since `k = 0` on the last.
//!
//! `U4` evaluates the right operand of a product along its output features: rows of a constant
//! matrix from the weight lanes, `gW` to a group, or rows of an activation from the lanes, `W` to a group
//! (`fx + fy = 1`). So `C = A B` of two activations is the same equation as of one:
//! `sum_j rho^j C_j(lambda) = sum_k A_k(lambda) B_k(rho)`.
//!
//! *Invariants.* `U` is a function of phase-1 cells, fixed cells and challenges: nothing is free.
//! All that `U4` reads is fixed or committed in phase 1, before `rho` (and so before `lambda`) is drawn, as all
//! that `U1` and `U2` read: an equation between them is one between polynomials in `rho` and
//! `lambda` whose coefficients the prover can no longer choose.
//! Masks apply where a unit reads, so what stands in dead lanes has no effect. `p` is one cell a
//! group and is read alone: a segment of `p` cells would let neighbours trade (machine.md 4.2).
//! *Cost.* One full cell a unit and group, whatever `W`. *Degree.* 5, 5, 4.
//! *Source.* Freivalds / polynomial fingerprints; machine.md section 3.

use super::super::{
    Control, MachineColumns, Role, Unit,
    columns::{advice, fixed},
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Expression},
};

pub(super) fn configure(cs: &mut ConstraintSystem<Fr>, columns: &MachineColumns) {
    let profile = columns.profile();
    let (fold, lanes) = (profile.fold(), 0..profile.lanes());
    cs.create_gate("fingerprint units", |v| {
        let lambda = v.query_challenge(columns.challenges.lambda);
        let rho = v.query_challenge(columns.challenges.rho);
        let active = fixed(v, (columns.active, 0));
        let mut control = |c: Control| fixed(v, columns.control(c));
        let on_square = control(Control::OutputSquare);
        let on_rho = control(Control::OutputRho);
        let output_next = control(Control::OutputNext);
        let scale = control(Control::ScaleX);
        let operand_next = control(Control::OperandNext);
        let squared = control(Control::OperandSquare);
        let operand_x = control(Control::OperandX);
        let operand_y = control(Control::OperandY);
        let operand_one = control(Control::OperandOne);
        let operand_scalar = control(Control::OperandScalar);
        let feature_next = control(Control::FeatureNext);
        let feature_x = control(Control::FeatureX);
        let feature_y = control(Control::FeatureY);

        let masks: Vec<_> = lanes.clone().map(|l| fixed(v, columns.mask(l))).collect();
        let mut role = |role: Role| -> Vec<_> {
            lanes.clone().map(|l| advice(v, columns.lane(role, l), 0)).collect()
        };
        let (x, r, y) = (role(Role::X), role(Role::R), role(Role::Y));
        let scalar = advice(v, (columns.scalar, 0), 0);
        let weights: Vec<_> =
            (0..profile.weight_lanes()).map(|l| fixed(v, columns.weight(l))).collect();
        let mut unit = |u: Unit| {
            let cell = columns.unit(u);
            (advice(v, cell, 0), advice(v, cell, fold))
        };
        let (output, output_after) = unit(Unit::Output);
        let (operand, operand_after) = unit(Unit::Operand);
        let (feature, feature_after) = unit(Unit::Feature);

        let accumulators: Vec<_> = lanes
            .clone()
            .map(|l| masks[l].clone() * (scale.clone() * x[l].clone() + r[l].clone()))
            .collect();
        let operands: Vec<_> = lanes
            .clone()
            .map(|l| {
                masks[l].clone()
                    * (operand_x.clone() * x[l].clone()
                        + operand_y.clone() * y[l].clone()
                        + operand_one.clone())
            })
            .collect();
        let on_lambda = one() - on_square.clone() - on_rho.clone();
        let square = lambda.clone() * lambda.clone();
        let carried = output_next * output_after;
        let output_read = on_lambda * horner(carried.clone(), &accumulators, &lambda)
            + on_square * horner(carried.clone(), &accumulators, &square)
            + on_rho * horner(carried, &accumulators, &rho);
        let carried = operand_next * operand_after;
        let operand_read = (one() - squared.clone()) * horner(carried.clone(), &operands, &lambda)
            + squared * horner(carried, &operands, &square);
        let features: Vec<_> = lanes
            .clone()
            .map(|l| {
                masks[l].clone()
                    * (feature_x.clone() * x[l].clone() + feature_y.clone() * y[l].clone())
            })
            .collect();
        // The weights stand apart: a linear combination of columns, the prover takes it as one.
        let carried = feature_next * feature_after;
        let reads_lanes = feature_x + feature_y;
        let feature_read = horner(Expression::Constant(Fr::zero()), &weights, &rho)
            + (one() - reads_lanes.clone()) * carried.clone() * power(&rho, weights.len())
            + horner(reads_lanes * carried, &features, &rho);
        vec![
            active.clone() * (output - output_read),
            active.clone() * (operand - operand_read - operand_scalar * scalar),
            active * (feature - feature_read),
        ]
    });
}

fn one() -> Expression<Fr> {
    Expression::Constant(Fr::one())
}

/// `base^exponent`, by squarings.
fn power(base: &Expression<Fr>, exponent: usize) -> Expression<Fr> {
    if exponent == 0 {
        return one();
    }
    let half = power(base, exponent / 2);
    let square = half.clone() * half;
    if exponent.is_multiple_of(2) { square } else { square * base.clone() }
}

/// `base^len * tail + sum_l base^l * values[l]`.
fn horner(
    tail: Expression<Fr>,
    values: &[Expression<Fr>],
    base: &Expression<Fr>,
) -> Expression<Fr> {
    values.iter().rev().fold(tail, |acc, value| acc * base.clone() + value.clone())
}
