//! All constraints as sums: `sum_i y^(m - 1 - i) c_i` over the gates and the permutation argument.
//!
//! The quotient of a constraint of degree `d` has degree below `(d - 1) n`, so that `d - 1` cosets
//! determine it. Constraints of low degree have a sum of their own, which two cosets determine:
//! columns that nothing else reads are not needed on the others.
//!
//! The permutation argument's constraints, in order, with `z_i` its grand products, `u` the first
//! unusable row, `l_r` the polynomial that is 1 on row `r` and 0 on the others, and `l` the sum of
//! `l_r` over the usable rows:
//!
//! ```text
//! (1 - z_0) l_0 = 0,    (z_last^2 - z_last) l_u = 0,    (z_(i + 1) - z_i[u]) l_0 = 0
//! (z_i[1] prod_j (v_j + beta sigma_j + gamma) - z_i prod_j (v_j + beta delta^j X + gamma)) l = 0
//! ```
//!
//! On a coset `l_r` has the values of `l_0`, `r` rows later: one column serves for all.

use std::collections::BTreeMap;

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use zkml_core::proving::{Operand, Operation};

use super::combinations::{self, Combination};
use super::slices::{Cut, Draft, Slices};
use super::{Compiler, Input, LeafKind, Uniforms};
use crate::plonk::protocol::{Protocol, Query};
use crate::plonk::prover::ProverObjective;

/// The largest degree of constraints of low degree.
const LOW: usize = 3;
/// Ways to cut a program into few slices, which save time.
const FEW_SLICES: [Cut; 2] = [
    Cut { load: 6, small: 6, there: 4, counts: false },
    Cut { load: 6, small: 8, there: 4, counts: false },
];
/// Ways to cut a program into slices of few columns, which save memory. Each is the best one for some
/// machine: those that count for folded ones.
const FEW_COLUMNS: [Cut; 5] = [
    Cut { load: 2, small: 5, there: 1, counts: false },
    Cut { load: 2, small: 6, there: 4, counts: false },
    Cut { load: 2, small: 7, there: 4, counts: false },
    Cut { load: 2, small: 5, there: 4, counts: true },
    Cut { load: 2, small: 6, there: 4, counts: true },
];

/// The constraints of a protocol.
#[derive(Clone, Debug)]
pub(in crate::plonk) struct Constraints {
    /// What programs read that does not depend on the row.
    pub(in crate::plonk) uniforms: Uniforms,
    /// The combinations of columns that leaves of their kind name.
    pub(in crate::plonk) combinations: Vec<Combination>,
    /// For each sum the number of cosets that determine its quotient, in ascending order.
    pub(in crate::plonk) cosets: Vec<usize>,
    /// Program `i` gives the sums from the `i`-th on.
    programs: Vec<Slices>,
    /// In how many parts a coset is taken.
    parts: usize,
    /// Whether a proof keeps computed columns.
    keeps_computed: bool,
}

impl Constraints {
    /// As a proof of `2^k` rows evaluates them.
    pub(in crate::plonk) fn new(protocol: &Protocol, k: u32, objective: ProverObjective) -> Self {
        let keeps = |cut: &Self| objective.keeps_computed(protocol, k, &cut.programs);
        if objective == ProverObjective::Time {
            let cut = Self::cut(protocol, &FEW_SLICES);
            if keeps(&cut) {
                return Self { keeps_computed: true, ..cut };
            }
        }
        let cut = Self::cut(protocol, &FEW_COLUMNS);
        Self { keeps_computed: keeps(&cut), parts: objective.parts(&cut.programs), ..cut }
    }

    /// Whole cosets, by the best of these ways to cut programs; computed columns are not kept.
    fn cut(protocol: &Protocol, cuts: &[Cut]) -> Self {
        let mut compiler = Compiler::new(protocol);
        let mut constraints = compiler.gates();
        constraints.extend(permutation(&mut compiler));
        let powers = powers_of_y(&mut compiler, constraints.len());
        let mut groups: BTreeMap<bool, (usize, Vec<(Operand, Operand)>)> = BTreeMap::new();
        let degrees = compiler.degrees(&constraints);
        let powers = powers.into_iter().rev();
        for ((constraint, power), degree) in constraints.into_iter().zip(powers).zip(degrees) {
            let (greatest, members) = groups.entry(degree > LOW).or_default();
            *greatest = degree.max(*greatest);
            members.push((constraint, power));
        }
        let cosets = groups.values().map(|(degree, _)| degree.saturating_sub(1).max(1)).collect();
        let mut sums: Vec<Operand> =
            groups.into_values().map(|(_, members)| sum(&mut compiler, &members)).collect();
        let combinations = combinations::extract(&mut compiler, &mut sums);
        let programs = cut(&mut compiler, &sums, cuts);
        let uniforms = Uniforms(compiler.uniforms);
        Self { uniforms, combinations, cosets, programs, parts: 1, keeps_computed: false }
    }

    #[cfg(feature = "testing")]
    pub(in crate::plonk) fn with_parts(self, parts: usize) -> Self {
        Self { parts, ..self }
    }

    #[cfg(feature = "testing")]
    pub(in crate::plonk) fn keeping_computed(self, keeps_computed: bool) -> Self {
        Self { keeps_computed, ..self }
    }

    /// In how many parts a coset is taken.
    pub(in crate::plonk) fn parts(&self) -> usize {
        self.parts
    }

    /// Whether a proof keeps computed columns.
    pub(in crate::plonk) fn keeps_computed(&self) -> bool {
        self.keeps_computed
    }

    /// The program for a coset: it gives the sums whose quotients are not determined by the cosets
    /// before, which are the last ones.
    pub(in crate::plonk) fn on_coset(&self, coset: usize) -> &Slices {
        let done = self.cosets.iter().filter(|cosets| **cosets <= coset).count();
        &self.programs[done]
    }
}

/// For each sum the slices that give it and those after it, cut in the way in which the fewest columns
/// are in memory at a time.
fn cut(compiler: &mut Compiler<'_>, sums: &[Operand], cuts: &[Cut]) -> Vec<Slices> {
    let mut draft = |from: usize| -> Vec<Draft> {
        cuts.iter().map(|cut| Draft::new(compiler, &sums[from..], *cut)).collect()
    };
    let drafts: Vec<Vec<Draft>> = (0..sums.len()).map(&mut draft).collect();
    let least = |drafts: Vec<Draft>| {
        let slices = drafts.into_iter().map(|draft| draft.finish(compiler));
        slices.min_by_key(|slices| slices.in_memory(1))
    };
    drafts.into_iter().filter_map(least).collect()
}

/// `y^0, y^1, ...`
fn powers_of_y(compiler: &mut Compiler<'_>, count: usize) -> Vec<Operand> {
    let y = compiler.input(Input::Y);
    let mut power = compiler.constant(Fr::ONE);
    let mut powers = Vec::with_capacity(count);
    for _ in 0..count {
        powers.push(power);
        power = compiler.op(Operation::Mul(power, y));
    }
    powers
}

/// The sum of constraints times powers. What constraints have in common as a factor, a cell, is
/// multiplied once.
fn sum(compiler: &mut Compiler<'_>, members: &[(Operand, Operand)]) -> Operand {
    let zero = compiler.constant(Fr::ZERO);
    let one = compiler.constant(Fr::ONE);
    let mut sums: BTreeMap<Operand, Operand> = BTreeMap::new();
    for (constraint, power) in members {
        let (factor, rest) = match compiler.operation(*constraint) {
            Some(Operation::Mul(cell @ Operand::Cell(_), rest)) => (cell, rest),
            _ => (one, *constraint),
        };
        let term = compiler.op(Operation::Mul(rest, *power));
        let before = sums.get(&factor).copied().unwrap_or(zero);
        sums.insert(factor, compiler.op(Operation::Add(before, term)));
    }
    sums.into_iter().fold(zero, |total, (factor, sum)| {
        let product = compiler.op(Operation::Mul(factor, sum));
        compiler.op(Operation::Add(total, product))
    })
}

/// The constraints of the permutation argument.
fn permutation(compiler: &mut Compiler<'_>) -> Vec<Operand> {
    let protocol = compiler.protocol;
    let count = protocol.num_products();
    if count == 0 {
        return Vec::new();
    }
    let mut cell = |kind, column, rotation| compiler.cell(kind, Query { column, rotation });
    let end = protocol.last_rotation();
    // Row -r is r rows before the first: r rows later it stands at the first.
    let first = cell(LeafKind::First, 0, 0);
    let unusable: Vec<Operand> = (1..=-end).map(|r| cell(LeafKind::First, 0, r)).collect();
    let z: Vec<Operand> = (0..count).map(|i| cell(LeafKind::Product, i, 0)).collect();
    let ends: Vec<Operand> = (1..count).map(|i| cell(LeafKind::Product, i - 1, end)).collect();

    let one = compiler.constant(Fr::ONE);
    let start = compiler.op(Operation::Sub(one, z[0]));
    let mut constraints = vec![compiler.op(Operation::Mul(first, start))];
    let last = z[count - 1];
    let square = compiler.op(Operation::Mul(last, last));
    let boolean = compiler.op(Operation::Sub(square, last));
    constraints.push(compiler.op(Operation::Mul(unusable[unusable.len() - 1], boolean)));
    for (z, before) in z[1..].iter().zip(ends) {
        let step = compiler.op(Operation::Sub(*z, before));
        constraints.push(compiler.op(Operation::Mul(first, step)));
    }
    let usable = unusable.iter().fold(one, |usable, row| compiler.op(Operation::Sub(usable, *row)));
    for (i, z) in z.into_iter().enumerate() {
        let next = compiler.cell(LeafKind::Product, Query { column: i, rotation: 1 });
        let [numerator, denominator] = factor(compiler, i);
        let left = compiler.op(Operation::Mul(next, denominator));
        let right = compiler.op(Operation::Mul(z, numerator));
        let difference = compiler.op(Operation::Sub(left, right));
        constraints.push(compiler.op(Operation::Mul(usable, difference)));
    }
    constraints
}

/// `prod_j (v_j + beta delta^j X + gamma)` and `prod_j (v_j + beta sigma_j + gamma)` over the
/// columns of a grand product, whose next value is as many times the last as the first is times
/// the second.
pub(super) fn factor(compiler: &mut Compiler<'_>, product: usize) -> [Operand; 2] {
    let chunk = compiler.protocol.permutation_chunk();
    let columns = compiler.protocol.permutation.iter().enumerate().skip(product * chunk);
    let (beta, gamma) = (compiler.input(Input::Beta), compiler.input(Input::Gamma));
    let point = compiler.cell(LeafKind::Point, Query { column: 0, rotation: 0 });
    let one = compiler.constant(Fr::ONE);
    let (mut numerator, mut denominator) = (one, one);
    for (j, column) in columns.take(chunk) {
        let query = Query { column: column.index, rotation: 0 };
        let value = compiler.cell(column.kind.into(), query);
        let value = compiler.op(Operation::Add(value, gamma));
        let sigma = compiler.cell(LeafKind::Sigma, Query { column: j, rotation: 0 });
        let shift = compiler.constant(Fr::DELTA.pow_vartime([j as u64]));
        let own = compiler.op(Operation::Mul(beta, shift));
        for (product, label) in [(&mut numerator, (point, own)), (&mut denominator, (sigma, beta))]
        {
            let label = compiler.op(Operation::Mul(label.0, label.1));
            let sum = compiler.op(Operation::Add(value, label));
            *product = compiler.op(Operation::Mul(*product, sum));
        }
    }
    [numerator, denominator]
}

#[cfg(test)]
mod tests {
    use super::super::WithUniforms;
    use super::super::testing::{column, machine, run, run_slices, sum};
    use super::*;
    use crate::plonk::protocol::{Column, Expr};
    use std::collections::BTreeSet;

    /// Rows of the columns.
    const ROWS: usize = 32;

    /// Values of a column that is not a combination; rows stand for the points of a coset.
    fn plain(kind: LeafKind, index: usize) -> Vec<Fr> {
        match kind {
            LeafKind::First => (0..ROWS).map(|row| Fr::from(u64::from(row == 0))).collect(),
            kind => column(&(kind, index), ROWS),
        }
    }

    fn input(input: Input) -> Fr {
        column(&input, 1)[0]
    }

    /// All constraints on a row in order, from their definitions.
    fn constraints(protocol: &Protocol, gates: &[Vec<Fr>], row: usize) -> Vec<Fr> {
        let (beta, gamma) = (input(Input::Beta), input(Input::Gamma));
        let (count, chunk) = (protocol.num_products(), protocol.permutation_chunk());
        let cell = |kind, index, rotation: i32| {
            plain(kind, index)[(row as i32 + rotation).rem_euclid(ROWS as i32) as usize]
        };
        let unusable = ROWS - protocol.blinding - 1;
        let on = |at: bool| Fr::from(u64::from(at));
        let (first, last, usable) = (on(row == 0), on(row == unusable), on(row < unusable));
        let z = |i, rotation| cell(LeafKind::Product, i, rotation);
        let end = z(count - 1, 0);
        let mut all: Vec<Fr> = gates.iter().map(|values| values[row]).collect();
        all.extend([(Fr::ONE - z(0, 0)) * first, (end * end - end) * last]);
        all.extend((1..count).map(|i| (z(i, 0) - z(i - 1, protocol.last_rotation())) * first));
        for i in 0..count {
            let (mut left, mut right) = (z(i, 1), z(i, 0));
            for (j, Column { kind, index }) in protocol.permutation.iter().enumerate() {
                if j / chunk == i {
                    let value = cell((*kind).into(), *index, 0) + gamma;
                    let label = Fr::DELTA.pow_vartime([j as u64]) * cell(LeafKind::Point, 0, 0);
                    left *= value + beta * cell(LeafKind::Sigma, j, 0);
                    right *= value + beta * label;
                }
            }
            all.push((left - right) * usable);
        }
        all
    }

    #[test]
    fn sums_are_those_of_the_definitions() {
        for (lanes, fold, weights) in [(3, 1, 9), (4, 2, 12)] {
            let protocol = machine(lanes, fold, weights);
            assert!(protocol.num_products() > 1, "sets that join");
            let gates = WithUniforms::gates(&protocol);
            let gates = run(&gates.program, &gates.uniforms.values(input), plain);
            let expected: Vec<Fr> = (0..ROWS)
                .map(|row| {
                    let all = constraints(&protocol, &gates, row).into_iter();
                    all.fold(Fr::ZERO, |sum, value| sum * input(Input::Y) + value)
                })
                .collect();
            for cut in FEW_SLICES.iter().chain(&FEW_COLUMNS) {
                let compiled = Constraints::cut(&protocol, &[*cut]);
                let uniforms = compiled.uniforms.values(input);
                let any = |kind: LeafKind, index: usize| match kind {
                    LeafKind::Combination => sum(&compiled.combinations[index], &uniforms, plain),
                    kind => plain(kind, index),
                };
                let all = run_slices(compiled.on_coset(0), &uniforms, any);
                for (row, expected) in expected.iter().enumerate() {
                    let got: Fr = all.iter().map(|sum| sum[row]).sum();
                    assert_eq!(got, *expected, "row {row}, {cut:?}");
                }
                // Later cosets see the constraints of high degree alone.
                assert_eq!(compiled.cosets, [2, 4]);
                assert_eq!(run_slices(compiled.on_coset(1), &uniforms, any), all);
                assert_eq!(run_slices(compiled.on_coset(2), &uniforms, any), all[1..]);
                let columns = |coset| {
                    let slices = compiled.on_coset(coset).slices.iter();
                    let columns = slices.flat_map(|slice| slice.program.columns());
                    columns.collect::<BTreeSet<_>>().len()
                };
                assert!(columns(3) < columns(0));
            }
        }
    }

    /// Where all constraints are of low degree there is one sum, where none is there is one.
    #[test]
    fn cosets_are_as_many_as_degrees_ask_for() {
        let mut protocol = machine(3, 1, 9);
        protocol.permutation.clear();
        assert_eq!(Constraints::new(&protocol, 5, ProverObjective::Time).cosets, [2, 4]);
        protocol.gates.retain(|gate| matches!(gate, Expr::Product(..)));
        protocol.gates.truncate(1);
        assert_eq!(Constraints::new(&protocol, 5, ProverObjective::Time).cosets, [4]);
        protocol.gates.clear();
        assert!(Constraints::new(&protocol, 5, ProverObjective::Time).cosets.is_empty());
    }
}
