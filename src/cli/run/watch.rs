//! What the daemon's first thread does while the others work: looks at the board, feeds the watchdog,
//! says how it goes, and reads the configuration again when asked to.

use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::base::clock::Clock;
use crate::base::machine::suspended;
use crate::cli::reload::Configuration;
use crate::cli::run::sinks::EventSettings;
use crate::cli::service;
use crate::cli::signals::Reload;
use crate::emit::status::Status;
use crate::pipeline::limits::Allowance;
use crate::pipeline::limits::Watcher;
use crate::pipeline::watchdog::Watchdog;

/// Pause between two looks, two lines for `systemctl status`, and two meals of the watchdog.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// See the module's page.
pub(super) struct Watch {
    watcher: Watcher,
    clock: Arc<dyn Clock>,
    watchdog: Option<Watchdog>,
    configuration: Configuration,
    reload: Reload,
    events: EventSettings,
    told_at: Option<Duration>,
}

impl Watch {
    /// Before its first turn.
    pub(super) fn new(
        watcher: Watcher,
        clock: Arc<dyn Clock>,
        has_watchdog: bool,
        (configuration, reload): (Configuration, Reload),
        events: EventSettings,
    ) -> Self {
        let watchdog = has_watchdog.then(Watchdog::default);
        Self { watcher, clock, watchdog, configuration, reload, events, told_at: None }
    }

    /// Call it a few times a second.
    pub(super) fn turn(&mut self, allowance: &Allowance, status: &dyn Fn() -> Status) {
        if self.reload.is_asked() {
            self.load_again(allowance);
        }
        let now = self.clock.now();
        if self.told_at.is_some_and(|at| now < at + TELL_EVERY) {
            return;
        }
        self.told_at = Some(now);
        let status = status();
        self.watcher.look(status.bytes_written, wall_s(), suspended());
        service::status(&status.to_line());
        if let Some(watchdog) = &mut self.watchdog
            && watchdog.all_moved(&status.sources)
        {
            service::feed_watchdog();
        }
    }

    /// After the last write; `written` are the bytes since start.
    pub(super) fn finish(&mut self, written: u64) {
        self.watcher.finish(written);
    }

    /// A file with mistakes changes nothing: what runs goes on.
    fn load_again(&mut self, allowance: &Allowance) {
        service::reloading();
        let line = match self.configuration.again() {
            Ok((settings, changes)) => {
                allowance.set(settings.checkpoint, settings.board);
                *self.events.lock().unwrap_or_else(PoisonError::into_inner) = settings.events;
                let line = format!("configuration read again; {}", changes.to_text());
                log::info!("{line}");
                line
            }
            Err(error) => {
                log::error!("configuration not read again, everything stays as it was: {error}");
                "the configuration has mistakes; everything stays as it was".into()
            }
        };
        service::ready(&line);
    }
}

/// Seconds since 1970 by a clock that nobody here relies on.
#[expect(clippy::disallowed_methods, reason = "read only to notice that somebody set it")]
fn wall_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
