//! Chooses between image rows and channels for every tensor.
//!
//! By rows, a segment is a channel and its slots are positions; across, a segment is a position and
//! its slots are channels, all of them or those of a head. Either way a step can read all of it, but
//! a reader that wants the other one takes scalars. Tensors that no convolution reads, of one image
//! row each, are laid out by whichever costs less: vector rows for their own reads, for those of
//! their readers, and groups. The last tensors are chosen first, so that readers are known.

use super::{
    builder::{Held, Local, Service, along_lambda, along_rho},
    equations::{self, pairs::Pairs, products, sums},
    layout::{Arrangement, LayoutPolicy, Slots},
    storage::{self, Forms, Storage},
};
use crate::machine::Profile;
use std::collections::HashSet;
use zkml_core::program::{Affine, Program, Step, Term};

/// The storage of every tensor.
pub(super) fn choose(
    program: &Program,
    forms: &Forms,
    public: &[bool],
    profile: Profile,
    policy: LayoutPolicy,
) -> Vec<Storage> {
    let mut arranger = Arranger::new(program, forms, public, profile, policy);
    for t in (0..program.tensors.len()).rev() {
        arranger.arrange(t);
    }
    arranger.storages
}

struct Arranger<'a> {
    program: &'a Program,
    forms: &'a Forms,
    public: &'a [bool],
    profile: Profile,
    /// By tensor, the steps and terms that read it.
    readers: Vec<Vec<(usize, &'a Term)>>,
    storages: Vec<Storage>,
}

/// One way to lay out a tensor.
struct Candidate {
    kind: Arrangement,
    segments: Vec<Slots>,
    /// Elements of each.
    counts: Vec<usize>,
    /// By element: segment and slot.
    places: Vec<(u32, u32)>,
    cost: usize,
    /// Segments whose elements are scalars.
    tied: HashSet<u32>,
}

impl<'a> Arranger<'a> {
    fn new(
        program: &'a Program,
        forms: &'a Forms,
        public: &'a [bool],
        profile: Profile,
        policy: LayoutPolicy,
    ) -> Self {
        let mut readers = vec![Vec::new(); program.tensors.len()];
        for (t, tensor) in program.tensors.iter().enumerate() {
            let Step::Affine(affine) = &tensor.step else { continue };
            for term in &affine.terms {
                let mut sources: Vec<usize> = term.views().map(|view| view.tensor.0).collect();
                sources.dedup();
                for source in sources {
                    readers[source].push((t, term));
                }
            }
        }
        let digits = profile.public_lanes();
        let storage = |(t, image): (usize, &super::image::Image)| {
            let packed = public[t] && digits < profile.lanes();
            Storage { image: image.clone(), kind: forms.by_rows(t, profile, packed, policy) }
        };
        let storages = forms.images.iter().enumerate().map(storage).collect();
        Self { program, forms, public, profile, readers, storages }
    }

    fn arrange(&mut self, t: usize) {
        let across = self.across(t);
        let image = &self.forms.images[t];
        if image.positions() == 1 {
            self.storages[t].kind = across[0];
            return;
        }
        let by_rows = self.storages[t].kind;
        let lanes = self.profile.lanes();
        if image.height > 1 {
            let groups = |kind| Storage { image: image.shape(), kind }.groups(lanes);
            if !self.forms.read[t] && groups(across[0]) < groups(by_rows) {
                self.storages[t].kind = across[0];
            }
            return;
        }
        // Products with constants, and left operands, run over positions.
        let rows_alone = |(_, term): &(usize, &Term)| match term {
            Term::Contract { .. } | Term::Correlate { .. } => true,
            Term::Product { left, right, .. } => {
                right.tensor.0 != t && left.shape.dims().get(1).is_some_and(|rows| *rows > 1)
            }
            _ => false,
        };
        let convolution = |(_, term): &(usize, &Term)| matches!(term, Term::Correlate { .. });
        let readers = &self.readers[t];
        if readers.iter().any(convolution) || !readers.is_empty() && readers.iter().all(rows_alone)
        {
            return;
        }
        // Across first: of equals, the one that packs its lanes.
        let kinds = across.into_iter().chain([by_rows]);
        let mut candidates: Vec<Candidate> = kinds.map(|kind| self.candidate(t, kind)).collect();
        for (step, term) in readers {
            let Step::Affine(affine) = &self.program.tensors[*step].step else { continue };
            self.reader(t, (*step, affine), term, &mut candidates);
        }
        if let Some(best) = candidates.iter().min_by_key(|candidate| candidate.cost) {
            self.storages[t].kind = best.kind;
        }
    }

    /// The ways to store channels side by side.
    fn across(&self, t: usize) -> Vec<Arrangement> {
        let channels = self.forms.images[t].channels.max(1);
        let lanes = self.profile.lanes();
        let digits = self.profile.public_lanes();
        let packed = self.public[t] && digits < lanes;
        let used = if packed { digits } else { lanes };
        let product = match &self.program.tensors[t].step {
            Step::Affine(affine) => {
                affine.terms.iter().any(|term| matches!(term, Term::Product { .. }))
            }
            _ => false,
        };
        let of = |chunk: usize| Arrangement::Channels { used, lanes, chunk };
        let mut kinds = Vec::new();
        // Between words a packed segment has gaps, and channels of a product have none.
        if !(packed && product && channels > used) {
            kinds.push(of(channels));
        }
        let mut chunks: Vec<usize> = self.chunks(t).into_iter().collect();
        if packed && channels > used {
            chunks = chunks.into_iter().map(|chunk| gcd(chunk, used)).collect();
            chunks.push(used);
        }
        chunks.retain(|chunk| *chunk < channels);
        kinds.extend(chunks.into_iter().map(of));
        kinds.dedup();
        kinds
    }

    /// Channels that one reader or another takes apart from others, if it does.
    fn chunks(&self, t: usize) -> Option<usize> {
        let image = &self.forms.images[t];
        if image.height > 1 || image.channels <= 1 {
            return None;
        }
        let mut chunk = image.channels;
        let mut channel_of = Vec::new();
        for (step, term) in &self.readers[t] {
            let Term::Product { left, right, .. } = term else { continue };
            if right.tensor.0 != t {
                continue;
            }
            if channel_of.is_empty() {
                channel_of = vec![0; image.channels * image.positions()];
                for (b, h, w) in image.places() {
                    for c in 0..image.channels {
                        channel_of[image.element((b, c, h, w)) as usize] = c;
                    }
                }
            }
            let at = self.monomials(*step);
            let Some(pairs) = Pairs::new((left, right), &at) else { continue };
            for pair in pairs.all() {
                let wanted = pairs.right(pair);
                if let Some((element, _)) = wanted.first() {
                    chunk = gcd(chunk, gcd(channel_of[*element as usize], wanted.len()));
                }
            }
        }
        (chunk < image.channels).then_some(chunk)
    }

    fn monomials(&self, step: usize) -> Vec<(i64, u32)> {
        let Step::Affine(affine) = &self.program.tensors[step].step else { return Vec::new() };
        let storage = &self.storages[step];
        equations::monomials(storage, &equations::frame(affine, storage, &self.storages))
    }

    fn candidate(&self, t: usize, kind: Arrangement) -> Candidate {
        let storage = Storage { image: self.forms.images[t].clone(), kind };
        let groups = storage.groups(self.profile.lanes()) * self.profile.fold();
        let segments = storage.segments();
        let mut places = vec![(0, 0); storage.image.len()];
        for (segment, slots) in (0..).zip(&segments) {
            for (slot, element) in (0..).zip(slots) {
                if let Some(element) = element {
                    places[*element as usize] = (segment, slot);
                }
            }
        }
        // Groups weigh double: lookups are theirs, and rows of them cannot be shared.
        let cost = 2 * groups + segments.len();
        let counts = segments.iter().map(|slots| slots.iter().flatten().count()).collect();
        Candidate { kind, segments, counts, places, cost, tied: HashSet::new() }
    }

    /// Adds what a reader costs to each way.
    fn reader(
        &self,
        t: usize,
        (step, affine): (usize, &Affine),
        term: &Term,
        candidates: &mut [Candidate],
    ) {
        let out = &self.storages[step];
        let frame = equations::frame(affine, out, &self.storages);
        let at = equations::monomials(out, &frame);
        let live: HashSet<i64> = out.image.places().map(|at| frame.output(at)).collect();
        let harmless = |e: i64| !live.contains(&e);
        match term {
            Term::Scale { view, factor } => {
                let wants = sums::wanted(view, factor.data(), &at);
                for candidate in candidates {
                    let mut wanted: Vec<(u32, Local)> = wants
                        .iter()
                        .map(|want| {
                            let (segment, slot) = candidate.places[want.element as usize];
                            let (lambda, rho, factor) = (want.lambda, want.rho, want.factor);
                            (segment, Local { slot, lambda, rho, factor })
                        })
                        .collect();
                    wanted.sort_by_key(|(segment, _)| *segment);
                    for same in wanted.chunk_by(|a, b| a.0 == b.0) {
                        let mut local: Vec<Local> = same.iter().map(|(_, want)| *want).collect();
                        let held = candidate.held(same[0].0);
                        let service = Service::of(held, &mut local, None, &harmless);
                        candidate.cost += service.reads();
                        candidate.scalars(same[0].0, service.scalars.len());
                    }
                }
            }
            Term::Product { left, right, .. } => {
                let Some(pairs) = Pairs::new((left, right), &at) else { return };
                for pair in pairs.all() {
                    for candidate in &mut *candidates {
                        if left.tensor.0 == t {
                            candidate.pieces(&pairs.left(pair), Some(&harmless));
                        }
                        if right.tensor.0 == t {
                            candidate.pieces(&pairs.right(pair), None);
                        }
                    }
                }
            }
            _ => {
                let read = term.views().next();
                for product in storage::products(affine, &out.image) {
                    if !read.is_some_and(|view| std::ptr::eq(view, product.view)) {
                        continue;
                    }
                    for c in 0..product.inputs {
                        let wanted = products::wanted(&product, &frame, c);
                        for candidate in &mut *candidates {
                            candidate.pieces(&wanted, Some(&harmless));
                        }
                    }
                }
            }
        }
    }
}

impl Candidate {
    fn held(&self, segment: u32) -> Held<'_> {
        let segment = segment as usize;
        Held { slots: &self.segments[segment], count: self.counts[segment] }
    }

    /// Adds the cost of a read of elements at exponents, of `lambda` if it says what is harmless
    /// there, else of `rho`.
    fn pieces(&mut self, wanted: &[(u32, i64)], lambda: Option<&dyn Fn(i64) -> bool>) {
        let mut all: Vec<(u32, (u32, i64))> = wanted
            .iter()
            .map(|(element, exponent)| {
                let (segment, slot) = self.places[*element as usize];
                (segment, (slot, *exponent))
            })
            .collect();
        all.sort_by_key(|(segment, _)| *segment);
        for same in all.chunk_by(|a, b| a.0 == b.0) {
            let places: Vec<(u32, i64)> = same.iter().map(|(_, place)| *place).collect();
            let held = self.held(same[0].0);
            let read = match lambda {
                Some(harmless) => along_lambda(held, &places, None, harmless),
                None => along_rho(held, &places),
            };
            match read {
                // What spills is junk, a row an exponent.
                Some(read) => self.cost += 1 + read.spill.len(),
                None => self.scalars(same[0].0, same.len()),
            }
        }
    }

    /// Adds the cost of scalars of a segment.
    fn scalars(&mut self, segment: u32, count: usize) {
        self.cost += count;
        if count > 0 && self.tied.insert(segment) {
            // Each has a row to tie it; of groups whose `U2` is free there are mostly enough.
            self.cost += self.counts[segment as usize];
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
