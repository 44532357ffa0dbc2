//! Attacks on products of two activations: `U2` reads the left operand along `lambda`, or as a scalar, `U4` the
//! right one along `rho`.

mod machine_common;
mod plonk_common;

use halo2curves::bn256::Fr;
use machine_common::{Lie, RowMachine, Subject, Tampered, Verdict, home, set_accumulator};
use std::collections::BTreeSet;
use zkml_circuits::{
    lint::lint,
    machine::{Profile, Role, Unit},
    plan::{LaneRead, OperandRead, Plan, Source, UnitRef, Visibility},
    testing::{Dice, encoding, random, random_inputs, shape},
    witness::FirstPhase,
};
use zkml_core::{
    exec::integer::{Trace, run},
    program::{Affine, Program, ProgramBuilder, Step, TensorId, Term, View},
    tensor::Tensor,
};

const LEFT: TensorId = TensorId(2);
const RIGHT: TensorId = TensorId(3);
const PRODUCT: TensorId = TensorId(4);
/// Of one number for each position by the product.
const SCALED: TensorId = TensorId(5);

/// Positions, inner features, outer features of the product.
const SIZE: (usize, usize, usize) = (5, 3, 11);

/// `a W`, `b W'`, their product (shift, Relu), and the product of each of its rows by one number.
fn program() -> Program {
    let (i, k, j) = SIZE;
    let mut dice = Dice::new(61);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[i, k]), encoding("x", 5));
    let z = b.input("z", shape(&[k, 4]), encoding("z", 5));
    let relu = b.table(zkml_circuits::testing::relu(8));
    let weight = random(&mut dice, &[k, k], 7);
    let left = Affine::new(vec![Term::Contract { view: b.whole(x), weight }]).shift(3);
    let left = b.affine(shape(&[i, k]), encoding("left", 7), left);
    let weight = random(&mut dice, &[4, j], 7);
    let right = Affine::new(vec![Term::Contract { view: b.whole(z), weight }]).shift(3).table(relu);
    let right = b.affine(shape(&[k, j]), encoding("right", 8), right);
    let product = Term::Product {
        left: b.reshaped(left, shape(&[1, i, k])),
        right: b.reshaped(right, shape(&[1, k, j])),
        factor: -3,
    };
    let product = Affine::new(vec![product]).bias(random(&mut dice, &[i, j], 50)).shift(8);
    let product = b.affine(shape(&[i, j]), encoding("product", 8), product);
    // The first inner feature of each position, by all outer ones.
    let lead = View {
        tensor: left,
        shape: shape(&[i, 1, 1]),
        index: Some((0..i as u32).map(|at| at * k as u32).collect()),
    };
    let right = b.reshaped(product, shape(&[i, 1, j]));
    let scaled = Affine::new(vec![Term::Product { left: lead, right, factor: 1 }]).shift(5);
    let scaled = b.affine(shape(&[i, j]), encoding("scaled", 10), scaled);
    let view = b.whole(scaled);
    b.output("y", view);
    b.finish().expect("a program")
}

fn profiles() -> [Profile; 4] {
    let of = |(lanes, fold, weights, tables)| Profile::new(lanes, fold, weights, tables);
    [(8, 1, 32, 2), (4, 4, 16, 1), (6, 3, 6, 1), (8, 2, 4, 1)].map(|p| of(p).expect("a machine"))
}

fn subjects() -> Vec<Subject> {
    profiles().map(|p| Subject::new(program(), p, Visibility::Public)).into()
}

fn truth(subject: &Subject, tensor: TensorId, element: usize) -> Lie {
    Lie::step(subject.key.compiled().program(), &subject.trace, tensor, element, 0).expect("true")
}

fn refuse(subject: &Subject, lie: Lie, proof: bool) {
    let program = subject.key.compiled().program();
    let Some(trace) = lie.carried(program, &subject.trace) else { return };
    assert_ne!(trace, subject.trace);
    let first = subject.first_of(&trace);
    assert!(!subject.satisfied_by(first.clone()), "{lie:?} goes unnoticed");
    if proof {
        assert_eq!(subject.verdict_of(first), Verdict::Rejected, "{lie:?}");
    }
}

#[test]
fn an_honest_product_proves_and_reads_lanes_along_rho() {
    for subject in subjects() {
        let profile = subject.key.compiled().profile();
        let verdict = subject.verdict(&subject.words, &mut subject.honest());
        assert_eq!(verdict, Verdict::Accepted, "{profile}");
        assert!(subject.plan().rows.groups.iter().any(|g| g.feature.is_some()), "{profile}");
    }
}

/// Either operand, a product or a scaled product: off by one, with the remainder that makes up for it and
/// without; all that follows is computed from the lie.
#[test]
fn each_element_has_one_value() {
    for subject in subjects() {
        for (tensor, shift) in [(LEFT, 3), (RIGHT, 3), (PRODUCT, 8), (SCALED, 5)] {
            let count = subject.key.compiled().program().tensors[tensor.0].shape.len();
            for element in (0..count).step_by(5) {
                let honest = truth(&subject, tensor, element);
                let whole = 1 << shift;
                let mut lies: Vec<Lie> =
                    [(1, 0), (-1, 0), (1, -whole), (-1, whole), (0, 1), (0, -1)]
                        .map(|(dx, dr)| honest.shifted(dx, dr))
                        .into();
                if let Some(y) = honest.y {
                    for lie in &mut lies {
                        lie.y = Some(lie.x.max(0));
                    }
                    lies.extend([1, -1].map(|d| Lie { y: Some(y + d), ..honest }));
                }
                for (at, lie) in lies.into_iter().enumerate() {
                    refuse(&subject, lie, element == 5 && at % 3 == 0);
                }
            }
        }
    }
}

/// Rows of an operand trade places, columns of the other do, or both operands change by what leaves
/// the sum of all products as it is: what follows is computed from the true operands.
#[test]
fn operands_that_trade() {
    let (i, k, j) = SIZE;
    let swaps: [(TensorId, Vec<(usize, usize)>); 4] = [
        (LEFT, (0..k).map(|c| (c, k + c)).collect()),
        (LEFT, (0..i).map(|p| (p * k, p * k + 1)).collect()),
        (RIGHT, (0..j).map(|c| (c, j + c)).collect()),
        (RIGHT, (0..k).map(|c| (c * j + 1, c * j + 4)).collect()),
    ];
    for subject in subjects() {
        for (tensor, pairs) in &swaps {
            let mut trace = subject.trace.clone();
            let cells = &mut trace.tensors[tensor.0];
            for (a, b) in pairs {
                cells.x.swap(*a, *b);
                cells.r.swap(*a, *b);
                if !cells.y.is_empty() {
                    cells.y.swap(*a, *b);
                }
            }
            assert_ne!(trace, subject.trace, "rows differ");
            let first = subject.first_of(&trace);
            assert!(!subject.satisfied_by(first.clone()));
            assert_eq!(subject.verdict_of(first), Verdict::Rejected);
        }
    }
}

/// A scalar that is not what it copies, with the products computed from it.
#[test]
fn a_scalar_that_is_no_copy() {
    let (_, _, j) = SIZE;
    for subject in subjects() {
        let program = subject.key.compiled().program();
        let mut proofs = 0;
        for scalar in subject.plan().scalars.clone() {
            for d in [1i64, -1] {
                let mut lie = subject.first();
                lie.p[scalar.group] += d;
                assert!(!subject.satisfied_by(lie.clone()), "the scalar alone");
                // As the lead of a row of the scaled product, its rows follow.
                if scalar.tensor == LEFT && (scalar.element as usize).is_multiple_of(SIZE.1) {
                    let row = scalar.element as usize / SIZE.1;
                    for at in row * j..(row + 1) * j {
                        let y = i64::from(subject.trace.tensors[PRODUCT.0].x[at]);
                        let place = subject.home(SCALED, at);
                        set_accumulator(&subject.plan().rows, &mut lie, place, |c| c + d * y);
                    }
                    assert!(!subject.satisfied_by(lie.clone()), "with what follows");
                    proofs += 1;
                    if proofs < 3 {
                        assert_eq!(subject.verdict_of(lie), Verdict::Rejected);
                    }
                }
            }
        }
        assert!(program.tensors[SCALED.0].shape.len() > 0);
        assert!(proofs > 0, "scalars lead the rows");
    }
}

/// What stands in dead lanes of groups that `U4` or `U2` reads changes nothing; with the lane's mask on, the
/// linter refuses the program and the machine the lie.
#[test]
fn dead_lanes_are_not_read() {
    for subject in subjects() {
        let lanes = subject.plan().rows.profile.lanes();
        let rows = &subject.plan().rows;
        let read = |g: &zkml_circuits::plan::Group| {
            g.feature.is_some() || matches!(g.operand, Some(OperandRead::X | OperandRead::Y))
        };
        let mut dead = Vec::new();
        for (index, group) in rows.groups.iter().enumerate().filter(|(_, g)| read(g)) {
            let lane = (0..lanes).find(|l| group.mask >> l & 1 == 0);
            dead.extend(lane.map(|lane| (index, lane)));
        }
        assert!(dead.iter().any(|(g, _)| rows.groups[*g].feature.is_some()), "read along rho");
        for (at, (group, lane)) in dead.into_iter().enumerate() {
            let mut other = subject.first();
            let cell = group * lanes + lane;
            // Legal for a range and for a Relu of these widths.
            (other.lanes[0][cell], other.lanes[2][cell]) =
                (1, i64::from(other.lanes[2][cell..].first() != Some(&0)));
            let table =
                rows.tables.iter().find(|t| t.tag == rows.groups[group].tag_f && t.input == 1);
            other.lanes[2][cell] = table.expect("in range").output.into();
            assert!(subject.satisfied_by(other.clone()), "group {group}, lane {lane}");
            if at == 0 {
                assert_eq!(subject.verdict_of(other), Verdict::Accepted);
            }
            let machine = RowMachine::new(subject.plan(), |r| r.groups[group].mask |= 1 << lane);
            machine.refusal(subject.key.compiled().program());
        }
    }
}

/// Fixed data of reads along `rho`: another row of the right operand, another role, a cut, a
/// weight added, a read that runs on. The machine as such accepts whatever the damaged program says, so that the
/// linter must refuse each, and does.
#[test]
fn the_linter_refuses_other_reads() {
    for profile in profiles() {
        let program = program();
        let plan = Plan::new(&program, profile, Visibility::Public).expect("fits");
        lint(&program, &plan).expect("what the planner makes");
        let features: Vec<usize> = (0..plan.rows.groups.len())
            .filter(|g| plan.rows.groups[*g].feature.is_some())
            .collect();
        // Where rows of right operands begin.
        let starts: BTreeSet<usize> = plan
            .rows
            .vector
            .iter()
            .flat_map(|row| [row.a, row.b])
            .filter_map(|source| match source {
                Some(Source::Unit(at)) if at.unit == Unit::Feature => Some(at.group),
                _ => None,
            })
            .filter(|group| features.contains(group))
            .collect();
        assert!(starts.len() >= SIZE.1, "{profile}: rows of the right operand");
        for group in &features {
            let refuse = |what: &str, change: &dyn Fn(&mut zkml_circuits::plan::Group)| {
                let mut damaged = plan.clone();
                change(&mut damaged.rows.groups[*group]);
                assert!(lint(&program, &damaged).is_err(), "{profile}: {what} of group {group}");
            };
            refuse("no read", &|g| g.feature = None);
            refuse("another role", &|g| {
                g.feature = match g.feature {
                    Some(LaneRead::X) => Some(LaneRead::Y),
                    _ => Some(LaneRead::X),
                }
            });
            refuse("a weight", &|g| g.weights = vec![1]);
            let live = 31 - plan.rows.groups[*group].mask.leading_zeros();
            refuse("a lane less", &|g| g.mask &= !(1 << live));
            if plan.rows.groups[*group].feature_next {
                refuse("a cut", &|g| g.feature_next = false);
            }
        }
        // Each product with another row of its right operand: of another inner feature or position.
        for (at, row) in plan.rows.vector.iter().enumerate() {
            let Some(Source::Unit(read)) = row.b else { continue };
            if read.unit != Unit::Feature || !starts.contains(&read.group) {
                continue;
            }
            for other in starts.iter().filter(|group| **group != read.group) {
                let mut damaged = plan.clone();
                damaged.rows.vector[at].b = Some(Source::Unit(UnitRef::new(Unit::Feature, *other)));
                assert!(lint(&program, &damaged).is_err(), "{profile}: row {at} reads {other}");
            }
        }
    }
}

/// A read of another position is a hole where nothing refuses it: keys of the damaged program prove the forged
/// product, and those of the true one do not.
#[test]
fn a_row_read_of_another_position_forges() {
    let (i, k, j) = SIZE;
    for profile in [profiles()[0], profiles()[1]] {
        let program = program();
        let plan = Plan::new(&program, profile, Visibility::Public).expect("fits");
        let inputs = random_inputs(&program, 5);
        let trace = run(&program, &inputs).expect("in range");
        // Where U4 begins to read row `c` of the right operand, if one segment holds it.
        let start = |c: usize| home(&plan, RIGHT, c * j).0;
        let (first, second) = (start(0), start(1));
        let swapped = RowMachine::new(&plan, |rows| {
            for row in &mut rows.vector {
                for source in [&mut row.a, &mut row.b] {
                    if *source == Some(Source::Unit(UnitRef::new(Unit::Feature, first))) {
                        *source = Some(Source::Unit(UnitRef::new(Unit::Feature, second)));
                    }
                }
            }
        });
        swapped.refusal(&program);
        // The product of that: row 1 of the right operand in place of row 0.
        let Step::Affine(affine) = &program.tensors[PRODUCT.0].step else { unreachable!() };
        let bias = affine.bias.as_ref().expect("a bias").data();
        let mut rest = program.clone();
        rest.tensors[PRODUCT.0].step = Step::Input(2);
        rest.inputs.push(zkml_core::program::InputDecl {
            name: "lie".into(),
            tensor: PRODUCT,
            kind: zkml_core::program::InputKind::Real,
        });
        let left = trace.tensors[LEFT.0].values();
        let right = trace.tensors[RIGHT.0].values();
        let mut cells = trace.tensors[PRODUCT.0].clone();
        for (p, c) in (0..i).flat_map(|p| (0..j).map(move |c| (p, c))) {
            let sum: i64 = (0..k)
                .map(|f| {
                    let row = if f == 0 { 1 } else { f };
                    i64::from(left[p * k + f]) * i64::from(right[row * j + c])
                })
                .sum();
            let accumulator = -3 * sum + bias[p * j + c] + 128;
            cells.x[p * j + c] = (accumulator >> 8) as i32;
            cells.r[p * j + c] = (accumulator & 255) as i32;
        }
        let product = cells.x.iter().map(|v| i64::from(*v)).collect();
        let product = Tensor::new(shape(&[i, j]), product).expect("as many");
        let mut forged =
            run(&rest, &[inputs[0].clone(), inputs[1].clone(), product]).expect("fits");
        forged.tensors[PRODUCT.0] = cells;
        let lie: FirstPhase = swapped.first(&program, &forged);
        assert_eq!(swapped.verdict_of(lie.clone()), Verdict::Accepted, "{profile}: a hole");
        let honest = RowMachine::new(&plan, |_| {});
        assert_eq!(honest.verdict_of(lie), Verdict::Rejected, "{profile}");
        let truth: Trace = trace.clone();
        let truth = honest.first(&program, &truth);
        assert_eq!(honest.verdict_of(truth), Verdict::Accepted);
    }
}

/// Cells of groups that are read along `rho`, one by one as field elements, everything after them
/// honest to the truth: lanes, fingerprints, scalars.
#[test]
fn every_kind_of_cell_is_bound() {
    for subject in subjects() {
        let plan = subject.plan();
        let (group, lane) = home(plan, RIGHT, SIZE.2 + 2);
        let left = home(plan, LEFT, 4);
        let output = home(plan, PRODUCT, 7);
        let scalar = plan.scalars.iter().find(|s| s.tensor == LEFT).map(|s| s.group);
        let honest = subject.honest();
        let columns = honest.columns().clone();
        let fold = subject.geometry().fold();
        let mut cells = Vec::new();
        for (what, (group, lane)) in [("right", (group, lane)), ("left", left), ("out", output)] {
            for role in [Role::X, Role::R, Role::Y] {
                let (column, offset) = columns.lane(role, lane);
                cells.push((format!("{what} {role:?}"), column.index(), group * fold + offset));
            }
        }
        for unit in Unit::ALL {
            let (column, offset) = columns.unit(unit);
            cells.push((format!("{unit:?}"), column.index(), group * fold + offset));
        }
        if let Some(group) = scalar {
            cells.push(("scalar".into(), columns.scalar.index(), group * fold));
        }
        assert!(scalar.is_some(), "leads are scalars");
        for (what, column, row) in cells {
            let change = |values: &mut Vec<Fr>| values[row] += Fr::one();
            let mut tampered = Tampered { inner: subject.honest(), column, change };
            assert!(!subject.satisfied(&subject.words, &mut tampered), "{what}");
        }
    }
}
