//! Progress bars, on a terminal only.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use std::{sync::Mutex, time::Duration};
use zkml::Progress;

/// Shows the stages of a long call.
pub(crate) struct Bars {
    bar: Option<Mutex<ProgressBar>>,
}

impl Bars {
    pub(crate) fn new(output: &Output) -> Self {
        let bar = output.wants_bars().then(|| Mutex::new(ProgressBar::hidden()));
        Self { bar }
    }

    fn with(&self, change: impl FnOnce(&mut ProgressBar)) {
        if let Some(Ok(mut bar)) = self.bar.as_ref().map(Mutex::lock) {
            change(&mut bar);
        }
    }
}

impl Progress for Bars {
    fn begin(&self, stage: &str, units: Option<u64>) {
        self.with(|bar| {
            bar.finish_and_clear();
            *bar = match units {
                Some(units) => ProgressBar::new(units).with_style(
                    ProgressStyle::with_template("{msg:30} {bar:30} {pos}/{len}")
                        .unwrap_or_else(|_| ProgressStyle::default_bar()),
                ),
                None => ProgressBar::new_spinner(),
            };
            bar.set_message(stage.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
        });
    }

    fn advance(&self, units: u64) {
        self.with(|bar| bar.inc(units));
    }

    fn end(&self, _stage: &str) {
        self.with(|bar| bar.finish_and_clear());
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.with(|bar| bar.finish_and_clear());
    }
}
