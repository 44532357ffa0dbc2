//! A device that is a loop: the kernels compiled as C++, called as the driver calls them.
//!
//! Memory that was not written holds noise. Each launch runs its threads in another order. It counts what threads do, and
//! fails when it is told to.

#![allow(unsafe_code, reason = "calls of C++")]

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use super::device::{BLOCK, Device, blocks};
use crate::proving::DeviceFault;

unsafe extern "C" {
    fn zkml_emulate(
        name: *const c_char,
        blocks: u64,
        block: c_uint,
        stride: u64,
        arguments: *mut *mut c_void,
        work: *mut u64,
    ) -> c_int;
}

/// What a launch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code, reason = "read by tests"))]
pub(super) struct Work {
    pub(super) kernel: &'static CStr,
    /// Most additions of points by one thread.
    pub(super) additions: u64,
    /// Most atomic additions to one word.
    pub(super) atomics: u64,
}

#[derive(Debug)]
struct State {
    /// Bytes that can still be allocated; what [`Device::free_memory`] says is another matter.
    memory: u64,
    claimed: u64,
    work: Vec<Work>,
    uploaded: u64,
    failing: Option<&'static CStr>,
}

/// The device.
#[derive(Debug)]
pub(super) struct Emulator {
    state: Arc<Mutex<State>>,
    launches: AtomicU64,
}

/// Memory in units of 16 bytes, which kernels write while it is shared.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: UnsafeCell<Vec<u128>>,
    bytes: u64,
    state: Arc<Mutex<State>>,
}

// SAFETY: the memory is touched by calls of the device only, which the engine's lock puts one after the other.
unsafe impl Sync for Buffer {}

impl Drop for Buffer {
    fn drop(&mut self) {
        lock(&self.state).memory += self.bytes;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Emulator {
    pub(super) fn new() -> Self {
        let (work, memory) = (Vec::new(), 1 << 30);
        let state = State { memory, claimed: memory, work, uploaded: 0, failing: None };
        Self { state: Arc::new(Mutex::new(state)), launches: AtomicU64::new(0) }
    }
}

#[cfg(test)]
impl Emulator {
    /// So many bytes from now on, and so many that it says it has.
    pub(super) fn set_memory(&self, memory: u64, claimed: u64) {
        let mut state = lock(&self.state);
        (state.memory, state.claimed) = (memory, claimed);
    }

    /// Bytes that can still be allocated.
    pub(super) fn memory(&self) -> u64 {
        lock(&self.state).memory
    }

    /// Launches of this kernel fail from now on.
    pub(super) fn fail_at(&self, kernel: Option<&'static CStr>) {
        lock(&self.state).failing = kernel;
    }

    /// What launches did since the last call.
    pub(super) fn take_work(&self) -> Vec<Work> {
        std::mem::take(&mut lock(&self.state).work)
    }

    /// Bytes that were copied to the device since the last call.
    pub(super) fn take_uploaded(&self) -> u64 {
        std::mem::take(&mut lock(&self.state).uploaded)
    }
}

impl Device for Emulator {
    type Buffer = Buffer;

    fn enter(&self) -> Result<(), DeviceFault> {
        Ok(())
    }

    fn multiprocessors(&self) -> u32 {
        2
    }

    fn free_memory(&self) -> Result<u64, DeviceFault> {
        Ok(lock(&self.state).claimed)
    }

    fn allocate(&self, bytes: u64) -> Result<Buffer, DeviceFault> {
        let mut state = lock(&self.state);
        state.memory = state.memory.checked_sub(bytes).ok_or(DeviceFault::OutOfMemory)?;
        // Exactly as long as it must be, up to 16 bytes: AddressSanitizer sees what goes beyond.
        let noise = 0xa5a5_a5a5_a5a5_a5a5_a5a5_a5a5_a5a5_a5a5;
        let memory = UnsafeCell::new(vec![noise; bytes.div_ceil(16) as usize]);
        Ok(Buffer { memory, bytes, state: self.state.clone() })
    }

    fn clear(&self, buffer: &mut Buffer) -> Result<(), DeviceFault> {
        buffer.memory.get_mut().fill(0);
        Ok(())
    }

    fn write(&self, buffer: &mut Buffer, offset: u64, bytes: &[u8]) -> Result<(), DeviceFault> {
        assert!(offset + bytes.len() as u64 <= buffer.bytes, "beyond the buffer");
        let to = buffer.memory.get_mut().as_mut_ptr().cast::<u8>();
        // SAFETY: within the buffer, as was asserted; the two do not overlap, since one is borrowed mutably.
        unsafe { to.add(offset as usize).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        lock(&self.state).uploaded += bytes.len() as u64;
        Ok(())
    }

    fn read(&self, buffer: &Buffer, bytes: &mut [u8]) -> Result<(), DeviceFault> {
        assert!(bytes.len() as u64 <= buffer.bytes, "beyond the buffer");
        // SAFETY: the pointer of a vector; nobody writes, see `Buffer`.
        let from = unsafe { (*buffer.memory.get()).as_ptr().cast::<u8>() };
        // SAFETY: within the buffer, as was asserted, and initialised since it was allocated.
        unsafe { from.copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn address(&self, buffer: &Buffer) -> u64 {
        // SAFETY: the pointer of a vector that is not resized while it lives.
        unsafe { (*buffer.memory.get()).as_mut_ptr().expose_provenance() as u64 }
    }

    unsafe fn launch(
        &self,
        kernel: &'static CStr,
        threads: u64,
        arguments: &mut [u64],
    ) -> Result<(), DeviceFault> {
        if lock(&self.state).failing == Some(kernel) {
            return Err(DeviceFault::Failed(format!("{kernel:?} was told to fail")));
        }
        let grid = u64::from(blocks(threads)?);
        let mut pointers: Vec<*mut c_void> =
            arguments.iter_mut().map(|argument| std::ptr::from_mut(argument).cast()).collect();
        let total = grid * u64::from(BLOCK);
        let stride = stride(total, self.launches.fetch_add(1, SeqCst));
        let mut work = [0; 2];
        // SAFETY: the caller's promise; the name ends with a zero, and two words are written to `work`.
        let result = unsafe {
            let (name, arguments) = (kernel.as_ptr(), pointers.as_mut_ptr());
            zkml_emulate(name, grid, BLOCK, stride, arguments, work.as_mut_ptr())
        };
        if result != 0 {
            return Err(DeviceFault::Failed(format!("no kernel {kernel:?}")));
        }
        let [additions, atomics] = work;
        lock(&self.state).work.push(Work { kernel, additions, atomics });
        Ok(())
    }
}

/// A number coprime to `total`: 1, then others.
fn stride(total: u64, launch: u64) -> u64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let first = launch.wrapping_mul(7919) % total + 1;
    (first..).find(|stride| gcd(*stride, total) == 1).unwrap_or(1)
}
