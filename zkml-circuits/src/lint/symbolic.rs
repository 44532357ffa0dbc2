//! What the equations of a row program say, as polynomials in `lambda` and `rho`.
//!
//! Units and vector rows are evaluated symbolically from the fixed data alone, exactly as the gates
//! define them; nothing of the planner's intention is used. A [`Poly`] maps `(monomial, cell)` to
//! an integer coefficient. `lambda` and `rho` are drawn after every cell here is committed, so a
//! polynomial that vanishes at them has, but for the probability in `ARCHITECTURE.md`, all its
//! coefficients 0: each monomial of `left - right` is a linear equation over cells.

use super::LintError;
use crate::{
    machine::{Role, Unit},
    plan::{Base, Carry, Geometry, Group, OperandRead, RowProgram, Source, UnitRef, VectorRow},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A phase-1 cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cell {
    /// The constant 1.
    One,
    /// A lane's cell.
    Lane {
        /// Its role.
        role: Role,
        /// Its group.
        group: usize,
        /// Its lane.
        lane: usize,
    },
    /// Scalar `p` of a group.
    Scalar(usize),
}

/// `lambda^lambda rho^rho`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Monomial {
    /// Exponent of `lambda`.
    pub lambda: u32,
    /// Exponent of `rho`.
    pub rho: u32,
}

impl Monomial {
    fn times(self, other: Self) -> Option<Self> {
        Some(Self {
            lambda: self.lambda.checked_add(other.lambda)?,
            rho: self.rho.checked_add(other.rho)?,
        })
    }

    fn of(base: Base, power: usize) -> Option<Self> {
        let power = u32::try_from(power).ok()?;
        Some(match base {
            Base::Lambda => Self { lambda: power, rho: 0 },
            Base::Rho => Self { lambda: 0, rho: power },
        })
    }
}

/// A polynomial in `lambda`, `rho` whose coefficients are linear in cells.
pub(super) type Poly = HashMap<(Monomial, Cell), i128>;

/// A linear form over cells.
pub(super) type Linear = BTreeMap<Cell, i128>;

/// Evaluates the units and rows of a row program.
pub(super) struct Symbolic<'a> {
    rows: &'a RowProgram,
    geometry: Geometry,
    known: HashMap<Source, Poly>,
    open: HashSet<Source>,
}

impl<'a> Symbolic<'a> {
    pub(super) fn new(rows: &'a RowProgram, geometry: Geometry) -> Self {
        Self { rows, geometry, known: HashMap::new(), open: HashSet::new() }
    }

    /// The linear equations that equation `index` stands for, by monomial.
    pub(super) fn equation(
        &mut self,
        index: usize,
    ) -> Result<BTreeMap<Monomial, Linear>, LintError> {
        let (left, right) = self.rows.equations[index];
        let (left, right) = (self.value(left)?, self.value(right)?);
        let mut by_monomial: BTreeMap<Monomial, Linear> = BTreeMap::new();
        for (poly, sign) in [(left, 1), (right, -1)] {
            for ((monomial, cell), coefficient) in poly {
                let slot = by_monomial.entry(monomial).or_default().entry(cell).or_default();
                *slot = coefficient
                    .checked_mul(sign)
                    .and_then(|c| slot.checked_add(c))
                    .ok_or(LintError::Overflow)?;
            }
        }
        for linear in by_monomial.values_mut() {
            linear.retain(|_, coefficient| *coefficient != 0);
        }
        by_monomial.retain(|_, linear| !linear.is_empty());
        Ok(by_monomial)
    }

    fn value(&mut self, source: Source) -> Result<Poly, LintError> {
        if let Some(poly) = self.known.get(&source) {
            return Ok(poly.clone());
        }
        if !self.open.insert(source) {
            return Err(LintError::Cycle { at: source });
        }
        let poly = match source {
            Source::Unit(at) => self.unit(at)?,
            Source::Z(row) => self.accumulator(row)?,
        };
        self.open.remove(&source);
        self.known.insert(source, poly.clone());
        Ok(poly)
    }

    /// Follows a unit from a group to the last group it carries on.
    fn unit(&self, at: UnitRef) -> Result<Poly, LintError> {
        let source = Source::Unit(at);
        let unit = at.unit().ok_or(LintError::Dangling { at: source })?;
        if at.group >= self.geometry.groups() {
            return Err(LintError::Dangling { at: source });
        }
        let mut poly = Poly::new();
        let mut scale = Monomial::default();
        for index in at.group.. {
            if index >= self.geometry.groups() {
                // The cell after the last group is outside every gate: free.
                return Err(LintError::Dangling { at: source });
            }
            // Groups the program does not mention do nothing.
            let Some(group) = self.rows.groups.get(index) else { break };
            let Some(step) = self.read(unit, index, group, scale, &mut poly)? else { break };
            scale = scale.times(step).ok_or(LintError::Overflow)?;
        }
        Ok(poly)
    }

    /// Adds what a unit reads in one group; returns the factor of the next group, if it carries on.
    fn read(
        &self,
        unit: Unit,
        index: usize,
        group: &Group,
        scale: Monomial,
        poly: &mut Poly,
    ) -> Result<Option<Monomial>, LintError> {
        let lanes = self.rows.profile.lanes();
        let live = (0..lanes).filter(|lane| group.mask >> lane & 1 == 1);
        let cell = |role, lane| Cell::Lane { role, group: index, lane };
        let (base, width, next) = match unit {
            Unit::Output => match group.output {
                None => return Ok(None),
                Some(base) => (base, lanes, group.output_next),
            },
            Unit::Operand => (Base::Lambda, lanes, group.operand_next),
            Unit::Weight => (Base::Rho, self.rows.profile.weight_lanes(), group.weight_next),
        };
        let mut put = |power: usize, cell, coefficient: i128| {
            let at = Monomial::of(base, power).and_then(|m| m.times(scale));
            add(poly, at.ok_or(LintError::Overflow)?, cell, coefficient)
        };
        match unit {
            Unit::Output => {
                if group.shift > 16 {
                    return Err(LintError::Shift { group: index });
                }
                for lane in live {
                    put(lane, cell(Role::X, lane), 1 << group.shift)?;
                    put(lane, cell(Role::R, lane), 1)?;
                }
            }
            Unit::Operand => match group.operand {
                None => {}
                Some(OperandRead::Scalar) => put(0, Cell::Scalar(index), 1)?,
                Some(read) => {
                    for lane in live {
                        let cell = match read {
                            OperandRead::X => cell(Role::X, lane),
                            OperandRead::Y => cell(Role::Y, lane),
                            OperandRead::One | OperandRead::Scalar => Cell::One,
                        };
                        put(lane, cell, 1)?;
                    }
                }
            },
            Unit::Weight => {
                if group.weights.len() > width {
                    return Err(LintError::Weights { group: index });
                }
                for (lane, weight) in group.weights.iter().enumerate() {
                    put(lane, Cell::One, i128::from(*weight))?;
                }
            }
        }
        if !next {
            return Ok(None);
        }
        Monomial::of(base, width).ok_or(LintError::Overflow).map(Some)
    }

    /// Follows a run of vector rows from `first` to its end.
    fn accumulator(&mut self, first: usize) -> Result<Poly, LintError> {
        let mut poly = Poly::new();
        let mut scale = Monomial::default();
        for index in first.. {
            if index >= self.geometry.rows() {
                return Err(LintError::Dangling { at: Source::Z(first) });
            }
            // `rows` outlives the borrow of the evaluator.
            let rows: &'a RowProgram = self.rows;
            let Some(row) = rows.vector.get(index) else { break };
            self.step(index, row, scale, &mut poly)?;
            let power = match row.carry {
                Carry::None => break,
                Carry::One => Monomial::default(),
                Carry::Rho => Monomial { lambda: 0, rho: 1 },
                Carry::Lambda => Monomial { lambda: 1, rho: 0 },
            };
            scale = scale.times(power).ok_or(LintError::Overflow)?;
        }
        Ok(poly)
    }

    fn step(
        &mut self,
        index: usize,
        row: &VectorRow,
        scale: Monomial,
        poly: &mut Poly,
    ) -> Result<(), LintError> {
        if row.junk != 0 {
            return Err(LintError::Junk { row: index });
        }
        let free = LintError::FreeOperand { row: index };
        let a = match row.a {
            Some(source) => Some(self.value(source)?),
            None => None,
        };
        if row.linear != 0 {
            let a = a.as_ref().ok_or(free.clone())?;
            for ((monomial, cell), coefficient) in a {
                let coefficient =
                    coefficient.checked_mul(i128::from(row.linear)).ok_or(LintError::Overflow)?;
                let at = monomial.times(scale).ok_or(LintError::Overflow)?;
                add(poly, at, *cell, coefficient)?;
            }
        }
        if row.product {
            let b = self.value(row.b.ok_or(free.clone())?)?;
            product(&a.ok_or(free)?, &b, scale, poly, index)?;
        }
        Ok(())
    }
}

/// Adds `scale * a * b`, one of which must be free of cells.
fn product(
    a: &Poly,
    b: &Poly,
    scale: Monomial,
    poly: &mut Poly,
    row: usize,
) -> Result<(), LintError> {
    let constant = |p: &Poly| p.keys().all(|(_, cell)| *cell == Cell::One);
    let (witness, fixed) = match (constant(a), constant(b)) {
        (_, true) => (a, b),
        (true, false) => (b, a),
        (false, false) => return Err(LintError::WitnessProduct { row }),
    };
    for ((m, cell), left) in witness {
        for ((m2, _), right) in fixed {
            let at = m.times(*m2).and_then(|m| m.times(scale)).ok_or(LintError::Overflow)?;
            add(poly, at, *cell, left.checked_mul(*right).ok_or(LintError::Overflow)?)?;
        }
    }
    Ok(())
}

fn add(poly: &mut Poly, at: Monomial, cell: Cell, coefficient: i128) -> Result<(), LintError> {
    if coefficient == 0 {
        return Ok(());
    }
    let slot = poly.entry((at, cell)).or_default();
    *slot = slot.checked_add(coefficient).ok_or(LintError::Overflow)?;
    Ok(())
}
