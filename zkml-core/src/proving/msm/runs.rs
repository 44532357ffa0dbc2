//! Sums of runs of points: buckets, and whatever else is a plain sum.
//!
//! A run is cut into chunks of `2^j` points, each summed as a binary tree; what comes of a run's
//! chunks is added up in later rounds. Chunks of one size are summed side by side, as many as there
//! are lanes, and many of these groups together, level by level, so that the additions of a level
//! share one inversion and their points stay in the cache.

use halo2curves::bn256::G1Affine;

use super::trees::{Arithmetic, Entry, MAX_LEVELS, Trees, point};

/// Points that are summed together: their level of pairs and the products of its denominators take
/// a quarter of a second-level cache of 2 MB, and each thread has them.
const BATCH: usize = 1 << 12;

/// Lists of entries, one after the other; the sum of each goes to a place of its own.
#[derive(Default)]
pub(super) struct Runs {
    entries: Vec<Entry>,
    runs: Vec<Run>,
}

/// Consecutive entries, at least one.
struct Run {
    length: usize,
    /// Where their sum goes.
    place: usize,
}

impl Runs {
    /// Appends entries to the last run, or begins a new one if that has another place.
    pub(super) fn extend(&mut self, place: usize, entries: impl IntoIterator<Item = Entry>) {
        let before = self.entries.len();
        self.entries.extend(entries);
        self.count(place, self.entries.len() - before);
    }

    /// Counts entries that were appended.
    fn count(&mut self, place: usize, length: usize) {
        match self.runs.last_mut() {
            Some(run) if run.place == place => run.length += length,
            _ if length == 0 => {}
            _ => self.runs.push(Run { length, place }),
        }
    }

    /// The entries, of which each place has as many as its length says.
    pub(super) fn of_lengths(
        entries: Vec<Entry>,
        lengths: impl IntoIterator<Item = usize>,
    ) -> Self {
        let runs = lengths.into_iter().enumerate().filter(|(_, length)| *length != 0);
        let runs = runs.map(|(place, length)| Run { length, place }).collect();
        Self { entries, runs }
    }
}

/// Sums runs, and keeps its buffers.
pub(super) struct Summer {
    trees: Trees,
    /// Chunks that wait, by the logarithm of their length.
    chunks: [Vec<Chunk>; MAX_LEVELS + 1],
    /// Entries that wait.
    waiting: usize,
    pairs: Vec<[Entry; 2]>,
    results: Vec<G1Affine>,
}

/// A power of two of consecutive entries.
#[derive(Clone, Copy)]
struct Chunk {
    /// The position of the first.
    first: usize,
    to: Target,
}

/// Where a sum goes.
#[derive(Clone, Copy)]
enum Target {
    /// To its place.
    Place(usize),
    /// To the points that are summed in the next round.
    Rest(usize),
}

/// Where the sums of a round go.
struct Sink<'a> {
    sums: &'a mut [G1Affine],
    rest: Vec<G1Affine>,
}

impl Sink<'_> {
    fn put(&mut self, to: Target, point: G1Affine) {
        match to {
            Target::Place(place) => self.sums[place] = point,
            Target::Rest(index) => self.rest[index] = point,
        }
    }
}

impl Summer {
    /// Sums with the given additions.
    pub(super) fn new(arithmetic: Arithmetic) -> Self {
        Self {
            trees: Trees::new(arithmetic),
            chunks: Default::default(),
            waiting: 0,
            pairs: Vec::new(),
            results: Vec::new(),
        }
    }

    /// Writes the sum of each run, of entries of `points`, to its place in `sums`; leaves other
    /// places as they are.
    pub(super) fn sum(&mut self, points: &[G1Affine], runs: &Runs, sums: &mut [G1Affine]) {
        let (mut points, mut runs) = self.round(points, runs, sums);
        while !points.is_empty() {
            (points, runs) = self.round(&points, &runs, sums);
        }
    }

    /// Sums the chunks of each run. Runs of one chunk have their sum then; returns what is left of
    /// the others.
    fn round(
        &mut self,
        points: &[G1Affine],
        runs: &Runs,
        sums: &mut [G1Affine],
    ) -> (Vec<G1Affine>, Runs) {
        let mut sink = Sink { sums, rest: Vec::new() };
        let mut rest = Runs::default();
        let mut first = 0;
        for run in &runs.runs {
            let (whole, odd) = (run.length >> MAX_LEVELS, run.length % (1 << MAX_LEVELS));
            let count = whole + odd.count_ones() as usize;
            if count > 1 {
                rest.count(run.place, count);
                sink.rest.resize(sink.rest.len() + count, G1Affine::default());
            }
            let from = sink.rest.len() - count.min(sink.rest.len());
            let bits = (0..MAX_LEVELS).rev().filter(|level| odd >> level & 1 == 1);
            for (index, level) in std::iter::repeat_n(MAX_LEVELS, whole).chain(bits).enumerate() {
                let to = match count {
                    1 => Target::Place(run.place),
                    _ => Target::Rest(from + index),
                };
                if level == 0 {
                    sink.put(to, point(points, runs.entries[first]));
                } else {
                    self.chunks[level].push(Chunk { first, to });
                    self.waiting += 1 << level;
                    if self.waiting >= BATCH {
                        self.sum_chunks(points, &runs.entries, false, &mut sink);
                    }
                }
                first += 1 << level;
            }
        }
        self.sum_chunks(points, &runs.entries, true, &mut sink);
        rest.entries = (0..sink.rest.len() as Entry).map(|index| index << 1).collect();
        (sink.rest, rest)
    }

    /// Sums the chunks that wait: all, or those that fill the lanes.
    fn sum_chunks(
        &mut self,
        points: &[G1Affine],
        entries: &[Entry],
        all: bool,
        sink: &mut Sink<'_>,
    ) {
        let lanes = self.trees.lanes();
        let mut groups = [0; MAX_LEVELS + 1];
        self.pairs.clear();
        for level in (1..=MAX_LEVELS).rev() {
            let chunks = &self.chunks[level];
            groups[level] = if all { chunks.len().div_ceil(lanes) } else { chunks.len() / lanes };
            for group in chunks.chunks(lanes).take(groups[level]) {
                for pair in 0..1 << (level - 1) {
                    for lane in 0..lanes {
                        // The last chunk stands in where there are none.
                        let first = group[lane.min(group.len() - 1)].first + 2 * pair;
                        self.pairs.push([entries[first], entries[first + 1]]);
                    }
                }
            }
        }
        self.trees.sum(points, &self.pairs, &groups, &mut self.results);
        let mut results = &self.results[..];
        self.waiting = 0;
        for level in (1..=MAX_LEVELS).rev() {
            let (now, later) = results.split_at(groups[level] * lanes);
            results = later;
            let chunks = &mut self.chunks[level];
            for (chunk, point) in chunks.drain(..now.len().min(chunks.len())).zip(now) {
                sink.put(chunk.to, *point);
            }
            self.waiting += chunks.len() << level;
        }
    }
}
