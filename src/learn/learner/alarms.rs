//! The learner's side of the watch: what raises an alarm, and what is kept out of learning.

use crate::learn::alarm::{BLOCK_S, Seen};
use crate::learn::gate::{About, Admission};
use crate::learn::learner::{DAY_S, Learner, Learnt, Score, Scored};
use crate::learn::novelty::Judged;
use crate::learn::watch::Lived;

/// What is thought of the window that `scratch` holds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Raised {
    pub(super) is_rare: bool,
    pub(super) is_extreme: bool,
    /// No alarm is needed: it belongs to one that was raised, or the scene has just changed.
    pub(super) is_told: bool,
    pub(super) p_recent: Option<f32>,
    pub(super) p_anchor: Option<f32>,
    pub(super) stranger: Option<usize>,
}

impl Learner {
    /// Changes only scratch.
    pub(super) fn raise(&mut self, judged: Option<Judged>) -> Raised {
        self.watch.see(&self.scratch.embedding);
        let novelty = judged.map(|judged| judged.novelty);
        let now_s = self.now_s().unwrap_or(0.0);
        let look = self.watch.look(novelty, now_s, self.memory.usual_distance());
        // Before there are enough minutes: rarer, as a window, than the wanted number a day.
        let by_rank = || judged.is_some_and(|judged| f64::from(judged.p_value) <= self.rare_p());
        Raised {
            is_rare: look.fires.unwrap_or_else(by_rank),
            is_extreme: look.is_extreme,
            is_told: look.is_told,
            p_recent: look.p_recent,
            p_anchor: look.p_anchor,
            stranger: look.stranger,
        }
    }

    /// When the next window begins, about.
    fn now_s(&self) -> Option<f64> {
        self.times.last_s.map(|last_s| last_s + self.times.interval_s)
    }

    /// Whether it is clear what is usual.
    fn is_settled(&self) -> bool {
        self.settings.quarantine_after_windows <= self.counts.admitted
    }

    /// The largest p-value of a window that is an alarm, before the budget can say: that of the wanted number
    /// a day, and half of it for each alarm too many so far. 0 while nothing can be.
    pub(super) fn rare_p(&self) -> f64 {
        let a_day = self.settings.alarms_per_day;
        let wanted = a_day * self.times.last_s.unwrap_or(0.0) / DAY_S;
        let too_many = (self.counts.events as f64 - wanted - FREE).max(0.0);
        a_day * self.times.interval_s / DAY_S * (-too_many).exp2()
    }

    /// Whether something rare was there less than the cooldown ago: then what is rare now belongs to
    /// the same event, however long it lasts.
    pub(super) fn is_soon(&self) -> bool {
        // Where windows are rarer than that, the next one is.
        let soon_s = self.settings.cooldown_s.max(1.5 * self.times.interval_s);
        let last = self.times.last_rare_s.zip(self.now_s());
        last.is_some_and(|(rare_s, now_s)| now_s < rare_s + soon_s)
    }

    /// Novelty above which a window raises an alarm now; `None` during warm-up, and while no window
    /// could be rare enough.
    pub fn threshold(&self) -> Option<f32> {
        self.watch.budget.threshold().or_else(|| self.novelty.at(self.rare_p()))
    }

    /// Days of minutes behind the threshold; below [`SURE_AFTER_DAYS`] it is not sure yet.
    pub fn calibrated_days(&self) -> f64 {
        self.watch.budget.calibrated_days(self.times.interval_s)
    }

    /// What may be done with the window that `scratch` holds.
    pub(super) fn decide(&mut self, score: &Score, interval_s: f64) -> Admission {
        let (lasting_p, stranger) = match score.state {
            Scored::Done { lasting_p, stranger, .. } if self.is_settled() => (lasting_p, stranger),
            _ => (None, None),
        };
        let about = About {
            p_value: lasting_p,
            word: self.watch.word(stranger),
            stayed_s: self.watch.stayed_s(stranger),
        };
        let admission = self.gate.decide(&self.scratch.embedding, interval_s, about);
        let kind = self.memory.kind(self.watch.see(&self.scratch.embedding)).map(|kind| kind.0);
        let Some(kind) = kind else { return admission };
        if admission == Admission::Admitted && self.watch.is_enough(self.memory.is_dull(kind)) {
            self.memory.pass_over(kind);
            return Admission::Plenty;
        }
        if admission == Admission::Duplicate {
            self.memory.pass_over(kind);
        }
        admission
    }

    /// Alarms, strangers and clocks take in the window that `scratch` holds. `true` when `scratch` no
    /// longer does, because a commit was reviewed.
    pub(super) fn watch_over(
        &mut self,
        score: &Score,
        admission: Admission,
        at_s: f64,
        interval_s: f64,
    ) -> bool {
        let (error, is_rare, is_extreme) = match score.state {
            Scored::Done { reading, is_rare, is_extreme, .. } => {
                // Where nothing guesses, both errors are 0, and no model can stop to fit.
                let error = Some(reading.error).filter(|_| 0.0 < reading.mean_error);
                (error, is_rare, is_extreme)
            }
            _ => (None, false, false),
        };
        let seen = Seen {
            novelty: score.novelty,
            has_event: score.event,
            is_extreme: is_extreme && score.event,
        };
        let is_quarantined = admission == Admission::Quarantined;
        self.watch.see(&self.scratch.embedding);
        let is_new_scene = self.gate.is_open();
        let lived = Lived { at_s, interval_s, seen, is_quarantined, is_rare, is_new_scene, error };
        let is_misfit = self.watch.observe(lived, &self.memory);
        if is_misfit {
            self.review_commit(at_s);
        }
        is_misfit
    }

    /// A window that no step was made for.
    pub(super) fn passed_over(&mut self, admission: Admission) -> Learnt {
        let notice = self.watch.next_notice();
        Learnt { admission: Some(admission), notice, ..Learnt::default() }
    }
}

/// Alarms that nothing is said against, in the hours when the budget knows too little.
const FREE: f64 = 1.0;

/// A threshold from less than a day has seen no night.
pub const SURE_AFTER_DAYS: f64 = 1440.0 * BLOCK_S / DAY_S;
