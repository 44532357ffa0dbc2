//! The sample circuit.
//!
//! Phase 1: lanes `a_i` of small signed integers, two rows to a group (fold 2), a weighted sum `y`
//! and multiplicities `m`. Then `r` is drawn. Phase 2: a Horner accumulator over groups,
//! `acc(g + 1) = acc(g) r^(2 L) + sum_i r^i a_i + sum_i r^(L + i) a_i(next row)`. Then `alpha` is
//! drawn. Phase 3: logUp in gates, three lanes to a helper, `h prod_j (alpha + a_j) = sum of the
//! pairwise products`, against a fixed table. Copies join lanes, the accumulator, a fixed constant
//! and the public words. With `phases: 2` both challenges follow phase 1 and phase 3's columns move
//! to phase 2, which halo2-axiom's own prover can do too.

use ff::Field;
use halo2_proofs::{
    circuit::{Layouter, Region, SimpleFloorPlanner, Value},
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase, Fixed,
        Instance, SecondPhase, ThirdPhase, VirtualCells,
    },
    poly::Rotation,
};
use halo2curves::bn256::Fr;

use super::witness::SampleWitness;
use crate::plonk::{AdviceColumn, InstanceLayout};
use zkml_core::proving::vector::from_integer;

/// Shape of the sample circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleParams {
    /// Logarithm of the number of rows, at least 6.
    pub k: u32,
    /// 2 or 3.
    pub phases: u8,
    /// Number of lanes, a multiple of 3.
    pub lanes: usize,
    /// Logarithm of the table's size; the table must fit the rows in use.
    pub table_bits: u32,
    /// Public words, equal to lane 0 in rows `j * stride`.
    pub words: usize,
    /// Rows from one word to the next.
    pub stride: usize,
    /// Degree given to `set_minimum_degree`; gates have degree 5.
    pub degree: usize,
    /// Value of the first weight: changing it changes a fixed cell.
    pub weight: u64,
    /// Whether lanes 1 and 2 are joined by a copy.
    pub copy: bool,
    /// Rotation of an extra query; 0 for none.
    pub far_rotation: i32,
    /// Adds a gate of degree 6.
    pub high_degree: bool,
}

impl Default for SampleParams {
    fn default() -> Self {
        Self {
            k: 7,
            phases: 3,
            lanes: 3,
            table_bits: 5,
            words: 4,
            stride: 3,
            degree: 5,
            weight: 3,
            copy: true,
            far_rotation: 0,
            high_degree: false,
        }
    }
}

impl SampleParams {
    /// About 25 advice and 35 fixed columns at `k = 12`: the size of a small model.
    #[must_use]
    pub fn large() -> Self {
        Self { k: 12, lanes: 15, table_bits: 10, ..Self::default() }
    }

    /// Rows that the circuit uses, an even number; two more hold the ends of accumulators.
    #[must_use]
    pub fn rows(&self) -> usize {
        (1usize << self.k) - 16
    }

    /// The layout of the public words.
    #[must_use]
    pub fn instance_layout(&self) -> InstanceLayout {
        InstanceLayout { words: self.words, stride: self.stride }
    }

    /// The table's value in a row; the last is repeated.
    pub(super) fn table(&self, row: usize) -> i64 {
        let size = 1i64 << self.table_bits;
        (row as i64).min(size - 1) - size / 2
    }

    /// Weights of a lane in a row.
    pub(super) fn weights(&self, lane: usize, row: usize) -> (i64, i64) {
        let first = if (lane, row) == (0, 0) { self.weight as i64 } else { 0 };
        (first + ((lane * 7 + row * 3) % 11) as i64 - 5, ((lane + row) % 3) as i64 - 1)
    }

    /// The constant that lane 1 is joined to in row 3.
    pub(super) const CONSTANT: i64 = -2;
}

/// Columns of the sample circuit.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as in the module's equations")]
pub struct SampleConfig {
    pub a: Vec<Column<Advice>>,
    pub y: Column<Advice>,
    pub m: Column<Advice>,
    pub acc: Column<Advice>,
    pub out: Column<Advice>,
    pub h: Vec<Column<Advice>>,
    pub g: Column<Advice>,
    pub s: Column<Advice>,
    pub active: Column<Fixed>,
    pub even: Column<Fixed>,
    pub first: Column<Fixed>,
    pub end: Column<Fixed>,
    pub table: Column<Fixed>,
    pub constant: Column<Fixed>,
    pub zero: Column<Fixed>,
    pub w: Vec<[Column<Fixed>; 2]>,
    pub instance: Column<Instance>,
    pub r: Challenge,
    pub alpha: Challenge,
}

/// The sample circuit with its witness.
#[derive(Clone, Debug)]
pub struct SampleCircuit {
    /// Its shape.
    pub params: SampleParams,
    /// Seed of the witness.
    pub seed: u64,
}

impl Circuit<Fr> for SampleCircuit {
    type Config = SampleConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = SampleParams;

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn params(&self) -> SampleParams {
        self.params
    }

    fn configure(cs: &mut ConstraintSystem<Fr>) -> SampleConfig {
        Self::configure_with_params(cs, SampleParams::default())
    }

    fn configure_with_params(cs: &mut ConstraintSystem<Fr>, params: SampleParams) -> SampleConfig {
        let three = params.phases == 3;
        let a: Vec<_> = (0..params.lanes).map(|_| cs.advice_column()).collect();
        let (y, m) = (cs.advice_column(), cs.advice_column());
        let r = cs.challenge_usable_after(FirstPhase);
        let early_alpha = (!three).then(|| cs.challenge_usable_after(FirstPhase));
        let acc = cs.advice_column_in(SecondPhase);
        let out = cs.advice_column_in(SecondPhase);
        let alpha = early_alpha.unwrap_or_else(|| cs.challenge_usable_after(SecondPhase));
        let mut late = || match three {
            true => cs.advice_column_in(ThirdPhase),
            false => cs.advice_column_in(SecondPhase),
        };
        let h: Vec<_> = (0..params.lanes / 3).map(|_| late()).collect();
        let (g, s) = (late(), late());
        let mut fixed = || cs.fixed_column();
        let (active, even, first, end) = (fixed(), fixed(), fixed(), fixed());
        let (table, constant, zero) = (fixed(), fixed(), fixed());
        let w = (0..params.lanes).map(|_| [fixed(), fixed()]).collect();
        let instance = cs.instance_column();
        let config = SampleConfig {
            a,
            y,
            m,
            acc,
            out,
            h,
            g,
            s,
            active,
            even,
            first,
            end,
            table,
            constant,
            zero,
            w,
            instance,
            r,
            alpha,
        };
        for column in &config.a[..3] {
            cs.enable_equality(*column);
        }
        cs.enable_equality(config.acc);
        cs.enable_equality(config.out);
        cs.enable_equality(config.constant);
        cs.enable_equality(config.instance);
        cs.create_gate("weighted sum", |v| config.weighted_sum(v));
        cs.create_gate("horner", |v| config.horner(v));
        cs.create_gate("logup", |v| config.logup(v));
        if params.far_rotation != 0 {
            cs.create_gate("far", |v| {
                let zero = v.query_fixed(config.zero, Rotation::cur());
                vec![zero * v.query_advice(config.a[0], Rotation(params.far_rotation))]
            });
        }
        if params.high_degree {
            cs.create_gate("degree six", |v| {
                let a = v.query_advice(config.a[0], Rotation::cur());
                let zero = v.query_fixed(config.zero, Rotation::cur());
                vec![(0..5).fold(zero, |product, _| product * a.clone())]
            });
        }
        cs.set_minimum_degree(params.degree);
        config
    }

    fn synthesize(&self, c: SampleConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let params = &self.params;
        let witness = SampleWitness::new(*params, self.seed);
        layouter.assign_region(
            || "fixed",
            |mut region| {
                c.assign_fixed(params, &mut region);
                Ok(())
            },
        )?;
        let words = layouter.assign_region(
            || "first phase",
            |mut region| {
                c.assign_advice(&mut region, params.rows() + 1, witness.columns(0, &[]));
                let mut cell = |lane, row| {
                    let value = Value::known(from_integer(witness.lane(lane, row)));
                    region.assign_advice(c.a[lane], row, value).cell()
                };
                let words: Vec<_> = (0..params.words).map(|j| cell(0, j * params.stride)).collect();
                let (left, right, joined) = (cell(1, 0), cell(2, 1), cell(1, 3));
                if params.copy {
                    region.constrain_equal(left, right);
                }
                let constant =
                    region.assign_fixed(c.constant, 5, from_integer(SampleParams::CONSTANT));
                region.constrain_equal(joined, constant);
                Ok(words)
            },
        )?;
        for (j, word) in words.into_iter().enumerate() {
            layouter.constrain_instance(word, c.instance, j * params.stride);
        }
        layouter.next_phase();
        let mut challenges = Vec::new();
        for challenge in [c.r, c.alpha] {
            layouter.get_challenge(challenge).map(|value| challenges.push(value));
        }
        layouter.assign_region(
            || "later phases",
            |mut region| {
                // Key generation knows no challenges, and halo2's prover no third phase.
                let mut end = Fr::ZERO;
                if params.phases == 2 && !challenges.is_empty() {
                    c.assign_advice(
                        &mut region,
                        params.rows() + 1,
                        witness.columns(1, &challenges),
                    );
                    end = witness.accumulated(challenges[0]);
                }
                let end = Value::known(end);
                let last = region.assign_advice(c.acc, params.rows(), end).cell();
                let out = region.assign_advice(c.out, 0, end).cell();
                region.constrain_equal(last, out);
                Ok(())
            },
        )
    }
}

impl SampleConfig {
    fn weighted_sum(&self, v: &mut VirtualCells<'_, Fr>) -> Vec<Expression<Fr>> {
        let cur = Rotation::cur();
        let mut sum = v.query_advice(self.y, cur);
        for (a, [w0, w1]) in self.a.iter().zip(&self.w) {
            let a = v.query_advice(*a, cur);
            let (w0, w1) = (v.query_fixed(*w0, cur), v.query_fixed(*w1, cur));
            sum = sum - (w0 + w1 * a.clone()) * a;
        }
        let zero = v.query_fixed(self.zero, cur) * v.query_advice(self.y, cur);
        vec![v.query_fixed(self.active, cur) * sum, zero]
    }

    fn horner(&self, v: &mut VirtualCells<'_, Fr>) -> Vec<Expression<Fr>> {
        let r = v.query_challenge(self.r);
        let acc = v.query_advice(self.acc, Rotation::cur());
        let lanes = [Rotation::next(), Rotation::cur()]
            .into_iter()
            .flat_map(|rotation| self.a.iter().rev().map(move |a| (*a, rotation)));
        let mut step = acc.clone();
        for (a, rotation) in lanes {
            step = step * r.clone() + v.query_advice(a, rotation);
        }
        let next = v.query_advice(self.acc, Rotation(2));
        let even = v.query_fixed(self.even, Rotation::cur());
        let first = v.query_fixed(self.first, Rotation::cur());
        vec![even * (next - step), first * acc]
    }

    fn logup(&self, v: &mut VirtualCells<'_, Fr>) -> Vec<Expression<Fr>> {
        let cur = Rotation::cur();
        let alpha = v.query_challenge(self.alpha);
        let active = v.query_fixed(self.active, cur);
        let g = v.query_advice(self.g, cur);
        let mut constraints = Vec::new();
        let mut step = -g.clone();
        for (h, lanes) in self.h.iter().zip(self.a.chunks(3)) {
            let h = v.query_advice(*h, cur);
            let [x, y, z] = [0, 1, 2].map(|i| alpha.clone() + v.query_advice(lanes[i], cur));
            let pairs = x.clone() * y.clone() + y.clone() * z.clone() + x.clone() * z.clone();
            constraints.push(active.clone() * (h.clone() * x * y * z - pairs));
            step = step + h;
        }
        let (table, m) = (v.query_fixed(self.table, cur), v.query_advice(self.m, cur));
        constraints.push(active.clone() * (g * (alpha + table) - m));
        let s = v.query_advice(self.s, cur);
        let next = v.query_advice(self.s, Rotation::next());
        constraints.push(active * (next - s.clone() - step));
        constraints.push(v.query_fixed(self.first, cur) * s.clone());
        constraints.push(v.query_fixed(self.end, cur) * s);
        constraints
    }

    fn assign_fixed(&self, params: &SampleParams, region: &mut Region<'_, Fr>) {
        let rows = params.rows();
        region.assign_fixed(self.first, 0, Fr::ONE);
        region.assign_fixed(self.end, rows, Fr::ONE);
        for row in 0..rows {
            region.assign_fixed(self.active, row, Fr::ONE);
            region.assign_fixed(self.even, row, Fr::from(u64::from(row % 2 == 0)));
            region.assign_fixed(self.table, row, from_integer(params.table(row)));
            for (lane, columns) in self.w.iter().enumerate() {
                let (w0, w1) = params.weights(lane, row);
                region.assign_fixed(columns[0], row, from_integer(w0));
                region.assign_fixed(columns[1], row, from_integer(w1));
            }
        }
    }

    /// Advice columns in the order of their indices.
    fn advice(&self) -> Vec<Column<Advice>> {
        let first = self.a.iter().copied().chain([self.y, self.m, self.acc, self.out]);
        first.chain(self.h.iter().copied()).chain([self.g, self.s]).collect()
    }

    fn assign_advice(
        &self,
        region: &mut Region<'_, Fr>,
        rows: usize,
        columns: Vec<(usize, AdviceColumn<'_>)>,
    ) {
        let of = self.advice();
        for (index, values) in columns {
            for (row, value) in values.elements(rows).into_iter().enumerate() {
                region.assign_advice(of[index], row, Value::known(value));
            }
        }
    }
}
