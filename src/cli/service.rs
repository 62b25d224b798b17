//! Talking to the service manager: systemd, by `sd_notify(3)`. Without one, nothing happens.

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
