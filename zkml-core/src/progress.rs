//! How long-running library calls tell their caller where they are, without printing.

/// Receives the stages of a long-running call. Every method has a no-op default.
pub trait Progress: Sync {
    /// A stage named `stage` begins; it has `units` steps, or an unknown number.
    fn begin(&self, stage: &str, units: Option<u64>) {
        let _ = (stage, units);
    }
    /// `units` further steps of the current stage are done.
    fn advance(&self, units: u64) {
        let _ = units;
    }
    /// The stage begun last is complete.
    fn end(&self, stage: &str) {
        let _ = stage;
    }
}

/// Does `work` as one stage: it ends whatever comes of the work.
pub fn stage<T>(progress: &dyn Progress, name: &str, work: impl FnOnce() -> T) -> T {
    progress.begin(name, None);
    let done = work();
    progress.end(name);
    done
}

/// A [`Progress`] that ignores everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {}
