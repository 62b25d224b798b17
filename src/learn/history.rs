//! The newest values of something, and how rare one more of them would be.
//!
//! The p-value of a value is its rank among past ones; beyond the tenth largest of them, where ranks
//! are too coarse, a generalised Pareto tail ([`Tail`]) fitted to the largest tenth goes on.

use std::collections::VecDeque;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::tail::Tail;

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

    /// From now on, ranks need `least` values, and count among so many at least.
    pub const fn need(&mut self, least: usize) {
        self.least = least;
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

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.values.clear();
        self.seen = 0;
        (self.median, self.spread) = (0.0, Self::LEAST_SPREAD);
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

    /// Whether there are enough for ranks to mean anything.
    pub fn is_ranked(&self) -> bool {
        self.least <= self.values.len()
    }

    /// The largest of those that ranks count among.
    pub fn largest(&self) -> Option<f32> {
        self.newest(self.ranked()).reduce(f32::max)
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        2 * self.most * size_of::<f32>()
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

    /// The chance of a value at least as large; never rises with the value. Changes only scratch.
    pub fn p_value(&mut self, value: f32) -> f32 {
        let count = self.ranked();
        let around = Around::of(value, self.newest(count));
        if COARSE <= around.above || count < LEAST_TAIL {
            return around.rank(value, self.spread) / (count + 1) as f32;
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
        p.clamp(LEAST_P, (COARSE + 1) as f32 / (count + 1) as f32)
    }

    /// Whether a value can have a p-value of `p` or less: ranks end at one in the number of values, a
    /// fitted tail goes on.
    pub fn resolves(&self, p: f64) -> bool {
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

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.f32s(self.values.iter().copied());
        to.u64(self.seen);
        to.f32(self.median);
        to.f32(self.spread);
    }

    /// Reads what [`History::save`] wrote, for the same sizes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
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

/// Where a value lies among past ones.
struct Around {
    /// Past values at least as large, and the least of them.
    above: usize,
    upper: f32,
    /// The largest past value below, and how many are equal to it.
    lower: f32,
    lower_count: usize,
}

impl Around {
    fn of(value: f32, past: impl Iterator<Item = f32>) -> Self {
        let mut around =
            Self { above: 0, upper: f32::INFINITY, lower: f32::NEG_INFINITY, lower_count: 0 };
        for past in past {
            if value <= past {
                around.above += 1;
                around.upper = around.upper.min(past);
            } else if around.lower < past {
                (around.lower, around.lower_count) = (past, 1);
            } else if past.total_cmp(&around.lower).is_eq() {
                around.lower_count += 1;
            }
        }
        around
    }

    /// One more than the number of past values at least as large, between two of them in between: a
    /// rank that jumped would tell two processors apart, whose scores differ in the seventh digit.
    /// Never below the plain rank. Above the largest it falls to 1 within a `spread`.
    fn rank(&self, value: f32, spread: f32) -> f32 {
        let plain = (self.above + 1) as f32;
        if self.lower_count == 0 {
            return plain;
        }
        let gap = if self.above == 0 { spread } else { self.upper - self.lower };
        let share = (1.0 - (value - self.lower) / gap).clamp(0.0, 1.0);
        plain + share * self.lower_count as f32
    }
}

/// The lower one of the two middle values; reorders.
pub(super) fn median(values: &mut [f32]) -> f32 {
    let middle = (values.len() - 1) / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    #[test]
    fn ranks_have_no_steps_and_are_never_too_small() {
        let mut rng = Rng::from_seed(4);
        let mut history = History::new(10, 150);
        let mut past: Vec<f32> = (0..150).map(|_| rng.unit_f32()).collect();
        past[7] = past[9];
        assert!(past.iter().all(|&value| history.observe(value)));
        let among = &past[past.len() - history.ranked()..];
        let mut before = 1.0;
        for step in 0..200_000_i32 {
            let value = step as f32 * 1e-5 - 0.2;
            let p = history.p_value(value);
            let plain = among.iter().filter(|&&past| value <= past).count() + 1;
            assert!(plain as f32 / (among.len() + 1) as f32 <= p + 1e-6, "{value}: {p}");
            assert!(p <= before && before - p < 0.02, "{value}: {p} after {before}");
            before = p;
        }
        assert_eq!(before, 1.0 / (among.len() + 1) as f32);
    }
}
