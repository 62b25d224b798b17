//! What a track tells of itself: its cost, and what happened so far.

use crate::emit::report::Report;
use crate::learn::drift::Notice;
use crate::pipeline::companion::Companion;
use crate::pipeline::track::Track;

impl Track {
    /// What it consists of and costs, in one line for people.
    pub fn describe(&self) -> String {
        let shape = self.core.encoder.shape();
        let beside = self.companion.as_ref().map_or_else(String::new, |companion| {
            let megabytes = companion.bytes() as f64 / 1e6;
            format!(", of that {megabytes:.1} MB for what belongs to {}", companion.name())
        });
        format!(
            "{} ({} tokens of {}, embedding of {}), learner of up to {:.1} MB{beside}",
            self.encoder_name(),
            shape.layout.len(),
            shape.token_dim,
            shape.embedding_dim,
            self.largest_state_bytes() as f64 / 1e6,
        )
    }

    /// What its memory takes at most, in one line for people.
    pub fn describe_memory(&self) -> String {
        self.core.learner.describe_memory()
    }

    /// Days of minutes behind the threshold.
    pub fn calibrated_days(&self) -> f64 {
        self.core.learner.calibrated_days()
    }

    /// Bytes that the learner takes once it has met enough, what is known of the source beside it included; a
    /// checkpoint is never larger.
    pub fn largest_state_bytes(&self) -> usize {
        self.core.learner.state_bytes() + self.companion.as_ref().map_or(0, Companion::bytes)
    }

    /// What happened so far; what only the process knows is left empty.
    pub fn report(&self) -> Report {
        let learnt = self.core.learner.report();
        Report {
            input_s: self.stream_s,
            windows: learnt.windows,
            refused_windows: learnt.refused,
            quarantined_windows: learnt.quarantined,
            updates: learnt.updates,
            commits: learnt.commits,
            rejections: learnt.rejections,
            rollbacks: learnt.rollbacks,
            events: learnt.events,
            skill_vs_mean: learnt.skill_vs_mean,
            skill_vs_persistence: learnt.skill_vs_persistence,
            threshold: self.threshold(),
            calibrated_days: self.calibrated_days(),
            notices: Notice::counts(learnt.notices),
            learner_bytes: self.largest_state_bytes() as u64,
            warnings: [self.core.notices.clone(), self.losses.reasons()].concat(),
            losses: self.losses.counts(),
            ..Report::default()
        }
    }
}
