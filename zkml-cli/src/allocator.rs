//! The C library's allocator, set up for few large vectors.
//!
//! glibc gives each thread a heap of its own and keeps there what is freed. A prover's threads take
//! turns at vectors of megabytes, so that every heap grows to what its thread once held: a fifth of
//! a proof's memory that nobody uses. With one heap for all threads, what one frees another takes.

/// One heap for all threads. Where the allocator is another, nothing is done.
pub(crate) fn share_one_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[allow(unsafe_code, reason = "the C library has the setting")]
        // SAFETY: sets a number, before there is another thread. If it fails, heaps stay as they are.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}
