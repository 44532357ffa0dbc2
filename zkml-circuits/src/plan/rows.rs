//! The row program: what a model puts into the machine's fixed columns, as pure data.
//!
//! This is all that distinguishes two models of one profile. `machine::MachineCircuit` writes it
//! into columns, `witness` fills the advice it calls for, `lint` proves that it means the integer
//! program, and the verifying key commits to it.

use crate::machine::{Profile, Unit};
use serde::{Deserialize, Serialize};

/// What unit `U2` of a group reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperandRead {
    /// `sum_l lambda^l m_l x_l`.
    X,
    /// `sum_l lambda^l m_l y_l`.
    Y,
    /// `sum_l lambda^l m_l`.
    One,
    /// The group's scalar `p`.
    Scalar,
}

/// Which cells of the lanes unit `U4` of a group reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LaneRead {
    /// `sum_l rho^l m_l x_l`.
    X,
    /// `sum_l rho^l m_l y_l`.
    Y,
}

/// Base of a unit's read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Base {
    /// Position axis.
    Lambda,
    /// Position axis, every second position.
    LambdaSquared,
    /// Feature axis.
    Rho,
}

/// Which cells a public word packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublicRole {
    /// `x`.
    X,
    /// `y`.
    Y,
}

/// Fixed data of one group, all units included. The default does nothing and forces its lanes to 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Live lanes, bit `l` for lane `l`.
    pub mask: u32,
    /// Base of the `U1` read of accumulators. Without one, `U1` reads the remainders alone, base
    /// `lambda`, for nobody.
    pub output: Option<Base>,
    /// `U1` goes on in the next group.
    pub output_next: bool,
    /// `s`: the accumulator is `2^s x + r`.
    pub shift: u8,
    /// What `U2` reads, if it reads.
    pub operand: Option<OperandRead>,
    /// `U2` goes on in the next group.
    pub operand_next: bool,
    /// `U2` reads with base `lambda^2` instead of `lambda`.
    pub operand_squared: bool,
    /// What `U4` reads of the lanes, if it does.
    pub feature: Option<LaneRead>,
    /// `U4` goes on in the next group, `W` positions on if it reads the lanes, else `weight_lanes`.
    pub feature_next: bool,
    /// Weights, at most `weight_lanes`; missing ones are 0. `U4` adds them to what it reads of the lanes, so
    /// a group has one or the other.
    pub weights: Vec<i64>,
    /// Tag looked up with `(r, 0)`.
    pub tag_r: u32,
    /// Tag looked up with `(x, y)`.
    pub tag_f: u32,
    /// What the group's public word packs, if it has one.
    pub public: Option<PublicRole>,
}

impl Group {
    /// Base of the `U1` read.
    pub fn output_base(&self) -> Base {
        self.output.unwrap_or(Base::Lambda)
    }

    /// Whether `U1` goes on in the next group: not if it reads no accumulators.
    pub fn output_goes_on(&self) -> bool {
        self.output.is_some() && self.output_next
    }

    /// Coefficient of `x` in what `U1` reads.
    pub fn output_scale(&self) -> i64 {
        if self.output.is_some() { 1 << self.shift } else { 0 }
    }

    /// Positions along `rho` after which `U4` goes on.
    pub fn feature_width(&self, profile: Profile) -> usize {
        if self.feature.is_some() { profile.lanes() } else { profile.weight_lanes() }
    }

    /// Base of the `U2` read.
    pub fn operand_base(&self) -> Base {
        if self.operand_squared { Base::LambdaSquared } else { Base::Lambda }
    }
}

/// A phase-3 cell that vector rows copy from and equations compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    /// Fingerprint of a unit at a group.
    Unit(UnitRef),
    /// Accumulator `Z` of a vector row.
    Z(usize),
}

/// A unit at a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnitRef {
    /// The unit.
    pub unit: Unit,
    /// The group.
    pub group: usize,
}

impl UnitRef {
    /// `unit` at `group`.
    pub fn new(unit: Unit, group: usize) -> Self {
        Self { unit, group }
    }
}

/// How a vector row carries on the accumulator of the next row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Carry {
    /// Not at all: the row begins a run (runs go from their last row to their first).
    #[default]
    None,
    /// `Z_next`.
    One,
    /// `rho Z_next`.
    Rho,
    /// `lambda Z_next`.
    Lambda,
}

/// One step of the vector unit: `Z = carry Z_next + [product] A B + linear A + junk j`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorRow {
    /// What happens to the accumulator.
    pub carry: Carry,
    /// Where `A` is copied from.
    pub a: Option<Source>,
    /// Where `B` is copied from.
    pub b: Option<Source>,
    /// Adds `A B`.
    pub product: bool,
    /// Adds this multiple of `A`.
    pub linear: i64,
    /// Adds this multiple of the junk column.
    pub junk: i64,
}

/// A row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableRow {
    /// Tag of the table; 0 is the null table.
    pub tag: u32,
    /// Argument.
    pub input: i32,
    /// Value.
    pub output: i32,
}

/// A model in the machine: see the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProgram {
    /// Shape of the machine.
    pub profile: Profile,
    /// `n = 2^k` rows.
    pub k: u32,
    /// Groups from the first on; the rest does nothing.
    pub groups: Vec<Group>,
    /// Vector rows from the first on; the rest does nothing.
    pub vector: Vec<VectorRow>,
    /// Rows of all tables, dealt over the profile's table triples.
    pub tables: Vec<TableRow>,
    /// Equations: pairs of cells that must be equal.
    pub equations: Vec<(Source, Source)>,
    /// Public words: those of groups `0..words`.
    pub words: usize,
}

impl RowProgram {
    /// Table triple and row of table row `index`.
    pub fn table_cell(&self, index: usize) -> (usize, usize) {
        (index % self.profile.tables(), index / self.profile.tables())
    }
}
