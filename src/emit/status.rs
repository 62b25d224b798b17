//! What a daemon is doing, for `status` and, later, dashboards.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

/// A running daemon in one document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_s: f64,
    /// Seconds of processor time so far.
    pub cpu_s: f64,
    /// Resident memory now.
    pub resident_bytes: u64,
    /// Bytes written to disk since start.
    pub bytes_written: u64,
    /// Events and scores that no sink could take.
    pub sink_refusals: u64,
    /// One entry per configured source, in the order of the configuration.
    pub sources: Vec<SourceStatus>,
}

/// One source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// `opening`, `running`, `waiting`, `ended` or `failed`.
    pub state: String,
    /// Why it waits or failed, and when it is tried again; empty while all is well.
    pub detail: String,
    /// Times it had to be opened again.
    pub restarts: u64,
    /// The encoder's name.
    pub encoder: String,
    /// Seconds of input since start.
    pub stream_s: f64,
    /// Windows scored by this learner, earlier runs included.
    pub windows: u64,
    /// Alarms raised by this learner, earlier runs included.
    pub events: u64,
    /// Whether it still learns what is usual and cannot judge yet.
    pub warming_up: bool,
    /// The last window's novelty.
    pub novelty: Option<f32>,
    /// Novelty above which a window raises an alarm.
    pub threshold: Option<f32>,
    /// Days of minutes behind the threshold.
    #[serde(default)]
    pub calibrated_days: f64,
    /// The chance of a minute so novel by the last week, and of so strange a window on the first day.
    #[serde(default)]
    pub p_recent: Option<f32>,
    /// See `p_recent`.
    #[serde(default)]
    pub p_anchor: Option<f32>,
    /// What was told besides events, by kind.
    #[serde(default)]
    pub notices: BTreeMap<String, u64>,
    /// Names taught to it.
    #[serde(default)]
    pub names: Vec<String>,
    /// What the last window was: a name, or "unknown"; `None` where nothing was taught.
    #[serde(default)]
    pub is_called: Option<String>,
    /// Probability of that name among those taught.
    #[serde(default)]
    pub confidence: Option<f32>,
    /// Optimiser steps.
    pub updates: u64,
    /// Times the challenger replaced the champion.
    pub commits: u64,
    /// Times it did not.
    pub rejections: u64,
    /// 1 − error / error of the running mean.
    pub skill_vs_mean: Option<f64>,
    /// Bytes of the learner.
    pub learner_bytes: u64,
    /// Samples and frames lost, by cause.
    pub losses: BTreeMap<String, u64>,
    /// SHA-256 of the newest checkpoint of this run.
    pub checkpoint_sha256: String,
}

impl Status {
    /// Indented JSON with a final newline.
    pub fn to_json(&self) -> String {
        // Invariant: a struct of numbers, texts and maps with text keys always serialises.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads what [`Status::to_json`] wrote; unknown fields of a newer daemon are passed over.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Lines for people.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "habituate {} (process {}), up {}, {:.1} % of a core, {} MiB, {:.1} MB written\n",
            self.version,
            self.pid,
            duration(self.uptime_s),
            100.0 * self.cpu_s / self.uptime_s.max(1.0),
            self.resident_bytes / 1_048_576,
            self.bytes_written as f64 / 1e6,
        );
        for source in &self.sources {
            text += &source.to_text();
        }
        if 0 < self.sink_refusals {
            text += &format!("{} events or scores could not be passed on\n", self.sink_refusals);
        }
        text
    }
}

impl SourceStatus {
    fn now(&self) -> String {
        match (&self.is_called, self.confidence) {
            (Some(name), Some(confidence)) => {
                format!("; now {name} ({:.0} %)", 100.0 * confidence)
            }
            (Some(name), None) => format!("; now {name}"),
            (None, _) => String::new(),
        }
    }

    /// Lines for people.
    pub fn to_text(&self) -> String {
        let mut text = format!("\n{}: {}", self.name, self.state);
        if !self.detail.is_empty() {
            text += &format!(" ({})", self.detail);
        }
        text += &format!(
            "\n  heard or seen  {} with {}, {} windows, {} restarts\n",
            duration(self.stream_s),
            self.encoder,
            self.windows,
            self.restarts
        );
        text += &match (self.warming_up, self.novelty, self.threshold) {
            (true, ..) => "  novelty        learning what is usual\n".into(),
            (false, Some(novelty), Some(threshold)) => {
                let sure = if self.calibrated_days < 1.0 { ", not sure yet" } else { "" };
                format!(
                    "  novelty        {novelty:.1} now, alarm above {threshold:.1} (from {:.1} days{sure})\n",
                    self.calibrated_days
                )
            }
            (false, Some(novelty), None) => format!("  novelty        {novelty:.1} now\n"),
            (false, None, _) => "  novelty        nothing judged yet\n".into(),
        };
        text += &format!("  events         {}\n", self.events);
        let told: Vec<_> = self.notices.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        if !told.is_empty() {
            text += &format!("  also told      {}\n", told.join(", "));
        }
        if !self.names.is_empty() {
            text += &format!("  names          {}{}\n", self.names.join(", "), self.now());
        }
        text += &format!(
            "  learning       {} updates, {} commits, {} rejections{}, {:.1} MB\n",
            self.updates,
            self.commits,
            self.rejections,
            self.skill_vs_mean.map_or_else(String::new, |s| format!(
                ", predicts {:.0} % better than the mean",
                100.0 * s
            )),
            self.learner_bytes as f64 / 1e6
        );
        let losses: Vec<_> = self.losses.iter().map(|(cause, n)| format!("{n} {cause}")).collect();
        text += &format!(
            "  lost           {}\n",
            if losses.is_empty() { "nothing".into() } else { losses.join(", ") }
        );
        text
    }
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_both_ways() {
        let status = Status {
            version: "1".into(),
            sources: vec![SourceStatus { name: "mic".into(), ..SourceStatus::default() }],
            ..Status::default()
        };
        assert_eq!(Status::from_json(&status.to_json()), Some(status));
    }

    #[test]
    fn names_are_told_where_some_were_taught() {
        let mut source = SourceStatus::default();
        assert!(!source.to_text().contains("names"), "{}", source.to_text());
        source.names = vec!["pump".into(), "door bell".into()];
        source.is_called = Some("pump".into());
        source.confidence = Some(0.934);
        assert!(source.to_text().contains("pump, door bell; now pump (93 %)"));
        (source.is_called, source.confidence) = (Some("unknown".into()), None);
        assert!(source.to_text().contains("door bell; now unknown\n"), "{}", source.to_text());
    }

    #[test]
    fn warm_up_is_said_in_words() {
        let source = SourceStatus { warming_up: true, ..SourceStatus::default() };
        let status = Status { sources: vec![source], ..Status::default() };
        assert!(status.to_text().contains("learning what is usual"), "{}", status.to_text());
    }
}
