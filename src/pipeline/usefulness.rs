//! Whether what a source delivers can be used at all.
//!
//! A device that stalls is silent, and its source sees to that. One that goes on delivering what nobody can
//! decode looks alive: a camera whose format was changed behind our back, a command that writes another size.
//! Only where windows are made does anybody know.

use std::time::Duration;

/// Compares what was lost with what became windows.
#[derive(Debug)]
pub struct Usefulness {
    patience: Duration,
    windows: u64,
    /// Unusable items when the last window was made, or nothing came.
    useless: u64,
    since: Option<Duration>,
}

impl Usefulness {
    /// For a source that makes a window in `patience` at least, where all is well.
    pub const fn new(patience: Duration) -> Self {
        Self { patience, windows: 0, useless: 0, since: None }
    }

    /// `windows` made and `useless` items so far, at `now`. How long nothing but useless items has come,
    /// once that is longer than is borne; then it begins anew.
    pub fn note(&mut self, windows: u64, useless: u64, now: Duration) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        if windows != self.windows || useless == self.useless {
            (self.windows, self.useless, self.since) = (windows, useless, Some(now));
            return None;
        }
        let lasted = now.saturating_sub(since);
        if lasted < self.patience {
            return None;
        }
        (self.useless, self.since) = (useless, Some(now));
        Some(lasted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_stream_of_rubbish_is_told_after_a_while_and_again() {
        let mut usefulness = Usefulness::new(10 * S);
        let told: Vec<u32> =
            (0..=40).filter(|&s| usefulness.note(5, u64::from(s), s * S).is_some()).collect();
        assert_eq!(told, [10, 20, 30, 40]);
    }

    #[test]
    fn rubbish_between_good_pictures_and_silence_are_not() {
        let mut usefulness = Usefulness::new(10 * S);
        for s in 0..100 {
            let windows = u64::from(s / 8);
            assert_eq!(usefulness.note(windows, u64::from(s), s * S), None, "{s}");
        }
        let mut usefulness = Usefulness::new(10 * S);
        assert!((0..100).all(|s| usefulness.note(3, 7, s * S).is_none()));
    }
}
