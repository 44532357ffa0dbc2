//! Sums of constraints on cosets, a part of a coset at a time.
//!
//! Part `p` of `P` has the points `c omega^j` with `j = p` modulo `P`. The cell `r` rows after a
//! row of part `p` lies in part `p + r` modulo `P`, so a program that runs on a part reads columns
//! on that part and, where it reads other rows, on others. Only what the current part reads is in
//! memory; what a later part reads again is computed again.

use std::collections::{BTreeMap, BTreeSet};

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_core::proving::{CellOf, Coset, vector::from_integers};

use super::evaluations::{Polynomial, Polynomials, combine};
use crate::plonk::keys::ProvingKey;
use crate::plonk::openings::Poly;
use crate::plonk::program::{LeafKind, Program};

/// Kind and index of a column, and a part.
type Name = (LeafKind, usize, usize);

/// Evaluates constraints on cosets.
pub(super) struct Cosets<'a> {
    columns: Columns<'a>,
    uniforms: &'a [Fr],
    parts: usize,
    /// Columns on parts of the coset.
    values: BTreeMap<Name, Vec<Fr>>,
    /// Vectors of the length of a part to write over.
    spare: Vec<Vec<Fr>>,
}

impl<'a> Cosets<'a> {
    pub(super) fn new(
        key: &'a ProvingKey,
        polynomials: &'a Polynomials<'a>,
        uniforms: &'a [Fr],
    ) -> Self {
        let columns = Columns::new(key, polynomials, uniforms);
        let parts = key.objective().parts();
        Self { columns, uniforms, parts, values: BTreeMap::new(), spare: Vec::new() }
    }

    /// The sums that `program` gives, on the coset of `shift`.
    pub(super) fn sums(&mut self, program: &Program, shift: Fr) -> Vec<Vec<Fr>> {
        let (fft, parts) = (self.columns.key.fft(), self.parts);
        let cosets: Vec<Coset> =
            (0..parts).map(|part| fft.coset_part(shift, parts, part)).collect();
        let mut sums = vec![vec![Fr::ZERO; fft.n()]; program.outputs()];
        self.keep(&BTreeSet::new());
        for part in 0..parts {
            let cells: Vec<(Name, i32)> = program
                .leaves()
                .iter()
                .map(|leaf| {
                    let (row, parts) = (part as i64 + i64::from(leaf.query.rotation), parts as i64);
                    let part = row.rem_euclid(parts) as usize;
                    ((leaf.kind, leaf.query.column, part), row.div_euclid(parts) as i32)
                })
                .collect();
            let needed: BTreeSet<Name> = cells.iter().map(|(name, _)| *name).collect();
            self.keep(&needed);
            self.compute(&needed, &cosets);
            let cells: Vec<CellOf<'_>> = cells
                .iter()
                .map(|(name, rotation)| CellOf { values: &self.values[name], rotation: *rotation })
                .collect();
            let of_part = program.on(&cells, self.uniforms).columns(fft.n() / parts);
            for (sum, of_part) in sums.iter_mut().zip(of_part) {
                let to = sum[part..].iter_mut().step_by(parts);
                to.zip(of_part).for_each(|(to, value)| *to = value);
            }
        }
        sums
    }

    /// Drops what is not needed.
    fn keep(&mut self, needed: &BTreeSet<Name>) {
        let dropped = self.values.extract_if(.., |name, _| !needed.contains(name));
        self.spare.extend(dropped.map(|(_, values)| values));
    }

    /// Computes what is needed and not there.
    fn compute(&mut self, needed: &BTreeSet<Name>, cosets: &[Coset]) {
        let missing = needed.iter().filter(|name| !self.values.contains_key(name));
        let to_write: Vec<(Name, Vec<Fr>)> = missing
            .map(|name| {
                let spare = self.spare.pop();
                (*name, spare.unwrap_or_else(|| vec![Fr::ZERO; cosets[name.2].len()]))
            })
            .collect();
        let columns = &self.columns;
        let written = to_write.into_par_iter().map(|((kind, index, part), mut values)| {
            cosets[part].values_into(columns.get(kind, index), &mut values);
            ((kind, index, part), values)
        });
        let written: Vec<(Name, Vec<Fr>)> = written.collect();
        self.values.extend(written);
    }
}

/// Coefficients of the columns that constraints read.
struct Columns<'a> {
    key: &'a ProvingKey,
    polynomials: &'a Polynomials<'a>,
    /// Of columns that are not kept as coefficients.
    made: BTreeMap<(LeafKind, usize), Vec<Fr>>,
}

impl<'a> Columns<'a> {
    fn new(key: &'a ProvingKey, polynomials: &'a Polynomials<'a>, uniforms: &[Fr]) -> Self {
        let mut columns = Self { key, polynomials, made: BTreeMap::new() };
        if key.constraints().cosets.is_empty() {
            return columns;
        }
        // The first coset's program computes all sums, so it reads all columns.
        let read = key.constraints().on_coset(0).columns();
        let made = read.into_par_iter().filter_map(|(kind, index)| {
            let coefficients = columns.make(kind, index, uniforms)?;
            Some(((kind, index), coefficients))
        });
        columns.made = made.collect();
        columns
    }

    /// The coefficients of a column that is not kept by them.
    fn make(&self, kind: LeafKind, index: usize, uniforms: &[Fr]) -> Option<Vec<Fr>> {
        let (key, n) = (self.key, self.key.fft().n());
        match kind {
            LeafKind::Combination => {
                let terms = key.constraints().combinations[index].terms(uniforms);
                let terms: Vec<(Fr, Polynomial<'_>)> =
                    terms.map(|(factor, (kind, index))| (factor, self.kept(kind, index))).collect();
                Some(combine(key.fft(), &terms))
            }
            // 1 on the first row and 0 on the others.
            LeafKind::First => Some(vec![key.verifying_key().domain().n_inverse(); n]),
            LeafKind::Point => {
                let mut coefficients = vec![Fr::ZERO; n];
                coefficients[1] = Fr::ONE;
                Some(coefficients)
            }
            kind => match self.kept(kind, index) {
                Polynomial::Coefficients(_) => None,
                Polynomial::Integers(values) => Some(key.fft().interpolate(&from_integers(values))),
            },
        }
    }

    /// A column as it is kept.
    fn kept(&self, kind: LeafKind, index: usize) -> Polynomial<'_> {
        match kind {
            LeafKind::Advice => self.polynomials.get(Poly::Advice(index)),
            LeafKind::Fixed => self.polynomials.get(Poly::Fixed(index)),
            LeafKind::Instance => Polynomial::Coefficients(self.polynomials.instance()),
            LeafKind::Product => self.polynomials.get(Poly::Product(index)),
            LeafKind::Sigma => self.polynomials.get(Poly::Sigma(index)),
            LeafKind::Combination | LeafKind::First | LeafKind::Point => {
                unreachable!("{kind:?} is made")
            }
        }
    }

    fn get(&self, kind: LeafKind, index: usize) -> &[Fr] {
        match self.made.get(&(kind, index)) {
            Some(coefficients) => coefficients,
            None => match self.kept(kind, index) {
                Polynomial::Coefficients(coefficients) => coefficients,
                Polynomial::Integers(_) => unreachable!("columns of integers are made"),
            },
        }
    }
}
