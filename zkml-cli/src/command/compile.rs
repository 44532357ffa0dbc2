//! `zkml compile`: a model quantised and laid out.

use super::inspect::{cost_json, cost_lines};
use crate::{
    args::Compile,
    exit::{CliError, Outcome},
    files, load,
    output::Output,
};
use serde_json::json;

pub(crate) fn run(args: &Compile, output: &Output) -> Result<Outcome, CliError> {
    let model = load::model(&args.model, &args.import)?;
    let options = load::compile_options(&model, &args.precision, &args.machine, None)?;
    let program = model.compile(&options).map_err(|e| CliError::from(e).about(&args.model))?;
    if let Some(report) = program.report() {
        output.note(report.to_text());
    }
    files::write(&args.output, &program.to_bytes(), output)?;
    let (cost, digest) = (program.cost(), hex::encode(program.compiled().digest()));
    let text = format!("{}\n  digest 0x{digest}\n{}", args.output.display(), cost_lines(&cost));
    let document = json!({
        "file": args.output.display().to_string(),
        "digest": format!("0x{digest}"),
        "cost": cost_json(&cost),
        "report": program.report(),
    });
    if files::is_standard(&args.output) {
        output.note(text);
    } else {
        output.result("compile", document, text)?;
    }
    Ok(Outcome::Done)
}
