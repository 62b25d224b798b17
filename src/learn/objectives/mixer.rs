//! How the gradients of several objectives become one, and which objectives are left out.
//!
//! Masked prediction and predictive coding have losses of one kind, and are added with their weights.
//! As soon as another objective is on, each gradient is divided by the fading mean of its length on the
//! parameters that objectives share, so that a weight says what share of a step an objective has,
//! whatever the scale of its loss: `g ← Σ λₒ gₒ / (mean ‖gₒ‖ + ε)`.
//!
//! An objective is switched off for good when its shortcut was found, or when its gradient has pointed
//! against that of the first objective (cosine below −0.3) for more than 100 steps in a row. Objectives
//! that guess tokens and turn out to copy are told, but go on: surprise is made of their errors.

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

/// One objective's part in the mix.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Share {
    mean_length: f64,
    steps: u64,
    against: u64,
    found: Option<Shortcut>,
    is_told: bool,
}

/// An objective, and what was found out about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Its name in the configuration.
    pub objective: &'static str,
    /// What was found.
    pub found: Shortcut,
    /// Whether it is off from now on.
    pub is_off: bool,
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

    /// Whether an objective still learns.
    pub fn is_on(&self, which: usize) -> bool {
        self.shares[which].found.is_none_or(|found| !switches_off(found))
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

    /// Takes in what an objective was found to be solved by. The first finding stays, but one that switches
    /// it off takes the place of one that does not.
    pub fn found(&mut self, which: usize, found: Shortcut) {
        let share = &mut self.shares[which];
        if share.found.is_none_or(|before| !switches_off(before) && switches_off(found)) {
            (share.found, share.is_told) = (Some(found), false);
        }
    }

    /// One finding that was not told yet.
    pub fn notice(&mut self) -> Option<(usize, Shortcut, bool)> {
        let which = self.shares.iter().position(|s| s.found.is_some() && !s.is_told)?;
        self.shares[which].is_told = true;
        let found = self.shares[which].found?;
        Some((which, found, switches_off(found)))
    }

    /// Appends everything that changes. What was told is told again after a restart.
    pub fn save(&self, to: &mut Writer) {
        to.section("mixer");
        to.len(self.shares.len());
        for share in &self.shares {
            to.f64(share.mean_length);
            to.u64(share.steps);
            to.u64(share.against);
            Shortcut::save(share.found, to);
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
        }
        Ok(())
    }
}

const fn switches_off(found: Shortcut) -> bool {
    !matches!(found, Shortcut::Copies)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when the first finding stays whatever comes.
    #[test]
    fn one_that_only_copies_can_still_be_found_to_work_against_the_first() {
        let mut mixer = Mixer::new(2);
        mixer.found(1, Shortcut::Copies);
        assert_eq!(mixer.notice(), Some((1, Shortcut::Copies, false)));
        (0..=PATIENCE + 1).for_each(|_| mixer.compare(1, -1.0));
        assert!(!mixer.is_on(1));
        assert_eq!(mixer.notice(), Some((1, Shortcut::Opposes, true)));
        mixer.found(1, Shortcut::Copies);
        assert!(!mixer.is_on(1) && mixer.notice().is_none());
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
            assert!(mixer.is_on(1) && mixer.notice().is_none());
        }
        mixer.compare(1, -0.31);
        assert!(!mixer.is_on(1) && mixer.is_on(0));
        assert_eq!(mixer.notice(), Some((1, Shortcut::Opposes, true)));
        assert_eq!(mixer.notice(), None);
    }

    #[test]
    fn what_copies_is_told_and_goes_on() {
        let mut mixer = Mixer::new(1);
        mixer.found(0, Shortcut::Copies);
        assert!(mixer.is_on(0));
        assert_eq!(mixer.notice(), Some((0, Shortcut::Copies, false)));
    }
}
