//! What was written today, kept over restarts: a service that is started again and again must not have a fresh
//! budget each time.
//!
//! ```text
//! STATE/written.today   seconds 41234.5
//!                       bytes 23400000
//! ```
//!
//! A day is one of running, as nobody knows how long the machine was off.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::store::error::StoreError;
use crate::store::files::write_atomically;

/// No source is called so: a name has no dot.
const NAME: &str = "written.today";

/// Bytes, and for how long this day has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Since the day began.
    pub running: Duration,
    /// Bytes written in that time.
    pub bytes: u64,
}

impl Spent {
    /// What the last process left in a state directory; nothing where there is none, or it cannot be
    /// understood: a budget is not worth a start.
    pub fn read(root: &Path) -> Self {
        match fs::read_to_string(root.join(NAME)) {
            Ok(text) => Self::parse(&text).unwrap_or_else(|| {
                log::warn!("{}: not understood; a new day begins", root.join(NAME).display());
                Self::default()
            }),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                log::warn!("{}: {error}; a new day begins", root.join(NAME).display());
                Self::default()
            }
        }
    }

    /// Replaces it, and gives the bytes that this took.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`]; the one before stays.
    pub fn write(self, root: &Path) -> Result<u64, StoreError> {
        let text = format!("seconds {:.1}\nbytes {}\n", self.running.as_secs_f64(), self.bytes);
        write_atomically(&root.join(NAME), text.as_bytes())?;
        Ok(text.len() as u64)
    }

    fn parse(text: &str) -> Option<Self> {
        let value =
            |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        let seconds: f64 = value("seconds")?.parse().ok()?;
        let running = Duration::try_from_secs_f64(seconds).ok()?;
        Some(Self { running, bytes: value("bytes")?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_is_known_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Spent::read(dir.path()), Spent::default());
        let spent = Spent { running: Duration::from_millis(41_234_500), bytes: 23_400_000 };
        let taken = spent.write(dir.path()).unwrap();
        assert_eq!(Spent::read(dir.path()), spent);
        assert_eq!(taken, dir.path().join(NAME).metadata().unwrap().len());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something is left beside it");
    }

    #[test]
    fn rubbish_begins_a_new_day() {
        let dir = tempfile::tempdir().unwrap();
        for rubbish in [
            "",
            "seconds\nbytes\n",
            "seconds -1\nbytes 2\n",
            "seconds 1e300\nbytes 2\n",
            "seconds 1\n",
        ] {
            fs::write(dir.path().join(NAME), rubbish).unwrap();
            assert_eq!(Spent::read(dir.path()), Spent::default(), "{rubbish:?}");
        }
        fs::write(dir.path().join(NAME), [0xff, 0xfe]).unwrap();
        assert_eq!(Spent::read(dir.path()), Spent::default());
    }
}
