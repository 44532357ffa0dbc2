//! What a caller gives the prover: advice columns, phase by phase.

use std::borrow::Cow;

use halo2curves::bn256::Fr;
use rand_core::RngCore;
use zkml_core::proving::{Scalars, vector::from_integers};

use super::ProveError;
use crate::plonk::integers::Integers;
use crate::plonk::protocol::Protocol;

/// Values of an advice column on the usable rows; a shorter column is padded with zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdviceColumn {
    /// Signed integers, kept as such until they are committed.
    Small(Vec<i64>),
    /// Field elements.
    Full(Vec<Fr>),
}

/// Fills the advice columns of a circuit.
pub trait PhaseWitness {
    /// All columns of `phase`, as pairs of column index and values, in any order. `challenges`
    /// are those squeezed after earlier phases, in the order of their indices.
    ///
    /// # Errors
    /// [`ProveError::Witness`] with whatever kept the witness from being computed.
    fn phase(
        &mut self,
        phase: u8,
        challenges: &[Fr],
    ) -> Result<Vec<(usize, AdviceColumn)>, ProveError>;

    /// No phase will be asked for any more: what only served that may be dropped. Who drops it and is
    /// asked all the same, for another proof, gives an error: other cells would be a false witness.
    fn done(&mut self) {}
}

impl AdviceColumn {
    fn len(&self) -> usize {
        match self {
            Self::Small(values) => values.len(),
            Self::Full(values) => values.len(),
        }
    }

    fn pad(&mut self, rows: usize) {
        match self {
            Self::Small(values) => values.resize(rows, 0),
            Self::Full(values) => values.resize(rows, Fr::zero()),
        }
    }
}

/// A whole column to commit: the witness, then random values in the unusable rows, the first of
/// which belongs to no argument (the grand products end there).
#[derive(Clone, Debug)]
pub(in crate::plonk) struct Blinded {
    usable: AdviceColumn,
    blinding: Vec<Fr>,
}

/// A whole column.
#[derive(Clone, Debug)]
pub(in crate::plonk) enum Column {
    /// Of integers of at most 32 bits on the usable rows.
    Integers(BlindedIntegers),
    /// Of field elements.
    Full(Vec<Fr>),
}

/// Integers, and the random values that follow them.
#[derive(Clone, Debug)]
pub(in crate::plonk) struct BlindedIntegers {
    pub(in crate::plonk) values: Integers,
    pub(in crate::plonk) blinding: Vec<Fr>,
}

impl Blinded {
    pub(in crate::plonk) fn scalars(&self) -> Scalars<'_> {
        match &self.usable {
            AdviceColumn::Small(values) => Scalars::Small { values, tail: &self.blinding },
            AdviceColumn::Full(values) => Scalars::Full(values),
        }
    }

    /// The column as it is kept.
    pub(in crate::plonk) fn keep(self) -> Column {
        let Self { usable, blinding } = self;
        let values = match usable {
            AdviceColumn::Full(values) => return Column::Full(values),
            AdviceColumn::Small(values) => values,
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

impl Column {
    /// The values of all rows.
    pub(in crate::plonk) fn elements(&self) -> Cow<'_, [Fr]> {
        match self {
            Self::Integers(BlindedIntegers { values, blinding }) => {
                let mut elements = vec![Fr::zero(); values.len() + blinding.len()];
                write_with_tail(values, blinding, &mut elements);
                elements.into()
            }
            Self::Full(elements) => elements.into(),
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
pub(in crate::plonk) fn columns_of_phase(
    protocol: &Protocol,
    k: u32,
    phase: u8,
    challenges: &[Option<Fr>],
    witness: &mut dyn PhaseWitness,
    rng: &mut dyn RngCore,
) -> Result<Vec<(usize, Blinded)>, ProveError> {
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
        .map(|(column, mut values)| {
            let got = values.len();
            if got > usable {
                return Err(ProveError::Rows { column, expected: usable, got });
            }
            values.pad(usable);
            let blinding: Vec<Fr> = (usable..n).map(|_| random(rng)).collect();
            if let AdviceColumn::Full(values) = &mut values {
                values.extend_from_slice(&blinding);
            }
            Ok((column, Blinded { usable: values, blinding }))
        })
        .collect()
}

/// A random field element.
pub(in crate::plonk) fn random(rng: &mut dyn RngCore) -> Fr {
    // `Field::random` wants a sized generator.
    let mut wide = [0; 64];
    rng.fill_bytes(&mut wide);
    ff::FromUniformBytes::from_uniform_bytes(&wide)
}
