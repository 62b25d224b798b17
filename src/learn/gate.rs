//! What may be learnt from.
//!
//! A window like the one before teaches nothing. A window that may be an anomaly is kept out of
//! everything that learns, so that a stranger does not become normal by being watched. Let in are those
//! whom somebody, or habit, has made normal ([`habituation`](super::habituation)), and a scene that has
//! changed for good: while quarantined time adds up faster than ordinary time passes, it is counted,
//! and beyond `accept_after_s` the gate is open until the count is back at nothing: for those who were
//! there for a good part of that time, and not for whoever comes by meanwhile.

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

/// What is known of a window before the gate decides.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct About {
    /// How rare it is, lastingly; `None` while it is not clear what is usual.
    pub p_value: Option<f32>,
    /// Somebody's word, or habit's, that decides about a strange window whatever its time: it has become
    /// normal, or never will be.
    pub word: Option<bool>,
    /// Seconds that its group of strangers has been there.
    pub stayed_s: f64,
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

    /// Decides about the next window, `interval_s` after the one before.
    pub fn decide(&mut self, embedding: &[f32], interval_s: f64, about: About) -> Admission {
        let is_strange = self.is_strange(about.p_value) && about.word != Some(true);
        let is_never = about.word == Some(false);
        let change = match (is_strange, is_never) {
            // Whoever is to stay out opens no gate for others.
            (true, true) => 0.0,
            (true, false) => interval_s,
            (false, _) => -interval_s,
        };
        self.strange_s = (self.strange_s + change).clamp(0.0, LET_ALL_IN * self.accept_after_s);
        if self.accept_after_s <= self.strange_s {
            self.is_open = true;
        } else if self.strange_s <= 0.0 {
            self.is_open = false;
        }
        let is_let_in = self.is_open
            && (STAYED_SHARE * self.accept_after_s <= about.stayed_s
                || LET_ALL_IN * self.accept_after_s <= self.strange_s);
        if is_strange && (!is_let_in || is_never) {
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

/// Share of the time that opens the gate in which a group must have been there to pass. A changed scene may
/// consist of several groups.
const STAYED_SHARE: f64 = 0.1;
/// Times of it after which all are let in: a scene may have more kinds than are told apart.
const LET_ALL_IN: f64 = 2.0;
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
        let mut decide = |embedding: &[f32]| gate.decide(embedding, 1.0, About::default());
        assert_eq!(decide(&[1.0, 0.0]), Admission::Admitted);
        assert_eq!(decide(&[2.0, 0.01]), Admission::Duplicate);
        assert_eq!(decide(&[1.0, 1.0]), Admission::Admitted);
    }

    #[test]
    fn a_visitor_stays_out_and_a_change_that_stays_comes_in() {
        let mut gate = Gate::new(2, 2.0, 0.01, 60.0);
        let mut windows = |p: f32, count: u32| {
            let about = About { p_value: Some(p), word: None, stayed_s: 30.0 };
            let decide = |_| gate.decide(&[1.0, 0.0], 1.0, about);
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
        let mut admission = |p: f32, word| {
            gate.decide(&[1.0, 0.0], 1.0, About { p_value: Some(p), word, stayed_s: 1e3 })
        };
        assert_eq!(admission(0.001, None), Admission::Quarantined);
        assert_eq!(admission(0.001, Some(true)), Admission::Admitted);
        assert_eq!(admission(0.5, Some(false)), Admission::Admitted, "it is not strange");
        for _ in 0..100 {
            assert_eq!(admission(0.001, Some(false)), Admission::Quarantined);
        }
        assert_eq!(admission(0.001, None), Admission::Quarantined, "that opened nothing");
    }

    /// Fails where the gate, once open, is open for everybody.
    #[test]
    fn an_open_gate_is_not_open_for_whoever_comes_by() {
        let mut gate = Gate::new(2, 2.0, 0.01, 60.0);
        let mut admission = |stayed_s: f64| {
            gate.decide(&[1.0, 0.0], 1.0, About { p_value: Some(0.001), word: None, stayed_s })
        };
        for s in 0..59 {
            assert_eq!(admission(f64::from(s)), Admission::Quarantined);
        }
        assert_eq!(admission(59.0), Admission::Admitted);
        assert_eq!(admission(0.0), Admission::Quarantined, "somebody else");
        assert_eq!(admission(5.0), Admission::Quarantined);
        assert_eq!(admission(60.0), Admission::Admitted);
        // A scene of more kinds than there are groups.
        let let_in = (0..120).position(|_| admission(0.0) == Admission::Admitted);
        assert_eq!(let_in, Some(56), "after twice the time");
    }

    #[test]
    fn without_a_limit_no_stay_is_long_enough() {
        let mut gate = Gate::new(2, 2.0, 0.01, f64::INFINITY);
        for _ in 0..10_000 {
            let about = About { p_value: Some(0.001), word: None, stayed_s: f64::INFINITY };
            let admission = gate.decide(&[1.0, 0.0], 3600.0, about);
            assert_eq!(admission, Admission::Quarantined);
        }
    }
}
