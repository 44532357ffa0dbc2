//! Calls of the backend on any device.

#![allow(unsafe_code, reason = "launches of kernels that measure")]

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ff::Field;
use group::Group;
use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;

use super::bases::{Key, Lists};
use super::device::{Device, upload};
use super::plan::{POINT, batches};
use super::scalars::{Kind, Part, Values, parts};
use super::{bases, pipeline};
use crate::proving::msm::{CpuMsm, DeviceFault, MsmBackend, MsmError, Scalars};
use crate::proving::vector::from_integer;

/// Runs of fewer field elements stay on the CPU: blinding rows, of which there are a handful a column.
const FEW: usize = 1 << 10;
/// How often a call begins again, with a quarter of the memory, when the device has less than it said.
const ATTEMPTS: usize = 5;

/// A device, and what it keeps between calls.
pub(super) struct Engine<D: Device> {
    device: D,
    key: Key,
    /// Held by the call that uses the device, which meanwhile leaves rayon alone (see [`threads`](super::threads)).
    lists: Mutex<Lists<D>>,
    few: usize,
    /// Windows of this width rather than the best, for tests.
    width: Option<u32>,
}

impl<D: Device> std::fmt::Debug for Engine<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// What a device can do at best.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ceilings {
    /// Products in the base field a second.
    pub products: f64,
    /// Additions of an affine point a second.
    pub additions: f64,
}

/// Time of one kernel in all its launches.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct KernelTime {
    /// Its name in the sources.
    pub kernel: String,
    /// Launches.
    pub launches: u32,
    /// Time from launch to end, with the launch itself.
    pub time: Duration,
}

impl<D: Device> Engine<D> {
    pub(super) fn new(device: D) -> Self {
        Self { device, key: Key::random(), lists: Mutex::new(Lists::new()), few: FEW, width: None }
    }

    #[cfg(feature = "cuda-emulator")]
    pub(super) fn with_everything_on_the_device(self) -> Self {
        Self { few: 0, ..self }
    }

    #[cfg(all(test, feature = "cuda-emulator"))]
    pub(super) fn with_width(self, width: u32) -> Self {
        Self { width: Some(width), ..self }
    }

    pub(super) fn device(&self) -> &D {
        &self.device
    }

    /// [`MsmBackend::msm`]; `error` names the backend.
    pub(super) fn msm(
        &self,
        bases: &[G1Affine],
        columns: &[Scalars<'_>],
        error: impl Fn(DeviceFault) -> MsmError,
    ) -> Result<Vec<G1>, MsmError> {
        let longest = columns.iter().map(Scalars::len).max().unwrap_or(0);
        if longest > bases.len() {
            return Err(MsmError::TooFewBases { scalars: longest, bases: bases.len() });
        }
        let (small, large): (Vec<Part<'_>>, Vec<Part<'_>>) = parts(columns)?
            .into_iter()
            .partition(|part| part.kind() == Kind::Field && part.len() < self.few);
        let (of_small, of_large) =
            rayon::join(|| on_cpu(bases, &small), || self.on_device(bases, &large));
        let mut sums = vec![G1::identity(); columns.len()];
        for (column, sum) in of_small?.into_iter().chain(of_large.map_err(error)?) {
            sums[column] += sum;
        }
        Ok(sums)
    }

    /// Columns and what their parts add to them.
    fn on_device(
        &self,
        bases: &[G1Affine],
        parts: &[Part<'_>],
    ) -> Result<Vec<(usize, G1)>, DeviceFault> {
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let fingerprint = self.key.fingerprint(bases);
        let batches = self.on_held_device(bases, fingerprint, parts)?;
        let sums = batches.into_par_iter().flat_map(|OfBatch { columns, windows, width }| {
            let each = windows.len() / columns.len();
            let sum = |(column, windows): (usize, &[u8])| {
                Ok((column, pipeline::column_sum(windows, width)?))
            };
            columns.into_iter().zip(windows.chunks(each)).map(sum).collect::<Vec<_>>()
        });
        sums.collect()
    }

    fn on_held_device(
        &self,
        bases: &[G1Affine],
        fingerprint: u64,
        parts: &[Part<'_>],
    ) -> Result<Vec<OfBatch>, DeviceFault> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        self.device.enter()?;
        let mut attempt = |share| {
            let list = lists.get(&self.device, bases, fingerprint)?;
            let result = self.attempt(self.device.address(list), parts, share);
            if result == Err(DeviceFault::OutOfMemory) {
                lists.shrink();
            }
            result
        };
        let mut share = 2;
        for _ in 1..ATTEMPTS {
            match attempt(share) {
                Err(DeviceFault::OutOfMemory) => share *= 4,
                result => return result,
            }
        }
        attempt(share)
    }

    /// With batches that take one part in `share` of the free memory.
    fn attempt(
        &self,
        bases: u64,
        parts: &[Part<'_>],
        share: u64,
    ) -> Result<Vec<OfBatch>, DeviceFault> {
        let budget = self.device.free_memory()? / share;
        batches(parts, budget, self.device.multiprocessors(), self.width)?
            .iter()
            .map(|batch| {
                let columns = batch.parts.iter().map(|part| part.column).collect();
                let windows = pipeline::windows(&self.device, bases, batch)?;
                Ok(OfBatch { columns, windows, width: batch.shape.windows.width })
            })
            .collect()
    }

    /// Compares a few sums of every kind with the CPU's, and 1 with what the kernels hold it to be.
    pub(super) fn check(&self) -> Result<(), DeviceFault> {
        let generator = G1Affine::generator();
        let mut bases: Vec<G1Affine> =
            (0..70u64).map(|i| (generator * Fr::from(i * i + 1)).into()).collect();
        bases[7] = bases[8];
        bases[9] = -bases[10];
        bases[11] = G1Affine::identity();
        let powers = std::iter::successors(Some(Fr::from(5)), |s| Some(s.square() - Fr::ONE));
        let field: Vec<Fr> = powers.take(70).collect();
        let integers = |shift: u32| -> Vec<i64> {
            (0..70).map(|i: i64| (i * 7919 % 201 - 100) << shift).collect()
        };
        let small = [0, 8, 20, 50].map(integers);
        let elements: Vec<Vec<Fr>> =
            small.iter().map(|values| values.iter().copied().map(from_integer).collect()).collect();
        let mut columns = vec![Scalars::Full(&field)];
        columns.extend(small.iter().map(|values| Scalars::Small { values, tail: &[] }));
        columns.extend(elements.iter().map(|values| Scalars::Full(values)));
        let broken = DeviceFault::Wrong("the first sums differ from the CPU's");
        let expected = CpuMsm.msm(&bases, &columns).map_err(|_| broken.clone())?;
        let mut sums = vec![G1::identity(); columns.len()];
        let parts = parts(&columns).map_err(|_| broken.clone())?;
        for (column, sum) in self.on_device(&bases, &parts)? {
            sums[column] += sum;
        }
        if sums != expected {
            return Err(broken);
        }
        self.check_one(generator)
    }

    /// A bucket that holds one base holds its coordinates and 1, 1.
    fn check_one(&self, base: G1Affine) -> Result<(), DeviceFault> {
        let _lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        self.device.enter()?;
        let list = bases::upload(&self.device, &[base])?;
        let out = self.device.allocate(u64::from(super::device::BLOCK) * POINT)?;
        let mut arguments = [self.device.address(&list), 1, 1, self.device.address(&out)];
        // SAFETY: the arguments that the kernel declares; it reads the base and writes a point a thread of one block.
        unsafe { self.device.launch(c"zkml_ceiling_additions", 1, &mut arguments) }?;
        let mut bytes = [0; POINT as usize];
        self.device.read(&out, &mut bytes)?;
        let one = Some(halo2curves::bn256::Fq::one());
        if bytes[64..].chunks(32).all(|bytes| pipeline::coordinate(bytes) == one) {
            Ok(())
        } else {
            Err(DeviceFault::Wrong("1 in Montgomery form differs"))
        }
    }

    /// The most products and additions in a second, in the best of three runs of `rounds` pairs of products and a quarter as many
    /// additions a thread.
    pub(super) fn ceilings(
        &self,
        bases: &[G1Affine],
        rounds: u64,
    ) -> Result<Ceilings, DeviceFault> {
        let rounds = [rounds, rounds / 4];
        let device = &self.device;
        let fingerprint = self.key.fingerprint(bases);
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        device.enter()?;
        let list = device.address(lists.get(device, bases, fingerprint)?);
        let threads = u64::from(device.multiprocessors()) * 2048;
        let elements: Vec<u8> = (0..threads)
            .flat_map(|thread| [thread, 1, 2, 3].map(u64::to_le_bytes))
            .flatten()
            .collect();
        let io = upload(device, &elements)?;
        let out = device.allocate(threads * POINT)?;
        let mut best = [f64::INFINITY; 2];
        for _ in 0..3 {
            let mut products = [device.address(&io), rounds[0]];
            let mut additions = [list, bases.len() as u64, rounds[1], device.address(&out)];
            let kernels: [(_, &mut [u64]); 2] = [
                (c"zkml_ceiling_products", &mut products),
                (c"zkml_ceiling_additions", &mut additions),
            ];
            for ((kernel, arguments), best) in kernels.into_iter().zip(&mut best) {
                device.read(&io, &mut [0; 32])?;
                let start = Instant::now();
                // SAFETY: the arguments that the kernels declare: an element, and a point, for each of the threads, whose number is a
                // multiple of a block's; as many bases as it says.
                unsafe { device.launch(kernel, threads, arguments) }?;
                device.read(&io, &mut [0; 32])?;
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
        let rate = |rounds: u64, seconds: f64| threads as f64 * rounds as f64 / seconds;
        Ok(Ceilings { products: rate(2 * rounds[0], best[0]), additions: rate(rounds[1], best[1]) })
    }
}

/// Points of windows of `width` bits, as many for each of the columns.
#[derive(Debug, PartialEq, Eq)]
struct OfBatch {
    columns: Vec<usize>,
    windows: Vec<u8>,
    width: u32,
}

/// Parts of few field elements: those that begin at the same base in one call.
fn on_cpu(bases: &[G1Affine], parts: &[Part<'_>]) -> Result<Vec<(usize, G1)>, MsmError> {
    let mut by_first: BTreeMap<usize, (Vec<usize>, Vec<Scalars<'_>>)> = BTreeMap::new();
    for part in parts {
        if let Values::Field(values) = part.values {
            let (columns, scalars) = by_first.entry(part.first).or_default();
            columns.push(part.column);
            scalars.push(Scalars::Full(values));
        }
    }
    let mut sums = Vec::with_capacity(parts.len());
    for (first, (columns, scalars)) in by_first {
        sums.extend(columns.into_iter().zip(CpuMsm.msm(&bases[first..], &scalars)?));
    }
    Ok(sums)
}
