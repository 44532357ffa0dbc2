//! What a device must do: hold memory, and run kernels on it one after the other.

#![allow(unsafe_code, reason = "launching trusts its caller with addresses")]

use std::ffi::CStr;

use crate::proving::DeviceFault;

/// Threads of a block.
pub(super) const BLOCK: u32 = 128;

/// A device with one queue: copies and kernels happen in the order in which they are asked for.
pub(super) trait Device: Send + Sync {
    /// Memory of the device, freed when dropped, after what was asked for before.
    type Buffer: Send;

    /// Makes the calling thread one that may use the device.
    fn enter(&self) -> Result<(), DeviceFault>;

    /// Processors that run blocks.
    fn multiprocessors(&self) -> u32;

    /// Bytes that could be allocated.
    fn free_memory(&self) -> Result<u64, DeviceFault>;

    /// Memory that holds anything, aligned to 16 bytes.
    fn allocate(&self, bytes: u64) -> Result<Self::Buffer, DeviceFault>;

    /// Sets all bytes to 0.
    fn clear(&self, buffer: &mut Self::Buffer) -> Result<(), DeviceFault>;

    /// Copies to the device.
    ///
    /// # Panics
    /// When the bytes do not fit the buffer from `offset` on.
    fn write(
        &self,
        buffer: &mut Self::Buffer,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), DeviceFault>;

    /// Copies the first bytes of a buffer from the device, after waiting for all that was asked for.
    ///
    /// # Panics
    /// When the buffer has fewer.
    fn read(&self, buffer: &Self::Buffer, bytes: &mut [u8]) -> Result<(), DeviceFault>;

    /// Where the buffer is, for kernels.
    fn address(&self, buffer: &Self::Buffer) -> u64;

    /// Runs a kernel on at least `threads` threads. Each argument has eight bytes, of which a `u32` takes the first four.
    ///
    /// # Safety
    /// The arguments are those that the kernel declares, in order; addresses are those of buffers as large as the kernel says.
    unsafe fn launch(
        &self,
        kernel: &'static CStr,
        threads: u64,
        arguments: &mut [u64],
    ) -> Result<(), DeviceFault>;
}

/// Memory that holds `bytes`.
pub(super) fn upload<D: Device>(device: &D, bytes: &[u8]) -> Result<D::Buffer, DeviceFault> {
    let mut buffer = device.allocate(bytes.len() as u64)?;
    device.write(&mut buffer, 0, bytes)?;
    Ok(buffer)
}

/// Memory that holds zeros.
pub(super) fn zeros<D: Device>(device: &D, bytes: u64) -> Result<D::Buffer, DeviceFault> {
    let mut buffer = device.allocate(bytes)?;
    device.clear(&mut buffer)?;
    Ok(buffer)
}

/// Blocks of a grid of so many threads.
pub(super) fn blocks(threads: u64) -> Result<u32, DeviceFault> {
    // The most that a grid may have in its first dimension.
    let blocks = threads.div_ceil(BLOCK.into());
    if blocks < 1 << 31 {
        Ok(blocks as u32)
    } else {
        Err(DeviceFault::Failed("a grid of 2^31 blocks or more".into()))
    }
}
