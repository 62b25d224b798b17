//! From raw channels to a novelty that means the same on every device.
//!
//! Channels are logarithms, so they are in one unit already, and are summed with weights. Why not
//! deviations of each channel, then their sum: that lets the channel which was quietest so far shout
//! loudest. Of the sum, a share of its present level is taken off, the median of the newest usual
//! windows: a place that has just changed, or a memory that grows, moves the level of all windows, and
//! what stands out stands out from its neighbours. What is left is told in deviations above its own
//! median, in units of the median absolute deviation, neither of which a few outliers can move;
//! [`History`] has the p-value.
//!
//! Whether a window may be learnt from is decided by the sum itself: its level must not hide a stranger
//! who stays.

use std::collections::VecDeque;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::history::{History, median};

/// One window against the past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Deviations above the median of what is left of the weighted sum without its level.
    pub novelty: f32,
    /// The chance of a novelty at least as large.
    pub p_value: f32,
    /// The chance of a weighted sum at least as large, level and all.
    pub lasting_p_value: f32,
}

/// How much of the level is taken off, and what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelPlan {
    /// 0: nothing; 1: all of it.
    pub share: f32,
    /// Newest usual windows whose median it is ...
    pub windows: usize,
    /// ... or as many fewer as come in this time, seconds.
    pub within_s: f64,
}

/// A median of fewer is no level.
const LEAST_LEVEL: usize = 3;

/// Past scores that are needed before anything is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeastPlan {
    /// See [`enough`].
    pub windows: usize,
    /// See [`enough`].
    pub within_s: f64,
}

/// `windows`, or where they come rarely as many as come within that time, but a quarter of them at least.
pub fn enough(windows: usize, within_s: f64, interval_s: f64) -> usize {
    windows.min(come(within_s, interval_s).max(windows.div_ceil(4)))
}

/// How many windows come within that time; any number while it is not known how often they do.
fn come(within_s: f64, interval_s: f64) -> usize {
    if interval_s <= 0.0 {
        return usize::MAX;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let come = (within_s / interval_s) as usize;
    come
}

/// The median of the newest usual sums.
#[derive(Debug, Clone, PartialEq)]
struct Level {
    plan: LevelPlan,
    /// How many of the newest it is made of now; 0 for none.
    of: usize,
    newest: VecDeque<f32>,
    /// Scratch.
    sorted: Vec<f32>,
}

impl Level {
    fn new(plan: LevelPlan) -> Self {
        Self {
            plan,
            of: plan.windows,
            newest: VecDeque::with_capacity(plan.windows),
            sorted: Vec::with_capacity(plan.windows),
        }
    }

    /// `fused` without its share of the level; where there is none, it is its own.
    fn take_off(&mut self, fused: f32) -> f32 {
        self.sorted.clear();
        self.sorted.extend(self.newest.iter().rev().take(self.of));
        let level = if self.sorted.is_empty() { fused } else { median(&mut self.sorted) };
        fused - self.plan.share * level
    }

    fn observe(&mut self, fused: f32) {
        if self.newest.len() == self.plan.windows {
            self.newest.pop_front();
        }
        self.newest.push_back(fused);
    }
}

/// Channels in, novelty and p-value out.
#[derive(Debug, Clone, PartialEq)]
pub struct Novelty<const CHANNELS: usize> {
    weights: [f32; CHANNELS],
    least: LeastPlan,
    level: Level,
    /// Sums as they are.
    sums: History,
    /// Sums without their level.
    past: History,
}

impl<const CHANNELS: usize> Novelty<CHANNELS> {
    /// Nothing is said before `least` windows.
    pub fn new(
        weights: [f32; CHANNELS],
        level: LevelPlan,
        capacity: usize,
        least: LeastPlan,
    ) -> Self {
        let past = History::new(least.windows, capacity);
        Self { weights, least, level: Level::new(level), sums: past.clone(), past }
    }

    /// Windows come so many seconds apart, usually. With a picture in a quarter of an hour, 32 windows are a
    /// night: their median is no present level, and nobody waits for 64 of them. Not part of the state.
    pub fn keep_pace(&mut self, interval_s: f64) {
        let LevelPlan { windows, within_s, .. } = self.level.plan;
        let of = windows.min(come(within_s, interval_s));
        self.level.of = if of < LEAST_LEVEL { 0 } else { of };
        let least = enough(self.least.windows, self.least.within_s, interval_s);
        self.sums.need(least);
        self.past.need(least);
    }

    fn fuse(&self, raw: [f32; CHANNELS]) -> f32 {
        self.weights.iter().zip(raw).map(|(weight, raw)| weight * raw).sum()
    }

    /// The novelty whose p-value is `p`; `None` during warm-up, and while no window could have so small
    /// a p-value.
    pub fn at(&self, p: f64) -> Option<f32> {
        let ready = self.past.is_ranked() && self.past.resolves(p);
        ready.then(|| self.past.deviation(self.past.at(p)))
    }

    /// Judges a window. `None` during warm-up: "cannot say yet" is not "nothing unusual". Changes
    /// only scratch.
    pub fn judge(&mut self, raw: [f32; CHANNELS]) -> Option<Judged> {
        let fused = self.fuse(raw);
        if !self.past.is_ranked() || !fused.is_finite() {
            return None;
        }
        let left = self.level.take_off(fused);
        Some(Judged {
            novelty: self.past.deviation(left),
            p_value: self.past.p_value(left),
            lasting_p_value: self.sums.p_value(fused),
        })
    }

    /// Takes a window into the past; `false`, and nothing changed, when a channel is not finite.
    ///
    /// A `strange` one enters as no more than the largest that ranks count: left out, the past would
    /// lose its tail, and ever more would look strange; taken as it is, a stranger who stays would
    /// become the measure of strangers. It does not move the level.
    #[must_use = "a refused window should be counted"]
    pub fn observe(&mut self, raw: [f32; CHANNELS], strange: bool) -> bool {
        let fused = self.fuse(raw);
        if !fused.is_finite() {
            return false;
        }
        let left = self.level.take_off(fused);
        if !strange {
            self.level.observe(fused);
        }
        let cap = |history: &History, value: f32| match history.largest() {
            Some(largest) if strange => value.min(largest),
            _ => value,
        };
        let (sum, left) = (cap(&self.sums, fused), cap(&self.past, left));
        self.sums.observe(sum) && self.past.observe(left)
    }

    /// Moves a channel's past, when what makes it has moved.
    pub fn shift(&mut self, channel: usize, by: f32) {
        let by = self.weights[channel] * by;
        if by.is_finite() {
            self.sums.shift(by);
            self.level.newest.iter_mut().for_each(|level| *level += by);
            self.past.shift((1.0 - self.level.plan.share) * by);
        }
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        2 * self.past.bytes() + 2 * size_of::<f32>() * self.level.plan.windows
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("novelty");
        self.sums.save(to);
        self.past.save(to);
        to.f32s(self.level.newest.iter().copied());
    }

    /// Reads what [`Novelty::save`] wrote, for the same settings.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("novelty")?;
        self.sums.load(from)?;
        self.past.load(from)?;
        let newest = from.f32s()?;
        if self.level.plan.windows < newest.len() || !newest.iter().all(|x| x.is_finite()) {
            return Err(Malformed::WrongValue {
                what: "newest sums",
                found: newest.len().to_string(),
                expected: format!("at most {} finite numbers", self.level.plan.windows),
            });
        }
        self.level.newest.clear();
        self.level.newest.extend(newest);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
