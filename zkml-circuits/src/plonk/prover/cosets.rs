//! Sums of constraints on cosets, slice by slice.
//!
//! A slice of a program reads a few columns ([`Slices`]). Its columns are transformed to the coset
//! when it comes and dropped when no later slice reads them: only those of the current slice, those
//! that later ones share and the accumulators are in memory. Columns that are kept by their values
//! are interpolated for each coset anew.
//!
//! To save more, a coset is taken in parts. Part `p` of `P` has the points `c omega^j` with `j = p`
//! modulo `P`. The cell `r` rows after a row of part `p` lies in part `p + r` modulo `P`, so that
//! columns that are read at several rows are needed on several parts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_core::proving::{
    CellOf, Coset,
    vector::{add_multiple, add_multiples, invert},
};

use super::evaluations::{Polynomial, Polynomials, combine_into};
use crate::plonk::keys::ProvingKey;
use crate::plonk::openings::Poly;
use crate::plonk::program::{Leaf, LeafKind, Slices};

/// Rows that one task takes.
const CHUNK: usize = 1 << 12;

/// Kind and index of a column, and a part.
type Name = (LeafKind, usize, usize);

/// Evaluates constraints on cosets.
pub(super) struct Cosets<'a> {
    key: &'a ProvingKey,
    polynomials: &'a Polynomials<'a>,
    uniforms: &'a [Fr],
    parts: usize,
    pool: Pool,
}

impl<'a> Cosets<'a> {
    pub(super) fn new(
        key: &'a ProvingKey,
        polynomials: &'a Polynomials<'a>,
        uniforms: &'a [Fr],
    ) -> Self {
        let parts = key.constraints().parts();
        Self { key, polynomials, uniforms, parts, pool: Pool::default() }
    }

    /// The sums that `program` gives on the coset of `shift`, the last one added to `start` if there
    /// is one.
    pub(super) fn sums(&self, program: &Slices, shift: Fr, start: Option<Vec<Fr>>) -> Vec<Vec<Fr>> {
        let (fft, parts) = (self.key.fft(), self.parts);
        let cosets: Vec<Coset> =
            (0..parts).map(|part| fft.coset_part(shift, parts, part)).collect();
        if parts == 1 {
            return self.part(program, &cosets, 0, start);
        }
        let mut sums: Vec<Vec<Fr>> =
            program.outputs.iter().skip(1).map(|_| self.pool.any(fft.n())).collect();
        sums.push(start.unwrap_or_else(|| self.pool.zeros(fft.n())));
        for part in 0..parts {
            let mut start = self.pool.any(cosets[part].len());
            if let Some(sum) = sums.last() {
                let values = sum[part..].iter().step_by(parts);
                start.iter_mut().zip(values).for_each(|(to, value)| *to = *value);
            }
            for (sum, of_part) in
                sums.iter_mut().zip(self.part(program, &cosets, part, Some(start)))
            {
                let to = sum[part..].iter_mut().step_by(parts);
                to.zip(&of_part).for_each(|(to, value)| *to = *value);
                self.pool.put(of_part);
            }
        }
        sums
    }

    /// The coefficients of the polynomial of degree below `n` that has these values on the coset of
    /// `shift`.
    pub(super) fn interpolated(&self, values: &[Fr], shift: Fr) -> Vec<Fr> {
        let mut coefficients = self.pool.any(values.len());
        self.key.fft().coset_interpolate_into(values, shift, &mut coefficients);
        coefficients
    }

    /// Sums of values; `to` is 0 if it is none.
    pub(super) fn added(&self, to: Option<Vec<Fr>>, values: Vec<Fr>) -> Vec<Fr> {
        let Some(mut sum) = to else { return values };
        add_multiple(&mut sum, &values, Fr::ONE);
        self.pool.put(values);
        sum
    }

    /// A sum of multiples of columns, added to `to`, which is 0 if it is none.
    pub(super) fn combined(
        &self,
        to: Option<Vec<Fr>>,
        columns: &[Vec<Fr>],
        factors: &[Fr],
    ) -> Vec<Fr> {
        let mut sum = to.unwrap_or_else(|| self.pool.zeros(self.key.fft().n()));
        let terms: Vec<(Fr, &[Fr])> =
            factors.iter().copied().zip(columns.iter().map(Vec::as_slice)).collect();
        add_multiples(&mut sum, &terms);
        sum
    }

    /// Gives back what sums were given in.
    pub(super) fn reuse(&self, column: Vec<Fr>) {
        self.pool.put(column);
    }

    /// The values on the coset of `shift` of a polynomial.
    pub(super) fn values(&self, coefficients: Vec<Fr>, shift: Fr) -> Vec<Fr> {
        let mut values = self.pool.any(coefficients.len());
        self.key.fft().coset(shift).values_into(&coefficients, &mut values);
        self.pool.put(coefficients);
        values
    }

    /// As [`Self::sums`], on a part of a coset.
    fn part(
        &self,
        program: &Slices,
        cosets: &[Coset],
        part: usize,
        start: Option<Vec<Fr>>,
    ) -> Vec<Vec<Fr>> {
        let rows = cosets[part].len();
        // Name of what a leaf reads, and rows from the current one of its part.
        let read = |leaf: &Leaf| {
            let (kind, index) = leaf.column();
            let (row, parts) = (part as i64 + i64::from(leaf.query.rotation), cosets.len() as i64);
            ((kind, index, row.rem_euclid(parts) as usize), row.div_euclid(parts) as i32)
        };
        let mut values: BTreeMap<Name, Vec<Fr>> = BTreeMap::new();
        let mut sums: BTreeMap<usize, Vec<Fr>> =
            program.outputs.last().copied().zip(start).into_iter().collect();
        for slice in &program.slices {
            let leaves = slice.program.leaves();
            let needed = leaves.iter().filter(|leaf| leaf.kind != LeafKind::Accumulator);
            let missing: BTreeSet<Name> =
                needed.map(|leaf| read(leaf).0).filter(|name| !values.contains_key(name)).collect();
            let loaded: Vec<(Name, Vec<Fr>)> =
                missing.into_par_iter().map(|name| (name, self.load(name, cosets))).collect();
            values.extend(loaded);

            let mut added: Vec<Vec<Fr>> = Vec::with_capacity(slice.adds.len());
            for index in &slice.adds {
                added.push(sums.remove(index).unwrap_or_else(|| self.pool.zeros(rows)));
            }
            let cell = |leaf: &Leaf| match (leaf.column(), read(leaf)) {
                ((LeafKind::Accumulator, index), _) => {
                    CellOf { values: &sums[&index], rotation: 0 }
                }
                (_, (name, rotation)) => CellOf { values: &values[&name], rotation },
            };
            let cells: Vec<CellOf<'_>> = leaves.iter().map(cell).collect();
            let mut to: Vec<&mut [Fr]> = added.iter_mut().map(Vec::as_mut_slice).collect();
            slice.program.on(&cells, self.uniforms).add_to(&mut to);
            sums.extend(slice.adds.iter().copied().zip(added));

            let over = sums.extract_if(.., |index, _| !program.reads(slice, *index));
            over.for_each(|(_, sum)| self.pool.put(sum));
            let over = values
                .extract_if(.., |(kind, index, _), _| !slice.later.contains(&(*kind, *index)));
            over.for_each(|(_, column)| self.pool.put(column));
        }
        let output = |index| sums.remove(index).expect("outputs are kept to the end");
        program.outputs.iter().map(output).collect()
    }

    /// Values of a column on a part of a coset.
    fn load(&self, (kind, index, part): Name, cosets: &[Coset]) -> Vec<Fr> {
        let coset = &cosets[part];
        let mut values = self.pool.any(coset.len());
        match kind {
            LeafKind::Point => coset.write_points(&mut values),
            LeafKind::First => self.write_first(coset, &mut values),
            LeafKind::Combination => {
                let combination = &self.key.constraints().combinations[index];
                let terms: Vec<(Fr, Polynomial<'_>)> = combination
                    .terms(self.uniforms)
                    .map(|(factor, (kind, index))| (factor, self.kept(kind, index)))
                    .collect();
                self.interpolate(coset, &mut values, |rows, coefficients| {
                    combine_into(self.key.fft(), &terms, rows, coefficients);
                });
            }
            _ => match self.kept(kind, index) {
                Polynomial::Coefficients(coefficients) => {
                    coset.values_into(coefficients, &mut values);
                }
                Polynomial::Values(on_rows) => {
                    self.interpolate(coset, &mut values, |rows, coefficients| {
                        on_rows.write(rows);
                        self.key.fft().interpolate_into(rows, coefficients);
                    });
                }
            },
        }
        values
    }

    /// Writes values of the polynomial whose coefficients `interpolate` writes, which may write over
    /// its first argument, of an element for each row, before.
    fn interpolate(
        &self,
        coset: &Coset,
        to: &mut [Fr],
        interpolate: impl FnOnce(&mut [Fr], &mut [Fr]),
    ) {
        let fft = self.key.fft();
        // Where there is room for all rows, values stand there for a moment.
        let mut spare = (to.len() < fft.n()).then(|| self.pool.any(fft.n()));
        let rows = spare.as_deref_mut().unwrap_or(to);
        let mut coefficients = self.pool.any(fft.n());
        interpolate(rows, &mut coefficients);
        coset.values_into(&coefficients, to);
        self.pool.put(coefficients);
        spare.into_iter().for_each(|vector| self.pool.put(vector));
    }

    /// A column as it is kept.
    fn kept(&self, kind: LeafKind, index: usize) -> Polynomial<'a> {
        match kind {
            LeafKind::Advice => self.polynomials.get(Poly::Advice(index)),
            LeafKind::Fixed => self.polynomials.get(Poly::Fixed(index)),
            LeafKind::Instance => self.polynomials.instance(),
            LeafKind::Product => self.polynomials.get(Poly::Product(index)),
            LeafKind::Sigma => self.polynomials.get(Poly::Sigma(index)),
            LeafKind::Combination | LeafKind::First | LeafKind::Point | LeafKind::Accumulator => {
                unreachable!("{kind:?} is not kept")
            }
        }
    }

    /// Writes the values of the polynomial that is 1 on the first row and 0 on the others,
    /// `(X^n - 1) / n (X - 1)`.
    fn write_first(&self, coset: &Coset, to: &mut [Fr]) {
        let domain = self.key.verifying_key().domain();
        coset.write_points(to);
        // The same for all points of a coset.
        let numerator = (domain.vanishing_power(to[0]) - Fr::ONE) * domain.n_inverse();
        to.par_iter_mut().with_min_len(CHUNK).for_each(|x| *x -= Fr::ONE);
        invert(to);
        to.par_iter_mut().with_min_len(CHUNK).for_each(|inverse| *inverse *= numerator);
    }
}

/// Vectors to write over: memory that was used once costs less than new.
#[derive(Default)]
struct Pool(Mutex<Vec<Vec<Fr>>>);

impl Pool {
    fn put(&self, vector: Vec<Fr>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(vector);
    }

    /// A vector of this length and of any values.
    fn any(&self, len: usize) -> Vec<Fr> {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = spare.iter().rposition(|vector| vector.len() == len);
        let found = found.map(|position| spare.swap_remove(position));
        drop(spare);
        found.unwrap_or_else(|| vec![Fr::ZERO; len])
    }

    fn zeros(&self, len: usize) -> Vec<Fr> {
        let mut vector = self.any(len);
        vector.fill(Fr::ZERO);
        vector
    }
}
