//! Whether an objective is solved without learning anything about the place.
//!
//! Each objective measures, at every step, how well something that learns nothing would have done; a
//! [`Watch`] says when that has been too well for too long.

use crate::base::bytes::{Malformed, Reader, Writer};

/// Share that the mean keeps from one step to the next.
const MEMORY: f64 = 0.98;
/// Steps before the mean is believed.
const FIRST_STEPS: u64 = 50;
/// Steps in a row for which the mean must be beyond the limit.
const STEPS_IN_A_ROW: u64 = 200;

/// Why an objective teaches nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortcut {
    /// Repeating what is next to it is as good as the guess.
    Copies,
    /// The present token alone finds the coming one.
    Persistence,
    /// One feature, like loudness or a burnt-in clock, tells windows apart.
    OneFeature,
    /// All windows are described alike.
    Collapse,
    /// Turned pictures are told apart without fail: borders, an overlay, or light from above.
    Border,
    /// One feature grows or falls all the time: a clock, a ramp.
    Ramp,
    /// The picture has had the same colours, or pixels, all the time.
    Still,
    /// The bottleneck passes everything.
    Identity,
    /// Its gradient works against that of the main objective.
    Opposes,
}

impl Shortcut {
    /// Every one of them; the place is its number in a checkpoint.
    const ALL: [Self; 9] = [
        Self::Copies,
        Self::Persistence,
        Self::OneFeature,
        Self::Collapse,
        Self::Border,
        Self::Ramp,
        Self::Still,
        Self::Identity,
        Self::Opposes,
    ];

    /// For a log line after the objective's name.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Copies => "guesses no better than repeating what is next to it",
            Self::Persistence => "is solved by the present token alone",
            Self::OneFeature => "is solved by one feature alone, such as loudness or a clock",
            Self::Collapse => "describes all windows alike",
            Self::Border => "is solved without fail: borders, an overlay or light from above",
            Self::Ramp => "is solved by one feature that only grows, such as a clock or a ramp",
            Self::Still => "has nothing to guess: the picture stays as it is",
            Self::Identity => "passes everything through its bottleneck",
            Self::Opposes => "works against the main objective",
        }
    }

    /// Appends it, or that there is none.
    pub fn save(found: Option<Self>, to: &mut Writer) {
        let place = found.and_then(|found| Self::ALL.iter().position(|&one| one == found));
        to.u64(place.map_or(0, |place| place as u64 + 1));
    }

    /// Reads what [`Shortcut::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(from: &mut Reader<'_>) -> Result<Option<Self>, Malformed> {
        let number = from.u64()?;
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        if place == 0 {
            return Ok(None);
        }
        let found = Self::ALL.get(place - 1).copied();
        found.map(Some).ok_or_else(|| Malformed::WrongValue {
            what: "the reason why an objective is off",
            found: number.to_string(),
            expected: format!("at most {}", Self::ALL.len()),
        })
    }
}

/// A fading mean, and for how long it has been at its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watch {
    limit: f64,
    first_steps: u64,
    mean: f64,
    steps: u64,
    in_a_row: u64,
}

impl Watch {
    /// Trips when the fading mean of what is observed stays at `limit` or above.
    pub const fn at(limit: f64) -> Self {
        Self { limit, first_steps: FIRST_STEPS, mean: 0.0, steps: 0, in_a_row: 0 }
    }

    /// The same, but not within the first `steps`: what learns needs its time to be better.
    pub const fn after(steps: u64, limit: f64) -> Self {
        Self { first_steps: steps, ..Self::at(limit) }
    }

    /// Forgets what it has seen.
    pub const fn restart(&mut self) {
        (self.mean, self.steps, self.in_a_row) = (0.0, 0, 0);
    }

    /// Takes in one step. Numbers that are not finite are passed over.
    pub fn observe(&mut self, x: f64) {
        if !x.is_finite() {
            return;
        }
        self.steps += 1;
        // A plain mean at first, a fading one later.
        let share = (1.0 / self.steps as f64).max(1.0 - MEMORY);
        self.mean += share * (x - self.mean);
        let is_beyond = self.first_steps <= self.steps && self.limit <= self.mean;
        self.in_a_row = if is_beyond { self.in_a_row + 1 } else { 0 };
    }

    /// Whether it has tripped.
    pub const fn has_tripped(&self) -> bool {
        STEPS_IN_A_ROW <= self.in_a_row
    }

    /// The fading mean.
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.f64(self.mean);
        to.u64(self.steps);
        to.u64(self.in_a_row);
    }

    /// Reads what [`Watch::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        self.mean = from.f64()?;
        self.steps = from.u64()?;
        self.in_a_row = from.u64()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_trips_when_the_limit_lasts_and_not_before() {
        let mut watch = Watch::at(0.9);
        for step in 0..FIRST_STEPS + STEPS_IN_A_ROW - 1 {
            assert!(!watch.has_tripped(), "after {step} steps");
            watch.observe(1.0);
        }
        assert!(watch.has_tripped());
        let mut watch = Watch::at(0.9);
        for step in 0..5000 {
            watch.observe(if step % 4 == 0 { 0.4 } else { 1.0 });
            assert!(!watch.has_tripped(), "after {step} steps at {}", watch.mean());
        }
    }

    #[test]
    fn what_is_not_finite_leaves_no_trace() {
        let mut watch = Watch::at(0.5);
        watch.observe(0.25);
        let before = watch;
        watch.observe(f64::NAN);
        assert_eq!(watch, before);
    }

    #[test]
    fn every_reason_comes_back_from_a_checkpoint() {
        for found in Shortcut::ALL.map(Some).into_iter().chain([None]) {
            let mut writer = Writer::default();
            Shortcut::save(found, &mut writer);
            let bytes = writer.into_bytes();
            assert_eq!(Shortcut::load(&mut Reader::new(&bytes)).unwrap(), found);
        }
    }
}
