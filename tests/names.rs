//! Names and search through the real program: teach, name, forget, find; with a daemon and without.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and waits for a real program"
)]

#[path = "common/media.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod media;
#[path = "common/place.rs"]
mod place;
#[path = "common/program_in.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod program_in;

use std::fs;
use std::io::Read;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program_in::{PATIENCE, habituate, run, run_well};

fn json(dir: &Path, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&run_well(dir, &[args, &["--json"]].concat())).unwrap()
}

/// One second of a tone of two partials with a little noise; `number` makes each another one.
fn tone(path: &Path, hz: f64, number: u64) {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let values: Vec<i16> = (0..16_000_u32)
        .map(|i| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let noise = (state >> 40) as f64 / f64::from(1 << 24) - 0.5;
            let phase = f64::from(i) / 16_000.0 * hz * (1.0 + 0.01 * (number % 4) as f64);
            let wave = (std::f64::consts::TAU * phase).sin()
                + 0.5 * (2.0 * std::f64::consts::TAU * phase).sin();
            #[expect(clippy::cast_possible_truncation, reason = "well within 16 bits")]
            let value = (6_000.0 * wave + 1_500.0 * noise) as i16;
            value
        })
        .collect();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, media::wav(16_000, 1, &values)).unwrap();
}

/// Four examples each of a low and a high tone below `examples`, and further ones beside.
fn tones(dir: &Path) {
    for (name, hz) in [("low", 300.0), ("high", 2_500.0)] {
        for number in 0..4 {
            tone(&dir.join(format!("examples/{name}/{number}.wav")), hz, number);
        }
        tone(&dir.join(format!("new_{name}.wav")), 1.01 * hz, 4);
    }
    tone(&dir.join("other.wav"), 900.0, 9);
}

/// A state that has learnt a room for two minutes.
fn learnt(dir: &Path) {
    place::write_room(&dir.join("room.wav"), 21, 120.0);
    run_well(dir, &["replay", "room.wav", "--state", "s"]);
}

/// Names in the scores file, and how many windows each.
fn named(path: &Path) -> Vec<(String, f64)> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(header[9..12], ["name", "confidence", "lived_s"], "further columns at the end");
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[9].to_owned(), cells[10].parse().unwrap_or(f64::NAN))
        })
        .collect()
}

#[test]
fn what_was_taught_is_named_and_the_rest_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    learnt(dir.path());
    tones(dir.path());
    let shown = run_well(dir.path(), &["teach", "--folders", "examples", "--state", "s"]);
    assert!(shown.contains("2 names") && shown.contains("low: 4 examples"), "{shown}");

    for name in ["low", "high"] {
        let file = format!("new_{name}.wav");
        let found = json(dir.path(), &["search", &file, "--state", "s"]);
        assert_eq!(found["name"], name, "{found}");
        assert!(0.5 < found["confidence"].as_f64().unwrap(), "{found}");
        assert!(!found["moments"].as_array().unwrap().is_empty());
    }
    let found = json(dir.path(), &["search", "other.wav", "--state", "s"]);
    assert_eq!(found["name"], "unknown", "{found}");

    // In scores, beside all that was there before.
    let inputs = ["new_low.wav", "room.wav", "new_high.wav"];
    let args =
        [&["replay"], &inputs[..], &["--state", "s", "--scores", "s.csv", "--seed", "1"]].concat();
    run_well(dir.path(), &args);
    let names = named(&dir.path().join("s.csv"));
    assert_eq!(names[0].0, "low");
    assert_eq!(names.last().unwrap().0, "high");
    assert!(names[0].1 <= 1.0 && 0.5 < names[0].1, "{:?}", names[0]);
    let room = &names[4..names.len() - 4];
    let unknown = room.iter().filter(|(name, _)| name == "unknown").count();
    assert!(0.9 * room.len() as f64 <= unknown as f64, "{unknown} of {} unknown", room.len());
    assert!(room.iter().all(|(name, sure)| name != "unknown" || sure.is_nan()));

    // What is known of a taught name: its examples are found by it.
    let found = json(dir.path(), &["search", "--name", "low", "--nearest", "1", "--state", "s"]);
    let at_s = found["moments"][0]["at_s"].as_f64().unwrap();
    assert!((120.0..121.5).contains(&at_s), "the tone came first in the second run: {found}");
}

#[test]
fn naming_changes_nothing_that_is_learnt() {
    let dir = tempfile::tempdir().unwrap();
    learnt(dir.path());
    tones(dir.path());
    run_well(dir.path(), &["replay", "room.wav", "--state", "s", "--scores", "without.csv"]);
    fs::remove_dir_all(dir.path().join("s")).unwrap();
    learnt(dir.path());
    run_well(dir.path(), &["teach", "--folders", "examples", "--state", "s"]);
    run_well(dir.path(), &["replay", "room.wav", "--state", "s", "--scores", "with.csv"]);
    let scores = |name: &str| -> Vec<Vec<String>> {
        let text = fs::read_to_string(dir.path().join(name)).unwrap();
        text.lines().map(|line| line.split(',').take(9).map(Into::into).collect()).collect()
    };
    assert!(scores("without.csv") == scores("with.csv"));
}

#[test]
fn a_moment_can_be_named_found_renamed_forgotten_and_brought_back() {
    let dir = tempfile::tempdir().unwrap();
    learnt(dir.path());
    let names = || json(dir.path(), &["names", "list", "--state", "s"])["names"].clone();
    assert_eq!(names()["classes"], serde_json::json!([]));

    let taught = run_well(dir.path(), &["teach", "hum", "--at", "100", "--state", "s"]);
    assert!(taught.contains("taught from the moment at ") && taught.contains("hum: 1 example"));
    run_well(dir.path(), &["teach", "hum", "--at", "-30", "--state", "s"]);
    assert_eq!(names()["classes"], serde_json::json!([{"name": "hum", "examples": 2}]));

    let like = json(dir.path(), &["search", "--at", "100", "--nearest", "3", "--state", "s"]);
    let at_s = like["at_s"].as_f64().unwrap();
    assert!((at_s - 100.0).abs() <= 1.0, "{like}");
    let moments = like["moments"].as_array().unwrap();
    assert_eq!(moments.len(), 3);
    assert!(moments.iter().all(|m| 5.0 <= (m["at_s"].as_f64().unwrap() - at_s).abs()), "{like}");
    let distances: Vec<f64> = moments.iter().map(|m| m["distance"].as_f64().unwrap()).collect();
    assert!(distances.is_sorted(), "{like}");

    run_well(dir.path(), &["names", "rename", "hum", "fridge", "--state", "s"]);
    assert_eq!(names()["classes"][0]["name"], "fridge");
    run_well(dir.path(), &["names", "undo", "--state", "s"]);
    assert_eq!(names()["classes"][0]["name"], "hum");
    run_well(dir.path(), &["names", "forget", "hum", "--state", "s"]);
    assert_eq!(names()["classes"], serde_json::json!([]));
    run_well(dir.path(), &["names", "undo", "--state", "s"]);
    assert_eq!(names()["classes"], serde_json::json!([{"name": "hum", "examples": 2}]));
}

#[test]
fn equal_teaching_gives_equal_bytes_and_resuming_changes_no_name() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("a.wav"), 3, 60.0);
    place::write_room(&dir.path().join("b.wav"), 4, 60.0);
    tones(dir.path());
    let mut seen = Vec::new();
    for state in ["whole", "parts"] {
        run_well(dir.path(), &["replay", "a.wav", "--state", state]);
        run_well(dir.path(), &["teach", "--folders", "examples", "--state", state]);
        let scores = format!("{state}.csv");
        if state == "whole" {
            run_well(
                dir.path(),
                &["replay", "b.wav", "new_low.wav", "--state", state, "--scores", &scores],
            );
        } else {
            run_well(dir.path(), &["replay", "b.wav", "--state", state]);
            run_well(dir.path(), &["replay", "new_low.wav", "--state", state, "--scores", &scores]);
        }
        let status = json(dir.path(), &["status", "--state", state]);
        let names = named(&dir.path().join(scores));
        let last: Vec<u64> = names.iter().rev().take(1).map(|(_, sure)| sure.to_bits()).collect();
        assert_eq!(names.last().unwrap().0, "low");
        seen.push((status["sources"][0]["checkpoint_sha256"].clone(), last));
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn what_cannot_be_done_is_said_with_its_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("empty/inner")).unwrap();
    learnt(dir.path());
    tones(dir.path());
    run_well(dir.path(), &["teach", "hum", "--at", "100", "--state", "s"]);
    fs::write(dir.path().join("text.wav"), "this is no sound").unwrap();
    let s = ["--state", "s"];
    for (code, expected, args) in [
        (64, "required", vec!["teach"]),
        (64, "give examples", vec!["teach", "x"]),
        (64, "cannot be used with", vec!["teach", "x", "new_low.wav", "--at", "3"]),
        (64, "is no time", vec!["teach", "x", "--at", "noon"]),
        (64, "needs a running daemon", vec!["teach", "x", "--at", "2026-05-01T14:03:00Z"]),
        (64, "cannot be a name", vec!["teach", "unknown", "new_low.wav"]),
        (64, "cannot be a name", vec!["teach", "", "--at", "100"]),
        (64, "search for what", vec!["search"]),
        (64, "--nearest 0", vec!["search", "--at", "100", "--nearest", "0"]),
        (66, "missing.wav", vec!["teach", "x", "missing.wav"]),
        (66, "text.wav", vec!["teach", "x", "text.wav"]),
        (66, "hold no files", vec!["teach", "x", "empty"]),
        (66, "one for each name", vec!["teach", "--folders", "empty/inner"]),
        (66, "memory reaches from", vec!["teach", "x", "--at", "100000"]),
        (66, "the names are hum", vec!["names", "forget", "pump"]),
        (66, "the names are hum", vec!["search", "--name", "pump"]),
        (66, "no source \"y\"; there is replay", vec!["names", "list", "--source", "y"]),
        (78, "--encoder MANIFEST.toml", vec!["search", "new_low.wav", "--encoder", "yamnett"]),
        (78, "was learnt with encoder", vec!["names", "list", "--encoder", "picture-patches"]),
    ] {
        let args = [&args[..], &s].concat();
        let output = run(dir.path(), &args);
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {shown}");
        assert!(shown.contains(expected), "{args:?}: {shown}");
        assert!(!shown.contains("panicked"), "{args:?}: {shown}");
    }
    for (code, expected, args) in [
        (66, "there is no state directory", ["names", "list", "--state", "nowhere"]),
        (66, "nothing was learnt", ["names", "undo", "--state", "empty"]),
    ] {
        let output = run(dir.path(), &args);
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {shown}");
        assert!(shown.contains(expected), "{args:?}: {shown}");
    }
    let names = json(dir.path(), &["names", "list", "--state", "s"]);
    assert_eq!(names["names"]["classes"][0]["examples"], 1, "nothing of all that changed a name");
}

/// A running daemon; killed when a test gives up.
struct Daemon(Option<Child>);

impl Daemon {
    fn start(dir: &Path) -> Self {
        let child = habituate(dir)
            .args(["run", "-c", "daemon.toml"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(Some(child))
    }

    fn stop(mut self) {
        let mut child = self.0.take().unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let started = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < PATIENCE, "the daemon does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_running_daemon_is_taught_over_its_socket_and_keeps_what_it_was_taught() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 21, 120.0);
    run_well(dir.path(), &["replay", "room.wav", "--state", "s", "--source", "mic"]);
    tones(dir.path());
    let config = "state_dir = \"s\"\n[[source]]\nname = \"mic\"\nkind = \"recording\"\n\
                  paths = [\"room.wav\"]\nrealtime = true\n\
                  [[source]]\nname = \"view\"\nkind = \"synthetic\"\nplace = \"view\"\nseconds = 1e9\n";
    fs::write(dir.path().join("daemon.toml"), config).unwrap();
    let daemon = Daemon::start(dir.path());
    let asks = ["--source", "mic", "--state", "s"];
    let ask = |args: &[&str]| json(dir.path(), &[args, &asks].concat());
    until("the daemon", || dir.path().join("s/control.sock").exists());

    let ambiguous = run(dir.path(), &["names", "list", "--state", "s"]);
    assert_eq!(ambiguous.status.code(), Some(64));
    let taught = ask(&["teach", "--folders", "examples"]);
    assert_eq!(taught["names"]["classes"][1]["name"], "low", "{taught}");
    assert_eq!(ask(&["search", "new_high.wav"])["name"], "high");
    let at = ask(&["teach", "hum", "--at", "100"]);
    assert!((at["at_s"].as_f64().unwrap() - 100.0).abs() <= 1.0, "{at}");
    let now = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(3);
    let found = ask(&["search", "--at", &now.to_string(), "--nearest", "2"]);
    assert!(115.0 < found["at_s"].as_f64().unwrap(), "three seconds ago: {found}");
    assert_eq!(found["moments"].as_array().unwrap().len(), 2);

    // Refused as a whole: the second file is none, and nothing was taught from the first.
    let wrong = [&["teach", "bell", "new_low.wav", "room.wav.missing"], &asks[..]].concat();
    assert_eq!(run(dir.path(), &wrong).status.code(), Some(66));
    let picture = [&["search", "new_low.wav"][..], &["--source", "view", "--state", "s"]].concat();
    let refused = run(dir.path(), &picture);
    assert_ne!(refused.status.code(), Some(0), "sound asked of a camera");
    assert_eq!(ask(&["names", "list"])["names"]["classes"].as_array().unwrap().len(), 3);

    // The status says what it hears, and so do the scores.
    until("a name in the status", || {
        let status = json(dir.path(), &["status", "--state", "s"]);
        status["sources"][0]["is_called"].is_string()
    });
    let text = run_well(dir.path(), &["status", "--state", "s"]);
    assert!(text.contains("names          high, low, hum; now "), "{text}");

    // Plain HTTP, as any program may speak it.
    let http = |request: &str| {
        let mut stream = UnixStream::connect(dir.path().join("s/control.sock")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    };
    let metrics = http("GET /metrics HTTP/1.1\r\n\r\n");
    assert!(metrics.contains("Content-Type: text/plain; version=0.0.4"), "{metrics}");
    assert!(metrics.contains("_state{source=\"mic\",state=\"running\"} 1\n"), "{metrics}");
    let body = r#"{"source":"mic","name":"hum"}"#;
    let head = format!("POST /names/forget HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
    let reply = http(&(head + body));
    assert!(reply.starts_with("HTTP/1.1 200 OK") && !reply.contains("\"hum\""), "{reply}");
    ask(&["names", "undo"]);
    daemon.stop();

    let kept = ask(&["names", "list"]);
    let classes = kept["names"]["classes"].as_array().unwrap().len();
    assert_eq!(classes, 3, "all three names outlive the daemon: {kept}");
    assert_eq!(ask(&["search", "new_low.wav"])["name"], "low");
}

#[test]
fn a_word_about_a_moment_is_taken_and_what_was_learnt_can_be_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    learnt(dir.path());
    let seen = json(dir.path(), &["state", "inspect", "--state", "s"]);
    let learnt = &seen["learnt"];
    assert!(0 < learnt["recent"].as_u64().unwrap(), "{seen}");
    assert_eq!(learnt["strangers"].as_array().unwrap().len(), 0, "{seen}");
    let shown = run_well(dir.path(), &["state", "inspect", "--state", "s"]);
    assert!(shown.contains("memory") && shown.contains("threshold"), "{shown}");

    let marked = json(dir.path(), &["unusual", "--at", "-3", "--state", "s"]);
    assert_eq!(marked["marked"]["stranger"]["standing"], "never", "{marked}");
    let no = serde_json::Value::Bool(false);
    assert_eq!((&marked["marked"]["said_before"], &marked["marked"]["had_alarm"]), (&no, &no));
    let again = run_well(dir.path(), &["unusual", "--at", "-3", "--state", "s"]);
    assert!(again.starts_with("as was said before, never to be learnt"), "{again}");
    let marked = json(dir.path(), &["normal", "--at", "-3", "--state", "s"]);
    assert_eq!(marked["marked"]["stranger"]["standing"], "normal", "{marked}");
    let seen = json(dir.path(), &["state", "inspect", "--state", "s"]);
    assert_eq!(seen["learnt"]["strangers"][0]["standing"], "normal", "kept on disk: {seen}");

    let output = run(dir.path(), &["normal", "--at", "1e7", "--state", "s"]);
    assert_eq!(output.status.code(), Some(66), "{output:?}");
    let output = run(dir.path(), &["state", "rollback", "--state", "s"]);
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    // Commits come every few seconds at first, and the first champion that gives way is kept.
    assert!(output.status.success() || shown.contains("no earlier champion"), "{shown}");
}
