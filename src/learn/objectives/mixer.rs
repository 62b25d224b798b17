//! How the gradients of several objectives become one, and which objectives are left out.
//!
//! Masked prediction and predictive coding have losses of one kind, and are added with their weights.
//! As soon as another objective is on, each gradient is divided by the fading mean of its length on the
//! parameters that objectives share, so that a weight says what share of a step an objective has,
//! whatever the scale of its loss: `g ← Σ λₒ gₒ / (mean ‖gₒ‖ + ε)`.
//!
//! An objective is switched off when its shortcut was found, or when its gradient has pointed against that
//! of the first objective (cosine below −0.3) for more than 100 steps in a row. Places change, so it is
//! tried again: after [`REST_STEPS`] steps without it the first time, twice as many the next, and so on.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::objectives::watch::Shortcut;

/// Share that a mean length keeps from one step to the next.
const MEMORY: f64 = 0.99;
/// Keeps a vanishing gradient from being blown up.
const EPSILON: f64 = 1e-8;
/// Cosine below which a gradient works against the first one.
const AGAINST: f64 = -0.3;
/// Steps in a row for which it may.
const PATIENCE: u64 = 100;
/// Steps without an objective that was switched off for the first time. Those in which it shows once more
/// what it is solved by are 1200 at most.
pub const REST_STEPS: u64 = 10_000;
/// Format that knows rests. In those of before, what was off was off for good, and what only copied went on.
const RESTS_SINCE: u64 = 7;
/// Rests are doubled no more often than this.
const MOST_DOUBLED: u64 = 16;

/// One objective's part in the mix.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Share {
    mean_length: f64,
    steps: u64,
    against: u64,
    /// What it is off for, or was last.
    found: Option<Shortcut>,
    is_off: bool,
    /// How often it was switched off, and steps without it since it was last.
    times: u64,
    rested: u64,
    /// It goes off, or on again, at the next [`Mixer::turn`].
    turns: bool,
    has_news: bool,
}

impl Share {
    /// Steps that it is off for, or was.
    fn rest(&self) -> u64 {
        REST_STEPS << self.times.saturating_sub(1).min(MOST_DOUBLED)
    }
}

/// An objective, and what was found out about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Its name in the configuration.
    pub objective: &'static str,
    /// What was found.
    pub found: Shortcut,
    /// Whether it is off from now on; else it was, and is tried again.
    pub is_off: bool,
    /// For how many steps it is off, or was.
    pub rest_steps: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Mixer {
    shares: Vec<Share>,
}

impl Mixer {
    /// For so many objectives.
    pub fn new(objectives: usize) -> Self {
        Self { shares: vec![Share::default(); objectives] }
    }

    /// Whether an objective learns.
    pub fn is_on(&self, which: usize) -> bool {
        !self.shares[which].is_off
    }

    /// What a gradient of that length is multiplied with, weight 1; takes the length in first.
    pub fn scale(&mut self, which: usize, length: f64) -> f64 {
        let share = &mut self.shares[which];
        if length.is_finite() {
            share.steps += 1;
            // A plain mean at first, a fading one later.
            let part = (1.0 / share.steps as f64).max(1.0 - MEMORY);
            share.mean_length += part * (length - share.mean_length);
        }
        1.0 / (share.mean_length + EPSILON)
    }

    /// Takes in the cosine between an objective's gradient and that of the first one.
    pub fn compare(&mut self, which: usize, cosine: f64) {
        let share = &mut self.shares[which];
        share.against = if cosine < AGAINST { share.against + 1 } else { 0 };
        if PATIENCE < share.against {
            self.found(which, Shortcut::Opposes);
        }
    }

    /// Takes in what an objective that learns was found to be solved by; the first finding stays.
    pub fn found(&mut self, which: usize, found: Shortcut) {
        let share = &mut self.shares[which];
        if !share.is_off && !share.turns {
            (share.found, share.turns) = (Some(found), true);
        }
    }

    /// Whether an objective that still learns was found to copy.
    pub fn seems_to_copy(&self, which: usize) -> bool {
        let share = &self.shares[which];
        share.turns && !share.is_off && share.found == Some(Shortcut::Copies)
    }

    /// What was found was not true: it goes on.
    pub fn acquit(&mut self, which: usize) {
        let share = &mut self.shares[which];
        (share.found, share.turns) = (None, false);
    }

    /// A step without an objective that is off; `true` when it has been long enough, and its watch must
    /// begin anew.
    pub fn rest(&mut self, which: usize) -> bool {
        let share = &mut self.shares[which];
        share.rested += 1;
        share.turns = share.rest() <= share.rested;
        share.turns
    }

    /// Whether [`Mixer::turn`] will change which objectives learn.
    pub fn turns(&self) -> bool {
        self.shares.iter().any(|share| share.turns)
    }

    /// Switches off those that something was found out about, and on those that were off long enough.
    pub fn turn(&mut self) {
        for share in self.shares.iter_mut().filter(|share| share.turns) {
            share.turns = false;
            share.is_off = !share.is_off;
            share.has_news = true;
            share.against = 0;
            if share.is_off {
                share.times += 1;
                share.rested = 0;
            }
        }
    }

    /// What was not told yet of one objective.
    pub fn notice(&mut self) -> Option<(usize, Shortcut, bool, u64)> {
        let which = self.shares.iter().position(|share| share.has_news)?;
        let share = &mut self.shares[which];
        share.has_news = false;
        Some((which, share.found?, share.is_off, share.rest()))
    }

    /// Appends everything that changes. Which objectives are off is told again after a restart.
    pub fn save(&self, to: &mut Writer) {
        to.section("mixer");
        to.len(self.shares.len());
        for share in &self.shares {
            to.f64(share.mean_length);
            to.u64(share.steps);
            to.u64(share.against);
            Shortcut::save(share.found, to);
            to.flag(share.is_off);
            to.u64(share.times);
            to.u64(share.rested);
        }
    }

    /// Reads what [`Mixer::save`] wrote, for as many objectives.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("mixer")?;
        from.expect_len("objectives", self.shares.len())?;
        for share in &mut self.shares {
            share.mean_length = from.f64()?;
            share.steps = from.u64()?;
            share.against = from.u64()?;
            share.found = Shortcut::load(from)?;
            if from.is_since(RESTS_SINCE) {
                share.is_off = from.flag()?;
                share.times = from.u64()?;
                share.rested = from.u64()?;
            } else {
                share.is_off = share.found.is_some_and(|found| !matches!(found, Shortcut::Copies));
                (share.times, share.rested) = (u64::from(share.is_off), 0);
            }
            share.has_news = share.is_off;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when one that is off stays off (`turns` in `rest`), when rests are not doubled, and when what was
    /// found before counts at once.
    #[test]
    fn one_that_is_off_is_tried_again_and_then_rests_twice_as_long() {
        let mut mixer = Mixer::new(2);
        for rest_steps in [REST_STEPS, 2 * REST_STEPS, 4 * REST_STEPS] {
            mixer.found(1, Shortcut::Copies);
            assert!(mixer.is_on(1) && mixer.turns(), "not before the turn");
            mixer.turn();
            let notice = mixer.notice();
            assert_eq!(notice, Some((1, Shortcut::Copies, true, rest_steps)));
            mixer.found(1, Shortcut::Copies);
            assert!(!mixer.turns(), "what is off is not switched on by another finding");
            assert_eq!((1..).find(|_| mixer.rest(1)), Some(rest_steps));
            assert!(!mixer.is_on(1) && mixer.is_on(0));
            mixer.turn();
            assert!(mixer.is_on(1) && !mixer.turns());
            let notice = mixer.notice();
            assert_eq!(notice, Some((1, Shortcut::Copies, false, rest_steps)));
            assert_eq!(mixer.notice(), None);
        }
    }

    /// Fails when anything of it is not saved.
    #[test]
    fn a_rest_goes_on_after_a_restart_and_is_told_again() {
        let mut mixer = Mixer::new(1);
        mixer.found(0, Shortcut::Copies);
        mixer.turn();
        (0..REST_STEPS - 1).for_each(|_| assert!(!mixer.rest(0)));
        let mut writer = Writer::default();
        mixer.save(&mut writer);
        let bytes = writer.into_bytes();
        let mut loaded = Mixer::new(1);
        loaded.load(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(loaded.notice(), Some((0, Shortcut::Copies, true, REST_STEPS)));
        assert!(!loaded.is_on(0) && loaded.rest(0));
    }

    #[test]
    fn a_long_gradient_and_a_short_one_get_equal_parts() {
        let mut mixer = Mixer::new(2);
        for _ in 0..500 {
            let long = 1000.0 * mixer.scale(0, 1000.0);
            let short = 1e-3 * mixer.scale(1, 1e-3);
            assert!((long - 1.0).abs() < 1e-4 && (short - 1.0).abs() < 1e-4, "{long} {short}");
        }
        // A length that is not finite leaves no trace.
        let before = mixer.shares[0];
        mixer.scale(0, f64::NAN);
        assert_eq!(mixer.shares[0], before);
    }

    #[test]
    fn an_opponent_is_dropped_after_a_hundred_steps_in_a_row_and_told_once() {
        let mut mixer = Mixer::new(2);
        for _ in 0..PATIENCE {
            mixer.compare(1, -0.5);
        }
        mixer.compare(1, 0.0);
        for _ in 0..PATIENCE {
            mixer.compare(1, -0.5);
            assert!(!mixer.turns());
        }
        mixer.compare(1, -0.31);
        mixer.turn();
        assert!(!mixer.is_on(1) && mixer.is_on(0));
        assert_eq!(mixer.notice(), Some((1, Shortcut::Opposes, true, REST_STEPS)));
        assert_eq!(mixer.notice(), None);
    }
}
