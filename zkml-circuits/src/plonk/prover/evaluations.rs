//! Round 4: the polynomials by their coefficients, and their evaluations.

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_core::proving::vector;

use super::permutation::Rows;
use crate::plonk::keys::ProvingKey;
use crate::plonk::openings::Poly;

/// Coefficients of everything a proof opens and is not in the key.
pub(super) struct Polynomials {
    pub(super) advice: Vec<Vec<Fr>>,
    pub(super) instance: Vec<Fr>,
    pub(super) products: Vec<Vec<Fr>>,
    random: Vec<Fr>,
    /// `sum_i x^(n i) h_i`, of `n + 1` coefficients; empty before `x` is drawn.
    quotient: Vec<Fr>,
}

impl Polynomials {
    /// Interpolates the columns, which are taken out of `rows`.
    pub(super) fn interpolate(
        key: &ProvingKey,
        rows: &mut Rows,
        products: Vec<Vec<Fr>>,
        random: Vec<Fr>,
    ) -> Self {
        let fft = key.fft();
        Self {
            advice: fft.interpolate_all(std::mem::take(&mut rows.advice)),
            instance: fft.interpolate(&std::mem::take(&mut rows.instance)),
            products: fft.interpolate_all(products),
            random,
            quotient: Vec::new(),
        }
    }

    /// Recombines the quotient's pieces at `x`.
    pub(super) fn set_quotient(&mut self, key: &ProvingKey, pieces: Vec<Vec<Fr>>, x: Fr) {
        let xn = key.verifying_key().domain().vanishing_power(x);
        let powers = vector::powers(xn, pieces.len());
        let terms: Vec<(Fr, &[Fr])> =
            powers.into_iter().zip(pieces.iter().map(Vec::as_slice)).collect();
        self.quotient = vec![Fr::ZERO; key.fft().n() + 1];
        vector::add_multiples(&mut self.quotient, &terms);
    }

    pub(super) fn get<'a>(&'a self, key: &'a ProvingKey, poly: Poly) -> &'a [Fr] {
        match poly {
            Poly::Advice(i) => &self.advice[i],
            Poly::Product(i) => &self.products[i],
            Poly::Fixed(i) => &key.fixed().coefficients[i],
            Poly::Sigma(i) => &key.sigma().coefficients[i],
            Poly::Quotient => &self.quotient,
            Poly::Random => &self.random,
        }
    }

    /// The evaluations of the proof, in order.
    pub(super) fn evaluate(&self, key: &ProvingKey, x: Fr) -> Vec<Fr> {
        let domain = key.verifying_key().domain();
        key.verifying_key()
            .openings()
            .evaluations
            .par_iter()
            .map(|(poly, rotation)| {
                vector::evaluate(self.get(key, *poly), x * domain.root(*rotation))
            })
            .collect()
    }
}
