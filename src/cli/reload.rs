//! SIGHUP: the configuration is read again; what can change while it runs changes, and what cannot
//! is named.

use std::fs;
use std::path::Path;

use crate::config::daemon;
use crate::config::daemon::ConfigError;
use crate::config::daemon::Effective;
use crate::config::daemon::Settings;

/// Tables that take effect at once.
const LIVE: [&str; 3] = ["checkpoint.", "events.", "board."];

/// The configuration as it was read last.
#[derive(Debug)]
pub(crate) struct Configuration {
    path: Option<std::path::PathBuf>,
    effective: Vec<Effective>,
}

/// What a reload changes.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    /// `key = value`, in force now.
    pub(crate) applied: Vec<String>,
    /// `key = value`, in force after the next start.
    pub(crate) later: Vec<String>,
}

impl Changes {
    /// For the log and the service manager.
    pub(crate) fn to_text(&self) -> String {
        let mut parts = Vec::new();
        if !self.applied.is_empty() {
            parts.push(format!("in force now: {}", self.applied.join(", ")));
        }
        if !self.later.is_empty() {
            parts.push(format!("after the next start: {}", self.later.join(", ")));
        }
        if parts.is_empty() { "nothing has changed".into() } else { parts.join("; ") }
    }
}

impl Configuration {
    /// What the daemon starts with.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        // A service is started in `/`, but somebody at a terminal may change directories.
        let path = path.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.into()));
        let effective = effective(path.as_deref())?;
        Ok(Self { path, effective })
    }

    /// Reads it again. On an error everything stays as it was.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming every problem.
    pub(crate) fn again(&mut self) -> Result<(Settings, Changes), ConfigError> {
        let settings = Settings::load(self.path.as_deref())?;
        let now = effective(self.path.as_deref())?;
        let changes = changes(&self.effective, &now);
        // What is not in force yet still differs from what runs.
        self.effective.retain(|setting| !is_live(&setting.key));
        self.effective.extend(now.into_iter().filter(|setting| is_live(&setting.key)));
        Ok((settings, changes))
    }
}

fn effective(path: Option<&Path>) -> Result<Vec<Effective>, ConfigError> {
    let Some(path) = path else { return daemon::effective("", Path::new("(no file)")) };
    let text = fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
    daemon::effective(&text, path)
}

fn is_live(key: &str) -> bool {
    LIVE.iter().any(|table| key.starts_with(table))
}

fn changes(before: &[Effective], now: &[Effective]) -> Changes {
    let find = |all: &[Effective], key: &str| {
        all.iter().find(|setting| setting.key == key).map(|setting| setting.value.clone())
    };
    let mut changes = Changes::default();
    for setting in now {
        if find(before, &setting.key).as_ref() != Some(&setting.value) {
            let line = format!("{} = {}", setting.key, setting.value);
            if is_live(&setting.key) { &mut changes.applied } else { &mut changes.later }
                .push(line);
        }
    }
    for setting in before.iter().filter(|setting| find(now, &setting.key).is_none()) {
        changes.later.push(format!("{} gone", setting.key));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_change_now_is_named_until_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h.toml");
        let room = "[[source]]\nkind = \"synthetic\"\n";
        fs::write(&path, room).unwrap();
        let mut configuration = Configuration::read(Some(&path)).unwrap();
        assert_eq!(configuration.again().unwrap().1.to_text(), "nothing has changed");

        let text = format!(
            "{room}seconds = 9.0\n[checkpoint]\nevery_s = 60.0\n[learn]\nalarms_per_day = 2.0\n"
        );
        fs::write(&path, text).unwrap();
        let (settings, changes) = configuration.again().unwrap();
        assert_eq!(settings.checkpoint.every_s, 60.0);
        assert_eq!(changes.applied, ["checkpoint.every_s = 60.0"]);
        assert_eq!(changes.later, ["learn.alarms_per_day = 2.0", "source[0].seconds = 9.0"]);

        let (_, changes) = configuration.again().unwrap();
        assert_eq!(changes.applied, Vec::<String>::new());
        assert_eq!(changes.later.len(), 2, "still not in force");
    }

    #[test]
    fn a_wrong_file_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h.toml");
        fs::write(&path, "").unwrap();
        let mut configuration = Configuration::read(Some(&path)).unwrap();
        fs::write(&path, "[checkpoint]\nevery_s = -1.0\n").unwrap();
        assert!(configuration.again().unwrap_err().to_string().contains("checkpoint.every_s"));
        fs::write(&path, "").unwrap();
        assert_eq!(configuration.again().unwrap().1, Changes::default());
    }
}
