//! Where the time of a long command goes: wall-clock and CPU seconds of each of its stages, and the
//! most memory that the process had during it.

use crate::{output::Output, progress::Bars, usage};
use serde_json::{Value, json};
use std::{
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use zkml::{Progress, core::progress::stage};

/// Reading a compiled model.
pub(crate) const READ_MODEL: &str = "read the model";
/// Reading a key.
pub(crate) const READ_KEY: &str = "read the key";
/// Reading a proof.
pub(crate) const READ_PROOF: &str = "read the proof";
/// Reading or making a reference string.
pub(crate) const READ_SRS: &str = "read the SRS";
/// Calibrating a model and laying it out.
pub(crate) const COMPILE: &str = "compile";
/// Checking a proof.
pub(crate) const VERIFY: &str = "verify";

/// Shows stages on the terminal and measures them. Stages follow each other; one that comes again
/// is added to what it took before.
pub(crate) struct Phases {
    bars: Bars,
    measured: Mutex<Measured>,
}

#[derive(Default)]
struct Measured {
    current: Option<Begun>,
    phases: Vec<Phase>,
}

/// The beginning of a stage.
struct Begun {
    at: Instant,
    cpu_seconds: Option<f64>,
    /// Whether the peak of memory is measured from here on.
    peak: bool,
}

impl Begun {
    fn now() -> Self {
        Self { peak: usage::restart_peak(), at: Instant::now(), cpu_seconds: usage::cpu_seconds() }
    }

    /// What the stage took until now.
    fn end(&self, name: &str) -> Phase {
        let cpu = usage::cpu_seconds().zip(self.cpu_seconds);
        Phase {
            name: name.to_owned(),
            seconds: self.at.elapsed().as_secs_f64(),
            cpu_seconds: cpu.map(|(after, before)| after - before),
            peak: self.peak.then(usage::recent_peak).flatten(),
        }
    }
}

/// What one stage took; each `None` where the system does not tell.
struct Phase {
    name: String,
    seconds: f64,
    cpu_seconds: Option<f64>,
    /// Most memory of the process during the stage, bytes.
    peak: Option<u64>,
}

impl Phase {
    /// The stage came again.
    fn add(&mut self, again: &Self) {
        self.seconds += again.seconds;
        self.cpu_seconds = self.cpu_seconds.zip(again.cpu_seconds).map(|(a, b)| a + b);
        self.peak = self.peak.max(again.peak);
    }
}

impl Phases {
    pub(crate) fn new(output: &Output) -> Self {
        Self { bars: Bars::new(output), measured: Mutex::default() }
    }

    /// Does `work` as the stage `name`.
    pub(crate) fn of<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        stage(self, name, work)
    }

    fn measured(&self) -> MutexGuard<'_, Measured> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each stage with its share of the CPU seconds of all.
    pub(crate) fn json(&self) -> Value {
        let measured = self.measured();
        let total: Option<f64> = measured.phases.iter().map(|phase| phase.cpu_seconds).sum();
        let phases = measured.phases.iter().map(|phase| {
            let share = phase.cpu_seconds.zip(total).map(|(cpu, total)| cpu / total.max(1e-9));
            json!({
                "name": phase.name,
                "seconds": phase.seconds,
                "cpu_seconds": phase.cpu_seconds,
                "share": share,
                "peak_memory_bytes": phase.peak,
            })
        });
        phases.collect()
    }

    /// The same in words, a line a stage.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("phases (wall-clock seconds, CPU seconds, peak MB):");
        for Phase { name, seconds, cpu_seconds, peak } in &self.measured().phases {
            let cpu = cpu_seconds.map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.3}"));
            let peak = peak.map_or_else(|| "-".to_owned(), |bytes| (bytes >> 20).to_string());
            // Writing to a string does not fail.
            let _ = write!(text, "\n  {name:28} {seconds:8.3} {cpu:>8} {peak:>6}");
        }
        text
    }
}

impl Progress for Phases {
    fn begin(&self, stage: &str, units: Option<u64>) {
        self.bars.begin(stage, units);
        self.measured().current = Some(Begun::now());
    }

    fn advance(&self, units: u64) {
        self.bars.advance(units);
    }

    fn end(&self, stage: &str) {
        let mut measured = self.measured();
        if let Some(begun) = measured.current.take() {
            let phase = begun.end(stage);
            match measured.phases.iter_mut().find(|before| before.name == stage) {
                Some(before) => before.add(&phase),
                None => measured.phases.push(phase),
            }
        }
        drop(measured);
        self.bars.end(stage);
    }
}
