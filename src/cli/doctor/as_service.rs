//! The same checks as the user and in the sandbox of the service.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use anyhow::anyhow;

use crate::cli::doctor;
use crate::cli::doctor::args::DoctorArgs;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::Failure;

/// The unit as it is packaged, for where systemd has none; a test run has its sandbox, but is no service that
/// goes on.
const UNIT: &str = include_str!("../../../packaging/habituate.service");

/// What of `[Service]` makes no sense for a program that runs once: how it is started, told to go on,
/// watched and started again; and the folder that systemd would remove at the end of the run, under the
/// service that uses it; and where its words go. What begins so.
const NOT_FOR_ONE_RUN: [&str; 14] = [
    "Type",
    "NotifyAccess",
    "Exec",
    "WatchdogS",
    "Restart",
    "SuccessExitStatus",
    "Timeout",
    "RuntimeDirectory",
    "PIDFile",
    "BusName",
    "RemainAfterExit",
    "GuessMainPID",
    "FileDescriptorStore",
    "Standard",
];

/// User, folders, limits and sandbox of the unit, as `Name=value`: of all its `[Service]` sections in turn, so that
/// a later line sets again, or adds to, an earlier one, as systemd reads a unit with its drop-ins.
fn properties(unit: &str) -> Vec<String> {
    let mut in_service = false;
    let mut properties = Vec::new();
    // A line that ends in a backslash goes on in the next one.
    let unit = unit.replace("\\\n", " ");
    for line in unit.lines().map(str::trim) {
        if line.starts_with('[') {
            in_service = line == "[Service]";
        }
        let is_comment = line.starts_with('#') || line.starts_with(';');
        if let Some((name, value)) = line.split_once('=')
            && in_service
            && !is_comment
        {
            let name = name.trim_end();
            if !NOT_FOR_ONE_RUN.iter().any(|prefix| name.starts_with(prefix)) {
                properties.push(format!("{name}={}", value.trim_start()));
            }
        }
    }
    properties
}

/// The installed unit and its drop-ins, as systemd would read them now; where it has none, the packaged one.
fn unit() -> String {
    let output = Command::new("systemctl")
        .args(["cat", "--no-pager", "habituate.service"])
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into(),
        _ => UNIT.into(),
    }
}

/// systemd starts the program in `/`, where a relative path would mean something else.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        let what = anyhow!("in which folder is {}? {error}", path.display());
        Failure::new(EXIT_UNAVAILABLE, what)
    })
}

pub(super) fn main(args: &DoctorArgs) -> Result<(), Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(EXIT_UNAVAILABLE, anyhow!("which program am I? {error}")))?;
    let mut command = Command::new("systemd-run");
    command.args(["--quiet", "--pipe", "--wait", "--collect", "--service-type=exec"]);
    for property in properties(&unit()) {
        command.arg("--property").arg(property);
    }
    command.arg("--").arg(program).arg("doctor");
    if let Some(config) = doctor::configuration(args.config.as_deref()) {
        command.arg("--config").arg(absolute(&config)?);
    }
    if let Some(state) = &args.state {
        command.arg("--state").arg(absolute(state)?);
    }
    command.args(args.json.then_some("--json"));
    command.args(args.quick.then_some("--quick"));
    // Only comes back when it did not start.
    let error = command.exec();
    Err(Failure::new(
        EXIT_UNAVAILABLE,
        anyhow!(
            "cannot start systemd-run ({error}); --as-service needs systemd, and root: use sudo"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sandbox_is_that_of_the_unit_but_for_the_named_exceptions() {
        let (_, service) = UNIT.split_once("[Service]\n").unwrap();
        let (service, _) = service.split_once("\n[").unwrap();
        let is_directive = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let kept = properties(UNIT);
        let left_out: Vec<&str> = service
            .lines()
            .filter(is_directive)
            .filter(|line| !kept.iter().any(|property| property == line))
            .map(|line| line.split_once('=').unwrap().0)
            .collect();
        let expected = [
            "Type",
            "NotifyAccess",
            "ExecStart",
            "ExecReload",
            "WatchdogSec",
            "Restart",
            "RestartSec",
            "RestartPreventExitStatus",
            "TimeoutStartSec",
            "TimeoutStopSec",
            "RuntimeDirectory",
            "RuntimeDirectoryMode",
        ];
        assert_eq!(left_out, expected);
        for property in ["DynamicUser=yes", "DeviceAllow=char-dma_heap rw", "ProtectSystem=strict"]
        {
            assert!(kept.iter().any(|kept| kept == property), "{property} is not handed on");
        }
    }

    /// As `systemctl cat` prints a unit and its drop-ins.
    #[test]
    fn drop_ins_add_to_the_unit_and_set_again() {
        let unit = "# /lib/systemd/system/habituate.service\n[Unit]\nDescription=x\n\n[Service]\nType=notify\n\
                    MemoryMax=384M\nDeviceAllow=char-alsa rw\n[Install]\nWantedBy=multi-user.target\n\n\
                    # /etc/systemd/system/habituate.service.d/override.conf\n[Service]\n; more room\n\
                    MemoryMax = 512M\nDeviceAllow=\nSupplementaryGroups=audio \\\n  plugdev\nExecStartPre=/bin/true\n\
                    [Unit]\nAfter=x.target\n";
        let expected = [
            "MemoryMax=384M",
            "DeviceAllow=char-alsa rw",
            "MemoryMax=512M",
            "DeviceAllow=",
            "SupplementaryGroups=audio    plugdev",
        ];
        assert_eq!(properties(unit), expected);
    }

    #[test]
    fn relative_paths_are_made_absolute() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute(Path::new("a/h.toml")).unwrap(), here.join("a/h.toml"));
        assert_eq!(absolute(Path::new("/etc/h.toml")).unwrap(), Path::new("/etc/h.toml"));
    }
}
