//! `habituate run`: the daemon.

mod sinks;
mod watch;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use anyhow::anyhow;

use crate::base::causes::with_causes;
use crate::base::clock::SystemClock;
use crate::base::disk::cannot_be_made_yet;
use crate::base::machine::Machine;
use crate::base::modality::Modality;
use crate::base::recovery::EXIT_CONFIG;
use crate::base::stop::Stop;
use crate::base::stop::Woke;
use crate::cli::args::RunArgs;
use crate::cli::beside;
use crate::cli::encoders;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::outputs;
use crate::cli::outputs::Named;
use crate::cli::reload::Configuration;
use crate::cli::run::sinks::Sinks;
use crate::cli::run::watch::Watch;
use crate::cli::service;
use crate::cli::signals;
use crate::cli::signals::Reload;
use crate::cli::state;
use crate::config;
use crate::config::daemon::Settings;
use crate::config::source::SourceKind;
use crate::emit::status::Status;
use crate::pipeline::companion::Sight;
use crate::pipeline::control;
use crate::pipeline::daemon;
use crate::pipeline::daemon::Ended;
use crate::pipeline::daemon::Part;
use crate::pipeline::daemon::SINK_QUEUE;
use crate::pipeline::daemon::Shared;
use crate::pipeline::limits::Allowance;
use crate::pipeline::limits::Watcher;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::pairing;
use crate::pipeline::resume;
use crate::pipeline::resume::OpenOptions;
use crate::pipeline::statuses::Board;
use crate::pipeline::timeline::Timeline;
use crate::pipeline::usage;
use crate::pipeline::usage::Usage;
use crate::pipeline::watchdog;
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
    refuse_clashes(args, &settings)?;
    let configuration = Configuration::read(args.learn.config.as_deref())?;
    let stop = Stop::default();
    signals::connect(&stop).or_exit(EXIT_SOFTWARE)?;
    let reload = Reload::connect().or_exit(EXIT_SOFTWARE)?;

    let root = state::directory(args.learn.state.as_deref(), settings.state_dir.as_deref());
    let (dir, unkept) = StateDir::open_or_wait(&root)?;
    let unkept = unkept.map(|why| with_causes(&why));
    if let Some(why) = &unkept {
        log::error!("what is learnt is not kept, and this is tried again every minute: {why}");
    }
    let (parts, exchange) = parts(args, &settings, (&Arc::new(dir), unkept), &stop)?;
    for part in &parts {
        eprintln!("{}: {}", part.name, part.track.describe());
        eprintln!("{}: {}", part.name, part.track.describe_memory());
        if let Some(warning) = part.track.size_warning(settings.learn.memory_bytes) {
            log::warn!(source = part.name.as_str(); "{}: {warning}", part.name);
        }
    }

    let (sinks, told) = crossbeam_channel::bounded(SINK_QUEUE);
    let shared = Shared {
        stop: stop.clone(),
        sinks,
        wants_rows: args.scores.is_some(),
        refusals: Arc::default(),
        allowance: Allowance::new(settings.checkpoint, settings.board),
    };
    let bytes = Arc::new(AtomicU64::new(0));
    let events = Arc::new(Mutex::new(settings.events.clone()));
    let sink_thread =
        Sinks::open(args, Arc::clone(&events), &root, (&bytes, &shared.refusals))?.start(told)?;
    let board = Board::default();
    let document = {
        let (board, allowance) = (board.clone(), shared.allowance.clone());
        let (refusals, bytes) = (Arc::clone(&shared.refusals), Arc::clone(&bytes));
        move || {
            let refused = refusals.load(Ordering::Relaxed);
            status(&board, &allowance, started, bytes.load(Ordering::Relaxed), refused)
        }
    };
    let socket_stop = Stop::default();
    let socket_thread =
        match socket::serve(&root, socket_stop.clone(), exchange.routes(document.clone())) {
            Ok(thread) => Some(thread),
            Err(error) if cannot_be_made_yet(&error) => {
                log::error!("nobody can ask: cannot make the control socket: {error}");
                None
            }
            Err(error) => {
                let error = anyhow::Error::new(error).context("cannot make the control socket");
                return Err(Failure::new(EXIT_DISK, error));
            }
        };
    let threads = daemon::start(parts, &shared, &board).or_exit(EXIT_SOFTWARE)?;
    eprintln!("running; state in {}; stop with Ctrl-C", root.display());

    let clock = Arc::new(SystemClock);
    let watcher = Watcher::new(Machine::default(), &root, clock.clone(), shared.allowance.clone());
    let has_watchdog = service::has_watchdog(watchdog::patience(&settings.sources));
    let mut watch = Watch::new(watcher, clock, has_watchdog, (configuration, reload), events);
    let allowance = shared.allowance.clone();
    watch.turn(&allowance, &document);
    service::ready("learning what is usual");
    let deadline = args.seconds.map(Duration::from_secs_f64);
    while stop.sleep(WATCH) == Woke::TimeUp {
        watch.turn(&allowance, &document);
        let over = deadline.is_some_and(|d| d <= started.elapsed());
        if over || threads.iter().all(JoinHandle::is_finished) {
            stop.request();
        }
    }
    service::stopping();
    let ended: Vec<Ended> =
        threads.into_iter().map(|t| t.join().unwrap_or(Ended::Failed)).collect();
    socket_stop.request();
    let refusals = Arc::clone(&shared.refusals);
    drop(shared);
    let sinks_ok = sink_thread.join().is_ok();
    let socket_ok = socket_thread.is_none_or(|thread| thread.join().is_ok());
    let written = bytes.load(Ordering::Relaxed);
    let refused = refusals.load(Ordering::Relaxed);
    watch.finish(board.bytes_written() + written);
    eprint!("{}", status(&board, &allowance, started, written, refused).to_text());
    if !(sinks_ok && socket_ok) {
        return Err(Failure::new(EXIT_SOFTWARE, anyhow!("a thread of ours panicked")));
    }
    if ended.contains(&Ended::Unkept) {
        let error = anyhow!(
            "what was learnt last could not be kept in {}; the messages above say why",
            root.display()
        );
        return Err(Failure::new(EXIT_DISK, error));
    }
    nothing_works(&ended).map_or(Ok(()), Err)
}

/// Where every source has failed: tomorrow one may work, unless each waits for another configuration.
fn nothing_works(ended: &[Ended]) -> Option<Failure> {
    if ended.iter().all(|&e| e == Ended::Misconfigured) {
        let error = anyhow!(
            "no source can work as it is configured; see the messages above, and `habituate doctor`"
        );
        return Some(Failure::new(EXIT_CONFIG, error));
    }
    let has_failed = |&e: &Ended| matches!(e, Ended::Failed | Ended::Misconfigured);
    ended.iter().all(has_failed).then(|| {
        let error = anyhow!("no source works; see the messages above, and `habituate devices`");
        Failure::new(EXIT_UNAVAILABLE, error)
    })
}

/// The scores may not be written over a recording that is a source.
fn refuse_clashes(args: &RunArgs, settings: &Settings) -> Result<(), Failure> {
    let mut inputs: Vec<Named<'_>> = Vec::new();
    for source in &settings.sources {
        if let SourceKind::Recording { paths, .. } = &source.kind {
            inputs.extend(paths.iter().map(|path| ("source.paths", path.as_path())));
        }
    }
    let scores: Vec<Named<'_>> = args.scores.iter().map(|p| ("--scores", p.as_path())).collect();
    outputs::refuse_clashes(&scores, &inputs)
}

fn parts(
    args: &RunArgs,
    settings: &Settings,
    (dir, unkept): (&Arc<StateDir>, Option<String>),
    stop: &Stop,
) -> Result<(Vec<Part>, Exchange), Failure> {
    let seed = args.learn.seed.unwrap_or(settings.seed);
    // Sources that share a hub must not retry in step.
    let with =
        |number: usize| OpenWith { stop: stop.clone(), seed: seed.wrapping_add(number as u64) };
    let senses = settings.sources.iter().enumerate();
    let senses: Vec<Modality> = senses
        .map(|(number, source)| open::modality(source, &with(number)))
        .collect::<Result<_, _>>()?;
    beside::check_senses(settings, &senses, args.learn.config.as_deref())?;
    let (mut parts, mut exchange, mut sights) = (Vec::new(), Exchange::default(), Vec::new());
    for (number, (source, modality)) in settings.sources.iter().zip(senses).enumerate() {
        let encoder = encoders::open_to_go_on(&args.learn.encoder, source, modality, Some(dir))?;
        sights.push(Sight::of(&source.name, encoder.as_ref()));
        let (line, asked) = control::line();
        exchange.add(&source.name, encoder.manifest(), line);
        let options = OpenOptions {
            source: &source.name,
            learn: &settings.learn,
            checkpoint: settings.checkpoint,
            seed,
        };
        let (track, mut keeper) = resume::open(dir, encoder, options)?;
        if unkept.is_some() {
            keeper.put_off(&track);
        }
        let (supervised, device) = open::supervised(source, modality, &with(number));
        parts.push(Part {
            name: source.name.clone(),
            live: open::is_live(source),
            patience: watchdog::of_source(source),
            source: supervised,
            device,
            track,
            keeper,
            unkept: unkept.clone(),
            asked,
            pairing: None,
        });
    }
    let tracks = parts.iter_mut().map(|part| &mut part.track);
    for (source, (level, change)) in beside::introduce(settings, tracks, &sights, seed) {
        log::log!(level, source = source; "{source}: {change}");
    }
    for (owner, other) in config::beside::pairs(&settings.sources) {
        let timeline = if parts[owner].live { Timeline::live } else { Timeline::recorded };
        let [owns, tells] = pairing::ends(timeline);
        (parts[owner].pairing, parts[other].pairing) = (Some(owns), Some(tells));
    }
    Ok((parts, exchange))
}

fn status(
    board: &Board,
    allowance: &Allowance,
    started: Instant,
    sink_bytes: u64,
    refusals: u64,
) -> Status {
    let usage = Usage::now();
    Status {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        uptime_s: started.elapsed().as_secs_f64(),
        started_unix_s: usage::started_unix_s(),
        cpu_s: usage.cpu_s,
        resident_bytes: usage.resident_bytes,
        bytes_written: board.bytes_written() + sink_bytes,
        sink_refusals: refusals,
        board: allowance.status(),
        sources: board.statuses(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when systemd starts again what no new start can mend, or gives up what may work tomorrow.
    #[test]
    fn only_where_every_source_waits_for_another_configuration_is_it_the_configuration() {
        use Ended::{Failed, Misconfigured, Well};
        for (ended, code) in [
            (&[Misconfigured][..], Some(EXIT_CONFIG)),
            (&[Misconfigured, Misconfigured], Some(EXIT_CONFIG)),
            (&[Misconfigured, Failed], Some(EXIT_UNAVAILABLE)),
            (&[Failed, Failed], Some(EXIT_UNAVAILABLE)),
            (&[Misconfigured, Well], None),
            (&[Well, Failed], None),
            (&[Well], None),
        ] {
            assert_eq!(nothing_works(ended).map(|failure| failure.code), code, "{ended:?}");
        }
    }
}
