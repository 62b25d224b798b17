//! The whole file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::Serialize;
use thiserror::Error;

use crate::base::modality::Modality;
use crate::config::beside;
use crate::config::beside::Stated;
use crate::config::board::BoardToml;
use crate::config::learn::LearnSettings;
use crate::config::learn::LearnToml;
use crate::config::problems::Problems;
use crate::config::reading;
use crate::config::source::SourceSettings;
use crate::config::source::SourceToml;

/// As written. An empty file is valid and means: the default microphone.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DaemonToml {
    /// Start of every random sequence.
    pub seed: Option<u64>,
    /// Where what was learnt is kept.
    pub state_dir: Option<PathBuf>,
    /// Where sound and pictures come from.
    pub source: Vec<SourceToml>,
    /// What is learnt, and how.
    pub learn: LearnToml,
    /// When what was learnt is written to disk.
    pub checkpoint: CheckpointToml,
    /// Where events go.
    pub events: EventsToml,
    /// When learning and writing give way.
    pub board: BoardToml,
}

/// The `[checkpoint]` table as written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointToml {
    /// Longest stretch of learning that a power cut may cost.
    pub every_s: f64,
    /// Older checkpoints kept beside the newest.
    pub predecessors: usize,
}

impl Default for CheckpointToml {
    fn default() -> Self {
        Self { every_s: 10_800.0, predecessors: 5 }
    }
}

/// The `[events]` table as written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsToml {
    /// Append each event as a line of JSON to `events.jsonl` in the state directory.
    pub file: bool,
    /// At this size the file is renamed to `events.1.jsonl` and a new one begins.
    pub file_bytes: u64,
    /// Print each event as a line of JSON on standard output.
    pub stdout: bool,
}

impl Default for EventsToml {
    fn default() -> Self {
        Self { file: true, file_bytes: 4_194_304, stdout: true }
    }
}

/// As used. Holding one is proof that the checks have passed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Start of every random sequence.
    pub seed: u64,
    /// Where what was learnt is kept, if the file says so.
    pub state_dir: Option<PathBuf>,
    /// At least one, names unique.
    pub sources: Vec<SourceSettings>,
    /// What is learnt, and how.
    pub learn: LearnSettings,
    /// When what was learnt is written to disk.
    pub checkpoint: CheckpointSettings,
    /// Where events go.
    pub events: EventsToml,
    /// When learning and writing give way.
    pub board: BoardToml,
}

/// When what was learnt is written to disk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckpointSettings {
    /// Longest stretch of learning, in seconds of input, that a power cut may cost.
    pub every_s: f64,
    /// Older checkpoints kept beside the newest.
    pub predecessors: usize,
}

/// Why there are no settings.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path:?}")]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{path:?} is not a valid configuration:\n{message}")]
    Syntax {
        /// As given.
        path: PathBuf,
        /// Line, column, key and what would be right.
        message: String,
    },
    /// Values that cannot be, all of them.
    #[error("{path:?} has {} problem(s):\n{problems}", .problems.len())]
    Values {
        /// As given.
        path: PathBuf,
        /// One line each.
        problems: Problems,
    },
}

impl Settings {
    /// Reads and checks a file; without one, the settings of an empty file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming every problem at once.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::parse("", Path::new("(no file)")) };
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
        Self::parse(&text, path)
    }

    /// Checks a text; `path` is for messages only.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let raw: DaemonToml = reading::read(text)
            .map_err(|message| ConfigError::Syntax { path: path.into(), message })?;
        raw.check().map_err(|problems| ConfigError::Values { path: path.into(), problems })
    }
}

/// One effective setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The dotted key.
    pub key: String,
    /// As TOML.
    pub value: String,
    /// Whether the file states it; else it is the default.
    pub stated: bool,
}

/// Every setting that a valid text leads to, in key order.
///
/// # Errors
///
/// As [`Settings::load`].
pub fn effective(text: &str, path: &Path) -> Result<Vec<Effective>, ConfigError> {
    Settings::parse(text, path)?;
    let syntax = |message: String| ConfigError::Syntax { path: path.into(), message };
    let raw: DaemonToml = toml::from_str(text).map_err(|e| syntax(e.to_string()))?;
    let stated: toml::Table = toml::from_str(text).map_err(|e| syntax(e.to_string()))?;
    let all = toml::Table::try_from(&raw).map_err(|e| syntax(e.to_string()))?;
    let mut found = Vec::new();
    flatten("", &all, Some(&stated), &mut found);
    Ok(found)
}

fn flatten(
    prefix: &str,
    table: &toml::Table,
    stated: Option<&toml::Table>,
    found: &mut Vec<Effective>,
) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        let said = stated.and_then(|table| table.get(name));
        match value {
            toml::Value::Table(inner) => {
                let said = said.and_then(toml::Value::as_table);
                flatten(&format!("{key}."), inner, said, found);
            }
            toml::Value::Array(items) if items.iter().all(toml::Value::is_table) => {
                for (index, item) in items.iter().enumerate() {
                    let said = said.and_then(|v| v.get(index)).and_then(toml::Value::as_table);
                    if let Some(inner) = item.as_table() {
                        flatten(&format!("{key}[{index}]."), inner, said, found);
                    }
                }
            }
            _ => found.push(Effective { key, value: value.to_string(), stated: said.is_some() }),
        }
    }
}

/// All sources that are well; at least one where nobody complained.
fn check_sources(tables: Vec<SourceToml>, problems: &mut Problems) -> Vec<SourceSettings> {
    if tables.is_empty() {
        return vec![SourceSettings::default()];
    }
    let stated: Vec<Stated> = tables.iter().map(SourceToml::stated).collect();
    let sources: Vec<Option<SourceSettings>> = tables
        .into_iter()
        .enumerate()
        .map(|(index, source)| source.check(index, problems))
        .collect();
    for (index, Stated { name, .. }) in stated.iter().enumerate() {
        let twice = stated.iter().take(index).any(|other| other.name == *name);
        problems.require(!twice, &format!("source[{index}].name"), || {
            format!("{name:?} is taken by another source; names must differ")
        });
    }
    beside::check(&stated, &sources, problems);
    if sources.iter().any(Option::is_none) {
        return Vec::new();
    }
    let sources: Vec<SourceSettings> = sources.into_iter().flatten().collect();
    let modalities: Vec<Option<Modality>> =
        sources.iter().map(|source| beside::modality(&source.kind)).collect();
    beside::check_senses(&sources, &modalities, problems);
    sources
}

impl DaemonToml {
    fn check(self) -> Result<Settings, Problems> {
        let mut problems = Problems::default();
        let sources = check_sources(self.source, &mut problems);
        let checkpoint = CheckpointSettings {
            every_s: self.checkpoint.every_s,
            predecessors: self.checkpoint.predecessors,
        };
        problems.require(
            (1.0..=86_400.0).contains(&checkpoint.every_s),
            "checkpoint.every_s",
            || format!("{} is outside 1 to 86400 seconds", checkpoint.every_s),
        );
        problems.require(checkpoint.predecessors <= 100, "checkpoint.predecessors", || {
            format!("{} is above 100; 5 is usual", checkpoint.predecessors)
        });
        problems.require(4_096 <= self.events.file_bytes, "events.file_bytes", || {
            format!("{} is below 4096", self.events.file_bytes)
        });
        self.board.check(&mut problems);
        match self.learn.check() {
            Ok(learn) => problems.or(Settings {
                seed: self.seed.unwrap_or(1),
                state_dir: self.state_dir,
                sources,
                learn,
                checkpoint,
                events: self.events,
                board: self.board,
            }),
            Err(more) => {
                problems.absorb(more);
                Err(problems)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::SourceKind;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(text, Path::new("test.toml")).map_err(|e| e.to_string())
    }

    #[test]
    fn an_empty_file_listens_to_the_default_microphone() {
        let settings = parse("").unwrap();
        let [source] = settings.sources.as_slice() else { panic!("one source expected") };
        assert_eq!(source.kind, SourceKind::Microphone { device: "default".into() });
    }

    #[test]
    fn unknown_keys_are_refused_with_their_line() {
        let shown = parse("seed = 1\nsede = 2").unwrap_err();
        assert!(shown.contains("sede") && shown.contains("line 2"), "{shown}");
    }

    /// Fails where a rate passes the check that the camera then refuses.
    #[test]
    fn a_rate_at_which_no_time_passes_or_none_ends_is_a_problem() {
        for (rate, is_good) in
            [("1e-5", true), ("1000.0", true), ("5000.0", false), ("1e-6", false), ("-1.0", false)]
        {
            let parsed = parse(&format!("[[source]]\nkind = \"camera\"\nframes_per_s = {rate}\n"));
            assert_eq!(parsed.is_ok(), is_good, "{rate}: {parsed:?}");
            let told = parsed.err().unwrap_or_default();
            assert!(is_good || told.contains("source[0].frames_per_s"), "{told}");
        }
    }

    #[test]
    fn all_problems_are_shown_at_once() {
        let text = "[[source]]\nkind = \"command\"\ndevice = \"x\"\n\
                    [[source]]\nkind = \"microphone\"\nname = \"a b\"\n\
                    [checkpoint]\nevery_s = 0.1\n";
        let shown = parse(text).unwrap_err();
        for key in [
            "source[0].device",
            "source[0].command",
            "source[0].format",
            "source[1].name",
            "checkpoint.every_s",
        ] {
            assert!(shown.contains(key), "{key:?} missing in:\n{shown}");
        }
    }

    #[test]
    fn effective_settings_say_where_they_come_from() {
        let text = "[checkpoint]\nevery_s = 60.0\n[[source]]\nkind = \"microphone\"\n";
        let all = effective(text, Path::new("test.toml")).unwrap();
        let find = |key: &str| all.iter().find(|e| e.key == key).unwrap();
        assert_eq!(
            (find("checkpoint.every_s").value.as_str(), find("checkpoint.every_s").stated),
            ("60.0", true)
        );
        assert!(!find("checkpoint.predecessors").stated);
        assert!(find("source[0].kind").stated);
    }

    #[test]
    fn two_sources_may_not_share_a_name() {
        let text = "[[source]]\nkind = \"microphone\"\n[[source]]\nkind = \"microphone\"\n";
        assert!(parse(text).unwrap_err().contains("taken by another source"));
    }

    #[test]
    fn a_command_with_sound_needs_no_size_and_one_with_frames_does() {
        let sound = "[[source]]\nkind = \"command\"\ncommand = [\"arecord\"]\nformat = \"s16le\"\n";
        assert!(parse(sound).is_ok());
        let frames = "[[source]]\nkind = \"command\"\ncommand = [\"x\"]\nformat = \"rgb24\"\n";
        assert!(parse(frames).unwrap_err().contains("source[0].width"));
    }
}
