//! The summands of a right side: gathered first, to know the shift that makes all exponents
//! non-negative, then written as vector rows.

use super::super::{
    builder::{Builder, Piece, multiply},
    rows::{Carry, Source, VectorRow},
};
use std::collections::BTreeMap;

/// `rho^rho lambda^offset factor source`.
pub(super) struct Summand {
    pub(super) rho: usize,
    pub(super) source: Source,
    pub(super) offset: i64,
    pub(super) factor: i64,
}

/// Part of a right side, its exponents not yet shifted.
pub(super) enum Part {
    /// A sum of reads.
    Reads(Vec<Summand>),
    /// A sum of reads times one polynomial of constants.
    Uniform(Vec<Summand>, Vec<(i64, i64)>),
    /// Operand channels times polynomials of constants.
    Depthwise(Vec<Filter>),
    /// Operand channels times taps of weights.
    Dense(Vec<Channel>),
}

/// An operand channel times constants at exponents, at `rho^rho`.
pub(super) struct Filter {
    pub(super) rho: usize,
    pub(super) pieces: Vec<Piece>,
    pub(super) taps: Vec<(i64, i64)>,
}

/// An operand channel times weights by exponent, each a list by `rho`.
pub(super) struct Channel {
    pub(super) pieces: Vec<Piece>,
    pub(super) taps: Vec<(i64, Vec<i64>)>,
}

/// An exponent that the shift has made non-negative.
pub(super) fn exponent(e: i64) -> u32 {
    // Frames of tensors of fewer than 2^24 elements.
    u32::try_from(e).expect("the shift of a step makes its exponents non-negative")
}

/// The offset that goes into the taps of an operand: a lone piece's own; several pieces are brought
/// to 0 first, so the least of theirs if negative.
fn lead(pieces: &[Piece]) -> i64 {
    match pieces {
        [piece] => piece.offset,
        _ => least(pieces.iter().map(|piece| piece.offset)),
    }
}

/// The least of offsets, if negative.
fn least(offsets: impl Iterator<Item = i64>) -> i64 {
    offsets.min().unwrap_or(0).min(0)
}

impl Part {
    /// Exponents that must not stay negative.
    pub(super) fn least(&self) -> Vec<i64> {
        let with = |pieces: &[Piece], taps: &mut dyn Iterator<Item = i64>| {
            taps.min().map(|tap| tap + lead(pieces))
        };
        match self {
            Self::Reads(reads) => reads.iter().map(|read| read.offset).collect(),
            Self::Uniform(reads, kernel) => {
                let before = least(reads.iter().map(|read| read.offset));
                kernel.iter().map(|(tap, _)| tap + before).collect()
            }
            Self::Depthwise(filters) => filters
                .iter()
                .filter_map(|f| with(&f.pieces, &mut f.taps.iter().map(|(t, _)| *t)))
                .collect(),
            Self::Dense(channels) => channels
                .iter()
                .filter_map(|c| with(&c.pieces, &mut c.taps.iter().map(|(t, _)| *t)))
                .collect(),
        }
    }

    pub(super) fn emit(self, builder: &mut Builder, shift: i64, sum: &mut Vec<VectorRow>) {
        match self {
            Self::Reads(reads) => {
                if !reads.is_empty() {
                    let source = sum_of_reads(builder, reads, shift);
                    sum.push(builder.shifted(source, 0, 1));
                }
            }
            Self::Uniform(reads, kernel) => {
                if reads.is_empty() || kernel.is_empty() {
                    return;
                }
                let before = least(reads.iter().map(|read| read.offset));
                let source = sum_of_reads(builder, reads, -before);
                let kernel = kernel.into_iter().map(|(e, k)| (exponent(e + shift + before), k));
                let kernel: Vec<_> = kernel.collect();
                sum.push(match kernel[..] {
                    [(e, k)] => builder.shifted(source, e, k),
                    _ => {
                        let kernel = builder.kernel(kernel);
                        multiply(source, kernel)
                    }
                });
            }
            Self::Depthwise(filters) => {
                // One row a channel: Z = rho Z_next + X K.
                let count = filters.iter().map(|f| f.rho + 1).max().unwrap_or(0);
                let filler = VectorRow { carry: Carry::Rho, ..VectorRow::default() };
                let mut run = vec![filler; count];
                for Filter { rho, pieces, taps } in filters {
                    if taps.is_empty() || pieces.is_empty() {
                        continue;
                    }
                    let (source, before) = (operand(builder, &pieces), lead(&pieces));
                    let taps = taps.into_iter().map(|(e, k)| (exponent(e + shift + before), k));
                    let kernel = builder.kernel(taps.collect());
                    run[rho] = VectorRow { carry: Carry::Rho, ..multiply(source, kernel) };
                }
                if !run.is_empty() {
                    let source = builder.run(run);
                    sum.push(builder.shifted(source, 0, 1));
                }
            }
            Self::Dense(channels) => {
                for Channel { pieces, taps } in channels {
                    if pieces.is_empty() {
                        continue;
                    }
                    let before = lead(&pieces);
                    let mut kernel = Vec::with_capacity(taps.len());
                    for (e, weights) in taps {
                        if let Some(weights) = builder.weights(weights) {
                            kernel.push(builder.shifted(weights, exponent(e + shift + before), 1));
                        }
                    }
                    if !kernel.is_empty() {
                        let kernel = builder.sum(kernel);
                        let source = operand(builder, &pieces);
                        sum.push(multiply(source, kernel));
                    }
                }
            }
        }
    }
}

/// The polynomial of an operand's pieces, its exponents too large by [`lead`].
fn operand(builder: &mut Builder, pieces: &[Piece]) -> Source {
    if let [piece] = pieces {
        return piece.source;
    }
    let lead = lead(pieces);
    let shifted = |p: &Piece| builder.shifted(p.source, exponent(p.offset - lead), 1);
    let rows = pieces.iter().map(shifted).collect();
    builder.sum(rows)
}

/// `sum rho^o lambda^(offset + shift) factor source`, offset by offset.
pub(super) fn sum_of_reads(builder: &mut Builder, reads: Vec<Summand>, shift: i64) -> Source {
    /// Reads of one offset, each `rho` at most once.
    type Layer = Vec<(usize, Source, i64)>;
    let mut by_offset: BTreeMap<i64, Vec<Layer>> = BTreeMap::new();
    for Summand { rho, source, offset, factor } in reads {
        let layers = by_offset.entry(offset).or_default();
        // Two reads of one monomial go to layers of their own.
        let free = layers.iter_mut().find(|layer| layer.iter().all(|(other, ..)| *other != rho));
        match free {
            Some(layer) => layer.push((rho, source, factor)),
            None => layers.push(vec![(rho, source, factor)]),
        }
    }
    let mut rows = Vec::new();
    for (offset, layers) in by_offset {
        for layer in layers {
            let count = layer.iter().map(|(rho, ..)| rho + 1).max().unwrap_or(0);
            let mut values = vec![None; count];
            for (rho, source, factor) in layer {
                values[rho] = Some((source, factor));
            }
            let source = builder.horner(Carry::Rho, &values);
            rows.push(builder.shifted(source, exponent(offset + shift), 1));
        }
    }
    builder.sum(rows)
}
