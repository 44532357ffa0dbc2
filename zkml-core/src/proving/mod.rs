//! Proving primitives that know nothing of machine learning: the structured reference string
//! ([`Srs`]), multi-scalar multiplication ([`MsmBackend`]), Fourier transforms ([`Fft`]),
//! programs over the rows of columns ([`RowProgram`]) and operations on [`vector`]s of field
//! elements.

mod atomic_file;
mod basis;
mod domain;
mod fft;
mod limbs;
mod msm;
mod rows;
#[cfg(target_arch = "x86_64")]
mod simd;
mod srs;
pub mod vector;
mod wnaf;

pub use atomic_file::write_atomically;
pub use basis::Basis;
pub use fft::{Coset, Fft};
#[cfg(feature = "cuda-emulator")]
pub use msm::EmulatedMsm;
pub use msm::{
    AutoMsm, CpuMsm, DeviceFault, MAX_SMALL, MsmBackend, MsmChoice, MsmError, MsmOptions,
    MsmOptionsError, MsmReport, Scalars,
};
#[cfg(feature = "cuda")]
pub use msm::{Ceilings, CudaMsm, KernelTime};
pub use rows::{CellOf, Operand, Operation, RowProgram, Run, needed_operations};
pub use srs::{
    Ceremony, InsecureOrigin, MAX_K, MIN_K, PointFault, Provenance, Srs, SrsError, import_ptau,
    import_ptau_file,
};

/// Whether this processor has the vector instructions (AVX-512 IFMA) that field arithmetic uses;
/// without them proving takes two to three times as long, for the same bytes.
pub fn vectorised() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        simd::available()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}
