//! Learning never makes it worse: the champion scores, a challenger learns, and takes its place only
//! when it is better on windows that neither has learnt from.
//!
//! With fewer than `LEAST_WINDOWS` such windows nothing can be said, and a challenger whose errors are finite
//! is taken. At first "better" is a better mean: a champion that has learnt nothing yet is the greater risk. Once
//! there are held-out windows of [`LEAST_BLOCKS`] blocks of time, the challenger must win with 95 %
//! confidence, over whole blocks and with every kind of window counting alike ([`bootstrap`]), and no
//! kind may lose. Where guessing the mean beats the champion as surely, both start again. After
//! `HALVE_AFTER` refusals in a row the challenger's steps are halved, after `RESTART_AFTER` it starts
//! again from the champion.
//!
//! Champions that gave way are kept ([`predecessors`]), so that a commit can be undone.

pub mod bootstrap;
pub mod predecessors;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::guard::bootstrap::{Bootstrap, Case};

/// With fewer held-out windows nothing can be said, and the challenger is taken as it is.
const LEAST_WINDOWS: usize = 8;
/// Held-out blocks from which on confidence is asked for.
pub const LEAST_BLOCKS: usize = 30;
/// Refusals in a row after which steps are halved, and after which the challenger starts again.
const HALVE_AFTER: u64 = 3;
const RESTART_AFTER: u64 = 6;
/// Steps are never smaller than this share.
const LEAST_RATE: f64 = 0.125;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The challenger becomes the champion.
    Commit,
    /// The challenger was not better; it goes on learning.
    Reject,
    /// It was not better for long; it starts again from the champion.
    RollBack,
    /// The champion is no better than guessing the mean, and the challenger neither: both start
    /// again from fresh weights.
    Reset,
}

/// Format that tells champions that came back from challengers that were sent back.
const RESTORED_SINCE: u64 = 9;

/// The rule, and what it has decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    margin: f64,
    patience: u64,
    seed: u64,
    judged: u64,
    is_strict: bool,
    rate: f64,
    last_gain: f64,
    bootstrap: Bootstrap,
    in_a_row: u64,
    commits: u64,
    rejections: u64,
    rollbacks: u64,
    resets: u64,
    restored: u64,
}

impl Guard {
    /// At first better means: by `margin` standard errors; after `patience` rejections in a row, roll
    /// back.
    pub fn new(margin: f32, patience: u64, seed: u64) -> Self {
        Self {
            margin: f64::from(margin),
            patience,
            seed,
            judged: 0,
            is_strict: false,
            rate: 1.0,
            last_gain: f64::NAN,
            bootstrap: Bootstrap::default(),
            in_a_row: 0,
            commits: 0,
            rejections: 0,
            rollbacks: 0,
            resets: 0,
            restored: 0,
        }
    }

    /// Compares errors on the same held-out windows; reorders them.
    pub fn judge(&mut self, cases: &mut [Case]) -> Verdict {
        self.judged += 1;
        let verdict = if LEAST_BLOCKS <= Bootstrap::sort(cases) {
            self.is_strict = true;
            self.strict_verdict(cases)
        } else {
            self.verdict(cases)
        };
        match verdict {
            Verdict::Commit => {
                self.commits += 1;
                self.in_a_row = 0;
                self.rate = (2.0 * self.rate).min(1.0);
            }
            Verdict::Reject => {
                self.rejections += 1;
                self.in_a_row += 1;
                if self.is_strict && self.in_a_row == HALVE_AFTER {
                    self.rate = (self.rate / 2.0).max(LEAST_RATE);
                }
            }
            Verdict::RollBack => {
                self.rejections += 1;
                self.rollbacks += 1;
                self.in_a_row = 0;
            }
            Verdict::Reset => {
                self.rejections += 1;
                self.resets += 1;
                self.in_a_row = 0;
                self.rate = 1.0;
            }
        }
        verdict
    }

    fn verdict(&self, cases: &[Case]) -> Verdict {
        let n = cases.len();
        if n < LEAST_WINDOWS {
            let is_finite = cases.iter().all(|case| case.challenger.is_finite());
            return if is_finite { Verdict::Commit } else { Verdict::RollBack };
        }
        let gains = || cases.iter().map(|c| f64::from(c.champion) - f64::from(c.challenger));
        let gain = gains().sum::<f64>() / n as f64;
        let variance = gains().map(|x| (x - gain).powi(2)).sum::<f64>() / (n - 1) as f64;
        let standard_error = (variance / n as f64).sqrt();
        // Written so that NaN is no gain.
        if self.margin * standard_error < gain {
            return Verdict::Commit;
        }
        let total = |of: fn(&Case) -> f32| cases.iter().map(|c| f64::from(of(c))).sum::<f64>();
        let has_no_skill = |of: fn(&Case) -> f32| total(|c| c.mean) * NO_SKILL < total(of);
        if self.in_a_row + 1 < self.patience {
            Verdict::Reject
        } else if has_no_skill(|c| c.champion) && has_no_skill(|c| c.challenger) {
            Verdict::Reset
        } else {
            Verdict::RollBack
        }
    }

    fn strict_verdict(&mut self, cases: &[Case]) -> Verdict {
        let mut rng = self.draws();
        let gain = self.bootstrap.gain(cases, &mut rng, |c| c.champion, |c| c.challenger);
        self.last_gain = gain.at_least;
        if 0.0 < gain.at_least && !gain.harms {
            return Verdict::Commit;
        }
        // The adapter starts as the identity and the nets at nothing, so a fresh learner guesses the
        // mean: where the mean surely wins, so does starting again.
        if 0.0 < self.bootstrap.gain(cases, &mut rng, |c| c.champion, |c| c.mean).at_least {
            return Verdict::Reset;
        }
        if self.in_a_row + 1 < RESTART_AFTER { Verdict::Reject } else { Verdict::RollBack }
    }

    /// Whether the predecessor surely guesses better; `champion` holds the errors of the one in place,
    /// `challenger` those of its predecessor. Reorders.
    pub fn regrets(&mut self, cases: &mut [Case]) -> bool {
        Bootstrap::sort(cases);
        let mut rng = self.draws();
        let gain = self.bootstrap.gain(cases, &mut rng, |c| c.champion, |c| c.challenger);
        LEAST_WINDOWS <= cases.len() && 0.0 < gain.at_least
    }

    /// Its own draws: how a comparison came out must not change what is learnt next.
    const fn draws(&self) -> Rng {
        Rng::from_seed(self.seed ^ self.judged.rotate_left(32))
    }

    /// Whether confidence is asked for.
    pub const fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// By how much the challenger's steps are made smaller.
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// What the last challenger gained at least, with 95 % confidence, as a share of the error of
    /// guessing the mean; `None` before confidence was asked for.
    pub fn last_gain(&self) -> Option<f64> {
        self.last_gain.is_finite().then_some(self.last_gain)
    }

    /// Counts a champion that came back.
    pub const fn count_rollback(&mut self) {
        self.restored += 1;
        self.in_a_row = 0;
    }

    /// Champions that came back.
    pub const fn restored(&self) -> u64 {
        self.restored
    }

    /// Challengers taken, refused, sent back to the champion; champions given up.
    pub const fn counts(&self) -> [u64; 4] {
        [self.commits, self.rejections, self.rollbacks, self.resets]
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("guard");
        to.u64(self.in_a_row);
        to.u64(self.judged);
        to.flag(self.is_strict);
        to.f64(self.rate);
        to.f64(self.last_gain);
        self.counts().into_iter().for_each(|count| to.u64(count));
        to.u64(self.restored);
    }

    /// Reads what [`Guard::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("guard")?;
        self.in_a_row = from.u64()?;
        self.judged = from.u64()?;
        self.is_strict = from.flag()?;
        self.rate = from.f64()?;
        self.last_gain = from.f64()?;
        self.commits = from.u64()?;
        self.rejections = from.u64()?;
        self.rollbacks = from.u64()?;
        self.resets = from.u64()?;
        // Before, both were one count, and nobody can tell how many of which.
        self.restored = if from.is_since(RESTORED_SINCE) { from.u64()? } else { 0 };
        Ok(())
    }
}

/// Times the error of the mean: worse than that on held-out windows is harm, not noise.
const NO_SKILL: f64 = 1.1;

#[cfg(test)]
mod tests;
