//! `habituate models verify`: is each file what its manifest says, and does it still compute the same?

use anyhow::anyhow;

use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::Failure;
use crate::cli::models::args::VerifyArgs;
use crate::encode;
use crate::encode::bundled;
use crate::encode::error::EncodeError;
use crate::encode::folder;
use crate::encode::network::Runtime;
use crate::encode::selftest;

/// What is off by so many times what is allowed was not rounded otherwise.
const FAR: f32 = 30.0;

pub(super) fn main(args: &VerifyArgs) -> Result<(), Failure> {
    let mut names = args.encoders.clone();
    if names.is_empty() {
        names.extend(bundled::all().iter().map(|bundled| bundled.name.to_owned()));
        names.extend(folder::names());
    }
    let mut wrong = Vec::new();
    for name in names {
        match verify(&name, args.runs.runtime) {
            Ok(None) => println!("ok     {name}"),
            Ok(Some(problem)) => {
                println!("WRONG  {name}: {problem}");
                wrong.push(name);
            }
            Err(error @ EncodeError::Runtime { .. }) => return Err(error.into()),
            // Added for another runtime: nothing is wrong with it.
            Err(EncodeError::Operators { operators, .. }) if args.encoders.is_empty() => {
                println!(
                    "left   {name}: the built-in runtime lacks {}; add --runtime onnxruntime",
                    operators.join(", ")
                );
            }
            Err(error) => {
                println!("WRONG  {name}: {:#}", anyhow::Error::new(error));
                wrong.push(name);
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::new(EXIT_UNAVAILABLE, anyhow!("not as described: {}", wrong.join(", "))))
}

/// What is wrong with its numbers; opening it compares the hash.
fn verify(name: &str, runtime: Runtime) -> Result<Option<String>, EncodeError> {
    let mut encoder = encode::open_in(runtime, name, None)?;
    let outcome = selftest::selftest(encoder.as_mut())?;
    Ok(match (outcome.passed, outcome.max_error, outcome.tolerance) {
        (true, _, _) => None,
        (false, Some(error), Some(allowed)) => {
            let why = match error <= FAR * allowed {
                true => "another processor or another version computes otherwise",
                false => {
                    "its manifest does not fit its network: look at input, nodes and golden table"
                }
            };
            Some(format!("{error:.1e} from its golden output, and {allowed:.0e} is allowed: {why}"))
        }
        (false, _, _) => Some("it gives numbers that are not finite".into()),
    })
}
