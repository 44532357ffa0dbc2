//! NVIDIA's compiler as a library, which is loaded when it is first used.

#![allow(unsafe_code, reason = "calls of the compiler")]

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use cudarc::nvrtc::{result, sys};

use crate::proving::DeviceFault;

/// Whether the library is there.
pub(super) fn is_present() -> bool {
    // SAFETY: loads the library, whose initialisers are trusted as the driver is.
    unsafe { sys::is_culib_present() }
}

/// Major and minor version.
pub(super) fn version() -> Option<(i32, i32)> {
    if !is_present() {
        return None;
    }
    let (mut major, mut minor) = (0, 0);
    // SAFETY: writes two integers.
    let asked = || unsafe { sys::nvrtcVersion(&mut major, &mut minor) };
    let result = catch_unwind(AssertUnwindSafe(asked)).ok()?;
    (result == sys::nvrtcResult::NVRTC_SUCCESS).then_some((major, minor))
}

/// Compiles a source to a cubin for an architecture such as `sm_90`.
pub(super) fn compile(source: &str, architecture: &str) -> Result<Vec<u8>, DeviceFault> {
    if !is_present() {
        let what = "NVRTC (libnvrtc), which compiles kernels, is not there: install it or name compiled kernels in ZKML_CUDA_CUBIN";
        return Err(DeviceFault::Unavailable(what.into()));
    }
    // cudarc panics when the library lacks a function.
    catch_unwind(|| compile_present(source, architecture)).unwrap_or_else(|_| {
        Err(DeviceFault::Unavailable("NVRTC (libnvrtc) lacks a function of CUDA 12".into()))
    })
}

/// Destroys the program in the end.
struct Program(sys::nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the program is there, and not used after.
        let _ = unsafe { sys::nvrtcDestroyProgram(&mut self.0) };
    }
}

fn compile_present(source: &str, architecture: &str) -> Result<Vec<u8>, DeviceFault> {
    let unavailable = |what: String| DeviceFault::Unavailable(format!("NVRTC: {what}"));
    let text = |text: String| CString::new(text).map_err(|e| unavailable(e.to_string()));
    let source = text(source.to_owned())?;
    let options =
        [text(format!("--gpu-architecture={architecture}"))?, text("--std=c++17".to_owned())?];
    let mut pointers = options.each_ref().map(|option| option.as_ptr());
    let check = |result: sys::nvrtcResult| match result {
        sys::nvrtcResult::NVRTC_SUCCESS => Ok(()),
        failure => Err(unavailable(format!("{failure:?}"))),
    };
    let mut program = Program(ptr::null_mut());
    // SAFETY: the source ends with a zero; no headers are given.
    let created = unsafe {
        let name = c"zkml_msm.cu".as_ptr();
        let (headers, names) = (ptr::null(), ptr::null());
        sys::nvrtcCreateProgram(&mut program.0, source.as_ptr(), name, 0, headers, names)
    };
    check(created)?;
    // SAFETY: as many strings as it says, each ending with a zero.
    let compiled = unsafe {
        sys::nvrtcCompileProgram(program.0, pointers.len() as i32, pointers.as_mut_ptr())
    };
    if compiled != sys::nvrtcResult::NVRTC_SUCCESS {
        // SAFETY: the program is there.
        let log = unsafe { result::get_program_log(program.0) }.unwrap_or_default();
        let log: Vec<u8> = log.iter().map(|c| *c as u8).take_while(|c| *c != 0).collect();
        let log = String::from_utf8_lossy(&log);
        let first = log.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(unavailable(format!("{architecture}: {compiled:?}: {first}")));
    }
    let mut length = 0;
    // SAFETY: writes one integer.
    check(unsafe { sys::nvrtcGetCUBINSize(program.0, &mut length) })?;
    let mut cubin = vec![0u8; length];
    // SAFETY: writes as many bytes as it said.
    check(unsafe { sys::nvrtcGetCUBIN(program.0, cubin.as_mut_ptr().cast()) })?;
    Ok(cubin)
}
