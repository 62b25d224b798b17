//! The installed service, as systemd has it, and the daemon that answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use crate::base::duration;
use crate::emit::findings::Findings;
use crate::emit::status::Status;

const FIELDS: &str = "LoadState,UnitFileState,ActiveState,SubState,Result,NRestarts,ExecMainStatus";

pub(super) fn look(found: &mut Findings, running: Option<&Status>, root: &Path) {
    match running {
        Some(status) => found.ok(
            "daemon",
            format!(
                "version {} runs since {}",
                status.version,
                duration::in_words(status.uptime_s)
            ),
        ),
        None => found.ok("daemon", format!("none answers in {}", root.display())),
    }
    if let Some(fields) = systemd() {
        judge(found, &fields);
    }
}

/// What `systemctl show` says; nothing where there is no systemd or no unit.
pub(crate) fn systemd() -> Option<BTreeMap<String, String>> {
    let output = Command::new("systemctl")
        .args(["show", "habituate.service", "--property", FIELDS])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let fields: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    (fields.get("LoadState").map(String::as_str) == Some("loaded")).then_some(fields)
}

fn judge(found: &mut Findings, fields: &BTreeMap<String, String>) {
    let field = |key: &str| fields.get(key).map_or("", String::as_str);
    let (active, result) = (field("ActiveState"), field("Result"));
    let restarts: u32 = field("NRestarts").parse().unwrap_or(0);
    let line = format!("{active} ({}), {}", field("SubState"), field("UnitFileState"));
    let log = "journalctl -u habituate -n 50";
    let is_started_by_hand = matches!(field("UnitFileState"), "disabled" | "enabled-runtime");
    if active == "active" && is_started_by_hand {
        let found_so = format!("{line}: after the next power cut nothing starts it");
        found.warning("service", found_so, "sudo systemctl enable habituate");
    }
    match (active, result) {
        ("active", _) if 0 < restarts => {
            found.warning("service", format!("{line}, restarted {restarts} times"), log);
        }
        ("active", _) if is_started_by_hand => {}
        ("active", _) => found.ok("service", line),
        (_, "success") => {
            found.warning("service", line, "sudo systemctl enable --now habituate");
        }
        (_, result) => {
            let status = field("ExecMainStatus");
            let mend = match status {
                "78" => format!(
                    "habituate check /etc/habituate/habituate.toml; where that is well, no source can work as \
                     it is configured, or the state is of another encoder or a newer program: {log}"
                ),
                _ => format!("{log}; then sudo systemctl restart habituate"),
            };
            found.problem("service", format!("{line}, {result}, exit status {status}"), mend);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::findings::Verdict;

    fn judged(active: &str, result: &str, restarts: &str, status: &str) -> Findings {
        judged_as("enabled", active, result, restarts, status)
    }

    fn judged_as(
        unit_file: &str,
        active: &str,
        result: &str,
        restarts: &str,
        status: &str,
    ) -> Findings {
        let fields = [
            ("ActiveState", active),
            ("SubState", "x"),
            ("UnitFileState", unit_file),
            ("Result", result),
            ("NRestarts", restarts),
            ("ExecMainStatus", status),
        ];
        let fields = fields.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let mut found = Findings::default();
        judge(&mut found, &fields);
        found
    }

    #[test]
    fn a_service_that_failed_by_its_configuration_is_told_to_check_it() {
        let found = judged("failed", "exit-code", "0", "78");
        assert_eq!(found.findings[0].verdict, Verdict::Problem);
        assert!(found.findings[0].mend.starts_with("habituate check"), "{found:?}");
    }

    #[test]
    fn a_service_that_had_to_be_restarted_is_not_well() {
        assert_eq!(judged("active", "success", "0", "0").findings[0].verdict, Verdict::Ok);
        assert_eq!(judged("active", "success", "2", "0").findings[0].verdict, Verdict::Warning);
        let stopped = judged("inactive", "success", "0", "0");
        assert!(stopped.findings[0].mend.contains("enable --now"), "{stopped:?}");
    }

    #[test]
    fn a_service_that_nothing_starts_again_is_not_well() {
        for (state, restarts, warnings) in [
            ("enabled", "0", 0),
            ("static", "0", 0),
            ("enabled-runtime", "0", 1),
            ("disabled", "0", 1),
            ("disabled", "2", 2),
        ] {
            let found = judged_as(state, "active", "success", restarts, "0");
            assert_eq!(found.count(Verdict::Warning), warnings, "{found:?}");
            assert_eq!(found.count(Verdict::Ok), usize::from(warnings == 0), "{found:?}");
        }
        let forgotten = judged_as("disabled", "active", "success", "0", "0");
        assert_eq!(forgotten.findings[0].mend, "sudo systemctl enable habituate");
    }
}
