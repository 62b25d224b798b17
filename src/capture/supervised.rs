//! A source that comes back: opens a device again for as long as it takes, while the rest goes on.
//!
//! Waiting times double from 1 s to 60 s and are shortened by up to a quarter at random, so that
//! several sources that vanished together (a hub, a sound server) do not all come back at once. They
//! start anew once a source has run for a minute.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::causes::with_causes;
use crate::base::clock::Clock;
use crate::base::recovery::Recovery;
use crate::base::rng::Rng;
use crate::base::stop::{Stop, Woke};
use crate::capture::error::CaptureError;
use crate::capture::own_thread;
use crate::capture::{Chunk, Modality, Source};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A source that has run this long was well; its next failure is a new one.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Opens the device, as often as it is asked to.
pub type Open = Box<dyn FnMut() -> Result<Box<dyn Source>, CaptureError> + Send>;

/// What mends an error, for people.
pub type Mends = Box<dyn Fn(&CaptureError) -> String + Send>;

/// What a source is doing. Times are of the clock that the source was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceState {
    /// Nothing has come yet.
    Opening,
    /// Sound or pictures come.
    Running,
    /// It failed, and is tried again.
    Waiting {
        /// When it began to be away; stays the same over failed tries.
        since: Duration,
        /// The latest error and its causes.
        reason: String,
        /// When it is tried next.
        next_try: Duration,
    },
    /// It has delivered everything, or was told to stop, or cannot ever work.
    Ended,
}

/// A source's state, for `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// What it is doing.
    pub state: SourceState,
    /// How often it was tried to open it.
    pub open_count: u64,
    /// How often it has come back after a failure.
    pub restart_count: u64,
    /// Items that were skipped because they could not be used.
    pub skipped_count: u64,
    /// What mends the latest error; empty before there was one, and where nobody can say.
    pub mend: String,
}

/// A shared view of a source's state. Cheap to clone; stays readable after the source has gone.
#[derive(Debug, Clone)]
pub struct StatusHandle(Arc<Mutex<SourceStatus>>);

impl StatusHandle {
    /// The state now.
    pub fn get(&self) -> SourceStatus {
        self.lock().clone()
    }

    /// A panic elsewhere must not hide the state.
    fn lock(&self) -> MutexGuard<'_, SourceStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the module's page.
pub struct Supervised {
    name: String,
    modality: Modality,
    open: Open,
    mends: Mends,
    clock: Arc<dyn Clock>,
    stop: Stop,
    rng: Rng,
    status: StatusHandle,
    started_at: Duration,
    source: Option<Running>,
    /// Tries that have failed since the source was last well.
    failures: u32,
    /// No chunk reaches further than this into the stream, in seconds.
    reached_s: f64,
    /// Longest silence on the line that is borne, where the source itself keeps no such clock.
    stall_after: Option<Duration>,
    /// It was complained of, and nobody has vouched for it since: that something comes proves nothing.
    is_doubted: bool,
}

struct Running {
    source: Box<dyn Source>,
    opened_at: Duration,
    /// When it last delivered something.
    moved_at: Duration,
    /// The stream's time when the source's own time was 0.
    offset_s: f64,
    /// The stream's time of sample 0 since the last beginning.
    begin_s: f64,
}

impl Supervised {
    /// Does not open yet: the first call of `next` does. The stream's time begins now. `seed`
    /// decides the jitter; give each source its own.
    pub fn new(
        name: &str,
        modality: Modality,
        open: Open,
        clock: Arc<dyn Clock>,
        stop: Stop,
        seed: u64,
    ) -> Self {
        let status = SourceStatus {
            state: SourceState::Opening,
            open_count: 0,
            restart_count: 0,
            skipped_count: 0,
            mend: String::new(),
        };
        Self {
            name: name.into(),
            modality,
            open,
            mends: Box::new(|_| String::new()),
            started_at: clock.now(),
            clock,
            stop,
            rng: Rng::from_seed(seed),
            status: StatusHandle(Arc::new(Mutex::new(status))),
            source: None,
            failures: 0,
            reached_s: 0.0,
            stall_after: None,
            is_doubted: false,
        }
    }

    /// Opens the source again when nothing has come for this long. For commands: a program that
    /// hangs keeps its pipe open and says nothing.
    #[must_use]
    pub const fn stalls_after(mut self, silence: Duration) -> Self {
        self.stall_after = Some(silence);
        self
    }

    /// The status says with every error what mends it.
    #[must_use]
    pub fn mended_by(mut self, mends: Mends) -> Self {
        self.mends = mends;
        self
    }

    /// A view of the state that stays valid.
    pub fn status(&self) -> StatusHandle {
        self.status.clone()
    }

    fn end(&mut self) {
        self.source = None;
        self.status.lock().state = SourceState::Ended;
    }

    /// Seconds since the stream began, never less than what chunks have reached.
    fn stream_s(&self) -> f64 {
        self.clock.now().saturating_sub(self.started_at).as_secs_f64().max(self.reached_s)
    }

    fn try_open(&mut self) -> Result<(), CaptureError> {
        let opened = (self.open)();
        self.status.lock().open_count += u64::from(is_try(&opened));
        match opened {
            Ok(source) => {
                let offset_s = self.stream_s();
                let opened_at = self.clock.now();
                self.source = Some(Running {
                    source,
                    opened_at,
                    moved_at: opened_at,
                    offset_s,
                    begin_s: offset_s,
                });
                Ok(())
            }
            Err(error) => self.handle(error),
        }
    }

    /// Something came: an open device alone proves nothing, a program may start and never say a word.
    fn delivers(&mut self) {
        let mut status = self.status.lock();
        if let SourceState::Waiting { since, .. } = status.state {
            status.restart_count += 1;
            let away_s = self.clock.now().saturating_sub(since).as_secs();
            log::info!(
                source = self.name.as_str();
                "source {:?} is back after {away_s} s", self.name
            );
        }
        status.state = SourceState::Running;
    }

    /// Goes on without the source for a while, or hands on an error that no waiting can mend.
    fn handle(&mut self, error: CaptureError) -> Result<(), CaptureError> {
        if error.recovery() != Recovery::SkipItem {
            self.status.lock().mend = (self.mends)(&error);
        }
        let at_least = match error.recovery() {
            Recovery::RetryAfter(at_least) => at_least,
            Recovery::SkipItem => {
                self.status.lock().skipped_count += 1;
                log::debug!(
                    source = self.name.as_str();
                    "source {:?}: {}", self.name, with_causes(&error)
                );
                return Ok(());
            }
            Recovery::DisablePart | Recovery::Exit(_) => {
                self.end();
                return Err(error);
            }
        };
        let now = self.clock.now();
        if let Some(was) = self.source.take()
            && !self.is_doubted
            && WELL_AFTER <= now.saturating_sub(was.opened_at)
        {
            self.failures = 0;
        }
        let wait = self.wait(at_least);
        let reason = with_causes(&error);
        let mut status = self.status.lock();
        let (since, again) = match &status.state {
            SourceState::Waiting { since, reason: before, .. } => (*since, *before == reason),
            _ => (now, false),
        };
        // Once an outage, and once more whenever its reason changes.
        let level = if again { log::Level::Debug } else { log::Level::Warn };
        log::log!(
            level,
            source = self.name.as_str();
            "source {:?}: {reason}; next try in {:.1} s",
            self.name,
            wait.as_secs_f64()
        );
        status.state = SourceState::Waiting { since, reason, next_try: now + wait };
        Ok(())
    }

    fn wait(&mut self, at_least: Duration) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        let wait = at_least.max(FIRST_WAIT).saturating_mul(doubled).min(LONGEST_WAIT);
        wait.mul_f64(1.0 - 0.25 * self.rng.unit())
    }

    /// Moves a chunk of the source's own time into the stream's time.
    fn place(&mut self, mut chunk: Chunk) -> Chunk {
        let Some(running) = &mut self.source else { return chunk };
        let reaches_s = match &mut chunk {
            Chunk::Begin { at_s, .. } => {
                *at_s = (running.offset_s + *at_s).max(self.reached_s);
                running.begin_s = *at_s;
                *at_s
            }
            Chunk::Sound { rate_hz, at_sample, samples } => {
                let end = *at_sample + samples.len() as u64;
                running.begin_s + end as f64 / f64::from((*rate_hz).max(1))
            }
            Chunk::Picture { at_s, .. } => {
                *at_s += running.offset_s;
                *at_s
            }
            Chunk::Gap(_) | Chunk::Idle => self.reached_s,
        };
        self.reached_s = self.reached_s.max(reaches_s);
        chunk
    }
}

impl std::fmt::Debug for Supervised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervised")
            .field("name", &self.name)
            .field("status", &self.status.get())
            .finish_non_exhaustive()
    }
}

/// Whether that was a try to open the device. None is one while an earlier thread of ours hangs in its driver
/// and keeps it: no further try can succeed, only a restart of the program, which the watchdog does when it
/// sees no tries.
fn is_try(opened: &Result<Box<dyn Source>, CaptureError>) -> bool {
    match opened {
        Err(CaptureError::DriverHangs { .. }) => false,
        Err(CaptureError::Busy { .. }) => own_thread::left_behind() == 0,
        _ => true,
    }
}

impl Source for Supervised {
    fn modality(&self) -> Modality {
        self.modality
    }

    /// [`Chunk::Idle`] while the device is away; `None` after a stop was requested or when the
    /// source itself has ended. Opening a device may take longer than `max_wait`.
    fn next(&mut self, max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        let state = self.status.lock().state.clone();
        if self.stop.is_requested() || state == SourceState::Ended {
            self.end();
            return Ok(None);
        }
        if let Some(running) = &mut self.source {
            return match running.source.next(max_wait) {
                Ok(Some(Chunk::Idle)) => {
                    let silent_for = self.clock.now().saturating_sub(running.moved_at);
                    if self.stall_after.is_some_and(|longest| longest <= silent_for) {
                        let device = self.name.clone();
                        self.handle(CaptureError::Stalled { device, silent_for })?;
                    }
                    Ok(Some(Chunk::Idle))
                }
                Ok(Some(chunk)) => {
                    running.moved_at = self.clock.now();
                    let says_something = !matches!(chunk, Chunk::Begin { .. } | Chunk::Gap(_));
                    if state != SourceState::Running && says_something && !self.is_doubted {
                        self.delivers();
                    }
                    Ok(Some(self.place(chunk)))
                }
                Ok(None) => {
                    self.end();
                    Ok(None)
                }
                Err(error) => self.handle(error).map(|()| Some(Chunk::Idle)),
            };
        }
        if let SourceState::Waiting { next_try, .. } = state {
            let left = next_try.saturating_sub(self.clock.now());
            if !left.is_zero() {
                if self.stop.sleep(left.min(max_wait)) == Woke::StopRequested {
                    self.end();
                    return Ok(None);
                }
                return Ok(Some(Chunk::Idle));
            }
        }
        self.try_open().map(|()| Some(Chunk::Idle))
    }

    fn complain(&mut self, useless_for: Duration) -> Result<(), CaptureError> {
        if self.source.is_none() {
            return Ok(());
        }
        self.is_doubted = true;
        self.handle(CaptureError::Useless { device: self.name.clone(), useless_for })
    }

    fn vouch(&mut self) {
        if std::mem::take(&mut self.is_doubted) && self.source.is_some() {
            self.delivers();
        }
    }

    fn total_s(&self) -> Option<f64> {
        self.source.as_ref().and_then(|running| running.source.total_s())
    }
}

#[cfg(test)]
mod tests;
