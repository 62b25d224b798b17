//! "This is normal" and "this is not": somebody's word about a moment.

use crate::learn::classes::taught::NamesError;
use crate::learn::habituation::{Standing, Stranger};
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
    /// Whether its minute was taken out of the alarm budget.
    pub is_off_budget: bool,
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
    /// which is longer than their windows are remembered.
    ///
    /// # Errors
    ///
    /// As [`Learner::mark_normal`].
    pub fn mark_unusual(&mut self, at_s: f64) -> Result<Marked, NamesError> {
        match self.mark(at_s, Standing::Never) {
            Ok(mut marked) => {
                marked.is_off_budget = 0 < self.watch.budget.acknowledge(marked.at_s);
                Ok(marked)
            }
            Err(forgotten) if self.watch.budget.has_alarms(at_s) => {
                debug_assert!(matches!(forgotten, NamesError::NoSuchMoment { .. }), "{forgotten}");
                let is_off_budget = 0 < self.watch.budget.acknowledge(at_s);
                Ok(Marked { at_s, stranger: None, admitted: 0, is_off_budget })
            }
            Err(error) => Err(error),
        }
    }

    fn mark(&mut self, at_s: f64, standing: Standing) -> Result<Marked, NamesError> {
        let moment = self.moment(at_s)?;
        self.load_moment(moment.place);
        self.watch.see(&self.scratch.embedding);
        let stranger = self.watch.mark(self.memory.usual_distance(), moment.at_s, standing);
        let stranger = Some(stranger);
        Ok(Marked { at_s: moment.at_s, stranger, admitted: 0, is_off_budget: false })
    }
}

fn same_time(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}
