//! What a learner consists of at the moment, for people who look.

use crate::learn::habituation::Stranger;
use crate::learn::learner::{LearnReport, Learner};

/// A view of a learner.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Counts and skills.
    pub report: LearnReport,
    /// Windows in the ring, in the reservoir, in clusters, and clusters; and the most of the first three.
    pub memory: [usize; 4],
    /// See `memory`.
    pub memory_most: usize,
    /// Bytes held, and of these by memory.
    pub bytes: usize,
    /// See `bytes`.
    pub memory_bytes: usize,
    /// Novelty above which there is an alarm now.
    pub threshold: Option<f32>,
    /// Days of minutes behind it.
    pub calibrated_days: f64,
    /// Kinds of time told apart.
    pub regimes: usize,
    /// Whether the bank of the first day is complete.
    pub has_anchor: bool,
    /// Groups of windows that were kept out of learning.
    pub strangers: Vec<Stranger>,
    /// When each kept champion gave way, oldest first, seconds of the source's life.
    pub predecessors_s: Vec<f64>,
    /// Whether the guard asks for confidence.
    pub is_strict: bool,
    /// Held-out windows that champion and challenger were compared on last.
    pub compared: usize,
    /// What the last challenger gained at least.
    pub last_gain: Option<f64>,
    /// Share of the optimiser's rate in use.
    pub rate_share: f64,
    /// How much the days have changed since day 2, week 1, month 1; 1 is no change.
    pub slow_drift: [Option<f64>; 3],
}

impl Learner {
    /// A view of everything that is worth looking at.
    pub fn inspect(&self) -> Inspection {
        Inspection {
            report: self.report(),
            memory: self.memory.shares(),
            memory_most: self.memory.plan().windows(),
            bytes: self.state_bytes(),
            memory_bytes: self.memory.bytes(),
            threshold: self.threshold(),
            calibrated_days: self.calibrated_days(),
            regimes: self.watch.budget.regimes(),
            has_anchor: self.watch.anchor.is_complete(),
            strangers: self.watch.strangers.known().to_vec(),
            predecessors_s: self.predecessors.gave_way_s().to_vec(),
            is_strict: self.guard.is_strict(),
            compared: self.scratch.held_out.len(),
            last_gain: self.guard.last_gain(),
            rate_share: self.guard.rate(),
            slow_drift: self.watch.slow_drift(),
        }
    }

    /// Share of what is remembered that is of the kind most windows are of; 0 while there are no kinds.
    pub fn share_of_largest_kind(&self) -> f64 {
        self.memory.share_of_largest_kind()
    }

    /// What memory takes at most, in one line for people: windows of each kind, and bytes.
    pub fn describe_memory(&self) -> String {
        let plan = self.memory.plan();
        format!(
            "remembers {} recent windows, {} of all time, {} of each of {} kinds: {:.1} MB",
            plan.recent,
            plan.reservoir,
            plan.members,
            plan.clusters,
            self.memory.bytes() as f64 / 1e6,
        )
    }
}
