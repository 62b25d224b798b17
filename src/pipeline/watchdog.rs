//! Whether the service manager's watchdog may be fed: only when every source has got somewhere.
//!
//! No timer feeds it. A source that runs must have had windows judged and learnt since the last
//! time; one whose device is away must have been tried again. So a thread that hangs, in a driver,
//! in the encoder or in the learner, ends in a restart, and an unplugged microphone does not.

use std::time::Duration;

use crate::config::source::CommandFormat;
use crate::config::source::SourceKind;
use crate::config::source::SourceSettings;
use crate::emit::status::SourceStatus;

/// A device that is away is tried once in a minute at least, and opening may take ten seconds; the
/// rest is for a busy board.
const LEAST_PATIENCE: Duration = Duration::from_secs(90);

/// The longest wait between two tries to open a device, and some time to open it.
const BETWEEN_TRIES: Duration = Duration::from_secs(75);

/// Pictures that a slow camera may lose before it counts as hanging.
const SLOW_PICTURES: f64 = 3.0;

/// What a source had done.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sign {
    /// Windows judged, and items lost on the way: something came and was dealt with.
    Ran(u64),
    /// How often it was tried to open the device.
    Tried(u64),
    /// Nothing more is expected.
    Over,
}

impl Sign {
    fn of(status: &SourceStatus) -> Self {
        match status.state.as_str() {
            "ended" | "failed" => Self::Over,
            "running" => Self::Ran(status.windows + status.losses.values().sum::<u64>()),
            _ => Self::Tried(status.tries),
        }
    }
}

/// Compares what sources have done with what they had done when it was last content.
#[derive(Debug, Default)]
pub struct Watchdog {
    last: Vec<Sign>,
}

impl Watchdog {
    /// Whether every source that is not over has got somewhere since the last time this was true.
    pub fn all_moved(&mut self, statuses: &[SourceStatus]) -> bool {
        let now: Vec<Sign> = statuses.iter().map(Sign::of).collect();
        let alive = now.iter().any(|sign| *sign != Sign::Over);
        let moved = now
            .iter()
            .enumerate()
            .all(|(index, sign)| *sign == Sign::Over || self.last.get(index) != Some(sign));
        if alive && moved {
            self.last = now;
        }
        alive && moved
    }
}

/// The shortest watchdog time under which no source is taken for hanging that only is slow.
pub fn patience(sources: &[SourceSettings]) -> Duration {
    let slowest = sources.iter().map(of_source).max().unwrap_or_default();
    // One of which nothing can be used is tried again after its own time and the longest wait.
    LEAST_PATIENCE.max(2 * slowest).max(slowest + BETWEEN_TRIES)
}

/// The time in which a source makes a window at least, where all is well.
pub fn of_source(source: &SourceSettings) -> Duration {
    let frames_per_s = match &source.kind {
        SourceKind::Camera { frames_per_s, .. }
        | SourceKind::Recording { frames_per_s, .. }
        | SourceKind::Command {
            format:
                CommandFormat::Frames { frames_per_s, .. } | CommandFormat::Mjpeg { frames_per_s },
            ..
        } => *frames_per_s,
        _ => 1.0,
    };
    // Above a day, waiting longer is no watchdog.
    Duration::from_secs_f64((SLOW_PICTURES / frames_per_s + source.stall_s).min(86_400.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(state: &str, windows: u64, tries: u64) -> SourceStatus {
        SourceStatus { state: state.into(), windows, tries, ..SourceStatus::default() }
    }

    #[test]
    fn a_source_that_stands_still_starves_it_whatever_the_others_do() {
        let mut watchdog = Watchdog::default();
        assert!(watchdog.all_moved(&[source("running", 1, 1), source("running", 9, 1)]));
        assert!(!watchdog.all_moved(&[source("running", 2, 1), source("running", 9, 1)]));
        assert!(!watchdog.all_moved(&[source("running", 3, 1), source("running", 9, 1)]));
        assert!(watchdog.all_moved(&[source("running", 3, 1), source("running", 10, 1)]));
    }

    #[test]
    fn a_device_that_is_away_must_be_tried_again() {
        let mut watchdog = Watchdog::default();
        assert!(watchdog.all_moved(&[source("waiting", 5, 1)]));
        assert!(!watchdog.all_moved(&[source("waiting", 5, 1)]));
        assert!(watchdog.all_moved(&[source("waiting", 5, 2)]));
        assert!(watchdog.all_moved(&[source("running", 5, 2)]), "it came back");
        assert!(!watchdog.all_moved(&[source("running", 5, 2)]));
    }

    #[test]
    fn damaged_pictures_are_work_too() {
        let mut watchdog = Watchdog::default();
        let mut camera = source("running", 5, 1);
        assert!(watchdog.all_moved(std::slice::from_ref(&camera)));
        camera.losses.insert("damaged".into(), 3);
        assert!(watchdog.all_moved(&[camera]));
    }

    #[test]
    fn what_is_over_is_not_waited_for_and_feeds_nothing() {
        let mut watchdog = Watchdog::default();
        assert!(watchdog.all_moved(&[source("ended", 5, 1), source("running", 1, 1)]));
        assert!(watchdog.all_moved(&[source("ended", 5, 1), source("running", 2, 1)]));
        assert!(!watchdog.all_moved(&[source("ended", 5, 1), source("failed", 2, 1)]));
        assert!(!watchdog.all_moved(&[]));
    }

    #[test]
    fn a_camera_that_looks_once_in_five_minutes_is_given_longer() {
        let camera = |frames_per_s| SourceSettings {
            kind: SourceKind::Camera { device: None, frames_per_s, size: None },
            ..SourceSettings::default()
        };
        assert_eq!(patience(&[camera(1.0)]), LEAST_PATIENCE);
        assert_eq!(patience(&[camera(1.0 / 300.0)]), Duration::from_secs(1_820));
    }
}
