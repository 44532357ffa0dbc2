//! What this process has used so far: CPU time and memory, as the system counts them.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

/// CPU seconds of all threads, user and system; `None` where the system does not say.
pub(crate) fn cpu_seconds() -> Option<f64> {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
    }
    #[cfg(not(unix))]
    {
        None
    }
}

/// Largest resident memory so far, bytes; `None` where the system does not say.
pub(crate) fn peak_memory() -> Option<u64> {
    Some(status("VmHWM:")?.max(BEFORE_RESET.load(Ordering::Relaxed)))
}

/// Largest resident memory since the last [`restart_peak`], bytes.
pub(crate) fn recent_peak() -> Option<u64> {
    status("VmHWM:")
}

/// Begins to measure anew what [`recent_peak`] says. Whether the system can: Linux since 4.0.
pub(crate) fn restart_peak() -> bool {
    if let Some(peak) = status("VmHWM:") {
        BEFORE_RESET.fetch_max(peak, Ordering::Relaxed);
    }
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// The peak before the system was told to forget it.
static BEFORE_RESET: AtomicU64 = AtomicU64::new(0);

/// A number of kilobytes in the process's status, as bytes.
fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes << 10)
}
