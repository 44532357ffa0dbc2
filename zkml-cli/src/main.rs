//! The `zkml` command: see `zkml --help`.

mod allocator;
mod args;
mod cache;
mod command;
mod exit;
mod files;
mod load;
mod memory;
mod msm;
mod output;
mod phases;
mod progress;
mod usage;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::share_one_heap();
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // clap prints help and version to stdout, mistakes to stderr.
            let code = if error.use_stderr() { exit::USAGE } else { exit::OK };
            let _ = error.print();
            if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
                output::print_failure(error.to_string().trim_end(), None, code);
            }
            return ExitCode::from(code);
        }
    };
    files::remove_unfinished_on_interrupt();
    let output = output::Output::new(&args.global);
    match command::run(&args, &output) {
        Ok(verdict) => ExitCode::from(verdict.code()),
        Err(error) => {
            if error.is_broken_pipe() {
                return ExitCode::from(exit::OK);
            }
            output.failure(&error);
            ExitCode::from(error.code())
        }
    }
}
