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

use std::borrow::Cow;
use std::collections::BTreeMap;

use ff::Field;
use halo2curves::bn256::Fr;
use rand_core::RngCore;
use rayon::prelude::*;
use zkml_core::proving::vector::{invert, powers};

use super::rng::random;
use super::witness::Column;
use crate::plonk::keys::ProvingKey;
use crate::plonk::program::{Input, LeafKind, WithUniforms};

/// Rows that one task takes.
const CHUNK: usize = 1 << 10;

/// The argument's challenges.
#[derive(Clone, Copy)]
pub(super) struct Challenges {
    pub(super) beta: Fr,
    pub(super) gamma: Fr,
}

/// The grand products, on all rows, of a circuit whose advice columns and instance column are
/// given; `instance` may end before its column.
pub(super) fn products(
    key: &ProvingKey,
    advice: &[Column<'_>],
    instance: &[Fr],
    Challenges { beta, gamma }: Challenges,
    rng: &mut dyn RngCore,
) -> Vec<Vec<Fr>> {
    let protocol = key.verifying_key().protocol();
    let (n, usable) = (key.fft().n(), protocol.usable_rows(key.verifying_key().k()));
    let WithUniforms { uniforms, program } = WithUniforms::products(protocol);
    let uniforms = uniforms.values(|input| match input {
        Input::Beta => beta,
        Input::Gamma => gamma,
        other => unreachable!("a grand product does not read {other:?}"),
    });
    let elements = |kind: LeafKind, index: usize| -> Cow<'_, [Fr]> {
        match kind {
            LeafKind::Advice => advice[index].elements(),
            LeafKind::Fixed => key.fixed()[index].elements(),
            LeafKind::Instance => {
                let mut column = instance.to_vec();
                column.resize(n, Fr::ZERO);
                column.into()
            }
            LeafKind::Sigma => key.copies().labels(index).into(),
            LeafKind::Point => powers(key.verifying_key().domain().omega(), n).into(),
            other => unreachable!("a grand product does not read {other:?}"),
        }
    };
    let columns: BTreeMap<(LeafKind, usize), Cow<'_, [Fr]>> =
        program.columns().into_iter().map(|(kind, i)| ((kind, i), elements(kind, i))).collect();
    let mut factors = program.on_columns(&uniforms, |kind, i| &columns[&(kind, i)]).columns(n);
    drop(columns);

    let mut start = Fr::ONE;
    factors
        .chunks_exact_mut(2)
        .map(|pair| {
            let [numerators, denominators] = pair else { unreachable!("chunks of two") };
            let mut product = std::mem::take(denominators);
            // A zero denominator, of negligible probability, stays zero and makes the proof
            // invalid.
            invert(&mut product[..usable]);
            let steps = product.par_iter_mut().zip(std::mem::take(numerators));
            steps.for_each(|(step, numerator)| *step *= numerator);
            product.truncate(usable);
            accumulate(&mut product, start);
            product.insert(0, start);
            start = product[usable];
            product.extend((usable + 1..n).map(|_| random(rng)));
            product
        })
        .collect()
}

/// Replaces each factor by its product with all before it and with `start`.
fn accumulate(factors: &mut [Fr], start: Fr) {
    let accumulate_chunk = |chunk: &mut [Fr]| {
        chunk.iter_mut().fold(Fr::ONE, |product, factor| {
            *factor *= product;
            *factor
        })
    };
    let totals: Vec<Fr> = factors.par_chunks_mut(CHUNK).map(accumulate_chunk).collect();
    let before = totals.iter().scan(start, |product, total| {
        let before = *product;
        *product *= total;
        Some(before)
    });
    let before: Vec<Fr> = before.collect();
    factors
        .par_chunks_mut(CHUNK)
        .zip(before)
        .for_each(|(chunk, before)| chunk.iter_mut().for_each(|factor| *factor *= before));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_accumulate_across_chunks() {
        for len in [0, 1, CHUNK, 3 * CHUNK + 5] {
            let mut factors: Vec<Fr> = (0..len as u64).map(|i| Fr::from(i * i + 2)).collect();
            let mut product = Fr::from(7);
            let expected: Vec<Fr> = factors
                .iter()
                .map(|factor| {
                    product *= factor;
                    product
                })
                .collect();
            accumulate(&mut factors, Fr::from(7));
            assert_eq!(factors, expected);
        }
    }
}
