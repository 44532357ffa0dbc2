//! The equation of each computed tensor, as vector rows.
//!
//! With `c = 2^s x + r - 2^(s-1)` at the monomial `lambda^e rho^o` that position and channel have,
//!
//! ```text
//! sum_o rho^o Y_o(lambda) = sum_c X_c(lambda) K_c(lambda, rho) + sum_o rho^o f_o V_o(lambda)
//!                           + sum lambda^e rho^o (bias + 2^(s-1)) - J(lambda)
//! ```
//!
//! left: `U1` reads of the stored segments; right: a product for each operand channel, reads for each
//! summand, constants. `K_c = sum_t lambda^t sum_o rho^o w` over the taps `t` of a window; a
//! matrix product has one tap. Products also land where no output lives: on pads, on rows and
//! columns that a stride skips. There `J`, one junk cell an exponent for all channels, takes them
//! away. No junk stands at an exponent of a live output, whatever its channel.

mod parts;

use self::parts::{Channel, Filter, Part, Summand, exponent, sum_of_reads};
use super::{
    builder::{Builder, Piece, multiply},
    claims::{Claim, Monomial},
    frame::{Frame, taps},
    image::{Product, grid},
    layout::{Arrangement, Layout},
    rows::{Base, Carry, VectorRow},
    storage::{Storage, products},
};
use std::collections::{BTreeMap, BTreeSet};
use zkml_core::program::{Affine, Program, Step, StoredTensor, TensorId, Term, View};

/// Adds the equations of every computed tensor.
pub(super) fn build(
    builder: &mut Builder,
    program: &Program,
    storages: &[Storage],
    layouts: &[Layout],
) {
    for (t, tensor) in program.tensors.iter().enumerate() {
        if let Step::Affine(affine) = &tensor.step {
            let storage = &storages[t];
            let products = products(affine, &storage.image);
            let frame = frame(&products, affine, storage, storages);
            let places = Places::new(frame, storage);
            let step = StepBuilder { tensor: TensorId(t), stored: tensor, storage, places };
            step.build(builder, affine, &products, &layouts[t]);
        }
    }
}

/// The frame of a step: that of the storage of a tensor it deals with, if there is one.
fn frame(products: &[Product<'_>], affine: &Affine, out: &Storage, storages: &[Storage]) -> Frame {
    let stride = |storage: &Storage| match storage.kind {
        Arrangement::Frame(stride) if storage.image.height > 1 => Some(stride),
        _ => None,
    };
    let operands = affine.terms.iter().flat_map(Term::views).map(|v| &storages[v.tensor.0]);
    let wanted = std::iter::once(out).chain(operands).find_map(stride);
    let least = wanted.unwrap_or(out.image.width as i64);
    Frame::find(products, &out.image, least)
        .or_else(|| Frame::find(products, &out.image, 1))
        .unwrap_or_else(|| Frame::new(products, &out.image, least))
}

/// Exponents of the outputs of a step.
struct Places {
    frame: Frame,
    /// Exponent of every position of a channel, by (batch, row, column), before the shift.
    live: BTreeSet<i64>,
}

impl Places {
    fn new(frame: Frame, storage: &Storage) -> Self {
        let live = storage.image.places().map(|at| frame.output(at)).collect();
        Self { frame, live }
    }
}

struct StepBuilder<'a> {
    tensor: TensorId,
    stored: &'a StoredTensor,
    storage: &'a Storage,
    places: Places,
}

impl StepBuilder<'_> {
    fn build(
        &self,
        builder: &mut Builder,
        affine: &Affine,
        products: &[Product<'_>],
        layout: &Layout,
    ) {
        let mut touched = BTreeSet::new();
        let mut parts = Vec::new();
        let mut products = products.iter();
        for term in &affine.terms {
            parts.push(match term {
                Term::Scale { view, factor } => {
                    self.scale(builder, view, factor.data(), &mut touched)
                }
                _ => match products.next() {
                    Some(product) => self.product(builder, product, &mut touched),
                    None => continue,
                },
            });
        }
        let left = self.outputs(builder, layout);
        let shift = left
            .iter()
            .map(|summand| summand.offset)
            .chain(self.places.live.first().copied())
            .chain(touched.first().copied())
            .chain(parts.iter().flat_map(Part::least))
            .min()
            .map_or(0, |least| -least.min(0));
        let mut right = Vec::new();
        for part in parts {
            part.emit(builder, shift, &mut right);
        }
        self.constants(builder, affine, shift, &mut right);
        let free: Vec<u32> =
            touched.difference(&self.places.live).map(|e| exponent(e + shift)).collect();
        if !free.is_empty() {
            let junk = builder.junk(&free);
            right.push(VectorRow {
                carry: Carry::One,
                a: Some(junk),
                linear: -1,
                ..VectorRow::default()
            });
        }
        let right = builder.sum(right);
        let left = sum_of_reads(builder, left, shift);
        builder.equations.push((left, right));
        builder.claims.push(self.claim(shift));
    }

    fn claim(&self, shift: i64) -> Claim {
        let image = &self.storage.image;
        let mut elements = Vec::with_capacity(self.stored.shape.len());
        for (b, h, w) in image.places() {
            let lambda = exponent(self.places.frame.output((b, h, w)) + shift);
            for c in 0..image.channels {
                let rho = self.storage.channel(c) as u32;
                elements.push((image.element((b, c, h, w)), Monomial { lambda, rho }));
            }
        }
        Claim::Step { tensor: self.tensor, elements }
    }

    /// Reads of the step's own cells.
    fn outputs(&self, builder: &mut Builder, layout: &Layout) -> Vec<Summand> {
        let image = &self.storage.image;
        let mut at: BTreeMap<u32, (i64, usize)> = BTreeMap::new();
        for (b, h, w) in image.places() {
            let lambda = self.places.frame.output((b, h, w));
            for c in 0..image.channels {
                at.insert(image.element((b, c, h, w)), (lambda, self.storage.channel(c)));
            }
        }
        let mut reads = Vec::with_capacity(layout.segments.len());
        for (number, segment) in layout.segments.iter().enumerate() {
            let mut live = (0i64..).zip(&segment.slots).filter_map(|(i, e)| Some((i, at[&(*e)?])));
            let Some((slot, (lambda, rho))) = live.next() else { continue };
            let (base, offset, rho) = match (self.storage.kind, live.next()) {
                (Arrangement::Channels { .. }, _) => (Base::Rho, lambda, 0),
                (_, None) => (Base::Lambda, lambda - slot, rho),
                (_, Some((other, (next, _)))) => match (next - lambda) / (other - slot) {
                    2 => (Base::LambdaSquared, lambda - 2 * slot, rho),
                    _ => (Base::Lambda, lambda - slot, rho),
                },
            };
            let source = builder.output(self.tensor, number, base);
            reads.push(Summand { rho, source, offset, factor: 1 });
        }
        reads
    }

    fn product(
        &self,
        builder: &mut Builder,
        product: &Product<'_>,
        touched: &mut BTreeSet<i64>,
    ) -> Part {
        let (frame, window) = (&self.places.frame, &product.window);
        let tensor = product.view.tensor;
        let taps: Vec<((usize, usize), i64)> =
            taps(window).map(|tap| (tap, frame.tap(window, tap))).collect();
        let live = &self.places.live;
        let harmless = |e: i64| taps.iter().all(|(_, tap)| !live.contains(&(e + tap)));
        let mut reached = BTreeSet::new();
        let mut channels = Vec::with_capacity(product.inputs);
        for c in 0..product.inputs {
            let (height, width) = (window.height.input, window.width.input);
            let mut wanted = Vec::with_capacity(product.batch * height * width);
            for b in 0..product.batch {
                for (h, w) in grid(height, width) {
                    if let Some(element) = product.element((b, c, h, w)) {
                        wanted.push((element, frame.input(window, (b, h, w))));
                    }
                }
            }
            let pieces = builder.pieces(tensor, &wanted, harmless);
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
            self.dense(product, channels, &taps)
        }
    }

    fn dense(
        &self,
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
        let channel = |(c, pieces)| {
            let taps = taps.iter().map(|(tap, e)| (*e, of(c, *tap))).collect();
            Channel { pieces, taps }
        };
        Part::Dense(channels.into_iter().enumerate().map(channel).collect())
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
        if kernels.windows(2).all(|pair| pair[0] == pair[1]) {
            let reads = (0..product.outputs).flat_map(|o| {
                pieces(o).iter().map(move |piece| Summand {
                    rho: rho(o),
                    source: piece.source,
                    offset: piece.offset,
                    factor: 1,
                })
            });
            return Part::Uniform(reads.collect(), kernels.into_iter().next().unwrap_or_default());
        }
        let filter = |(o, taps)| Filter { rho: rho(o), pieces: pieces(o).clone(), taps };
        Part::Depthwise(kernels.into_iter().enumerate().map(filter).collect())
    }

    fn scale(
        &self,
        builder: &mut Builder,
        view: &View,
        factors: &[i32],
        touched: &mut BTreeSet<i64>,
    ) -> Part {
        let image = &self.storage.image;
        let mut wanted: BTreeMap<(usize, i64), Vec<(u32, i64)>> = BTreeMap::new();
        for (b, h, w) in image.places() {
            let lambda = self.places.frame.output((b, h, w));
            for c in 0..image.channels {
                let element = image.element((b, c, h, w)) as usize;
                let factor =
                    i64::from(if factors.len() == 1 { factors[0] } else { factors[element] });
                if let (Some(source), true) = (view.element(element), factor != 0) {
                    let key = (self.storage.channel(c), factor);
                    wanted.entry(key).or_default().push((source as u32, lambda));
                }
            }
        }
        let live = &self.places.live;
        let mut reads = Vec::new();
        for ((rho, factor), wanted) in wanted {
            // An element wanted at several places is read for each of them.
            for wanted in distinct(wanted) {
                for piece in builder.pieces(view.tensor, &wanted, |e| !live.contains(&e)) {
                    touched.extend(piece.spill);
                    let (source, offset) = (piece.source, piece.offset);
                    reads.push(Summand { rho, source, offset, factor });
                }
            }
        }
        Part::Reads(reads)
    }

    /// Bias and rounding constant, over exactly the monomials the left side reads.
    fn constants(
        &self,
        builder: &mut Builder,
        affine: &Affine,
        shift: i64,
        sum: &mut Vec<VectorRow>,
    ) {
        let half = if affine.shift == 0 { 0 } else { 1i64 << (affine.shift - 1) };
        let value = |element: u32| {
            let bias = affine.bias.as_ref().map_or(0, |bias| {
                let whole = bias.data().len() == self.stored.shape.len();
                bias.data()[if whole { element as usize } else { 0 }]
            });
            bias + half
        };
        let image = &self.storage.image;
        let width = self.storage.channel(image.channels.max(1) - 1) + 1;
        // Positions by the constants of their channels: one polynomial for all that are alike.
        let mut classes: BTreeMap<Vec<i64>, Vec<u32>> = BTreeMap::new();
        for (b, h, w) in image.places() {
            let mut constants = vec![0; width];
            for c in 0..image.channels {
                constants[self.storage.channel(c)] = value(image.element((b, c, h, w)));
            }
            let at = exponent(self.places.frame.output((b, h, w)) + shift);
            classes.entry(constants).or_default().push(at);
        }
        for (constants, mut exponents) in classes {
            exponents.sort_unstable();
            if let Some(weights) = builder.weights(constants) {
                sum.push(if exponents == [0] {
                    builder.shifted(weights, 0, 1)
                } else {
                    let indicator = builder.indicator(&exponents);
                    multiply(indicator, weights)
                });
            }
        }
    }
}

/// Splits wanted elements so that none occurs twice in a list.
fn distinct(wanted: Vec<(u32, i64)>) -> Vec<Vec<(u32, i64)>> {
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    let mut lists: Vec<Vec<(u32, i64)>> = Vec::new();
    for (element, exponent) in wanted {
        let times = seen.entry(element).or_default();
        if lists.len() == *times {
            lists.push(Vec::new());
        }
        lists[*times].push((element, exponent));
        *times += 1;
    }
    lists
}
