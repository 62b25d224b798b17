//! Talking to the service manager: systemd, by `sd_notify(3)`. Without one, nothing happens.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use sd_notify::NotifyState;

/// What the service manager is told; a manager that does not listen is no reason to stop.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::debug!("the service manager does not listen: {error}");
    }
}

/// Started: devices may still be missing, but the daemon runs.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A line for `systemctl status`.
pub(crate) fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// The configuration is being read again, until [`ready`] is called.
pub(crate) fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    states.extend(NotifyState::monotonic_usec_now());
    tell(&states);
}

/// On the way out.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("writing what was learnt")]);
}

/// Every source got somewhere.
pub(crate) fn feed_watchdog() {
    tell(&[NotifyState::Watchdog]);
}

/// Whether there is a watchdog; one that is more impatient than `patience` is asked to wait longer.
pub(crate) fn has_watchdog(patience: Duration) -> bool {
    let Some(configured) = sd_notify::watchdog_enabled() else { return false };
    if configured < patience {
        log::info!(
            "asks the watchdog for {} s instead of {} s: a source may be that slow",
            patience.as_secs(),
            configured.as_secs()
        );
        let usec = u32::try_from(patience.as_micros()).unwrap_or(u32::MAX);
        tell(&[NotifyState::WatchdogUsec(usec)]);
    }
    true
}

/// Whether standard error goes to the journal, which understands `<4>` at the beginning of a line
/// and writes its own times.
pub(crate) fn is_journal() -> bool {
    let Some(stream) = std::env::var_os("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = fs::metadata("/proc/self/fd/2") else { return false };
    // A child whose output was redirected inherits the variable, and must not be taken in by it.
    stream.to_string_lossy() == format!("{}:{}", stderr.dev(), stderr.ino())
}

/// The journal's word for a level, as `sd-daemon(3)` has it.
pub(crate) const fn priority(level: log::Level) -> &'static str {
    match level {
        log::Level::Error => "<3>",
        log::Level::Warn => "<4>",
        log::Level::Info => "<6>",
        log::Level::Debug | log::Level::Trace => "<7>",
    }
}
