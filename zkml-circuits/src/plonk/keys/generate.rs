//! Key generation: halo2-axiom's, with the commitments taken out.
//!
//! halo2-axiom synthesises the circuit into fixed columns and a permutation. It would commit to
//! them one at a time and cannot report a failing device, so it is given parameters whose
//! commitments are all zero ([`NoCommitments`]) and the columns are committed afterwards, together,
//! by the [`MsmBackend`].

use std::io;

use halo2_proofs::{
    plonk::{Circuit, Error as Halo2Error, keygen_pk2},
    poly::{
        LagrangeCoeff, Polynomial,
        commitment::{Blind, Params},
        kzg::msm::MSMKZG,
    },
};
use halo2curves::bn256::{Bn256, Fr, G1, G1Affine};
use rayon::prelude::*;
use zkml_core::{
    progress::Progress,
    proving::{MsmBackend, MsmError, Srs},
};

use super::commit::commit_columns;
use super::halo2::Configured;
use super::proving::ProvingKey;
use super::verifying::{InstanceLayout, LayoutError, Parts, VerifyingKey, min_k};
use crate::plonk::copies::Copies;
use crate::plonk::protocol::{Protocol, ProtocolError};
use crate::plonk::values::Values;

/// Why keys could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The constraint system is outside what is supported.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The public words do not fit.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The SRS has too few or too many rows for the constraint system.
    #[error("an SRS of k = {got}, the constraint system needs {min} to {max}")]
    Rows {
        /// Least `k`.
        min: u32,
        /// Greatest `k`, which the field's two-adicity bounds.
        max: u32,
        /// The SRS's.
        got: u32,
    },
    /// Two rotations name the same row, so two queries would be one.
    #[error("rotations {first} and {second} are the same row modulo {rows} rows")]
    RotationCollision {
        /// A rotation.
        first: i32,
        /// Another one.
        second: i32,
        /// Number of rows.
        rows: usize,
    },
    /// There are more cells in permuted columns than numbers for them.
    #[error("{got} cells in permuted columns, there are numbers for {max}")]
    Cells {
        /// Greatest number of cells.
        max: u64,
        /// Number of cells.
        got: u64,
    },
    /// halo2-axiom's permutation maps a cell to what is none.
    #[error("the permutation of the circuit maps a cell to what is no cell")]
    Permutation,
    /// halo2-axiom could not synthesise the circuit.
    #[error("the circuit could not be synthesised: {0}")]
    Synthesis(Halo2Error),
    /// Committing failed.
    #[error(transparent)]
    Msm(#[from] MsmError),
}

/// What a key holds besides the circuit.
#[derive(Clone, Copy, Debug)]
pub struct KeyOptions {
    /// Where the public words stand.
    pub instance: InstanceLayout,
    /// Hash of whatever the layer above binds to the key.
    pub binding: [u8; 32],
}

/// Makes the keys of `circuit` with as many rows as the SRS has.
///
/// # Errors
/// A [`KeyError`]; nothing is assumed of the constraint system, but the circuit's `synthesize` must
/// assign and copy cells of usable rows only (halo2-axiom panics otherwise).
pub fn generate_keys<C: Circuit<Fr>>(
    circuit: &C,
    srs: &Srs,
    backend: &dyn MsmBackend,
    options: &KeyOptions,
    progress: &dyn Progress,
) -> Result<ProvingKey, KeyError> {
    let k = srs.k();
    let configured = Configured::of::<C>(circuit.params());
    let protocol = Protocol::new(&configured.cs)?;
    let (min, max) = (min_k(&protocol), configured.max_k());
    if k < min || k > max {
        return Err(KeyError::Rows { min, max, got: k });
    }
    options.instance.check(&protocol, k)?;
    reject_collisions(&protocol, k)?;
    let cells = (protocol.permutation.len() as u64) << k;
    if cells > Copies::MAX_CELLS {
        return Err(KeyError::Cells { max: Copies::MAX_CELLS, got: cells });
    }

    progress.begin("synthesise the circuit", None);
    let halo2 = keygen_pk2(&NoCommitments { k }, circuit, false).map_err(KeyError::Synthesis)?;
    let fixed: Vec<Values> =
        halo2.fixed_values().par_iter().map(|column| Values::new(column.to_vec())).collect();
    let labels: Vec<&[Fr]> = halo2.permutation().permutations().iter().map(|c| &c[..]).collect();
    let copies = Copies::of_labels(k, &labels).ok_or(KeyError::Permutation)?;
    drop(halo2);
    progress.end("synthesise the circuit");

    progress.begin("commit to fixed columns", None);
    let mut commitments = commit_columns(srs.lagrange(), backend, &fixed, &copies)?;
    let permutation = commitments.split_off(fixed.len());
    let transcript_repr = configured.into_key(k, &commitments, &permutation).transcript_repr();
    progress.end("commit to fixed columns");

    let parts = Parts {
        k,
        instance: options.instance,
        binding: options.binding,
        transcript_repr,
        g2: srs.g2(),
        s_g2: srs.s_g2(),
        fixed: commitments,
        permutation,
    };
    Ok(ProvingKey::new(VerifyingKey::new(protocol, parts), fixed, copies))
}

/// Rotations of all queries must differ modulo the number of rows: otherwise two queries open one
/// point, which halo2's verifier refuses and the opening argument does not cover.
fn reject_collisions(protocol: &Protocol, k: u32) -> Result<(), KeyError> {
    let rows = 1usize << k;
    let mut seen: Vec<(i64, i32)> = Vec::new();
    let queried = protocol.advice_queries.iter().chain(&protocol.fixed_queries);
    let always = [0, 1, protocol.last_rotation()];
    for rotation in queried.map(|q| q.rotation).chain(always) {
        let row = i64::from(rotation).rem_euclid(rows as i64);
        match seen.iter().find(|(other, _)| *other == row) {
            None => seen.push((row, rotation)),
            Some((_, first)) if *first == rotation => {}
            Some((_, first)) => {
                let (first, second) = (*first, rotation);
                return Err(KeyError::RotationCollision { first, second, rows });
            }
        }
    }
    Ok(())
}

/// Parameters that know the size only.
#[derive(Clone, Debug)]
struct NoCommitments {
    k: u32,
}

impl<'params> Params<'params, G1Affine> for NoCommitments {
    type MSM = MSMKZG<Bn256>;

    fn k(&self) -> u32 {
        self.k
    }

    fn n(&self) -> u64 {
        1 << self.k
    }

    fn downsize(&mut self, k: u32) {
        self.k = k;
    }

    fn empty_msm(&'params self) -> Self::MSM {
        MSMKZG::new()
    }

    fn commit_lagrange(&self, _: &Polynomial<Fr, LagrangeCoeff>, _: Blind<Fr>) -> G1 {
        G1::default()
    }

    fn write<W: io::Write>(&self, _: &mut W) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read<R: io::Read>(_: &mut R) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
