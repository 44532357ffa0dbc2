//! Units and vector rows as polynomials in `lambda`, everything else a number.
//!
//! Evaluates a row program exactly as the gates define it, from its fixed data and values of the
//! phase-1 cells and `rho`, for a `lambda` not yet drawn. The linter reads from such polynomials
//! what an equation says at each exponent; the prover reads the junk an equation calls for.

mod offset;
mod poly;
mod uses;

use offset::Offset;
pub(crate) use poly::{JunkTerm, Poly};
use uses::Uses;

use crate::{
    machine::Unit,
    plan::{
        Base, Carry, Geometry, Group, LaneRead, OperandRead, RowProgram, Source, UnitRef, VectorRow,
    },
    witness::signed,
};
use ff::Field;
use halo2curves::bn256::Fr;
use std::{collections::HashMap, rc::Rc};

/// Values of the phase-1 cells.
pub(crate) trait Cells {
    /// Cell of role 0, 1, 2 (`x`, `r`, `y`) of a lane.
    fn lane(&self, role: usize, group: usize, lane: usize) -> Fr;
    /// Scalar `p` of a group.
    fn scalar(&self, group: usize) -> Fr;
}

/// Why a row program has no meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FormalError {
    /// A source outside the gates.
    Dangling(Source),
    /// A run that uses what is not above it.
    Cycle(Source),
    /// A vector row uses an operand copied from nowhere.
    FreeOperand(usize),
    /// A shift beyond the tables.
    Shift(usize),
    /// More weights than lanes.
    Weights(usize),
    /// A degree beyond [`Poly::MAX_DEGREE`].
    Degree,
}

/// Evaluates sources of a row program.
pub(crate) struct Formal<'a, C> {
    rows: &'a RowProgram,
    geometry: Geometry,
    cells: &'a C,
    /// [`run_starts`] of the rows.
    starts: &'a [usize],
    /// Powers of `rho` up to the widest unit.
    powers: Vec<Fr>,
    /// What is known and will be used.
    known: HashMap<Source, Rc<Poly>>,
    uses: Uses,
}

/// By vector row, the first row of its run.
pub(crate) fn run_starts(rows: &RowProgram) -> Vec<usize> {
    let mut starts = Vec::with_capacity(rows.vector.len());
    let mut start = 0;
    for (index, row) in rows.vector.iter().enumerate() {
        starts.push(start);
        if row.carry == Carry::None {
            start = index + 1;
        }
    }
    starts
}

impl<'a, C: Cells> Formal<'a, C> {
    /// Evaluates `rows` at `cells` and `rho`; `starts` are the rows' [`run_starts`].
    pub(crate) fn new(
        rows: &'a RowProgram,
        geometry: Geometry,
        starts: &'a [usize],
        cells: &'a C,
        rho: Fr,
    ) -> Self {
        let width = rows.profile.lanes().max(rows.profile.weight_lanes());
        let powers = std::iter::successors(Some(Fr::ONE), |p| Some(*p * rho)).take(width + 1);
        let (powers, known) = (powers.collect(), HashMap::new());
        Self { rows, geometry, cells, starts, powers, known, uses: Uses::default() }
    }

    /// `left - right` of an equation.
    pub(crate) fn difference(
        &mut self,
        (left, right): (Source, Source),
    ) -> Result<Poly, FormalError> {
        let mut difference = Poly::default();
        self.prepare(&[left, right])?;
        for (source, sign) in [(left, Fr::ONE), (right, -Fr::ONE)] {
            let side = self.take(source)?;
            difference.add(&side, sign, 0)?;
        }
        Ok(difference)
    }

    /// The polynomial of `source`.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn value(&mut self, source: Source) -> Result<Rc<Poly>, FormalError> {
        self.prepare(&[source])?;
        self.take(source)
    }

    /// Evaluates the vector rows that `roots` are made of, the first before those that use them.
    fn prepare(&mut self, roots: &[Source]) -> Result<(), FormalError> {
        self.uses = Uses::of(self.rows, self.geometry, self.starts, roots)?;
        self.known.clear();
        for row in self.uses.rows() {
            let poly = self.accumulator(row)?;
            self.know(Source::Z(row), poly)?;
        }
        Ok(())
    }

    fn know(&mut self, source: Source, poly: Poly) -> Result<(), FormalError> {
        if !poly.is_bounded() {
            return Err(FormalError::Degree);
        }
        self.known.insert(source, Rc::new(poly));
        Ok(())
    }

    /// The polynomial of a source for one of its uses; after the last it is forgotten.
    fn take(&mut self, source: Source) -> Result<Rc<Poly>, FormalError> {
        if let (Source::Unit(at), false) = (source, self.known.contains_key(&source)) {
            let poly = self.unit(at)?;
            self.know(source, poly)?;
        }
        let known = match self.uses.take(source) {
            true => self.known.remove(&source),
            false => self.known.get(&source).map(Rc::clone),
        };
        // Rows are known before they are used.
        known.ok_or(FormalError::Cycle(source))
    }

    /// Follows a run of vector rows from `first` to its end, whose operands [`Uses`] has seen.
    fn accumulator(&mut self, first: usize) -> Result<Poly, FormalError> {
        let mut poly = Poly::default();
        let mut offset = Offset::START;
        // Rows the program does not mention are 0.
        for (index, row) in self.rows.vector.iter().enumerate().skip(first) {
            offset.add(&mut poly, self.step(index, row)?)?;
            match row.carry {
                Carry::None => break,
                Carry::One => {}
                Carry::Rho => offset.advance(Base::Rho, 1, &self.powers),
                Carry::Lambda => offset.advance(Base::Lambda, 1, &self.powers),
            }
        }
        Ok(poly)
    }

    /// What a vector row adds to its run.
    fn step(&mut self, index: usize, row: &VectorRow) -> Result<Poly, FormalError> {
        let free = FormalError::FreeOperand(index);
        let a = row.a.map(|source| self.take(source)).transpose()?;
        let mut part = Poly::default();
        if row.linear != 0 {
            part.add(a.as_ref().ok_or(free)?, signed(row.linear), 0)?;
        }
        if row.product {
            let b = self.take(row.b.ok_or(free)?)?;
            part.add_product(a.as_ref().ok_or(free)?, &b)?;
        }
        if row.junk != 0 {
            part.add_junk(JunkTerm { row: index, exponent: 0, factor: signed(row.junk) })?;
        }
        Ok(part)
    }

    /// Follows a unit from a group to the last group it carries on.
    fn unit(&self, at: UnitRef) -> Result<Poly, FormalError> {
        let dangling = FormalError::Dangling(Source::Unit(at));
        let mut poly = Poly::default();
        let mut offset = Offset::START;
        for index in at.group.. {
            if index >= self.geometry.groups() {
                // The cell after the last group is outside every gate: free.
                return Err(dangling);
            }
            // Groups the program does not mention do nothing.
            let Some(group) = self.rows.groups.get(index) else { break };
            let (base, width, next) = match at.unit {
                Unit::Output => {
                    (group.output_base(), self.rows.profile.lanes(), group.output_goes_on())
                }
                Unit::Operand => {
                    (group.operand_base(), self.rows.profile.lanes(), group.operand_next)
                }
                Unit::Feature => {
                    (Base::Rho, group.feature_width(self.rows.profile), group.feature_next)
                }
            };
            let mut part = Poly::default();
            self.read(at.unit, index, group, base, &mut part)?;
            offset.add(&mut poly, part)?;
            if !next {
                break;
            }
            offset.advance(base, width, &self.powers);
        }
        Ok(poly)
    }

    /// What a unit reads in one group.
    fn read(
        &self,
        unit: Unit,
        index: usize,
        group: &Group,
        base: Base,
        poly: &mut Poly,
    ) -> Result<(), FormalError> {
        let lanes = self.rows.profile.lanes();
        let cell = |role: usize, lane: usize| self.cells.lane(role, index, lane);
        let is_constant = match unit {
            Unit::Output => false,
            Unit::Operand => matches!(group.operand, None | Some(OperandRead::One)),
            Unit::Feature => group.feature.is_none(),
        };
        poly.cells = u32::from(!is_constant);
        let mut put = |lane: usize, value: Fr| match base {
            Base::Lambda | Base::LambdaSquared => {
                let at = if base == Base::Lambda { lane } else { 2 * lane };
                poly.add_at(at, value)
            }
            Base::Rho => {
                poly.rho = poly.rho.max(lane as u32);
                poly.add_at(0, value * self.powers[lane])
            }
        };
        let mut live = (0..lanes).filter(|lane| group.mask >> lane & 1 == 1);
        match unit {
            Unit::Output => {
                if group.shift > 16 {
                    return Err(FormalError::Shift(index));
                }
                let scale = signed(group.output_scale());
                live.try_for_each(|lane| put(lane, scale * cell(0, lane) + cell(1, lane)))
            }
            Unit::Operand => match group.operand {
                None => Ok(()),
                Some(OperandRead::X) => live.try_for_each(|lane| put(lane, cell(0, lane))),
                Some(OperandRead::Y) => live.try_for_each(|lane| put(lane, cell(2, lane))),
                Some(OperandRead::One) => live.try_for_each(|lane| put(lane, Fr::ONE)),
                Some(OperandRead::Scalar) => poly.add_at(0, self.cells.scalar(index)),
            },
            Unit::Feature => {
                match group.feature {
                    None => Ok(()),
                    Some(LaneRead::X) => live.try_for_each(|lane| put(lane, cell(0, lane))),
                    Some(LaneRead::Y) => live.try_for_each(|lane| put(lane, cell(2, lane))),
                }?;
                if group.weights.len() > self.rows.profile.weight_lanes() {
                    return Err(FormalError::Weights(index));
                }
                let mut weights = group.weights.iter().enumerate();
                weights.try_for_each(|(lane, weight)| put(lane, signed(*weight)))
            }
        }
    }
}
