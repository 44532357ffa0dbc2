//! The kernels of one batch, in order, and what the host does with the points that come back.
//!
//! ```text
//! count, scan, scatter          scalars -> entries sorted by bucket
//! accumulate, merge...          entries -> a point a bucket
//! weigh, fold...                buckets -> a point a window
//! host                          windows -> a point a column
//! ```

#![allow(unsafe_code, reason = "launches of kernels")]

use std::ffi::CStr;

use group::Group;
use halo2curves::CurveExt;
use halo2curves::bn256::{Fq, G1};
use halo2curves::serde::SerdeObject;

use super::bases::AFFINE;
use super::device::{Device, upload, zeros};
use super::plan::{Batch, FOLD, LAST_MERGE, MERGE, POINT, SCAN, Shape};
use super::threads::for_each;
use crate::proving::DeviceFault;

/// The points of the windows of each part of the batch, as the device has them. `bases` is where the whole list is, which has a base
/// for each scalar.
pub(super) fn windows<D: Device>(
    device: &D,
    bases: u64,
    batch: &Batch<'_, '_>,
) -> Result<Vec<u8>, DeviceFault> {
    let run = Run { device, shape: batch.shape };
    let sorted = run.sort(&run.scalars(batch)?)?;
    let sums = run.accumulate(bases + (batch.first_base() * AFFINE) as u64, sorted)?;
    run.weigh(&sums)
}

/// Scalars that a thread copies at once.
const PIECE: usize = 1 << 15;

struct Run<'d, D> {
    device: &'d D,
    shape: Shape,
}

/// `count` entries, and the bucket of each.
struct Sorted<D: Device> {
    count: u64,
    entries: D::Buffer,
    buckets: D::Buffer,
}

impl<D: Device> Run<'_, D> {
    /// Launches a kernel.
    fn launch<const N: usize>(
        &self,
        kernel: &'static CStr,
        threads: u64,
        mut arguments: [u64; N],
    ) -> Result<(), DeviceFault> {
        // SAFETY: the functions below, which are all that call this, give each kernel what its declaration in `kernels/` lists, and
        // buffers of the sizes that stand there in terms of the same shape. Tests run all of it with the emulator under AddressSanitizer.
        unsafe { self.device.launch(kernel, threads, &mut arguments) }
    }

    fn scalars(&self, batch: &Batch<'_, '_>) -> Result<D::Buffer, DeviceFault> {
        let size = self.shape.kind.bytes();
        let column = self.shape.rows as usize * size;
        let mut bytes = vec![0; column * batch.parts.len()];
        let pieces = bytes.chunks_mut(column).zip(&batch.parts).flat_map(|(to, part)| {
            let pieces = to.chunks_mut(PIECE * size).enumerate();
            pieces.map(move |(index, to)| (*part, batch.from + index * PIECE, to))
        });
        for_each(pieces.collect(), |(part, from, to)| part.write(from, to));
        upload(self.device, &bytes)
    }

    fn sort(&self, scalars: &D::Buffer) -> Result<Sorted<D>, DeviceFault> {
        let (device, shape) = (self.device, self.shape);
        let counters = shape.buckets() << shape.stripes();
        let counts = zeros(device, counters * 4)?;
        let threads = u64::from(shape.rows) * u64::from(shape.columns);
        let [scalars, counts_at] = [scalars, &counts].map(|buffer| device.address(buffer));
        let arguments = [
            scalars,
            shape.kind as u64,
            shape.rows.into(),
            shape.columns.into(),
            shape.windows.width.into(),
            shape.windows.count.into(),
            shape.stripes().into(),
            counts_at,
        ];
        self.launch(c"zkml_count", threads, arguments)?;
        let count = self.scan(&counts, counters)?;
        let entries = device.allocate(count * 4)?;
        let buckets = device.allocate(count * 4)?;
        let [a, b, c, d, e, f, g, h] = arguments;
        let places = [device.address(&entries), device.address(&buckets)];
        let arguments = [a, b, c, d, e, f, g, h, places[0], places[1]];
        self.launch(c"zkml_scatter", threads, arguments)?;
        Ok(Sorted { count, entries, buckets })
    }

    /// Replaces each of `count` items, one at least, by the sum of those before it, and returns the sum of all.
    fn scan(&self, items: &D::Buffer, count: u64) -> Result<u64, DeviceFault> {
        let device = self.device;
        // Sums of `SCAN` neighbours, sums of `SCAN` of these, ..., up to the sum of all.
        let mut levels = vec![(device.address(items), count)];
        let mut buffers = Vec::new();
        while buffers.is_empty() || levels[levels.len() - 1].1 > 1 {
            let (from, count) = levels[levels.len() - 1];
            let sums = device.allocate(count.div_ceil(SCAN) * 4)?;
            let to = device.address(&sums);
            self.launch(c"zkml_scan_sums", count.div_ceil(SCAN), [from, count, to])?;
            levels.push((to, count.div_ceil(SCAN)));
            buffers.push(sums);
        }
        let mut total = [0; 4];
        device.read(&buffers[buffers.len() - 1], &mut total)?;
        // From the top, where there is a single thread that starts at 0.
        for (level, (items, count)) in levels.iter().enumerate().rev().skip(1) {
            let starts = if level + 2 == levels.len() { 0 } else { levels[level + 1].0 };
            self.launch(c"zkml_scan_apply", count.div_ceil(SCAN), [*items, *count, starts])?;
        }
        Ok(u32::from_le_bytes(total).into())
    }

    /// A point for each bucket.
    fn accumulate(&self, bases: u64, sorted: Sorted<D>) -> Result<D::Buffer, DeviceFault> {
        let device = self.device;
        let sums = zeros(device, self.shape.buckets() * POINT)?;
        let at = |buffer: &D::Buffer| device.address(buffer);
        let Sorted { count, entries, buckets } = sorted;
        if count == 0 {
            return Ok(sums);
        }
        let length = Shape::entries_per_thread(count, device.multiprocessors());
        let mut threads = count.div_ceil(length);
        let partial = |threads: u64| -> Result<[D::Buffer; 2], DeviceFault> {
            Ok([device.allocate(2 * threads * POINT)?, device.allocate(2 * threads * 4)?])
        };
        let [mut points, mut of_points] = partial(threads)?;
        let outputs = [at(&sums), at(&points), at(&of_points)];
        let [a, b, c] = outputs;
        let arguments = [bases, at(&entries), at(&buckets), count, length, a, b, c];
        self.launch(c"zkml_accumulate", threads, arguments)?;
        // What comes next needs the memory.
        drop((entries, buckets));
        loop {
            let count = 2 * threads;
            let last = count <= LAST_MERGE;
            let length = if last { count } else { MERGE };
            threads = count.div_ceil(length);
            let next = partial(threads)?;
            let [a, b] = next.each_ref().map(at);
            let (from, of) = (at(&points), at(&of_points));
            let arguments = [from, of, count, length, last.into(), at(&sums), a, b];
            self.launch(c"zkml_merge", threads, arguments)?;
            if last {
                return Ok(sums);
            }
            [points, of_points] = next;
        }
    }

    /// The bytes of a point for each window.
    fn weigh(&self, sums: &D::Buffer) -> Result<Vec<u8>, DeviceFault> {
        let device = self.device;
        let (windows, share) = (self.shape.all_windows(), self.shape.buckets_per_thread());
        let buckets = self.shape.windows.buckets();
        let mut count = buckets / share;
        let points = |count: u32| device.allocate(u64::from(count) * u64::from(windows) * POINT);
        let threads = |count: u32| u64::from(count) * u64::from(windows);
        let mut from = points(count)?;
        let [sums, to] = [sums, &from].map(|buffer| device.address(buffer));
        let arguments = [sums, buckets.into(), windows.into(), share.into(), to];
        self.launch(c"zkml_weigh", threads(count), arguments)?;
        while count > 1 {
            let fewer = count.div_ceil(FOLD);
            let to = points(fewer)?;
            let [a, b] = [&from, &to].map(|buffer| device.address(buffer));
            let arguments = [a, count.into(), windows.into(), FOLD.into(), b];
            self.launch(c"zkml_fold", threads(fewer), arguments)?;
            (from, count) = (to, fewer);
        }
        let mut bytes = vec![0; windows as usize * POINT as usize];
        device.read(&from, &mut bytes)?;
        Ok(bytes)
    }
}

/// `sum_w 2^(width w) S_w`.
pub(super) fn column_sum(windows: &[u8], width: u32) -> Result<G1, DeviceFault> {
    let mut sum = G1::identity();
    for window in windows.chunks_exact(POINT as usize).rev() {
        for _ in 0..width {
            sum = sum.double();
        }
        sum += point(window)?;
    }
    Ok(sum)
}

/// The point `(X / ZZ, Y / ZZZ)`; with `Z = ZZ ZZZ` it is `(X ZZZ / Z, Y ZZ / Z)`.
pub(super) fn point(bytes: &[u8]) -> Result<G1, DeviceFault> {
    let wrong = DeviceFault::Wrong("a coordinate is out of range");
    let mut coordinates = [Fq::zero(); 4];
    for (to, bytes) in coordinates.iter_mut().zip(bytes.chunks_exact(32)) {
        *to = coordinate(bytes).ok_or(wrong.clone())?;
    }
    let [x, y, zz, zzz] = coordinates;
    if zz == Fq::zero() {
        return Ok(G1::identity());
    }
    let point = G1 { x: x * zzz, y: y * zz, z: zz * zzz };
    // All but a 2^-254th of what is no point fails here.
    if bool::from(point.is_on_curve()) {
        Ok(point)
    } else {
        Err(DeviceFault::Wrong("a point is not on the curve"))
    }
}

/// `p`, little endian.
const MODULUS: [u64; 4] =
    [0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029];

/// The element in Montgomery form of 32 bytes below `2 p`.
pub(super) fn coordinate(bytes: &[u8]) -> Option<Fq> {
    Fq::from_raw_bytes(bytes).or_else(|| {
        let (mut less, mut borrow) = ([0; 32], false);
        for ((to, word), p) in less.chunks_exact_mut(8).zip(bytes.as_chunks::<8>().0).zip(MODULUS) {
            let (difference, below) = u64::from_le_bytes(*word).overflowing_sub(p);
            let (difference, under) = difference.overflowing_sub(borrow.into());
            borrow = below || under;
            to.copy_from_slice(&difference.to_le_bytes());
        }
        Fq::from_raw_bytes(&less)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;

    fn bytes(words: [u64; 4]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn coordinates_may_be_anywhere_below_twice_the_modulus() {
        assert_eq!(coordinate(&[0; 32]), Some(Fq::ZERO));
        assert_eq!(coordinate(&bytes(MODULUS)), Some(Fq::ZERO));
        let one = Fq::ONE.to_raw_bytes();
        assert_eq!(coordinate(&one), Some(Fq::ONE));
        let sum = |a: &[u8], b: [u64; 4]| {
            let mut carry = 0u128;
            let words = a.as_chunks::<8>().0.iter().zip(b).map(|(a, b)| {
                carry += u128::from(u64::from_le_bytes(*a)) + u128::from(b);
                let word = carry as u64;
                carry >>= 64;
                word
            });
            words.collect::<Vec<u64>>().try_into().unwrap()
        };
        assert_eq!(coordinate(&bytes(sum(&one, MODULUS))), Some(Fq::ONE));
        let most = (-Fq::ONE).to_raw_bytes();
        assert_eq!(coordinate(&bytes(sum(&most, MODULUS))), Some(-Fq::ONE));
        let twice: [u64; 4] = sum(&bytes(MODULUS), MODULUS);
        assert_eq!(coordinate(&bytes(twice)), None);
        assert_eq!(coordinate(&[0xff; 32]), None);
    }

    #[test]
    fn what_is_no_point_is_a_fault() {
        let generator = G1::generator();
        let [x, y] = [generator.x, generator.y].map(|coordinate| coordinate.to_raw_bytes());
        let one = Fq::ONE.to_raw_bytes();
        let whole = |parts: [&[u8]; 4]| parts.concat();
        assert_eq!(point(&whole([&x, &y, &one, &one])), Ok(generator));
        let zz = Fq::from(4).to_raw_bytes();
        let zzz = Fq::from(8).to_raw_bytes();
        let [x4, y8] = [generator.x * Fq::from(4), generator.y * Fq::from(8)];
        let scaled = whole([&x4.to_raw_bytes(), &y8.to_raw_bytes(), &zz, &zzz]);
        assert_eq!(point(&scaled), Ok(generator));
        assert_eq!(point(&[0; 128]), Ok(G1::identity()));
        let off = DeviceFault::Wrong("a point is not on the curve");
        assert_eq!(point(&whole([&x, &x, &one, &one])), Err(off));
        let range = DeviceFault::Wrong("a coordinate is out of range");
        assert_eq!(point(&whole([&x, &[0xff; 32], &one, &one])), Err(range));
    }
}
