//! Samples lost because a source's thread was late: then learning gives way, before scores do. It slows
//! down, and rests when that was not enough.

use crate::pipeline::pace::Pace;

/// Seconds of input for which learning gives way after samples were lost by lateness.
const CATCH_UP_S: f64 = 60.0;

/// Samples lost so far, and what came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lateness {
    lost: u64,
    pace: Pace,
    since_s: f64,
}

impl Lateness {
    /// `lost` in all so far, at `now_s` of the stream.
    pub fn note(&mut self, lost: u64, now_s: f64) {
        let lost_more = self.lost < lost;
        self.lost = self.lost.max(lost);
        let passed_s = now_s - self.since_s;
        let next = match (self.pace, lost_more) {
            (Pace::Full, true) => Pace::Slow,
            (Pace::Full, false) => return,
            // What is lost within a second is one loss.
            (Pace::Slow, true) if 1.0 < passed_s => Pace::Rest,
            // Even while more is lost: a board that is always late must not rest for ever, or it
            // would never know what is usual.
            _ if CATCH_UP_S <= passed_s => Pace::Full,
            _ => return,
        };
        (self.pace, self.since_s) = (next, now_s);
    }

    /// How much this source may learn.
    pub const fn pace(self) -> Pace {
        self.pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_late_learns_less_then_nothing_and_then_tries_again() {
        let mut lateness = Lateness::default();
        let mut at = |lost, now_s| {
            lateness.note(lost, now_s);
            lateness.pace()
        };
        assert_eq!(at(0, 5.0), Pace::Full);
        assert_eq!(at(100, 10.0), Pace::Slow);
        assert_eq!(at(200, 10.5), Pace::Slow, "the same loss");
        assert_eq!(at(200, 69.0), Pace::Slow);
        assert_eq!(at(300, 69.5), Pace::Rest);
        assert_eq!(at(400, 129.0), Pace::Rest);
        assert_eq!(at(500, 130.0), Pace::Full, "resting did not help");
        assert_eq!(at(500, 500.0), Pace::Full);
    }
}
