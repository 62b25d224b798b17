//! The same checks as the user and in the sandbox of the service.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::anyhow;

use crate::cli::doctor;
use crate::cli::doctor::args::DoctorArgs;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::Failure;

/// The installed unit; a test run has its sandbox, but is no service that goes on.
const UNIT: &str = include_str!("../../../packaging/habituate.service");

/// What of `[Service]` makes no sense for a program that runs once: how it is started, told to go on,
/// watched and started again; and the folder that systemd would remove at the end of the run, under the
/// service that uses it.
const NOT_FOR_ONE_RUN: [&str; 12] = [
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

/// User, folders, limits and sandbox of the unit, as `Name=value`.
fn properties(unit: &str) -> impl Iterator<Item = &str> {
    let service = unit.lines().skip_while(|line| *line != "[Service]").skip(1);
    service.take_while(|line| !line.starts_with('[')).filter(|line| {
        line.split_once('=')
            .is_some_and(|(name, _)| !line.starts_with('#') && !NOT_FOR_ONE_RUN.contains(&name))
    })
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
    for property in properties(UNIT) {
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
        let (kept, left_out): (Vec<&str>, Vec<&str>) = service
            .lines()
            .filter(is_directive)
            .partition(|line| properties(UNIT).any(|property| property == *line));
        let mut names: Vec<&str> =
            left_out.iter().map(|line| line.split_once('=').unwrap().0).collect();
        names.sort_unstable();
        let mut exceptions = NOT_FOR_ONE_RUN;
        exceptions.sort_unstable();
        assert_eq!(names, exceptions);
        assert_eq!(kept, properties(UNIT).collect::<Vec<_>>());
        for property in ["DynamicUser=yes", "DeviceAllow=char-dma_heap rw", "ProtectSystem=strict"]
        {
            assert!(kept.contains(&property), "{property} is not handed on");
        }
    }

    #[test]
    fn relative_paths_are_made_absolute() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute(Path::new("a/h.toml")).unwrap(), here.join("a/h.toml"));
        assert_eq!(absolute(Path::new("/etc/h.toml")).unwrap(), Path::new("/etc/h.toml"));
    }
}
