//! Every cell of the machine, changed: what no constraint determines, no equation reads.
//!
//! [`every_cell`] says of each advice cell, from the row program alone, whether a constraint must
//! bind it. The rest is free by design: junk that no vector row reads, scalars of
//! groups that read none, vector operands copied from nowhere and used by nothing, the fourth unit
//! cell of a group folded four times, rows of an incomplete last group. Of each kind the first,
//! the last and some cells between by a stated seed are changed after the fact, all other cells
//! honest, and the checker must agree; of each kind one is tried as a proof before all verifiers.
//! (A change that the prover lets run through all later cells is `machine_attacks.rs`'s matter.)

mod machine_common;
mod plonk_common;

use std::collections::BTreeMap;

use halo2curves::bn256::Fr;
use machine_common::{Subject, Tampered, Verdict, classifier, strided};
use zkml_circuits::{
    machine::{Profile, Role, Unit},
    plan::{OperandRead, Visibility},
    testing::{Dice, mlp},
};

/// One advice cell.
#[derive(Clone, Debug)]
struct CellAt {
    /// What it is, and where: cells of a kind share their fate.
    kind: String,
    column: usize,
    row: usize,
    /// Whether some constraint determines it.
    bound: bool,
}

/// Kinds that every machine with idle groups and dead lanes has, and must bind.
const KINDS: [&str; 20] = [
    "x live",
    "x dead",
    "x idle",
    "r live",
    "r dead",
    "r idle",
    "y live",
    "y dead",
    "y idle",
    "p",
    "m",
    "U Output",
    "U Operand",
    "U Feature",
    "A",
    "B",
    "Z in use",
    "junk in use",
    "h",
    "S",
];

/// All advice cells of usable rows.
fn every_cell(subject: &Subject) -> Vec<CellAt> {
    let witness = subject.honest();
    let (columns, rows) = (witness.columns(), &subject.plan().rows);
    let (profile, geometry) = (rows.profile, subject.geometry());
    let fold = geometry.fold();
    let mut out = Vec::new();
    let mut put = |kind: String, column: usize, row: usize, bound: bool| {
        out.push(CellAt { kind, column, row, bound });
    };
    for index in 0..geometry.groups() {
        let group = rows.groups.get(index);
        let row = index * fold;
        for role in [Role::X, Role::R, Role::Y] {
            for lane in 0..profile.lanes() {
                let (column, offset) = columns.lane(role, lane);
                let place = match group {
                    Some(g) if g.tag_f == 0 => "idle",
                    None => "idle",
                    Some(g) if g.mask >> lane & 1 == 0 => "dead",
                    Some(_) => "live",
                };
                let role = format!("{role:?}").to_lowercase();
                put(format!("{role} {place}"), column.index(), row + offset, true);
            }
        }
        let read = group.is_some_and(|g| g.operand == Some(OperandRead::Scalar));
        let scalar = if read { "p" } else { "unread p" };
        put(scalar.into(), columns.scalar.index(), row, read);
        for offset in 1..fold {
            put("unread p".into(), columns.scalar.index(), row + offset, false);
        }
        for unit in Unit::ALL {
            let (column, offset) = columns.unit(unit);
            // A segment that runs on is first or middle, one that another runs into last.
            let next = |g: usize| {
                rows.groups.get(g).is_some_and(|g| match unit {
                    Unit::Output => g.output_next,
                    Unit::Operand => g.operand_next,
                    Unit::Feature => g.feature_next,
                })
            };
            let before = index > 0 && next(index - 1);
            let place = match (before, next(index)) {
                (false, true) => "first",
                (true, true) => "middle",
                (true, false) => "last",
                (false, false) if group.is_some() => "single",
                (false, false) => "idle",
            };
            put(format!("U {unit:?} {place}"), column.index(), row + offset, true);
        }
        let unit_cells = profile.columns_for(Unit::ALL.len()) * fold;
        for spare in Unit::ALL.len()..unit_cells {
            let column = columns.unit(Unit::ALL[spare / fold * fold]).0;
            put("spare unit".into(), column.index(), row + spare % fold, false);
        }
        for helper in 0..columns.helper_cells() {
            let (column, offset) = columns.helper(helper);
            let slot = if helper < profile.helpers() { "h" } else { "h spare" };
            let place = if group.is_some() { "" } else { " of an idle group" };
            put(format!("{slot} {helper}{place}"), column.index(), row + offset, true);
        }
    }
    for row in 0..geometry.rows() {
        let vector = rows.vector.get(row);
        let tie = vector.is_some_and(|v| v.carry == zkml_circuits::plan::Carry::Lambda);
        let place = match vector {
            None => "idle",
            Some(v) if v.product => "in use in a dot product",
            Some(_) if tie => "in use in a tie",
            Some(_) => "in use in a chain",
        };
        put(format!("Z {place}"), columns.z.index(), row, true);
        let a = vector.is_some_and(|v| v.a.is_some());
        put(if a { "A" } else { "unread A" }.into(), columns.a.index(), row, a);
        let b = vector.is_some_and(|v| v.b.is_some());
        put(if b { "B" } else { "unread B" }.into(), columns.b.index(), row, b);
        let junk = vector.is_some_and(|v| v.junk != 0);
        let kind = if junk { "junk in use" } else { "junk" };
        put(kind.into(), columns.junk.index(), row, junk);
        let place = match row {
            0 => "first",
            r if r + 1 == geometry.rows() => "last",
            _ => "middle",
        };
        put(format!("S {place}"), columns.sum.index(), row, true);
        for (t, table) in columns.tables.iter().enumerate() {
            let used = row * profile.tables() + t < rows.tables.len();
            let kind = if used { "" } else { " beyond the tables" };
            put(format!("m{kind}"), table.multiplicity.index(), row, true);
            put(format!("g{kind}"), table.quotient.index(), row, true);
        }
    }
    let all: Vec<usize> =
        (0..subject.key.plonk().verifying_key().protocol().advice_phase.len()).collect();
    let usable = subject.key.plonk().verifying_key().protocol().usable_rows(rows.k);
    for column in all {
        for row in geometry.rows()..usable {
            put("incomplete group".into(), column, row, false);
        }
    }
    out
}

/// First, last and up to `more` cells of each kind.
fn sample(cells: &[CellAt], more: usize, seed: u64) -> Vec<CellAt> {
    let mut by_kind: BTreeMap<&str, Vec<&CellAt>> = BTreeMap::new();
    for cell in cells {
        by_kind.entry(&cell.kind).or_default().push(cell);
    }
    let mut dice = Dice::new(seed);
    let mut out = Vec::new();
    for of_kind in by_kind.values() {
        let mut picked = vec![0, of_kind.len() - 1];
        picked.extend((0..more).map(|_| dice.below(of_kind.len())));
        picked.sort_unstable();
        picked.dedup();
        out.extend(picked.into_iter().map(|at| of_kind[at].clone()));
    }
    out
}

fn tampered<'a>(
    subject: &'a Subject,
    cell: &CellAt,
    change: Fr,
) -> Tampered<'a, impl FnMut(&mut Vec<Fr>)> {
    let row = cell.row;
    Tampered {
        inner: subject.honest(),
        column: cell.column,
        change: move |values: &mut Vec<Fr>| {
            values.resize(values.len().max(row + 1), Fr::zero());
            values[row] += change;
        },
    }
}

fn subjects() -> Vec<Subject> {
    let odd = Profile::new(3, 1, 4, 2).expect("a machine");
    let standard = Profile::standard();
    [
        (classifier(1, 0), standard[3], Visibility::Public),
        (classifier(3, 0), standard[0], Visibility::Public),
        (classifier(1, 0), odd, Visibility::Private),
        (classifier(1, 0), standard[5], Visibility::Public),
        (strided(), standard[0], Visibility::Public),
        (strided(), odd, Visibility::Private),
    ]
    .into_iter()
    .map(|(program, profile, visibility)| Subject::new(program, profile, visibility))
    .collect()
}

/// By the row-by-row checker: hundreds of cells of each machine.
#[test]
fn each_cell_is_bound_or_read_by_nothing() {
    let mut kinds = BTreeMap::new();
    for (subject, seed) in subjects().iter().zip(101..) {
        let profile = subject.key.compiled().profile();
        assert!(subject.satisfied(&subject.words, &mut subject.honest()));
        let cells = every_cell(subject);
        let advice = subject.key.plonk().verifying_key().protocol().advice_phase.len();
        for column in 0..advice {
            assert!(cells.iter().any(|c| c.column == column), "{profile}: column {column}");
        }
        let sampled = sample(&cells, 3, seed);
        assert!(sampled.len() >= 100, "{}", sampled.len());
        for cell in &sampled {
            for change in [Fr::one(), -Fr::from(1 << 20)] {
                let ok = subject.satisfied(&subject.words, &mut tampered(subject, cell, change));
                assert_eq!(ok, !cell.bound, "{profile}: {cell:?} by {change:?}");
            }
            *kinds.entry(cell.kind.clone()).or_insert(0) += 1;
        }
    }
    for kind in KINDS {
        assert!(kinds.keys().any(|k| k.starts_with(kind)), "no cell of kind {kind}: {kinds:?}");
    }
    for rare in [
        "U Output middle",
        "U Operand middle",
        "U Feature middle",
        "h spare",
        "spare unit",
        "g",
        "Z in use in a tie",
    ] {
        assert!(kinds.keys().any(|k| k.starts_with(rare)), "no cell of kind {rare}: {kinds:?}");
    }
    assert!(kinds.values().sum::<usize>() >= 400, "{kinds:?}");
}

/// As proofs, before all verifiers: one of each kind.
#[test]
fn proofs_with_a_cell_changed_are_rejected_unless_nothing_reads_it() {
    for (subject, seed) in subjects().iter().zip(201..) {
        let profile = subject.key.compiled().profile();
        let honest = subject.verdict(&subject.words, &mut subject.honest());
        assert_eq!(honest, Verdict::Accepted, "{profile}");
        let mut dice = Dice::new(seed);
        let mut by_kind: BTreeMap<String, Vec<CellAt>> = BTreeMap::new();
        for cell in every_cell(subject) {
            by_kind.entry(cell.kind.clone()).or_default().push(cell);
        }
        for of_kind in by_kind.values() {
            let cell = &of_kind[dice.below(of_kind.len())];
            let expected = if cell.bound { Verdict::Rejected } else { Verdict::Accepted };
            let got = subject.verdict(&subject.words, &mut tampered(subject, cell, Fr::one()));
            assert_eq!(got, expected, "{profile}: {cell:?}");
        }
    }
}

/// Words are bound too: each is absorbed and packed from its own group.
#[test]
fn each_public_word_matters() {
    for (batch, profile) in [(1, Profile::standard()[2]), (3, Profile::standard()[0])] {
        let subject = Subject::new(mlp(batch, 3), profile, Visibility::Public);
        assert!(subject.words.len() >= 2);
        for word in 0..subject.words.len() {
            let mut words = subject.words.clone();
            words[word] += Fr::one();
            assert!(!subject.satisfied(&words, &mut subject.honest()), "{profile}: word {word}");
        }
        let proof = subject.prove(&subject.words, &mut subject.honest());
        for word in [0, subject.words.len() - 1] {
            let mut words = subject.words.clone();
            words[word] += Fr::one();
            assert_eq!(subject.verdict(&words, &mut subject.honest()), Verdict::Rejected);
            assert_eq!(subject.verdict_on(&words, &proof), Verdict::Rejected, "the honest proof");
        }
    }
}
