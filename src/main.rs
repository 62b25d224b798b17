//! The `habituate` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    habituate::cli::main()
}
