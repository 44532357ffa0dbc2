//! Consistent lies about any program: each breaks one kind of thing only, all that follows from it is computed
//! from it, and multiplicities are counted anew.
//!
//! | lie about an element | false, and nothing else | who knows beforehand gets away with it |
//! |---|---|---|
//! | another `x` with its `y`, or another `r` | its definition | |
//! | two of these that cancel ([`super::Balanced`]) | two definitions of one equation | `rho` or `lambda` |
//! | another `y`, another `(x, r)` of the same accumulator, fractions too | lookups | `alpha` and `beta` |

use std::{collections::BTreeSet, ops::RangeInclusive};

use halo2curves::bn256::Fr;
use zkml_circuits::{
    machine::Role,
    plan::Claim,
    plonk::mock::{Cell, Report, Violation},
    witness::FirstPhase,
};
use zkml_core::{
    exec::integer::Trace,
    program::{Program, Step, Table, TensorId},
};

use super::{Cells, Liar, Lie, Subject, Verdict, carried, cell_of, logup, recount, words_of};

/// Stands for a challenge that nobody knows beforehand.
pub(super) const RANDOM: u64 = 0x1234_5678_9abc;

/// What a lie makes false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Breaks {
    Definition,
    Lookup,
}

/// Lies about elements of one tensor.
#[derive(Clone, Debug)]
pub(crate) struct Forgery {
    pub(crate) lies: Vec<Lie>,
    pub(crate) breaks: Breaks,
    /// Of the first lie `x` is a fraction, and `r` makes up for it: the definition holds.
    pub(crate) fraction: bool,
}

/// All tensors that a program computes.
pub(crate) fn computed(program: &Program) -> Vec<TensorId> {
    let computes = |t: &TensorId| matches!(program.tensors[t.0].step, Step::Affine(_));
    (0..program.tensors.len()).map(TensorId).filter(computes).collect()
}

pub(super) fn table_and_shift(program: &Program, tensor: TensorId) -> (Option<&Table>, u8) {
    match &program.tensors[tensor.0].step {
        Step::Affine(affine) => (affine.table.map(|t| &program.tables[t.0]), affine.shift),
        _ => (None, 0),
    }
}

/// What the `x` of a tensor may be: in its table's domain, or of its width where it has none.
pub(super) fn domain(program: &Program, tensor: TensorId) -> RangeInclusive<i64> {
    let bits = program.tensors[tensor.0].bits;
    table_and_shift(program, tensor).0.map_or(bits.min()..=bits.max(), Table::domain)
}

impl Forgery {
    /// Lies about one tensor, in integers.
    pub(crate) fn of(breaks: Breaks, lies: Vec<Lie>) -> Self {
        Self { lies, breaks, fraction: false }
    }

    /// All lies about one element of a computed tensor.
    pub(crate) fn about(
        program: &Program,
        trace: &Trace,
        tensor: TensorId,
        element: usize,
    ) -> Vec<Self> {
        let truth = Lie::step(program, trace, tensor, element, 0).expect("an honest run");
        let (table, shift) = table_and_shift(program, tensor);
        let domain = domain(program, tensor);
        let x = i64::from(truth.x);
        // Tables hold 32 bits, everything else 16.
        let y = |x: i64| table.map(|table| table.get(x).expect("in the domain") as i32);
        let mut out = Vec::new();
        let mut put = |breaks, fraction, lie| out.push(Self { lies: vec![lie], breaks, fraction });

        // The next argument on either side, and the next where the function is another.
        let other = domain.clone().filter(|z| *z != x && (table.is_none() || y(*z) != truth.y));
        let other = other.min_by_key(|z| z.abs_diff(x));
        let arguments: BTreeSet<i64> = [x + 1, x - 1].into_iter().chain(other).collect();
        for z in arguments.into_iter().filter(|z| domain.contains(z)) {
            put(Breaks::Definition, false, Lie { x: z as i32, y: y(z), ..truth });
        }
        for dr in [1, -1] {
            if (0..1 << shift).contains(&(truth.r + dr)) {
                put(Breaks::Definition, false, truth.shifted(0, dr));
            }
        }

        // Any value, and one that the function has elsewhere; the latter for a fraction as well.
        let elsewhere = table.and_then(|_| other.and_then(y));
        let values: BTreeSet<i32> = truth.y.map(|y| y + 1).into_iter().chain(elsewhere).collect();
        for value in values {
            put(Breaks::Lookup, false, Lie { y: Some(value), ..truth });
        }
        if let Some(value) = elsewhere {
            put(Breaks::Lookup, true, Lie { y: Some(value), ..truth });
        }
        // A remainder out of its range: by one step, and as far as takes `x` just out of its own.
        let (least, most) = domain.into_inner();
        for z in BTreeSet::from([x + 1, x - 1, most + 1, least - 1]) {
            let Ok(r) = i32::try_from(i64::from(truth.r) + ((x - z) << shift)) else { continue };
            put(Breaks::Lookup, false, Lie { x: z as i32, r, y: y(z.clamp(least, most)), ..truth });
        }
        out
    }

    pub(crate) fn carried(&self, subject: &Subject) -> Option<Trace> {
        carried(subject.key.compiled().program(), &subject.trace, &self.lies)
    }

    /// Whether it can be carried on; then the checker must name what it breaks, and nothing else.
    pub(crate) fn is_refused(&self, subject: &Subject) -> bool {
        let Some(trace) = self.carried(subject) else { return false };
        assert_ne!(trace, subject.trace, "{self:?} is no lie");
        let (words, first) = self.first(subject, &trace);
        let report = self.report(subject, (&words, &first), Fr::zero(), &[]).0;
        self.assert_named(subject, &report);
        true
    }

    /// That a prover gets away with it who knows `alpha` and `beta`, and only one who does.
    pub(crate) fn assert_hangs_on_alpha_and_beta(&self, subject: &Subject, prove: bool) {
        assert_eq!(self.breaks, Breaks::Lookup);
        let trace = self.carried(subject).expect("carried before");
        let (words, first) = self.first(subject, &trace);
        let known = [RANDOM, RANDOM + 1, 77, 1001].map(Fr::from);
        let (_, lacks) = self.report(subject, (&words, &first), Fr::zero(), &known);
        // Into the null row, whose denominator is `alpha`.
        let paid = known[2] * lacks;
        let report = self.report(subject, (&words, &first), paid, &known).0;
        assert!(report.is_satisfied(), "{self:?}: {:?}", report.violations);
        let report = self.report(subject, (&words, &first), paid, &[]).0;
        self.assert_named(subject, &report);
        if prove {
            let mut lacks = Fr::zero();
            let change = self.change(subject, paid, &mut lacks);
            let mut liar = Liar::new(subject.with(first), subject.geometry(), change);
            assert_eq!(subject.verdict(&words, &mut liar), Verdict::Rejected, "{self:?}");
        }
    }

    /// Words and first phase that agree with the run; fractions come later.
    pub(crate) fn first(&self, subject: &Subject, trace: &Trace) -> (Vec<Fr>, FirstPhase) {
        let rows = &subject.plan().rows;
        let mut first = subject.first_of(trace);
        recount(rows, subject.geometry(), &mut first);
        (words_of(rows, &first), first)
    }

    /// What the checker says if `paid` is added to the multiplicity of the null row, and what lookups lack.
    fn report(
        &self,
        subject: &Subject,
        (words, first): (&[Fr], &FirstPhase),
        paid: Fr,
        known: &[Fr],
    ) -> (Report, Fr) {
        let mut lacks = Fr::zero();
        let change = self.change(subject, paid, &mut lacks);
        let mut liar = Liar::new(subject.with(first.clone()), subject.geometry(), change);
        let report = subject.report(words, &mut liar, known);
        drop(liar);
        (report, lacks)
    }

    /// The fraction, what is paid, and lookups as they are then.
    fn change<'s>(
        &self,
        subject: &'s Subject,
        paid: Fr,
        lacks: &'s mut Fr,
    ) -> impl FnMut(u8, &[Fr], &mut Cells) + 's {
        let columns = subject.honest().columns().clone();
        let (rows, geometry) = (&subject.plan().rows, subject.geometry());
        let Lie { tensor, element, r, .. } = self.lies[0];
        let (group, lane) = subject.home(tensor, element);
        let unit = 1 << rows.groups[group].shift;
        // A whole step of the remainder if there are steps, else a third.
        let part = Fr::from(if unit > 1 { unit } else { 3 }).invert().expect("not 0");
        let part = if unit > 1 && r + 1 == unit as i32 { -part } else { part };
        let part = if self.fraction { part } else { Fr::zero() };
        move |phase, challenges, cells| {
            let mut add = |column: usize, row: usize, value: Fr| {
                cells.get_mut(&column).expect("a column")[row] += value;
            };
            match phase {
                0 => {
                    for (role, value) in [(Role::X, -part), (Role::R, part * Fr::from(unit))] {
                        let (column, offset) = columns.lane(role, lane);
                        add(column.index(), group * geometry.fold() + offset, value);
                    }
                    add(columns.tables[0].multiplicity.index(), 0, paid);
                }
                2 => *lacks = logup(rows, &columns, geometry, challenges, cells),
                _ => {}
            }
        }
    }

    /// That the checker names an equation of the tensor, or the sum of lookups, and nothing else.
    fn assert_named(&self, subject: &Subject, report: &Report) {
        let (columns, plan) = (subject.honest().columns().clone(), subject.plan());
        assert!(!report.is_satisfied(), "{self:?} GOES UNNOTICED");
        let last = subject.geometry().rows() - 1;
        for violation in &report.violations {
            match (self.breaks, violation) {
                (Breaks::Definition, Violation::Copy { a, b }) => {
                    // The tensor's own side, which may be asked to equal others.
                    let own = plan.rows.equations.iter().zip(&plan.claims).any(|(sides, claim)| {
                        let at = cell_of(&columns, sides.0);
                        let names = |cell: &Cell| at == (cell.column.index, cell.row);
                        let of = |claimed: &TensorId| *claimed == self.lies[0].tensor;
                        matches!(claim, Claim::Step { tensor, .. } if of(tensor))
                            && (names(a) || names(b))
                    });
                    assert!(own, "{self:?} breaks {violation:?}");
                }
                (Breaks::Lookup, Violation::Gate { row, .. }) if *row == last => {}
                _ => panic!("{self:?} breaks {violation:?}"),
            }
        }
    }
}
