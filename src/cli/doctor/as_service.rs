//! The same checks as the user and in the sandbox of the service.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::anyhow;

use crate::cli::doctor;
use crate::cli::doctor::args::DoctorArgs;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::Failure;

/// As in `packaging/habituate.service`; a test compares.
pub(super) const PROPERTIES: [&str; 11] = [
    "DynamicUser=yes",
    "User=habituate",
    "StateDirectory=habituate",
    "SupplementaryGroups=audio video",
    "DevicePolicy=closed",
    "DeviceAllow=char-alsa rw",
    "DeviceAllow=char-video4linux rw",
    "DeviceAllow=char-media rw",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
];

pub(super) fn main(args: &DoctorArgs) -> Result<(), Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(EXIT_UNAVAILABLE, anyhow!("which program am I? {error}")))?;
    let mut command = Command::new("systemd-run");
    command.args(["--quiet", "--pipe", "--wait", "--collect", "--service-type=exec"]);
    for property in PROPERTIES {
        command.arg("--property").arg(property);
    }
    command.arg("--").arg(program).arg("doctor");
    if let Some(config) = doctor::configuration(args.config.as_deref()) {
        command.arg("--config").arg(config);
    }
    if let Some(state) = &args.state {
        command.arg("--state").arg(state);
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
    fn the_sandbox_is_that_of_the_unit() {
        let unit = include_str!("../../../packaging/habituate.service");
        for property in PROPERTIES {
            assert!(unit.lines().any(|line| line == property), "{property} is not in the unit");
        }
    }
}
