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

/// As systemd reads it: 64 bits, where the crate's own state takes 32, which end at 71 minutes.
fn watchdog_usec(patience: Duration) -> String {
    format!("WATCHDOG_USEC={}", patience.as_micros())
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
        tell(&[NotifyState::Custom(&watchdog_usec(patience))]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture every two hours: more microseconds than 32 bits hold.
    #[test]
    fn patience_of_hours_is_told_as_it_is() {
        assert_eq!(watchdog_usec(Duration::from_secs(6 * 3600)), "WATCHDOG_USEC=21600000000");
    }
}
