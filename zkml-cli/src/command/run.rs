//! `zkml run`: inference in integers, exactly as it would be proven, or in floats.

use crate::{
    args::{Machine, Run},
    exit::{CliError, Outcome},
    files, load,
    output::Output,
};
use std::path::Path;
use zkml::{
    Tensor,
    core::{
        exec::{float, integer::Executor},
        io::{Format, InputSpec, write_json, write_npz},
        program::Program,
    },
};

type Named = Vec<(String, Tensor<f32>)>;

pub(crate) fn run(args: &Run, output: &Output) -> Result<Outcome, CliError> {
    let about = |e: CliError| e.about(&args.input);
    let outputs = if load::is_compiled(&args.model) {
        if args.float {
            return Err(CliError::usage("a compiled model runs in integers only")
                .about(&args.model)
                .help("give the .onnx file to --float"));
        }
        let program = load::program(&args.model)?;
        let program = program.compiled().program();
        let input = load::input(&args.input, &InputSpec::of_program(program))?;
        integers(program, &input).map_err(about)?
    } else {
        let model = load::model(&args.model, &args.import)?;
        let input = load::input(&args.input, &InputSpec::of_graph(model.graph()))?;
        if args.float {
            let trace = float::run(model.graph(), &input).map_err(|e| about(e.into()))?;
            let names = model.graph().outputs().iter().map(|(name, _)| name.clone());
            names.zip(trace.outputs().into_iter().cloned()).collect()
        } else {
            if args.precision.settings.is_none() && args.precision.data.is_none() {
                output.note("calibrated on the input itself: pass --settings or --data");
            }
            let fallback = [input.clone()];
            let machine = Machine::default();
            let options =
                load::compile_options(&model, &args.precision, &machine, Some(&fallback))?;
            let program =
                model.compile(&options).map_err(|e| CliError::from(e).about(&args.model))?;
            integers(program.compiled().program(), &input).map_err(about)?
        }
    };
    write(args.output.as_deref(), &outputs, output)?;
    Ok(Outcome::Done)
}

fn integers(program: &Program, input: &[Tensor<f32>]) -> Result<Named, CliError> {
    let trace = Executor::new(program)?.run_real(input)?;
    let names = program.outputs.iter().map(|o| o.name.clone());
    let outputs = trace.real_outputs(program).into_iter().map(|t| t.map(|v| *v as f32));
    Ok(names.zip(outputs).collect())
}

fn write(path: Option<&Path>, outputs: &Named, output: &Output) -> Result<(), CliError> {
    let Some(path) = path.filter(|p| !files::is_standard(p)) else {
        if output.is_json() {
            let text = write_json(outputs)?;
            let values: serde_json::Value = serde_json::from_str(&text)
                .map_err(|e| CliError::invalid(format!("outputs are no JSON: {e}")))?;
            return output.result("run", serde_json::json!({ "outputs": values }), "");
        }
        return output.raw(write_json(outputs)?);
    };
    let bytes = match Format::of(path)? {
        Format::Json => write_json(outputs)?.into_bytes(),
        Format::Npz => write_npz(outputs)?,
        _ => return Err(CliError::usage("outputs are written as .json or .npz").about(path)),
    };
    files::write(path, &bytes, output)?;
    output.written("run", path)
}
