//! `habituate check`: a configuration's problems, effective settings and cost.

use std::fs;
use std::path::Path;

use anyhow::anyhow;

use crate::base::modality::Modality;
use crate::base::stop::Stop;
use crate::cli::args::CheckArgs;
use crate::cli::args::EncoderArgs;
use crate::cli::beside;
use crate::cli::encoders;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::Failure;
use crate::cli::state;
use crate::config::daemon;
use crate::config::daemon::ConfigError;
use crate::config::daemon::Settings;
use crate::config::source::SourceSettings;
use crate::pipeline::companion::Sight;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::track::Track;
use crate::store::state_dir::StateDir;

pub(crate) fn main(args: &CheckArgs) -> Result<(), Failure> {
    let path = args.config.as_deref().unwrap_or(Path::new("(no file)"));
    let text = match &args.config {
        Some(path) => fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?,
        None => String::new(),
    };
    let effective = daemon::effective(&text, path)?;
    let settings = Settings::parse(&text, path)?;

    let tracks = tracks(&settings, path)?;
    println!("{} is a valid configuration.\n\nEffective settings:", path.display());
    for setting in &effective {
        let origin = if setting.stated { "" } else { "  # default" };
        println!("  {} = {}{origin}", setting.key, setting.value);
    }
    println!("\nCost:");
    let mut per_day = 0.0;
    for (source, track) in settings.sources.iter().zip(&tracks) {
        let largest = track.largest_state_bytes() as f64;
        let every_s = settings.checkpoint.every_s;
        println!(
            "  {}: {}; checkpoints of up to {:.1} MB every {:.0} s, up to {:.0} MB a day on the disk, {} kept",
            source.name,
            track.describe(),
            largest / 1e6,
            every_s,
            86_400.0 / every_s * largest / 1e6,
            settings.checkpoint.predecessors + 1,
        );
        println!("    {}", track.describe_memory());
        if let Some(warning) = track.size_warning(settings.learn.memory_bytes) {
            println!("    warning: {warning}");
        }
        per_day += 86_400.0 / every_s * largest;
    }
    warn_of_writing(per_day, &settings);
    Ok(())
}

/// The chain of every source; what keeps any of them from being made is told of all at once.
fn tracks(settings: &Settings, path: &Path) -> Result<Vec<Track>, Failure> {
    let (mut tracks, mut sights, mut code, mut problems) =
        (Vec::new(), Vec::new(), None, Vec::new());
    for (index, source) in settings.sources.iter().enumerate() {
        match track(settings, source) {
            Ok((track, sight)) => {
                tracks.push(track);
                sights.push(sight);
            }
            Err(failure) => {
                let part = if failure.code == EXIT_INPUT { "paths" } else { "encoder" };
                problems.push(format!("source[{index}].{part}: {:#}", failure.error));
                code.get_or_insert(failure.code);
            }
        }
    }
    let Some(code) = code else {
        let senses: Vec<Modality> = sights.iter().map(|sight| sight.sense).collect();
        beside::check_senses(settings, &senses, Some(path))?;
        // Nothing is kept here that could change.
        drop(beside::introduce(settings, tracks.iter_mut(), &sights, settings.seed));
        return Ok(tracks);
    };
    let (count, problems) = (problems.len(), problems.join("\n"));
    let error = anyhow!("{path:?} has {count} problem(s):\n{problems}");
    Err(Failure::new(code, error))
}

fn track(settings: &Settings, source: &SourceSettings) -> Result<(Track, Sight), Failure> {
    let with = OpenWith { stop: Stop::default(), seed: settings.seed };
    let modality = open::modality(source, &with)?;
    let dir = StateDir::open_read_only(&state::directory(None, settings.state_dir.as_deref())).ok();
    let encoder = encoders::open_to_go_on(&EncoderArgs::default(), source, modality, dir.as_ref())?;
    let sight = Sight::of(&source.name, encoder.as_ref());
    Ok((Track::new(encoder, &settings.learn, settings.seed)?, sight))
}

/// Says so when checkpoints may use up what may be written in a day before it is over.
fn warn_of_writing(per_day: f64, settings: &Settings) {
    let most = settings.board.written_per_day_bytes as f64;
    if most < per_day {
        let enough_s = (settings.checkpoint.every_s * per_day / most / 60.0).ceil() * 60.0;
        println!(
            "  warning: {:.0} MB of checkpoints a day are more than board.written_per_day_bytes, {:.0} MB; \
             checkpoint.every_s = {enough_s:.0} would do",
            per_day / 1e6,
            most / 1e6,
        );
    }
}
