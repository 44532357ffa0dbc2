//! Sums of runs of points: buckets, and whatever else is a plain sum.
//!
//! A run is summed as a binary tree, and the runs of a block together, level by level, so that the
//! additions of a level share one inversion (see [`super::pairs`]) and a block stays in the cache.
//! Where a level becomes too small for that, the points left go to a later block, with those of
//! other blocks.

use std::mem::{replace, swap, take};

use halo2curves::bn256::G1Affine;

use super::pairs::{Arithmetic, Entry, PairAdder, point};

/// Points of a block.
const BLOCK: usize = 1 << 13;
/// Pairs of a level that are worth an inversion while other blocks have more.
const FEW_PAIRS: usize = 256;

/// Lists of entries, one after the other; the sum of each goes to a place of its own.
#[derive(Default)]
pub(super) struct Runs {
    entries: Vec<Entry>,
    runs: Vec<Run>,
}

/// Consecutive entries, at least one.
#[derive(Clone, Copy)]
struct Run {
    length: usize,
    /// Where their sum goes.
    place: usize,
    /// Whether other entries of that place are in other blocks.
    cut: bool,
}

impl Runs {
    /// Appends entries to the last run, or begins a new one if that has another place.
    pub(super) fn extend(&mut self, place: usize, entries: impl IntoIterator<Item = Entry>) {
        let before = self.entries.len();
        self.entries.extend(entries);
        let length = self.entries.len() - before;
        match self.runs.last_mut() {
            Some(run) if run.place == place => run.length += length,
            _ if length == 0 => {}
            _ => self.runs.push(Run { length, place, cut: false }),
        }
    }

    /// Sets the entries, of which each place has as many as its length says.
    pub(super) fn of_lengths(
        entries: Vec<Entry>,
        lengths: impl IntoIterator<Item = usize>,
    ) -> Self {
        let runs = lengths
            .into_iter()
            .enumerate()
            .filter(|(_, length)| *length != 0)
            .map(|(place, length)| Run { length, place, cut: false })
            .collect();
        Self { entries, runs }
    }
}

/// Sums runs, and keeps its buffers.
pub(super) struct Summer {
    adder: PairAdder,
    level: Level,
    next: Level,
    runs: Vec<Run>,
    pairs: Vec<[Entry; 2]>,
    /// Runs of two points, and where their sum is in the next level.
    ending: Vec<(Run, usize)>,
}

/// Points to add up, and the entries that refer to them.
#[derive(Default)]
struct Level {
    points: Vec<G1Affine>,
    entries: Vec<Entry>,
}

/// Where sums go.
struct Sink<'a> {
    sums: &'a mut [G1Affine],
    /// Partial sums, by place.
    rest: Vec<(usize, G1Affine)>,
}

impl Sink<'_> {
    fn put(&mut self, run: &Run, point: G1Affine) {
        if run.cut {
            self.rest.push((run.place, point));
        } else {
            self.sums[run.place] = point;
        }
    }
}

impl Summer {
    /// Sums with the given additions.
    pub(super) fn new(arithmetic: Arithmetic) -> Self {
        Self {
            adder: PairAdder::new(arithmetic),
            level: Level::default(),
            next: Level::default(),
            runs: Vec::new(),
            pairs: Vec::new(),
            ending: Vec::new(),
        }
    }

    /// Writes the sum of each run, of entries of `points`, to its place in `sums`; leaves other
    /// places as they are.
    pub(super) fn sum(&mut self, points: &[G1Affine], runs: &Runs, sums: &mut [G1Affine]) {
        let mut rest = self.stage(points, runs, sums);
        while !rest.is_empty() {
            // Stable, and nearly sorted.
            rest.sort_by_key(|(place, _)| *place);
            let mut runs = Runs::default();
            for (index, (place, _)) in rest.iter().enumerate() {
                runs.extend(*place, [(index as Entry) << 1]);
            }
            let points: Vec<G1Affine> = rest.into_iter().map(|(_, point)| point).collect();
            rest = self.stage(&points, &runs, sums);
        }
    }

    /// Sums block by block; returns what is left of runs that end in none, with their places.
    fn stage(
        &mut self,
        points: &[G1Affine],
        runs: &Runs,
        sums: &mut [G1Affine],
    ) -> Vec<(usize, G1Affine)> {
        let few = if runs.entries.len() <= BLOCK { 1 } else { FEW_PAIRS };
        let mut sink = Sink { sums, rest: Vec::new() };
        let mut waiting = runs.runs.iter().copied();
        let mut cut: Option<Run> = None;
        for entries in runs.entries.chunks(BLOCK) {
            self.runs.clear();
            let mut room = entries.len();
            while room > 0 {
                let Some(mut run) = cut.take().or_else(|| waiting.next()) else { break };
                if run.length > room {
                    run.cut = true;
                    cut = Some(Run { length: run.length - room, ..run });
                    run.length = room;
                }
                room -= run.length;
                self.runs.push(run);
            }
            self.block(points, entries, few, &mut sink);
        }
        sink.rest
    }

    /// Sums the entries of `self.runs` until a level has fewer pairs than `few`.
    fn block(&mut self, points: &[G1Affine], entries: &[Entry], few: usize, sink: &mut Sink<'_>) {
        self.level.entries.clear();
        let mut read = 0;
        self.runs.retain(|run| {
            let entries = &entries[read..read + run.length];
            read += run.length;
            if let [single] = entries {
                sink.put(run, point(points, *single));
                return false;
            }
            self.level.entries.extend_from_slice(entries);
            true
        });
        // The first level reads the caller's points, the others those of the level before.
        let mut own = Vec::new();
        let mut source = points;
        loop {
            let pairs = self.runs.iter().map(|run| run.length / 2).sum();
            if pairs < few {
                break;
            }
            self.halve(source, pairs, sink);
            self.next.points = replace(&mut own, take(&mut self.level.points));
            source = &own;
        }
        let mut entries = self.level.entries.iter();
        for run in &self.runs {
            let points = entries.by_ref().take(run.length).map(|entry| point(source, *entry));
            sink.rest.extend(points.map(|point| (run.place, point)));
        }
        self.level.points = own;
    }

    /// Adds up neighbours within each run, and makes the next level of their `pairs` sums and of
    /// what has no neighbour. Runs that come to an end are put into the sink.
    fn halve(&mut self, points: &[G1Affine], pairs: usize, sink: &mut Sink<'_>) {
        let (level, next) = (&mut self.level, &mut self.next);
        self.pairs.clear();
        next.entries.clear();
        next.points.resize(pairs, G1Affine::default());
        let mut read = 0;
        self.runs.retain_mut(|run| {
            let (couples, odd) = level.entries[read..read + run.length].as_chunks::<2>();
            read += run.length;
            let first = self.pairs.len();
            self.pairs.extend_from_slice(couples);
            if run.length == 2 {
                self.ending.push((*run, first));
                return false;
            }
            next.entries.extend((first..self.pairs.len()).map(|pair| (pair as Entry) << 1));
            if let [odd] = odd {
                next.entries.push((next.points.len() as Entry) << 1);
                next.points.push(point(points, *odd));
            }
            run.length = run.length.div_ceil(2);
            true
        });
        self.adder.add(points, &self.pairs, &mut next.points[..pairs]);
        for (run, pair) in self.ending.drain(..) {
            sink.put(&run, next.points[pair]);
        }
        swap(level, next);
    }
}
