//! `habituate replay`: recordings through the same pipeline.

use std::fs::File;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::base::counted::counted;
use crate::base::modality::Modality;
use crate::base::stop::Stop;
use crate::capture::Source;
use crate::cli::args::EncoderArgs;
use crate::cli::args::ReplayArgs;
use crate::cli::encoders;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::outputs;
use crate::cli::outputs::Named;
use crate::cli::progress::Progress;
use crate::cli::signals;
use crate::config::daemon::Settings;
use crate::config::source::SourceSettings;
use crate::emit::plot;
use crate::emit::plot::Point;
use crate::emit::report::Report;
use crate::emit::report::skill_in_words;
use crate::emit::scores::ScoresCsv;
use crate::pipeline;
use crate::pipeline::beside::Part;
use crate::pipeline::losses;
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
    refuse_clashes(args)?;
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
    let dir = args.learn.state.as_deref().map(StateDir::open).transpose()?.map(Arc::new);
    let encoder =
        encoders::open_to_go_on(&args.learn.encoder, &source, input.modality(), dir.as_deref())?;
    let encoder_name = encoder.manifest().name.clone();
    let (mut track, mut keeper) = match dir {
        Some(dir) => {
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
    let before = track.report();
    if let Some(seconds) = args.learn_until {
        track.learn_until(seconds);
    }
    let mut out = Outputs::open(args)?;
    let report_file = args.report.as_deref().map(outputs::claim).transpose()?;
    let progress = Progress::new(input.total_s());
    let mut is_any = false;
    let mut on_window = |name: &str, scored: &Scored<'_>| {
        is_any = true;
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
    let stopped = stop.is_requested();
    progress.done();
    // What was scored before an input failed is still of use.
    let scores_bytes = out.finish(args)?;
    let beside = result?;

    let mut report = track.report();
    report.beside = beside;
    report.stopped = stopped;
    report.inputs = args.inputs.iter().map(|p| p.display().to_string()).collect();
    report.encoder = encoder_name;
    report.warnings.extend(input.take_warnings());
    finish_report(&mut report, keeper.as_ref(), scores_bytes, started.elapsed().as_secs_f64());
    if let (Some(path), Some(file)) = (&args.report, report_file) {
        outputs::fill(path, file, |out| out.write_all(report.to_json().as_bytes()))?;
    }
    // The log has told of objectives that do not go with this sense.
    let idle = track.idle_in_words();
    let new: Vec<&String> =
        report.warnings.iter().filter(|&warning| idle.as_ref() != Some(warning)).collect();
    for warning in &new {
        eprintln!("warning: {warning}");
    }
    println!("{}", summary(&report, &before, input.total_s()));
    if is_any || stopped { Ok(()) } else { Err(nothing_scored(new.is_empty())) }
}

fn nothing_scored(is_healthy: bool) -> Failure {
    let why = match is_healthy {
        true => "the input is empty or shorter than a window",
        false => "the warnings above say why",
    };
    Failure::new(EXIT_INPUT, anyhow::anyhow!("nothing was scored: {why}"))
}

fn refuse_clashes(args: &ReplayArgs) -> Result<(), Failure> {
    let options = [("--scores", &args.scores), ("--report", &args.report), ("--plot", &args.plot)];
    let outputs: Vec<Named<'_>> =
        options.iter().filter_map(|(option, path)| Some((*option, path.as_deref()?))).collect();
    let beside = args.beside.iter().map(|path| ("--beside", path.as_path()));
    let inputs = args.inputs.iter().map(|path| ("INPUT", path.as_path()));
    outputs::refuse_clashes(&outputs, &inputs.chain(beside).collect::<Vec<_>>())
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
        let sense = modality.content();
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

/// The report in a few lines, for people: of this run, where `before` is what was reported when it began. `total_s`
/// of the whole input, where it is known.
pub(crate) fn summary(report: &Report, before: &Report, total_s: Option<f64>) -> String {
    let minutes = report.input_s / 60.0;
    let input = match (report.stopped, total_s) {
        (false, _) => format!("{minutes:.1} minutes of input"),
        (true, None) => format!("stopped after {minutes:.1} minutes of input"),
        (true, Some(total_s)) => {
            format!("stopped after {minutes:.1} of {:.1} minutes of input", total_s / 60.0)
        }
    };
    let lost = losses::in_words(&report.losses).map_or_else(String::new, |words| words + "\n");
    let skills =
        [(report.skill_vs_mean, "the mean"), (report.skill_vs_persistence, "\"as before\"")];
    let known = skills.iter().filter_map(|(skill, than)| {
        skill.map(|skill| format!("{} than {than}", skill_in_words(skill)))
    });
    let skill = match known.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "how well it predicts is not yet known".into(),
        words => format!("predicts {words}"),
    };
    let speed = report.input_s / report.cpu_s.max(1e-3);
    let beside =
        report.beside.map_or_else(String::new, |beside| format!("\nbeside: {}", beside.in_words()));
    let earlier = match before.windows {
        0 => String::new(),
        earlier => format!(
            "\nbefore: {} and {} in earlier runs",
            counted(earlier, "window"),
            counted(before.events, "event")
        ),
    };
    format!(
        "{input}, {}, {}, {} kept out of learning\n{lost}\
         learning: {}, {}, {}; {skill}\n\
         cost: {:.1} CPU seconds ({speed:.0}x real time), {} MiB at most{beside}{earlier}",
        counted(report.windows - before.windows, "window"),
        counted(report.events - before.events, "event"),
        report.quarantined_windows - before.quarantined_windows,
        counted(report.updates - before.updates, "update"),
        counted(report.commits - before.commits, "commit"),
        counted(report.rejections - before.rejections, "rejection"),
        report.cpu_s,
        report.peak_resident_bytes / 1_048_576,
    )
}

/// Where scored windows go.
struct Outputs {
    csv: Option<ScoresCsv<BufWriter<File>>>,
    failed: Option<std::io::Error>,
    plot: Option<File>,
    points: Vec<Point>,
    events: u64,
}

impl Outputs {
    fn open(args: &ReplayArgs) -> Result<Self, Failure> {
        let scores = args.scores.as_deref().map(outputs::create).transpose()?;
        let csv = scores
            .map(|file| ScoresCsv::new(BufWriter::new(file)))
            .transpose()
            .or_exit(EXIT_DISK)?;
        let plot = args.plot.as_deref().map(outputs::claim).transpose()?;
        Ok(Self { csv, failed: None, plot, points: Vec::new(), events: 0 })
    }

    fn window(&mut self, source: &str, scored: &Scored<'_>) {
        self.events += u64::from(scored.score.event);
        if let Some(csv) = &mut self.csv
            && self.failed.is_none()
            && let Err(error) = csv.write(&scored.row(source))
        {
            self.failed = Some(error);
        }
        if self.plot.is_some() {
            self.points.push(scored.point());
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
            return Err(Failure::new(EXIT_DISK, outputs::cannot_write(path, error)));
        }
        let mut bytes = args.scores.as_ref().map_or(0, |p| p.metadata().map_or(0, |m| m.len()));
        if let (Some(path), Some(file)) = (&args.plot, self.plot) {
            let first = args.inputs.first().map(|p| p.display().to_string()).unwrap_or_default();
            let title = match args.inputs.len() {
                0 | 1 => first,
                inputs => format!("{first} and {} more", inputs - 1),
            };
            let svg = plot::novelty_svg(&title, &self.points, &[]).or_exit(EXIT_SOFTWARE)?;
            outputs::fill(path, file, |out| out.write_all(svg.as_bytes()))?;
            bytes += svg.len() as u64;
        }
        Ok(bytes)
    }
}
