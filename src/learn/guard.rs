//! Learning never makes it worse: the champion scores, a challenger learns, and takes its place only
//! when it is better on windows that neither has learnt from.

use crate::base::bytes::{Malformed, Reader, Writer};

/// With fewer held-out windows nothing can be said, and the challenger is taken as it is.
const LEAST_WINDOWS: usize = 8;

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

/// The rule, and what it has decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    margin: f64,
    patience: u64,
    in_a_row: u64,
    commits: u64,
    rejections: u64,
    rollbacks: u64,
    resets: u64,
}

impl Guard {
    /// Better means: by `margin` standard errors; after `patience` rejections in a row, roll back.
    pub fn new(margin: f32, patience: u64) -> Self {
        Self {
            margin: f64::from(margin),
            patience,
            in_a_row: 0,
            commits: 0,
            rejections: 0,
            rollbacks: 0,
            resets: 0,
        }
    }

    /// Compares mean squared errors on the same held-out windows, those of guessing the mean with
    /// them.
    pub fn judge(&mut self, champion: &[f32], challenger: &[f32], mean: &[f32]) -> Verdict {
        let verdict = self.verdict(champion, challenger, mean);
        match verdict {
            Verdict::Commit => {
                self.commits += 1;
                self.in_a_row = 0;
            }
            Verdict::Reject => {
                self.rejections += 1;
                self.in_a_row += 1;
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
            }
        }
        verdict
    }

    fn verdict(&self, champion: &[f32], challenger: &[f32], mean: &[f32]) -> Verdict {
        let n = champion.len();
        if n < LEAST_WINDOWS {
            let is_finite = challenger.iter().all(|error| error.is_finite());
            return if is_finite { Verdict::Commit } else { Verdict::RollBack };
        }
        let gains = || champion.iter().zip(challenger).map(|(a, b)| f64::from(*a) - f64::from(*b));
        let gain = gains().sum::<f64>() / n as f64;
        let variance = gains().map(|x| (x - gain).powi(2)).sum::<f64>() / (n - 1) as f64;
        let standard_error = (variance / n as f64).sqrt();
        // Written so that NaN is no gain.
        if self.margin * standard_error < gain {
            return Verdict::Commit;
        }
        let total = |errors: &[f32]| errors.iter().map(|&x| f64::from(x)).sum::<f64>();
        let has_no_skill = |errors: &[f32]| total(mean) * NO_SKILL < total(errors);
        if self.in_a_row + 1 < self.patience {
            Verdict::Reject
        } else if has_no_skill(champion) && has_no_skill(challenger) {
            Verdict::Reset
        } else {
            Verdict::RollBack
        }
    }

    /// Challengers taken, refused, sent back to the champion; champions given up.
    pub const fn counts(&self) -> [u64; 4] {
        [self.commits, self.rejections, self.rollbacks, self.resets]
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("guard");
        to.u64(self.in_a_row);
        self.counts().into_iter().for_each(|count| to.u64(count));
    }

    /// Reads what [`Guard::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("guard")?;
        self.in_a_row = from.u64()?;
        self.commits = from.u64()?;
        self.rejections = from.u64()?;
        self.rollbacks = from.u64()?;
        self.resets = from.u64()?;
        Ok(())
    }
}

/// Times the error of the mean: worse than that on held-out windows is harm, not noise.
const NO_SKILL: f64 = 1.1;

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixteen windows around `level`, the same ups and downs for all.
    fn errors(level: f32, noise: f32) -> Vec<f32> {
        (0..16_u8).map(|i| level + noise * f32::from(i % 4) - 1.5 * noise).collect()
    }

    #[test]
    fn a_better_challenger_is_taken_and_a_worse_one_is_not() {
        let mut guard = Guard::new(1.0, 3);
        let mean = errors(2.0, 0.1);
        assert_eq!(guard.judge(&errors(1.0, 0.1), &errors(0.9, 0.1), &mean), Verdict::Commit);
        for wanted in [Verdict::Reject, Verdict::Reject, Verdict::RollBack, Verdict::Reject] {
            assert_eq!(guard.judge(&errors(1.0, 0.1), &errors(1.1, 0.1), &mean), wanted);
        }
        assert_eq!(guard.counts(), [1, 4, 1, 0]);
    }

    #[test]
    fn a_gain_within_the_noise_is_no_gain() {
        let mut guard = Guard::new(2.0, 9);
        let mut challenger = errors(1.0, 0.1);
        challenger[3] = 0.5;
        assert_eq!(guard.judge(&errors(1.0, 0.1), &challenger, &errors(2.0, 0.0)), Verdict::Reject);
    }

    #[test]
    fn what_is_worse_than_guessing_the_mean_is_given_up() {
        let mut guard = Guard::new(0.0, 1);
        let mean = errors(1.0, 0.1);
        assert_eq!(guard.judge(&errors(3.0, 0.1), &errors(3.1, 0.1), &mean), Verdict::Reset);
    }

    #[test]
    fn errors_that_are_not_numbers_never_win() {
        let mut guard = Guard::new(0.0, 9);
        let mean = errors(1.0, 0.1);
        let broken = vec![f32::NAN; 16];
        assert_eq!(guard.judge(&errors(0.9, 0.1), &broken, &mean), Verdict::Reject);
        assert_eq!(guard.judge(&[1.0], &[f32::NAN], &[1.0]), Verdict::RollBack);
    }
}
