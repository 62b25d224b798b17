//! `habituate demo`: the whole program on a built-in place, live in the terminal.

use std::fs::File;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::base::modality::Modality;
use crate::base::stop::Stop;
use crate::capture::Source;
use crate::capture::synthetic;
use crate::capture::synthetic::Unusual;
use crate::cli::args::DemoArgs;
use crate::cli::args::EncoderArgs;
use crate::cli::encoders;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::outputs;
use crate::cli::progress::Progress;
use crate::cli::replay::finish_report;
use crate::cli::replay::summary;
use crate::cli::signals;
use crate::config::daemon::Settings;
use crate::config::source::SourceSettings;
use crate::emit::plot;
use crate::emit::plot::Known;
use crate::emit::plot::Point;
use crate::pipeline::replay;
use crate::pipeline::resume;
use crate::pipeline::resume::Keeper;
use crate::pipeline::resume::OpenOptions;
use crate::pipeline::track::Track;
use crate::pipeline::window::Scored;
use crate::store::state_dir::StateDir;

/// On a terminal the demo runs at this many times real time, so that one can watch it learn; on a
/// pipe nobody watches, and it runs as fast as it can.
const WATCHABLE: f64 = 60.0;

/// The default of one alarm an hour would leave nothing to watch: in this place something happens
/// about once a minute, so the budget is one alarm a minute.
const WATCHED_BUDGET: &str = "[learn]\nalarms_per_day = 1440.0\n";

/// Frames per second of the synthetic view.
const VIEW_FRAMES_PER_S: f64 = 1.0;

/// A line of progress on a pipe, once per so many seconds of input.
const PIPE_LINE_S: f64 = 120.0;

#[expect(clippy::disallowed_methods, reason = "pacing and the report follow the wall's clock")]
pub(crate) fn main(args: &DemoArgs) -> Result<(), Failure> {
    let started = Instant::now();
    if !(60.0..=1e6).contains(&args.seconds) {
        let error = anyhow::anyhow!("--seconds {} is outside 60 to 1000000", args.seconds);
        return Err(Failure::new(EXIT_USAGE, error));
    }
    let settings = Settings::parse(WATCHED_BUDGET, Path::new("the demo's settings"))?;
    let stop = Stop::default();
    signals::connect(&stop).or_exit(EXIT_SOFTWARE)?;
    let modality = if args.view { Modality::Picture } else { Modality::Sound };
    let encoder = encoders::open(&EncoderArgs::default(), &SourceSettings::default(), modality)?;
    let source_name = if args.view { "view" } else { "room" };
    let (mut track, mut keeper) = match &args.state {
        Some(path) => {
            let options = OpenOptions {
                source: source_name,
                learn: &settings.learn,
                checkpoint: settings.checkpoint,
                seed: args.seed,
            };
            let dir = Arc::new(StateDir::open(path)?);
            let (track, keeper) = resume::open(&dir, encoder, options)?;
            (track, Some(keeper))
        }
        None => (Track::new(encoder, &settings.learn, args.seed)?, None),
    };
    println!(
        "A built-in {source_name}: {:.0} minutes of it, with something unusual now and then.\n\
         Nobody tells the program when. It may raise one alarm a minute.",
        args.seconds / 60.0
    );
    println!("{}\n", track.describe());

    let mut seed = args.seed;
    loop {
        run_once(args, seed, &mut track, keeper.as_mut(), &stop, started)?;
        if !args.keep_running || stop.is_requested() {
            return Ok(());
        }
        // Another day in the same place.
        seed = seed.wrapping_add(1);
        track.begin_stream();
    }
}

fn run_once(
    args: &DemoArgs,
    seed: u64,
    track: &mut Track,
    keeper: Option<&mut Keeper>,
    stop: &Stop,
    started: Instant,
) -> Result<(), Failure> {
    let plot_file = outputs::claim(&args.plot)?;
    let (mut source, known) = place(args, seed);
    let mut show = Show::new(args, stop.clone(), known);
    let mut keeper = keeper;
    let before = track.report();
    let result = replay::run(source.as_mut(), track, keeper.as_deref_mut(), stop, &mut |scored| {
        show.window(scored);
    });
    let stopped = stop.is_requested();
    let plotted = show.finish(&args.plot, plot_file)?;
    result?;
    let mut report = track.report();
    report.stopped = stopped;
    finish_report(&mut report, keeper.as_deref(), plotted, started.elapsed().as_secs_f64());
    println!("{}\nplot: {}", summary(&report, &before, Some(args.seconds)), args.plot.display());
    Ok(())
}

fn place(args: &DemoArgs, seed: u64) -> (Box<dyn Source>, Vec<Unusual>) {
    let until = |unusual: &Unusual| unusual.end_s <= args.seconds;
    if args.view {
        (
            Box::new(synthetic::view::view(seed, args.seconds, VIEW_FRAMES_PER_S)),
            synthetic::view::unusual(seed, args.seconds).filter(until).collect(),
        )
    } else {
        (
            Box::new(synthetic::room::room(seed, args.seconds)),
            synthetic::room::unusual(seed, args.seconds).filter(until).collect(),
        )
    }
}

/// What the terminal shows while it runs, and what is plotted afterwards.
struct Show {
    known: Vec<Unusual>,
    points: Vec<Point>,
    progress: Progress,
    pace: Option<Pace>,
    next_line_s: f64,
    updates: u64,
    loss: Option<f32>,
}

/// Keeps input time at [`WATCHABLE`] times the wall's.
struct Pace {
    stop: Stop,
    started: Instant,
}

impl Show {
    #[expect(clippy::disallowed_methods, reason = "a person watches by the wall's clock")]
    fn new(args: &DemoArgs, stop: Stop, known: Vec<Unusual>) -> Self {
        let watched = std::io::stderr().is_terminal();
        Self {
            known,
            points: Vec::new(),
            progress: Progress::new(Some(args.seconds)),
            pace: watched.then(|| Pace { stop, started: Instant::now() }),
            next_line_s: PIPE_LINE_S,
            updates: 0,
            loss: None,
        }
    }

    fn window(&mut self, scored: &Scored<'_>) {
        self.points.push(scored.point());
        self.updates += u64::from(scored.learnt.updates);
        if scored.score.is_read() {
            // A running mean over about fifty windows: what it cannot predict, falling as it learns.
            let before = self.loss.unwrap_or(scored.score.surprise);
            self.loss = Some(before + 0.02 * (scored.score.surprise - before));
        }
        if scored.score.event {
            let line = self.event_line(scored);
            self.progress.line(&line);
        }
        let message = self.message(scored);
        if self.pace.is_none() && self.next_line_s <= scored.end_s {
            self.next_line_s += PIPE_LINE_S;
            println!("{:>6.0} s  {message}", scored.end_s);
        }
        self.progress.at(scored.end_s, message);
        if let Some(pace) = &self.pace {
            pace.wait_until(scored.end_s / WATCHABLE);
        }
    }

    fn message(&self, scored: &Scored<'_>) -> String {
        let loss = self.loss.map_or("     ".into(), |loss| format!("{loss:5.2}"));
        match scored.score.novelty {
            Some(novelty) => format!(
                "novelty {novelty:>6.1} {:<12} surprise {loss}  {} updates{}",
                bar(novelty),
                self.updates,
                scored.name().map_or_else(String::new, |name| format!("  {name}")),
            ),
            None => {
                format!("learning what is usual here  surprise {loss}  {} updates", self.updates)
            }
        }
    }

    fn event_line(&self, scored: &Scored<'_>) -> String {
        let truth = self
            .known
            .iter()
            .find(|u| u.start_s < scored.end_s && scored.start_s < u.end_s)
            .map_or("nothing that was put there: a false alarm".into(), |u| {
                format!("indeed: {}", u.kind)
            });
        format!(
            "{:>6.0} s  unusual! novelty {:.1}, p = {:.1e}  ({truth})",
            scored.start_s,
            scored.score.novelty.unwrap_or(0.0),
            scored.score.p_value.unwrap_or(1.0),
        )
    }

    /// Bytes of the plot.
    fn finish(self, path: &Path, file: File) -> Result<u64, Failure> {
        self.progress.done();
        let judged_from = self.points.iter().find(|p| p.novelty.is_some()).map(|p| p.at_s);
        let judged: Vec<&Unusual> = self
            .known
            .iter()
            .filter(|u| judged_from.is_some_and(|from| from <= u.start_s))
            .collect();
        // A window is up to a second long, and an alarm may come with its successor.
        let near = |at_s: f64, u: &Unusual| u.start_s - 1.0 <= at_s && at_s <= u.end_s + 1.0;
        let alarms: Vec<f64> = self.points.iter().filter(|p| p.event).map(|p| p.at_s).collect();
        let found = judged.iter().filter(|u| alarms.iter().any(|&at_s| near(at_s, u))).count();
        let false_alarms =
            alarms.iter().filter(|&&at_s| !self.known.iter().any(|u| near(at_s, u))).count();
        println!(
            "\n{found} of {} unusual moments raised an alarm, and {false_alarms} alarms were false",
            judged.len()
        );
        let known: Vec<Known> =
            self.known.iter().map(|u| Known { start_s: u.start_s, end_s: u.end_s }).collect();
        let title = "Novelty in a built-in place; orange: something else happens";
        let svg = plot::novelty_svg(title, &self.points, &known).or_exit(EXIT_SOFTWARE)?;
        outputs::fill(path, file, |out| out.write_all(svg.as_bytes()))?;
        Ok(svg.len() as u64)
    }
}

impl Pace {
    fn wait_until(&self, seconds: f64) {
        let wait = seconds - self.started.elapsed().as_secs_f64();
        if 0.0 < wait {
            // Either way of waking is fine: a stop is noticed by the run itself.
            let _woke = self.stop.sleep(Duration::from_secs_f64(wait));
        }
    }
}

/// Twelve cells for a novelty of 0 to 24.
fn bar(novelty: f32) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=12 before"
    )]
    let cells = (novelty / 2.0).clamp(0.0, 12.0) as usize;
    "#".repeat(cells)
}
