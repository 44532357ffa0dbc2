//! Where each cell of the machine lives: the one place that knows of the fold.
//!
//! A group is `R` consecutive rows; its *active row* is the first. A group's cells of a role are
//! dealt over `R` rotations: cell `c` of a role lies in column `c / R` of the role at rotation
//! `c % R`. So `W` lanes take `W / R` columns, and all shapes come from the same gates.

use super::Profile;
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, Instance,
        SecondPhase, ThirdPhase, VirtualCells,
    },
    poly::Rotation,
};
use serde::{Deserialize, Serialize};

/// Phase-1 roles of a lane, small integers chosen by the prover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Re-quantised value, the argument of the function lookup.
    X,
    /// Remainder of the re-quantisation.
    R,
    /// Value of the function.
    Y,
}

/// Fingerprint units of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unit {
    /// `U1`: reads accumulators, `Sx x + r`.
    Output,
    /// `U2`: reads operands: `x`, `y`, `1`, or the scalar `p`.
    Operand,
    /// `U4`: reads along the feature axis: weights, or the lanes' `x` or `y`.
    Feature,
}

impl Unit {
    /// All units, in the order of their cells.
    pub const ALL: [Self; 3] = [Self::Output, Self::Operand, Self::Feature];

    /// Position among a group's unit cells.
    pub fn index(self) -> usize {
        match self {
            Self::Output => 0,
            Self::Operand => 1,
            Self::Feature => 2,
        }
    }
}

/// Fixed coefficients of a group: the op-coded control of the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Control {
    /// `U1` reads with base `lambda^2` instead of `lambda`.
    OutputSquare,
    /// `U1` reads with base `rho` instead of `lambda`.
    OutputRho,
    /// `U1` continues with the next group.
    OutputNext,
    /// `Sx = 2^s`: coefficient of `x` in the accumulator.
    ScaleX,
    /// `U2` continues with the next group.
    OperandNext,
    /// `U2` reads with base `lambda^2` instead of `lambda`.
    OperandSquare,
    /// `U2` reads `x`.
    OperandX,
    /// `U2` reads `y`.
    OperandY,
    /// `U2` reads the constant 1.
    OperandOne,
    /// `U2` reads the scalar `p`.
    OperandScalar,
    /// `U4` continues with the next group.
    FeatureNext,
    /// `U4` reads `x`.
    FeatureX,
    /// `U4` reads `y`.
    FeatureY,
    /// Tag of the remainder's range table.
    TagR,
    /// Tag of the function table.
    TagF,
    /// The group's public word packs `x`.
    PublicX,
    /// The group's public word packs `y`.
    PublicY,
}

impl Control {
    /// All coefficients, in the order of their cells.
    pub const ALL: [Self; 17] = [
        Self::OutputSquare,
        Self::OutputRho,
        Self::OutputNext,
        Self::ScaleX,
        Self::OperandNext,
        Self::OperandSquare,
        Self::OperandX,
        Self::OperandY,
        Self::OperandOne,
        Self::OperandScalar,
        Self::FeatureNext,
        Self::FeatureX,
        Self::FeatureY,
        Self::TagR,
        Self::TagF,
        Self::PublicX,
        Self::PublicY,
    ];

    /// Position among a group's control cells.
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|c| *c == self).expect("ALL lists every coefficient")
    }
}

/// Fixed coefficients of a row of the vector unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VectorControl {
    /// `u`: with `v` off, adds the next `Z`; with `v` on, `lambda` times it.
    Next,
    /// `v`: with `u` off, adds `rho` times the next `Z`.
    Power,
    /// `kab`: adds `A B`.
    Product,
    /// `ka`: adds this multiple of `A`.
    Linear,
    /// `kj`: adds this multiple of the junk column.
    Junk,
}

impl VectorControl {
    /// All coefficients, in the order of their columns.
    pub const ALL: [Self; 5] = [Self::Next, Self::Power, Self::Product, Self::Linear, Self::Junk];

    /// Position among the vector unit's fixed columns.
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|c| *c == self).expect("ALL lists every coefficient")
    }
}

/// Challenges of the machine, in the order they are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Challenges {
    /// Drawn after phase 1: feature axis.
    pub rho: Challenge,
    /// Drawn after phase 2: position axis.
    pub lambda: Challenge,
    /// Drawn after phase 2: logUp.
    pub alpha: Challenge,
    /// Drawn after phase 2: logUp tuples.
    pub beta: Challenge,
}

/// One table triple and the multiplicities of its rows.
#[derive(Clone, Copy, Debug)]
pub struct TableColumns {
    /// Tag.
    pub tag: Column<Fixed>,
    /// Argument.
    pub input: Column<Fixed>,
    /// Value.
    pub output: Column<Fixed>,
    /// Multiplicity (phase 1).
    pub multiplicity: Column<Advice>,
    /// `multiplicity / (alpha + tag + beta input + beta^2 output)` (phase 3).
    pub quotient: Column<Advice>,
}

/// All columns of the machine.
#[derive(Clone, Debug)]
pub struct MachineColumns {
    profile: Profile,
    /// 1 on the rows of complete groups: everything is off on the blinding rows.
    pub usable: Column<Fixed>,
    /// 1 on active rows; `usable` itself if nothing is folded.
    pub active: Column<Fixed>,
    lanes: [Vec<Column<Advice>>; 3],
    /// Scalar `p`: one cell a group, read by `U2`.
    pub scalar: Column<Advice>,
    weights: Vec<Column<Fixed>>,
    masks: Vec<Column<Fixed>>,
    control: Vec<Column<Fixed>>,
    /// Vector unit's coefficients, by [`VectorControl::index`].
    pub vector_control: [Column<Fixed>; 5],
    /// Junk polynomials (phase 2): what a convolution has where no output lives.
    pub junk: Column<Advice>,
    /// Fingerprints of the units.
    pub(crate) units: Vec<Column<Advice>>,
    /// Vector unit, first operand.
    pub a: Column<Advice>,
    /// Vector unit, second operand.
    pub b: Column<Advice>,
    /// Vector unit, accumulator.
    pub z: Column<Advice>,
    /// LogUp helpers.
    pub helpers: Vec<Column<Advice>>,
    /// LogUp running sum.
    pub sum: Column<Advice>,
    /// Tables.
    pub tables: Vec<TableColumns>,
    /// Public words.
    pub instance: Column<Instance>,
    /// Challenges.
    pub challenges: Challenges,
}

impl MachineColumns {
    /// Declares the columns of `profile`: phase 1, phase 2, phase 3, and the challenges between.
    pub fn new(cs: &mut ConstraintSystem<Fr>, profile: Profile) -> Self {
        let many = |count: usize| profile.columns_for(count);
        let usable = cs.fixed_column();
        let active = if profile.fold() == 1 { usable } else { cs.fixed_column() };
        let fixed = |cs: &mut ConstraintSystem<Fr>, n: usize| -> Vec<_> {
            (0..n).map(|_| cs.fixed_column()).collect()
        };
        let weights = fixed(cs, many(profile.weight_lanes()));
        let masks = fixed(cs, many(profile.lanes()));
        let control = fixed(cs, many(Control::ALL.len()));
        let vector_control = std::array::from_fn(|_| cs.fixed_column());

        let lanes = std::array::from_fn(|_| {
            (0..many(profile.lanes())).map(|_| cs.advice_column_in(FirstPhase)).collect()
        });
        let scalar = cs.advice_column_in(FirstPhase);
        let multiplicities: Vec<_> =
            (0..profile.tables()).map(|_| cs.advice_column_in(FirstPhase)).collect();
        let rho = cs.challenge_usable_after(FirstPhase);

        let junk = cs.advice_column_in(SecondPhase);
        let lambda = cs.challenge_usable_after(SecondPhase);
        let alpha = cs.challenge_usable_after(SecondPhase);
        let beta = cs.challenge_usable_after(SecondPhase);

        let mut third = || cs.advice_column_in(ThirdPhase);
        let units: Vec<_> = (0..many(Unit::ALL.len())).map(|_| third()).collect();
        let (a, b, z) = (third(), third(), third());
        let helpers = (0..many(profile.helpers())).map(|_| third()).collect();
        let quotients: Vec<_> = (0..profile.tables()).map(|_| third()).collect();
        let sum = third();
        let tables = multiplicities
            .into_iter()
            .zip(quotients)
            .map(|(multiplicity, quotient)| TableColumns {
                tag: cs.fixed_column(),
                input: cs.fixed_column(),
                output: cs.fixed_column(),
                multiplicity,
                quotient,
            })
            .collect();
        for column in units.iter().chain([&a, &b, &z]) {
            cs.enable_equality(*column);
        }
        let instance = cs.instance_column();
        Self {
            profile,
            usable,
            active,
            lanes,
            scalar,
            weights,
            masks,
            control,
            vector_control,
            junk,
            units,
            a,
            b,
            z,
            helpers,
            sum,
            tables,
            instance,
            challenges: Challenges { rho, lambda, alpha, beta },
        }
    }

    /// The shape.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Column and rotation of cell `cell` of a role whose columns are `columns`.
    fn deal<C: Copy>(&self, columns: &[C], cell: usize) -> (C, usize) {
        let fold = self.profile.fold();
        (columns[cell / fold], cell % fold)
    }

    /// Cell of `role` in lane `lane`: column, row within the group.
    pub fn lane(&self, role: Role, lane: usize) -> (Column<Advice>, usize) {
        let columns = match role {
            Role::X => &self.lanes[0],
            Role::R => &self.lanes[1],
            Role::Y => &self.lanes[2],
        };
        self.deal(columns, lane)
    }

    /// Weight lane `lane`: column, row within the group.
    pub fn weight(&self, lane: usize) -> (Column<Fixed>, usize) {
        self.deal(&self.weights, lane)
    }

    /// Mask of lane `lane`: column, row within the group.
    pub fn mask(&self, lane: usize) -> (Column<Fixed>, usize) {
        self.deal(&self.masks, lane)
    }

    /// Control coefficient: column, row within the group.
    pub fn control(&self, control: Control) -> (Column<Fixed>, usize) {
        self.deal(&self.control, control.index())
    }

    /// Fingerprint of `unit`: column, row within the group.
    pub fn unit(&self, unit: Unit) -> (Column<Advice>, usize) {
        self.deal(&self.units, unit.index())
    }

    /// LogUp helper `helper`: column, row within the group.
    pub fn helper(&self, helper: usize) -> (Column<Advice>, usize) {
        self.deal(&self.helpers, helper)
    }

    /// Helper cells of a group, spare ones (which a gate forces to 0) included.
    pub fn helper_cells(&self) -> usize {
        self.helpers.len() * self.profile.fold()
    }
}

/// Reads an advice cell of the group at its active row; `groups` later ones count `R` rows each.
pub(super) fn advice(
    v: &mut VirtualCells<'_, Fr>,
    (column, row): (Column<Advice>, usize),
    shift: usize,
) -> Expression<Fr> {
    v.query_advice(column, rotation(row + shift))
}

/// Reads a fixed cell of the group at its active row.
pub(super) fn fixed(
    v: &mut VirtualCells<'_, Fr>,
    (column, row): (Column<Fixed>, usize),
) -> Expression<Fr> {
    v.query_fixed(column, rotation(row))
}

fn rotation(rows: usize) -> Rotation {
    // A profile has at most 8 rows a group.
    Rotation(rows as i32)
}
