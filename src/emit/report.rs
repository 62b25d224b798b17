//! The report of a run, as JSON for programs and as lines for people.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

/// What `replay --report` writes. Names are a contract; new ones may be added.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Files or devices, in order.
    pub inputs: Vec<String>,
    /// The encoder's name.
    pub encoder: String,
    /// Seconds of input.
    pub input_s: f64,
    /// Whether it was asked to stop before the input had ended.
    pub stopped: bool,
    /// Windows scored.
    pub windows: u64,
    /// Windows refused because a number was not finite.
    pub refused_windows: u64,
    /// Windows kept out of learning because they were unusual.
    pub quarantined_windows: u64,
    /// Optimiser steps.
    pub updates: u64,
    /// Times the challenger replaced the champion.
    pub commits: u64,
    /// Times it did not.
    pub rejections: u64,
    /// Times an earlier champion came back.
    pub rollbacks: u64,
    /// Windows that raised an alarm.
    pub events: u64,
    /// 1 − error / error of the running mean, on windows before they were learnt; `None` before
    /// there is a champion.
    pub skill_vs_mean: Option<f64>,
    /// 1 − error / error of "as just before".
    pub skill_vs_persistence: Option<f64>,
    /// Novelty above which a window raises an alarm at the end; `None` in warm-up.
    pub threshold: Option<f32>,
    /// Days of minutes behind it.
    pub calibrated_days: f64,
    /// What was told besides events, by kind: `scene_changed`, `sensor_stuck` and the like.
    pub notices: BTreeMap<String, u64>,
    /// Seconds that passed.
    pub wall_s: f64,
    /// Seconds of processor time of this process, start-up included.
    pub cpu_s: f64,
    /// Largest resident size of this process.
    pub peak_resident_bytes: u64,
    /// Bytes of the learner.
    pub learner_bytes: u64,
    /// Bytes written to disk: state, scores, events.
    pub bytes_written: u64,
    /// What a second source beside this one had to do with it; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// SHA-256 of the newest checkpoint, in hexadecimal; empty without a state directory.
    pub checkpoint_sha256: String,
    /// Samples and frames lost, by cause.
    pub losses: BTreeMap<String, u64>,
    /// Damaged inputs that were passed over, and other things worth knowing.
    pub warnings: Vec<String>,
    /// Program and dependencies.
    pub versions: BTreeMap<String, String>,
}

/// Sound and pictures of the same moments: whether the one says anything of the other.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Beside {
    /// Windows of sound and of pictures.
    pub windows: [u64; 2],
    /// Of these, those that had a novelty.
    pub judged: [u64; 2],
    /// Of these, those that were livelier than usual.
    pub lively: [u64; 2],
    /// Moments of both that were livelier than usual and within half a second of each other.
    pub pairs: u64,
    /// Pairs asked about before they were learnt: which of sixteen pictures belongs to this sound?
    pub asked: u64,
    /// Of these, answered right.
    pub right: u64,
    /// The share that guessing answers right.
    pub chance: f64,
    /// Whether it was no better than guessing, and was switched off.
    pub is_off: bool,
}

impl Beside {
    /// In a line, for people; without pairs it says why there are none.
    pub fn in_words(&self) -> String {
        let Self { windows, judged, lively, pairs, asked, right, chance, is_off } = *self;
        let few: Vec<String> = ["sounds", "pictures"]
            .into_iter()
            .enumerate()
            .filter(|&(sense, _)| judged[sense] == 0)
            .map(|(sense, name)| format!("{} {name}", windows[sense]))
            .collect();
        if !few.is_empty() {
            return format!(
                "no pairs: {} are too few to say what is usual among them (learn.warm_up_windows, \
                 learn.history_min)",
                few.join(" and ")
            );
        }
        if pairs == 0 {
            return format!(
                "no pairs: {} sounds and {} pictures were livelier than usual, none of them within half \
                 a second of each other",
                lively[0], lively[1]
            );
        }
        if asked == 0 {
            return format!(
                "{pairs} pairs, too few to ask: it takes 15 others, a minute or more away"
            );
        }
        let off = if is_off { "; switched off, as that is no better" } else { "" };
        format!(
            "{pairs} pairs, {right} of {asked} pictures found by their sound among 16, guessing finds \
             {:.0}{off}",
            chance * asked as f64
        )
    }
}

/// How a skill is told: `12 % better`, or `5 % worse`.
pub fn skill_in_words(skill: f64) -> String {
    let word = if skill < 0.0 { "worse" } else { "better" };
    format!("{:.0} % {word}", 100.0 * skill.abs())
}

impl Report {
    /// Indented JSON with a final newline.
    pub fn to_json(&self) -> String {
        // Invariant: a struct of numbers, texts and maps with text keys always serialises.
        serde_json::to_string_pretty(self)
            .map_or_else(|e| format!("{{\"error\":\"{e}\"}}\n"), |j| j + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when a skill below 0 is told as "-189 % better".
    #[test]
    fn what_is_worse_is_told_as_worse() {
        let told = [0.12, 0.0, -1.89].map(skill_in_words);
        assert_eq!(told, ["12 % better", "0 % better", "189 % worse"]);
    }
}
