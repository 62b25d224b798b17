//! `habituate eval`: is learning worth it on these recordings?

pub(crate) mod args;
mod audit;
mod fewshot;
mod forgetting;
mod novelty;
mod robustness;
mod studio;
mod transfer;

use std::fs;

use anyhow::Context;

use crate::cli::eval::args::CommonArgs;
use crate::cli::eval::args::Eval;
use crate::cli::eval::args::EvalArgs;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::emit::chart::ChartError;
use crate::emit::table::Cell;
use crate::pipeline::eval::statistics::Difference;
use crate::pipeline::eval::stream::StreamError;
use crate::pipeline::eval::truth::TruthError;

pub(crate) fn main(args: &EvalArgs) -> Result<(), Failure> {
    match &args.what {
        Eval::Novelty(args) => novelty::main(args),
        Eval::Fewshot(args) => fewshot::main(args),
        Eval::Forgetting(args) => forgetting::main(args),
        Eval::Transfer(args) => transfer::main(args),
        Eval::Robustness(args) => robustness::main(args),
        Eval::Audit(args) => audit::main(args),
    }
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Input(error) => error.into(),
            StreamError::Encoder(error) => error.into(),
            StreamError::TooLong { .. } => Self::new(EXIT_UNAVAILABLE, error),
            _ => Self::new(EXIT_INPUT, error),
        }
    }
}

impl From<TruthError> for Failure {
    fn from(error: TruthError) -> Self {
        Self::new(EXIT_INPUT, error)
    }
}

/// A difference and the ends of its interval, as cells of a table.
fn difference(found: Option<Difference>) -> [Cell; 3] {
    let interval = found.and_then(|(_, interval)| interval);
    let figures = [
        found.map(|(difference, _)| difference),
        interval.map(|interval| interval.low),
        interval.map(|interval| interval.high),
    ];
    figures.map(|figure| Cell::Number(figure, 3))
}

/// Writes the picture, where one is wanted.
fn draw(
    common: &CommonArgs,
    picture: impl FnOnce() -> Result<String, ChartError>,
) -> Result<(), Failure> {
    let Some(path) = &common.plot else { return Ok(()) };
    let svg = picture().or_exit(EXIT_SOFTWARE)?;
    fs::write(path, svg)
        .with_context(|| format!("cannot write {}", path.display()))
        .or_exit(EXIT_DISK)
}
