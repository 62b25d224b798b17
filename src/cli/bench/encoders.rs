//! `habituate bench --encoders`: every encoder in every runtime.

use crate::cli::bench::alone;
use crate::cli::bench::args::BenchArgs;
use crate::cli::encoder_at::EncoderAt;
use crate::cli::encoders;
use crate::cli::exit::Failure;
use crate::cli::progress::Progress;
use crate::cli::tables;
use crate::config::manifest::FrontEnd;
use crate::config::manifest::Manifest;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::encode::error::EncodeError;
use crate::encode::network::Runtime;

const COLUMNS: [(&str, &str); 7] = [
    ("encoder", "encoder"),
    ("for", "for"),
    ("window_ms", "window ms"),
    ("tract_ms", "tract ms"),
    ("tract_mb", "MB"),
    ("onnxruntime_ms", "onnxruntime ms"),
    ("ratio", "tract / onnxruntime"),
];

pub(super) fn main(args: &BenchArgs) -> Result<(), Failure> {
    let names: Vec<EncoderAt> = match args.encoder.as_slice() {
        [] => encoders::all_names().into_iter().map(EncoderAt::named).collect(),
        names => names.to_vec(),
    };
    let second = cfg!(feature = "onnxruntime");
    let mut table = Table::new(&COLUMNS);
    let mut notes = Vec::new();
    // All are opened before any is timed: what cannot be read is said at once, not after minutes.
    let mut found = Vec::new();
    for name in names {
        let built_in = name.open(Runtime::Tract);
        let opened = match built_in {
            // The built-in runtime lacks something; the table has a cell for the other.
            Err(EncodeError::Operators { .. }) if second => name.open(Runtime::OnnxRuntime),
            other => other,
        };
        match opened {
            Ok(encoder) => found.push((name, encoder.manifest().clone())),
            // One broken encoder must not hide the others, unless it was asked for.
            Err(error) if args.encoder.is_empty() => {
                notes.push(format!("{name}: {:#}", anyhow::Error::new(error)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let progress = Progress::new(Some(found.len() as f64));
    for (done, (name, manifest)) in found.iter().enumerate() {
        progress.at(done as f64, name.to_string());
        let mut cost = |runtime: Runtime| {
            let measured = alone::measure(runtime, name, args.seconds);
            let note = |words: &String| notes.push(format!("{name}, {}: {words}", runtime.name()));
            measured.inspect_err(note).ok()
        };
        let built_in = cost(Runtime::Tract);
        let other = if second { cost(Runtime::OnnxRuntime) } else { None };
        let ratio = built_in.zip(other).map(|(built_in, other)| built_in.ms / other.ms);
        table.push(vec![
            Cell::text(&name.name),
            Cell::text(manifest.modality().name()),
            Cell::Number(window_ms(manifest), 0),
            Cell::Number(built_in.map(|cost| cost.ms), 3),
            Cell::Number(built_in.map(|cost| cost.bytes / 1e6), 1),
            Cell::Number(other.map(|cost| cost.ms), 3),
            Cell::Number(ratio, 2),
        ]);
    }
    progress.done();
    if !second {
        notes.push("onnxruntime is not built in; cargo build --features onnxruntime does".into());
    }
    tables::print(&table, args.table, &notes);
    Ok(())
}

/// From one window to the next; pictures have no time of their own.
fn window_ms(manifest: &Manifest) -> Option<f64> {
    match &manifest.input.front_end {
        FrontEnd::Sound(spec) => Some(1e3 * spec.hop_s()),
        FrontEnd::Picture(_) => None,
    }
}
