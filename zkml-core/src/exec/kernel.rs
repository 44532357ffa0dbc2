//! How executors multiply matrices: `out[i, j] += sum_k a[i, k] * b[k, j]`, by rows and blocks of
//! columns.

use rayon::prelude::*;

/// Columns of one task: its accumulators stay in the first cache.
pub(super) const BLOCK: usize = 256;

/// Below this many multiplications a task is not worth its hand-over.
const SERIAL: usize = 1 << 15;

/// Adds the product of `a` (`[I, K]`) and `b` (`[K, J]`) to `out` (`[I, J]`), all row-major.
/// Each element is summed in order of `k`, so that the result does not depend on the threads.
pub(super) fn matmul_add<A, B, C>(
    out: &mut [C],
    (a, b): (&[A], &[B]),
    (inner, columns): (usize, usize),
    multiply: impl Fn(A, B) -> C + Sync,
) where
    A: Copy + Sync,
    B: Copy + Sync,
    C: Copy + Send + std::ops::AddAssign,
{
    if inner == 0 || columns == 0 {
        return;
    }
    for_each_block(out, (inner, columns), |row, at, out| {
        let a = &a[row * inner..(row + 1) * inner];
        for (k, a) in a.iter().enumerate() {
            let b = &b[k * columns + at..][..out.len()];
            for (out, b) in out.iter_mut().zip(b) {
                *out += multiply(*a, *b);
            }
        }
    });
}

/// Calls `task(row, at, part)` for the columns `at ..` of every row of `out`, at most [`BLOCK`] of
/// them at a time, in parallel where there are many products of `inner` factors.
pub(super) fn for_each_block<C: Send>(
    out: &mut [C],
    (inner, columns): (usize, usize),
    task: impl Fn(usize, usize, &mut [C]) + Sync,
) {
    let work = out.len() * inner;
    let tasks = out.chunks_mut(columns).enumerate().flat_map(|(row, out)| {
        out.chunks_mut(BLOCK).enumerate().map(move |(i, out)| (row, i * BLOCK, out))
    });
    if work < SERIAL {
        tasks.for_each(|(row, at, out)| task(row, at, out));
    } else {
        let tasks: Vec<_> = tasks.collect();
        tasks.into_par_iter().for_each(|(row, at, out)| task(row, at, out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_threads_change_nothing() {
        // Below and above the serial limit, one block and several, ragged.
        for (rows, inner, columns) in [(1, 1, 1), (3, 5, 7), (1, 300, 517), (9, 64, 256), (2, 0, 3)]
        {
            let a: Vec<i64> = (0..rows * inner).map(|i| i as i64 % 13 - 6).collect();
            let b: Vec<i32> = (0..inner * columns).map(|i| i as i32 % 11 - 5).collect();
            let mut out = vec![100i64; rows * columns];
            matmul_add(&mut out, (&a, &b), (inner, columns), |a, b: i32| a * i64::from(b));
            for (at, got) in out.iter().enumerate() {
                let (i, j) = (at / columns, at % columns);
                let product = |k| a[i * inner + k] * i64::from(b[k * columns + j]);
                assert_eq!(*got, 100 + (0..inner).map(product).sum::<i64>());
            }
        }
    }
}
