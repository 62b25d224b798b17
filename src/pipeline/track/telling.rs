//! What a track tells of itself: its cost, and what happened so far.

use crate::config::manifest::Manifest;
use crate::emit::report::Report;
use crate::learn::drift::Notice;
use crate::learn::learner::Learner;
use crate::pipeline::companion::Companion;
use crate::pipeline::track::Track;

/// Bytes of a learner that a board is planned for.
const MOST_STATE: usize = 15_000_000;

/// Which objectives were asked for and have nothing to learn from here; `None` where all have.
pub(super) fn idle(manifest: &Manifest, learner: &Learner) -> Option<String> {
    let idle: Vec<&str> = learner.idle_objectives().collect();
    let keys = idle.join(", learn.");
    (!idle.is_empty()).then(|| format!("{} learns nothing by learn.{keys}", manifest.name))
}

impl Track {
    /// Objectives that do not go with this sense, which the log was told of; see [`Track::report`].
    pub fn idle_in_words(&self) -> Option<String> {
        idle(self.core.encoder.manifest(), &self.core.learner)
    }

    /// Says so where it may take more memory than a board is planned for, and which `learn.memory_bytes`, now
    /// `memory_bytes`, would do.
    pub fn size_warning(&self, memory_bytes: usize) -> Option<String> {
        let bytes = self.largest_state_bytes();
        let over = bytes.checked_sub(MOST_STATE).filter(|&over| 0 < over)?;
        // A learner shrinks by a little less than its memory.
        let enough = memory_bytes.saturating_sub(over + over / 50) / 100_000 * 100_000;
        let mend = match enough {
            0 => "fewer objectives or smaller nets would do".into(),
            _ => format!("learn.memory_bytes = {enough}, or fewer objectives, would do"),
        };
        Some(format!(
            "a learner of {:.1} MB is above the {:.0} MB that a source should take; {mend}",
            bytes as f64 / 1e6,
            MOST_STATE as f64 / 1e6
        ))
    }

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
            rollbacks: learnt.restored,
            events: learnt.events,
            skill_vs_mean: learnt.skill_vs_mean,
            skill_vs_persistence: learnt.skill_vs_persistence,
            threshold: self.threshold(),
            calibrated_days: self.calibrated_days(),
            notices: Notice::counts(learnt.notices),
            learner_bytes: self.largest_state_bytes() as u64,
            warnings: [
                self.idle_in_words().into_iter().collect(),
                self.core.notices.clone(),
                self.losses.reasons(),
            ]
            .concat(),
            losses: self.losses.counts(),
            ..Report::default()
        }
    }
}
