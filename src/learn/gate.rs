//! What may be learnt from.
//!
//! A window like the one before teaches nothing. A window that may be an anomaly is kept out of
//! everything that learns, so that a stranger does not become normal by being watched. Let in are those
//! whom somebody, or habit, has made normal ([`habituation`](super::habituation)), and a scene that has
//! changed for good: while quarantined time adds up faster than ordinary time passes, it is counted,
//! and beyond `accept_after_s` the gate is open until the count is back at nothing.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::moments::fill;

/// What the gate says of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may be learnt from.
    Admitted,
    /// Almost the same as the one before.
    Duplicate,
    /// It may be an anomaly; its weight is exactly 0.
    Quarantined,
    /// Silence, or something as common and as even, of which enough is remembered.
    Plenty,
}

/// The gate and what it has counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    duplicate_cosine: f32,
    quarantine_p: f32,
    accept_after_s: f64,
    /// Seconds quarantined, less those that were ordinary since.
    strange_s: f64,
    is_open: bool,
    /// Strange windows that may still enter the histories.
    allowance: f32,
    /// The last admitted embedding.
    last: Vec<f32>,
    has_last: bool,
}

impl Gate {
    /// For embeddings of `dim` numbers.
    pub fn new(dim: usize, duplicate_cosine: f32, quarantine_p: f32, accept_after_s: f64) -> Self {
        Self {
            duplicate_cosine,
            quarantine_p,
            accept_after_s,
            strange_s: 0.0,
            is_open: false,
            allowance: 0.0,
            last: vec![0.0; dim],
            has_last: false,
        }
    }

    /// Whether a window with that p-value may be an anomaly.
    pub fn is_strange(&self, p_value: Option<f32>) -> bool {
        p_value.is_some_and(|p| p <= self.quarantine_p)
    }

    /// Decides about the next window, `interval_s` after the one before. A `word` decides about a strange
    /// one whatever its time: somebody, or habit, has made it normal, or it never will be.
    pub fn decide(
        &mut self,
        embedding: &[f32],
        p_value: Option<f32>,
        interval_s: f64,
        word: Option<bool>,
    ) -> Admission {
        let is_strange = self.is_strange(p_value) && word != Some(true);
        let change = if is_strange { interval_s } else { -interval_s };
        self.strange_s = (self.strange_s + change).clamp(0.0, self.accept_after_s);
        if self.accept_after_s <= self.strange_s {
            self.is_open = true;
        } else if self.strange_s <= 0.0 {
            self.is_open = false;
        }
        if is_strange && (!self.is_open || word == Some(false)) {
            return Admission::Quarantined;
        }
        self.allowance = (self.allowance + ALLOWANCE_SHARE * self.quarantine_p).min(MOST_ALLOWANCE);
        if self.has_last && self.duplicate_cosine < cosine(embedding, &self.last) {
            return Admission::Duplicate;
        }
        self.last.copy_from_slice(embedding);
        self.has_last = true;
        Admission::Admitted
    }

    /// Whether a scene that has changed for good is being let in.
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether a window of this admission enters the histories that p-values come from.
    ///
    /// As many quarantined windows may enter as are expected among the usual ones that went before,
    /// and of a long visit no more than a few: see [`Novelty::observe`](super::novelty::Novelty).
    pub fn enters_histories(&mut self, admission: Admission) -> bool {
        if admission != Admission::Quarantined {
            return true;
        }
        let enters = 1.0 <= self.allowance;
        if enters {
            self.allowance -= 1.0;
        }
        enters
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("gate");
        to.f64(self.strange_s);
        to.flag(self.is_open);
        to.f32(self.allowance);
        to.flag(self.has_last);
        to.f32s(self.last.iter().copied());
    }

    /// Reads what [`Gate::save`] wrote, for the same width.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("gate")?;
        self.strange_s = from.f64()?;
        self.is_open = from.flag()?;
        self.allowance = from.f32()?;
        self.has_last = from.flag()?;
        fill(&mut self.last, "numbers in an embedding", from.f32s()?)
    }
}

/// Strange windows expected among usual ones, with some to spare, so that histories keep their tail.
const ALLOWANCE_SHARE: f32 = 1.2;
/// Strange windows that enter the histories at a stretch: well below `quarantine_p` of a history.
const MOST_ALLOWANCE: f32 = 4.0;

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let (mut product, mut a_squares, mut b_squares) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        product += a * b;
        a_squares += a * a;
        b_squares += b * b;
    }
    product / (a_squares * b_squares).sqrt().max(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_skipped() {
        let mut gate = Gate::new(2, 0.99, 0.01, 100.0);
        assert_eq!(gate.decide(&[1.0, 0.0], None, 1.0, None), Admission::Admitted);
        assert_eq!(gate.decide(&[2.0, 0.01], None, 1.0, None), Admission::Duplicate);
        assert_eq!(gate.decide(&[1.0, 1.0], None, 1.0, None), Admission::Admitted);
    }

    #[test]
    fn a_visitor_stays_out_and_a_change_that_stays_comes_in() {
        let mut gate = Gate::new(2, 2.0, 0.01, 60.0);
        let mut windows = |p: f32, count: u32| {
            let decide = |_| gate.decide(&[1.0, 0.0], Some(p), 1.0, None);
            (0..count).map(decide).filter(|&a| a == Admission::Admitted).count()
        };
        for _ in 0..10 {
            assert_eq!(windows(0.001, 50), 0, "a visitor of 50 s");
            assert_eq!(windows(0.5, 50), 50);
        }
        assert_eq!(windows(0.001, 59), 0);
        assert_eq!(windows(0.001, 30), 30, "after a minute it is let in");
        assert_eq!(windows(0.5, 59), 59);
        assert_eq!(windows(0.001, 1), 1, "still open");
        assert_eq!(windows(0.5, 70), 70);
        assert_eq!(windows(0.001, 10), 0, "closed again");
    }

    #[test]
    fn a_word_decides_about_strangers_and_about_nobody_else() {
        let mut gate = Gate::new(2, 2.0, 0.01, 60.0);
        let mut admission = |p: f32, word| gate.decide(&[1.0, 0.0], Some(p), 1.0, word);
        assert_eq!(admission(0.001, None), Admission::Quarantined);
        assert_eq!(admission(0.001, Some(true)), Admission::Admitted);
        assert_eq!(admission(0.5, Some(false)), Admission::Admitted, "it is not strange");
        for _ in 0..100 {
            assert_eq!(admission(0.001, Some(false)), Admission::Quarantined);
        }
        assert_eq!(admission(0.001, None), Admission::Admitted, "open by now for others");
    }

    #[test]
    fn without_a_limit_no_stay_is_long_enough() {
        let mut gate = Gate::new(2, 2.0, 0.01, f64::INFINITY);
        for _ in 0..10_000 {
            let admission = gate.decide(&[1.0, 0.0], Some(0.001), 3600.0, None);
            assert_eq!(admission, Admission::Quarantined);
        }
    }
}
