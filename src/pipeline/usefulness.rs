//! Whether what a source delivers can be used at all.
//!
//! A device that stalls is silent, and its source sees to that. One that goes on delivering what nobody can
//! decode looks alive: a camera whose format was changed behind our back, a command that writes another size.
//! Only where windows are made does anybody know.

use std::time::Duration;

/// What is thought of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It has made a window.
    Useful,
    /// Neither is known.
    Unsure,
    /// For so long nothing but unusable items has come.
    Useless(Duration),
}

/// Compares what was lost with what became windows.
#[derive(Debug)]
pub struct Usefulness {
    patience: Duration,
    windows: u64,
    useless: u64,
    /// When the first unusable item since the last window came, and the newest.
    came: Option<(Duration, Duration)>,
}

impl Usefulness {
    /// For a source that makes a window in `patience` at least, where all is well.
    pub const fn new(patience: Duration) -> Self {
        Self { patience, windows: 0, useless: 0, came: None }
    }

    /// `windows` made and `useless` items so far, at `now`. After [`Use::Useless`] it begins anew.
    pub fn note(&mut self, windows: u64, useless: u64, now: Duration) -> Use {
        let (has_window, has_useless) = (windows != self.windows, useless != self.useless);
        (self.windows, self.useless) = (windows, useless);
        if has_window {
            self.came = None;
            return Use::Useful;
        }
        // Before a silence it was another story.
        self.came = self.came.filter(|(_, newest)| now < *newest + self.patience);
        if has_useless {
            let (first, _) = *self.came.get_or_insert((now, now));
            self.came = Some((first, now));
            if self.patience <= now - first {
                self.came = None;
                return Use::Useless(now - first);
            }
        }
        Use::Unsure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_stream_of_rubbish_is_told_after_a_while_and_again() {
        let mut usefulness = Usefulness::new(10 * S);
        let is_told = |s: &u32| usefulness.note(0, u64::from(*s), *s * S) == Use::Useless(10 * S);
        assert_eq!((0..=40).filter(is_told).collect::<Vec<u32>>(), [11, 22, 33]);
    }

    #[test]
    fn rubbish_between_good_pictures_is_borne() {
        let mut usefulness = Usefulness::new(10 * S);
        for s in 0..100 {
            let found = usefulness.note(u64::from(s / 8), u64::from(s), s * S);
            assert!(!matches!(found, Use::Useless(_)), "{s}");
            assert_eq!(found == Use::Useful, 0 < s && s.is_multiple_of(8), "{s}");
        }
    }

    /// Fails when one bad picture before a silence is held against what comes after it.
    #[test]
    fn silence_is_no_rubbish() {
        let mut usefulness = Usefulness::new(10 * S);
        for s in 0..100 {
            let useless = u64::from(s / 30);
            assert_eq!(usefulness.note(0, useless, s * S), Use::Unsure, "{s}");
        }
    }
}
