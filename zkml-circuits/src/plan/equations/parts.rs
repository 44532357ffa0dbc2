//! Parts of a right side: gathered first, to know the shift that makes all exponents non-negative,
//! then summed over a plane of monomials.

use super::super::builder::{Builder, Piece, Plane, Summand, Value};
use super::super::rows::Source;

/// Part of a right side, its exponents not yet shifted.
pub(super) enum Part {
    /// A sum.
    Sum(Vec<Summand>),
    /// A sum times a constant.
    Scaled(Vec<Summand>, i64),
    /// A sum times one polynomial of constants.
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
    pub(super) fn least(&self) -> Option<i64> {
        let with = |pieces: &[Piece], taps: &mut dyn Iterator<Item = i64>| {
            taps.min().map(|tap| tap + lead(pieces))
        };
        match self {
            Self::Sum(reads) | Self::Scaled(reads, _) => reads.iter().map(|r| r.lambda).min(),
            Self::Uniform(reads, kernel) => {
                let before = least(reads.iter().map(|read| read.lambda));
                kernel.iter().map(|(tap, _)| tap + before).min()
            }
            Self::Depthwise(filters) => filters
                .iter()
                .filter_map(|f| with(&f.pieces, &mut f.taps.iter().map(|(t, _)| *t)))
                .min(),
            Self::Dense(channels) => channels
                .iter()
                .filter_map(|c| with(&c.pieces, &mut c.taps.iter().map(|(t, _)| *t)))
                .min(),
        }
    }

    /// Adds it to `sum`, whose exponents are shifted already.
    pub(super) fn emit(self, builder: &mut Builder, shift: i64, sum: &mut Plane) {
        let mut add = |lambda: i64, rho: usize, value: Value| {
            // Channels of a tensor are fewer than 2^28.
            sum.summands.push(Summand { lambda, rho: rho as u32, value });
        };
        match self {
            Self::Sum(reads) => {
                reads.into_iter().for_each(|r| add(r.lambda + shift, r.rho as usize, r.value));
            }
            Self::Scaled(reads, factor) => {
                let source = Plane { summands: reads }.source(builder, shift);
                add(0, 0, Value::Linear(source, factor));
            }
            Self::Uniform(reads, kernel) => {
                if reads.is_empty() || kernel.is_empty() {
                    return;
                }
                let before = least(reads.iter().map(|read| read.lambda));
                let source = Plane { summands: reads }.source(builder, -before);
                let kernel = kernel.into_iter().map(|(e, k)| (exponent(e + shift + before), k));
                let kernel = builder.kernel(kernel.collect());
                add(0, 0, Value::Times(source, kernel));
            }
            Self::Depthwise(filters) => {
                for Filter { rho, pieces, taps } in filters {
                    if taps.is_empty() || pieces.is_empty() {
                        continue;
                    }
                    let (source, before) = (operand(builder, &pieces), lead(&pieces));
                    let taps = taps.into_iter().map(|(e, k)| (exponent(e + shift + before), k));
                    let kernel = builder.kernel(taps.collect());
                    add(0, rho, Value::Times(source, kernel));
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
                        add(0, 0, Value::Times(operand(builder, &pieces), kernel));
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
    let summand = |piece: &Piece| Summand {
        lambda: piece.offset,
        rho: 0,
        value: Value::Linear(piece.source, 1),
    };
    Plane { summands: pieces.iter().map(summand).collect() }.source(builder, -lead)
}
