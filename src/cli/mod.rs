//! The command line. The only place that prints.

// Its macros shadow those of the standard library in all that follows.
#[macro_use]
mod print;

mod args;
mod bench;
mod beside;
mod check;
mod demo;
mod devices;
mod doctor;
mod embed;
mod encoder_at;
mod encoders;
mod eval;
mod exit;
mod journal;
mod models;
mod names;
mod outputs;
mod pages;
mod progress;
mod reload;
mod replay;
mod run;
mod selftest;
mod service;
mod signals;
mod state;
mod status;
mod support;
mod tables;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::Args;
use crate::cli::args::Command;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(usage) => {
            if usage.use_stderr() && journal::is_journal() {
                eprint!("{}", journal::as_error(&usage.to_string()));
            } else if let Err(error) = usage.print()
                && !usage.use_stderr()
            {
                print::end(&error);
            }
            return ExitCode::from(if usage.use_stderr() { EXIT_USAGE } else { 0 });
        }
    };
    start_log(args.verbose);
    match dispatch(args.command) {
        Ok(()) => {
            print::flush();
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let text = format!("habituate: {:#}\n", failure.error);
            eprint!("{}", if journal::is_journal() { journal::as_error(&text) } else { text });
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::main(&args),
        Command::Demo(args) => demo::main(&args),
        Command::Replay(args) => replay::main(&args),
        Command::Embed(args) => embed::main(&args),
        Command::Eval(args) => eval::main(&args),
        Command::Devices => devices::main(),
        Command::Check(args) => check::main(&args),
        Command::Selftest(args) => selftest::main(&args),
        Command::Bench(args) => bench::main(&args),
        Command::Doctor(args) => doctor::main(&args),
        Command::Support(args) => support::main(&args),
        Command::Pages(args) => pages::main(&args),
        Command::Status(args) => status::main(&args),
        Command::Teach(args) => names::teach(&args),
        Command::Names(args) => names::names(&args),
        Command::Search(args) => names::search(&args),
        Command::Normal(args) => names::words::mark(&args, true),
        Command::Unusual(args) => names::words::mark(&args, false),
        Command::State(args) => names::words::state(&args),
        Command::Models(args) => models::main(&args),
    }
}

/// Warnings and up, or what `RUST_LOG` says; `-v` for information, `-vv` for everything of ours.
/// The journal gets level and source as it wants them, and no time.
fn start_log(verbose: u8) {
    let level = match verbose {
        // Libraries warn of healthy files: of sound that they read, and of networks for an older opset.
        0 => "warn,symphonia=error,tract_onnx=error",
        1 => "warn,habituate=info",
        _ => "info,habituate=debug",
    };
    let env = env_logger::Env::default().default_filter_or(level);
    let mut log = env_logger::Builder::from_env(env);
    log.format_target(false);
    if journal::is_journal() {
        journal::start_log(log);
    } else {
        log.init();
    }
}
