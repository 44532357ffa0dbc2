//! The commands, one file each.

mod bench;
mod calibrate;
mod compile;
mod contract;
mod inspect;
mod prove;
mod report;
mod run;
mod setup;
mod srs;
mod verify;
mod verify_vk;

use crate::{
    args::{Args, Command},
    exit::{CliError, Outcome},
    output::Output,
};
use clap::CommandFactory;
use serde_json::json;

/// Runs a command.
pub(crate) fn run(args: &Args, output: &Output) -> Result<Outcome, CliError> {
    match &args.command {
        Command::Inspect(args) => inspect::run(args, output),
        Command::Run(args) => run::run(args, output),
        Command::Calibrate(args) => calibrate::run(args, output),
        Command::Compile(args) => compile::run(args, output),
        Command::Srs(args) => srs::run(args, output),
        Command::Setup(args) => setup::run(args, output),
        Command::Prove(args) => prove::run(args, output),
        Command::Verify(args) => verify::run(args, output),
        Command::VerifyVk(args) => verify_vk::run(args, output),
        Command::ExportVerifier(args) => contract::export(args, output),
        Command::EvmVerify(args) => contract::verify(args, output),
        Command::Report(args) => report::run(args, output),
        Command::Bench(args) => bench::run(args, output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "zkml", &mut script);
            let script = String::from_utf8_lossy(&script);
            let document = json!({ "shell": shell.to_string(), "script": script });
            output.result("completions", document, &script)?;
            Ok(Outcome::Done)
        }
    }
}
