//! The machine as a halo2 circuit: key generation reads fixed cells and copy constraints from here.
//! Advice never passes through it; the prover takes whole columns from `witness`.

use super::{Control, MachineColumns, Profile, VectorControl, configure};
use crate::{
    plan::{
        Base, Carry, Geometry, Group, LaneRead, OperandRead, PublicRole, RowProgram, Source,
        VectorRow,
    },
    witness::signed,
};
use halo2_proofs::{
    circuit::{Cell, Layouter, Region, SimpleFloorPlanner, Value},
    halo2curves::bn256::Fr,
    plonk::{Advice, Circuit, Column, ConstraintSystem, Error, Fixed},
};

/// A row program in the machine of its profile.
#[derive(Clone, Debug)]
pub struct MachineCircuit<'a> {
    rows: Option<&'a RowProgram>,
    profile: Profile,
}

impl<'a> MachineCircuit<'a> {
    /// The circuit of `rows`, whose sizes the caller has checked with [`Geometry::check`].
    pub fn new(rows: &'a RowProgram) -> Self {
        Self { rows: Some(rows), profile: rows.profile }
    }
}

/// The profile as halo2's circuit parameters.
#[derive(Clone, Copy, Debug)]
pub struct CircuitProfile(pub Profile);

impl Default for CircuitProfile {
    fn default() -> Self {
        // halo2 asks for a default that key generation never uses.
        Self(Profile::standard()[0])
    }
}

impl Circuit<Fr> for MachineCircuit<'_> {
    type Config = MachineColumns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = CircuitProfile;

    fn params(&self) -> Self::Params {
        CircuitProfile(self.profile)
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure_with_params(cs: &mut ConstraintSystem<Fr>, params: Self::Params) -> Self::Config {
        configure(cs, params.0)
    }

    fn configure(cs: &mut ConstraintSystem<Fr>) -> Self::Config {
        configure(cs, CircuitProfile::default().0)
    }

    fn synthesize(
        &self,
        columns: Self::Config,
        mut layouter: impl Layouter<Fr>,
    ) -> Result<(), Error> {
        let Some(rows) = self.rows else { return Ok(()) };
        layouter.assign_region(
            || "row program",
            |mut region| {
                Writer { region: &mut region, columns: &columns, rows }.write();
                Ok(())
            },
        )
    }
}

/// Writes a row program's fixed cells and copy constraints.
struct Writer<'r, 'region, 'p> {
    region: &'r mut Region<'region, Fr>,
    columns: &'r MachineColumns,
    rows: &'p RowProgram,
}

impl Writer<'_, '_, '_> {
    fn write(&mut self) {
        let geometry = Geometry::new(self.rows.profile, self.rows.k);
        for group in 0..geometry.groups() {
            let row = group * geometry.fold();
            self.set(self.columns.active, row, 1);
            if geometry.fold() > 1 {
                for row in row..row + geometry.fold() {
                    self.set(self.columns.usable, row, 1);
                }
            }
        }
        for (index, group) in self.rows.groups.iter().enumerate() {
            self.group(index * geometry.fold(), group);
        }
        for (row, step) in self.rows.vector.iter().enumerate() {
            self.vector(row, step);
        }
        for (index, entry) in self.rows.tables.iter().enumerate() {
            let (table, row) = self.rows.table_cell(index);
            let table = self.columns.tables[table];
            self.set(table.tag, row, i64::from(entry.tag));
            self.set(table.input, row, i64::from(entry.input));
            self.set(table.output, row, i64::from(entry.output));
        }
        for (left, right) in &self.rows.equations {
            let (left, right) = (self.cell(*left), self.cell(*right));
            self.region.constrain_equal(left, right);
        }
    }

    fn group(&mut self, row: usize, group: &Group) {
        for (control, value) in controls(group) {
            let (column, at) = self.columns.control(control);
            self.set(column, row + at, value);
        }
        for lane in 0..self.rows.profile.lanes() {
            let (column, at) = self.columns.mask(lane);
            self.set(column, row + at, i64::from(group.mask >> lane & 1));
        }
        for (lane, weight) in group.weights.iter().enumerate() {
            let (column, at) = self.columns.weight(lane);
            self.set(column, row + at, *weight);
        }
    }

    fn vector(&mut self, row: usize, step: &VectorRow) {
        let (next, power) = match step.carry {
            Carry::None => (0, 0),
            Carry::One => (1, 0),
            Carry::Rho => (0, 1),
            Carry::Lambda => (1, 1),
        };
        let values = [
            (VectorControl::Next, next),
            (VectorControl::Power, power),
            (VectorControl::Product, i64::from(step.product)),
            (VectorControl::Linear, step.linear),
            (VectorControl::Junk, step.junk),
        ];
        for (control, value) in values {
            self.set(self.columns.vector_control[control.index()], row, value);
        }
        for (source, column) in [(step.a, self.columns.a), (step.b, self.columns.b)] {
            if let Some(source) = source {
                let (from, to) = (self.cell(source), self.advice(column, row));
                self.region.constrain_equal(from, to);
            }
        }
    }

    fn cell(&mut self, source: Source) -> Cell {
        match source {
            Source::Z(row) => self.advice(self.columns.z, row),
            Source::Unit(at) => {
                let (column, offset) = self.columns.unit(at.unit);
                self.advice(column, at.group * self.rows.profile.fold() + offset)
            }
        }
    }

    fn advice(&mut self, column: Column<Advice>, row: usize) -> Cell {
        self.region.assign_advice(column, row, Value::<Fr>::unknown()).cell()
    }

    fn set(&mut self, column: Column<Fixed>, row: usize, value: i64) {
        // Unassigned fixed cells are 0.
        if value != 0 {
            self.region.assign_fixed(column, row, signed(value));
        }
    }
}

/// The control coefficients of a group.
fn controls(group: &Group) -> [(Control, i64); 17] {
    let bit = i64::from;
    let reads = |read| bit(group.operand == Some(read));
    [
        (Control::OutputSquare, bit(group.output == Some(Base::LambdaSquared))),
        (Control::OutputRho, bit(group.output == Some(Base::Rho))),
        (Control::OutputNext, bit(group.output_goes_on())),
        (Control::ScaleX, group.output_scale()),
        (Control::OperandNext, bit(group.operand_next)),
        (Control::OperandSquare, bit(group.operand_squared)),
        (Control::OperandX, reads(OperandRead::X)),
        (Control::OperandY, reads(OperandRead::Y)),
        (Control::OperandOne, reads(OperandRead::One)),
        (Control::OperandScalar, reads(OperandRead::Scalar)),
        (Control::FeatureNext, bit(group.feature_next)),
        (Control::FeatureX, bit(group.feature == Some(LaneRead::X))),
        (Control::FeatureY, bit(group.feature == Some(LaneRead::Y))),
        (Control::TagR, i64::from(group.tag_r)),
        (Control::TagF, i64::from(group.tag_f)),
        (Control::PublicX, bit(group.public == Some(PublicRole::X))),
        (Control::PublicY, bit(group.public == Some(PublicRole::Y))),
    ]
}
