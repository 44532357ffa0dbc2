//! An NVIDIA GPU, through the driver's library, which is loaded when it is opened.

#![allow(unsafe_code, reason = "calls of the driver")]

use std::collections::HashMap;
use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cudarc::driver::{
    CudaContext, CudaFunction, CudaSlice, CudaStream, DevicePtr, DriverError, result, sys,
};
use cudarc::nvrtc::Ptx;

use super::device::{BLOCK, Device, blocks};
use super::engine::KernelTime;
use super::kernels;
use crate::proving::{DeviceFault, MsmOptions};

/// Oldest version of CUDA that a driver must support: compilers before 11.5.1 get `mad.hi.cc` wrong.
const OLDEST: i32 = 12_000;

/// One GPU with a stream of its own.
pub(super) struct Gpu {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    functions: HashMap<&'static CStr, CudaFunction>,
    /// Where the stream's allocations come from, if the driver has pools.
    pool: Option<Pool>,
    description: String,
    multiprocessors: u32,
    trace: Mutex<Option<Vec<(&'static CStr, Duration)>>>,
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("description", &self.description).finish_non_exhaustive()
    }
}

impl Gpu {
    /// Opens the device, and loads or compiles the kernels.
    pub(super) fn open(options: &MsmOptions) -> Result<Self, DeviceFault> {
        // SAFETY: loads the driver's library, whose initialisers are trusted as the driver is.
        if !unsafe { sys::is_culib_present() } {
            let what = "the NVIDIA driver (libcuda) is not there";
            return Err(DeviceFault::Unavailable(what.into()));
        }
        // cudarc panics when the library lacks a function.
        catch_unwind(AssertUnwindSafe(|| Self::open_present(options))).unwrap_or_else(|_| {
            let what = "the NVIDIA driver (libcuda) lacks a function of CUDA 12";
            Err(DeviceFault::Unavailable(what.into()))
        })
    }

    fn open_present(options: &MsmOptions) -> Result<Self, DeviceFault> {
        let unavailable = |what: &'static str| {
            move |error: DriverError| DeviceFault::Unavailable(format!("{what}: {error:?}"))
        };
        let mut version = 0;
        // SAFETY: writes one integer.
        unsafe { sys::cuDriverGetVersion(&mut version) }
            .result()
            .map_err(unavailable("the driver does not tell its version"))?;
        if version < OLDEST {
            let (major, minor) = (version / 1000, version % 1000 / 10);
            return Err(DeviceFault::Unavailable(format!(
                "the driver supports CUDA {major}.{minor}, 12.0 is needed"
            )));
        }
        let context =
            CudaContext::new(options.device).map_err(unavailable("no such CUDA device"))?;
        // SAFETY: events order several streams; this module uses one.
        unsafe { context.disable_event_tracking() };
        let (major, minor) =
            context.compute_capability().map_err(unavailable("no compute capability"))?;
        let name = context.name().map_err(unavailable("the device has no name"))?;
        let architecture = format!("sm_{major}{minor}");
        let count = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
        let multiprocessors =
            context.attribute(count).map_err(unavailable("no multiprocessor count"))?;
        let cubin = kernels::load(&architecture, options)?;
        let module = context
            .load_module(Ptx::from_binary(cubin))
            .map_err(unavailable("the kernels cannot be loaded on this device"))?;
        let mut functions = HashMap::new();
        for kernel in kernels::NAMES {
            let name = kernel.to_string_lossy();
            let function =
                module.load_function(&name).map_err(unavailable("the kernels are not ours"))?;
            functions.insert(kernel, function);
        }
        let stream = context.new_stream().map_err(unavailable("no stream"))?;
        let pool = context.has_async_alloc().then(|| Pool::new(&context)).transpose()?;
        Ok(Self {
            description: format!("{name}, {architecture}"),
            multiprocessors: multiprocessors.unsigned_abs().max(1),
            context,
            stream,
            functions,
            pool,
            trace: Mutex::default(),
        })
    }

    /// Name and architecture.
    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// From now on waits for each kernel and notes its time.
    pub(super) fn start_trace(&self) {
        *self.trace() = Some(Vec::new());
    }

    /// What was noted, kernel by kernel in the order of their first launch.
    pub(super) fn stop_trace(&self) -> Vec<KernelTime> {
        let mut times: Vec<KernelTime> = Vec::new();
        for (kernel, time) in self.trace().take().unwrap_or_default() {
            let kernel = kernel.to_string_lossy().into_owned();
            match times.iter_mut().find(|other| other.kernel == kernel) {
                Some(same) => {
                    same.launches += 1;
                    same.time += time;
                }
                None => times.push(KernelTime { kernel, launches: 1, time }),
            }
        }
        times
    }

    fn trace(&self) -> MutexGuard<'_, Option<Vec<(&'static CStr, Duration)>>> {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fault(what: &'static str) -> impl Fn(DriverError) -> DeviceFault {
    move |error| match error.0 {
        sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => DeviceFault::OutOfMemory,
        _ => DeviceFault::Failed(format!("{what}: {error:?}")),
    }
}

impl Device for Gpu {
    type Buffer = CudaSlice<u8>;

    fn enter(&self) -> Result<(), DeviceFault> {
        self.context.bind_to_thread().map_err(fault("entering the context"))
    }

    fn multiprocessors(&self) -> u32 {
        self.multiprocessors
    }

    fn free_memory(&self) -> Result<u64, DeviceFault> {
        let (free, _) = self.context.mem_get_info().map_err(fault("asking for free memory"))?;
        let unused = self.pool.as_ref().map_or(Ok(0), Pool::unused)?;
        Ok(free as u64 + unused)
    }

    fn allocate(&self, bytes: u64) -> Result<CudaSlice<u8>, DeviceFault> {
        let bytes = usize::try_from(bytes).map_err(|_| DeviceFault::OutOfMemory)?;
        // SAFETY: bytes of any value are bytes; kernels read none that were not written. The driver refuses to allocate nothing.
        unsafe { self.stream.alloc(bytes.max(16)) }.map_err(fault("allocating"))
    }

    fn clear(&self, buffer: &mut CudaSlice<u8>) -> Result<(), DeviceFault> {
        self.stream.memset_zeros(buffer).map_err(fault("clearing"))
    }

    fn write(
        &self,
        buffer: &mut CudaSlice<u8>,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), DeviceFault> {
        if bytes.is_empty() {
            return Ok(());
        }
        // The driver copies pageable memory to a buffer of its own before it returns, so `bytes` may go.
        let offset = offset as usize;
        let mut place = buffer.slice_mut(offset..offset + bytes.len());
        self.stream.memcpy_htod(bytes, &mut place).map_err(fault("copying to the device"))
    }

    fn read(&self, buffer: &CudaSlice<u8>, bytes: &mut [u8]) -> Result<(), DeviceFault> {
        let place = buffer.slice(..bytes.len());
        self.stream
            .memcpy_dtoh(&place, bytes)
            .and_then(|()| self.stream.synchronize())
            .map_err(fault("copying from the device"))
    }

    fn address(&self, buffer: &CudaSlice<u8>) -> u64 {
        buffer.device_ptr(&self.stream).0
    }

    unsafe fn launch(
        &self,
        kernel: &'static CStr,
        threads: u64,
        arguments: &mut [u64],
    ) -> Result<(), DeviceFault> {
        let Some(function) = self.functions.get(kernel) else {
            return Err(DeviceFault::Failed(format!("no kernel {kernel:?}")));
        };
        let grid = (blocks(threads)?, 1, 1);
        let mut pointers: Vec<*mut c_void> =
            arguments.iter_mut().map(|argument| std::ptr::from_mut(argument).cast()).collect();
        let start = Instant::now();
        // SAFETY: the caller's promise; the driver copies the arguments, eight readable bytes each, before it returns.
        unsafe {
            let stream = self.stream.cu_stream();
            let block = (BLOCK, 1, 1);
            result::launch_kernel(function.cu_function(), grid, block, 0, stream, &mut pointers)
        }
        .map_err(fault("launching a kernel"))?;
        if let Some(trace) = &mut *self.trace() {
            self.stream.synchronize().map_err(fault("waiting for a kernel"))?;
            trace.push((kernel, start.elapsed()));
        }
        Ok(())
    }
}

/// The device's default memory pool. It keeps what is freed: otherwise each wait for the device gives memory back that the next batch
/// asks for again.
struct Pool(sys::CUmemoryPool);

// SAFETY: a handle to an object of the driver, whose functions may be called from any thread.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

impl Pool {
    fn new(context: &CudaContext) -> Result<Self, DeviceFault> {
        let unavailable = |error: DriverError| {
            DeviceFault::Unavailable(format!("the memory pool of the device: {error:?}"))
        };
        let mut pool = std::ptr::null_mut();
        // SAFETY: writes one handle.
        unsafe { sys::cuDeviceGetMemPool(&mut pool, context.cu_device()) }
            .result()
            .map_err(unavailable)?;
        let threshold = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        let mut keep_all = u64::MAX;
        // SAFETY: the attribute is read from 64 bits.
        unsafe {
            sys::cuMemPoolSetAttribute(pool, threshold, std::ptr::from_mut(&mut keep_all).cast())
        }
        .result()
        .map_err(unavailable)?;
        Ok(Self(pool))
    }

    /// Bytes that the pool holds and nobody uses.
    fn unused(&self) -> Result<u64, DeviceFault> {
        let [mut reserved, mut used] = [0u64; 2];
        for (attribute, value) in [
            (sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT, &mut reserved),
            (sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &mut used),
        ] {
            // SAFETY: the attribute is written to 64 bits.
            unsafe {
                sys::cuMemPoolGetAttribute(self.0, attribute, std::ptr::from_mut(value).cast())
            }
            .result()
            .map_err(fault("asking for the pool's memory"))?;
        }
        Ok(reserved.saturating_sub(used))
    }
}
