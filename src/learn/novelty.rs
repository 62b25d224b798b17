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
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    const NO_LEVEL: LevelPlan = LevelPlan { share: 0.0, windows: 32, within_s: 600.0 };
    const LEAST: LeastPlan = LeastPlan { windows: 50, within_s: 3600.0 };

    /// Nearly Gaussian.
    fn noise(rng: &mut Rng) -> f32 {
        (0..12).map(|_| rng.unit_f32()).sum::<f32>() - 6.0
    }

    fn settled(windows: usize) -> (Novelty<2>, Rng) {
        let mut rng = Rng::from_seed(5);
        let mut novelty = Novelty::new([1.0, 0.5], NO_LEVEL, 1000, LEAST);
        for _ in 0..windows {
            assert!(novelty.observe([3.0 + noise(&mut rng), 2.0 * noise(&mut rng)], false));
        }
        (novelty, rng)
    }

    #[test]
    fn silent_until_warm() {
        assert_eq!(settled(49).0.judge([0.0, 0.0]), None);
        assert!(settled(50).0.judge([0.0, 0.0]).is_some());
    }

    #[test]
    fn no_threshold_is_told_that_nothing_could_pass() {
        let mut novelty = settled(80).0;
        assert!(novelty.at(0.1).is_some());
        assert_eq!(novelty.at(0.001), None, "80 ranks do not reach one in a thousand");
        assert!(novelty.judge([1e6, 1e6]).unwrap().p_value > 0.001);
        let mut novelty = settled(600).0;
        let threshold = novelty.at(0.001).expect("a fitted tail");
        let far = novelty.judge([1e6, 1e6]).unwrap();
        assert!(far.p_value <= 0.001 && threshold < far.novelty);
    }

    #[test]
    fn a_deviation_is_one_of_the_weighted_sum() {
        let mut novelty = settled(1500).0;
        // The sum x + y / 2 has median 3 and standard deviation √2.
        let judged = novelty.judge([3.0, 10.0 * 2.0_f32.sqrt()]).unwrap();
        assert!((judged.novelty - 5.0).abs() < 0.6, "{judged:?}");
    }

    #[test]
    fn p_values_are_what_they_say_and_fall_beyond_the_largest_past_value() {
        let (mut novelty, mut rng) = settled(3000);
        let trials = 20_000;
        let mut below = [0_u32; 2];
        for _ in 0..trials {
            let p = novelty.judge([3.0 + noise(&mut rng), 2.0 * noise(&mut rng)]).unwrap().p_value;
            below[0] += u32::from(p <= 0.1);
            below[1] += u32::from(p <= 0.001);
        }
        // 10 %: 2000, and the threshold from 1000 past values has a standard error of a tenth.
        assert!((1400..2600).contains(&below[0]), "{below:?}");
        // 0.1 %: 20; a tail fitted to 100 values may be off by a factor of three.
        assert!((1..80).contains(&below[1]), "{below:?}");
        let p = |novelty: &mut Novelty<2>, x| novelty.judge([3.0 + x, 0.0]).unwrap().p_value;
        let (far, farther) = (p(&mut novelty, 6.0), p(&mut novelty, 8.0));
        assert!(farther <= far && far < 1.0 / 1001.0, "{far} {farther}");
        for step in 0_u8..80 {
            let x = f32::from(step) / 10.0;
            assert!(p(&mut novelty, x + 0.1) <= p(&mut novelty, x), "not falling at {x}");
        }
    }

    #[test]
    fn a_stranger_who_stays_stays_strange() {
        let (mut novelty, _) = settled(600);
        let p = novelty.judge([60.0, 60.0]).unwrap().p_value;
        for _ in 0..20 {
            assert!(novelty.observe([60.0, 60.0], true));
        }
        assert!(novelty.judge([60.0, 60.0]).unwrap().p_value <= p.max(1e-6));
    }

    #[test]
    fn nan_is_refused_and_leaves_no_trace() {
        let (mut novelty, _) = settled(200);
        let before = novelty.clone();
        assert!(!novelty.observe([f32::NAN, 0.0], false));
        assert!(!novelty.observe([0.0, f32::INFINITY], true));
        assert_eq!(novelty, before);
    }

    #[test]
    fn a_constant_signal_never_divides_by_zero() {
        let mut novelty = Novelty::<1>::new([1.0], NO_LEVEL, 100, LEAST);
        for _ in 0..300 {
            assert!(novelty.observe([4.2], false));
        }
        let judged = novelty.judge([4.2]).unwrap();
        assert_eq!((judged.novelty, judged.p_value), (0.0, 1.0));
    }

    #[test]
    fn saved_and_loaded_is_the_same() {
        for windows in [0, 7, 1300] {
            let (novelty, _) = settled(windows);
            let mut writer = Writer::default();
            novelty.save(&mut writer);
            let bytes = writer.into_bytes();
            let mut loaded = Novelty::new([1.0, 0.5], NO_LEVEL, 1000, LEAST);
            loaded.load(&mut Reader::new(&bytes)).unwrap();
            for raw in [[0.0, 0.0], [9.0, 9.0]] {
                assert_eq!(loaded.judge(raw), novelty.clone().judge(raw));
            }
        }
    }

    #[test]
    fn what_stands_out_does_so_from_its_neighbours_wherever_their_level_is() {
        let mut rng = Rng::from_seed(6);
        let level = LevelPlan { share: 0.75, ..NO_LEVEL };
        let mut novelty = Novelty::new([1.0, 0.5], level, 1000, LEAST);
        let mut judged_at = |novelty: &mut Novelty<2>, level: f32, windows: usize| {
            for _ in 0..windows {
                assert!(novelty.observe([level + 0.1 * noise(&mut rng), 0.0], false));
            }
            novelty.judge([level + 2.0, 0.0]).unwrap()
        };
        let before = judged_at(&mut novelty, 0.0, 800);
        let after = judged_at(&mut novelty, 1.0, 60);
        assert!(before.p_value < 0.003 && after.p_value < 0.02, "{before:?} {after:?}");
        assert!(before.novelty > 8.0 && after.novelty > 8.0, "{before:?} {after:?}");
    }

    /// Fails when the level is of so many windows however rarely they come: the night before is then taken off
    /// the morning. Also fails when as many windows are waited for as with sound.
    #[test]
    fn where_windows_come_rarely_few_are_enough_and_none_is_of_the_present() {
        assert_eq!(
            [0.0, 0.5, 60.0, 300.0, 900.0].map(|s| enough(64, 3600.0, s)),
            [64, 64, 60, 16, 16]
        );
        let level = LevelPlan { share: 1.0, ..NO_LEVEL };
        for (interval_s, ranked_from, is_taken_off) in
            [(0.5, 50, true), (100.0, 36, true), (250.0, 14, false), (900.0, 13, false)]
        {
            let mut novelty = Novelty::<1>::new([1.0], level, 1000, LEAST);
            novelty.keep_pace(interval_s);
            let mut ranked = None;
            for window in 0..400_u16 {
                if ranked.is_none() && novelty.judge([0.0]).is_some() {
                    ranked = Some(window);
                }
                // Slowly up: beside its neighbours, no window is larger than any other.
                assert!(novelty.observe([f32::from(window)], false));
            }
            assert_eq!(ranked, Some(ranked_from), "{interval_s} s apart");
            let beside = novelty.level.take_off(401.0);
            assert_eq!(beside != 0.0, is_taken_off, "{interval_s} s apart: {beside}");
        }
    }

    #[test]
    fn the_level_does_not_hide_a_stranger_who_stays_from_the_gate() {
        let mut rng = Rng::from_seed(6);
        let level = LevelPlan { share: 1.0, windows: 16, ..NO_LEVEL };
        let mut novelty = Novelty::new([1.0, 0.5], level, 1000, LEAST);
        for _ in 0..600 {
            assert!(novelty.observe([noise(&mut rng), 0.0], false));
        }
        for _ in 0..100 {
            let judged = novelty.judge([12.0, 0.0]).unwrap();
            assert!(judged.lasting_p_value < 0.001 && judged.p_value < 0.001, "{judged:?}");
            assert!(novelty.observe([12.0, 0.0], true));
        }
    }
}
