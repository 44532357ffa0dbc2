//! Round 4: the polynomials by their coefficients, and their evaluations.
//!
//! Columns of small integers, the permutation's labels and computed columns are kept by their values,
//! or by what gives them: with `l_i` the polynomial that is 1 on row `i` and 0 on the others, their
//! polynomials are `sum_i v_i l_i`, and `l_i(omega^r x)` is `l_(i - r)(x)`. So the values `l_i(x)` serve
//! for all of them at all rotations.

use std::collections::BTreeMap;

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_core::proving::{Basis, Fft, vector};

use super::witness::{BlindedComputed, BlindedIntegers, Column, write_with_tail};
use crate::plonk::copies::Copies;
use crate::plonk::integers::{Integers, of_any_width};
use crate::plonk::keys::ProvingKey;
use crate::plonk::openings::Poly;
use crate::plonk::values::Values;

/// Rows that one task takes.
const CHUNK: usize = 1 << 12;

/// A polynomial, as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Polynomial<'a> {
    /// By its coefficients.
    Coefficients(&'a [Fr]),
    /// By its values on the rows.
    Values(OnRows<'a>),
}

/// Values on the rows.
#[derive(Clone, Copy, Debug)]
pub(super) enum OnRows<'a> {
    /// Integers on the first rows, elements on those after them, then zeros.
    Integers { values: &'a Integers, tail: &'a [Fr] },
    /// Elements that are computed.
    Computed(&'a BlindedComputed<'a>),
    /// The labels that a permuted column holds.
    Labels { copies: &'a Copies, column: usize },
}

impl OnRows<'_> {
    /// Writes the values of all rows.
    pub(super) fn write(self, to: &mut [Fr]) {
        match self {
            Self::Integers { values, tail } => {
                let (first, rest) = to.split_at_mut(values.len() + tail.len());
                write_with_tail(values, tail, first);
                rest.fill(Fr::ZERO);
            }
            Self::Computed(column) => column.write(to),
            Self::Labels { copies, column } => copies.write_labels(column, to),
        }
    }
}

/// An advice column.
enum Advice<'w> {
    Coefficients(Vec<Fr>),
    Integers(BlindedIntegers),
    Computed(BlindedComputed<'w>),
}

/// Everything a proof opens.
pub(super) struct Polynomials<'a> {
    key: &'a ProvingKey,
    advice: Vec<Advice<'a>>,
    /// Values on the first rows.
    instance: Vec<Fr>,
    products: Vec<Vec<Fr>>,
    /// Of fixed columns that are not of integers: for others there are no coefficients.
    fixed: Vec<Vec<Fr>>,
    /// Empty before `x` is drawn.
    random: Vec<Fr>,
    /// `sum_i x^(n i) h_i`, of `n + 1` coefficients; empty before `x` is drawn.
    quotient: Vec<Fr>,
}

impl<'a> Polynomials<'a> {
    /// Interpolates columns; each is dropped when it is done. `instance` may end before its column.
    pub(super) fn interpolate(
        key: &'a ProvingKey,
        advice: Vec<Column<'a>>,
        instance: Vec<Fr>,
        products: Vec<Vec<Fr>>,
    ) -> Self {
        let fft = key.fft();
        let of_key = |column: &Values| match column {
            Values::Small(_) => Vec::new(),
            Values::Full(elements) => fft.interpolate(elements),
        };
        let of_advice = |column: Column<'a>| match column {
            Column::Integers(integers) => Advice::Integers(integers),
            Column::Computed(computed) => Advice::Computed(computed),
            Column::Full(elements) => Advice::Coefficients(fft.interpolate(&elements)),
        };
        Self {
            key,
            advice: advice.into_par_iter().map(of_advice).collect(),
            instance,
            products: fft.interpolate_all(products),
            fixed: key.fixed().par_iter().map(of_key).collect(),
            random: Vec::new(),
            quotient: Vec::new(),
        }
    }

    /// Recombines the quotient's pieces at `x`.
    pub(super) fn set_quotient(&mut self, pieces: Vec<Vec<Fr>>, x: Fr) {
        let xn = self.key.verifying_key().domain().vanishing_power(x);
        let powers = vector::powers(xn, pieces.len());
        let terms: Vec<(Fr, &[Fr])> =
            powers.into_iter().zip(pieces.iter().map(Vec::as_slice)).collect();
        self.quotient = vec![Fr::ZERO; self.key.fft().n() + 1];
        vector::add_multiples(&mut self.quotient, &terms);
    }

    /// Sets the random polynomial.
    pub(super) fn set_random(&mut self, coefficients: Vec<Fr>) {
        self.random = coefficients;
    }

    pub(super) fn get(&self, poly: Poly) -> Polynomial<'_> {
        match poly {
            Poly::Advice(i) => match &self.advice[i] {
                Advice::Coefficients(coefficients) => Polynomial::Coefficients(coefficients),
                Advice::Integers(BlindedIntegers { values, blinding }) => {
                    Polynomial::Values(OnRows::Integers { values, tail: blinding })
                }
                Advice::Computed(column) => Polynomial::Values(OnRows::Computed(column)),
            },
            Poly::Product(i) => Polynomial::Coefficients(&self.products[i]),
            Poly::Fixed(i) => match &self.key.fixed()[i] {
                Values::Small(values) => Polynomial::Values(OnRows::Integers { values, tail: &[] }),
                Values::Full(_) => Polynomial::Coefficients(&self.fixed[i]),
            },
            Poly::Sigma(column) => {
                Polynomial::Values(OnRows::Labels { copies: self.key.copies(), column })
            }
            Poly::Quotient => Polynomial::Coefficients(&self.quotient),
            Poly::Random => Polynomial::Coefficients(&self.random),
        }
    }

    /// The instance column's polynomial, which is not opened.
    pub(super) fn instance(&self) -> Polynomial<'_> {
        Polynomial::Values(OnRows::Integers { values: Integers::NONE, tail: &self.instance })
    }

    /// Coefficients of the quotient.
    pub(super) fn quotient(&self) -> &[Fr] {
        &self.quotient
    }

    /// The evaluations of the proof, in order.
    pub(super) fn evaluate(&self, x: Fr) -> Vec<Fr> {
        let fft = self.key.fft();
        // l_i(x) = 1 / n sum_j x^j omega^(- i j).
        let on_rows = Basis::new(fft.interpolate(&vector::powers(x, fft.n())));
        let openings = &self.key.verifying_key().openings().evaluations;
        let mut positions: BTreeMap<Poly, Vec<usize>> = BTreeMap::new();
        for (position, (poly, _)) in openings.iter().enumerate() {
            positions.entry(*poly).or_default().push(position);
        }
        let of_poly = |(poly, positions): (Poly, Vec<usize>)| {
            let rotations = positions.iter().map(|position| openings[*position].1);
            let values = self.evaluate_poly(poly, rotations, x, &on_rows);
            positions.into_iter().zip(values).collect::<Vec<_>>()
        };
        let values: Vec<Vec<(usize, Fr)>> = positions.into_par_iter().map(of_poly).collect();
        let mut evaluations = vec![Fr::ZERO; openings.len()];
        values.into_iter().flatten().for_each(|(position, value)| evaluations[position] = value);
        evaluations
    }

    /// The values of a polynomial at rotations of `x`, at which the Lagrange polynomials of the rows
    /// are `on_rows`. What is computed is so once for all rotations.
    fn evaluate_poly(
        &self,
        poly: Poly,
        rotations: impl Iterator<Item = i32>,
        x: Fr,
        on_rows: &Basis,
    ) -> Vec<Fr> {
        match self.get(poly) {
            Polynomial::Coefficients(coefficients) => {
                let domain = self.key.verifying_key().domain();
                let at = |rotation| vector::evaluate(coefficients, x * domain.root(rotation));
                rotations.map(at).collect()
            }
            Polynomial::Values(OnRows::Integers { values, tail }) => {
                rotations.map(|rotation| rotated_sum(values, tail, rotation, on_rows)).collect()
            }
            Polynomial::Values(values) => {
                let mut rows = vec![Fr::ZERO; self.key.fft().n()];
                values.write(&mut rows);
                rotations.map(|rotation| rotated_product(&rows, rotation, on_rows)).collect()
            }
        }
    }
}

/// `sum_i v_i b_(i - rotation)` over all rows.
fn rotated_sum(values: &Integers, tail: &[Fr], rotation: i32, basis: &Basis) -> Fr {
    let n = basis.elements().len();
    // n is a power of two: masking is the remainder, of negative numbers too.
    let rotated = |row: usize| row.wrapping_add_signed(-(rotation as isize)) & (n - 1);
    let of_integers: Fr = of_any_width!(values, values => {
        let of_task = |(task, values): (usize, &[_])| {
            let rows = task * CHUNK..;
            basis.combine(rows.zip(values).map(|(row, value)| (rotated(row), i64::from(*value))))
        };
        values.par_chunks(CHUNK).enumerate().map(of_task).sum()
    });
    let of_tail = tail.iter().zip(values.len()..);
    of_tail.fold(of_integers, |sum, (value, row)| sum + *value * basis.elements()[rotated(row)])
}

/// As [`rotated_sum`], of elements for all rows.
fn rotated_product(rows: &[Fr], rotation: i32, basis: &Basis) -> Fr {
    let n = rows.len() as i64;
    let (before, after) = basis.elements().split_at((-i64::from(rotation)).rem_euclid(n) as usize);
    // The values of the first rows meet the second part.
    let [first, second] = [(rows, after), (&rows[after.len()..], before)].map(|(rows, basis)| {
        let chunks = rows.par_chunks(CHUNK).zip(basis.par_chunks(CHUNK));
        let product = |(rows, basis): (&[Fr], &[Fr])| -> Fr {
            rows.iter().zip(basis).map(|(row, basis)| *row * basis).sum()
        };
        chunks.map(product).sum::<Fr>()
    });
    first + second
}

/// The coefficients of a sum of multiples of polynomials.
pub(super) fn combine(fft: &Fft, terms: &[(Fr, Polynomial<'_>)]) -> Vec<Fr> {
    let sum = Sum::new(terms);
    let mut combined = Vec::new();
    if sum.is_on_rows() {
        let mut rows = vec![Fr::ZERO; fft.n()];
        sum.write_rows(&mut rows);
        combined = fft.interpolate(&rows);
    }
    let longest = sum.coefficients.iter().map(|(_, coefficients)| coefficients.len()).max();
    combined.resize(combined.len().max(longest.unwrap_or(0)), Fr::ZERO);
    vector::add_multiples(&mut combined, &sum.coefficients);
    combined
}

/// As [`combine`], written over `to`; there is an element for each row in it, as in `rows`, which is
/// written over too, and no polynomial has more coefficients.
pub(super) fn combine_into(
    fft: &Fft,
    terms: &[(Fr, Polynomial<'_>)],
    rows: &mut [Fr],
    to: &mut [Fr],
) {
    let sum = Sum::new(terms);
    if sum.is_on_rows() {
        sum.write_rows(rows);
        fft.interpolate_into(rows, to);
    } else {
        to.fill(Fr::ZERO);
    }
    vector::add_multiples(to, &sum.coefficients);
}

/// A sum of multiples of polynomials, by how they are kept.
#[derive(Default)]
struct Sum<'a> {
    coefficients: Vec<(Fr, &'a [Fr])>,
    integers: Vec<(Fr, &'a Integers, &'a [Fr])>,
    others: Vec<(Fr, OnRows<'a>)>,
}

impl<'a> Sum<'a> {
    fn new(terms: &[(Fr, Polynomial<'a>)]) -> Self {
        let mut sum = Self::default();
        for (factor, polynomial) in terms {
            match *polynomial {
                Polynomial::Coefficients(of) => sum.coefficients.push((*factor, of)),
                Polynomial::Values(OnRows::Integers { values, tail }) => {
                    sum.integers.push((*factor, values, tail));
                }
                Polynomial::Values(values) => sum.others.push((*factor, values)),
            }
        }
        sum
    }

    fn is_on_rows(&self) -> bool {
        !self.integers.is_empty() || !self.others.is_empty()
    }

    /// Writes the sum of those that are kept by their values.
    fn write_rows(&self, to: &mut [Fr]) {
        let basis = Basis::new(self.integers.iter().map(|(factor, ..)| *factor).collect());
        to.par_iter_mut().with_min_len(CHUNK).enumerate().for_each(|(row, sum)| {
            let integer = |(_, values, _): &(Fr, &Integers, _)| values.at(row);
            *sum = basis.combine(self.integers.iter().map(integer).enumerate());
        });
        for (factor, values, tail) in &self.integers {
            let rest = to[values.len()..].iter_mut().zip(*tail);
            rest.for_each(|(sum, value)| *sum += factor * value);
        }
        let mut rows = Vec::new();
        for (factor, values) in &self.others {
            rows.resize(to.len(), Fr::ZERO);
            values.write(&mut rows);
            vector::add_multiple(to, &rows, *factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plonk::domain::Domain;

    fn integers(n: usize, seed: i32) -> Vec<i64> {
        let ends = [i32::MIN, i32::MAX, 0, -1];
        let value = |i: i32| match i % 5 {
            0 => ends[(i / 5 % 4) as usize],
            _ => (i * 77 + seed) % 1000 - 500,
        };
        (0..n as i32).map(value).map(i64::from).collect()
    }

    fn narrow(values: &[i64]) -> Integers {
        Integers::new(values).expect("of 32 bits")
    }

    fn on_rows<'a>(values: &'a Integers, tail: &'a [Fr]) -> Polynomial<'a> {
        Polynomial::Values(OnRows::Integers { values, tail })
    }

    #[test]
    fn integers_have_the_values_of_their_polynomials() {
        for k in [3, 7, 13] {
            let (fft, domain) = (Fft::new(k), Domain::new(k));
            let (values, x) = (integers(fft.n(), 3), Fr::from(12345));
            let coefficients = fft.interpolate(&vector::from_integers(&values));
            let basis = Basis::new(fft.interpolate(&vector::powers(x, fft.n())));
            for rotation in [0, 1, -1, 5, -130] {
                let expected = vector::evaluate(&coefficients, x * domain.root(rotation));
                assert_eq!(
                    rotated_sum(&narrow(&values), &[], rotation, &basis),
                    expected,
                    "{k}, {rotation}"
                );
                let elements = vector::from_integers(&values);
                assert_eq!(rotated_product(&elements, rotation, &basis), expected, "{rotation}");
                for rest in [0, 1, 5] {
                    let (values, tail) = values.split_at(fft.n() - rest);
                    let tail = vector::from_integers(tail);
                    let sum = rotated_sum(&narrow(values), &tail, rotation, &basis);
                    assert_eq!(sum, expected, "{k}, {rotation}, {rest} elements");
                }
            }
        }
    }

    /// As [`combine`], and that [`combine_into`] gives the same whatever it writes over.
    fn combined(fft: &Fft, terms: &[(Fr, Polynomial<'_>)]) -> Vec<Fr> {
        let combined = combine(fft, terms);
        if combined.len() <= fft.n() {
            let [mut rows, mut to] = [3, 7].map(|value| vec![Fr::from(value); fft.n()]);
            combine_into(fft, terms, &mut rows, &mut to);
            let (first, rest) = to.split_at(combined.len());
            assert_eq!((first, rest), (&*combined, &*vec![Fr::ZERO; rest.len()]));
        }
        combined
    }

    #[test]
    fn sums_of_both_kinds() {
        let fft = Fft::new(5);
        let (a, b) = (integers(32, 1), (0..32).map(|i| 300 * i - 77).collect::<Vec<i64>>());
        let (of_32, of_16, shorter) =
            (narrow(&a), narrow(&b), [narrow(&a[..28]), narrow(&b[..31])]);
        let c: Vec<Fr> = (0..33).map(|i| Fr::from(i * i)).collect();
        let factors = [3, 5, 7].map(Fr::from);
        let [of_a, of_b] = [&a, &b].map(|v| fft.interpolate(&vector::from_integers(v)));
        let mut expected = vec![Fr::ZERO; 33];
        vector::add_multiples(
            &mut expected,
            &[(factors[0], &of_a), (factors[1], &c), (factors[2], &of_b)],
        );
        let terms = [
            (factors[0], on_rows(&of_32, &[])),
            (factors[1], Polynomial::Coefficients(&c)),
            (factors[2], on_rows(&of_16, &[])),
        ];
        assert_eq!(combined(&fft, &terms), expected);
        // Integers with elements after them, in different places.
        let [a_tail, b_tail] = [(&a, 28), (&b, 31)].map(|(v, at)| vector::from_integers(&v[at..]));
        let terms = [
            (factors[0], on_rows(&shorter[0], &a_tail)),
            (factors[1], Polynomial::Coefficients(&c)),
            (factors[2], on_rows(&shorter[1], &b_tail)),
        ];
        assert_eq!(combined(&fft, &terms), expected);
        assert_eq!(combined(&fft, &terms[..1]).len(), 32);
        let shorter = [
            (factors[0], Polynomial::Coefficients(&c[..30])),
            (factors[1], Polynomial::Coefficients(&c[..32])),
            (factors[2], on_rows(&shorter[1], &b_tail)),
        ];
        for terms in [&shorter[..], &shorter[..2]] {
            let value = |(factor, polynomial): &(Fr, Polynomial<'_>)| match polynomial {
                Polynomial::Coefficients(of) => *factor * vector::evaluate(of, factors[0]),
                Polynomial::Values(_) => *factor * vector::evaluate(&of_b, factors[0]),
            };
            let expected: Fr = terms.iter().map(value).sum();
            assert_eq!(vector::evaluate(&combined(&fft, terms), factors[0]), expected);
        }
        assert_eq!(combined(&fft, &[]), []);
    }

    #[test]
    fn sums_with_labels_and_zeros() {
        let (fft, integers) = (Fft::new(5), integers(20, 3));
        let copies = Copies::new(5, vec![(0..32).rev().collect(), vec![40; 32]]);
        let tail = vec![Fr::from(77); 3];
        let mut rows = [vector::from_integers(&integers), tail.clone(), vec![Fr::ONE; 9]].concat();
        let integers = narrow(&integers);
        let integers = OnRows::Integers { values: &integers, tail: &tail };
        let labels = OnRows::Labels { copies: &copies, column: 1 };
        integers.write(&mut rows);
        assert_eq!(rows[23..], [Fr::ZERO; 9]);
        let factors = [3, 5].map(Fr::from);
        for (factor, row) in rows.iter_mut().zip(copies.labels(1)) {
            *factor = *factor * factors[0] + row * factors[1];
        }
        let both =
            [(factors[0], Polynomial::Values(integers)), (factors[1], Polynomial::Values(labels))];
        assert_eq!(combined(&fft, &both), fft.interpolate(&rows));
        let alone = combined(&fft, &both[1..]);
        let expected = fft.interpolate(&copies.labels(1));
        assert_eq!(
            alone.iter().map(|a| *a * factors[1].invert().unwrap()).collect::<Vec<_>>(),
            expected
        );
    }
}
