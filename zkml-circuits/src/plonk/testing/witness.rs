//! The witness of the sample circuit.

use std::sync::Arc;

use ff::{BatchInvert, Field};
use halo2curves::bn256::Fr;

use super::circuit::SampleParams;
use crate::plonk::{AdviceColumn, ComputedColumn, PhaseWitness, ProveError};
use zkml_core::proving::vector::from_integer;

/// A dishonest change of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tamper {
    /// Index of the advice column.
    pub column: usize,
    /// Row, below the number of rows in use.
    pub row: usize,
    /// Added to the cell.
    pub delta: i64,
}

/// Honest lanes from a seed, and everything that follows from them.
#[derive(Clone, Debug)]
pub struct SampleWitness {
    params: SampleParams,
    lanes: Vec<Vec<i64>>,
    tamper: Option<Tamper>,
    computes: bool,
}

/// Field elements that stand for a computed column.
struct Elements(Vec<Fr>);

impl ComputedColumn for Elements {
    fn write(&self, to: &mut [Fr]) {
        let (first, rest) = to.split_at_mut(self.0.len());
        first.copy_from_slice(&self.0);
        rest.fill(Fr::ZERO);
    }
}

impl SampleWitness {
    /// The witness of a seed.
    #[must_use]
    pub fn new(params: SampleParams, seed: u64) -> Self {
        let half = 1i64 << (params.table_bits - 1);
        let mut state = seed;
        let mut next = || {
            // Knuth's linear congruential generator: no randomness is needed here.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as i64).rem_euclid(2 * half) - half
        };
        let mut lanes: Vec<Vec<i64>> =
            (0..params.lanes).map(|_| (0..params.rows()).map(|_| next()).collect()).collect();
        lanes[2][1] = lanes[1][0];
        lanes[1][3] = SampleParams::CONSTANT;
        Self { params, lanes, tamper: None, computes: false }
    }

    /// The same witness with one cell changed, after everything that follows from it.
    #[must_use]
    pub fn tampered(mut self, tamper: Tamper) -> Self {
        self.tamper = Some(tamper);
        self
    }

    /// The same witness, whose columns of field elements are computed.
    #[must_use]
    pub fn computing(mut self) -> Self {
        self.computes = true;
        self
    }

    /// The public words.
    #[must_use]
    pub fn words(&self) -> Vec<Fr> {
        let SampleParams { words, stride, .. } = self.params;
        (0..words).map(|j| from_integer(self.lanes[0][j * stride])).collect()
    }

    pub(super) fn lane(&self, lane: usize, row: usize) -> i64 {
        self.lanes[lane][row]
    }

    /// The columns of a phase.
    pub(super) fn columns(
        &self,
        phase: u8,
        challenges: &[Fr],
    ) -> Vec<(usize, AdviceColumn<'static>)> {
        match (self.params.phases, phase, challenges) {
            (_, 0, _) => self.first(),
            (3, 1, [r]) => self.second(*r),
            (3, 2, [_, alpha]) => self.third(*alpha),
            (2, 1, [r, alpha]) => [self.second(*r), self.third(*alpha)].concat(),
            _ => Vec::new(),
        }
    }

    /// The accumulator's last value.
    pub(super) fn accumulated(&self, r: Fr) -> Fr {
        self.accumulator(r)[self.params.rows()]
    }

    fn first(&self) -> Vec<(usize, AdviceColumn<'static>)> {
        let (params, rows) = (&self.params, self.params.rows());
        let sum = |row| -> i64 {
            let terms = self.lanes.iter().enumerate().map(|(lane, values)| {
                let (w0, w1) = params.weights(lane, row);
                (w0 + w1 * values[row]) * values[row]
            });
            terms.sum()
        };
        let mut multiplicities = vec![0i64; rows];
        let half = 1i64 << (params.table_bits - 1);
        for value in self.lanes.iter().flatten() {
            multiplicities[(value + half) as usize] += 1;
        }
        let mut columns = self.lanes.clone();
        columns.push((0..rows).map(sum).collect());
        columns.push(multiplicities);
        columns.into_iter().map(AdviceColumn::Small).enumerate().collect()
    }

    fn second(&self, r: Fr) -> Vec<(usize, AdviceColumn<'static>)> {
        let accumulator = self.accumulator(r);
        let end = accumulator[self.params.rows()];
        let index = self.params.lanes + 2;
        vec![(index, AdviceColumn::Full(accumulator)), (index + 1, AdviceColumn::Full(vec![end]))]
    }

    fn accumulator(&self, r: Fr) -> Vec<Fr> {
        let rows = self.params.rows();
        let mut accumulator = vec![Fr::ZERO; rows + 1];
        for row in (0..rows).step_by(2) {
            let mut step = accumulator[row];
            for row in [row + 1, row] {
                for lane in self.lanes.iter().rev() {
                    step = step * r + from_integer(lane[row]);
                }
            }
            accumulator[row + 2] = step;
        }
        accumulator
    }

    fn third(&self, alpha: Fr) -> Vec<(usize, AdviceColumn<'static>)> {
        let (params, rows) = (&self.params, self.params.rows());
        let inverses = |values: &mut dyn Iterator<Item = i64>| -> Vec<Fr> {
            let mut inverses: Vec<Fr> = values.map(|v| alpha + from_integer(v)).collect();
            inverses.iter_mut().batch_invert();
            inverses
        };
        let mut columns: Vec<Vec<Fr>> = self
            .lanes
            .chunks(3)
            .map(|lanes| {
                let of_lanes: Vec<Vec<Fr>> =
                    lanes.iter().map(|lane| inverses(&mut lane.iter().copied())).collect();
                (0..rows).map(|row| of_lanes.iter().map(|lane| lane[row]).sum()).collect()
            })
            .collect();
        let Some((_, AdviceColumn::Small(multiplicities))) = self.first().pop() else {
            return Vec::new();
        };
        let table = inverses(&mut (0..rows).map(|row| params.table(row)));
        let g: Vec<Fr> =
            multiplicities.iter().zip(&table).map(|(m, t)| from_integer(*m) * t).collect();
        let mut s = vec![Fr::ZERO];
        for row in 0..rows {
            let helpers: Fr = columns.iter().map(|h| h[row]).sum();
            s.push(s[row] + helpers - g[row]);
        }
        columns.extend([g, s]);
        let index = params.lanes + 4;
        (index..).zip(columns.into_iter().map(AdviceColumn::Full)).collect()
    }
}

impl PhaseWitness<'static> for SampleWitness {
    fn phase(
        &mut self,
        phase: u8,
        challenges: &[Fr],
    ) -> Result<Vec<(usize, AdviceColumn<'static>)>, ProveError> {
        let mut columns = self.columns(phase, challenges);
        if let Some(Tamper { column, row, delta }) = self.tamper {
            for (index, values) in &mut columns {
                match values {
                    AdviceColumn::Small(v) if *index == column => v[row] += delta,
                    AdviceColumn::Full(v) if *index == column => v[row] += from_integer(delta),
                    _ => {}
                }
            }
        }
        if self.computes {
            for (_, values) in &mut columns {
                if let AdviceColumn::Full(elements) = values {
                    let elements = Elements(std::mem::take(elements));
                    *values = AdviceColumn::Computed(Arc::new(elements));
                }
            }
        }
        Ok(columns)
    }
}
