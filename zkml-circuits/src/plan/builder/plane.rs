//! Sums over monomials of both axes, in few vector rows.
//!
//! A sum `sum lambda^a rho^b v` is a Horner chain in one axis of Horner chains in the other,
//! whichever order takes fewer rows; a gap in a chain is jumped by a power. A source that occurs at
//! many monomials (a broadcast) is taken once, times a polynomial of constants: a weight segment in
//! `rho`, an indicator in `lambda`.

use super::{Builder, multiply};
use crate::plan::rows::{Carry, Source, VectorRow};
use std::collections::BTreeMap;

/// What stands at a monomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Value {
    /// A multiple of a source.
    Linear(Source, i64),
    /// A product of two.
    Times(Source, Source),
}

/// `lambda^lambda rho^rho value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Summand {
    pub(in crate::plan) lambda: i64,
    pub(in crate::plan) rho: u32,
    pub(in crate::plan) value: Value,
}

/// A sum of values at monomials.
#[derive(Clone, Debug, Default)]
pub(in crate::plan) struct Plane {
    pub(in crate::plan) summands: Vec<Summand>,
}

/// An axis of monomials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Lambda,
    Rho,
}

/// Gaps up to this are filled row by row; a longer one takes a row and a power.
const GAP: u32 = 3;

/// Occurrences of a source from which on it is taken once, times a polynomial.
const MANY: usize = 3;

impl Plane {
    /// The least exponent of `lambda`.
    pub(in crate::plan) fn least(&self) -> Option<i64> {
        self.summands.iter().map(|summand| summand.lambda).min()
    }

    /// The sum times `lambda^shift`, which makes all exponents non-negative.
    pub(in crate::plan) fn source(self, builder: &mut Builder, shift: i64) -> Source {
        let entries: Vec<(u32, u32, Value)> = gathered(builder, self.summands)
            .into_iter()
            .map(|Summand { lambda, rho, value }| {
                // Exponents of a step are below 2^26.
                let lambda = u32::try_from(lambda + shift).expect("the shift of a step suffices");
                (lambda, rho, value)
            })
            .collect();
        let outer_lambda = rows(&entries, |(lambda, rho, _)| (*lambda, *rho));
        let outer_rho = rows(&entries, |(lambda, rho, _)| (*rho, *lambda));
        let axes = if outer_lambda <= outer_rho {
            [Axis::Lambda, Axis::Rho]
        } else {
            [Axis::Rho, Axis::Lambda]
        };
        let mut by_outer: BTreeMap<u32, Vec<(u32, Value)>> = BTreeMap::new();
        for (lambda, rho, value) in entries {
            let [outer, inner] =
                if axes[0] == Axis::Lambda { [lambda, rho] } else { [rho, lambda] };
            by_outer.entry(outer).or_default().push((inner, value));
        }
        let mut items = Vec::with_capacity(by_outer.len());
        for (outer, values) in by_outer {
            if values.iter().all(|(inner, _)| *inner == 0) {
                items.push((outer, values.into_iter().map(|(_, value)| value).collect()));
                continue;
            }
            let mut by_inner: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
            for (inner, value) in values {
                by_inner.entry(inner).or_default().push(value);
            }
            let chain = builder.chain(axes[1], by_inner.into_iter().collect());
            items.push((outer, vec![Value::Linear(chain, 1)]));
        }
        builder.chain(axes[0], items)
    }
}

/// Rows of the chains of entries whose outer and inner exponents `split` gives, roughly.
fn rows(entries: &[(u32, u32, Value)], split: impl Fn(&(u32, u32, Value)) -> (u32, u32)) -> usize {
    let mut exponents: Vec<(u32, u32)> = entries.iter().map(split).collect();
    exponents.sort_unstable();
    let jumps = |gap: u32| if gap <= GAP { gap.saturating_sub(1) as usize } else { 1 };
    let (mut rows, mut last) = (0, 0);
    for same in exponents.chunk_by(|a, b| a.0 == b.0) {
        rows += same.len() + jumps(same[0].0 - last);
        last = same[0].0;
        if same.iter().any(|(_, inner)| *inner != 0) {
            rows += 1 + usize::from(same[0].1 > 0);
            rows += same.windows(2).map(|pair| jumps(pair[1].1 - pair[0].1)).sum::<usize>();
        }
    }
    rows
}

impl Builder {
    /// `sum_e base^e (sum of values)`, exponents ascending.
    fn chain(&mut self, axis: Axis, items: Vec<(u32, Vec<Value>)>) -> Source {
        let Some(first) = items.first().map(|(exponent, _)| *exponent) else {
            return self.run(Vec::new());
        };
        let carry = match axis {
            Axis::Lambda => Carry::Lambda,
            Axis::Rho => Carry::Rho,
        };
        // Runs from the highest on, each carrying what is above it.
        let mut above: Option<(u32, Source)> = None;
        for items in items.chunk_by(|a, b| b.0 - a.0 <= GAP).rev() {
            let mut rows: Vec<VectorRow> = Vec::new();
            let mut at = items[0].0;
            for (exponent, values) in items {
                for gap in 0..exponent - at {
                    if gap > 0 {
                        rows.push(VectorRow::default());
                    }
                    rows.last_mut().expect("a run starts with a value").carry = carry;
                }
                at = *exponent;
                rows.extend(values.iter().map(|value| value.row()));
            }
            if let Some((exponent, source)) = above {
                let power = self.power_of(axis, exponent - at);
                rows.push(multiply(source, power));
            }
            above = Some((items[0].0, self.sum(rows)));
        }
        let (_, source) = above.expect("there is an item");
        if first == 0 {
            return source;
        }
        let power = self.power_of(axis, first);
        self.run(vec![multiply(source, power)])
    }

    fn power_of(&mut self, axis: Axis, exponent: u32) -> Source {
        match axis {
            Axis::Lambda => self.power(exponent),
            Axis::Rho => self.rho_power(exponent),
        }
    }
}

impl Value {
    /// The row that adds it.
    fn row(&self) -> VectorRow {
        match *self {
            Self::Linear(a, linear) => {
                VectorRow { carry: Carry::One, a: Some(a), linear, ..VectorRow::default() }
            }
            Self::Times(a, b) => multiply(a, b),
        }
    }
}

/// The same sum, each source that occurs often taken once.
fn gathered(builder: &mut Builder, summands: Vec<Summand>) -> Vec<Summand> {
    let mut counts: BTreeMap<Source, usize> = BTreeMap::new();
    for summand in &summands {
        if let Value::Linear(source, _) = summand.value {
            *counts.entry(source).or_default() += 1;
        }
    }
    counts.retain(|_, count| *count >= MANY);
    if counts.is_empty() {
        return summands;
    }
    let mut often: BTreeMap<Source, Vec<(i64, u32, i64)>> = BTreeMap::new();
    let mut out = Vec::new();
    for summand in summands {
        match summand.value {
            Value::Linear(source, factor) if counts.contains_key(&source) => {
                often.entry(source).or_default().push((summand.lambda, summand.rho, factor));
            }
            _ => out.push(summand),
        }
    }
    for (source, places) in often {
        // Exponents of `lambda` by the polynomial in `rho` that they have in common, or the other
        // way round if that takes fewer.
        let mut by_lambda: BTreeMap<i64, Vec<(u32, i64)>> = BTreeMap::new();
        let mut by_rho: BTreeMap<u32, Vec<(i64, i64)>> = BTreeMap::new();
        for (lambda, rho, factor) in places {
            by_lambda.entry(lambda).or_default().push((rho, factor));
            by_rho.entry(rho).or_default().push((lambda, factor));
        }
        let mut rectangles: BTreeMap<Vec<(u32, i64)>, Vec<i64>> = BTreeMap::new();
        for (lambda, mut row) in by_lambda {
            row.sort_unstable();
            rectangles.entry(row).or_default().push(lambda);
        }
        let mut transposed: BTreeMap<Vec<(i64, i64)>, Vec<u32>> = BTreeMap::new();
        for (rho, mut column) in by_rho {
            column.sort_unstable();
            transposed.entry(column).or_default().push(rho);
        }
        let even = |column: &Vec<(i64, i64)>| {
            column.windows(2).all(|pair| pair[0].1 == pair[1].1 && pair[0].0 != pair[1].0)
        };
        if transposed.len() < rectangles.len() && transposed.keys().all(even) {
            for (column, rhos) in transposed {
                let factor = column.first().map_or(0, |(_, factor)| *factor);
                let row = rhos.into_iter().map(|rho| (rho, factor)).collect();
                let lambdas = column.into_iter().map(|(lambda, _)| lambda).collect();
                rectangle(builder, source, row, lambdas, &mut out);
            }
        } else {
            for (row, lambdas) in rectangles {
                rectangle(builder, source, row, lambdas, &mut out);
            }
        }
    }
    out
}

/// `source sum_e rho^e factor_e sum over lambdas of lambda^l`, lambdas ascending.
fn rectangle(
    builder: &mut Builder,
    source: Source,
    row: Vec<(u32, i64)>,
    lambdas: Vec<i64>,
    out: &mut Vec<Summand>,
) {
    if row.len() * lambdas.len() < MANY {
        for lambda in lambdas {
            out.extend(row.iter().map(|(rho, factor)| Summand {
                lambda,
                rho: *rho,
                value: Value::Linear(source, *factor),
            }));
        }
        return;
    }
    let lambda = lambdas[0];
    let (rho, value) = match row[..] {
        [(rho, 1)] => (rho, Value::Linear(source, 1)),
        _ => {
            let mut weights =
                vec![0; row.iter().map(|(rho, _)| *rho as usize + 1).max().unwrap_or(0)];
            for (rho, factor) in &row {
                weights[*rho as usize] += factor;
            }
            match builder.weights(weights) {
                Some(weights) => (0, Value::Times(source, weights)),
                None => return,
            }
        }
    };
    let value = if lambdas.len() == 1 {
        value
    } else {
        // Exponents of a step are below 2^26.
        let shape: Vec<u32> = lambdas.iter().map(|l| (l - lambda) as u32).collect();
        let indicator = builder.indicator(&shape);
        let source = match value {
            Value::Linear(source, _) => source,
            value => builder.run(vec![value.row()]),
        };
        Value::Times(source, indicator)
    };
    out.push(Summand { lambda, rho, value });
}
