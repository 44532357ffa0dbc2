//! The shape of the machine: the only thing its gates depend on.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Shape of the machine. Two models of one profile have the same constraint system, so one
/// Solidity verifier serves both.
///
/// | symbol | field | meaning |
/// |---|---|---|
/// | `W` | `lanes` | activation lanes of a row group |
/// | `R` | `fold` | rows of a group: a role takes `W / R` columns |
/// | `g W` | `weight_lanes` | weight lanes of a group |
/// | `T` | `tables` | table triples side by side |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "RawProfile", into = "RawProfile")]
pub struct Profile {
    lanes: usize,
    fold: usize,
    weight_lanes: usize,
    tables: usize,
}

/// A shape the machine does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no machine of {raw}: {why}")]
pub struct ProfileError {
    raw: RawProfile,
    why: &'static str,
}

impl Profile {
    /// Values packed in one public word at most: 8 digits of 16 bits. (15 would still fit the
    /// field; 16 overflow it.)
    pub const DIGITS: usize = 8;
    /// Lookups of a lane: range of the remainder, function of the quotient.
    pub const LOOKUPS_PER_LANE: usize = 2;

    /// A machine of `lanes` lanes folded `fold` times, `weight_lanes` weight lanes and `tables`
    /// table triples.
    ///
    /// # Errors
    /// [`ProfileError`] unless `1 <= lanes <= 32`, `fold` (1 to 8) divides `lanes` and
    /// `weight_lanes` (at most 256), and `1 <= tables <= 4`.
    pub fn new(
        lanes: usize,
        fold: usize,
        weight_lanes: usize,
        tables: usize,
    ) -> Result<Self, ProfileError> {
        RawProfile { lanes, fold, weight_lanes, tables }.try_into()
    }

    /// The audited shapes, whose Solidity verifiers ship as compiled bytecode.
    pub fn standard() -> Vec<Self> {
        [
            // Wide and short: fastest proofs.
            (8, 1, 32, 2),
            (16, 1, 64, 1),
            // Narrow and folded: few columns to open, least gas; the first with weight lanes for
            // small models that shall still prove fast.
            (4, 4, 64, 1),
            (4, 4, 16, 1),
            // Eight digits to a public word, and fewer columns still; a group takes more rows.
            (8, 8, 32, 1),
            (8, 8, 16, 1),
        ]
        .into_iter()
        .map(|(lanes, fold, weight_lanes, tables)| Self { lanes, fold, weight_lanes, tables })
        .collect()
    }

    /// `W`: activation lanes.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// `R`: rows of a group.
    pub fn fold(&self) -> usize {
        self.fold
    }

    /// `g W`: weight lanes.
    pub fn weight_lanes(&self) -> usize {
        self.weight_lanes
    }

    /// `T`: table triples.
    pub fn tables(&self) -> usize {
        self.tables
    }

    /// Lanes of a group that a public word packs.
    pub fn public_lanes(&self) -> usize {
        self.lanes.min(Self::DIGITS)
    }

    /// LogUp helpers of a group: three lookups each.
    pub fn helpers(&self) -> usize {
        (Self::LOOKUPS_PER_LANE * self.lanes).div_ceil(3)
    }

    /// Columns that hold `cells` cells of a group.
    pub fn columns_for(&self, cells: usize) -> usize {
        cells.div_ceil(self.fold)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lanes, fold, weight_lanes, tables } = self;
        write!(f, "w{lanes}-r{fold}-g{weight_lanes}-t{tables}")
    }
}

/// A profile as read from a file, before its checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RawProfile {
    lanes: usize,
    fold: usize,
    weight_lanes: usize,
    tables: usize,
}

impl fmt::Display for RawProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lanes, fold, weight_lanes, tables } = self;
        write!(f, "{lanes} lanes, fold {fold}, {weight_lanes} weight lanes, {tables} tables")
    }
}

impl TryFrom<RawProfile> for Profile {
    type Error = ProfileError;

    fn try_from(raw: RawProfile) -> Result<Self, ProfileError> {
        let RawProfile { lanes, fold, weight_lanes, tables } = raw;
        let why = if !(1..=32).contains(&lanes) {
            "1 to 32 lanes"
        } else if !(1..=8).contains(&fold) || lanes % fold != 0 {
            "the fold is 1 to 8 and divides the lanes"
        } else if !(1..=256).contains(&weight_lanes) || weight_lanes % fold != 0 {
            "1 to 256 weight lanes, a multiple of the fold"
        } else if !(1..=4).contains(&tables) {
            "1 to 4 tables"
        } else {
            return Ok(Self { lanes, fold, weight_lanes, tables });
        };
        Err(ProfileError { raw, why })
    }
}

impl From<Profile> for RawProfile {
    fn from(p: Profile) -> Self {
        Self { lanes: p.lanes, fold: p.fold, weight_lanes: p.weight_lanes, tables: p.tables }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked_on_the_way_in() {
        for p in Profile::standard() {
            assert_eq!(Profile::new(p.lanes, p.fold, p.weight_lanes, p.tables), Ok(p));
        }
        for bad in [(0, 1, 8, 1), (33, 1, 8, 1), (6, 4, 8, 1), (8, 4, 10, 1), (8, 1, 8, 0)] {
            assert!(Profile::new(bad.0, bad.1, bad.2, bad.3).is_err(), "{bad:?}");
        }
        let bytes = postcard::to_allocvec(&(6u8, 4u8, 8u8, 1u8)).expect("encodes");
        assert!(postcard::from_bytes::<Profile>(&bytes).is_err());
    }
}
