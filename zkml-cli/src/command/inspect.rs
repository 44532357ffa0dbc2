//! `zkml inspect`: graph, everything unsupported, predicted cost.

use crate::{
    args::Inspect,
    exit::{CliError, Outcome},
    load,
    output::Output,
};
use serde_json::{Value, json};
use std::fmt::Write;
use zkml::{
    Cost, Model, Tensor,
    circuits::plan::LayoutSummary,
    core::{
        ir::{Node, Op, ValueId},
        onnx::{ImportOptions, Inspection, inspect},
    },
};

pub(crate) fn run(args: &Inspect, output: &Output) -> Result<Outcome, CliError> {
    let options = ImportOptions::with_dims(args.import.bindings()?);
    let inspection =
        inspect(&args.model, &options).map_err(|e| CliError::from(e).about(&args.model))?;
    let importable = inspection.unsupported.is_empty() && inspection.error.is_none();
    let predicted = if importable { Some(predict(args, output)?) } else { None };
    let document = json!({
        "model": inspection.summary,
        "digest": format!("0x{}", hex::encode(inspection.digest)),
        "nodes": inspection.nodes,
        "unsupported": inspection.unsupported,
        "error": inspection.error.as_ref().map(ToString::to_string),
        "cost": predicted.as_ref().map(|p| &p.cost),
        "layouts": predicted.as_ref().map(|p| &p.layouts),
    });
    let text = describe(&inspection, predicted.as_ref());
    output.result("inspect", document, text)?;
    if importable {
        return Ok(Outcome::Done);
    }
    let count = inspection.unsupported.len();
    let reason = match &inspection.error {
        Some(error) => error.to_string(),
        None => format!("{count} unsupported, listed above"),
    };
    Err(CliError::invalid(format!("the model cannot be imported: {reason}"))
        .about(&args.model)
        .reported())
}

/// What the plan search chose, and what it will cost.
struct Predicted {
    cost: Cost,
    layouts: Vec<LayoutSummary>,
    note: &'static str,
}

/// The predicted cost, from the user's calibration or a made-up one: shapes and widths decide it.
fn predict(args: &Inspect, output: &Output) -> Result<Predicted, CliError> {
    let model = load::model(&args.model, &args.import)?;
    let (fallback, note) = if args.precision.settings.is_some() || args.precision.data.is_some() {
        (None, "with the given calibration")
    } else {
        (Some(vec![stand_in(&model)]), "with a stand-in for calibration data")
    };
    let options =
        load::compile_options(&model, &args.precision, &args.machine, fallback.as_deref())?;
    let program = model.compile(&options).map_err(|e| CliError::from(e).about(&args.model))?;
    output.detail(program.compiled().plan().to_string());
    output.detail(format!("lint: {:?}", program.compiled().lint_report()));
    let compiled = program.compiled();
    let layouts = compiled.plan().layout_summaries(compiled.program());
    Ok(Predicted { cost: program.cost(), layouts, note })
}

/// Inputs over `[-1, 1]`, ids over the rows of the table they select from, masks that keep everything; the same
/// every time.
fn stand_in(model: &Model) -> Vec<Tensor<f32>> {
    let graph = model.graph();
    let rows = |id: ValueId| {
        let selects =
            |node: &&Node| matches!(node.op, Op::Embed) && node.inputs.first() == Some(&id);
        let table = graph.nodes().iter().find(selects)?.inputs.get(1)?;
        graph.get(*table).shape.dims().first().copied()
    };
    let tensor = |id: &ValueId| {
        let value = graph.get(*id);
        // A multiplicative walk through residues.
        let walk = |modulus: usize| move |i: usize| ((i * 77 + 13) % modulus) as f32;
        let count = value.shape.len();
        let data: Vec<f32> = match (value.integer, rows(*id)) {
            (false, _) => (0..count).map(walk(201)).map(|step| step / 100.0 - 1.0).collect(),
            (true, Some(rows)) => (0..count).map(walk(rows.max(1))).collect(),
            (true, None) => vec![1.0; count],
        };
        Tensor::new(value.shape.clone(), data).expect("as many elements as the shape has")
    };
    graph.inputs().iter().map(tensor).collect()
}

fn describe(inspection: &Inspection, predicted: Option<&Predicted>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let mut line = |s: String| {
        let _ = writeln!(text, "{s}");
    };
    let summary = &inspection.summary;
    let count: usize = summary.ops.values().sum();
    line(format!("{count} nodes, {} parameters, by {}", summary.parameters, summary.producer));
    let ops: Vec<_> = summary.ops.iter().map(|(op, n)| format!("{op} {n}")).collect();
    line(format!("operators  {}", ops.join(", ")));
    if let Some(graph) = &inspection.graph {
        for id in graph.inputs() {
            let value = graph.get(*id);
            let integer = if value.integer { ", whole numbers" } else { "" };
            line(format!("input      {} {}{integer}", value.name, value.shape));
        }
        for (name, id) in graph.outputs() {
            line(format!("output     {name} {}", graph.get(*id).shape));
        }
    }
    for unsupported in &inspection.unsupported {
        line(format!("unsupported: {unsupported}"));
    }
    if let Some(Predicted { cost, layouts, note }) = predicted {
        line(format!("predicted ({note}):"));
        line(cost_lines(cost));
        line("layouts".into());
        for layout in layouts {
            line(format!("  {layout}"));
        }
    }
    text
}

/// A cost in words.
pub(crate) fn cost_lines(cost: &Cost) -> String {
    let (small, full) = cost.cells();
    format!(
        "  machine {}, k = {}: {} of {} groups, {} of {} vector rows, {} table rows\n  \
         cells {small} small, {full} full; {} public words\n  \
         proving {:.2} CPU s, {:.0} MB ({:.2} s, {:.0} MB with --objective memory); proof {} bytes; about {} gas",
        cost.profile,
        cost.k,
        cost.groups.0,
        cost.groups.1,
        cost.vector_rows.0,
        cost.vector_rows.1,
        cost.table_rows,
        cost.words,
        cost.prove_seconds,
        cost.memory as f64 / 1e6,
        cost.least_memory_seconds,
        cost.least_memory as f64 / 1e6,
        cost.proof_bytes,
        cost.gas,
    )
}

/// A cost as JSON.
pub(crate) fn cost_json(cost: &Cost) -> Value {
    json!(cost)
}
