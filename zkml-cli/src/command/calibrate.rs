//! `zkml calibrate`: ranges, scales and widths from samples, and what they cost in accuracy.

use crate::{
    args::Calibrate,
    exit::{CliError, Outcome},
    files, load,
    output::Output,
};
use serde_json::json;
use std::path::Path;
use zkml::{
    Model,
    core::{
        io::{InputSpec, labels},
        quant::search_suited,
        report::Report,
    },
};

pub(crate) fn run(args: &Calibrate, output: &Output) -> Result<Outcome, CliError> {
    let Some(data) = &args.precision.data else {
        return Err(CliError::usage("nothing to calibrate on").help("pass --data SAMPLES"));
    };
    if args.precision.settings.is_some() {
        return Err(CliError::usage("calibration makes settings, it does not take them")
            .help("compare settings with data by `zkml report --settings S --data D`"));
    }
    let model = load::model(&args.model, &args.import)?;
    let samples = load::sample_sets(data, &InputSpec::of_graph(model.graph()))?;
    let calibration = load::calibration(model.graph(), &args.precision);
    let found = search_suited(model.graph(), &samples, calibration.as_ref(), args.precision.target)
        .map_err(|e| CliError::from(e).about(&args.model))?;
    let report = match &args.labels {
        None => found.report,
        Some(path) => {
            let labels = label_sets(&model, path, samples.len())?;
            Report::new(model.graph(), &found.compiled, &samples, Some(&labels))?
        }
    };
    let settings = toml::to_string_pretty(&found.settings)
        .map_err(|e| CliError::invalid(format!("settings are no TOML: {e}")))?;
    let document = json!(report).to_string();
    let mut made = vec![(args.output.as_path(), settings.as_bytes())];
    made.extend(args.report.as_deref().map(|path| (path, document.as_bytes())));
    files::write_all(&made, output)?;
    if made.iter().any(|(path, _)| files::is_standard(path)) {
        output.note(report.to_text());
        return Ok(Outcome::Done);
    }
    output.note(format!("settings in {}", args.output.display()));
    output.result(
        "calibrate",
        json!({ "settings": args.output.display().to_string(), "report": report }),
        report.to_text(),
    )?;
    Ok(Outcome::Done)
}

/// Class labels: one for each row of the first output of each sample.
pub(super) fn label_sets(
    model: &Model,
    path: &Path,
    samples: usize,
) -> Result<Vec<Vec<usize>>, CliError> {
    let graph = model.graph();
    let rows = graph.outputs().first().map_or(1, |(_, id)| {
        let dims = graph.get(*id).shape.dims();
        dims.split_last().map_or(1, |(_, rows)| rows.iter().product())
    });
    Ok(labels(load::arrays(path)?, samples, rows, &path.display().to_string())?)
}
