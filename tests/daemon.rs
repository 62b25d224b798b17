//! The daemon, from outside: its status, its health, its end.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and waits for a real program"
)]

#[path = "common/place.rs"]
mod place;
#[path = "common/program_in.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod program_in;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use program_in::{PATIENCE, habituate, run, run_well, signal, wait};

fn start_daemon(dir: &Path) -> Child {
    let config = "state_dir = \"state\"\n\
         [[source]]\nkind = \"synthetic\"\nplace = \"room\"\nname = \"room\"\nseconds = 1e9\n\
         [[source]]\nkind = \"microphone\"\ndevice = \"no such device\"\nname = \"broken\"\n";
    fs::write(dir.join("daemon.toml"), config).unwrap();
    habituate(dir)
        .args(["run", "-c", "daemon.toml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_daemon_runs_tells_its_status_and_stops_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start_daemon(dir.path());
    let started = Instant::now();
    let status = loop {
        assert!(started.elapsed() < PATIENCE, "the daemon never learns");
        let output = run(dir.path(), &["status", "--state", "state", "--json"]);
        if output.status.success() {
            let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            if status["sources"][0]["updates"].as_u64() > Some(5)
                && status["sources"][1]["state"] == "waiting"
            {
                break status;
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status["sources"][0]["state"], "running", "{status}");
    let why = status["sources"][1]["detail"].as_str().unwrap();
    assert!(why.contains("no such device"), "a missing device is named: {why}");

    let ask = || run(dir.path(), &["status", "--state", "state", "--healthy"]);
    let (unwell, why) = (ask(), "habituate: source broken is waiting: ");
    assert_eq!(unwell.status.code(), Some(69), "{unwell:?}");
    let shown = String::from_utf8_lossy(&unwell.stderr);
    assert!(shown.starts_with(why) && shown.trim_end().lines().count() == 1, "{shown}");

    let second = run(dir.path(), &["run", "-c", "daemon.toml"]);
    assert_eq!(second.status.code(), Some(69), "one state directory, one daemon");

    let asked = Instant::now();
    signal(&child, "-TERM");
    let mut shown = String::new();
    child.stderr.take().unwrap().read_to_string(&mut shown).unwrap();
    let code = wait(child, "the daemon");
    assert!(code.success(), "{code}: {shown}");
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?} to stop", asked.elapsed());
    assert!(!shown.contains("panicked"), "{shown}");
    let text = run_well(dir.path(), &["status", "--state", "state"]);
    assert!(text.contains("no daemon runs") && text.contains("room: learnt with"), "{text}");
    let gone = ask();
    assert_eq!(gone.status.code(), Some(69), "{gone:?}");
    assert!(String::from_utf8_lossy(&gone.stderr).contains("no daemon answers"), "{gone:?}");
}

#[test]
fn a_daemon_whose_only_source_ends_stops_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 12, 30.0);
    let config = "state_dir = \"state\"\n[[source]]\nkind = \"recording\"\npaths = [\"room.wav\"]\n\
                  realtime = false\nname = \"file\"\n";
    fs::write(dir.path().join("c.toml"), config).unwrap();
    run_well(dir.path(), &["run", "-c", "c.toml", "--scores", "s.csv"]);
    let scores = fs::read_to_string(dir.path().join("s.csv")).unwrap();
    assert!(50 < scores.lines().skip(1).count());
    assert!(dir.path().join("state/file").exists());
}
