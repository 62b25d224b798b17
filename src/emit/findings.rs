//! What a look at a machine has found, one line a check: well or not, why, and what mends it.

use serde::Serialize;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but not as well as it could, or not for long.
    Warning,
    /// It does not work.
    Problem,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// A command or a setting that mends it; empty where nothing need be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mend: String,
}

/// All checks, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// The program's version.
    pub version: String,
    /// What the board calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// One entry a check.
    pub findings: Vec<Finding>,
}

impl Findings {
    /// All is well.
    pub fn ok(&mut self, check: &str, found: impl Into<String>) {
        self.push(check, Verdict::Ok, found.into(), String::new());
    }

    /// Something could be better. Whoever says so says what mends it: an empty `mend` is a bug of ours.
    pub fn warning(&mut self, check: &str, found: impl Into<String>, mend: impl Into<String>) {
        self.push(check, Verdict::Warning, found.into(), mend.into());
    }

    /// Something does not work; as [`Findings::warning`].
    pub fn problem(&mut self, check: &str, found: impl Into<String>, mend: impl Into<String>) {
        self.push(check, Verdict::Problem, found.into(), mend.into());
    }

    fn push(&mut self, check: &str, verdict: Verdict, found: String, mend: String) {
        let is_complete = verdict == Verdict::Ok || !mend.trim().is_empty();
        debug_assert!(is_complete, "{check}: {found}: and what mends it?");
        self.findings.push(Finding { check: check.into(), verdict, found, mend });
    }

    /// How many checks came out so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// Indented JSON with a final newline.
    pub fn to_json(&self) -> String {
        // Invariant: a struct of texts always serialises.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Lines for people.
    pub fn to_text(&self) -> String {
        let board = self.board.as_deref().map_or(String::new(), |name| format!(" on {name}"));
        let mut text = format!("habituate {}{board}\n\n", self.version);
        let width = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
        for finding in &self.findings {
            let verdict = match finding.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "WARNING",
                Verdict::Problem => "PROBLEM",
            };
            let found = finding.found.replace('\n', "; ");
            text += &format!("{verdict:<8} {:<width$}  {found}\n", finding.check);
            for line in finding.mend.lines() {
                text += &format!("{:<8} {:<width$}  -> {line}\n", "", "");
            }
        }
        text += &format!(
            "\n{} ok, {} warnings, {} problems\n",
            self.count(Verdict::Ok),
            self.count(Verdict::Warning),
            self.count(Verdict::Problem)
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Findings {
        let mut found = Findings { version: "1".into(), ..Findings::default() };
        found.ok("disk", "12 GB free");
        found.problem("clock", "not set", "timedatectl set-ntp true");
        found
    }

    #[test]
    fn what_is_wrong_is_followed_by_what_mends_it() {
        let text = sample().to_text();
        assert!(text.contains("ok       disk   12 GB free\n"), "{text}");
        assert!(text.contains("PROBLEM  clock  not set\n                -> timedatectl"), "{text}");
        assert!(text.ends_with("1 ok, 0 warnings, 1 problems\n"), "{text}");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "disk: full: and what mends it?")]
    fn no_complaint_goes_without_what_mends_it() {
        Findings::default().warning("disk", "full", " ");
    }

    #[test]
    fn json_has_no_empty_advice() {
        let json = sample().to_json();
        assert_eq!(json.matches("mend").count(), 1, "{json}");
        assert!(json.contains("\"verdict\": \"problem\""), "{json}");
    }
}
