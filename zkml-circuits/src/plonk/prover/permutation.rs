//! Round 2: grand products of the permutation argument.
//!
//! Columns are taken `degree - 2` at a time. With `sigma_i(row)` the label `delta^i' omega^row'` of
//! the cell that follows cell `(i, row)` in its cycle of equal cells,
//!
//! ```text
//! z(row + 1) = z(row) prod_i (v_i + beta delta^i omega^row + gamma)
//!                            / (v_i + beta sigma_i + gamma)
//! ```
//!
//! `z` of the first set starts at 1, that of the next where the one before ended, and the last
//! ends at 1 in the first unusable row when all copies hold. Source: halo2 book, "Permutation
//! argument".

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use rand_core::RngCore;
use rayon::prelude::*;
use zkml_core::proving::vector::invert;

use super::witness::{Column, random};
use crate::plonk::domain::Domain;
use crate::plonk::keys::ProvingKey;
use crate::plonk::protocol::ColumnKind;

/// Rows that one task takes.
const CHUNK: usize = 1 << 10;

/// The argument's challenges.
#[derive(Clone, Copy)]
pub(super) struct Challenges {
    pub(super) beta: Fr,
    pub(super) gamma: Fr,
}

/// Values of advice and instance columns on all rows.
pub(super) struct Rows {
    pub(super) advice: Vec<Vec<Fr>>,
    pub(super) instance: Vec<Fr>,
}

impl Rows {
    pub(super) fn new(advice: Vec<Column>, mut instance: Vec<Fr>, n: usize) -> Self {
        instance.resize(n, Fr::ZERO);
        Self { advice: advice.into_par_iter().map(|c| c.to_values()).collect(), instance }
    }
}

/// The grand products, on all rows.
pub(super) fn products(
    key: &ProvingKey,
    rows: &Rows,
    challenges: Challenges,
    rng: &mut dyn RngCore,
) -> Vec<Vec<Fr>> {
    let protocol = key.verifying_key().protocol();
    let (n, usable) = (key.fft().n(), protocol.usable_rows(key.verifying_key().k()));
    let columns: Vec<&[Fr]> = protocol
        .permutation
        .iter()
        .map(|column| match column.kind {
            ColumnKind::Advice => rows.advice[column.index].as_slice(),
            ColumnKind::Fixed => key.fixed().values[column.index].as_slice(),
            ColumnKind::Instance => rows.instance.as_slice(),
        })
        .collect();
    let chunk = protocol.permutation_chunk();
    let mut start = Fr::ONE;
    let mut first_label = challenges.beta;
    columns
        .chunks(chunk)
        .zip(key.sigma().values.chunks(chunk))
        .map(|(values, sigma)| {
            let ratios = ratios(
                key.verifying_key().domain(),
                values,
                sigma,
                first_label,
                challenges,
                usable,
            );
            first_label *= Fr::DELTA.pow_vartime([values.len() as u64]);
            let mut product = Vec::with_capacity(n);
            product.push(start);
            product.extend(ratios.iter().scan(start, |z, ratio| {
                *z *= ratio;
                Some(*z)
            }));
            start = product[usable];
            product.extend((usable + 1..n).map(|_| random(rng)));
            product
        })
        .collect()
}

/// Quotients of consecutive values of a grand product, for the usable rows. `first_label` is
/// `beta delta^i` of the first column.
fn ratios(
    domain: &Domain,
    values: &[&[Fr]],
    sigma: &[Vec<Fr>],
    first_label: Fr,
    Challenges { beta, gamma }: Challenges,
    usable: usize,
) -> Vec<Fr> {
    let mut ratios = vec![Fr::ZERO; usable];
    ratios.par_chunks_mut(CHUNK).enumerate().for_each(|(task, ratios)| {
        let first_row = task * CHUNK;
        for (row, ratio) in (first_row..).zip(ratios.iter_mut()) {
            *ratio = sigma
                .iter()
                .zip(values)
                .fold(Fr::ONE, |product, (s, v)| product * (v[row] + beta * s[row] + gamma));
        }
        // A zero denominator, of negligible probability, stays zero and makes the proof invalid.
        invert(ratios);
        let mut label = first_label * domain.omega().pow_vartime([first_row as u64]);
        for (row, ratio) in (first_row..).zip(ratios.iter_mut()) {
            let mut of_column = label;
            for v in values {
                *ratio *= v[row] + of_column + gamma;
                of_column *= Fr::DELTA;
            }
            label *= domain.omega();
        }
    });
    ratios
}
