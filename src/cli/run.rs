//! `habituate run`: the daemon.

use std::fs::File;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use anyhow::anyhow;
use crossbeam_channel::Receiver;

use crate::base::stop::Stop;
use crate::base::stop::Woke;
use crate::cli::args::RunArgs;
use crate::cli::encoders;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::signals;
use crate::cli::state;
use crate::config::daemon::Settings;
use crate::emit::events::EventsFile;
use crate::emit::scores::ScoresCsv;
use crate::emit::status::Status;
use crate::pipeline::control;
use crate::pipeline::daemon;
use crate::pipeline::daemon::Board;
use crate::pipeline::daemon::Ended;
use crate::pipeline::daemon::Part;
use crate::pipeline::daemon::SINK_QUEUE;
use crate::pipeline::daemon::Shared;
use crate::pipeline::daemon::Told;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::resume;
use crate::pipeline::resume::OpenOptions;
use crate::pipeline::usage::Usage;
use crate::store::state_dir::StateDir;
use crate::web::routes::Exchange;
use crate::web::socket;

/// Pause between looks whether all sources have ended.
const WATCH: Duration = Duration::from_millis(100);

#[expect(clippy::disallowed_methods, reason = "the daemon's up-time is the wall's")]
pub(crate) fn main(args: &RunArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let settings = Settings::load(args.learn.config.as_deref())?;
    if args.seconds.is_some_and(|s| !(0.0 < s && s.is_finite())) {
        return Err(Failure::new(EXIT_USAGE, anyhow!("--seconds must be above 0")));
    }
    let stop = Stop::default();
    signals::connect(&stop).or_exit(EXIT_SOFTWARE)?;

    let root = state::directory(args.learn.state.as_deref(), settings.state_dir.as_deref());
    let dir = Arc::new(StateDir::open(&root)?);
    let (parts, exchange) = parts(args, &settings, &dir, &stop)?;
    for part in &parts {
        eprintln!("{}: {}", part.name, part.track.describe());
    }

    let (sinks, told) = crossbeam_channel::bounded(SINK_QUEUE);
    let shared = Shared {
        stop: stop.clone(),
        sinks,
        wants_rows: args.scores.is_some(),
        refusals: Arc::default(),
    };
    let bytes = Arc::new(AtomicU64::new(0));
    let sink_thread = Sinks::open(args, &settings, &root, Arc::clone(&bytes))?.start(told)?;
    let board = Board::default();
    let document = {
        let (board, refusals) = (board.clone(), Arc::clone(&shared.refusals));
        move || {
            status(&board, started, bytes.load(Ordering::Relaxed), refusals.load(Ordering::Relaxed))
                .to_json()
        }
    };
    let socket_stop = Stop::default();
    let socket_thread = socket::serve(&root, socket_stop.clone(), exchange.routes(document))
        .map_err(|e| anyhow::Error::new(e).context("cannot make the control socket"))
        .or_exit(EXIT_DISK)?;
    let threads = daemon::start(parts, &shared, &board).or_exit(EXIT_SOFTWARE)?;
    eprintln!("running; state in {}; stop with Ctrl-C", root.display());

    let deadline = args.seconds.map(Duration::from_secs_f64);
    while stop.sleep(WATCH) == Woke::TimeUp {
        let over = deadline.is_some_and(|d| d <= started.elapsed());
        if over || threads.iter().all(JoinHandle::is_finished) {
            stop.request();
        }
    }
    let ended: Vec<Ended> =
        threads.into_iter().map(|t| t.join().unwrap_or(Ended::Failed)).collect();
    socket_stop.request();
    drop(shared);
    let sinks_ok = sink_thread.join().is_ok();
    let socket_ok = socket_thread.join().is_ok();
    eprint!("{}", status(&board, started, 0, 0).to_text());
    if !(sinks_ok && socket_ok) {
        return Err(Failure::new(EXIT_SOFTWARE, anyhow!("a thread of ours panicked")));
    }
    if ended.iter().all(|&e| e == Ended::Failed) {
        let error = anyhow!("no source works; see the messages above, and `habituate devices`");
        return Err(Failure::new(EXIT_UNAVAILABLE, error));
    }
    Ok(())
}

fn parts(
    args: &RunArgs,
    settings: &Settings,
    dir: &Arc<StateDir>,
    stop: &Stop,
) -> Result<(Vec<Part>, Exchange), Failure> {
    let seed = args.learn.seed.unwrap_or(settings.seed);
    let (mut parts, mut exchange) = (Vec::new(), Exchange::default());
    for (number, source) in settings.sources.iter().enumerate() {
        // Sources that share a hub must not retry in step.
        let with = OpenWith { stop: stop.clone(), seed: seed.wrapping_add(number as u64) };
        let modality = open::modality(source, &with)?;
        let encoder = encoders::open(&args.learn.encoder, source, modality)?;
        let (line, asked) = control::line();
        exchange.add(&source.name, encoder.manifest(), line);
        let options = OpenOptions {
            source: &source.name,
            learn: &settings.learn,
            checkpoint: settings.checkpoint,
            seed,
        };
        let (track, keeper) = resume::open(dir, encoder, options)?;
        let (supervised, device) = open::supervised(source, modality, &with);
        parts.push(Part {
            name: source.name.clone(),
            live: open::is_live(source),
            source: supervised,
            device,
            track,
            keeper,
            asked,
        });
    }
    Ok((parts, exchange))
}

fn status(board: &Board, started: Instant, sink_bytes: u64, refusals: u64) -> Status {
    let usage = Usage::now();
    Status {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        uptime_s: started.elapsed().as_secs_f64(),
        cpu_s: usage.cpu_s,
        resident_bytes: usage.resident_bytes,
        bytes_written: board.bytes_written() + sink_bytes,
        sink_refusals: refusals,
        sources: board.statuses(),
    }
}

/// Where events and scores go, on a thread of their own: no source waits for a disk.
struct Sinks {
    events: Option<EventsFile>,
    csv: Option<ScoresCsv<BufWriter<File>>>,
    stdout: bool,
    bytes: Arc<AtomicU64>,
}

impl Sinks {
    fn open(
        args: &RunArgs,
        settings: &Settings,
        root: &Path,
        bytes: Arc<AtomicU64>,
    ) -> Result<Self, Failure> {
        let path = root.join("events.jsonl");
        let events = settings
            .events
            .file
            .then(|| EventsFile::open(&path, settings.events.file_bytes))
            .transpose()
            .map_err(|e| anyhow::Error::new(e).context(format!("cannot open {}", path.display())))
            .or_exit(EXIT_DISK)?;
        let csv = match &args.scores {
            Some(path) => {
                let file = File::create(path)
                    .map_err(|e| {
                        anyhow::Error::new(e).context(format!("cannot write {}", path.display()))
                    })
                    .or_exit(EXIT_DISK)?;
                Some(ScoresCsv::new(BufWriter::new(file)).or_exit(EXIT_DISK)?)
            }
            None => None,
        };
        Ok(Self { events, csv, stdout: settings.events.stdout, bytes })
    }

    fn start(mut self, inbox: Receiver<Told>) -> Result<JoinHandle<()>, Failure> {
        let run = move || {
            for told in inbox {
                if let Err(error) = self.take(&told) {
                    log::error!("an event or score could not be written: {error}");
                }
            }
            if let Some(csv) = &mut self.csv
                && let Err(error) = csv.flush()
            {
                log::error!("the scores file is incomplete: {error}");
            }
        };
        thread::Builder::new().name("sinks".into()).spawn(run).or_exit(EXIT_SOFTWARE)
    }

    fn take(&mut self, told: &Told) -> std::io::Result<()> {
        match told {
            Told::Row(row) => self.csv.as_mut().map_or(Ok(()), |csv| csv.write(row)),
            Told::Event(event) => {
                if self.stdout {
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "{}", event.to_json())?;
                    out.flush()?;
                }
                if let Some(file) = &mut self.events {
                    self.bytes.fetch_add(file.append(event)?, Ordering::Relaxed);
                }
                Ok(())
            }
        }
    }
}
