//! Questions that a person answers with yes.

use std::io;
use std::io::IsTerminal;
use std::io::Write;

use anyhow::Context;
use anyhow::anyhow;

use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;

/// Whether nobody can answer a question that `yes` has not answered.
pub(super) fn nobody_can_answer(yes: bool) -> bool {
    !yes && !io::stdin().is_terminal()
}

/// Goes on after `yes` or an answer of yes; `nobody` says what to do where nobody can answer, and
/// `refused` what follows from any other answer.
pub(super) fn confirm(
    yes: bool,
    question: &str,
    nobody: &str,
    refused: &str,
) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if nobody_can_answer(yes) {
        return Err(Failure::new(EXIT_USAGE, anyhow!("{nobody}")));
    }
    print!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdout()
        .flush()
        .and_then(|()| io::stdin().read_line(&mut answer))
        .context("cannot ask")
        .or_exit(EXIT_UNAVAILABLE)?;
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    Err(Failure::new(EXIT_USAGE, anyhow!("{refused}")))
}
