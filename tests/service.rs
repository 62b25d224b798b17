//! The real program under a service manager that this test plays: readiness, watchdog, reload, stop.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and waits for a real program"
)]

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

/// Long enough on a busy machine; reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The daemon, and what it tells its service manager.
struct Service {
    child: Child,
    socket: UnixDatagram,
}

impl Service {
    fn start(dir: &Path, config: &str) -> Self {
        fs::write(dir.join("h.toml"), config).unwrap();
        let socket = UnixDatagram::bind(dir.join("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_habituate"))
            .args(["-v", "run", "-c", "h.toml", "--state", "state"])
            .current_dir(dir)
            .env("NOTIFY_SOCKET", dir.join("notify"))
            .env("WATCHDOG_USEC", "1000000")
            .env_remove("WATCHDOG_PID")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.join("log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, socket }
    }

    /// All that is told until something has `word` in it.
    fn until(&mut self, word: &str) -> String {
        let started = Instant::now();
        let mut told = String::new();
        let mut buffer = [0; 4_096];
        while started.elapsed() < PATIENCE {
            if let Ok(length) = self.socket.recv(&mut buffer) {
                told += &String::from_utf8_lossy(&buffer[..length]);
                if told.contains(word) {
                    return told;
                }
            }
        }
        panic!("never told {word:?}, but:\n{told}");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Gone already where the test went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const ROOM: &str = "[[source]]\nkind = \"synthetic\"\nname = \"room\"\nseconds = 1e6\n";

#[test]
fn it_is_ready_works_reloads_and_stops_and_says_each() {
    let dir = tempfile::tempdir().unwrap();
    let mut service = Service::start(dir.path(), ROOM);
    let told = service.until("READY=1");
    assert!(told.contains("WATCHDOG_USEC=90000000"), "a second is too impatient: {told}");
    let told = service.until("WATCHDOG=1\n");
    assert!(told.contains("STATUS=room: "), "{told}");
    let healthy = Command::new(env!("CARGO_BIN_EXE_habituate"))
        .args(["status", "--state", "state", "--healthy"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let line = String::from_utf8_lossy(&healthy.stdout);
    assert!(healthy.status.success() && line.starts_with("room: "), "{healthy:?}");

    let config = format!("{ROOM}[checkpoint]\nevery_s = 9.0\n[learn]\nwidth = 32\n");
    fs::write(dir.path().join("h.toml"), config).unwrap();
    service.signal("-HUP");
    service.until("RELOADING=1\nMONOTONIC_USEC=");
    let told = service.until("in force now: checkpoint.every_s = 9.0");
    assert!(told.contains("READY=1"), "{told}");
    assert!(told.contains("after the next start: learn.width = 32"), "{told}");

    fs::write(dir.path().join("h.toml"), "nonsense = 1\n").unwrap();
    service.signal("-HUP");
    service.until("everything stays as it was");

    service.signal("-TERM");
    service.until("STOPPING=1");
    assert!(service.child.wait().unwrap().success());
}

#[test]
fn a_program_that_stands_still_does_not_feed_the_watchdog() {
    let dir = tempfile::tempdir().unwrap();
    // Silence on a pipe: open, no error, and nothing to learn from.
    let config = "[[source]]\nkind = \"command\"\nname = \"pipe\"\nformat = \"s16le\"\n\
                  command = [\"sleep\", \"600\"]\nstall_s = 600.0\n";
    let mut service = Service::start(dir.path(), config);
    service.until("READY=1");
    // The next look finds the pipe open, which is a step; from then on there is none.
    let mut told = String::new();
    for _ in 0..4 {
        told += &service.until("STATUS=pipe: ");
    }
    let told: String = told.split_inclusive("STATUS=").skip(2).collect();
    assert!(!told.contains("WATCHDOG=1\n"), "{told}");
}

#[test]
fn a_log_that_goes_to_the_journal_has_its_levels_in_front() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let log = fs::File::create(dir.path().join("log")).unwrap();
    let facts = log.metadata().unwrap();
    fs::write(dir.path().join("h.toml"), "[[source]]\nkind = \"camera\"\ndevice = \"none\"\n")
        .unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_habituate"))
        .args(["-v", "run", "-c", "h.toml", "--state", "state", "--seconds", "1"])
        .current_dir(dir.path())
        .env("JOURNAL_STREAM", format!("{}:{}", facts.dev(), facts.ino()))
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stderr(log)
        .status()
        .unwrap();
    assert!(status.success());
    let text = fs::read_to_string(dir.path().join("log")).unwrap();
    let line = text.lines().find(|line| line.contains("no camera called")).unwrap();
    assert!(line.starts_with("<4>source "), "{line}");
}

#[test]
fn an_error_that_ends_it_in_the_journal_is_one_in_every_line() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("h.toml"), "nonsense = 1\n").unwrap();
    for (args, code) in [(&["run", "-c", "h.toml"][..], 78), (&["run", "--nonsense"], 64)] {
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let facts = log.metadata().unwrap();
        let status = Command::new(env!("CARGO_BIN_EXE_habituate"))
            .args(args)
            .current_dir(dir.path())
            .env("JOURNAL_STREAM", format!("{}:{}", facts.dev(), facts.ino()))
            .stdin(Stdio::null())
            .stderr(log)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code));
        let text = fs::read_to_string(dir.path().join("log")).unwrap();
        assert!(text.contains("nonsense"), "{text}");
        assert!(text.lines().all(|line| line.starts_with("<3>")), "{text}");
    }
}
