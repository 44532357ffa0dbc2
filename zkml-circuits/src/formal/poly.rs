//! Polynomials in `lambda` with junk cells for some coefficients.

use super::FormalError;
use ff::Field;
use halo2curves::bn256::Fr;
use std::collections::BTreeMap;

/// `sum_e lambda^e c_e + sum lambda^e f j`, the latter over junk cells.
///
/// Coefficients are kept in blocks, so that memory goes with how many there are and not with the
/// degree: rows of an image may lie far apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Poly {
    /// Coefficients `BLOCK b ..` of block `b`; those of a block that is missing are 0.
    blocks: BTreeMap<usize, Box<[Fr; BLOCK]>>,
    junk: Vec<JunkTerm>,
    /// Bound of the degree in `rho`.
    pub(crate) rho: u32,
    /// Bound of the degree in cells of phase 1.
    pub(crate) cells: u32,
}

/// A junk cell in a polynomial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JunkTerm {
    pub(crate) row: usize,
    pub(crate) exponent: usize,
    pub(crate) factor: Fr,
}

const BLOCK: usize = 64;

impl Poly {
    /// Exponents of `lambda` are below this; degrees in `rho` and cells together are at most this.
    pub(crate) const MAX_DEGREE: usize = 1 << 26;

    /// Largest number of junk terms: as many as a machine has rows.
    const MAX_JUNK: usize = 1 << 26;

    /// Whether two such polynomials that differ are equal at so few points that none is found. A
    /// vector row can square, and of a degree of half the field's size, 300 rows later, there are
    /// polynomials that are 1 at half of all points.
    pub(crate) fn is_bounded(&self) -> bool {
        self.rho.saturating_add(self.cells) as usize <= Self::MAX_DEGREE
    }

    /// One past the largest exponent.
    pub(crate) fn end(&self) -> usize {
        let junk = self.junk.iter().map(|junk| junk.exponent + 1).max().unwrap_or(0);
        junk.max(self.last().map_or(0, |last| last + 1))
    }

    /// The largest exponent, junk apart.
    fn last(&self) -> Option<usize> {
        self.blocks.iter().rev().find_map(|(block, values)| {
            let last = values.iter().rposition(|c| *c != Fr::ZERO)?;
            Some(block * BLOCK + last)
        })
    }

    /// The coefficient at an exponent, junk apart.
    pub(crate) fn at(&self, exponent: usize) -> Fr {
        self.blocks.get(&(exponent / BLOCK)).map_or(Fr::ZERO, |block| block[exponent % BLOCK])
    }

    /// Coefficients that are not 0, junk apart, by exponent.
    pub(crate) fn coefficients(&self) -> impl Iterator<Item = (usize, Fr)> + '_ {
        self.blocks.iter().flat_map(|(block, values)| {
            let values = values.iter().enumerate().filter(|(_, c)| **c != Fr::ZERO);
            values.map(move |(at, c)| (block * BLOCK + at, *c))
        })
    }

    /// Junk cells.
    pub(crate) fn junk(&self) -> &[JunkTerm] {
        &self.junk
    }

    /// Adds `value lambda^exponent`.
    pub(crate) fn add_at(&mut self, exponent: usize, value: Fr) -> Result<(), FormalError> {
        if exponent >= Self::MAX_DEGREE {
            return Err(FormalError::Degree);
        }
        self.block(exponent / BLOCK)[exponent % BLOCK] += value;
        Ok(())
    }

    /// Adds a junk cell.
    pub(crate) fn add_junk(&mut self, junk: JunkTerm) -> Result<(), FormalError> {
        if junk.exponent >= Self::MAX_DEGREE || self.junk.len() >= Self::MAX_JUNK {
            return Err(FormalError::Degree);
        }
        self.junk.push(junk);
        Ok(())
    }

    /// Adds `factor lambda^shift other`.
    pub(crate) fn add(
        &mut self,
        other: &Self,
        factor: Fr,
        shift: usize,
    ) -> Result<(), FormalError> {
        self.rho = self.rho.max(other.rho);
        self.cells = self.cells.max(other.cells);
        for junk in &other.junk {
            let (exponent, factor) = (junk.exponent + shift, junk.factor * factor);
            self.add_junk(JunkTerm { row: junk.row, exponent, factor })?;
        }
        self.add_coefficients(other, factor, shift)
    }

    /// Adds `a b`.
    pub(crate) fn add_product(&mut self, a: &Self, b: &Self) -> Result<(), FormalError> {
        self.rho = self.rho.max(a.rho.saturating_add(b.rho));
        self.cells = self.cells.max(a.cells.saturating_add(b.cells));
        let (small, large) = if a.blocks.len() <= b.blocks.len() { (a, b) } else { (b, a) };
        for (exponent, c) in small.coefficients() {
            self.add_coefficients(large, c, exponent)?;
        }
        for (with, other) in [(a, b), (b, a)] {
            for junk in &with.junk {
                if !other.junk.is_empty() {
                    // Two free cells multiplied: free at every exponent; no plan has this.
                    return Err(FormalError::Degree);
                }
                for (exponent, c) in other.coefficients() {
                    let (exponent, factor) = (junk.exponent + exponent, junk.factor * c);
                    self.add_junk(JunkTerm { row: junk.row, exponent, factor })?;
                }
            }
        }
        Ok(())
    }

    /// [`Self::add`] without junk.
    fn add_coefficients(
        &mut self,
        other: &Self,
        factor: Fr,
        shift: usize,
    ) -> Result<(), FormalError> {
        if other.last().is_some_and(|last| last.saturating_add(shift) >= Self::MAX_DEGREE) {
            return Err(FormalError::Degree);
        }
        let (blocks, offset) = (shift / BLOCK, shift % BLOCK);
        for (block, values) in &other.blocks {
            let (low, high) = values.split_at(BLOCK - offset);
            for (part, block, offset) in
                [(low, block + blocks, offset), (high, block + blocks + 1, 0)]
            {
                if part.iter().all(|c| *c == Fr::ZERO) {
                    continue;
                }
                // Many coefficients of a block are 0.
                let pairs = self.block(block)[offset..].iter_mut().zip(part);
                for (slot, c) in pairs.filter(|(_, c)| **c != Fr::ZERO) {
                    *slot += factor * c;
                }
            }
        }
        Ok(())
    }

    fn block(&mut self, block: usize) -> &mut [Fr; BLOCK] {
        self.blocks.entry(block).or_insert_with(|| Box::new([Fr::ZERO; BLOCK]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    /// Coefficients far apart and close together, some of them 0.
    fn any(dice: &mut Dice) -> BTreeMap<usize, Fr> {
        let spread = [3, 40, 300, 5000][dice.below(4)];
        let count = dice.below(9);
        (0..count).map(|_| (dice.below(spread), Fr::from(dice.below(3) as u64))).collect()
    }

    fn poly(terms: &BTreeMap<usize, Fr>) -> Poly {
        let mut poly = Poly::default();
        terms.iter().for_each(|(e, c)| poly.add_at(*e, *c).expect("small"));
        poly
    }

    #[test]
    fn sums_and_products_are_those_of_the_coefficients() {
        let mut dice = Dice::new(9);
        for _ in 0..300 {
            let [a, b, c] = std::array::from_fn(|_| any(&mut dice));
            let (factor, shift) = (Fr::from(dice.below(5) as u64), dice.below(200));
            let mut expected = c.clone();
            let mut put = |e: usize, v: Fr| *expected.entry(e).or_insert(Fr::ZERO) += v;
            a.iter().for_each(|(e, v)| put(e + shift, factor * v));
            for (i, v) in &a {
                b.iter().for_each(|(j, w)| put(i + j + shift, factor * v * w));
            }
            expected.retain(|_, v| *v != Fr::ZERO);
            let mut got = poly(&c);
            got.add(&poly(&a), factor, shift).expect("small");
            let mut product = Poly::default();
            product.add_product(&poly(&a), &poly(&b)).expect("small");
            got.add(&product, factor, shift).expect("small");
            assert_eq!(got.coefficients().collect::<BTreeMap<_, _>>(), expected);
            assert_eq!(got.end(), expected.keys().next_back().map_or(0, |e| e + 1));
        }
    }

    #[test]
    fn junk_moves_with_what_it_is_multiplied_by() {
        let junk = |exponent| JunkTerm { row: 4, exponent, factor: Fr::ONE };
        let mut a = Poly::default();
        a.add_junk(junk(7)).expect("small");
        let kernel = poly(&[(0, Fr::from(2)), (70, Fr::from(3)), (71, Fr::ZERO)].into());
        let (mut unshifted, mut product) = (Poly::default(), Poly::default());
        unshifted.add_product(&a, &kernel).expect("small");
        product.add(&unshifted, Fr::ONE, 100).expect("small");
        let got: Vec<_> = product.junk().iter().map(|j| (j.exponent, j.factor)).collect();
        assert_eq!(got, [(107, Fr::from(2)), (177, Fr::from(3))]);
        assert_eq!(product.end(), 178);
        assert!(product.add_product(&a, &a).is_err(), "two free cells");
    }

    #[test]
    fn degrees_have_a_bound() {
        let one = poly(&[(0, Fr::ONE)].into());
        let mut a = Poly::default();
        assert!(a.add(&one, Fr::ONE, Poly::MAX_DEGREE - 1).is_ok());
        assert!(a.add(&one, Fr::ONE, Poly::MAX_DEGREE).is_err());
        assert!(a.add(&one, Fr::ONE, Poly::MAX_DEGREE + BLOCK).is_err());
        let mut fifth = poly(&[(5, Fr::ONE)].into());
        assert!(a.add(&fifth, Fr::ONE, Poly::MAX_DEGREE - 6).is_ok());
        assert!(a.add(&fifth, Fr::ONE, Poly::MAX_DEGREE - 5).is_err());
        // What is no coefficient has no exponent.
        fifth.add_at(BLOCK, Fr::ZERO).expect("small");
        assert!(a.add(&fifth, Fr::ONE, Poly::MAX_DEGREE - 6).is_ok());
        assert!(a.add_at(Poly::MAX_DEGREE, Fr::ONE).is_err());
        let junk = JunkTerm { row: 0, exponent: Poly::MAX_DEGREE, factor: Fr::ONE };
        assert!(a.add_junk(junk).is_err());
        assert_eq!(a.blocks.len(), 1, "one block, whatever the degree");
        let cell = Poly { cells: 1, rho: 2, ..poly(&[(0, Fr::from(5))].into()) };
        let (mut power, mut degree) = (cell, 3);
        while degree <= Poly::MAX_DEGREE {
            assert!(power.is_bounded());
            let mut square = Poly::default();
            square.add_product(&power, &power).expect("no exponent of lambda");
            (power, degree) = (square, 2 * degree);
        }
        assert!(!power.is_bounded());
    }
}
