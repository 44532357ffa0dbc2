//! Damages of a plan drawn at random: a field of a group, of a vector row, a table row, an equation, the
//! words, what is claimed; two at once; and pairs that make up for one another.

use zkml_circuits::{
    machine::Unit,
    plan::{
        Base, Carry, Claim, Geometry, Group, LaneRead, OperandRead, Plan, PublicRole, RowProgram,
        Source, UnitRef, VectorRow,
    },
    testing::Dice,
};

/// Changes something of a plan, perhaps into what it is, about the group and vector row at hand.
type Change = fn(&mut Dice, &mut Plan, At);

/// Where two damages of a pair are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    group: usize,
    row: usize,
}

impl At {
    fn drawn(dice: &mut Dice, plan: &Plan) -> Self {
        let RowProgram { groups, vector, .. } = &plan.rows;
        Self { group: dice.below(groups.len()), row: dice.below(vector.len()) }
    }
}

/// Every field there is, and what damages it.
pub(crate) const FIELDS: &[(&str, Change)] = &[
    ("mask", |d, p, at| group(p, at).mask ^= 1 << d.below(p.rows.profile.lanes())),
    ("output base", |d, p, at| {
        group(p, at).output =
            pick(d, &[None, Some(Base::Lambda), Some(Base::LambdaSquared), Some(Base::Rho)]);
    }),
    ("output goes on", |_, p, at| group(p, at).output_next ^= true),
    ("shift", |d, p, at| group(p, at).shift = d.below(18) as u8),
    ("operand read", |d, p, at| {
        use OperandRead::{One, Scalar, X, Y};
        group(p, at).operand = pick(d, &[None, Some(X), Some(Y), Some(One), Some(Scalar)]);
    }),
    ("operand goes on", |_, p, at| group(p, at).operand_next ^= true),
    ("operand base", |_, p, at| group(p, at).operand_squared ^= true),
    ("feature read", |d, p, at| {
        group(p, at).feature = pick(d, &[None, Some(LaneRead::X), Some(LaneRead::Y)]);
    }),
    ("feature goes on", |_, p, at| group(p, at).feature_next ^= true),
    ("weight", |d, p, at| {
        if let Some(weight) = any(d, &mut group(p, at).weights) {
            *weight += pick(d, &[1, -1, 256, -(1 << 40)]);
        }
    }),
    ("number of weights", |d, p, at| {
        let room = p.rows.profile.weight_lanes();
        let weights = &mut group(p, at).weights;
        match d.below(3) {
            0 if weights.len() < room => weights.push(d.signed(3)),
            1 => weights.clear(),
            _ => _ = weights.pop(),
        }
    }),
    ("tag of remainders", |d, p, at| group(p, at).tag_r = d.below(6) as u32),
    ("tag of functions", |d, p, at| group(p, at).tag_f = d.below(6) as u32),
    ("what a word packs", |d, p, at| {
        group(p, at).public = pick(d, &[None, Some(PublicRole::X), Some(PublicRole::Y)]);
    }),
    ("carry", |d, p, at| {
        row(p, at).carry = pick(d, &[Carry::None, Carry::One, Carry::Rho, Carry::Lambda]);
    }),
    ("operand A", |d, p, at| row(p, at).a = source(d, p)),
    ("operand B", |d, p, at| row(p, at).b = source(d, p)),
    ("product", |_, p, at| row(p, at).product ^= true),
    ("multiple of A", |d, p, at| row(p, at).linear += pick(d, &[1, -1, -2, 1 << 16])),
    ("junk", |d, p, at| row(p, at).junk = d.signed(1)),
    ("tag of a table row", |d, p, _| {
        if let Some(row) = any(d, &mut p.rows.tables) {
            row.tag = d.below(6) as u32;
        }
    }),
    ("argument of a table row", |d, p, _| {
        if let Some(row) = any(d, &mut p.rows.tables) {
            row.input += pick(d, &[1, -1, 1 << 16]);
        }
    }),
    ("value of a table row", |d, p, _| {
        if let Some(row) = any(d, &mut p.rows.tables) {
            row.output += pick(d, &[1, -1, 1 << 16]);
        }
    }),
    ("table row missing", |d, p, _| _ = p.rows.tables.remove(d.below(p.rows.tables.len()))),
    ("table row twice", |d, p, _| p.rows.tables.push(p.rows.tables[d.below(p.rows.tables.len())])),
    ("side of an equation", |d, p, _| {
        if let Some(other) = source(d, p)
            && let Some(equation) = any(d, &mut p.rows.equations)
        {
            *(if d.below(2) == 0 { &mut equation.0 } else { &mut equation.1 }) = other;
        }
    }),
    ("equation missing", |d, p, _| {
        let at = d.below(p.rows.equations.len());
        p.rows.equations.remove(at);
        if d.below(2) == 0 {
            p.claims.remove(at);
        }
    }),
    ("equation twice", |d, p, _| {
        let at = d.below(p.rows.equations.len());
        p.rows.equations.push(p.rows.equations[at]);
        if d.below(2) == 0 {
            p.claims.push(p.claims[at].clone());
        }
    }),
    ("number of words", |d, p, _| p.rows.words = d.below(p.rows.words + 2)),
    ("claim of another", |d, p, _| {
        let (i, j) = (d.below(p.claims.len()), d.below(p.claims.len()));
        p.claims[i] = p.claims[j].clone();
    }),
    ("element claimed", |d, p, _| match any(d, &mut p.claims) {
        Some(Claim::Tie(scalars)) => {
            if let Some((scalar, _)) = any(d, scalars) {
                *scalar ^= 1;
            }
        }
        Some(Claim::Step { elements, .. }) => {
            if let Some((element, _)) = any(d, elements) {
                *element ^= 1;
            }
        }
        None => {}
    }),
    ("monomial claimed", |d, p, _| match any(d, &mut p.claims) {
        Some(Claim::Tie(scalars)) => {
            if let Some((_, power)) = any(d, scalars) {
                *power += 1;
            }
        }
        Some(Claim::Step { elements, .. }) => {
            if let Some((_, at)) = any(d, elements) {
                *(if d.below(2) == 0 { &mut at.lambda } else { &mut at.rho }) += 1;
            }
        }
        None => {}
    }),
    ("scalar's element", |d, p, _| {
        if let Some(scalar) = any(d, &mut p.scalars) {
            scalar.element ^= 1;
        }
    }),
    ("scalar's group", |d, p, at| {
        if let Some(scalar) = any(d, &mut p.scalars) {
            scalar.group = at.group;
        }
    }),
    ("homes that trade", |d, p, _| {
        let segment = any(d, &mut p.layouts).and_then(|layout| any(d, &mut layout.segments));
        if let Some(segment) = segment {
            let slots = &mut segment.slots;
            let (i, j) = (d.below(slots.len()), d.below(slots.len()));
            slots.swap(i, j);
        }
    }),
    ("segment elsewhere", |d, p, at| {
        let segment = any(d, &mut p.layouts).and_then(|layout| any(d, &mut layout.segments));
        if let Some(segment) = segment {
            segment.group = at.group;
        }
    }),
    ("digits that trade", |d, p, _| {
        let words = any(d, &mut p.io.outputs).and_then(|tensor| any(d, &mut tensor.digits));
        if let Some(word) = words {
            let (i, j) = (d.below(word.len()), d.below(word.len()));
            word.swap(i, j);
        }
    }),
    ("scale of an output", |d, p, _| {
        if let Some(tensor) = any(d, &mut p.io.outputs) {
            tensor.scale.0 += 1;
        }
    }),
    ("group after the last", |d, p, _| {
        if p.rows.groups.len() < geometry(p).groups() {
            let weights = vec![d.signed(5)];
            p.rows.groups.push(Group { weights, mask: 1, ..Group::default() });
        }
    }),
];

/// Two changes each, of which the second makes up for the first, or nearly.
pub(crate) const COMPENSATED: &[(&str, Change)] = &[
    ("A and B traded", |_, p, at| {
        let row = row(p, at);
        (row.a, row.b) = (row.b, row.a);
    }),
    ("neighbours of a sum traded", |_, p, at| {
        let rows = &mut p.rows.vector;
        if at.row + 1 < rows.len() {
            rows.swap(at.row, at.row + 1);
            // Each carries what its place carries.
            let carry = rows[at.row].carry;
            rows[at.row].carry = std::mem::replace(&mut rows[at.row + 1].carry, carry);
        }
    }),
    ("rows traded", |d, p, at| {
        let other = d.below(p.rows.vector.len());
        p.rows.vector.swap(at.row, other);
    }),
    ("equations and claims traded", |d, p, _| {
        let (i, j) = (d.below(p.claims.len()), d.below(p.claims.len()));
        p.claims.swap(i, j);
        p.rows.equations.swap(i, j);
    }),
    ("equations traded", |d, p, _| {
        let (i, j) = (d.below(p.claims.len()), d.below(p.claims.len()));
        p.rows.equations.swap(i, j);
    }),
    ("sides traded", |d, p, _| {
        if let Some(equation) = any(d, &mut p.rows.equations) {
            *equation = (equation.1, equation.0);
        }
    }),
    ("one weight up, one down", |d, p, at| {
        let weights = &mut group(p, at).weights;
        for change in [1, -1] {
            if let Some(weight) = any(d, weights) {
                *weight += change;
            }
        }
    }),
    ("weights traded", |d, p, at| {
        let other = d.below(p.rows.groups.len());
        let weights = std::mem::take(&mut p.rows.groups[at.group].weights);
        let weights = std::mem::replace(&mut p.rows.groups[other].weights, weights);
        p.rows.groups[at.group].weights = weights;
    }),
    ("weights and multiples negated", |_, p, at| {
        group(p, at).weights.iter_mut().for_each(|weight| *weight = -*weight);
        let weights = Source::Unit(UnitRef::new(Unit::Feature, at.group));
        let reads = p.rows.vector.iter_mut().filter(|row| row.a == Some(weights));
        reads.for_each(|row| row.linear = -row.linear);
    }),
    ("a mask bit moved", |d, p, at| {
        let lanes = p.rows.profile.lanes();
        group(p, at).mask ^= 1 << d.below(lanes) | 1 << d.below(lanes);
    }),
    ("groups traded with all that names them", |d, p, at| {
        let other = d.below(p.rows.groups.len());
        p.rows.groups.swap(at.group, other);
        let renamed = |group: usize| match group {
            g if g == at.group => other,
            g if g == other => at.group,
            g => g,
        };
        each_source(&mut p.rows, |source| {
            if let Source::Unit(unit) = source {
                unit.group = renamed(unit.group);
            }
        });
        p.scalars.iter_mut().for_each(|scalar| scalar.group = renamed(scalar.group));
    }),
    ("another junk coefficient everywhere", |d, p, _| {
        let factor = pick(d, &[-1, 3, 1 << 40]);
        p.rows.vector.iter_mut().for_each(|row| row.junk *= factor);
    }),
    ("a sum split in two rows", |d, p, at| {
        let split = row(p, at).clone();
        let part = pick(d, &[1, -3]);
        let first = VectorRow { linear: split.linear - part, ..split.clone() };
        let (a, carry) = (split.a, Carry::One);
        let second = VectorRow { carry, a, linear: part, ..VectorRow::default() };
        p.rows.vector.splice(at.row..=at.row, [second, first]);
        each_source(&mut p.rows, |source| {
            if let Source::Z(row) = source
                && *row > at.row
            {
                *row += 1;
            }
        });
    }),
    ("table rows traded", |d, p, _| {
        let (i, j) = (d.below(p.rows.tables.len()), d.below(p.rows.tables.len()));
        p.rows.tables.swap(i, j);
    }),
];

/// One damage: what it is, and the damaged plan.
pub(crate) fn single(dice: &mut Dice, plan: &Plan) -> (&'static str, Plan) {
    let (name, change) = FIELDS[dice.below(FIELDS.len())];
    (name, changed(dice, plan, &[change], None).unwrap_or_else(|| plan.clone()))
}

/// Two damages at once, as often as not of one place.
pub(crate) fn pair(dice: &mut Dice, plan: &Plan) -> (&'static str, Plan) {
    let changes = [FIELDS[dice.below(FIELDS.len())].1, FIELDS[dice.below(FIELDS.len())].1];
    let at = (dice.below(2) == 0).then(|| At::drawn(dice, plan));
    ("any two", changed(dice, plan, &changes, at).unwrap_or_else(|| plan.clone()))
}

/// Two that make up for one another.
pub(crate) fn compensated(dice: &mut Dice, plan: &Plan) -> (&'static str, Plan) {
    let (name, change) = COMPENSATED[dice.below(COMPENSATED.len())];
    (name, changed(dice, plan, &[change], None).unwrap_or_else(|| plan.clone()))
}

/// A plan that each change has changed; none where one finds nothing to change.
fn changed(dice: &mut Dice, plan: &Plan, changes: &[Change], at: Option<At>) -> Option<Plan> {
    let mut all = plan.clone();
    for change in changes {
        let mut tries = (0..40).map(|_| {
            let mut one = all.clone();
            let place = at.unwrap_or_else(|| At::drawn(dice, &all));
            change(dice, &mut one, place);
            one
        });
        all = tries.find(|one| *one != all)?;
    }
    Some(all)
}

/// Whether there is a machine of a row program: sources name its cells, weights its columns.
pub(crate) fn is_machine(rows: &RowProgram) -> bool {
    let Ok(geometry) = Geometry::check(rows) else { return false };
    let inside = |source: &Source| match source {
        Source::Unit(at) => at.group < geometry.groups(),
        Source::Z(row) => *row < geometry.rows(),
    };
    let operands = rows.vector.iter().flat_map(|row| [row.a, row.b]).flatten();
    let sides = rows.equations.iter().flat_map(|(left, right)| [*left, *right]);
    operands.chain(sides).all(|source| inside(&source))
        && rows.groups.iter().all(|g| g.weights.len() <= rows.profile.weight_lanes())
}

fn geometry(plan: &Plan) -> Geometry {
    Geometry::new(plan.rows.profile, plan.rows.k)
}

fn group(plan: &mut Plan, at: At) -> &mut Group {
    &mut plan.rows.groups[at.group]
}

fn row(plan: &mut Plan, at: At) -> &mut VectorRow {
    &mut plan.rows.vector[at.row]
}

fn any<'a, T>(dice: &mut Dice, values: &'a mut [T]) -> Option<&'a mut T> {
    let at = dice.below(values.len());
    values.get_mut(at)
}

fn pick<T: Copy>(dice: &mut Dice, values: &[T]) -> T {
    values[dice.below(values.len())]
}

/// Nothing, a unit in use, a row in use, or any cell of the machine.
fn source(dice: &mut Dice, plan: &Plan) -> Option<Source> {
    let (rows, geometry) = (&plan.rows, geometry(plan));
    let unit = |dice: &mut Dice, groups: usize| {
        Source::Unit(UnitRef::new(pick(dice, &Unit::ALL), dice.below(groups)))
    };
    match dice.below(8) {
        0 => None,
        1 => Some(unit(dice, geometry.groups())),
        2 => Some(Source::Z(dice.below(geometry.rows()))),
        3..=5 => Some(unit(dice, rows.groups.len())),
        _ => Some(Source::Z(dice.below(rows.vector.len()))),
    }
}

fn each_source(rows: &mut RowProgram, mut change: impl FnMut(&mut Source)) {
    for row in &mut rows.vector {
        [&mut row.a, &mut row.b].into_iter().flatten().for_each(&mut change);
    }
    for (left, right) in &mut rows.equations {
        change(left);
        change(right);
    }
}
