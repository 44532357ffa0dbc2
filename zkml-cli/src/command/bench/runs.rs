//! Repeated proofs, and what is said of them: medians, phases, speed-up by threads.

use super::child::Children;
use crate::exit::CliError;
use serde_json::{Value, json};

/// Documents of proofs of one statement, made alike: one at least.
pub(super) struct Runs {
    threads: Option<u32>,
    documents: Vec<Value>,
}

impl Runs {
    /// Proves `count` times with each number of `threads` in turn, or once over with the
    /// environment's: so what disturbs the machine disturbs all of them.
    pub(super) fn of(
        children: &Children<'_>,
        prove: &[&str],
        count: u32,
        threads: &Option<Vec<u32>>,
    ) -> Result<Vec<Self>, CliError> {
        let mut runs: Vec<Self> = match threads {
            None => vec![Self { threads: None, documents: Vec::new() }],
            Some(threads) => threads
                .iter()
                .map(|threads| Self { threads: Some(*threads), documents: Vec::new() })
                .collect(),
        };
        for _ in 0..count.max(1) {
            for run in &mut runs {
                run.documents.push(children.run_on(run.threads, prove)?);
            }
        }
        Ok(runs)
    }

    /// One of the documents, for what is the same in all.
    pub(super) fn document(&self) -> &Value {
        &self.documents[0]
    }

    /// The median of a number.
    pub(super) fn median(&self, field: &str) -> Option<f64> {
        self.median_of(|document| document[field].as_f64())
    }

    fn median_of(&self, get: impl Fn(&Value) -> Option<f64>) -> Option<f64> {
        let mut values: Vec<f64> = self.documents.iter().filter_map(get).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// The stages with the medians of what they took, the share of each in the CPU seconds of all
    /// and the most memory.
    pub(super) fn phases(&self) -> Vec<Value> {
        let names = self.document()["phases"].as_array().into_iter().flatten();
        let medians: Vec<(&Value, [Option<f64>; 3])> = names
            .enumerate()
            .map(|(i, phase)| {
                let median = |field| self.median_of(|run| run["phases"][i][field].as_f64());
                (&phase["name"], ["seconds", "cpu_seconds", "peak_memory_bytes"].map(median))
            })
            .collect();
        let total: f64 = medians.iter().filter_map(|(_, [_, cpu, _])| *cpu).sum();
        let phases = medians.into_iter().map(|(name, [seconds, cpu, peak])| {
            let share = cpu.map(|cpu| cpu / total.max(1e-9));
            json!({
                "name": name,
                "seconds": seconds,
                "cpu_seconds": cpu,
                "share": share,
                "peak_memory_bytes": peak.map(|bytes| bytes as u64),
            })
        });
        phases.collect()
    }
}

/// What each number of threads took, and how many times faster than the first it was.
pub(super) fn speed_ups(runs: &[Runs]) -> Vec<Value> {
    let seconds = |run: &Runs| run.median("prove_seconds");
    let first = runs.first().and_then(seconds);
    let row = |run: &Runs| {
        json!({
            "threads": run.threads,
            "prove_seconds": seconds(run),
            "prove_cpu_seconds": run.median("prove_cpu_seconds"),
            "speed_up": first.zip(seconds(run)).map(|(first, this)| first / this),
        })
    };
    runs.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(threads: u32, seconds: [f64; 3]) -> Runs {
        let document = |seconds: f64| {
            json!({
                "prove_seconds": seconds,
                "phases": [
                    { "name": "a", "seconds": seconds, "cpu_seconds": seconds, "peak_memory_bytes": 7 },
                    { "name": "b", "seconds": 1.0, "cpu_seconds": 3.0 * seconds },
                ],
            })
        };
        Runs { threads: Some(threads), documents: seconds.map(document).to_vec() }
    }

    #[test]
    fn medians_shares_and_speed_ups() {
        let runs = [run(1, [4.0, 100.0, 2.0]), run(2, [2.0, 1.0, 50.0])];
        assert_eq!(runs[0].median("prove_seconds"), Some(4.0));
        assert_eq!(runs[0].median("nothing"), None);
        let phases = runs[0].phases();
        assert_eq!(phases[0]["cpu_seconds"], 4.0);
        assert_eq!(phases[1]["cpu_seconds"], 12.0);
        assert_eq!(
            [&phases[0]["peak_memory_bytes"], &phases[1]["peak_memory_bytes"]],
            [&json!(7), &Value::Null]
        );
        assert_eq!([&phases[0]["share"], &phases[1]["share"]], [0.25, 0.75]);
        let speed_ups = speed_ups(&runs);
        assert_eq!(speed_ups[0]["speed_up"], 1.0);
        assert_eq!(speed_ups[1]["speed_up"], 2.0);
        assert_eq!(speed_ups[1]["threads"], 2);
    }
}
