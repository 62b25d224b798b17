//! `habituate selftest`: does this processor compute what the encoders' makers saw?

use anyhow::anyhow;

use crate::cli::args::SelftestArgs;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::Failure;
use crate::encode;
use crate::encode::bundled;
use crate::encode::selftest;

pub(crate) fn main(args: &SelftestArgs) -> Result<(), Failure> {
    let encoders: Vec<(&str, Option<&std::path::Path>)> = match &args.encoder.encoder {
        Some(name) => vec![(name, args.encoder.encoder_file.as_deref())],
        None => bundled::all().iter().map(|bundled| (bundled.name, None)).collect(),
    };
    let mut failed = Vec::new();
    for (name, file) in encoders {
        let mut encoder = encode::open_in(args.encoder.runtime.unwrap_or_default(), name, file)?;
        let outcome = selftest::selftest(encoder.as_mut())?;
        let verdict = if outcome.passed { "ok" } else { "WRONG" };
        match (outcome.max_error, outcome.tolerance) {
            (Some(error), Some(allowed)) => println!(
                "{verdict:<6} {name}: largest difference from its golden output {error:.1e}, \
                 allowed {allowed:.0e}"
            ),
            _ => println!("{verdict:<6} {name}: its manifest has no golden output to compare with"),
        }
        if !outcome.passed {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let error = anyhow!(
        "{} computes wrong numbers on this processor; its scores would mean nothing here",
        failed.join(", ")
    );
    Err(Failure::new(EXIT_UNAVAILABLE, error))
}
