//! The real program, run in a folder that is its home.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Long enough for any of these on a busy machine; reached only when something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn habituate(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_habituate"));
    command.current_dir(dir).env("HOME", dir).env_remove("STATE_DIRECTORY").stdin(Stdio::null());
    command
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    habituate(dir).args(args).output().unwrap()
}

/// Standard output.
pub(crate) fn run_well(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {}\n{shown}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Waits, but not for ever; a child that hangs is killed and the test fails.
pub(crate) fn wait(mut child: Child, what: &str) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if PATIENCE < started.elapsed() {
            child.kill().unwrap();
            panic!("{what} hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
