//! Events as lines of JSON, in a file of bounded size.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;

/// The kind of an alarm for a novel window.
pub const NOVELTY: &str = "novelty";

/// One alarm or notice, as sinks get it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// The source's name.
    pub source: String,
    /// Seconds into the stream.
    pub start_s: f64,
    /// Seconds into the stream.
    pub end_s: f64,
    /// Deviations above the usual; `None` for a notice in warm-up.
    pub novelty: Option<f32>,
    /// Share of past windows at least as unusual.
    pub p_value: Option<f32>,
    /// Begin in seconds of the source's life, earlier runs included; what `teach --at` takes.
    pub lived_s: f64,
    /// A taught name, or "unknown"; `None` where nothing was taught.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Probability of the name among those taught.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// [`NOVELTY`], or what else is told: `scene_changed`, `model_misfit`, `slow_drift`,
    /// `sensor_stuck`, `sensor_gap`, `sensor_broken`, `rolled_back`.
    pub kind: &'static str,
    /// The same in words, for all but novelties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'static str>,
    /// Novelty above which there was an alarm then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// The chance of a minute so novel, by the last week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_recent: Option<f32>,
    /// The chance of so strange a window on the first day of the source's life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_anchor: Option<f32>,
    /// Whether less than a day of minutes stands behind the threshold: it is still learning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub learning: bool,
    /// Wall-clock time, UTC, RFC 3339; `None` for recordings, which have no now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Whether that time can be believed: something keeps the clock right. `None` where nobody says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_synced: Option<bool>,
}

impl Event {
    /// One line of JSON, without the newline.
    pub fn to_json(&self) -> String {
        // Invariant: numbers and texts always serialise; a non-finite number becomes null.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Appends events to a file. At `limit_bytes` the file becomes `NAME.1.jsonl`, replacing the one
/// before, so that at most twice the limit is on disk.
#[derive(Debug)]
pub struct EventsFile {
    path: PathBuf,
    file: File,
    size: u64,
    limit_bytes: u64,
    /// The last write failed, and may have left half a line.
    is_torn: bool,
}

impl EventsFile {
    /// Another size at which a new file begins, after a reload of the configuration.
    pub const fn set_limit(&mut self, limit_bytes: u64) {
        self.limit_bytes = limit_bytes;
    }

    /// Opens for appending. A last line cut short by a power cut is ended first, so that the next
    /// event is a line of its own.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub fn open(path: &Path, limit_bytes: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        let size = file.metadata()?.len();
        if 0 < size {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(Self { path: path.into(), file, size, limit_bytes, is_torn: false })
    }

    /// Appends one event and flushes it to the disk: an event once reported is not lost.
    /// Gives back the bytes written.
    ///
    /// # Errors
    ///
    /// The disk's; the event is then not in the file.
    pub fn append(&mut self, event: &Event) -> io::Result<u64> {
        let line = event.to_json() + "\n";
        let bytes = line.len() as u64;
        if self.limit_bytes < self.size + bytes {
            fs::rename(&self.path, self.path.with_extension("1.jsonl"))?;
            self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            self.size = 0;
        }
        if self.is_torn {
            self.file.write_all(b"\n")?;
        }
        self.is_torn = true;
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()?;
        self.is_torn = false;
        self.size += bytes;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(start_s: f64) -> Event {
        Event {
            source: "mic".into(),
            start_s,
            end_s: start_s + 1.0,
            novelty: Some(5.0),
            p_value: Some(0.001),
            lived_s: start_s,
            name: None,
            confidence: None,
            kind: NOVELTY,
            detail: None,
            threshold: Some(4.5),
            p_recent: Some(0.002),
            p_anchor: None,
            learning: false,
            time: None,
            clock_synced: None,
        }
    }

    #[test]
    fn the_file_stays_below_twice_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut file = EventsFile::open(&path, 4_096).unwrap();
        for i in 0..500_u16 {
            file.append(&event(f64::from(i))).unwrap();
        }
        let on_disk: u64 =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        assert!(on_disk <= 8_192, "{on_disk} bytes");
        let last = fs::read_to_string(&path).unwrap();
        assert!(last.lines().last().unwrap().contains("499"));
    }

    #[test]
    fn a_line_cut_short_does_not_swallow_the_next_event() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        fs::write(&path, "{\"source\":\"mi").unwrap();
        EventsFile::open(&path, 4_096).unwrap().append(&event(7.0)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with('{') && last.ends_with('}') && last.contains("7.0"), "{text}");
    }
}
