//! `habituate replay`: recordings through the same pipeline.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::base::modality::Modality;
use crate::base::stop::Stop;
use crate::capture::Source;
use crate::cli::args::EncoderArgs;
use crate::cli::args::ReplayArgs;
use crate::cli::encoders;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::progress::Progress;
use crate::cli::signals;
use crate::config::daemon::Settings;
use crate::config::source::SourceSettings;
use crate::emit::plot;
use crate::emit::plot::Point;
use crate::emit::report::Report;
use crate::emit::scores::ScoresCsv;
use crate::pipeline;
use crate::pipeline::beside::Part;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::replay;
use crate::pipeline::resume;
use crate::pipeline::resume::Keeper;
use crate::pipeline::resume::OpenOptions;
use crate::pipeline::track::Track;
use crate::pipeline::usage::Usage;
use crate::pipeline::window::Scored;
use crate::store::checkpoint::FORMAT_VERSION;
use crate::store::state_dir::StateDir;

#[expect(clippy::disallowed_methods, reason = "the wall seconds of a report are the wall's")]
pub(crate) fn main(args: &ReplayArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let settings = Settings::load(args.learn.config.as_deref())?;
    if let Some(learn_until) = args.learn_until
        && (learn_until.is_nan() || learn_until < 0.0)
    {
        let error = anyhow::anyhow!("--learn-until {learn_until} must be 0 seconds or more");
        return Err(Failure::new(EXIT_USAGE, error));
    }
    let stop = Stop::default();
    signals::connect(&stop).or_exit(EXIT_SOFTWARE)?;

    let source = SourceSettings::recording(
        &args.source,
        args.inputs.clone(),
        args.realtime,
        args.frames_per_s,
    );
    let seed = args.learn.seed.unwrap_or(settings.seed);
    let mut input = open::open(&source, &OpenWith { stop: stop.clone(), seed })?;
    let mut second = match &args.beside {
        Some(path) => Some(open_beside(args, path, &settings, input.modality(), &stop)?),
        None => None,
    };
    let encoder = encoders::open(&args.learn.encoder, &source, input.modality())?;
    let encoder_name = encoder.manifest().name.clone();
    let (mut track, mut keeper) = match &args.learn.state {
        Some(path) => {
            let dir = Arc::new(StateDir::open(path)?);
            let options = OpenOptions {
                source: &args.source,
                learn: &settings.learn,
                checkpoint: settings.checkpoint,
                seed,
            };
            let (track, keeper) = resume::open(&dir, encoder, options)?;
            (track, Some(keeper))
        }
        None => (Track::new(encoder, &settings.learn, seed)?, None),
    };
    if let Some(seconds) = args.learn_until {
        track.learn_until(seconds);
    }
    let mut out = Outputs::open(args)?;
    let progress = Progress::new(input.total_s());
    let mut on_window = |name: &str, scored: &Scored<'_>| {
        out.window(name, scored);
        progress.at(scored.end_s, out.message(scored));
    };
    let result = match &mut second {
        None => {
            let mut told = |scored: &Scored<'_>| on_window(&args.source, scored);
            let run = replay::run(input.as_mut(), &mut track, keeper.as_mut(), &stop, &mut told);
            run.map(|()| None)
        }
        Some((other, other_track)) => {
            let first = Part { source: input.as_mut(), track: &mut track };
            let second = Part { source: other.as_mut(), track: other_track };
            let names = [args.source.as_str(), "beside"];
            let told = &mut |which: usize, scored: &Scored<'_>| on_window(names[which], scored);
            pipeline::beside::run([first, second], seed, &stop, told).map(Some)
        }
    };
    progress.done();
    // What was scored before an input failed is still of use.
    let scores_bytes = out.finish(args)?;
    let beside = result?;

    let mut report = track.report();
    report.beside = beside;
    report.inputs = args.inputs.iter().map(|p| p.display().to_string()).collect();
    report.encoder = encoder_name;
    report.warnings.extend(input.take_warnings());
    finish_report(&mut report, keeper.as_ref(), scores_bytes, started.elapsed().as_secs_f64());
    if let Some(path) = &args.report {
        write_file(path, report.to_json().as_bytes())?;
    }
    for warning in &report.warnings {
        eprintln!("warning: {warning}");
    }
    println!("{}", summary(&report));
    Ok(())
}

/// Opens a recording of the other sense than `first`, to be lived through beside it.
fn open_beside(
    args: &ReplayArgs,
    path: &Path,
    settings: &Settings,
    first: Modality,
    stop: &Stop,
) -> Result<(Box<dyn Source>, Track), Failure> {
    let paths = vec![path.to_path_buf()];
    let source = SourceSettings::recording("beside", paths, args.realtime, args.frames_per_s);
    let seed = args.learn.seed.unwrap_or(settings.seed);
    let input = open::open(&source, &OpenWith { stop: stop.clone(), seed })?;
    let modality = input.modality();
    if modality == first {
        let sense = match modality {
            Modality::Sound => "sound",
            Modality::Picture => "pictures",
        };
        let error = anyhow::anyhow!(
            "both {} and --beside {} are {sense}; give pictures beside sound, or sound beside pictures",
            args.inputs.first().map(|input| input.display().to_string()).unwrap_or_default(),
            path.display()
        );
        return Err(Failure::new(EXIT_USAGE, error));
    }
    let encoder = encoders::open(&EncoderArgs::default(), &source, modality)?;
    let track = Track::new(encoder, &settings.learn, seed)?;
    Ok((input, track))
}

/// Fills in what only the process knows.
pub(crate) fn finish_report(
    report: &mut Report,
    keeper: Option<&Keeper>,
    more_bytes: u64,
    wall_s: f64,
) {
    let usage = Usage::now();
    report.wall_s = wall_s;
    report.cpu_s = usage.cpu_s;
    report.peak_resident_bytes = usage.peak_resident_bytes;
    report.bytes_written = more_bytes + keeper.map_or(0, |k| k.bytes_written);
    report.checkpoint_sha256 = keeper.map(|k| k.newest_sha256.clone()).unwrap_or_default();
    for (name, version) in [
        ("habituate", env!("CARGO_PKG_VERSION")),
        ("checkpoint_format", &FORMAT_VERSION.to_string()),
        ("tract-onnx", "0.23.9"),
    ] {
        report.versions.insert(name.into(), version.into());
    }
}

/// The report in a few lines, for people.
pub(crate) fn summary(report: &Report) -> String {
    let minutes = report.input_s / 60.0;
    let skill = |value: Option<f64>| {
        value.map_or_else(|| "not yet known".into(), |v| format!("{:.0} %", 100.0 * v))
    };
    let speed = report.input_s / report.cpu_s.max(1e-3);
    let beside =
        report.beside.map_or_else(String::new, |beside| format!("\nbeside: {}", beside.in_words()));
    format!(
        "{minutes:.1} minutes of input, {} windows, {} events, {} kept out of learning\n\
         learning: {} updates, {} commits, {} rejections; predicts {} better than the mean, {} better \
         than \"as before\"\n\
         cost: {:.1} CPU seconds ({speed:.0}x real time), {} MiB at most{beside}",
        report.windows,
        report.events,
        report.quarantined_windows,
        report.updates,
        report.commits,
        report.rejections,
        skill(report.skill_vs_mean),
        skill(report.skill_vs_persistence),
        report.cpu_s,
        report.peak_resident_bytes / 1_048_576,
    )
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|e| anyhow::Error::new(e).context(format!("cannot write {}", path.display())))
        .or_exit(EXIT_DISK)
}

/// Where scored windows go.
struct Outputs {
    csv: Option<ScoresCsv<BufWriter<File>>>,
    failed: Option<std::io::Error>,
    points: Option<Vec<Point>>,
    events: u64,
}

impl Outputs {
    fn open(args: &ReplayArgs) -> Result<Self, Failure> {
        let csv = match &args.scores {
            Some(path) => {
                let context = || format!("cannot write {}", path.display());
                let file = File::create(path)
                    .map_err(|e| anyhow::Error::new(e).context(context()))
                    .or_exit(EXIT_DISK)?;
                Some(ScoresCsv::new(BufWriter::new(file)).or_exit(EXIT_DISK)?)
            }
            None => None,
        };
        Ok(Self { csv, failed: None, points: args.plot.is_some().then(Vec::new), events: 0 })
    }

    fn window(&mut self, source: &str, scored: &Scored<'_>) {
        self.events += u64::from(scored.score.event);
        if let Some(csv) = &mut self.csv
            && self.failed.is_none()
            && let Err(error) = csv.write(&scored.row(source))
        {
            self.failed = Some(error);
        }
        if let Some(points) = &mut self.points {
            points.push(scored.point());
        }
    }

    fn message(&self, scored: &Scored<'_>) -> String {
        match scored.score.novelty {
            Some(novelty) => format!("novelty {novelty:>5.1}  events {}", self.events),
            None => "learning what is usual".into(),
        }
    }

    /// Bytes written.
    fn finish(mut self, args: &ReplayArgs) -> Result<u64, Failure> {
        if let Some(csv) = &mut self.csv
            && self.failed.is_none()
        {
            self.failed = csv.flush().err();
        }
        if let Some(error) = self.failed {
            let path = args.scores.as_deref().unwrap_or(Path::new("scores"));
            let context = format!("cannot write {}", path.display());
            return Err(Failure::new(EXIT_DISK, anyhow::Error::new(error).context(context)));
        }
        let mut bytes = args.scores.as_ref().map_or(0, |p| p.metadata().map_or(0, |m| m.len()));
        if let (Some(path), Some(points)) = (&args.plot, &self.points) {
            let title = args.inputs.first().map(|p| p.display().to_string()).unwrap_or_default();
            let svg = plot::novelty_svg(&title, points, &[]).or_exit(EXIT_SOFTWARE)?;
            write_file(path, svg.as_bytes())?;
            bytes += svg.len() as u64;
        }
        Ok(bytes)
    }
}
