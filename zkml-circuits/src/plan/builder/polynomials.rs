//! Polynomials of constants, and of junk: powers of `lambda`, kernels, indicators of positions.

use super::{Builder, multiply};
use crate::plan::rows::{Carry, Source, VectorRow};
use std::collections::BTreeMap;

impl Builder {
    /// `lambda^exponent`, from smaller powers.
    pub(in crate::plan) fn power(&mut self, exponent: u32) -> Source {
        if let Some(source) = self.powers.get(&exponent) {
            return *source;
        }
        let source = match exponent {
            0 => self.ones(vec![true], false),
            1 => {
                let one = self.power(0);
                self.horner(Carry::Lambda, &[None, Some((one, 1))])
            }
            _ => {
                // The largest power so far, if it is more than half; squares otherwise.
                let known = self.powers.range(exponent.div_ceil(2).max(1)..exponent).next_back();
                let part = known.map_or(exponent.div_ceil(2), |(known, _)| *known);
                let (a, b) = (self.power(part), self.power(exponent - part));
                self.run(vec![multiply(a, b)])
            }
        };
        self.powers.insert(exponent, source);
        source
    }

    /// `sum_t lambda^e_t k_t` of constants, `(e_t, k_t)` ascending.
    pub(in crate::plan) fn kernel(&mut self, taps: Vec<(u32, i64)>) -> Source {
        if let Some(source) = self.kernels.get(&taps) {
            return *source;
        }
        let rows = taps
            .iter()
            .map(|(exponent, k)| VectorRow {
                carry: Carry::One,
                a: Some(self.power(*exponent)),
                linear: *k,
                ..VectorRow::default()
            })
            .collect();
        let source = self.sum(rows);
        self.kernels.insert(taps, source);
        source
    }

    /// `sum of lambda^e` over ascending exponents.
    pub(in crate::plan) fn indicator(&mut self, exponents: &[u32]) -> Source {
        let Some(first) = exponents.first().copied() else { return self.run(Vec::new()) };
        let shape: Vec<u32> = exponents.iter().map(|e| e - first).collect();
        let source = match self.indicators.get(&shape) {
            Some(source) => *source,
            None => {
                let source = self.indicator_from_zero(&shape);
                self.indicators.insert(shape, source);
                source
            }
        };
        let row = self.shifted(source, first, 1);
        self.sum(vec![row])
    }

    fn indicator_from_zero(&mut self, shape: &[u32]) -> Source {
        // Runs of equal steps; an image has one a row, all alike.
        let step = shape.get(1).map_or(1, |second| *second).clamp(1, 2);
        let mut rows: Vec<(u32, usize)> = Vec::new();
        for exponent in shape {
            match rows.last_mut() {
                Some((start, length)) if *start + step * *length as u32 == *exponent => {
                    *length += 1
                }
                _ => rows.push((*exponent, 1)),
            }
        }
        let mut starts: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (start, length) in rows {
            starts.entry(length).or_default().push(start);
        }
        let mut sum = Vec::new();
        for (length, starts) in starts {
            let grid = self.kernel(starts.into_iter().map(|start| (start, 1)).collect());
            let row =
                if length == 1 { self.power(0) } else { self.ones(vec![true; length], step == 2) };
            sum.push(if length == 1 {
                VectorRow { carry: Carry::One, a: Some(grid), linear: 1, ..VectorRow::default() }
            } else {
                multiply(grid, row)
            });
        }
        self.sum(sum)
    }

    /// `sum_e lambda^e j_e` over junk cells at ascending exponents.
    pub(in crate::plan) fn junk(&mut self, exponents: &[u32]) -> Source {
        /// Gaps up to this are filled row by row; a longer one takes a row and a power.
        const GAP: u32 = 4;
        let mut above: Option<(u32, Source)> = None;
        let mut end = exponents.len();
        while end > 0 {
            let mut start = end - 1;
            while start > 0 && exponents[start] - exponents[start - 1] <= GAP {
                start -= 1;
            }
            let mut rows = Vec::new();
            for (i, exponent) in exponents[start..end].iter().enumerate() {
                if i > 0 {
                    let gap = exponent - exponents[start + i - 1];
                    let filler = VectorRow { carry: Carry::Lambda, ..VectorRow::default() };
                    rows.extend(std::iter::repeat_n(filler, gap as usize - 1));
                }
                rows.push(VectorRow { carry: Carry::Lambda, junk: 1, ..VectorRow::default() });
            }
            if let (Some((exponent, source)), Some(last)) = (above, rows.last_mut()) {
                (last.a, last.b) = (Some(source), Some(self.power(exponent - exponents[end - 1])));
                last.product = true;
            }
            let source = self.run(rows);
            above = Some((exponents[start], source));
            end = start;
        }
        let Some((first, source)) = above else { return self.run(Vec::new()) };
        let row = self.shifted(source, first, 1);
        self.sum(vec![row])
    }
}
