//! From raw channels to a novelty that means the same on every device.
//!
//! Channels are logarithms, so they are in one unit already: their weighted sum is compared with its
//! own past, in deviations above the median, in units of the median absolute deviation, neither of
//! which a few outliers can move. Why not deviations of each channel, then their sum: that lets the
//! channel which was quietest so far shout loudest. [`History`]
//! has the p-value.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::history::History;

/// One window against the past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Deviations of the weighted sum above its median.
    pub novelty: f32,
    /// The chance of a novelty at least as large.
    pub p_value: f32,
}

/// Channels in, novelty and p-value out.
#[derive(Debug, Clone, PartialEq)]
pub struct Novelty<const CHANNELS: usize> {
    weights: [f32; CHANNELS],
    past: History,
}

impl<const CHANNELS: usize> Novelty<CHANNELS> {
    /// Nothing is said before `least` windows.
    pub fn new(weights: [f32; CHANNELS], capacity: usize, least: usize) -> Self {
        Self { weights, past: History::new(least, capacity) }
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
        Some(Judged { novelty: self.past.deviation(fused), p_value: self.past.p_value(fused) })
    }

    /// Takes a window into the past; `false`, and nothing changed, when a channel is not finite.
    ///
    /// A `strange` one enters as no more than the largest that ranks count: left out, the past would
    /// lose its tail, and ever more would look strange; taken as it is, a stranger who stays would
    /// become the measure of strangers.
    #[must_use = "a refused window should be counted"]
    pub fn observe(&mut self, raw: [f32; CHANNELS], strange: bool) -> bool {
        let mut value = self.fuse(raw);
        if strange
            && value.is_finite()
            && let Some(largest) = self.past.largest()
        {
            value = value.min(largest);
        }
        self.past.observe(value)
    }

    /// Moves a channel's past, when what makes it has moved.
    pub fn shift(&mut self, channel: usize, by: f32) {
        let by = self.weights[channel] * by;
        if by.is_finite() {
            self.past.shift(by);
        }
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        self.past.bytes()
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("novelty");
        self.past.save(to);
    }

    /// Reads what [`Novelty::save`] wrote, for the same settings.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("novelty")?;
        self.past.load(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    /// Nearly Gaussian.
    fn noise(rng: &mut Rng) -> f32 {
        (0..12).map(|_| rng.unit_f32()).sum::<f32>() - 6.0
    }

    fn settled(windows: usize) -> (Novelty<2>, Rng) {
        let mut rng = Rng::from_seed(5);
        let mut novelty = Novelty::new([1.0, 0.5], 1000, 50);
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
        let mut novelty = Novelty::<1>::new([1.0], 100, 16);
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
            let mut loaded = Novelty::new([1.0, 0.5], 1000, 50);
            loaded.load(&mut Reader::new(&bytes)).unwrap();
            for raw in [[0.0, 0.0], [9.0, 9.0]] {
                assert_eq!(loaded.judge(raw), novelty.clone().judge(raw));
            }
        }
    }
}
