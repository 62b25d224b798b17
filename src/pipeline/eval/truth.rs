//! What was truly there: labels beside a recording.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

/// Share of a window, or of a foreign stretch, that the other must cover for the window to be
/// foreign. What is touched by less is neither.
const COVERED: f64 = 0.3;

/// A stretch that does not belong to the place.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    /// Seconds into the recording.
    pub start_s: f64,
    /// Seconds into the recording.
    pub end_s: f64,
    /// What it is; empty where the file does not say.
    pub kind: String,
}

/// What a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It belongs to the place.
    Usual,
    /// It is foreign: the number of the stretch.
    Foreign(usize),
    /// A little of a foreign stretch is in it: not counted.
    Neither,
}

/// Labels that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TruthError {
    /// The file cannot be read.
    #[error("cannot read labels from {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A line is not a stretch of time.
    #[error(
        "{path}, line {line}: {found:?} is no stretch; wanted are the columns start_s,end_s and \
         perhaps kind, seconds into the recording, the end after the start"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The line.
        found: String,
    },
}

/// Where the labels of `recording` lie: in `given`, a folder, under the recording's name; or
/// `given` itself, a file; or without either beside the recording. `None` where there are none.
pub fn beside(recording: &Path, given: Option<&Path>) -> Option<PathBuf> {
    let path = match given {
        Some(folder) if folder.is_dir() => {
            folder.join(recording.file_name()?).with_extension("csv")
        }
        Some(file) => file.to_path_buf(),
        None => recording.with_extension("csv"),
    };
    (given.is_some_and(|given| !given.is_dir()) || path.is_file()).then_some(path)
}

/// Reads a CSV file with a header; columns may stand in any order, others are passed over.
///
/// # Errors
///
/// [`TruthError`].
pub fn read(path: &Path) -> Result<Vec<Foreign>, TruthError> {
    let text = fs::read_to_string(path)
        .map_err(|error| TruthError::Unreadable { path: path.into(), error })?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let malformed = |line: usize, found: &str| TruthError::Malformed {
        path: path.into(),
        line: line + 1,
        found: found.into(),
    };
    let Some((number, header)) = lines.next() else { return Ok(Vec::new()) };
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    let column = |name: &str| names.iter().position(|&found| found == name);
    let (Some(start), Some(end)) = (column("start_s"), column("end_s")) else {
        return Err(malformed(number, header));
    };
    let kind = column("kind");
    lines
        .map(|(number, line)| {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            let seconds = |at: usize| cells.get(at).and_then(|cell| cell.parse::<f64>().ok());
            match (seconds(start), seconds(end)) {
                (Some(start_s), Some(end_s)) if start_s.is_finite() && start_s < end_s => {
                    let kind = kind.and_then(|at| cells.get(at)).copied().unwrap_or_default();
                    Ok(Foreign { start_s, end_s, kind: kind.into() })
                }
                _ => Err(malformed(number, line)),
            }
        })
        .collect()
}

/// What the window from `start_s` to `end_s` is.
pub fn of(start_s: f64, end_s: f64, foreign: &[Foreign]) -> Truth {
    let mut truth = Truth::Usual;
    for (number, one) in foreign.iter().enumerate() {
        let overlap_s = end_s.min(one.end_s) - start_s.max(one.start_s);
        if overlap_s <= 0.0 {
            continue;
        }
        if COVERED * (end_s - start_s).min(one.end_s - one.start_s) <= overlap_s {
            return Truth::Foreign(number);
        }
        truth = Truth::Neither;
    }
    truth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_in_any_order_are_read_and_wrong_lines_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        fs::write(&path, "kind,end_s,start_s\nbell, 3.5 ,2\n\n,9,8\n").unwrap();
        let found = read(&path).unwrap();
        assert_eq!(found[0], Foreign { start_s: 2.0, end_s: 3.5, kind: "bell".into() });
        assert_eq!(found[1].kind, "");
        for wrong in ["start_s,end_s\n3,2\n", "start_s,end_s\n3\n", "start,end\n1,2\n"] {
            fs::write(&path, wrong).unwrap();
            assert!(matches!(read(&path), Err(TruthError::Malformed { .. })), "{wrong:?}");
        }
        assert_eq!(beside(&dir.path().join("a.wav"), None), Some(path.clone()));
        assert_eq!(beside(&dir.path().join("b.wav"), None), None);
        assert_eq!(beside(Path::new("/x/a.wav"), Some(dir.path())), Some(path));
    }

    #[test]
    fn a_window_is_foreign_where_a_third_of_either_is_covered() {
        let one = |start_s, end_s| vec![Foreign { start_s, end_s, kind: String::new() }];
        assert_eq!(of(0.0, 1.0, &one(0.7, 5.0)), Truth::Foreign(0));
        assert_eq!(of(0.0, 1.0, &one(0.8, 5.0)), Truth::Neither);
        assert_eq!(of(0.0, 1.0, &one(0.4, 0.5)), Truth::Foreign(0));
        assert_eq!(of(0.0, 1.0, &one(1.0, 2.0)), Truth::Usual);
    }
}
