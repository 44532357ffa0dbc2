//! Multi-scalar multiplication on an NVIDIA GPU.
//!
//! Pippenger's method with signed digits, for all columns of a call that have the same shape at once. With windows of `c` bits and
//! `d_{iw}` digit `w` of scalar `i`,
//!
//! ```text
//! S_w = sum_{1 <= b <= 2^(c-1)} b (sum_{i: d_iw = b} P_i - sum_{i: d_iw = -b} P_i),     sum_i s_i P_i = sum_w 2^(cw) S_w
//! ```
//!
//! The device makes the `S_w` ([`pipeline`]; the kernels say how), the host adds them up. On the way:
//!
//! * [`scalars`]: columns cut into parts of one kind; integers travel in 2, 4 or 8 bytes, a few field elements stay on the CPU;
//! * [`plan`]: width and number of windows of a part, batches of parts that fit the free memory;
//! * [`bases`]: points stay on the device between calls, found again by their content;
//! * [`device`]: what is asked of a device; [`gpu`] is the one, `emulator` the other, which runs the kernels as C++ in tests;
//! * [`kernels`]: where compiled kernels come from: a file, the cache, or NVRTC.
//!
//! **Skew.** Columns of a model are skewed: constants, bits, mostly zeros. No step's time depends on how values are spread: additions are
//! dealt out by fixed numbers of entries of the sorted list, not by bucket, and counters of a bucket are spread over as many words as leave
//! at most `2^c` additions in one (`sort.cu`). Tests hold both bounds, counted by the emulator. What is not bounded is the number of
//! entries, which zeros make smaller.
//!
//! **Trust.** When a device is opened it must give the CPU's answer for a small sum of every kind; sums that come back must be points of the
//! curve. Witness-derived data stays in the device's memory until something else is written there: it is not overwritten when it is
//! freed. Nothing is constant-time.

mod bases;
mod device;
#[cfg(feature = "cuda-emulator")]
mod emulator;
mod engine;
mod gpu;
mod kernels;
mod nvrtc;
mod pipeline;
mod plan;
mod scalars;
#[cfg(all(test, feature = "cuda-emulator"))]
mod tests;
#[cfg(test)]
mod tests_gpu;
mod threads;

use std::path::Path;

use halo2curves::bn256::{G1, G1Affine};

use super::{DeviceFault, MsmBackend, MsmError, MsmOptions, Scalars};
use engine::Engine;
use gpu::Gpu;

pub use engine::{Ceilings, KernelTime};

/// Multi-scalar multiplication on one NVIDIA GPU of compute capability 7.5 or later, with CUDA 12 or later. Calls from several threads take turns.
///
/// It computes everything on the device but runs of fewer than 1024 field elements, however short the columns are;
/// [`AutoMsm`](super::AutoMsm) chooses by length and falls back.
#[derive(Debug)]
pub struct CudaMsm {
    name: String,
    engine: Engine<Gpu>,
}

impl CudaMsm {
    /// Opens the GPU that the options name, loads or compiles its kernels (seconds the first time), and compares a few sums with the CPU's.
    ///
    /// # Errors
    /// [`MsmError::Device`] when there is no driver, no such GPU, no way to kernels for it, or it computes something else.
    pub fn new(options: &MsmOptions) -> Result<Self, MsmError> {
        let opened = Gpu::open(options).and_then(|gpu| {
            let name = format!("cuda ({})", gpu.description());
            let engine = Engine::new(gpu);
            engine.check()?;
            Ok(Self { name, engine })
        });
        opened.map_err(|fault| MsmError::Device { backend: "cuda".into(), fault })
    }

    /// What the GPU can do at best, measured with `bases`.
    ///
    /// # Errors
    /// The device's.
    pub fn ceilings(&self, bases: &[G1Affine]) -> Result<Ceilings, MsmError> {
        self.engine.ceilings(bases, 1000).map_err(|fault| self.error(fault))
    }

    /// Additions of a base, or their equivalent, that these columns take when none of their digits is 0: to compare the time they take
    /// with [`Ceilings::additions`].
    ///
    /// # Errors
    /// [`MsmError::ValueOutOfRange`].
    pub fn additions(&self, columns: &[Scalars<'_>]) -> Result<u64, MsmError> {
        let parts = scalars::parts(columns)?;
        Ok(parts.iter().map(|part| plan::Windows::best(part).additions(part.len())).sum())
    }

    /// [`MsmBackend::msm`], waiting for each kernel and telling how long it took. The whole takes longer than without.
    ///
    /// # Errors
    /// As [`MsmBackend::msm`].
    pub fn profile(
        &self,
        bases: &[G1Affine],
        columns: &[Scalars<'_>],
    ) -> Result<Vec<KernelTime>, MsmError> {
        self.engine.device().start_trace();
        let sums = self.msm(bases, columns);
        let times = self.engine.device().stop_trace();
        sums.map(|_| times)
    }

    /// Compiles the kernels for an architecture such as `sm_90` by NVRTC and writes them to a file for `ZKML_CUDA_CUBIN`. Needs no GPU.
    ///
    /// # Errors
    /// [`MsmError::Device`] when NVRTC is not there or does not know the architecture, or the file cannot be written.
    pub fn compile(architecture: &str, to: &Path) -> Result<(), MsmError> {
        let cubin = nvrtc::compile(kernels::SOURCE, architecture);
        let written = cubin.and_then(|cubin| {
            let fault = |e| DeviceFault::Unavailable(format!("{}: {e}", to.display()));
            crate::proving::write_atomically(to, |file| std::io::Write::write_all(file, &cubin))
                .map_err(fault)
        });
        written.map_err(|fault| MsmError::Device { backend: "cuda".into(), fault })
    }

    fn error(&self, fault: DeviceFault) -> MsmError {
        MsmError::Device { backend: self.name.clone(), fault }
    }
}

impl MsmBackend for CudaMsm {
    fn name(&self) -> &str {
        &self.name
    }

    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        self.engine.msm(bases, columns, |fault| self.error(fault))
    }
}

/// [`CudaMsm`] with kernels that run on the CPU, one thread after the other: slow, for tests. Nothing stays on the CPU.
#[cfg(feature = "cuda-emulator")]
#[derive(Debug)]
pub struct EmulatedMsm {
    engine: Engine<emulator::Emulator>,
}

#[cfg(feature = "cuda-emulator")]
impl EmulatedMsm {
    /// With a gibibyte of memory and a few multiprocessors.
    #[must_use]
    pub fn new() -> Self {
        Self { engine: Engine::new(emulator::Emulator::new()).with_everything_on_the_device() }
    }
}

#[cfg(feature = "cuda-emulator")]
impl Default for EmulatedMsm {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "cuda-emulator")]
impl MsmBackend for EmulatedMsm {
    fn name(&self) -> &str {
        "cuda (emulated)"
    }

    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        let error = |fault| MsmError::Device { backend: self.name().to_owned(), fault };
        self.engine.msm(bases, columns, error)
    }
}
