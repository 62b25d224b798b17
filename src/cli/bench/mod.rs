//! `habituate bench`: how fast this machine is.

pub(crate) mod alone;
pub(crate) mod args;
mod encoders;
mod stages;

use anyhow::anyhow;

use crate::cli::bench::args::BenchArgs;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;

/// Longest time that one figure may take, seconds.
const MOST_S: f64 = 600.0;

pub(crate) fn main(args: &BenchArgs) -> Result<(), Failure> {
    if !(0.0..=MOST_S).contains(&args.seconds) {
        let error = anyhow!("--seconds {} is outside 0 to {MOST_S}", args.seconds);
        return Err(Failure::new(EXIT_USAGE, error));
    }
    match (args.alone, args.encoder.first()) {
        (Some(runtime), Some(named)) => alone::main(runtime, named, args.seconds),
        _ if args.encoders => encoders::main(args),
        _ => stages::main(args),
    }
}
