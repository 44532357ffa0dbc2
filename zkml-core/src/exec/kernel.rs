//! The matrix product both executors share: `out[i, j] += sum_k a[i, k] * b[k, j]`.

use rayon::prelude::*;

/// Columns of one task: its accumulators stay in the first cache.
const BLOCK: usize = 256;

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
    let block = |(row, at, out): (usize, usize, &mut [C])| {
        let a = &a[row * inner..(row + 1) * inner];
        for (k, a) in a.iter().enumerate() {
            let b = &b[k * columns + at..][..out.len()];
            for (out, b) in out.iter_mut().zip(b) {
                *out += multiply(*a, *b);
            }
        }
    };
    let work = out.len() * inner;
    let tasks = out.chunks_mut(columns).enumerate().flat_map(|(row, out)| {
        out.chunks_mut(BLOCK).enumerate().map(move |(i, out)| (row, i * BLOCK, out))
    });
    if work < SERIAL {
        tasks.for_each(block);
    } else {
        tasks.collect::<Vec<_>>().into_par_iter().for_each(block);
    }
}
