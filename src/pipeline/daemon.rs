//! The daemon: one thread per source, one for the sinks, all joined in order at the end.
//!
//! A source's thread captures, encodes, scores and learns; the device's own thread, ring and slot are
//! behind the source. So one thread owns each learner's weights, and a slow source holds up nobody.

mod telling;
#[cfg(test)]
pub(in crate::pipeline) mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;

use crate::base::causes::with_causes;
use crate::base::clock::Clock;
use crate::base::clock::SystemClock;
use crate::base::recovery::EXIT_CONFIG;
use crate::base::recovery::Recovery;
use crate::base::stop::Stop;
use crate::capture::LossCause;
use crate::capture::Modality;
use crate::capture::Source;
use crate::capture::error::CaptureError;
use crate::capture::supervised::StatusHandle;
use crate::emit::events::Event;
use crate::emit::report::Report;
use crate::emit::scores::Row;
use crate::encode::error::EncodeError;
use crate::pipeline::control::Asked;
use crate::pipeline::daemon::telling::Last;
use crate::pipeline::daemon::telling::told;
use crate::pipeline::lateness::Lateness;
use crate::pipeline::limits::Allowance;
use crate::pipeline::mend;
use crate::pipeline::pairing::End;
use crate::pipeline::resume::Keeper;
use crate::pipeline::statuses::Board;
use crate::pipeline::track::Track;
use crate::pipeline::usefulness::Use;
use crate::pipeline::usefulness::Usefulness;
use crate::pipeline::window::Scored;

/// How long a source may keep its thread waiting before the thread looks whether to stop.
const LOOK_UP: Duration = Duration::from_millis(200);

/// Messages that wait for the sinks; nothing waits for a slow sink, what does not fit is counted.
pub const SINK_QUEUE: usize = 256;

/// What sources tell the sinks.
#[derive(Debug)]
pub enum Told {
    /// An alarm.
    Event(Event),
    /// A scored window.
    Row(Row),
}

/// One source, ready to run.
pub struct Part {
    /// The source's name.
    pub name: String,
    /// Opens, and opens again, its device.
    pub source: Box<dyn Source>,
    /// How the device is, for the status.
    pub device: StatusHandle,
    /// Its chain.
    pub track: Track,
    /// Its checkpoints.
    pub keeper: Keeper,
    /// Why nothing can be kept at the start, where it cannot.
    pub unkept: Option<String>,
    /// What it is asked while it runs.
    pub asked: Receiver<Asked>,
    /// Its end of the line to the source beside it; `None` where there is none.
    pub pairing: Option<End>,
    /// Whether events carry the wall clock's time; recordings have no now.
    pub live: bool,
    /// The time in which it makes a window at least, where all is well.
    pub patience: Duration,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What sources share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Requested once, by a signal or by the end of all sources.
    pub stop: Stop,
    /// Where events and scores go.
    pub sinks: Sender<Told>,
    /// Whether anybody wants every scored window.
    pub wants_rows: bool,
    /// Events and scores that found the queue full.
    pub refusals: Arc<AtomicU64>,
    /// What the board bears.
    pub allowance: Allowance,
}

/// How a source's thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Asked to, or at the end of its input.
    Well,
    /// Its device or encoder does not work; the log says why.
    Failed,
    /// As it is configured it can never work; the log says why.
    Misconfigured,
    /// What was learnt since the last checkpoint could not be written; the log says why.
    Unkept,
}

impl Ended {
    /// Where an error was the end.
    const fn by(recovery: Recovery) -> Self {
        match recovery {
            Recovery::DisablePart | Recovery::Exit(EXIT_CONFIG) => Self::Misconfigured,
            _ => Self::Failed,
        }
    }
}

/// Starts one thread per part; their statuses appear on `board`.
///
/// # Errors
///
/// When the operating system refuses a thread.
pub fn start(
    parts: Vec<Part>,
    shared: &Shared,
    board: &Board,
) -> io::Result<Vec<JoinHandle<Ended>>> {
    board.begin(parts.iter().map(Worker::first_status).collect());
    let mut threads = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        // Linux cuts thread names at 15 bytes.
        let name: String = part.name.chars().take(15).collect();
        let usefulness = Usefulness::new(part.patience);
        let unkept = Unkept::at_start(&part);
        let worker = Worker {
            index,
            part,
            shared: shared.clone(),
            board: board.clone(),
            last: Last::default(),
            lateness: Lateness::default(),
            usefulness,
            unkept,
            trouble: None,
        };
        threads.push(thread::Builder::new().name(name).spawn(move || worker.run())?);
    }
    Ok(threads)
}

/// One source's thread.
struct Worker {
    index: usize,
    part: Part,
    shared: Shared,
    board: Board,
    last: Last,
    lateness: Lateness,
    usefulness: Usefulness,
    unkept: Unkept,
    /// Why it has failed.
    trouble: Option<Trouble>,
}

/// Why a source waits or has failed, and what mends it.
#[derive(Debug, Clone, Default)]
struct Trouble {
    detail: String,
    mend: String,
}

/// Checkpoints that could not be written, in a row, and why.
#[derive(Debug, Clone, Default)]
struct Unkept {
    count: u64,
    reason: String,
}

impl Unkept {
    /// That a disk took nothing when it was opened is the first failure.
    fn at_start(part: &Part) -> Self {
        match &part.unkept {
            Some(reason) => Self { count: 1, reason: reason.clone() },
            None => Self::default(),
        }
    }
}

impl Worker {
    fn run(mut self) -> Ended {
        let ended = self.live();
        if let Err(error) = self.finish() {
            log::error!(
                source = self.part.name.as_str();
                "{}: the encoder failed at the end: {error}", self.part.name
            );
        }
        let is_kept = self.checkpoint();
        let state = if self.trouble.is_some() { "failed" } else { "ended" };
        let report = self.part.track.report();
        self.post(Some(state), report);
        if is_kept { ended } else { Ended::Unkept }
    }

    fn live(&mut self) -> Ended {
        while !self.shared.stop.is_requested() {
            match self.part.source.next(LOOK_UP) {
                Ok(Some(chunk)) => {
                    let (name, shared, last) = (&self.part.name, &self.shared, &mut self.last);
                    let live = self.part.live;
                    let pairing = &mut self.part.pairing;
                    if let Some(pairing) = pairing {
                        pairing.note(&chunk, SystemClock.now());
                    }
                    let mut tell = |scored: &Scored<'_>| {
                        told(name, live, shared, last, scored);
                        pairing.iter_mut().for_each(|pairing| pairing.tell(scored));
                    };
                    if live {
                        // Recordings have all the time in the world, and are exact.
                        self.part.track.set_pace(shared.allowance.pace().max(self.lateness.pace()));
                    }
                    if let Err(error) = self.part.track.take(chunk, &mut tell) {
                        let detail = format!("the encoder failed: {}", with_causes(&error));
                        let trouble = Trouble { detail, mend: mend::OF_ENCODER.into() };
                        return self.failed(trouble, error.recovery());
                    }
                    self.meet();
                    let report = self.part.track.report();
                    if let Err(error) = self.look_at_use(&report) {
                        return self.unusable(&error);
                    }
                    self.post(None, report);
                }
                Ok(None) => return Ended::Well,
                Err(error) if error.recovery() == Recovery::SkipItem => {
                    log::warn!(
                        source = self.part.name.as_str();
                        "{}: {error}", self.part.name
                    );
                }
                Err(error) => return self.unusable(&error),
            }
            self.answer();
            let settings = self.shared.allowance.checkpoint();
            if settings != self.part.keeper.settings() {
                self.part.keeper.set(settings);
            }
            if self.part.keeper.is_due(&self.part.track) {
                if self.shared.allowance.may_write() {
                    // The next one is tried in any case.
                    let _is_kept = self.checkpoint();
                } else {
                    self.part.keeper.put_off(&self.part.track);
                }
            }
        }
        Ended::Well
    }

    fn unusable(&mut self, error: &CaptureError) -> Ended {
        let (detail, mend) = (with_causes(error), self.part.device.get().mend);
        self.failed(Trouble { detail, mend }, error.recovery())
    }

    fn failed(&mut self, trouble: Trouble, recovery: Recovery) -> Ended {
        log::error!(
            source = self.part.name.as_str();
            "{}: goes on without this source: {}", self.part.name, trouble.detail
        );
        self.trouble = Some(trouble);
        Ended::by(recovery)
    }

    /// Where nothing but rubbish comes from a camera, it is opened again. Sound is repaired instead, and a
    /// recording is what it is.
    fn look_at_use(&mut self, report: &Report) -> Result<(), CaptureError> {
        if !self.part.live || self.part.source.modality() != Modality::Picture {
            return Ok(());
        }
        let lost = |cause: LossCause| report.losses.get(cause.name()).copied().unwrap_or(0);
        let useless = lost(LossCause::Damaged) + lost(LossCause::ShortFrame);
        match self.usefulness.note(report.windows, useless, SystemClock.now()) {
            Use::Useful => self.part.source.vouch(),
            Use::Unsure => {}
            Use::Useless(lasted) => self.part.source.complain(lasted)?,
        }
        Ok(())
    }

    /// Answers what was asked meanwhile. Who asked may be gone.
    fn answer(&mut self) {
        while let Ok(asked) = self.part.asked.try_recv() {
            let is_order = asked.ask.is_order();
            let answer = self.part.track.answer(asked.ask);
            if is_order && answer.is_ok() {
                self.part.keeper.make_soon(&self.part.track);
            }
            drop(asked.answer.send(answer));
        }
    }

    fn finish(&mut self) -> Result<(), EncodeError> {
        let (name, shared, last) = (&self.part.name, &self.shared, &mut self.last);
        let (live, pairing) = (self.part.live, &mut self.part.pairing);
        let finished = self.part.track.finish(&mut |scored| {
            told(name, live, shared, last, scored);
            pairing.iter_mut().for_each(|pairing| pairing.tell(scored));
        });
        self.meet();
        finished
    }

    /// What has come of this source and of the one beside it is met, where it is this one's to do so.
    fn meet(&mut self) {
        let Part { pairing, track, name, .. } = &mut self.part;
        if let (Some(pairing), Some(companion)) = (pairing, track.companion_mut()) {
            pairing.meet(companion, name);
        }
    }

    /// A disk that is full or gone stops writing, not listening. Whether it was written.
    fn checkpoint(&mut self) -> bool {
        match self.part.keeper.write(&self.part.track) {
            Ok(written) => {
                self.board.count_written(written.bytes);
                log::info!(
                    source = self.part.name.as_str();
                    "{}: checkpoint of {} bytes", self.part.name, written.bytes
                );
                if 0 < self.unkept.count {
                    log::warn!(
                        source = self.part.name.as_str();
                        "{}: what is learnt is kept again; {} checkpoints could not be",
                        self.part.name, self.unkept.count
                    );
                    self.unkept = Unkept::default();
                }
                true
            }
            Err(error) => {
                let reason = with_causes(&error);
                // Once an outage: a broken disk must not fill the log.
                if self.unkept.count == 0 {
                    log::error!(
                        source = self.part.name.as_str();
                        "{}: cannot keep what was learnt: {reason}", self.part.name
                    );
                }
                self.unkept = Unkept { count: self.unkept.count + 1, reason };
                false
            }
        }
    }
}
