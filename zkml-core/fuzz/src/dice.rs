//! Choices of a mutator.

/// SplitMix64: libFuzzer gives a seed for each mutation.
#[derive(Debug)]
pub struct Dice(u64);

/// Numbers of the edges of ranges, for dimensions, axes, counts and attributes.
#[rustfmt::skip]
const EDGES: [i64; 16] = [
    0, 1, -1, 2, 3, -2, 4, 7, 255, 1 << 16, 1 << 20, 1 << 28, 1 << 31, 1 << 40, i64::MAX, i64::MIN,
];

impl Dice {
    /// Dice of a seed.
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed))
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.any() % end.max(1) as u64) as usize
    }

    /// An element, unless there is none.
    pub fn pick<'a, T>(&mut self, of: &'a mut [T]) -> Option<&'a mut T> {
        let at = self.below(of.len());
        of.get_mut(at)
    }

    /// One of the values.
    pub fn of<T: Copy, const N: usize>(&mut self, values: [T; N]) -> T {
        values[self.below(N)]
    }

    /// A number beside the old one, or one of an edge.
    pub fn number(&mut self, old: i64) -> i64 {
        match self.below(4) {
            0 => old.wrapping_add(1),
            1 => old.wrapping_sub(1),
            2 => old.wrapping_neg(),
            _ => self.of(EDGES),
        }
    }
}
