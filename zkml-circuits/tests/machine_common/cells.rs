//! Every advice cell of a model's machine, its kind, and whether a constraint must bind it.

use std::collections::BTreeMap;

use halo2curves::bn256::Fr;
use zkml_circuits::{
    machine::{Role, Unit},
    plan::{Carry, OperandRead},
    testing::Dice,
};
use zkml_core::program::{Program, Step, StoredTensor, Term};

use super::{Subject, Tampered};

/// One advice cell.
#[derive(Clone, Debug)]
pub(crate) struct CellAt {
    /// What it is, and where: cells of a kind share their fate.
    pub(crate) kind: String,
    /// What computes the tensor that its group holds; empty where that is no question.
    pub(crate) op: String,
    pub(crate) column: usize,
    pub(crate) row: usize,
    /// Whether some constraint determines it.
    pub(crate) bound: bool,
}

/// All advice cells of usable rows.
pub(crate) fn every_cell(subject: &Subject) -> Vec<CellAt> {
    let witness = subject.honest();
    let (columns, rows) = (witness.columns(), &subject.plan().rows);
    let (profile, geometry) = (rows.profile, subject.geometry());
    let fold = geometry.fold();
    let mut out = Vec::new();
    let ops = ops(subject);
    let mut put = |kind: String, column: usize, row: usize, bound: bool| {
        // Of the group that the row is in, for what belongs to groups.
        let of_group = ["x ", "r ", "y ", "p", "U ", "h "].iter().any(|k| kind.starts_with(k));
        let op = ops.get(&(row / fold)).filter(|_| of_group).cloned().unwrap_or_default();
        out.push(CellAt { kind, op, column, row, bound });
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
        let tie = vector.is_some_and(|v| v.carry == Carry::Lambda);
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

/// What computes the tensors, by the group that holds them.
fn ops(subject: &Subject) -> BTreeMap<usize, String> {
    let program = subject.key.compiled().program();
    let plan = subject.plan();
    let mut ops = BTreeMap::new();
    for (tensor, layout) in program.tensors.iter().zip(&plan.layouts) {
        for (_, group, _) in layout.cells(plan.rows.profile.lanes()) {
            ops.entry(group).or_insert_with(|| op(program, tensor));
        }
    }
    ops
}

/// The kinds of products of a tensor's definition, and its function.
fn op(program: &Program, tensor: &StoredTensor) -> String {
    let Step::Affine(affine) = &tensor.step else { return "input".into() };
    let mut parts: Vec<&str> = affine
        .terms
        .iter()
        .map(|term| match term {
            Term::Contract { .. } => "contract",
            Term::Scale { .. } => "scale",
            Term::Correlate { .. } => "correlate",
            _ => "product",
        })
        .collect();
    parts.sort_unstable();
    parts.dedup();
    let name = affine.table.map(|id| program.tables[id.0].name.as_str());
    // Without its scales.
    parts.extend(name.and_then(|name| name.split_whitespace().next()));
    parts.join(" ")
}

/// First, last and up to `more` cells of each kind of cell of each operation.
pub(crate) fn sample(cells: &[CellAt], more: usize, seed: u64) -> Vec<CellAt> {
    let mut by_kind: BTreeMap<(&str, &str), Vec<&CellAt>> = BTreeMap::new();
    for cell in cells {
        by_kind.entry((&cell.kind, &cell.op)).or_default().push(cell);
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

pub(crate) fn tampered<'a>(
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
