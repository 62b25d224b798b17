//! What a learner says of itself, and what comes of a word about a moment, as JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::base::counted::counted;
use crate::emit::report::Beside;
use crate::learn::drift::Notice;
use crate::learn::habituation::Standing;
use crate::learn::habituation::Stranger;
use crate::learn::learner::Inspection;
use crate::learn::learner::Marked;

/// A group of windows that were kept out of learning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StrangerDoc {
    /// Its number.
    pub id: u64,
    /// `unfamiliar`, `normal` or `never`.
    pub standing: String,
    /// When it was first and last there, seconds of the source's life.
    pub first_s: f64,
    /// See `first_s`.
    pub last_s: f64,
    /// Times it came.
    pub episodes: u32,
    /// Seconds of presence in all.
    pub dwell_s: f64,
}

/// What came of `normal` or `unusual`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MarkedDoc {
    /// The group that the moment stands for.
    pub stranger: Option<StrangerDoc>,
    /// Windows of it that are learnt from now.
    pub admitted: usize,
    /// Windows of it that had been learnt from and are no longer remembered as usual.
    pub removed: usize,
    /// Whether its minute was taken out of the alarm budget.
    pub off_budget: bool,
    /// Whether there was an alarm around that minute of which nobody had said so before.
    #[serde(default)]
    pub had_alarm: bool,
    /// Whether the same was said of the group before.
    #[serde(default)]
    pub said_before: bool,
}

/// The source that stands beside a learner's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BesideDoc {
    /// Its name.
    pub source: String,
    /// What came of both.
    #[serde(flatten)]
    pub counts: Beside,
}

/// A view of a learner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LearntDoc {
    /// Bytes held, and of these by memory.
    pub bytes: usize,
    /// See `bytes`.
    pub memory_bytes: usize,
    /// Windows remembered: the newest, a sample of all, a sample of each kind; and kinds.
    pub recent: usize,
    /// See `recent`.
    pub reservoir: usize,
    /// See `recent`.
    pub in_clusters: usize,
    /// See `recent`.
    pub clusters: usize,
    /// Windows that there is room for.
    pub windows_max: usize,
    /// Novelty above which there is an alarm now, and days of minutes behind it.
    pub threshold: Option<f32>,
    /// See `threshold`.
    pub calibrated_days: f64,
    /// Kinds of time told apart.
    pub regimes: usize,
    /// Whether the bank of the first day is complete.
    pub anchored: bool,
    /// Optimiser steps; challengers taken and refused; champions that came back; fresh starts.
    pub updates: u64,
    /// See `updates`.
    pub commits: u64,
    /// See `updates`.
    pub rejections: u64,
    /// See `updates`.
    pub rollbacks: u64,
    /// See `updates`.
    pub resets: u64,
    /// Whether the guard asks for 95 % confidence by now, and what the last challenger gained at least.
    pub guard_is_strict: bool,
    /// See `guard_is_strict`.
    pub last_gain: Option<f64>,
    /// Share of the optimiser's rate in use.
    pub rate_share: f64,
    /// When each kept champion gave way, oldest first, seconds of the source's life.
    pub predecessors_s: Vec<f64>,
    /// Groups of windows that were kept out of learning.
    pub strangers: Vec<StrangerDoc>,
    /// How much the days have changed since day 2, week 1 and month 1; 1 is no change.
    pub slow_drift: Vec<Option<f64>>,
    /// Notices given, by kind.
    pub notices: BTreeMap<String, u64>,
    /// What is known between it and the source beside it (`source.beside`); left out where it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<BesideDoc>,
}

impl From<&Stranger> for StrangerDoc {
    fn from(stranger: &Stranger) -> Self {
        Self {
            id: stranger.id,
            standing: match stranger.standing {
                Standing::Unfamiliar => "unfamiliar",
                Standing::Normal => "normal",
                Standing::Never => "never",
            }
            .into(),
            first_s: stranger.first_s,
            last_s: stranger.last_s,
            episodes: stranger.episodes,
            dwell_s: stranger.dwell_s,
        }
    }
}

impl From<&Marked> for MarkedDoc {
    fn from(marked: &Marked) -> Self {
        Self {
            stranger: marked.stranger.as_ref().map(Into::into),
            admitted: marked.admitted,
            removed: marked.removed,
            off_budget: marked.is_off_budget,
            had_alarm: marked.had_alarm,
            said_before: marked.was_said,
        }
    }
}

impl LearntDoc {
    /// Of a learner, and of the source beside its own with its name.
    pub fn new(seen: &Inspection, beside: Option<(String, Beside)>) -> Self {
        let [recent, reservoir, in_clusters, clusters] = seen.memory;
        Self {
            bytes: seen.bytes,
            memory_bytes: seen.memory_bytes,
            recent,
            reservoir,
            in_clusters,
            clusters,
            windows_max: seen.memory_most,
            threshold: seen.threshold,
            calibrated_days: seen.calibrated_days,
            regimes: seen.regimes,
            anchored: seen.has_anchor,
            updates: seen.report.updates,
            commits: seen.report.commits,
            rejections: seen.report.rejections,
            rollbacks: seen.report.restored,
            resets: seen.report.resets,
            guard_is_strict: seen.is_strict,
            last_gain: seen.last_gain,
            rate_share: seen.rate_share,
            predecessors_s: seen.predecessors_s.clone(),
            strangers: seen.strangers.iter().map(StrangerDoc::from).collect(),
            slow_drift: seen.slow_drift.to_vec(),
            notices: Notice::counts(seen.report.notices),
            beside: beside.map(|(source, counts)| BesideDoc { source, counts }),
        }
    }

    /// Lines for people.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "  memory      {} recent, {} of all time, {} of {}; room for {} windows; takes {:.2} of the learner's \
             {:.2} MB, full or not\n",
            self.recent,
            self.reservoir,
            self.in_clusters,
            counted(self.clusters, "kind"),
            self.windows_max,
            self.memory_bytes as f64 / 1e6,
            self.bytes as f64 / 1e6,
        );
        let threshold = self.threshold.map_or("not yet known".into(), |t| format!("{t:.2}"));
        text += &format!(
            "  threshold   {threshold}, from {:.2} days, {} of time; first day {}\n",
            self.calibrated_days,
            counted(self.regimes, "kind"),
            if self.anchored { "kept" } else { "not over" },
        );
        text += &format!(
            "  learning    {}, {}, {}, {}, {}; rate {:.0} %\n",
            counted(self.updates, "update"),
            counted(self.commits, "commit"),
            counted(self.rejections, "rejection"),
            counted(self.rollbacks, "rollback"),
            counted(self.resets, "reset"),
            100.0 * self.rate_share,
        );
        text += &match (self.guard_is_strict, self.last_gain) {
            (false, _) => "  guard       takes what is better; few held-out blocks yet\n".into(),
            (true, None) => "  guard       takes what is surely better\n".into(),
            (true, Some(gain)) => format!(
                "  guard       takes what is surely better; the last challenger gained at least \
                 {:.2} %\n",
                100.0 * gain
            ),
        };
        let kept: Vec<String> = self.predecessors_s.iter().map(|s| format!("{s:.0} s")).collect();
        text += &format!(
            "  kept        {}\n",
            if kept.is_empty() {
                "no earlier champion".into()
            } else {
                format!("champions that gave way at {}", kept.join(", "))
            }
        );
        for stranger in &self.strangers {
            text += &format!(
                "  stranger {}  {}: {} from {:.0} s to {:.0} s, {:.0} s in all\n",
                stranger.id,
                stranger.standing,
                counted(stranger.episodes as usize, "episode"),
                stranger.first_s,
                stranger.last_s,
                stranger.dwell_s,
            );
        }
        for (since, drift) in ["day 2", "week 1", "month 1"].iter().zip(&self.slow_drift) {
            if let Some(drift) = drift {
                text += &format!("  since {since}: {drift:.1} times what chance would do\n");
            }
        }
        if let Some(BesideDoc { source, counts }) = &self.beside {
            text += &format!("  beside      {source}: {}\n", counts.in_words());
        }
        for (kind, count) in &self.notices {
            let times = if *count == 1 { "once".into() } else { format!("{count} times") };
            text += &format!("  told        {kind} {times}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_goes_both_ways_and_can_be_read() {
        let doc = LearntDoc {
            threshold: Some(4.25),
            strangers: vec![StrangerDoc { id: 7, standing: "never".into(), ..Default::default() }],
            slow_drift: vec![Some(1.5), None, None],
            notices: BTreeMap::from([("scene_changed".into(), 2)]),
            beside: Some(BesideDoc {
                source: "yard".into(),
                counts: Beside {
                    judged: [9; 2],
                    pairs: 40,
                    asked: 20,
                    right: 15,
                    ..Beside::default()
                },
            }),
            ..LearntDoc::default()
        };
        let json = serde_json::to_string(&doc).expect("plain numbers");
        assert_eq!(serde_json::from_str::<LearntDoc>(&json).expect("just written"), doc);
        let text = doc.to_text();
        for words in [
            "4.25",
            "stranger 7  never",
            "since day 2: 1.5",
            "scene_changed 2 times",
            "yard: 40 pairs, 15 of 20",
        ] {
            assert!(text.contains(words), "{words:?} missing in:\n{text}");
        }
    }
}
