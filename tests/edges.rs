//! The program where it is used wrongly, or the machine fails it: nothing is destroyed, nothing hangs,
//! and it says why.

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
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use habituate::store::state_dir::StateDir;
use program_in::{PATIENCE, habituate, signal};

/// Runs it, and checks how it ends and that its words have all of `expected`.
fn ends(dir: &Path, args: &[&str], code: i32, expected: &[&str]) -> Output {
    let output = habituate(dir).args(args).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}: {shown}", output.status);
    for words in expected {
        assert!(shown.contains(words), "{args:?}: {words:?} missing in: {shown}");
    }
    output
}

/// A folder with a short recording of the room.
fn with_room(seconds: f64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 1, seconds);
    dir
}

#[test]
fn no_output_destroys_an_input_or_another_output() {
    let dir = with_room(5.0);
    let root = dir.path();
    fs::create_dir(root.join("clips")).unwrap();
    fs::copy(root.join("room.wav"), root.join("clips/a.wav")).unwrap();
    let before = fs::read(root.join("room.wav")).unwrap();
    for (args, expected) in [
        (&["replay", "room.wav", "--scores", "room.wav"][..], ["--scores", "room.wav"]),
        (&["replay", "room.wav", "--report", "./room.wav"], ["--report", "room.wav"]),
        (&["replay", "clips", "--report", "clips/a.wav"], ["--report", "clips"]),
        (&["replay", "clips", "--plot", "clips/a.wav"], ["--plot", "ends in .svg"]),
        (&["demo", "--plot", "x.png"], ["--plot", "ends in .svg"]),
        (
            &["replay", "clips", "--beside", "room.wav", "--scores", "room.wav"],
            ["--scores", "--beside"],
        ),
        (&["replay", "room.wav", "--scores", "x.svg", "--plot", "x.svg"], ["--scores", "--plot"]),
        (&["replay", "room.wav", "--scores", "x", "--report", "x"], ["--scores", "--report"]),
        (&["embed", "room.wav", "--out", "room.wav"], ["--out", "room.wav"]),
        (&["embed", "room.wav", "--out", "e.csv"], ["--out", "--index"]),
    ] {
        ends(root, args, 64, &expected);
    }
    assert!(before == fs::read(root.join("room.wav")).unwrap(), "untouched");
    assert!(before == fs::read(root.join("clips/a.wav")).unwrap(), "untouched");
    assert!(!root.join("x").exists() && !root.join("e.csv").exists(), "nothing was opened");
}

#[test]
fn an_output_that_cannot_be_made_is_told_before_the_work() {
    let dir = with_room(5.0);
    let root = dir.path();
    for option in ["--report", "--plot"] {
        let args = ["replay", "room.wav", "--scores", "s.csv", option, "nowhere/x.svg"];
        ends(root, &args, 74, &["cannot write nowhere/x.svg"]);
        let scores = fs::read_to_string(root.join("s.csv")).unwrap();
        assert!(scores.lines().count() <= 1, "no window was scored: {scores}");
    }
    let args = ["embed", "room.wav", "--out", "e.npy", "--index", "nowhere/x"];
    ends(root, &args, 74, &["cannot write nowhere/x"]);
}

#[test]
fn a_pipe_is_no_recording_and_nobody_waits_for_it() {
    let dir = with_room(5.0);
    let root = dir.path();
    fs::create_dir(root.join("clips")).unwrap();
    for pipe in ["pipe.wav", "clips/b.wav"] {
        assert!(Command::new("mkfifo").arg(root.join(pipe)).status().unwrap().success());
    }
    let words = ["pipe.wav", "not a file", "kind \"command\""];
    ends(root, &["replay", "pipe.wav"], 66, &words);
    ends(root, &["embed", "room.wav", "pipe.wav", "--out", "e.npy"], 66, &words);
    ends(root, &["replay", "clips"], 66, &["holds no recording", "1 other files"]);
    fs::copy(root.join("room.wav"), root.join("clips/a.wav")).unwrap();
    ends(root, &["replay", "clips"], 0, &[]);
}

#[test]
fn a_source_is_called_by_a_name_that_stays_in_the_state_directory() {
    let dir = with_room(5.0);
    for name in ["", "../../x", "a/b", "lock"] {
        let words = ["--source", "state directory"];
        let words = if name == "lock" { &words[..] } else { &words[..1] };
        ends(dir.path(), &["replay", "room.wav", "--state", "s", "--source", name], 64, words);
        let args = ["embed", "room.wav", "--out", "e.npy", "--space", "adapted", "--state", "s"];
        ends(dir.path(), &[&args[..], &["--source", name]].concat(), 64, words);
    }
    assert!(!dir.path().join("s").exists());
    fs::write(dir.path().join("c.toml"), "[[source]]\nkind = \"camera\"\nname = \"lock\"\n")
        .unwrap();
    ends(dir.path(), &["check", "c.toml"], 78, &["source[0].name", "lock"]);
}

#[test]
fn a_reader_that_has_gone_is_no_error_and_a_full_disk_is() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["check"][..], &["models", "list"], &["--help"], &["check", "--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = habituate(dir.path()).args(args).stdout(writer).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && shown.is_empty(),
            "{args:?}: {}: {shown}",
            output.status
        );

        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = habituate(dir.path()).args(args).stdout(full).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(74), "{args:?}: {shown}");
        assert!(shown.contains("cannot write to standard output"), "{args:?}: {shown}");
    }
}

#[test]
fn arguments_that_cannot_be_are_refused_as_such() {
    let dir = with_room(5.0);
    for rate in ["0", "nan", "inf", "2000"] {
        ends(dir.path(), &["replay", "room.wav", "--frames-per-s", rate], 64, &["--frames-per-s"]);
    }
    let args = ["embed", "room.wav", "--out", "e.npy", "--space", "adapted", "--state", "nowhere"];
    ends(dir.path(), &args, 66, &["no state directory nowhere"]);
}

/// A picture whose header promises more than there is.
fn half_a_picture() -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    bytes.extend(1_000_u32.to_le_bytes());
    bytes.resize(60, 0);
    bytes
}

#[test]
fn a_recording_that_gives_nothing_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    place::write_room(&root.join("empty.wav"), 1, 0.0);
    fs::write(root.join("half.bmp"), half_a_picture()).unwrap();
    fs::create_dir(root.join("album")).unwrap();
    for number in 0..8 {
        fs::write(root.join(format!("album/{number}.bmp")), half_a_picture()).unwrap();
    }
    let nothing = "nothing was scored";
    ends(root, &["replay", "empty.wav"], 66, &[nothing, "empty or shorter"]);
    let words = [nothing, "warning: half.bmp", "passed over", "the warnings above"];
    ends(root, &["replay", "half.bmp"], 66, &words);
    let output = ends(root, &["replay", "album"], 66, &[nothing, "and 3 more like these"]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("lost 8 damaged"), "{shown}");
    let output =
        ends(root, &["embed", "half.bmp", "--out", "e.npy"], 66, &["half.bmp", "passed over"]);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(!shown.contains("shorter than a token"), "{shown}");
}

#[test]
fn a_replay_that_was_stopped_says_so() {
    let dir = with_room(600.0);
    let root = dir.path();
    let args = ["replay", "room.wav", "--realtime", "--scores", "s.csv", "--report", "r.json"];
    let child = habituate(root).args(args).stdout(Stdio::piped()).spawn().unwrap();
    // The scores file is made when signals have long been connected.
    until("the replay begins", || root.join("s.csv").exists());
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains("stopped after"), "{shown}");
    assert!(shown.contains("of 10.0 minutes"), "{shown}");
    let report = fs::read_to_string(root.join("r.json")).unwrap();
    assert!(report.contains("\"stopped\": true"), "{report}");
}

/// Waits, but not for ever.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}: never");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_daemon_that_could_not_keep_what_it_learnt_says_so_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let config = "state_dir = \"state\"\n\
                  [[source]]\nkind = \"synthetic\"\nname = \"room\"\nseconds = 1e9\n";
    fs::write(root.join("c.toml"), config).unwrap();
    let mut command = habituate(root);
    let child = command.args(["run", "-c", "c.toml"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    until("the daemon runs", || root.join("state/control.sock").exists());
    // A file where the source's folder should be stands in for a disk that is gone.
    let folder = root.join("state/room");
    until("the folder has gone", || {
        drop(fs::remove_dir_all(&folder));
        fs::write(&folder, "in the way").is_ok()
    });
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(74), "{shown}");
    assert!(shown.contains("could not be kept in state"), "{shown}");
}

#[test]
fn check_tells_the_encoders_that_cannot_be_opened_all_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let config = "[[source]]\nkind = \"microphone\"\nencoder = \"yamnett\"\n\
                  [[source]]\nkind = \"synthetic\"\n\
                  [[source]]\nkind = \"camera\"\nencoder = \"logmel-patches\"\n";
    fs::write(dir.path().join("c.toml"), config).unwrap();
    let words = ["2 problem(s)", "source[0].encoder: ", "yamnett", "source[2].encoder: "];
    let output = ends(dir.path(), &["check", "c.toml"], 78, &words);
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Fails when a warning goes to the log alone, or is told twice.
#[test]
fn an_objective_that_learns_nothing_here_stands_in_the_report_too() {
    let dir = with_room(5.0);
    fs::write(dir.path().join("c.toml"), "[learn]\nrotation = 1.0\n").unwrap();
    let args = ["replay", "room.wav", "-c", "c.toml", "--report", "r.json"];
    let output = ends(dir.path(), &args, 0, &["learns nothing by learn.rotation"]);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(shown.matches("learn.rotation").count(), 1, "{shown}");
    let report = fs::read_to_string(dir.path().join("r.json")).unwrap();
    assert!(report.contains("learns nothing by learn.rotation"), "{report}");
}

/// Fails when embeddings of what was learnt are made with the default encoder, whichever it was learnt with.
#[test]
fn what_was_learnt_is_embedded_with_the_encoder_that_it_was_learnt_with() {
    let dir = with_room(20.0);
    let learn = ["replay", "room.wav", "--state", "s", "--encoder", "logmel-patches"];
    ends(dir.path(), &learn, 0, &[]);
    let embed = ["embed", "room.wav", "--out", "e.npy", "--space", "adapted", "--state", "s"];
    ends(dir.path(), &embed, 0, &[]);
    let other = [&embed[..], &["--encoder", "sound-small"]].concat();
    ends(dir.path(), &other, 78, &["was learnt with encoder logmel-patches"]);
}

/// Fails when a state that a replay writes to is told as one that nobody works with.
#[test]
fn a_state_that_another_process_holds_is_told_as_in_use() {
    let dir = with_room(5.0);
    ends(dir.path(), &["replay", "room.wav", "--state", "s"], 0, &[]);
    let status = |more: &[&str]| {
        let output = ends(dir.path(), &[&["status", "--state", "s"], more].concat(), 0, &[]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(status(&[]).contains("no daemon runs"));
    let held = StateDir::open(&dir.path().join("s")).unwrap();
    let (text, json) = (status(&[]), status(&["--json"]));
    assert!(
        text.contains("in use by another process") && text.contains("replay: learnt"),
        "{text}"
    );
    assert!(json.contains("\"in_use\":true"), "{json}");
    drop(held);
    assert!(status(&["--json"]).contains("\"in_use\":false"));
}

#[test]
fn check_warns_of_a_learner_that_is_too_large_and_says_what_would_do() {
    let dir = tempfile::tempdir().unwrap();
    let check = |learn: &str| {
        fs::write(dir.path().join("c.toml"), format!("[learn]\n{learn}\n")).unwrap();
        String::from_utf8(ends(dir.path(), &["check", "c.toml"], 0, &[]).stdout).unwrap()
    };
    let bounds = "recent_windows = 20000\nreservoir_windows = 20000\nmemory_bytes = ";
    let told = check(&format!("{bounds}40000000"));
    let (_, enough) =
        told.split_once("should take; learn.memory_bytes = ").unwrap_or_else(|| panic!("{told}"));
    let (enough, _) = enough.split_once(',').unwrap();
    assert!(!check(&format!("{bounds}{enough}")).contains("is above"), "{enough} would do: {told}");
    assert!(!check("").contains("is above"));
}
