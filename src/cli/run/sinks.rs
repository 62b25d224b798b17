//! Where events and scores go, on a thread of their own: no source waits for a disk.

use std::fs::File;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;

use crossbeam_channel::Receiver;

use crate::base::disk::cannot_be_made_yet;
use crate::cli::args::RunArgs;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::outputs;
use crate::config::daemon::EventsToml;
use crate::emit::events::EventsFile;
use crate::emit::scores::ScoresCsv;
use crate::pipeline::daemon::Told;

/// Settings that a reload changes.
pub(super) type EventSettings = Arc<Mutex<EventsToml>>;

/// See the module's page.
pub(super) struct Sinks {
    settings: EventSettings,
    in_force: EventsToml,
    path: PathBuf,
    events: Option<EventsFile>,
    csv: Option<ScoresCsv<BufWriter<File>>>,
    bytes: Arc<AtomicU64>,
    /// Events and scores that were lost since start, here or because the queue was full.
    refusals: Arc<AtomicU64>,
    /// Events and scores that could not be written, in a row.
    failures: u64,
}

impl Sinks {
    pub(super) fn open(
        args: &RunArgs,
        settings: EventSettings,
        root: &Path,
        (bytes, refusals): (&Arc<AtomicU64>, &Arc<AtomicU64>),
    ) -> Result<Self, Failure> {
        let in_force = settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let path = root.join("events.jsonl");
        let events = match in_force.file.then(|| EventsFile::open(&path, in_force.file_bytes)) {
            None => None,
            Some(Ok(file)) => Some(file),
            // It is opened with the first event that the disk takes.
            Some(Err(error)) if cannot_be_made_yet(&error) => {
                log::error!("no event can be written to {}: {error}", path.display());
                None
            }
            Some(Err(error)) => {
                let context = format!("cannot open {}", path.display());
                return Err(Failure::new(EXIT_DISK, anyhow::Error::new(error).context(context)));
            }
        };
        let scores = args.scores.as_deref().map(outputs::create).transpose()?;
        let csv = scores
            .map(|file| ScoresCsv::new(BufWriter::new(file)))
            .transpose()
            .or_exit(EXIT_DISK)?;
        let (bytes, refusals) = (Arc::clone(bytes), Arc::clone(refusals));
        Ok(Self { settings, in_force, path, events, csv, bytes, refusals, failures: 0 })
    }

    pub(super) fn start(mut self, inbox: Receiver<Told>) -> Result<JoinHandle<()>, Failure> {
        let run = move || {
            for told in inbox {
                self.refresh();
                let taken = self.take(&told);
                self.tell(taken);
            }
            if let Some(csv) = &mut self.csv
                && let Err(error) = csv.flush()
            {
                log::error!("the scores file is incomplete: {error}");
            }
        };
        thread::Builder::new().name("sinks".into()).spawn(run).or_exit(EXIT_SOFTWARE)
    }

    /// Heeds settings that were loaded again.
    fn refresh(&mut self) {
        let now = self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if now == self.in_force {
            return;
        }
        match (&mut self.events, now.file) {
            (Some(file), true) => file.set_limit(now.file_bytes),
            (None, true) => {}
            (_, false) => self.events = None,
        }
        self.in_force = now;
    }

    /// Once an outage: a full disk must not fill the log.
    fn tell(&mut self, taken: std::io::Result<()>) {
        match taken {
            Ok(()) if 0 < self.failures => {
                log::warn!("events are written again; {} could not be", self.failures);
                self.failures = 0;
            }
            Ok(()) => {}
            Err(error) => {
                if self.failures == 0 {
                    log::error!("an event or score could not be written: {error}");
                }
                self.failures += 1;
                self.refusals.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn take(&mut self, told: &Told) -> std::io::Result<()> {
        match told {
            Told::Row(row) => self.csv.as_mut().map_or(Ok(()), |csv| csv.write(row)),
            Told::Event(event) => {
                if self.in_force.stdout {
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "{}", event.to_json())?;
                    out.flush()?;
                }
                if self.events.is_none() && self.in_force.file {
                    self.events = Some(EventsFile::open(&self.path, self.in_force.file_bytes)?);
                }
                if let Some(file) = &mut self.events {
                    self.bytes.fetch_add(file.append(event)?, Ordering::Relaxed);
                }
                Ok(())
            }
        }
    }
}
