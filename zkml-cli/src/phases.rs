//! Where the time of a long command goes: wall-clock and CPU seconds of each of its stages.

use crate::{output::Output, progress::Bars, usage::cpu_seconds};
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
    /// When the current stage began.
    current: Option<(Instant, Option<f64>)>,
    phases: Vec<Phase>,
}

/// What one stage took.
struct Phase {
    name: String,
    seconds: f64,
    /// `None` where the system does not tell.
    cpu_seconds: Option<f64>,
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
        let phases = measured.phases.iter().map(|Phase { name, seconds, cpu_seconds }| {
            let share = cpu_seconds.zip(total).map(|(cpu, total)| cpu / total.max(1e-9));
            json!({ "name": name, "seconds": seconds, "cpu_seconds": cpu_seconds, "share": share })
        });
        phases.collect()
    }

    /// The same in words, a line a stage.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("phases (wall-clock seconds, CPU seconds):");
        for Phase { name, seconds, cpu_seconds } in &self.measured().phases {
            let cpu = cpu_seconds.map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.3}"));
            // Writing to a string does not fail.
            let _ = write!(text, "\n  {name:28} {seconds:8.3} {cpu:>8}");
        }
        text
    }
}

impl Progress for Phases {
    fn begin(&self, stage: &str, units: Option<u64>) {
        self.bars.begin(stage, units);
        self.measured().current = Some((Instant::now(), cpu_seconds()));
    }

    fn advance(&self, units: u64) {
        self.bars.advance(units);
    }

    fn end(&self, stage: &str) {
        let mut measured = self.measured();
        if let Some((start, before)) = measured.current.take() {
            let seconds = start.elapsed().as_secs_f64();
            let cpu = cpu_seconds().zip(before).map(|(after, before)| after - before);
            match measured.phases.iter_mut().find(|phase| phase.name == stage) {
                Some(phase) => {
                    phase.seconds += seconds;
                    phase.cpu_seconds = phase.cpu_seconds.zip(cpu).map(|(a, b)| a + b);
                }
                None => {
                    let name = stage.to_owned();
                    measured.phases.push(Phase { name, seconds, cpu_seconds: cpu });
                }
            }
        }
        drop(measured);
        self.bars.end(stage);
    }
}
