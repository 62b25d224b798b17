//! The second clock: the model guesses worse than it did.
//!
//! A Page–Hinkley test on the mean error of each minute, standardised within its regime. Minutes, and
//! not windows: neighbouring windows err alike. With a tolerance δ of a quarter of a deviation and a
//! threshold λ of 25, a steady stream is accused once in `(exp(2 δ λ) − 2 δ λ − 1) / 2 δ²` minutes,
//! which is four years (Siegmund's approximation), and a rise by one deviation is told after half an
//! hour. Why not the tolerance of 0.05 that is often used: it accuses once a day.

use crate::base::bytes::{Malformed, Reader, Writer};

/// Deviations that are tolerated, and the sum beyond them at which the model is accused.
const TOLERANCE: f64 = 0.25;
const THRESHOLD: f64 = 25.0;
/// A minute counts for no more deviations than this.
const MOST: f64 = 3.0;
/// Minutes of a regime before it is judged, and those that its mean and deviation remember.
const LEAST_MINUTES: f64 = 60.0;
const MOST_MINUTES: f64 = 1440.0;
/// After an accusation nothing more is told for so long, seconds.
const SETTLE_S: f64 = 6.0 * 3600.0;
/// Regimes told apart.
const REGIMES: usize = crate::learn::alarm::MOST_REGIMES;

/// Errors of one regime so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Usual {
    minutes: f64,
    mean: f64,
    variance: f64,
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Misfit {
    usual: [Usual; REGIMES],
    minute: i64,
    sum: f64,
    windows: f64,
    /// Sum of deviations beyond the tolerance since it was last nothing.
    risen: f64,
    settled_at_s: f64,
}

impl Default for Misfit {
    fn default() -> Self {
        Self {
            usual: [Usual::default(); REGIMES],
            minute: i64::MIN,
            sum: 0.0,
            windows: 0.0,
            risen: 0.0,
            settled_at_s: f64::NEG_INFINITY,
        }
    }
}

impl Misfit {
    /// Takes in a usual window's error; `true` when the model no longer fits.
    pub fn observe(&mut self, at_s: f64, regime: usize, error: f32) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, after 10^11 years")]
        let minute = (at_s / 60.0).floor() as i64;
        let mut accused = false;
        if minute != self.minute {
            if 0.0 < self.windows {
                accused = self.close(at_s, regime.min(REGIMES - 1), self.sum / self.windows);
            }
            self.minute = minute;
            self.sum = 0.0;
            self.windows = 0.0;
        }
        if error.is_finite() {
            // As the logarithm: errors of different kinds of time differ by factors.
            self.sum += f64::from(error.max(1e-9)).ln();
            self.windows += 1.0;
        }
        accused
    }

    fn close(&mut self, at_s: f64, regime: usize, mean: f64) -> bool {
        let usual = &mut self.usual[regime];
        let mut accused = false;
        if LEAST_MINUTES <= usual.minutes && self.settled_at_s <= at_s {
            let deviation = (mean - usual.mean) / usual.variance.sqrt().max(1e-6);
            self.risen = (self.risen + deviation.clamp(-MOST, MOST) - TOLERANCE).max(0.0);
            if THRESHOLD < self.risen {
                accused = true;
                self.risen = 0.0;
                self.settled_at_s = at_s + SETTLE_S;
                // What is there now is the measure of what follows.
                *usual = Usual { minutes: LEAST_MINUTES / 2.0, ..*usual };
            }
        }
        usual.minutes = (usual.minutes + 1.0).min(MOST_MINUTES);
        let share = 1.0 / usual.minutes;
        let off = mean - usual.mean;
        usual.mean += share * off;
        usual.variance = (1.0 - share) * (usual.variance + share * off * off);
        accused
    }

    /// Fresh weights, or an earlier champion's, score from now on: what is usual is learnt anew, and quickly.
    pub fn rebase(&mut self) {
        self.risen = 0.0;
        for usual in &mut self.usual {
            usual.minutes = usual.minutes.min(LEAST_MINUTES / 2.0);
        }
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("misfit");
        for usual in &self.usual {
            to.f64s([usual.minutes, usual.mean, usual.variance].into_iter());
        }
        to.u64(self.minute.cast_unsigned());
        to.f64s([self.sum, self.windows, self.risen, self.settled_at_s].into_iter());
    }

    /// Reads what [`Misfit::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("misfit")?;
        for usual in &mut self.usual {
            let mut read = [0.0; 3];
            crate::learn::moments::fill(&mut read, "numbers of a regime", from.f64s()?)?;
            let [minutes, mean, variance] = read;
            *usual = Usual { minutes, mean, variance };
        }
        self.minute = from.u64()?.cast_signed();
        let mut read = [0.0; 4];
        crate::learn::moments::fill(&mut read, "numbers of a test", from.f64s()?)?;
        [self.sum, self.windows, self.risen, self.settled_at_s] = read;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn told(clock: &mut Misfit, rng: &mut Rng, minutes: std::ops::Range<u32>, factor: f32) -> u32 {
        let mut told = 0;
        for minute in minutes {
            // Nights err twice as much as days.
            let regime = usize::from((minute / 720) % 2 == 1);
            let error = factor * (1.0 + regime as f32) * (0.8 + 0.4 * rng.unit_f32());
            told += u32::from(clock.observe(f64::from(minute) * 60.0, regime, error));
        }
        told
    }

    /// Fails when errors are not told apart by regime: every night is then a misfit.
    #[test]
    fn worse_guesses_are_told_and_days_and_nights_are_not() {
        let (mut clock, mut rng) = (Misfit::default(), Rng::from_seed(4));
        assert_eq!(told(&mut clock, &mut rng, 0..20 * 1440, 1.0), 0);
        let begun = 20 * 1440;
        assert_eq!(told(&mut clock, &mut rng, begun..begun + 120, 1.3), 1);
        assert!(
            told(&mut clock, &mut rng, begun + 120..begun + 14 * 1440, 1.3) <= 1,
            "got used to it"
        );
    }

    #[test]
    fn better_guesses_are_no_misfit_and_a_new_champion_is_a_new_measure() {
        let (mut clock, mut rng) = (Misfit::default(), Rng::from_seed(5));
        assert_eq!(told(&mut clock, &mut rng, 0..2000, 1.0), 0);
        assert_eq!(told(&mut clock, &mut rng, 2000..3000, 0.5), 0);
        clock.rebase();
        let mut writer = Writer::default();
        clock.save(&mut writer);
        let bytes = writer.into_bytes();
        let mut loaded = Misfit::default();
        loaded.load(&mut Reader::new(&bytes)).expect("just written");
        assert_eq!(loaded, clock);
    }
}
