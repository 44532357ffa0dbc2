//! What a caller gives the prover: advice columns, phase by phase.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use halo2curves::bn256::Fr;
use rand_core::RngCore;
use zkml_core::proving::{Scalars, vector::from_integers};

use super::ProveError;
use super::rng::random;
use crate::plonk::integers::Integers;
use crate::plonk::protocol::Protocol;

/// Values of an advice column on the usable rows; a shorter column is padded with zeros.
#[derive(Clone, Debug)]
pub enum AdviceColumn<'w> {
    /// Signed integers, kept as such until they are committed.
    Small(Vec<i64>),
    /// Field elements.
    Full(Vec<Fr>),
    /// Field elements that are computed when they are needed. A prover that saves memory does not keep
    /// them, and asks about ten times a proof.
    Computed(Arc<dyn ComputedColumn + 'w>),
}

/// An advice column that is sooner computed than kept.
pub trait ComputedColumn: Send + Sync {
    /// Writes the values over what is there, one for each usable row: the same ones each time, or the
    /// proof is invalid.
    fn write(&self, to: &mut [Fr]);
}

impl fmt::Debug for dyn ComputedColumn + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ComputedColumn")
    }
}

/// Fills the advice columns of a circuit. Computed columns live as long as `'w`.
pub trait PhaseWitness<'w> {
    /// All columns of `phase`, as pairs of column index and values, in any order. `challenges`
    /// are those squeezed after earlier phases, in the order of their indices.
    ///
    /// # Errors
    /// [`ProveError::Witness`] with whatever kept the witness from being computed.
    fn phase(
        &mut self,
        phase: u8,
        challenges: &[Fr],
    ) -> Result<Vec<(usize, AdviceColumn<'w>)>, ProveError>;

    /// No phase will be asked for any more: what only served that may be dropped. Who drops it and is
    /// asked all the same, for another proof, gives an error: other cells would be a false witness.
    fn done(&mut self) {}
}

impl AdviceColumn<'_> {
    /// The values on the first `rows` rows.
    #[must_use]
    pub fn elements(&self, rows: usize) -> Vec<Fr> {
        let mut elements = match self {
            Self::Small(values) => from_integers(values),
            Self::Full(values) => values.clone(),
            Self::Computed(column) => {
                let mut elements = vec![Fr::zero(); rows];
                column.write(&mut elements);
                elements
            }
        };
        elements.resize(rows, Fr::zero());
        elements
    }

    /// Values given, none by computed columns.
    fn len(&self) -> usize {
        match self {
            Self::Small(values) => values.len(),
            Self::Full(values) => values.len(),
            Self::Computed(_) => 0,
        }
    }
}

/// A whole column to commit: the witness, then random values in the unusable rows, the first of
/// which belongs to no argument (the grand products end there).
#[derive(Clone, Debug)]
pub(in crate::plonk) enum Blinded<'w> {
    /// Integers on the usable rows, and the random values.
    Small(Vec<i64>, Vec<Fr>),
    /// All rows.
    Full(Vec<Fr>),
    /// Computed on the usable rows.
    Computed(BlindedComputed<'w>),
}

/// A whole column.
#[derive(Clone, Debug)]
pub(in crate::plonk) enum Column<'w> {
    /// Of integers of at most 32 bits on the usable rows.
    Integers(BlindedIntegers),
    /// Of field elements.
    Full(Vec<Fr>),
    /// Of field elements that are computed on the usable rows.
    Computed(BlindedComputed<'w>),
}

/// Integers, and the random values that follow them.
#[derive(Clone, Debug)]
pub(in crate::plonk) struct BlindedIntegers {
    pub(in crate::plonk) values: Integers,
    pub(in crate::plonk) blinding: Vec<Fr>,
}

/// A computed column, and the random values that follow it.
#[derive(Clone, Debug)]
pub(in crate::plonk) struct BlindedComputed<'w> {
    column: Arc<dyn ComputedColumn + 'w>,
    usable: usize,
    blinding: Vec<Fr>,
}

impl<'w> Blinded<'w> {
    fn new(mut values: AdviceColumn<'w>, usable: usize, blinding: Vec<Fr>) -> Self {
        match &mut values {
            AdviceColumn::Small(values) => values.resize(usable, 0),
            AdviceColumn::Full(values) => {
                values.resize(usable, Fr::zero());
                values.extend_from_slice(&blinding);
            }
            AdviceColumn::Computed(_) => {}
        }
        match values {
            AdviceColumn::Small(values) => Self::Small(values, blinding),
            AdviceColumn::Full(values) => Self::Full(values),
            AdviceColumn::Computed(column) => {
                Self::Computed(BlindedComputed { column, usable, blinding })
            }
        }
    }

    /// What is committed; `computed` are the values of a computed column.
    pub(in crate::plonk) fn scalars<'a>(&'a self, computed: Option<&'a [Fr]>) -> Scalars<'a> {
        match self {
            Self::Small(values, tail) => Scalars::Small { values, tail },
            Self::Full(values) => Scalars::Full(values),
            Self::Computed(_) => Scalars::Full(computed.expect("values of a computed column")),
        }
    }

    /// The column as it is kept.
    pub(in crate::plonk) fn keep(self) -> Column<'w> {
        let (values, blinding) = match self {
            Self::Full(values) => return Column::Full(values),
            Self::Computed(column) => return Column::Computed(column),
            Self::Small(values, blinding) => (values, blinding),
        };
        match Integers::new(&values) {
            Some(values) => Column::Integers(BlindedIntegers { values, blinding }),
            None => {
                let mut elements = from_integers(&values);
                elements.extend(blinding);
                Column::Full(elements)
            }
        }
    }
}

impl BlindedComputed<'_> {
    /// Writes the values of all rows.
    pub(in crate::plonk) fn write(&self, to: &mut [Fr]) {
        let (first, rest) = to.split_at_mut(self.usable);
        self.column.write(first);
        rest.copy_from_slice(&self.blinding);
    }

    /// The values of all rows.
    pub(in crate::plonk) fn elements(&self) -> Vec<Fr> {
        let mut elements = vec![Fr::zero(); self.usable + self.blinding.len()];
        self.write(&mut elements);
        elements
    }
}

impl Column<'_> {
    /// The values of all rows.
    pub(in crate::plonk) fn elements(&self) -> Cow<'_, [Fr]> {
        match self {
            Self::Integers(BlindedIntegers { values, blinding }) => {
                let mut elements = vec![Fr::zero(); values.len() + blinding.len()];
                write_with_tail(values, blinding, &mut elements);
                elements.into()
            }
            Self::Full(elements) => elements.into(),
            Self::Computed(column) => column.elements().into(),
        }
    }
}

/// Writes integers and the elements behind them as elements.
pub(super) fn write_with_tail(integers: &Integers, tail: &[Fr], to: &mut [Fr]) {
    let (first, rest) = to.split_at_mut(integers.len());
    integers.write(first);
    rest.copy_from_slice(tail);
}

/// Asks for the columns of `phase`, checks that they are those of the constraint system, and
/// blinds them. They come back in the order of their indices.
pub(in crate::plonk) fn columns_of_phase<'w>(
    protocol: &Protocol,
    k: u32,
    phase: u8,
    challenges: &[Option<Fr>],
    witness: &mut dyn PhaseWitness<'w>,
    rng: &mut dyn RngCore,
) -> Result<Vec<(usize, Blinded<'w>)>, ProveError> {
    let (n, usable) = (1usize << k, protocol.usable_rows(k));
    let known: Vec<Fr> = challenges.iter().flatten().copied().collect();
    let mut given = witness.phase(phase, &known)?;
    given.sort_by_key(|(column, _)| *column);
    let of_phase = |column: &usize| protocol.advice_phase.get(*column) == Some(&phase);
    let expected: Vec<usize> = (0..protocol.advice_phase.len()).filter(of_phase).collect();
    let got: Vec<usize> = given.iter().map(|(column, _)| *column).collect();
    if expected != got {
        return Err(ProveError::Columns { phase, expected, got });
    }
    given
        .into_iter()
        .map(|(column, values)| {
            let got = values.len();
            if got > usable {
                return Err(ProveError::Rows { column, expected: usable, got });
            }
            let blinding: Vec<Fr> = (usable..n).map(|_| random(rng)).collect();
            Ok((column, Blinded::new(values, usable, blinding)))
        })
        .collect()
}
