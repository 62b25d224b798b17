//! One encoder timed in a process of its own: its memory can be told from that of others, and a
//! runtime that ends the process ends only this one.

use std::env;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use crate::base::clock::SystemClock;
use crate::cli::encoder_at::EncoderAt;
use crate::cli::exit::Failure;
use crate::encode::network::Runtime;
use crate::pipeline::speed;
use crate::pipeline::usage::Usage;

/// What it costs to run an encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    /// Milliseconds a window, without the front end.
    pub(crate) ms: f64,
    /// Memory that opening and running it took.
    pub(crate) bytes: f64,
}

/// In the process of its own: two numbers on standard output.
pub(super) fn main(runtime: Runtime, named: &EncoderAt, seconds: f64) -> Result<(), Failure> {
    let before = Usage::now().resident_bytes;
    let mut encoder = named.open(runtime)?;
    let span = Duration::from_secs_f64(seconds);
    let ms = speed::encode_ms(encoder.as_mut(), &SystemClock, span)?;
    println!("{ms} {}", Usage::now().resident_bytes.saturating_sub(before));
    Ok(())
}

/// Starts such a process and waits for its answer.
///
/// # Errors
///
/// What it said last, in words.
pub(crate) fn measure(runtime: Runtime, named: &EncoderAt, seconds: f64) -> Result<Cost, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(["bench", "--alone", runtime.name(), "--encoder", &named.to_string(), "--seconds"])
        .arg(seconds.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text.split_whitespace().map(str::parse);
        if let (Some(Ok(ms)), Some(Ok(bytes))) = (numbers.next(), numbers.next()) {
            return Ok(Cost { ms, bytes });
        }
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().last().map(|line| line.trim_start_matches("habituate: "));
    Err(last.map_or_else(|| format!("it ended with {}", output.status), str::to_owned))
}
