//! Whether a running daemon does what it is configured to do, for health checks.

use crate::emit::status::SourceStatus;
use crate::emit::status::Status;

/// Why not, as one line that names each source that does not work; `None` where all is well. A source
/// that still learns what is usual works, and so does a recording that was read to its end.
pub fn complaint(status: &Status) -> Option<String> {
    if status.sources.is_empty() {
        return Some("no source has been started yet".into());
    }
    let idle: Vec<String> =
        status.sources.iter().filter(|source| !is_well(source)).map(named).collect();
    (!idle.is_empty()).then(|| idle.join("; "))
}

fn is_well(source: &SourceStatus) -> bool {
    matches!(source.state.as_str(), "running" | "ended") && source.unkept == 0
}

fn named(source: &SourceStatus) -> String {
    let SourceStatus { name, state, detail, .. } = source;
    let unkept = match source.unkept {
        0 => String::new(),
        _ => format!(", and nothing is kept: {}", source.unkept_reason),
    };
    if detail.is_empty() {
        format!("source {name} is {state}{unkept}")
    } else {
        format!("source {name} is {state}: {detail}{unkept}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, state: &str, detail: &str) -> SourceStatus {
        SourceStatus {
            name: name.into(),
            state: state.into(),
            detail: detail.into(),
            ..SourceStatus::default()
        }
    }

    #[test]
    fn each_source_that_does_not_work_is_named() {
        let complain =
            |sources| complaint(&Status { sources, ..Status::default() }).unwrap_or_default();
        assert_eq!(complain(vec![source("a", "running", ""), source("b", "ended", "")]), "");
        assert_eq!(
            complain(vec![
                source("mic", "waiting", "no such device"),
                source("a", "running", ""),
                source("door", "failed", ""),
                source("view", "opening", ""),
            ]),
            "source mic is waiting: no such device; source door is failed; source view is opening"
        );
        let unkept = SourceStatus {
            unkept: 2,
            unkept_reason: "disk full".into(),
            ..source("mic", "running", "")
        };
        assert_eq!(complain(vec![unkept]), "source mic is running, and nothing is kept: disk full");
        assert_eq!(complain(Vec::new()), "no source has been started yet");
    }
}
