//! Other ways to make one score of surprise and density, to be held against the product's.
//!
//! The product adds both, weighted, and judges the sum ([`crate::learn::novelty`]). Each rule here judges both
//! channels by themselves, in the same way: without their present level, against their own past. What they
//! judge is what the learner as configured said of each window before it learnt it; its histories alone are
//! moved along when its weights change.

use crate::config::learn::LearnSettings;
use crate::learn::gate::Admission;
use crate::learn::learner::Score;
use crate::learn::novelty::Judged;
use crate::learn::novelty::LeastPlan;
use crate::learn::novelty::LevelPlan;
use crate::learn::novelty::Novelty;

/// No p-value is taken for less: what is fused must be finite.
const LEAST_P: f64 = 1e-12;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fusion {
    /// `−Σ ln p`: the chance of so small a product, were channels independent.
    Fisher,
    /// `Σ Φ⁻¹(1 − p)`, in the same way.
    Stouffer,
    /// The rarer of both.
    Rarest,
    /// The sum of each channel's deviations above its own median.
    Deviations,
}

impl Fusion {
    /// All, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Fisher, Self::Stouffer, Self::Rarest, Self::Deviations];

    /// In words, for a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fisher => "fused: Fisher",
            Self::Stouffer => "fused: Stouffer",
            Self::Rarest => "fused: rarest channel",
            Self::Deviations => "fused: sum of deviations",
        }
    }

    /// Rises with unusualness.
    pub fn of(self, channels: [Channel; 2]) -> f64 {
        let sum = |of: fn(Channel) -> f64| channels.into_iter().map(of).sum();
        match self {
            Self::Fisher => sum(|channel| -channel.p().ln()),
            Self::Stouffer => sum(|channel| deviation_of(channel.p())),
            Self::Rarest => -channels[0].p().min(channels[1].p()).ln(),
            Self::Deviations => sum(|channel| f64::from(channel.deviations)),
        }
    }
}

/// One channel of one window against that channel's past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channel {
    /// Above its median.
    pub deviations: f32,
    /// The chance of as much or more.
    pub p_value: f32,
}

impl Channel {
    fn p(self) -> f64 {
        f64::from(self.p_value).clamp(LEAST_P, 1.0 - LEAST_P)
    }
}

/// `Φ⁻¹(1 − p)`, wrong by 4.5e-4 at most (Abramowitz and Stegun, 26.2.23).
fn deviation_of(p: f64) -> f64 {
    let t = (-2.0 * p.min(1.0 - p).ln()).sqrt();
    let above = (0.010_328 * t + 0.802_853) * t + 2.515_517;
    let below = ((0.001_308 * t + 0.189_269) * t + 1.432_788) * t + 1.0;
    (t - above / below).copysign(0.5 - p)
}

/// The past of both channels of one learner.
#[derive(Debug)]
pub struct Channels {
    past: [Novelty<1>; 2],
    first_s: Option<f64>,
    windows: u32,
}

impl Channels {
    /// With histories as long as a learner's of those settings.
    pub fn new(settings: &LearnSettings) -> Self {
        let level = LevelPlan {
            share: settings.level_share,
            windows: settings.level_windows,
            within_s: settings.level_s,
        };
        let least = LeastPlan { windows: settings.history_min, within_s: settings.warm_up_s };
        let past = Novelty::new([1.0], level, settings.history_windows, least);
        Self { past: [past.clone(), past], first_s: None, windows: 0 }
    }

    /// Judges a window; `None` in warm-up.
    pub fn judge(&mut self, score: &Score) -> Option<[Channel; 2]> {
        let [surprise, density] = &mut self.past;
        let channel =
            |judged: Judged| Channel { deviations: judged.novelty, p_value: judged.p_value };
        Some([channel(surprise.judge([score.surprise])?), channel(density.judge([score.density])?)])
    }

    /// Takes in a window that began at `at_s` and was learnt, or kept out of learning.
    pub fn observe(&mut self, score: &Score, admission: Option<Admission>, at_s: f64) {
        let Some(admission) = admission.filter(|_| score.is_read()) else { return };
        let first_s = *self.first_s.get_or_insert(at_s);
        if 0 < self.windows {
            let interval_s = (at_s - first_s) / f64::from(self.windows);
            self.past.iter_mut().for_each(|past| past.keep_pace(interval_s));
        }
        self.windows += 1;
        let is_strange = admission == Admission::Quarantined;
        for (past, raw) in self.past.iter_mut().zip([score.surprise, score.density]) {
            // One that is not finite changes nothing, and the learner has counted it.
            let _taken = past.observe([raw], is_strange);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(p: [f32; 2]) -> [Channel; 2] {
        p.map(|p_value| Channel { deviations: 1.0 - p_value, p_value })
    }

    #[test]
    fn deviations_are_those_of_the_normal_table() {
        for (p, expected) in [(0.5, 0.0), (0.025, 1.96), (0.001, 3.09), (0.975, -1.96)] {
            let found = deviation_of(p);
            assert!((found - expected).abs() < 1e-3, "{p}: {found}, expected {expected}");
        }
    }

    /// Fails when a rule looks at one channel alone, or falls with unusualness.
    #[test]
    fn every_rule_rises_with_each_channel_and_stays_finite() {
        for rule in Fusion::ALL {
            let usual = rule.of(channels([0.5, 0.5]));
            for rare in [[0.01, 0.5], [0.5, 0.01], [0.0, 0.5]] {
                let found = rule.of(channels(rare));
                assert!(usual < found && found.is_finite(), "{rule:?}: {rare:?} is {found}");
            }
        }
        // What tells the rules apart: twice rather rare, or once very rare.
        let twice = channels([0.02, 0.02]);
        let once = channels([0.001, 0.6]);
        for (rule, is_twice) in
            [(Fusion::Fisher, true), (Fusion::Stouffer, true), (Fusion::Rarest, false)]
        {
            assert_eq!(rule.of(once) < rule.of(twice), is_twice, "{rule:?}");
        }
    }
}
