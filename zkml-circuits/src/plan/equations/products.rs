//! Products with constant weights: convolutions, and matrix products as those of a single tap.

use super::{
    StepBuilder,
    parts::{Channel, Filter, Part},
};
use crate::plan::{
    builder::{Builder, Piece, Summand, Value},
    frame::{Frame, taps},
    image::{Product, grid},
};
use std::collections::BTreeSet;

/// Elements of an operand's channel, with the exponents where a step wants them.
pub(in crate::plan) fn wanted(product: &Product<'_>, frame: &Frame, c: usize) -> Vec<(u32, i64)> {
    let window = &product.window;
    let (height, width) = (window.height.input, window.width.input);
    let mut wanted = Vec::with_capacity(product.batch * height * width);
    for b in 0..product.batch {
        for (h, w) in grid(height, width) {
            if let Some(element) = product.element((b, c, h, w)) {
                wanted.push((element, frame.input(window, (b, h, w))));
            }
        }
    }
    wanted
}

impl StepBuilder<'_> {
    pub(super) fn product(
        &self,
        builder: &mut Builder,
        product: &Product<'_>,
        touched: &mut BTreeSet<i64>,
    ) -> Part {
        let (frame, window) = (&self.frame, &product.window);
        let tensor = product.view.tensor;
        let taps: Vec<((usize, usize), i64)> =
            taps(window).map(|tap| (tap, frame.tap(window, tap))).collect();
        let harmless = |e: i64| taps.iter().all(|(_, tap)| !self.live.contains(&(e + tap)));
        let mut reached = BTreeSet::new();
        let mut channels = Vec::with_capacity(product.inputs);
        for c in 0..product.inputs {
            let wanted = wanted(product, frame, c);
            let pieces = builder.pieces(tensor, &wanted, &harmless);
            reached.extend(wanted.iter().map(|(_, e)| *e));
            reached.extend(pieces.iter().flat_map(|piece| piece.spill.iter().copied()));
            channels.push(pieces);
        }
        for e in &reached {
            touched.extend(taps.iter().map(|(_, tap)| e + tap));
        }
        if product.is_depthwise() {
            self.depthwise(product, channels, &taps)
        } else {
            self.dense(builder, product, channels, &taps)
        }
    }

    fn dense(
        &self,
        builder: &mut Builder,
        product: &Product<'_>,
        channels: Vec<Vec<Piece>>,
        taps: &[((usize, usize), i64)],
    ) -> Part {
        let width = self.storage.channel(product.outputs.max(1) - 1) + 1;
        let of = |c: usize, tap: (usize, usize)| {
            let mut weights = vec![0; width];
            for o in (0..product.outputs).filter(|o| product.reads(*o, c)) {
                weights[self.storage.channel(o)] = product.weight(o, c, tap);
            }
            weights
        };
        let [(tap, at)] = taps[..] else {
            let channel = |(c, pieces)| {
                let taps = taps.iter().map(|(tap, e)| (*e, of(c, *tap))).collect();
                Channel { pieces, taps }
            };
            return Part::Dense(channels.into_iter().enumerate().map(channel).collect());
        };
        let mut summands = Vec::new();
        for (c, pieces) in channels.into_iter().enumerate() {
            let weights = of(c, tap);
            let mut live = (0u32..).zip(&weights).filter(|(_, weight)| **weight != 0);
            let (first, second) = (live.next(), live.next());
            let Some((rho, factor)) = first.map(|(rho, factor)| (rho, *factor)) else { continue };
            for piece in pieces {
                let lambda = piece.offset + at;
                summands.push(match second {
                    None => Summand { lambda, rho, value: Value::Linear(piece.source, factor) },
                    Some(_) => {
                        let weights = builder.weights(weights.clone()).expect("not 0");
                        Summand { lambda, rho: 0, value: Value::Times(piece.source, weights) }
                    }
                });
            }
        }
        Part::Sum(summands)
    }

    fn depthwise(
        &self,
        product: &Product<'_>,
        channels: Vec<Vec<Piece>>,
        taps: &[((usize, usize), i64)],
    ) -> Part {
        let kernel = |o: usize| -> Vec<(i64, i64)> {
            let c = o / (product.outputs / product.groups);
            let mut kernel: Vec<(i64, i64)> =
                taps.iter().map(|(tap, e)| (*e, product.weight(o, c, *tap))).collect();
            kernel.retain(|(_, k)| *k != 0);
            kernel.sort_unstable();
            kernel
        };
        let kernels: Vec<_> = (0..product.outputs).map(kernel).collect();
        let per_channel = product.outputs / product.groups;
        let pieces = |o: usize| &channels[o / per_channel];
        let rho = |o: usize| self.storage.channel(o);
        let reads = |tap: i64, factor: i64| {
            let of = move |o: usize| {
                pieces(o).iter().map(move |piece| Summand {
                    lambda: piece.offset + tap,
                    rho: rho(o) as u32,
                    value: Value::Linear(piece.source, factor),
                })
            };
            (0..product.outputs).flat_map(of).collect()
        };
        if kernels.windows(2).all(|pair| pair[0] == pair[1]) {
            return match kernels.into_iter().next().unwrap_or_default()[..] {
                [(tap, factor)] => Part::Sum(reads(tap, factor)),
                ref kernel => Part::Uniform(reads(0, 1), kernel.to_vec()),
            };
        }
        let filter = |(o, taps)| Filter { rho: rho(o), pieces: pieces(o).clone(), taps };
        Part::Depthwise(kernels.into_iter().enumerate().map(filter).collect())
    }
}
