//! `U4` reads the lanes along the feature axis: row programs by hand, in machines of all shapes.
//!
//! The hidden values `y_j` of a classifier of one row stand in one segment and, as scalars `p_j`, one by one. The
//! equation `sum_j rho^j p_j = U4` holds if and only if `U4` reads that segment at base `rho`.

mod machine_common;
mod plonk_common;

use halo2curves::bn256::Fr;
use machine_common::{HIDDEN, LOGITS, RowMachine, Tampered, Verdict, classifier};
use zkml_circuits::{
    machine::{Profile, Unit},
    plan::{Carry, LaneRead, Plan, RowProgram, Source, UnitRef, VectorRow, Visibility},
    testing::random_inputs,
};
use zkml_core::{
    exec::integer::{Trace, run},
    program::{Program, TensorId},
};

/// The classifier, planned, with an honest run.
struct Honest {
    program: Program,
    plan: Plan,
    trace: Trace,
}

impl Honest {
    fn new(profile: Profile) -> Self {
        let program = classifier(1, 0);
        let plan = Plan::new(&program, profile, Visibility::Public).expect("fits");
        // The last value, alone in its group, is none that a cut read would give.
        let runs = (5..).map(|seed| run(&program, &random_inputs(&program, seed)));
        let mut traces = runs.map(|trace| trace.expect("in range"));
        let trace = traces.find(|t| t.tensors[HIDDEN.0].y[8] != 0).expect("some input");
        Self { program, plan, trace }
    }

    /// First group and number of groups of the only segment of a tensor.
    fn extent(&self, tensor: TensorId) -> (usize, usize) {
        let [segment] = &self.plan.layouts[tensor.0].segments[..] else { panic!("one segment") };
        (segment.group, segment.slots.len().div_ceil(self.plan.rows.profile.lanes()))
    }

    /// Adds the read of the hidden values and the equation with their scalars.
    fn read(&self, rows: &mut RowProgram) {
        let (first, count) = self.extent(HIDDEN);
        for group in first..first + count {
            rows.groups[group].feature = Some(LaneRead::Y);
            rows.groups[group].feature_next = group + 1 < first + count;
            // Where the planner put weights, the two would be added.
            assert!(rows.groups[group].weights.is_empty(), "room for the read");
        }
        let start = rows.vector.len();
        let mut scalars: Vec<_> = self.plan.scalars.iter().filter(|s| s.tensor == HIDDEN).collect();
        scalars.sort_by_key(|s| s.element);
        assert_eq!(scalars.len(), 9);
        rows.vector.extend(scalars.iter().enumerate().map(|(j, scalar)| VectorRow {
            carry: if j + 1 < scalars.len() { Carry::Rho } else { Carry::None },
            a: Some(Source::Unit(UnitRef::new(Unit::Operand, scalar.group))),
            linear: 1,
            ..VectorRow::default()
        }));
        let read = Source::Unit(UnitRef::new(Unit::Feature, first));
        rows.equations.push((Source::Z(start), read));
    }

    /// The weights of the plan, moved behind everything else.
    fn move_weights(&self, rows: &mut RowProgram) {
        let by = rows.groups.len();
        let moved: Vec<_> = rows
            .groups
            .iter_mut()
            .map(|g| (std::mem::take(&mut g.weights), std::mem::take(&mut g.feature_next)))
            .collect();
        rows.groups.extend(moved.into_iter().map(|(weights, feature_next)| {
            zkml_circuits::plan::Group { weights, feature_next, ..Default::default() }
        }));
        let moved = |source: Source| match source {
            Source::Unit(at) if at.unit == Unit::Feature => {
                Source::Unit(UnitRef::new(Unit::Feature, at.group + by))
            }
            other => other,
        };
        for row in &mut rows.vector {
            (row.a, row.b) = (row.a.map(moved), row.b.map(moved));
        }
        for (left, right) in &mut rows.equations {
            (*left, *right) = (moved(*left), moved(*right));
        }
    }

    fn machine(&self, change: impl FnOnce(&mut RowProgram)) -> RowMachine {
        RowMachine::new(&self.plan, |rows| {
            self.move_weights(rows);
            self.read(rows);
            change(rows);
        })
    }

    fn holds(&self, machine: &RowMachine) -> bool {
        machine.satisfied_by(machine.first(&self.program, &self.trace))
    }
}

/// As many weight lanes as lanes, more, fewer; folded or not.
fn shapes() -> Vec<Honest> {
    [(8, 1, 32, 2), (4, 4, 16, 1), (6, 3, 6, 1), (8, 2, 4, 1)]
        .map(|(lanes, fold, weights, tables)| {
            Honest::new(Profile::new(lanes, fold, weights, tables).expect("a machine"))
        })
        .into()
}

#[test]
fn lanes_are_read_along_rho() {
    for honest in shapes() {
        let machine = honest.machine(|_| {});
        let first = machine.first(&honest.program, &honest.trace);
        assert!(machine.satisfied_by(first.clone()), "{}", honest.plan.rows.profile);
        assert_eq!(machine.verdict_of(first), Verdict::Accepted);
    }
}

#[test]
fn each_coefficient_of_the_read_matters() {
    for honest in shapes() {
        let (first, count) = honest.extent(HIDDEN);
        assert!(count > 1, "a segment of several groups");
        type Change = Box<dyn Fn(&mut RowProgram)>;
        let mut changes: Vec<(&str, Change)> = Vec::new();
        for group in first..first + count {
            let slots = &honest.plan.layouts[HIDDEN.0].segments[0].slots;
            let lanes = honest.plan.rows.profile.lanes();
            let cells = &honest.trace.tensors[HIDDEN.0];
            let elements = || {
                slots
                    .iter()
                    .skip((group - first) * lanes)
                    .take(lanes)
                    .flatten()
                    .map(|e| *e as usize)
            };
            if elements().any(|e| cells.x[e] != cells.y[e]) {
                changes.push(("x", Box::new(move |r| r.groups[group].feature = Some(LaneRead::X))));
            }
            if elements().any(|e| cells.y[e] != 0) {
                changes.push(("nothing", Box::new(move |r| r.groups[group].feature = None)));
            }
            changes.push(("a weight", Box::new(move |r| r.groups[group].weights.push(1))));
        }
        changes.push(("cut", Box::new(move |r| r.groups[first].feature_next = false)));
        changes.push((
            "late",
            Box::new(move |r| {
                let (_, right) = r.equations.last_mut().expect("the read's");
                *right = Source::Unit(UnitRef::new(Unit::Feature, first + 1));
            }),
        ));
        let (logits, _) = honest.extent(LOGITS);
        changes.push((
            "another tensor",
            Box::new(move |r| {
                r.groups[logits].feature = Some(LaneRead::X);
                let (_, right) = r.equations.last_mut().expect("the read's");
                *right = Source::Unit(UnitRef::new(Unit::Feature, logits));
            }),
        ));
        for (what, change) in changes {
            let machine = honest.machine(change);
            assert!(!honest.holds(&machine), "{}: {what}", honest.plan.rows.profile);
        }
    }
}

/// A segment that goes on reads `W` positions on after lanes, `gW` after weights: a group of weights in front of
/// the lanes moves them by its own width.
#[test]
fn weights_and_lanes_follow_one_another() {
    for honest in shapes() {
        let (first, _) = honest.extent(HIDDEN);
        let profile = honest.plan.rows.profile;
        let hidden: Vec<i64> =
            honest.trace.tensors[HIDDEN.0].values().iter().map(|v| i64::from(*v)).collect();
        let machine = honest.machine(|rows| {
            // The same values as weights, after a group of lanes before them.
            let lanes = profile.lanes();
            let (head, tail) = hidden.split_at(lanes);
            rows.groups[first].feature_next = true;
            let read = rows.equations.pop().expect("the read's").0;
            let at = rows.groups.len();
            let mut groups = vec![rows.groups[first].clone(); 1];
            // A copy of the first group of lanes, whose cells are forced to 0 (tag 0), reads 0.
            groups[0] = zkml_circuits::plan::Group {
                mask: groups[0].mask,
                feature: Some(LaneRead::Y),
                feature_next: true,
                ..Default::default()
            };
            let mut weights: Vec<i64> = tail.to_vec();
            weights
                .resize(weights.len().div_ceil(profile.weight_lanes()) * profile.weight_lanes(), 0);
            let chunks: Vec<_> = weights.chunks(profile.weight_lanes()).collect();
            for (i, chunk) in chunks.iter().enumerate() {
                groups.push(zkml_circuits::plan::Group {
                    weights: chunk.to_vec(),
                    feature_next: i + 1 < chunks.len(),
                    ..Default::default()
                });
            }
            rows.groups.extend(groups);
            // The head alone, from the hidden lanes themselves.
            rows.groups[first].feature_next = false;
            let start = rows.vector.len();
            let unit = |group| Some(Source::Unit(UnitRef::new(Unit::Feature, group)));
            rows.vector.push(VectorRow {
                carry: Carry::One,
                a: unit(first),
                linear: 1,
                ..VectorRow::default()
            });
            rows.vector.push(VectorRow { a: unit(at), linear: 1, ..VectorRow::default() });
            rows.equations.push((read, Source::Z(start)));
            assert_eq!(head.len(), lanes);
        });
        assert!(honest.holds(&machine), "{profile}");
    }
}

/// What stands in dead lanes is legal for its table and read by nobody.
#[test]
fn dead_lanes_are_not_read() {
    for honest in shapes() {
        let machine = honest.machine(|_| {});
        let lanes = honest.plan.rows.profile.lanes();
        let (first, count) = honest.extent(HIDDEN);
        let dead: Vec<_> = (first..first + count)
            .flat_map(|g| (0..lanes).map(move |l| (g, l)))
            .filter(|(g, l)| machine.plan.rows.groups[*g].mask >> l & 1 == 0)
            .collect();
        assert!(!dead.is_empty());
        for (group, lane) in dead {
            let mut lie = machine.first(&honest.program, &honest.trace);
            lie.lanes[0][group * lanes + lane] = 3;
            lie.lanes[2][group * lanes + lane] = 3;
            assert!(machine.satisfied_by(lie));
            // The same with its mask on: the equation notices.
            let live = honest.machine(|rows| rows.groups[group].mask |= 1 << lane);
            let mut lie = live.first(&honest.program, &honest.trace);
            lie.lanes[0][group * lanes + lane] = 3;
            lie.lanes[2][group * lanes + lane] = 3;
            assert!(!live.satisfied_by(lie));
        }
    }
}

/// A fingerprint is a function of its lanes: no other value passes, wherever in the segment.
#[test]
fn fingerprints_are_determined() {
    for honest in shapes() {
        let machine = honest.machine(|_| {});
        let (first, count) = honest.extent(HIDDEN);
        for group in first..first + count {
            let values = machine.first(&honest.program, &honest.trace);
            let (words, inner) = machine.consistent(values);
            let (column, offset) = inner.columns().unit(Unit::Feature);
            let row = group * machine.geometry.fold() + offset;
            let column = column.index();
            let change = |values: &mut Vec<Fr>| values[row] += Fr::one();
            let mut tampered = Tampered { inner, column, change };
            assert_eq!(machine.verdict(&words, &mut tampered), Verdict::Rejected);
        }
    }
}
