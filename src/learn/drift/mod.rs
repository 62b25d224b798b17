//! Three clocks for change, and a look at the sensor itself. None of them adapts anything: they tell.
//!
//! | clock | notices | within | told as |
//! |---|---|---|---|
//! | [`abrupt`] | the place itself is another one: camera moved, microphone covered | a quarter of an hour | `scene_changed` |
//! | [`misfit`] | the model guesses worse than it did | hours | `model_misfit` |
//! | [`slow`] | a day is unlike the days that were kept at the beginning | days | `slow_drift` |
//! | [`sensor`] | nothing moves at all; nothing comes; numbers that are none | a minute | `sensor_…` |

pub mod abrupt;
pub mod misfit;
pub mod sensor;
pub mod slow;

use std::collections::BTreeMap;

/// Something worth telling that is no novelty of a single window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The place is another one than before: the camera was moved, the microphone covered.
    SceneChanged,
    /// The model guesses worse than it did, and no longer fits.
    ModelMisfit,
    /// A champion was worse than the one before it, which has come back.
    RolledBack,
    /// Slowly, the days have become other ones than the second day.
    UnlikeDay2,
    /// Than the first week.
    UnlikeWeek1,
    /// Than the first month.
    UnlikeMonth1,
    /// Window after window is the same to the last bit.
    SensorStuck,
    /// Nothing came for long.
    SensorGap,
    /// Window after window has numbers that are not finite.
    SensorBroken,
}

impl Notice {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::SceneChanged,
        Self::ModelMisfit,
        Self::RolledBack,
        Self::UnlikeDay2,
        Self::UnlikeWeek1,
        Self::UnlikeMonth1,
        Self::SensorStuck,
        Self::SensorGap,
        Self::SensorBroken,
    ];

    /// What programs read.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::SceneChanged => "scene_changed",
            Self::ModelMisfit => "model_misfit",
            Self::RolledBack => "rolled_back",
            Self::UnlikeDay2 | Self::UnlikeWeek1 | Self::UnlikeMonth1 => "slow_drift",
            Self::SensorStuck => "sensor_stuck",
            Self::SensorGap => "sensor_gap",
            Self::SensorBroken => "sensor_broken",
        }
    }

    /// Counts in the order of [`Notice::ALL`], by kind; those never given are left out.
    pub fn counts(given: [u64; Self::ALL.len()]) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (notice, count) in Self::ALL.into_iter().zip(given).filter(|(_, count)| 0 < *count) {
            *counts.entry(notice.kind().to_owned()).or_default() += count;
        }
        counts
    }

    /// What people read.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SceneChanged => "scene changed",
            Self::ModelMisfit => "model no longer fits",
            Self::RolledBack => "the last commit was undone: the model before it guesses better",
            Self::UnlikeDay2 => "slowly different from day 2",
            Self::UnlikeWeek1 => "slowly different from week 1",
            Self::UnlikeMonth1 => "slowly different from month 1",
            Self::SensorStuck => "the sensor is stuck: every window is the same to the last bit",
            Self::SensorGap => "nothing came from the sensor for a while",
            Self::SensorBroken => "the sensor delivers numbers that are not finite",
        }
    }
}
