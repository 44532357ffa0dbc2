//! `zkml report`: float against integer on samples.

use super::calibrate::label_sets;
use crate::{
    args::Report as ReportArgs,
    exit::{CliError, Outcome},
    files, load,
    output::Output,
};
use serde_json::json;
use std::fmt::Write;
use zkml::core::{
    io::{InputSpec, tokens},
    quant::{compile_with_sources, search_suited},
    report::Report,
};

pub(crate) fn run(args: &ReportArgs, output: &Output) -> Result<Outcome, CliError> {
    let Some(data) = &args.precision.data else {
        return Err(CliError::usage("nothing to compare on").help("pass --data SAMPLES"));
    };
    let model = load::model(&args.model, &args.import)?;
    let samples = load::sample_sets(data, &InputSpec::of_graph(model.graph()))?;
    let compiled = match &args.precision.settings {
        Some(path) => compile_with_sources(model.graph(), &load::settings(path)?),
        None => {
            let calibration = load::calibration(model.graph(), &args.precision);
            search_suited(model.graph(), &samples, calibration.as_ref(), args.precision.target)
                .map(|found| found.compiled)
        }
    }
    .map_err(|e| CliError::from(e).about(&args.model))?;
    let labels =
        args.labels.as_deref().map(|path| label_sets(&model, path, samples.len())).transpose()?;
    let mut report = Report::new(model.graph(), &compiled, &samples, labels.as_deref())?;
    if let Some(path) = &args.perplexity {
        let tokens = tokens(load::arrays(path)?, &path.display().to_string())?;
        report
            .score_text(model.graph(), &compiled, &tokens)
            .map_err(|e| CliError::from(e).about(path))?;
    }
    match args.output.as_deref().filter(|p| !files::is_standard(p)) {
        None => output.result("report", json!({ "report": report }), report.to_text())?,
        Some(path) => {
            let bytes = match path.extension().and_then(|e| e.to_str()) {
                Some("json") => json!({ "schema": 1, "report": report }).to_string(),
                Some("html") => html(&args.model.display().to_string(), &report),
                _ => {
                    return Err(
                        CliError::usage("reports are written as .json or .html").about(path)
                    );
                }
            };
            files::write(path, bytes.as_bytes(), output)?;
            output.written("report", path)?;
        }
    }
    Ok(Outcome::Done)
}

/// One self-contained page.
fn html(model: &str, report: &Report) -> String {
    let mut page = String::from(
        "<!doctype html><meta charset=\"utf-8\"><title>zkml report</title><style>body{font:15px \
         sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #bbb;\
         padding:.3em .6em;text-align:right}td:first-child{text-align:left}</style>",
    );
    // Writing to a string does not fail.
    let _ = write!(
        page,
        "<h1>{}</h1><p>{} samples, {} out of range; accumulators of {} bits.</p>",
        escape(model),
        report.samples,
        report.rejected.count,
        report.accumulator_bits
    );
    page.push_str(
        "<h2>Outputs</h2><table><tr><th>output<th>max error<th>mean error<th>SQNR dB<th>agreement",
    );
    for out in &report.outputs {
        let e = &out.errors;
        let _ = write!(
            page,
            "<tr><td>{}<td>{:.3e}<td>{:.3e}<td>{:.1}<td>{:.2} %",
            escape(&out.name),
            e.max_abs,
            e.mean_abs,
            e.sqnr_db.unwrap_or(f64::INFINITY),
            100.0 * out.agreement.rows.share
        );
    }
    page.push_str("</table>");
    if let Some(perplexity) = &report.perplexity {
        let _ = write!(page, "<p>Perplexity: {perplexity}.</p>");
    }
    page.push_str(
        "<h2>Layers</h2><table><tr><th>tensor<th>node<th>elements<th>bits<th>scale<th>shift\
         <th>range used<th>max error<th>SQNR dB",
    );
    for layer in &report.layers {
        let _ = write!(
            page,
            "<tr><td>{}<td>{} ({})<td>{}<td>{}<td>{}<td>{}<td>{:.0} %<td>{:.3e}<td>{:.1}",
            escape(&layer.name),
            escape(&layer.node),
            escape(&layer.op),
            layer.elements,
            layer.bits,
            layer.scale,
            layer.shift,
            100.0 * layer.range_used,
            layer.errors.max_abs,
            layer.errors.sqnr_db.unwrap_or(f64::INFINITY)
        );
    }
    page.push_str("</table>\n");
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
