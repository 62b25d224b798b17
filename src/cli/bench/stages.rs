//! `habituate bench`: what each step of a window's way costs.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use anyhow::anyhow;

use crate::base::clock::SystemClock;
use crate::base::machine::Machine;
use crate::base::modality::Modality;
use crate::cli::bench::args::BenchArgs;
use crate::cli::encoder_at::EncoderAt;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::progress::Progress;
use crate::cli::tables;
use crate::config::board::BoardToml;
use crate::config::learn::LearnToml;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::encode::bundled;
use crate::encode::network::Runtime;
use crate::pipeline::stages;

const COLUMNS: [(&str, &str); 12] = [
    ("encoder", "encoder"),
    ("front_ms", "front end ms"),
    ("encode_ms", "encode ms"),
    ("score_ms", "score ms"),
    ("learn_ms", "learn ms"),
    ("checkpoint_ms", "checkpoint ms"),
    ("checkpoint_mb", "MB"),
    ("window_s", "a window every s"),
    ("windows_per_s", "windows a second"),
    ("frames_per_s", "camera frames a second"),
    ("sources_a_core", "sources a core"),
    ("sources", "sources here"),
];

pub(super) fn main(args: &BenchArgs) -> Result<(), Failure> {
    let names = match args.encoder.as_slice() {
        [] => [bundled::DEFAULT_SOUND, bundled::DEFAULT_PICTURE]
            .map(|name| EncoderAt::named(name.into()))
            .to_vec(),
        names => names.to_vec(),
    };
    let learn = LearnToml::default().check().map_err(|e| anyhow!("{e}")).or_exit(EXIT_SOFTWARE)?;
    let span = Duration::from_secs_f64(args.seconds);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    // Below that learning gives way.
    let kept_free = 2 * BoardToml::default().least_memory_bytes;
    let memory = Machine::default().memory_available_bytes();
    let memory = memory.map(|bytes| bytes.saturating_sub(kept_free));
    let mut table = Table::new(&COLUMNS);
    let progress = Progress::new(Some(names.len() as f64));
    for (done, name) in names.iter().enumerate() {
        progress.at(done as f64, name.to_string());
        let encoder = name.open(Runtime::Tract)?;
        let is_picture = encoder.manifest().modality() == Modality::Picture;
        let stages = stages::time(encoder, &learn, &SystemClock, span)?;
        table.push(vec![
            Cell::text(&name.name),
            Cell::Number(Some(stages.front_ms), 3),
            Cell::Number(Some(stages.encode_ms), 3),
            Cell::Number(Some(stages.score_ms), 3),
            Cell::Number(Some(stages.learn_ms), 3),
            Cell::Number(Some(stages.checkpoint_ms), 3),
            Cell::Number(Some(stages.checkpoint_bytes as f64 / 1e6), 2),
            Cell::Number(Some(stages.hop_s), 2),
            Cell::Number(Some(stages.windows_per_s()), 1),
            Cell::Number(is_picture.then(|| stages.frames_per_s()), 1),
            Cell::Number(Some(stages.sources_a_core().floor()), 0),
            Cell::Number(Some(stages.sources(cores, memory)), 0),
        ]);
    }
    progress.done();
    let note = format!(
        "milliseconds a window; each source has a thread of its own, and this machine has {cores} \
         cores; windows a second are the most that a thread manages, and camera frames a second \
         (source.frames_per_s) and sources {:.0} % of them; sources here are those that its cores bear \
         and whose learners fit into the memory that is available; capture and sinks are not counted",
        100.0 * stages::MOST_SHARE
    );
    tables::print(&table, args.table, &[note]);
    Ok(())
}
