//! The linter and its evaluator against the gates on row programs damaged at random, by a stated seed.
//!
//! Of every damaged program that is a machine at all, linted or not: the gates hold of a witness of random
//! cells exactly where the evaluator gives a value, and that value is the cell's. What the linter
//! accepts is still the model: its honest witness satisfies the gates, a lie in an element of
//! each tensor does not. `data/damages.md` counts what was drawn and why it was refused.
//!
//! `ZKML_DAMAGES=n` draws `n` times as many (and compares no counts), `ZKML_BLESS=1` writes them.

mod machine_common;
mod plonk_common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::PathBuf,
};

use halo2curves::bn256::Fr;
use machine_common::{
    Cells, Liar, Lie, RowMachine, cell_of, classifier,
    damage::{COMPENSATED, FIELDS, compensated, is_machine, pair, single},
    forest, pools, strided,
    transformers::{Variant, attention, embedding, normalisation},
};
use zkml_circuits::{
    lint::lint,
    machine::{Profile, Unit},
    plan::{Plan, RowProgram, Source, UnitRef, Visibility},
    plonk::mock,
    testing::{Dice, Drawn, evaluate, random_inputs},
    witness::FirstPhase,
};
use zkml_core::{
    exec::integer::{Trace, run},
    program::{Program, Step, TensorId},
};

const SEED: u64 = 20_261_128;
/// Damages drawn of a plan: single ones, any two, two that make up for one another.
const DRAWN: [usize; 3] = [22, 8, 12];
/// Fields of no consequence: what stands in a group that nothing reads.
const IDLE: [&str; 1] = ["group after the last"];

const HEAD: &str = "# Damages

Written by `machine_damages.rs` with `ZKML_BLESS=1`. Plans of small models (products of matrices, convolutions, attention, a normalisation, an
embedding, pools, trees) in several machines are damaged at random, by a stated seed: one field, any two, or two that make up for one another. Of every
one that is a machine, the linter's evaluator gives what the gates give. *Accepted* are those that the linter accepts: each keeps its honest
witness and rejects a lie in an element of each tensor, or, where an idle group looks up a tag without rows, has no witness at all.

| damage | drawn | refused | accepted | refused because of |
|---|---|---|---|---|
";

/// A linted plan with an honest run.
struct Model {
    name: &'static str,
    program: Program,
    plan: Plan,
    trace: Trace,
}

fn models() -> Vec<Model> {
    let standard = Profile::standard();
    let shape = |w, r, g, t| Profile::new(w, r, g, t).expect("a machine");
    let (public, private) = (Visibility::Public, Visibility::Private);
    let attention = || attention(Variant::Honest);
    let all = [
        ("classifier of one row", classifier(1, 0), standard[2], public),
        ("classifier of three rows", classifier(3, 0), standard[0], public),
        ("classifier of three rows", classifier(3, 0), shape(6, 3, 6, 1), private),
        ("convolutions", strided(), standard[3], public),
        ("convolutions", strided(), shape(3, 1, 4, 2), private),
        ("attention", attention(), standard[0], public),
        ("attention", attention(), shape(12, 2, 8, 3), private),
        ("normalisation", normalisation(), standard[2], public),
        ("embedding", embedding(), standard[5], public),
        ("max pool", pools::max_pool(), standard[3], public),
        ("average pools", pools::average_pool(), standard[0], private),
        ("forest", forest(), standard[2], public),
    ];
    let model = |(name, program, profile, visibility): (_, Program, _, _)| {
        let plan = Plan::new(&program, profile, visibility).expect("fits");
        lint(&program, &plan).expect("what the planner makes");
        // Ids are few of what their width has room for.
        let trace = (5..).find_map(|seed| run(&program, &random_inputs(&program, seed)).ok());
        let trace = trace.expect("some input is in range");
        Model { name, program, plan, trace }
    };
    all.into_iter().map(model).collect()
}

/// What came of the damages of a kind.
#[derive(Default)]
struct Count {
    drawn: usize,
    accepted: usize,
    refused: BTreeMap<String, usize>,
}

#[test]
fn the_linter_says_what_the_gates_say_of_damaged_row_programs() {
    let times = std::env::var("ZKML_DAMAGES").ok();
    let times: usize = times.as_deref().map_or(1, |n| n.parse().expect("a number"));
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let (mut machines, mut values, mut undefined, mut lies) = (0, 0, 0, 0);
    for (model, seed) in models().iter().zip(SEED..) {
        let dice = &mut Dice::new(seed);
        let kinds = [single, pair, compensated];
        for (draw, count) in kinds.into_iter().zip(DRAWN) {
            for number in 0..count * times {
                let (damage, plan) = draw(dice, &model.plan);
                if plan == model.plan {
                    continue;
                }
                let what = format!("{}, {}: {damage} {number}", model.name, plan.rows.profile);
                let count = counts.entry(damage).or_default();
                count.drawn += 1;
                let linted = lint(&model.program, &plan).map_err(|e| format!("{e:?}"));
                match &linted {
                    Ok(_) => count.accepted += 1,
                    Err(e) => *count.refused.entry(kind(e)).or_default() += 1,
                }
                if !is_machine(&plan.rows) {
                    assert!(linted.is_err(), "{what}: accepted, and no machine");
                    continue;
                }
                let other = evaluated(&plan.rows) != evaluated(&model.plan.rows);
                if !other && linted.is_err() {
                    continue;
                }
                machines += 1;
                let machine = RowMachine::unproven(plan);
                if other {
                    let [some, none] = compare(&machine, anything(&machine, dice), &what);
                    values += some;
                    undefined += none;
                }
                if linted.is_ok() {
                    lies += still_means(&machine, model, dice, &what);
                }
            }
        }
    }
    eprintln!("{machines} machines: {values} values, {undefined} cells without; {lies} lies");
    assert!(undefined > 100 && lies > 100, "something of each");
    let names = FIELDS.iter().chain(COMPENSATED).map(|(name, _)| *name);
    let refused = |name: &str| counts.get(name).is_some_and(|c| !c.refused.is_empty());
    let harmless: Vec<&str> = names.filter(|name| !refused(name)).collect();
    eprintln!("never refused: {harmless:?}");
    let fields: BTreeSet<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    let unnoticed: Vec<&str> =
        harmless.iter().copied().filter(|name| fields.contains(name)).collect();
    assert!(unnoticed.iter().all(|name| IDLE.contains(name)), "{unnoticed:?}");
    let report = report(&counts);
    eprint!("{report}");
    if times == 1 {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/damages.md");
        if std::env::var_os("ZKML_BLESS").is_some() {
            std::fs::write(&path, &report).expect("can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(written, report, "damages.md is stale; run again with ZKML_BLESS=1");
    }
}

/// What the evaluator sees of a row program.
fn evaluated(rows: &RowProgram) -> impl PartialEq + use<'_> {
    (&rows.groups, &rows.vector, &rows.equations, rows.k)
}

/// The name of an error.
fn kind(error: &str) -> String {
    error.chars().take_while(|c| c.is_alphanumeric()).collect()
}

fn report(counts: &BTreeMap<&str, Count>) -> String {
    let mut text = HEAD.to_owned();
    let names = |all: &[(&'static str, _)]| all.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    for name in [names(FIELDS), vec!["any two"], names(COMPENSATED)].concat() {
        let Some(Count { drawn, accepted, refused }) = counts.get(name) else { continue };
        let kinds: Vec<String> = refused.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
        let kinds = kinds.join(", ");
        let all = drawn - accepted;
        writeln!(text, "| {name} | {drawn} | {all} | {accepted} | {kinds} |").expect("to a string");
    }
    text
}

/// Cells of any value, dead and idle lanes and scalars that nobody ties included.
fn anything(machine: &RowMachine, dice: &mut Dice) -> FirstPhase {
    let cells = machine.geometry.groups() * machine.plan.rows.profile.lanes();
    let mut many = |count: usize| (0..count).map(|_| dice.signed(1 << 15)).collect::<Vec<i64>>();
    let lanes = [many(cells), many(cells), many(cells)];
    let p = many(machine.geometry.groups());
    let j = many(machine.geometry.rows()).into_iter().map(zkml_circuits::witness::signed);
    FirstPhase { lanes, p, m: Vec::new(), j: j.collect() }
}

/// All cells of a witness with the challenges, and what the gates say of it.
struct Checked {
    cells: Cells,
    challenges: Vec<Fr>,
    report: mock::Report,
}

/// Checks the witness of a first phase, copies of operands that no row uses filled in.
fn check(machine: &RowMachine, first: FirstPhase) -> Checked {
    let (words, witness) = machine.consistent(first);
    let (rows, columns) = (&machine.plan.rows, witness.columns().clone());
    let mut seen = None;
    let watch = |phase: u8, challenges: &[Fr], cells: &mut Cells| {
        if phase < 2 {
            return;
        }
        for (at, row) in rows.vector.iter().enumerate() {
            let unused = [
                row.a.filter(|_| !row.product && row.linear == 0).map(|a| (columns.a, a)),
                row.b.filter(|_| !row.product).map(|b| (columns.b, b)),
            ];
            for (column, source) in unused.into_iter().flatten() {
                let (from, there) = cell_of(&columns, source);
                let value = cells[&from][there];
                cells.get_mut(&column.index()).expect("a column")[at] = value;
            }
        }
        seen = Some((cells.clone(), challenges.to_vec()));
    };
    let mut liar = Liar::new(witness, machine.geometry, watch);
    let report = machine.report(&words, &mut liar);
    drop(liar);
    let (cells, challenges) = seen.expect("three phases");
    Checked { cells, challenges, report }
}

/// The evaluator gives what the gates determine, wherever it gives something; how often it does, and
/// does not.
fn compare(machine: &RowMachine, first: FirstPhase, what: &str) -> [usize; 2] {
    let rows = &machine.plan.rows;
    let columns = machine.witness(first.clone()).columns().clone();
    let Checked { cells, challenges, report } = check(machine, first.clone());
    let junk = &cells[&columns.junk.index()];
    let drawn = Drawn { rho: challenges[0], lambda: challenges[1], junk };
    let evaluated = evaluate(rows, machine.geometry, &first, drawn);
    let of = |source: Source| {
        let (column, row) = cell_of(&columns, source);
        cells[&column][row]
    };

    let broken = broken(machine, &report);
    let mut defined = BTreeSet::new();
    let mut none = 0;
    for (source, value) in &evaluated.sources {
        let Ok(value) = value else {
            none += 1;
            continue;
        };
        defined.insert(*source);
        assert_eq!(*value, of(*source), "{what}: {source:?}");
        assert!(!broken.contains(source), "{what}: the gate of {source:?} does not hold");
        let Source::Z(at) = source else { continue };
        let row = &rows.vector[*at];
        for (column, operand) in [(columns.a, row.a), (columns.b, row.b)] {
            if let Some(operand) = operand {
                let cell = cells[&column.index()][*at];
                assert_eq!(cell, of(operand), "{what}: operand {operand:?} of row {at}");
            }
        }
    }
    let mut all = none == 0;
    let mut differ = false;
    for ((left, right), difference) in rows.equations.iter().zip(&evaluated.differences) {
        match difference {
            Ok(difference) => {
                assert_eq!(*difference, of(*left) - of(*right), "{what}: {left:?} = {right:?}");
                differ |= *difference != Fr::zero();
            }
            Err(_) => all = false,
        }
    }
    if all {
        let copies = report.violations.iter().any(|v| matches!(v, mock::Violation::Copy { .. }));
        assert_eq!(copies, differ, "{what}: equations are copies");
    }
    [defined.len(), none]
}

/// The cells whose unit gate or vector gate does not hold.
fn broken(machine: &RowMachine, report: &mock::Report) -> BTreeSet<Source> {
    let fold = machine.geometry.fold();
    let cell = |violation: &mock::Violation| match violation {
        mock::Violation::Gate { gate, row } => match Unit::ALL.get(*gate) {
            Some(unit) => Some(Source::Unit(UnitRef::new(*unit, row / fold))),
            None if *gate == Unit::ALL.len() => Some(Source::Z(*row)),
            None => None,
        },
        _ => None,
    };
    report.violations.iter().filter_map(cell).collect()
}

/// An accepted plan is a machine of its model: the truth is accepted, and a lie about an element of each
/// tensor is not; how many lies there were.
fn still_means(machine: &RowMachine, model: &Model, dice: &mut Dice, what: &str) -> usize {
    let (Model { program, trace, .. }, Plan { rows, layouts, .. }) = (model, &machine.plan);
    let mut first = machine.first(program, trace);
    let provable = fill(machine, &mut first);
    let honest = check(machine, first).report;
    assert_eq!(honest.is_satisfied(), provable, "{what}: the honest witness: {honest:?}");
    if !provable {
        // Nor is anything else, lies included.
        return 0;
    }
    let mut lies = 0;
    for (t, tensor) in program.tensors.iter().enumerate() {
        if matches!(tensor.step, Step::Input(_)) {
            continue;
        }
        // One that stands in a damaged group, if there is one.
        let damaged = |group: usize| model.plan.rows.groups.get(group) != rows.groups.get(group);
        let cells = layouts[t].cells(rows.profile.lanes());
        let there: Vec<u32> = cells.filter(|(_, g, _)| damaged(*g)).map(|(e, ..)| e).collect();
        let element = match there[..] {
            [] => dice.below(tensor.shape.len()),
            _ => there[dice.below(there.len())] as usize,
        };
        let lie = [1, -1, 2, -2].into_iter().find_map(|dx| {
            Lie::step(program, trace, TensorId(t), element, dx)?.carried(program, trace)
        });
        let Some(lie) = lie else { continue };
        let mut first = machine.first(program, &lie);
        fill(machine, &mut first);
        let lied = check(machine, first).report;
        assert!(!lied.is_satisfied(), "{what}: a lie in element {element} of tensor {t}");
        lies += 1;
    }
    lies
}

/// Puts legal values where no element is: a damaged group may look up another table than it did. False
/// if that has no row, so that nobody can prove anything.
fn fill(machine: &RowMachine, first: &mut FirstPhase) -> bool {
    let Plan { rows, layouts, .. } = &machine.plan;
    let lanes = rows.profile.lanes();
    let homes: BTreeSet<usize> = layouts
        .iter()
        .flat_map(|layout| layout.cells(lanes))
        .map(|(_, group, lane)| group * lanes + lane)
        .collect();
    let mut by_tag: BTreeMap<u32, BTreeSet<(i64, i64)>> = BTreeMap::new();
    for row in &rows.tables {
        by_tag.entry(row.tag).or_default().insert((row.input.into(), row.output.into()));
    }
    let legal = |tag: u32, now: (i64, i64), fits: fn(&(i64, i64)) -> bool| {
        let all = by_tag.get(&tag)?;
        if all.contains(&now) { Some(now) } else { all.iter().copied().find(fits) }
    };
    let mut provable = true;
    for (index, group) in rows.groups.iter().enumerate() {
        for cell in (index * lanes..(index + 1) * lanes).filter(|cell| !homes.contains(cell)) {
            let [x, r, y] = [0, 1, 2].map(|role| first.lanes[role][cell]);
            match (
                legal(group.tag_f, (x, y), |_| true),
                legal(group.tag_r, (r, 0), |(_, y)| *y == 0),
            ) {
                (Some((x, y)), Some((r, _))) => {
                    (first.lanes[0][cell], first.lanes[1][cell], first.lanes[2][cell]) = (x, r, y);
                }
                _ => provable = false,
            }
        }
    }
    provable
}
