//! Which novelty raises an alarm, so that there are about as many alarms a day as somebody wants.
//!
//! The scores of neighbouring windows depend on each other, so what is calibrated is the largest
//! novelty of each block of [`BLOCK_S`] seconds. Blocks of one regime are told in deviations from their
//! own median (the rest from that of all); beyond the largest of them a generalised Pareto tail goes on.
//! Of blocks that exceed the threshold one after the other only the largest counts: one visit, one
//! exceedance. What tail and drift leave over, adaptive conformal correction takes up (Gibbs and Candès
//! 2021): every alarm raises the threshold a little, every quiet block lowers it a very little, so that
//! in the long run the rate is the wanted one whatever the stream does.
//!
//! What is budgeted is *alarms*, not false ones: where true events are more frequent than the budget,
//! and nobody says that they are true, the threshold rises above them. Acknowledged events leave
//! calibration ([`Budget::acknowledge`]), and what is far beyond all calibration always fires.

mod acknowledge;
pub mod anchor;
mod regimes;
mod state;

pub use crate::learn::alarm::regimes::MOST_REGIMES;

use std::collections::VecDeque;

use crate::base::bytes::Malformed;
use crate::learn::alarm::regimes::Regimes;
use crate::learn::history::median;
use crate::learn::tail::Tail;

/// Length of a block, seconds.
pub const BLOCK_S: f64 = 60.0;
/// Seconds in a day.
const DAY_S: f64 = 86_400.0;
/// Blocks that are remembered: a week.
pub const MOST_BLOCKS: usize = 7 * 1440;
/// Blocks before anything is said here, and of a regime before it is measured by itself.
pub const LEAST_BLOCKS: usize = 200;
/// Blocks between two fits.
const FIT_EVERY: u64 = 10;
/// Exceedances no further apart than this many blocks are one.
const RUN_BLOCKS: i64 = 2;
/// The tail is fitted to this share of blocks, and at least to so many.
const TAIL_SHARE: f64 = 0.02;
const LEAST_TAIL: usize = 30;
/// Step of the correction at an alarm, in units of the tail's scale.
const STEP: f64 = 0.5;
/// Bounds of the correction, in the same units.
const CORRECTION: [f64; 2] = [-2.0, 6.0];
/// What is rarer than once in so many days always fires ...
const EXTREME_DAYS: f64 = 100.0;
/// ... but no more often a day.
pub const MOST_EXTREMES: usize = 5;
/// No deviation of block maxima is believed to be smaller.
const LEAST_SPREAD: f32 = 1e-3;

/// What the budget says of a novelty. Made without changing anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alarm {
    /// Above the threshold in force, or extreme.
    pub fires: bool,
    /// So far beyond all calibration that it fires whatever the correction.
    pub is_extreme: bool,
    /// The chance that the largest novelty of a block is at least as large, by the last week.
    pub p_recent: f32,
}

/// One block of the past; exceedances in a row are one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Block {
    /// Of its first block, in [`BLOCK_S`] since the source began.
    index: i64,
    /// Blocks that follow and belong to it.
    more: i64,
    value: f32,
    regime: u8,
    /// Alarms, and those of them that raised the correction.
    events: u32,
    counted: u32,
}

/// The block that is being filled.
#[derive(Debug, Clone, PartialEq)]
struct Open {
    index: i64,
    /// `NEG_INFINITY` before the first novelty.
    largest: f32,
    windows: u32,
    sums: Vec<f32>,
    events: u32,
    is_acknowledged: bool,
}

/// What was fitted last.
#[derive(Debug, Clone, PartialEq)]
struct Fit {
    /// Median and deviation of the blocks of each regime.
    centres: [(f32, f32); MOST_REGIMES],
    /// In deviations: the level that the wanted share of blocks exceeds, the same for what is extreme,
    /// and the scale of the tail; the level from which the tail goes on, its shape, and its share.
    threshold: f64,
    extreme: f64,
    tail: Tail,
    from: f64,
    share: f64,
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    alarms_per_day: f64,
    blocks: VecDeque<Block>,
    regimes: Regimes,
    /// Of the block before.
    regime: u8,
    open: Open,
    closed: u64,
    /// In units of the tail's scale.
    correction: f64,
    /// Index of the last exceeding block.
    last_exceeding: i64,
    /// When extremes fired, the newest [`MOST_EXTREMES`].
    extremes: [f64; MOST_EXTREMES],
    fit: Option<Fit>,
    /// Blocks in deviations, rising; scratch, but for [`Alarm::p_recent`].
    sorted: Vec<f32>,
    scratch: Vec<f32>,
}

impl Budget {
    /// For sketches of `dim` numbers.
    pub fn new(alarms_per_day: f64, dim: usize) -> Self {
        Self {
            alarms_per_day,
            blocks: VecDeque::with_capacity(MOST_BLOCKS + 1),
            regimes: Regimes::new(dim),
            regime: 0,
            open: Open {
                index: i64::MIN,
                largest: f32::NEG_INFINITY,
                windows: 0,
                sums: vec![0.0; dim],
                events: 0,
                is_acknowledged: false,
            },
            closed: 0,
            correction: 0.0,
            last_exceeding: i64::MIN / 2,
            extremes: [f64::NEG_INFINITY; MOST_EXTREMES],
            fit: None,
            sorted: Vec::with_capacity(MOST_BLOCKS),
            scratch: Vec::with_capacity(MOST_BLOCKS),
        }
    }

    /// Chance of an alarm in a block, when blocks are `interval_s` apart.
    fn wanted(&self, interval_s: f64) -> f64 {
        (self.alarms_per_day * BLOCK_S.max(interval_s) / DAY_S).min(0.5)
    }

    /// The novelty above which there is an alarm now; `None` before there are enough blocks.
    pub fn threshold(&self) -> Option<f32> {
        let fit = self.fit.as_ref()?;
        let (median, spread) = fit.centres[usize::from(self.regime)];
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let level = (fit.threshold + self.correction * fit.tail.scale) as f32;
        Some(median + spread * level)
    }

    /// Days behind the threshold, where windows come every `interval_s`.
    pub fn calibrated_days(&self, interval_s: f64) -> f64 {
        self.blocks.len() as f64 * BLOCK_S.max(interval_s) / DAY_S
    }

    /// What kind of time it is: the regime of the block before.
    pub const fn regime(&self) -> u8 {
        self.regime
    }

    /// Regimes told apart.
    pub fn regimes(&self) -> usize {
        self.regimes.count()
    }

    /// Judges a novelty at a time; `None` before there are enough blocks. Changes nothing.
    pub fn judge(&self, novelty: f32, now_s: f64) -> Option<Alarm> {
        let (fit, threshold) = (self.fit.as_ref()?, self.threshold()?);
        let (median, spread) = fit.centres[usize::from(self.regime)];
        let deviation = f64::from((novelty - median) / spread);
        let today = self.extremes.iter().filter(|&&at_s| now_s < at_s + DAY_S).count();
        let is_extreme = fit.extreme < deviation && today < MOST_EXTREMES;
        let fires = threshold < novelty || is_extreme;
        Some(Alarm { fires, is_extreme, p_recent: self.p_value(fit, deviation) })
    }

    fn p_value(&self, fit: &Fit, deviation: f64) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let p = if deviation <= fit.from {
            let below = self.sorted.partition_point(|&past| f64::from(past) < deviation);
            (self.sorted.len() - below + 1) as f64 / (self.sorted.len() + 1) as f64
        } else {
            fit.share * fit.tail.above(deviation - fit.from)
        } as f32;
        p.clamp(1e-9, 1.0)
    }

    /// Takes in a window that was judged: when it began, its sketch, its novelty where there is one,
    /// and whether it raised an alarm, and one by being extreme.
    pub fn observe(&mut self, at_s: f64, interval_s: f64, sketch: &[f32], seen: Seen) {
        let index = block_of(at_s);
        if index != self.open.index {
            if 0 < self.open.windows {
                self.close(interval_s);
            }
            self.open.index = index;
            self.open.largest = f32::NEG_INFINITY;
            self.open.windows = 0;
            self.open.sums.fill(0.0);
            self.open.events = 0;
            self.open.is_acknowledged = false;
        }
        self.open.windows += 1;
        self.open.sums.iter_mut().zip(sketch).for_each(|(sum, x)| *sum += x);
        if let Some(novelty) = seen.novelty.filter(|novelty| novelty.is_finite()) {
            self.open.largest = self.open.largest.max(novelty);
        }
        self.open.events += u32::from(seen.has_event);
        if seen.is_extreme {
            self.extremes.rotate_left(1);
            self.extremes[MOST_EXTREMES - 1] = at_s;
        }
    }

    fn close(&mut self, interval_s: f64) {
        let Open { index, largest, windows, events, is_acknowledged, .. } = self.open;
        self.open.sums.iter_mut().for_each(|sum| *sum /= windows as f32);
        self.regime = self.regimes.observe(&self.open.sums);
        if !largest.is_finite() {
            return;
        }
        let wanted = self.wanted(interval_s);
        let counts = self.fit.is_some() && !is_acknowledged;
        let counted = if counts { events } else { 0 };
        let exceeds = self.threshold().is_some_and(|threshold| threshold < largest);
        // A minute above the threshold is not quiet, though what it belongs to was told: a visit of hours would
        // lower the threshold, and what follows it be a flood.
        if counts && (0 < events || !exceeds) {
            self.correction += STEP * (f64::from(events) - wanted);
            self.correction = self.correction.clamp(CORRECTION[0], CORRECTION[1]);
        }
        let is_run = exceeds && index - self.last_exceeding <= RUN_BLOCKS;
        if exceeds {
            self.last_exceeding = index;
        }
        if !is_acknowledged {
            match self.blocks.back_mut().filter(|_| is_run) {
                Some(block) => {
                    block.value = block.value.max(largest);
                    block.more = index - block.index;
                    block.events += events;
                    block.counted += counted;
                }
                None => {
                    let regime = self.regime;
                    let value = largest;
                    self.blocks.push_back(Block { index, more: 0, value, regime, events, counted });
                }
            }
        }
        #[expect(clippy::cast_possible_wrap, reason = "a week of minutes")]
        let oldest = index - MOST_BLOCKS as i64;
        while self
            .blocks
            .front()
            .is_some_and(|front| front.index < oldest || MOST_BLOCKS < self.blocks.len())
        {
            self.blocks.pop_front();
        }
        self.closed += 1;
        if self.fit.is_none() || self.closed.is_multiple_of(FIT_EVERY) {
            self.refit(interval_s);
        }
    }

    /// Median and deviation of the blocks of `regime`, or of all.
    fn centre(&mut self, regime: Option<u8>) -> Option<(f32, f32)> {
        self.scratch.clear();
        let of = self.blocks.iter().filter(|block| regime.is_none_or(|r| r == block.regime));
        self.scratch.extend(of.map(|block| block.value));
        if self.scratch.len() < LEAST_BLOCKS {
            return None;
        }
        let middle = median(&mut self.scratch);
        self.scratch.iter_mut().for_each(|value| *value = (*value - middle).abs());
        Some((middle, (1.4826 * median(&mut self.scratch)).max(LEAST_SPREAD)))
    }

    fn refit(&mut self, interval_s: f64) {
        let Some(all) = self.centre(None) else { return };
        let mut centres = [all; MOST_REGIMES];
        if 1 < self.regimes.count() {
            for (regime, centre) in (0_u8..).zip(&mut centres) {
                *centre = self.centre(Some(regime)).unwrap_or(all);
            }
        }
        self.sorted.clear();
        self.sorted.extend(self.blocks.iter().map(|block| {
            let (middle, spread) = centres[usize::from(block.regime)];
            (block.value - middle) / spread
        }));
        self.sorted.sort_unstable_by(f32::total_cmp);
        let count = self.sorted.len();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a few thousand"
        )]
        let tail_len = ((TAIL_SHARE * count as f64) as usize).clamp(LEAST_TAIL, count / 5);
        let from = self.sorted[count - 1 - tail_len];
        self.scratch.clear();
        self.scratch.extend(self.sorted[count - tail_len..].iter().rev());
        let tail = Tail::fit(&self.scratch, from);
        let (from, share) = (f64::from(from), tail_len as f64 / count as f64);
        let level = |p: f64| {
            if p < share {
                return from + tail.excess(p / share);
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a few thousand"
            )]
            let above = ((p * count as f64) as usize).min(count - 1);
            f64::from(self.sorted[count - 1 - above])
        };
        let block_s = BLOCK_S.max(interval_s);
        self.fit = Some(Fit {
            centres,
            threshold: level(self.wanted(interval_s)),
            extreme: level(block_s / (EXTREME_DAYS * DAY_S)),
            tail,
            from,
            share,
        });
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        MOST_BLOCKS * (size_of::<Block>() + 2 * size_of::<f32>())
    }
}

/// What a window brought.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seen {
    /// `None` in warm-up.
    pub novelty: Option<f32>,
    /// It raised an alarm.
    pub has_event: bool,
    /// It did so by being extreme.
    pub is_extreme: bool,
}

fn block_of(at_s: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, after 10^11 years")]
    let index = (at_s / BLOCK_S).floor() as i64;
    index
}

/// `found`, unless it is more than there is room for.
pub(crate) fn at_most(what: &'static str, found: usize, most: usize) -> Result<usize, Malformed> {
    if most < found {
        let (found, expected) = (found.to_string(), format!("at most {most}"));
        return Err(Malformed::WrongValue { what, found, expected });
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
