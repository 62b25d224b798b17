//! What has been done so far, and how well it predicts.

use crate::learn::drift::Notice;
use crate::learn::learner::Learner;
use crate::learn::surprise::Reading;

/// Counts and skills since the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LearnReport {
    /// Windows handed to [`Learner::learn`].
    pub windows: u64,
    /// Of these, refused: wrong shape, or numbers that are not finite.
    pub refused: u64,
    /// Of these, almost the same as the one before.
    pub duplicates: u64,
    /// Of these, kept out as possible anomalies.
    pub quarantined: u64,
    /// Of these, passed over because enough of their kind, such as silence, is remembered.
    pub plenty: u64,
    /// Windows that raised an alarm.
    pub events: u64,
    /// Optimiser steps.
    pub updates: u64,
    /// Optimiser steps not done, because a gradient was not finite.
    pub refused_updates: u64,
    /// Challengers that became champion.
    pub commits: u64,
    /// Challengers that did not.
    pub rejections: u64,
    /// Challengers sent back to the champion's weights.
    pub rollbacks: u64,
    /// Champions that came back.
    pub restored: u64,
    /// Champions given up for fresh weights.
    pub resets: u64,
    /// Notices given, in the order of [`Notice::ALL`].
    pub notices: [u64; Notice::ALL.len()],
    /// Windows remembered.
    pub remembered: usize,
    /// `1 − error / error of guessing the mean`, over about the last thousand windows, each scored
    /// before it was learnt. `None` before the first.
    pub skill_vs_mean: Option<f64>,
    /// The same against guessing the token before (in a picture: the same patch one frame earlier).
    pub skill_vs_persistence: Option<f64>,
}

/// Sums behind the skills, fading over a thousand windows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Skill {
    pub(super) error: f64,
    pub(super) mean: f64,
    pub(super) error_beside_persistence: f64,
    pub(super) persistence: f64,
}

/// Share that the sums keep from one window to the next.
const SKILL_MEMORY: f64 = 0.999;

impl Skill {
    /// Takes in a window's errors, as they were before it was learnt.
    pub(super) fn observe(&mut self, reading: Reading, persistence: Option<f32>) {
        for sum in [
            &mut self.error,
            &mut self.mean,
            &mut self.error_beside_persistence,
            &mut self.persistence,
        ] {
            *sum *= SKILL_MEMORY;
        }
        self.error += f64::from(reading.error);
        self.mean += f64::from(reading.mean_error);
        // Where nothing guesses, both errors are 0.
        if let Some(persistence) = persistence.filter(|_| 0.0 < reading.mean_error) {
            self.error_beside_persistence += f64::from(reading.error);
            self.persistence += f64::from(persistence);
        }
    }

    fn against_mean(&self) -> Option<f64> {
        skill(self.error, self.mean)
    }

    fn against_persistence(&self) -> Option<f64> {
        skill(self.error_beside_persistence, self.persistence)
    }
}

fn skill(error: f64, of: f64) -> Option<f64> {
    (0.0 < of).then(|| 1.0 - error / of)
}

impl Learner {
    /// Counts and skills so far.
    pub fn report(&self) -> LearnReport {
        let [commits, rejections, rollbacks, resets] = self.guard.counts();
        LearnReport {
            windows: self.counts.windows,
            refused: self.counts.refused,
            duplicates: self.counts.duplicates,
            quarantined: self.counts.quarantined,
            plenty: self.counts.plenty,
            events: self.counts.events,
            updates: self.adam.steps(),
            refused_updates: self.counts.refused_updates,
            commits,
            rejections,
            rollbacks,
            restored: self.guard.restored(),
            resets,
            notices: self.watch.told(),
            remembered: self.memory.len() + self.waiting.len(),
            skill_vs_mean: self.skill.against_mean(),
            skill_vs_persistence: self.skill.against_persistence(),
        }
    }
}
