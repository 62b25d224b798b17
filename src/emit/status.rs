//! What a daemon is doing, for `status` and, later, dashboards.

use crate::base::duration;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::emit::report::Beside;
use crate::emit::report::skill_in_words;

/// A running daemon in one document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_s: f64,
    /// When it started, seconds since the Unix epoch by the wall clock as it is now.
    #[serde(default)]
    pub started_unix_s: Option<f64>,
    /// Seconds of processor time so far.
    pub cpu_s: f64,
    /// Resident memory now.
    pub resident_bytes: u64,
    /// Bytes written to disk since start.
    pub bytes_written: u64,
    /// Events and scores that no sink could take.
    pub sink_refusals: u64,
    /// Heat, memory, disk, clock, and what they do to learning.
    #[serde(default)]
    pub board: BoardStatus,
    /// One entry per configured source, in the order of the configuration.
    pub sources: Vec<SourceStatus>,
}

/// The board's own limits. What it does not show is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BoardStatus {
    /// The hottest sensor, degrees Celsius.
    pub temperature_c: Option<f32>,
    /// Whether the processor is slowed down by heat or voltage.
    pub throttled: Option<bool>,
    /// Whether the supply's voltage is too low.
    pub under_voltage: Option<bool>,
    /// Memory that programs could still get.
    pub memory_available_bytes: Option<u64>,
    /// Room where the state directory is.
    pub disk_free_bytes: Option<u64>,
    /// Bytes written since this day of running began.
    pub written_today_bytes: u64,
    /// Whether something keeps the wall clock right.
    pub clock_synced: Option<bool>,
    /// How often the wall clock was set by more than two seconds.
    pub clock_jumps: u64,
    /// `full`, `slow` (a quarter of all windows) or `rest`.
    pub learning: String,
    /// Whether checkpoints are written.
    pub may_write: bool,
    /// Why learning is slow or rests, and why nothing is written.
    pub reasons: Vec<String>,
}

/// The source that stands beside another one, as the other tells of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BesideStatus {
    /// Its name.
    pub source: String,
    /// Its windows that were lost since start, because the other source had no time for them.
    pub refused: u64,
    /// What came of both, earlier runs included.
    #[serde(flatten)]
    pub counts: Beside,
}

/// One source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// One of [`SourceStatus::STATES`].
    pub state: String,
    /// Why it waits or failed; empty while all is well.
    pub detail: String,
    /// A command or a setting that mends it; left out while all is well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mend: String,
    /// Times it had to be opened again.
    pub restarts: u64,
    /// Times it was tried to open it.
    #[serde(default)]
    pub tries: u64,
    /// Whether learning gives way for a while because this source lost samples by lateness.
    #[serde(default)]
    pub catching_up: bool,
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
    /// The source that it has beside it (`source.beside`); left out where it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<BesideStatus>,
    /// SHA-256 of the newest checkpoint of this run.
    pub checkpoint_sha256: String,
    /// Checkpoints that could not be written, since the last one that could.
    #[serde(default)]
    pub unkept: u64,
    /// Why; empty where all is well.
    #[serde(default)]
    pub unkept_reason: String,
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

    /// One line, for a service manager: each source's state, and how much is learnt.
    pub fn to_line(&self) -> String {
        let sources: Vec<String> = self
            .sources
            .iter()
            .map(|source| {
                let state = match (source.state.as_str(), source.warming_up) {
                    ("running", true) => "learning what is usual",
                    (state, _) => state,
                };
                let name = &source.name;
                format!("{name}: {state}, {} windows, {} events", source.windows, source.events)
            })
            .collect();
        let mut line = sources.join("; ");
        if !self.board.reasons.is_empty() {
            line += &format!("; holds back: {}", self.board.reasons.join(", "));
        }
        if let Some(source) = self.sources.iter().find(|source| 0 < source.unkept) {
            line += &format!("; nothing is kept: {}", source.unkept_reason);
        }
        line
    }

    /// Lines for people.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "habituate {} (process {}), up {}, {:.1} % of a core, {} MiB, {:.1} MB written\n",
            self.version,
            self.pid,
            duration::in_words(self.uptime_s),
            100.0 * self.cpu_s / self.uptime_s.max(1.0),
            self.resident_bytes / 1_048_576,
            self.bytes_written as f64 / 1e6,
        );
        text += &self.board.to_text();
        for source in &self.sources {
            text += &source.to_text();
        }
        if 0 < self.sink_refusals {
            text += &format!("{} events or scores could not be passed on\n", self.sink_refusals);
        }
        text
    }
}

impl BoardStatus {
    /// One line of readings, and one for each reason to hold back; nothing where nothing is known.
    pub fn to_text(&self) -> String {
        let mut parts = Vec::new();
        if let Some(degrees) = self.temperature_c {
            parts.push(format!("{degrees:.0} °C"));
        }
        if self.throttled == Some(true) {
            parts.push("slowed down".into());
        }
        if self.under_voltage == Some(true) {
            parts.push("voltage too low".into());
        }
        if let Some(bytes) = self.memory_available_bytes {
            parts.push(format!("{} MiB of memory available", bytes >> 20));
        }
        if let Some(bytes) = self.disk_free_bytes {
            parts.push(format!("{:.1} GB of disk free", bytes as f64 / 1e9));
        }
        match self.clock_synced {
            Some(true) => parts.push("clock synchronised".into()),
            Some(false) => parts.push("clock NOT synchronised".into()),
            None => {}
        }
        if parts.is_empty() {
            return String::new();
        }
        let mut text = format!("board: {}\n", parts.join(", "));
        for reason in &self.reasons {
            text += &format!("  holds back     {reason} (learning: {})\n", self.learning);
        }
        text
    }
}

impl BesideStatus {
    /// A line for people.
    pub fn to_text(&self) -> String {
        let lost = match self.refused {
            0 => String::new(),
            refused => {
                format!("; {refused} of its windows came faster than they could be taken in")
            }
        };
        format!("  beside         {}: {}{lost}\n", self.source, self.counts.in_words())
    }
}

impl SourceStatus {
    /// What `state` may be.
    pub const STATES: [&str; 5] = ["opening", "running", "waiting", "ended", "failed"];

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
            duration::in_words(self.stream_s),
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
            (false, Some(novelty), None) => {
                format!("  novelty        {novelty:.1} now, alarm threshold not yet known\n")
            }
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
                ", predicts {} than the mean",
                skill_in_words(s)
            )),
            self.learner_bytes as f64 / 1e6
        );
        if let Some(beside) = &self.beside {
            text += &beside.to_text();
        }
        if 0 < self.unkept {
            text += &format!("  NOT KEPT       {} times: {}\n", self.unkept, self.unkept_reason);
        }
        if self.catching_up {
            text +=
                "  holds back     samples were lost by lateness; learning gives way for a while\n";
        }
        let losses: Vec<_> = self.losses.iter().map(|(cause, n)| format!("{n} {cause}")).collect();
        text += &format!(
            "  lost           {}\n",
            if losses.is_empty() { "nothing".into() } else { losses.join(", ") }
        );
        text
    }
}

#[cfg(test)]
mod tests;
