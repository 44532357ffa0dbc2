//! Where the elements of every tensor stand: the segments it is cut into.
//!
//! | kind | a segment holds | read with | good for |
//! |---|---|---|---|
//! | `Frame(S)` | a channel of one image, row `h` from slot `h S` on | `lambda`, one read a channel | convolutions of stride 1 |
//! | `Rows` | one image row of a channel | `lambda` or `lambda^2`, one read a row | outputs of strided windows, whose rows lie `2 S` apart where they are made and `S'` where they are read |
//! | `Channels` | all channels of one position, or some | `rho` | vectors, batches of logits, right operands of products (a head's channels each) |
//!
//! Tensors whose steps use each other's exponents share one stride `S`: the least for which every
//! frame among them holds (see [`super::frame`]).

use super::{
    frame::{Frame, steps, up},
    image::{Image, Product, grid},
    layout::{Arrangement, Layout, LayoutPolicy, Slots},
};
use crate::machine::Profile;
use zkml_core::program::{Affine, Program, Step, Term};

/// A tensor cut into segments.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    pub(super) image: Image,
    pub(super) kind: Arrangement,
}

impl Storage {
    /// The layout, its segments still to be placed.
    pub(super) fn layout(&self) -> Layout {
        let Image { batch, channels, height, width, .. } = self.image;
        let image = [batch, channels, height, width];
        Layout { image, arrangement: self.kind, segments: Vec::new() }
    }

    /// The segments, in order.
    pub(super) fn segments(&self) -> Vec<Slots> {
        let Image { batch, channels, height, width, .. } = self.image;
        let planes = (0..batch).flat_map(|b| (0..channels).map(move |c| (b, c)));
        let mut segments = Vec::new();
        match self.kind {
            Arrangement::Frame(stride) => {
                let stride = stride as usize;
                for (b, c) in planes {
                    let mut slots = vec![None; height.saturating_sub(1) * stride + width];
                    for (h, w) in grid(height, width) {
                        slots[h * stride + w] = Some(self.image.element((b, c, h, w)));
                    }
                    segments.push(slots);
                }
            }
            Arrangement::Rows { spacing, piece } => {
                for (b, c) in planes {
                    for h in 0..height {
                        let row: Vec<usize> = (0..width).collect();
                        for part in row.chunks(piece) {
                            let mut slots = vec![None; (part.len() - 1) * spacing + 1];
                            for (i, w) in part.iter().enumerate() {
                                slots[i * spacing] = Some(self.image.element((b, c, h, *w)));
                            }
                            segments.push(slots);
                        }
                    }
                }
            }
            Arrangement::Channels { chunk, .. } => {
                for (b, h, w) in self.image.places() {
                    for first in (0..channels).step_by(chunk) {
                        let end = channels.min(first + chunk);
                        let mut slots = vec![None; self.slot(end - 1 - first) + 1];
                        for c in first..end {
                            slots[self.slot(c - first)] = Some(self.image.element((b, c, h, w)));
                        }
                        segments.push(slots);
                    }
                }
            }
        }
        segments
    }

    /// Slot of a channel of a `Channels` segment, by its number there.
    fn slot(&self, number: usize) -> usize {
        match self.kind {
            Arrangement::Channels { used, lanes, .. } => number / used * lanes + number % used,
            _ => number,
        }
    }

    /// Exponent of `rho` of a channel.
    pub(super) fn channel(&self, c: usize) -> usize {
        match self.kind {
            Arrangement::Channels { chunk, .. } => {
                c / chunk * (self.slot(chunk - 1) + 1) + self.slot(c % chunk)
            }
            _ => c,
        }
    }

    /// Groups it takes.
    pub(super) fn groups(&self, lanes: usize) -> usize {
        let Image { batch, channels, height, width, .. } = self.image;
        let planes = batch * channels;
        match self.kind {
            Arrangement::Frame(stride) => {
                planes * (height.saturating_sub(1) * stride as usize + width).div_ceil(lanes)
            }
            Arrangement::Rows { spacing, piece } => {
                let (whole, rest) = (width / piece, width % piece);
                let of =
                    |n: usize| n.checked_sub(1).map_or(0, |n| (n * spacing + 1).div_ceil(lanes));
                planes * height * (whole * of(piece) + of(rest))
            }
            Arrangement::Channels { chunk, .. } => {
                let of =
                    |n: usize| n.checked_sub(1).map_or(0, |n| self.slot(n) + 1).div_ceil(lanes);
                let (whole, rest) = (channels / chunk, channels % chunk);
                self.image.positions() * (whole * of(chunk) + of(rest))
            }
        }
    }
}

/// How many times the groups of image rows a frame may take before rows are the better storage.
fn gap_limit(policy: LayoutPolicy) -> f64 {
    match policy {
        LayoutPolicy::Balanced => 1.3,
        LayoutPolicy::Frames => 4.0,
        LayoutPolicy::Rows => 0.0,
    }
}

/// What the storage of a program's tensors depends on, whatever the machine.
#[derive(Debug)]
pub(super) struct Forms {
    pub(super) images: Vec<Image>,
    /// Frames with their strides, rows where a step's own exponents need them.
    kinds: Vec<Arrangement>,
    /// Whether some step reads the tensor.
    pub(super) read: Vec<bool>,
}

impl Forms {
    pub(super) fn new(program: &Program, images: Vec<Image>) -> Self {
        let mut chooser = Chooser::new(program, &images);
        chooser.roles();
        chooser.strides();
        let Chooser { kinds, read, .. } = chooser;
        Self { images, kinds, read }
    }

    /// How tensor `t` lies by image rows, in a machine and by a policy.
    pub(super) fn by_rows(
        &self,
        t: usize,
        profile: Profile,
        packed: bool,
        policy: LayoutPolicy,
    ) -> Arrangement {
        let image = &self.images[t];
        let lanes = profile.lanes();
        let mut kind = self.kinds[t];
        if let Arrangement::Frame(_) = kind {
            let rows = Arrangement::Rows { spacing: 1, piece: image.width.max(1) };
            let groups = |kind| Storage { image: image.shape(), kind }.groups(lanes) as f64;
            if image.height > 1 && groups(kind) > gap_limit(policy) * groups(rows) {
                kind = rows;
            }
        }
        if packed {
            // A piece a word, at the spacing that the step's stride asks for.
            let digits = profile.public_lanes();
            let of = |spacing| Arrangement::Rows { spacing, piece: (digits - 1) / spacing + 1 };
            kind = match kind {
                Arrangement::Rows { spacing, .. } => of(spacing),
                _ => of(1),
            };
        }
        kind
    }
}

/// Products of a step.
pub(super) fn products<'a>(affine: &'a Affine, out: &Image) -> Vec<Product<'a>> {
    affine.terms.iter().filter_map(|term| Product::of(term, out)).collect()
}

struct Chooser<'a> {
    program: &'a Program,
    images: &'a [Image],
    kinds: Vec<Arrangement>,
    /// Whether some step reads the tensor.
    read: Vec<bool>,
    /// Sets of a common stride (union-find): step `t` is node `t`, the storage of tensor `t` node
    /// `count + t`.
    parent: Vec<usize>,
}

impl<'a> Chooser<'a> {
    fn new(program: &'a Program, images: &'a [Image]) -> Self {
        let kinds =
            images.iter().map(|image| Arrangement::Frame(image.width.max(1) as i64)).collect();
        let count = images.len();
        let (read, parent) = (vec![false; count], (0..2 * count).collect());
        Self { program, images, kinds, read, parent }
    }

    fn steps(&self) -> impl Iterator<Item = (usize, &'a Affine)> + use<'a> {
        self.program.tensors.iter().enumerate().filter_map(|(t, tensor)| match &tensor.step {
            Step::Affine(affine) => Some((t, affine)),
            _ => None,
        })
    }

    fn root(&self, mut t: usize) -> usize {
        while self.parent[t] != t {
            t = self.parent[t];
        }
        t
    }

    /// Which tensors cannot lie in a frame of their step's stride, and which share one.
    fn roles(&mut self) {
        for (t, affine) in self.steps() {
            let out = &self.images[t];
            let products = products(affine, out);
            let up = up(&products);
            self.role(t, t, up);
            for product in &products {
                self.role(t, product.view.tensor.0, steps(up, &product.window));
            }
            for term in &affine.terms {
                for view in term.views() {
                    self.read[view.tensor.0] = true;
                }
                let whole = match term {
                    Term::Scale { view, .. } => Some((view, view.index.is_none())),
                    Term::Product { left, .. } => Some((left, true)),
                    _ => None,
                };
                if let Some((view, whole)) = whole {
                    let a = &self.images[view.tensor.0];
                    let same = whole && (a.height, a.width) == (out.height, out.width);
                    self.role(t, view.tensor.0, if same { up } else { (1, 1) });
                }
            }
        }
    }

    /// Tensor `t` lies in the plane of step `step` with elements so far apart.
    fn role(&mut self, step: usize, t: usize, apart: (i64, i64)) {
        let image = &self.images[t];
        let (height, width) = (image.height, image.width);
        // A single row has no stride, and two units' bases reach every second position.
        let free = height == 1 && (apart.1 <= 2 || width == 1);
        if free {
            return;
        }
        if apart == (1, 1) {
            let (a, b) = (self.root(step), self.root(self.images.len() + t));
            self.parent[a] = b;
            return;
        }
        // Spacings above 2 are made up by empty slots; only a tensor's own step can ask for it.
        let spacing = match apart.1 {
            ..=2 => 1,
            v if v % 2 == 0 => v as usize / 2,
            v => v as usize,
        };
        let spacing = if step == t { spacing } else { 1 };
        if !matches!(self.kinds[t], Arrangement::Rows { spacing, .. } if spacing > 1) {
            self.kinds[t] = Arrangement::Rows { spacing, piece: width.max(1) };
        }
    }

    /// Strides that hold for all steps that share them.
    fn strides(&mut self) {
        let count = self.images.len();
        let roots: Vec<usize> = (0..2 * count).map(|node| self.root(node)).collect();
        let mut strides: Vec<i64> = vec![1; 2 * count];
        for (t, kind) in self.kinds.iter().enumerate() {
            if let Arrangement::Frame(width) = kind {
                let root = roots[count + t];
                strides[root] = strides[root].max(*width);
            }
        }
        // A stride that one step needs more may break another: until none moves.
        loop {
            let before = strides.clone();
            for (t, affine) in self.steps() {
                let products = products(affine, &self.images[t]);
                let stride = &mut strides[roots[t]];
                if let Some(frame) = Frame::find(&products, &self.images[t], *stride) {
                    *stride = frame.stride;
                }
            }
            if strides == before {
                break;
            }
        }
        for (t, kind) in self.kinds.iter_mut().enumerate() {
            if let Arrangement::Frame(stride) = kind {
                *stride = strides[roots[count + t]];
            }
        }
    }
}
