//! How fast this processor is, against the one that the cost model was fitted on.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ff::Field;
use halo2_proofs::halo2curves::bn256::Fr;

/// Squarings of a run, each of which waits for the one before.
const STEPS: usize = 1 << 13;
/// Runs, of which the fastest counts: others were interrupted.
const RUNS: usize = 9;
/// What a run took on the processor that the cost model's seconds are of.
const REFERENCE: Duration = Duration::from_micros(397);

/// What a proof takes here as a multiple of what it took there: the time of a chain of squarings
/// in the field, measured once a process, in about a millisecond.
pub(super) fn slowness() -> f64 {
    static MEASURED: OnceLock<f64> = OnceLock::new();
    *MEASURED.get_or_init(|| {
        let fastest = (0..RUNS).map(|run| time(run as u64)).min().unwrap_or(REFERENCE);
        fastest.as_secs_f64() / REFERENCE.as_secs_f64()
    })
}

fn time(seed: u64) -> Duration {
    let start = Instant::now();
    let value = (0..STEPS).fold(Fr::from(seed + 2), |value, _| value.square() + Fr::ONE);
    std::hint::black_box(value);
    start.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slowness_is_that_of_some_processor() {
        // Ten times as fast as the one it was fitted on, to a thousand times as slow: an interpreter.
        let slowness = slowness();
        assert!((0.1..1e3).contains(&slowness), "{slowness}");
    }
}
