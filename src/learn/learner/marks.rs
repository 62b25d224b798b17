//! "This is normal" and "this is not": somebody's word about a moment.

use crate::learn::classes::taught::NamesError;
use crate::learn::density::Past;
use crate::learn::habituation::{EPISODE_GAP_S, MARK_SLACK_S, Standing, Stranger};
use crate::learn::learner::Learner;
use crate::learn::learner::recall::Place;

/// What came of a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marked {
    /// When the moment began, in seconds of the source's life.
    pub at_s: f64,
    /// The group of windows that it stands for; `None` where the moment itself is no longer remembered.
    pub stranger: Option<Stranger>,
    /// Quarantined windows of the group that are learnt from now.
    pub admitted: usize,
    /// Windows that had been learnt from and are no longer remembered as usual.
    pub removed: usize,
    /// Whether its minute was taken out of the alarm budget.
    pub is_off_budget: bool,
    /// Whether there was an alarm around that minute of which nobody had said so before.
    pub had_alarm: bool,
    /// Whether the same was said of the group before.
    pub was_said: bool,
}

impl Learner {
    /// "This is normal": windows like that moment may be learnt from, those that were laid aside at once.
    ///
    /// # Errors
    ///
    /// [`NamesError::NoSuchMoment`], [`NamesError::TooEarly`]; nothing has changed then.
    pub fn mark_normal(&mut self, at_s: f64) -> Result<Marked, NamesError> {
        let mut marked = self.mark(at_s, Standing::Normal)?;
        let id = marked.stranger.map_or(0, |stranger| stranger.id);
        let slots: Vec<usize> = self.aside.slots().collect();
        for slot in slots {
            let facts = self.aside.facts(slot);
            self.load_moment(Place::Aside(slot));
            self.watch.see(&self.scratch.embedding);
            let usual = self.memory.usual_distance();
            let found = self.watch.find(usual);
            let is_like_it =
                found.is_some_and(|which| self.watch.strangers.known()[which].id == id);
            let is_held_already =
                self.memory.slots().any(|held| same_time(self.memory.facts(held).at_s, facts.at_s));
            if is_like_it && !is_held_already {
                self.admit(facts.valid_tokens, facts.at_s);
                marked.admitted += 1;
            }
        }
        self.last_slot = None;
        self.scratch.joined = None;
        Ok(marked)
    }

    /// "This is not normal": windows like that moment, when they are strange, are never learnt from, and
    /// the alarm was a true one, which does not use up the budget. The budget remembers alarms for a week,
    /// which is longer than their windows are remembered. What was learnt from already is laid aside with what was
    /// kept out; what it has done to weights, statistics and histories stays.
    ///
    /// # Errors
    ///
    /// As [`Learner::mark_normal`].
    pub fn mark_unusual(&mut self, at_s: f64) -> Result<Marked, NamesError> {
        match self.mark(at_s, Standing::Never) {
            Ok(mut marked) => {
                marked.is_off_budget = 0 < self.watch.budget.acknowledge(marked.at_s);
                marked.removed = self.take_out(&marked);
                Ok(marked)
            }
            Err(forgotten) if self.watch.budget.has_alarms(at_s) => {
                debug_assert!(matches!(forgotten, NamesError::NoSuchMoment { .. }), "{forgotten}");
                let marked = self.marked(at_s, None, false);
                let is_off_budget = 0 < self.watch.budget.acknowledge(at_s);
                Ok(Marked { is_off_budget, ..marked })
            }
            Err(error) => Err(error),
        }
    }

    fn mark(&mut self, at_s: f64, standing: Standing) -> Result<Marked, NamesError> {
        let moment = self.moment(at_s)?;
        self.load_moment(moment.place);
        self.watch.see(&self.scratch.embedding);
        let usual = self.memory.usual_distance();
        let (stranger, was_said) = self.watch.mark(usual, moment.at_s, standing);
        Ok(self.marked(moment.at_s, Some(stranger), was_said))
    }

    /// What is known before anything is moved.
    fn marked(&self, at_s: f64, stranger: Option<Stranger>, was_said: bool) -> Marked {
        let had_alarm = self.watch.budget.has_alarms(at_s);
        Marked {
            at_s,
            stranger,
            admitted: 0,
            removed: 0,
            is_off_budget: false,
            had_alarm,
            was_said,
        }
    }

    /// Lays aside what memory holds of the group that the moment stands for: from its first visit on, or, of a
    /// group that was never kept out, the visit that the moment belongs to. Nothing, where that is more than half
    /// of all that is remembered: it is the place itself.
    fn take_out(&mut self, marked: &Marked) -> usize {
        let Some(stranger) = marked.stranger else { return 0 };
        let mut slots: Vec<usize> = self.memory.slots().collect();
        slots.retain(|&slot| {
            same_time(self.memory.facts(slot).at_s, marked.at_s) || self.is_like(slot, stranger.id)
        });
        if 0 < stranger.windows {
            let since_s = stranger.first_s - MARK_SLACK_S;
            slots.retain(|&slot| since_s <= self.memory.facts(slot).at_s);
        } else {
            self.keep_visit(&mut slots, marked.at_s);
        }
        if slots.is_empty() || self.memory.len() < 2 * slots.len() {
            return 0;
        }
        let mut times_s = Vec::with_capacity(slots.len());
        for &slot in &slots {
            let facts = self.memory.facts(slot);
            times_s.push(facts.at_s);
            self.load_moment(Place::Memory(slot));
            self.lay_aside(facts.valid_tokens, facts.at_s);
        }
        // The window that side windows were made of may be remembered no more, but one close to it.
        self.album.forget(&|at_s| times_s.iter().any(|out_s| (out_s - at_s).abs() <= MARK_SLACK_S));
        self.memory.forget(&slots);
        let past = Past {
            memory: &self.memory,
            codec: &self.embedding_codec,
            token_codec: &self.token_codec,
        };
        self.distance.reread(past);
        self.classes.mark_stale();
        self.scratch.joined = None;
        self.last_slot = None;
        slots.len()
    }

    /// Keeps those of `slots` whose windows are of one visit with what was there at `at_s`.
    fn keep_visit(&self, slots: &mut Vec<usize>, at_s: f64) {
        let of = |&slot: &usize| self.memory.facts(slot).at_s;
        slots.sort_unstable_by(|a, b| of(a).total_cmp(&of(b)));
        let is_one = |a: &usize, b: &usize| of(b) < of(a) + EPISODE_GAP_S;
        let visit =
            slots.chunk_by(is_one).find(|visit| visit.iter().any(|s| same_time(of(s), at_s)));
        *slots = visit.map_or_else(Vec::new, <[usize]>::to_vec);
    }

    /// Whether a remembered window belongs to that group of strangers.
    fn is_like(&mut self, slot: usize, id: u64) -> bool {
        self.load_moment(Place::Memory(slot));
        self.watch.see(&self.scratch.embedding);
        let found = self.watch.find(self.memory.usual_distance());
        found.is_some_and(|which| self.watch.strangers.known()[which].id == id)
    }
}

fn same_time(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}
