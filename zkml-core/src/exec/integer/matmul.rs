//! Matrix products of integers: `out[b, i, j] += sum_k a[b, i, k] * b[b, k, j]`.
//!
//! Operands have 32 bits and sums 64, but few sums need them: products of activations of 15 bits and
//! weights of 8 may be added 512 at a time in 32 bits, which vectorises at twice the width and
//! multiplies in one instruction.

use crate::exec::kernel::{BLOCK, for_each_block};

/// Fewer products than this are not worth a sum of their own.
const SHALLOW: usize = 4;

/// Adds the products of `batch` pairs of matrices, `a` (`[B, I, K]`) and `b` (`[B, K, J]`), to `out`
/// (`[B, I, J]`), all row-major, with `inner` for `K` and `columns` for `J`.
///
/// No sum exceeds 64 bits, by the bounds of a program.
pub(super) fn matmul_add(
    out: &mut [i64],
    (a, b): (&[i32], &[i32]),
    (batch, inner, columns): (usize, usize, usize),
) {
    if batch == 0 || inner == 0 || columns == 0 {
        return;
    }
    let rows = out.len() / columns / batch;
    let depth = depth(a, b).min(inner);
    for_each_block(out, (inner, columns), |row, at, out| {
        let b = &b[row / rows * inner * columns..];
        let a = &a[row * inner..(row + 1) * inner];
        let panel = Panel { b, columns, at };
        if depth >= SHALLOW { panel.add_narrow(out, a, depth) } else { panel.add_wide(out, a) }
    });
}

/// How many products fit a sum of 32 bits, whatever their signs.
fn depth(a: &[i32], b: &[i32]) -> usize {
    let greatest = |v: &[i32]| v.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
    let product = u64::from(greatest(a)) * u64::from(greatest(b));
    // Below 2^31.
    (i32::MAX as u64 / product.max(1)) as usize
}

/// Columns `at ..` of the rows of a matrix.
#[derive(Clone, Copy)]
struct Panel<'a> {
    b: &'a [i32],
    columns: usize,
    at: usize,
}

impl<'a> Panel<'a> {
    /// The panel's part of row `k`.
    fn row(self, k: usize, len: usize) -> &'a [i32] {
        &self.b[k * self.columns + self.at..][..len]
    }

    fn add_wide(self, out: &mut [i64], a: &[i32]) {
        for (k, a) in a.iter().enumerate() {
            let (a, row) = (i64::from(*a), self.row(k, out.len()));
            for (out, b) in out.iter_mut().zip(row) {
                *out += a * i64::from(*b);
            }
        }
    }

    /// `depth` products at a time; so many fit 32 bits.
    fn add_narrow(self, out: &mut [i64], a: &[i32], depth: usize) {
        let mut sums = [0i32; BLOCK];
        let sums = &mut sums[..out.len()];
        for (first, a) in (0..).step_by(depth).zip(a.chunks(depth)) {
            sums.fill(0);
            for (k, a) in (first..).zip(a) {
                let row = self.row(k, sums.len());
                for (sum, b) in sums.iter_mut().zip(row) {
                    *sum += a * b;
                }
            }
            for (out, sum) in out.iter_mut().zip(&*sums) {
                *out += i64::from(*sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_any_width_are_exact() {
        let sizes = [(1, 1, 1, 1), (3, 2, 5, 7), (1, 1, 300, 517), (2, 9, 64, 256), (4, 1, 1, 9)];
        // Up to the largest a program may hold: deep sums, shallow ones, single products.
        let ranges = [(1, 1), (1 << 14, 1 << 7), (1 << 15, 1 << 14), (1 << 30, 1 << 22), (0, 5)];
        for (batch, rows, inner, columns) in sizes {
            for (most_a, most_b) in ranges {
                let fill = |len: usize, most: i64, step: i64| -> Vec<i32> {
                    // Mostly the extremes, of one sign or both.
                    let value = |i| [most, -most, most, i * step % (most + 1)][i as usize % 4];
                    (0..len as i64).map(|i| value(i) as i32).collect()
                };
                let a = fill(batch * rows * inner, most_a, 37);
                for b in [
                    fill(batch * inner * columns, most_b, 101),
                    vec![most_b as i32; batch * inner * columns],
                    vec![-most_b as i32; batch * inner * columns],
                ] {
                    let mut out = vec![100i64; batch * rows * columns];
                    matmul_add(&mut out, (&a, &b), (batch, inner, columns));
                    for (at, got) in out.iter().enumerate() {
                        let (row, j) = (at / columns, at % columns);
                        let product = |k| {
                            let right = b[(row / rows * inner + k) * columns + j];
                            i64::from(a[row * inner + k]) * i64::from(right)
                        };
                        assert_eq!(*got, 100 + (0..inner).map(product).sum::<i64>());
                    }
                }
            }
        }
    }

    #[test]
    fn as_many_products_are_added_as_fit() {
        assert_eq!(depth(&[-3, 2], &[5, -7]), i32::MAX as usize / 21);
        assert_eq!(depth(&[i32::MIN], &[1]), 0);
        assert_eq!(depth(&[i32::MAX], &[-1]), 1);
        assert_eq!(depth(&[], &[0]), i32::MAX as usize);
    }
}
