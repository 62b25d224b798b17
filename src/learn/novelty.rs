//! From raw channels to a novelty that means the same on every device.
//!
//! Channels are logarithms, so they are in one unit already: their weighted sum is compared with its
//! own past, in deviations above the median, in units of the median absolute deviation, neither of
//! which a few outliers can move. Why not deviations of each channel, then their sum: that lets the
//! channel which was quietest so far shout loudest.
//! The p-value is the novelty's rank among past ones; beyond the tenth largest of them, where ranks
//! are too coarse, a generalised Pareto tail fitted to the largest tenth goes on (probability-weighted
//! moments, Hosking and Wallis 1987).

use std::collections::VecDeque;

use crate::base::bytes::{Malformed, Reader, Writer};

/// The newest values of something.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Oldest first.
    values: VecDeque<f32>,
    least: usize,
    most: usize,
    seen: u64,
    median: f32,
    /// 1.4826 median absolute deviations: the standard deviation, were it Gaussian.
    spread: f32,
    /// Scratch.
    sorted: Vec<f32>,
}

impl History {
    /// Smallest spread we believe in; a perfectly constant signal would otherwise divide by zero.
    const LEAST_SPREAD: f32 = 1e-6;

    /// Keeps the newest `most` values; ranks count among half of all there were, `least` at least.
    pub fn new(least: usize, most: usize) -> Self {
        Self {
            values: VecDeque::with_capacity(most),
            least,
            most,
            seen: 0,
            median: 0.0,
            spread: Self::LEAST_SPREAD,
            sorted: Vec::with_capacity(most),
        }
    }

    /// Values kept.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes in a value. Those that are not finite are refused: one would poison all ranks.
    #[must_use = "a refused value should be counted"]
    pub fn observe(&mut self, value: f32) -> bool {
        if !value.is_finite() {
            return false;
        }
        self.seen += 1;
        if self.values.len() == self.most {
            self.values.pop_front();
        }
        self.values.push_back(value);
        if self.seen < MEASURE_ALWAYS || self.seen.is_multiple_of(MEASURE_EVERY) {
            self.measure();
        }
        true
    }

    /// Moves all past values, when whatever makes them has moved.
    pub fn shift(&mut self, by: f32) {
        self.values.iter_mut().for_each(|value| *value += by);
        self.measure();
    }

    fn measure(&mut self) {
        self.sorted.clear();
        self.sorted.extend(&self.values);
        if self.sorted.is_empty() {
            return;
        }
        self.median = median(&mut self.sorted);
        for value in &mut self.sorted {
            *value = (*value - self.median).abs();
        }
        self.spread = (1.4826 * median(&mut self.sorted)).max(Self::LEAST_SPREAD);
    }

    /// Deviations above the median.
    pub fn deviation(&self, value: f32) -> f32 {
        (value - self.median) / self.spread
    }

    /// How many of the newest values ranks count among. The first values of a learner that knew
    /// nothing yet must not be the measure of the later ones for long.
    fn ranked(&self) -> usize {
        let half = usize::try_from(self.seen / 2).unwrap_or(usize::MAX);
        half.max(self.least).min(self.values.len())
    }

    fn newest(&self, count: usize) -> impl Iterator<Item = f32> {
        self.values.range(self.values.len() - count..).copied()
    }

    /// The chance of a value at least as large. Changes only scratch.
    pub fn p_value(&mut self, value: f32) -> f32 {
        let count = self.ranked();
        let above = self.newest(count).filter(|&past| value <= past).count();
        let rank = |above: usize| (above + 1) as f32 / (count + 1) as f32;
        if COARSE <= above || count < LEAST_TAIL {
            return rank(above);
        }
        self.sorted.clear();
        self.sorted.extend(self.values.iter().skip(self.values.len() - count));
        self.sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        let tail_len = count / 10;
        let from = self.sorted[tail_len];
        let tail = Tail::fit(&self.sorted[..tail_len], from);
        let share = tail_len as f64 / count as f64;
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let p = (share * tail.above(f64::from(value - from))) as f32;
        p.clamp(LEAST_P, rank(COARSE))
    }

    /// Whether a value can have a p-value of `p` or less: ranks end at one in the number of values, a
    /// fitted tail goes on.
    fn resolves(&self, p: f64) -> bool {
        let count = self.ranked();
        LEAST_TAIL <= count || 1.0 <= p * (count + 1) as f64
    }

    /// The value whose p-value is `p`: the inverse of [`History::p_value`].
    pub fn at(&self, p: f64) -> f32 {
        let count = self.ranked();
        let mut sorted: Vec<f32> = self.newest(count).collect();
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        let tail_len = count / 10;
        if count < LEAST_TAIL || COARSE as f64 <= p * count as f64 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in a short list, clamped to it"
            )]
            let place = (p * count as f64) as usize;
            return sorted.get(place.min(count.saturating_sub(1))).copied().unwrap_or(0.0);
        }
        let from = sorted[tail_len];
        let share = tail_len as f64 / count as f64;
        let excess = Tail::fit(&sorted[..tail_len], from).excess(p / share);
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let excess = excess as f32;
        from + excess
    }

    fn save(&self, to: &mut Writer) {
        to.f32s(self.values.iter().copied());
        to.u64(self.seen);
        to.f32(self.median);
        to.f32(self.spread);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        let values = from.f32s()?;
        if self.most < values.len() || !values.iter().all(|value| value.is_finite()) {
            return Err(Malformed::WrongValue {
                what: "past scores",
                found: values.len().to_string(),
                expected: format!("at most {} finite numbers", self.most),
            });
        }
        self.values.clear();
        self.values.extend(&values);
        self.seen = from.u64()?;
        self.median = from.f32()?;
        self.spread = from.f32()?;
        Ok(())
    }
}

/// Median and spread are measured anew with every value at first ...
const MEASURE_ALWAYS: u64 = 128;
/// ... and then once in so many: it is the most expensive part of a long history.
const MEASURE_EVERY: u64 = 16;
/// With so many past values above it, a value's rank is told as it is.
const COARSE: usize = 10;
/// Past values needed to fit a tail.
const LEAST_TAIL: usize = 200;
/// What a fitted tail says below this has no meaning.
const LEAST_P: f32 = 1e-9;

/// Generalised Pareto distribution of excesses.
struct Tail {
    shape: f64,
    scale: f64,
}

impl Tail {
    /// `largest` in falling order, all at least `from`.
    fn fit(largest: &[f32], from: f32) -> Self {
        let n = largest.len() as f64;
        let (mut a0, mut a1) = (0.0, 0.0);
        for (i, &value) in largest.iter().enumerate() {
            let excess = f64::from(value - from);
            a0 += excess / n;
            // The share of excesses above this one.
            a1 += excess * (i as f64 + 0.35) / n / n;
        }
        let gap = a0 - 2.0 * a1;
        if a0 <= 0.0 || gap <= 0.0 {
            return Self { shape: 0.0, scale: a0.max(1e-9) };
        }
        // Above 0 the tail has an end, beyond which nothing is thought possible; not too soon.
        let k = (a0 / gap - 2.0).clamp(-0.5, 0.25);
        Self { shape: -k, scale: a0 * (1.0 + k) }
    }

    /// The excess that a share `p` of excesses exceeds.
    fn excess(&self, p: f64) -> f64 {
        if self.shape.abs() < 1e-6 {
            return -self.scale * p.ln();
        }
        self.scale / self.shape * (p.powf(-self.shape) - 1.0)
    }

    fn above(&self, excess: f64) -> f64 {
        if self.shape.abs() < 1e-6 {
            return (-excess / self.scale).exp();
        }
        (1.0 + self.shape * excess / self.scale).max(0.0).powf(-1.0 / self.shape)
    }
}

/// The lower one of the two middle values; reorders.
fn median(values: &mut [f32]) -> f32 {
    let middle = (values.len() - 1) / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

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
        let ready = self.past.least <= self.past.len() && self.past.resolves(p);
        ready.then(|| self.past.deviation(self.past.at(p)))
    }

    /// Judges a window. `None` during warm-up: "cannot say yet" is not "nothing unusual". Changes
    /// only scratch.
    pub fn judge(&mut self, raw: [f32; CHANNELS]) -> Option<Judged> {
        let fused = self.fuse(raw);
        if self.past.len() < self.past.least || !fused.is_finite() {
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
        let ranked = self.past.ranked();
        if strange && value.is_finite() && 0 < ranked {
            value = value.min(self.past.newest(ranked).fold(f32::NEG_INFINITY, f32::max));
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
        2 * self.past.most * size_of::<f32>()
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
