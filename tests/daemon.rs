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
    spawn(dir, config)
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

/// Asks for the status until `is_so`, and gives it.
fn wait_for(
    dir: &Path,
    what: &str,
    is_so: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < PATIENCE, "{what}: never");
        let output = run(dir, &["status", "--state", "state", "--json"]);
        if output.status.success() {
            let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            if is_so(&status) {
                return status;
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn spawn(dir: &Path, config: &str) -> Child {
    fs::write(dir.join("daemon.toml"), config).unwrap();
    habituate(dir)
        .args(["run", "-c", "daemon.toml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Stops it; what it had to say.
fn stopped(mut child: Child) -> String {
    signal(&child, "-TERM");
    let mut shown = String::new();
    child.stderr.take().unwrap().read_to_string(&mut shown).unwrap();
    wait(child, "the daemon");
    shown
}

/// Fails when whatever is delivered, usable or not, counts as a source that runs.
#[test]
fn a_camera_that_delivers_rubbish_is_opened_again_and_is_not_well() {
    let dir = tempfile::tempdir().unwrap();
    let rubbish = r#"while :; do printf '\377\330\377\340\0\4ab\377\332\0\4abno picture\377\331'; sleep 0.05; done"#;
    let config = format!(
        "state_dir = \"state\"\n[[source]]\nkind = \"command\"\nname = \"cam\"\nformat = \"mjpeg\"\n\
         frames_per_s = 20\nstall_s = 1\ncommand = [\"sh\", \"-c\", '''{rubbish}''']\n"
    );
    let child = spawn(dir.path(), &config);
    let status = wait_for(dir.path(), "a second try", |status| {
        let camera = &status["sources"][0];
        camera["state"] == "waiting" && Some(2) <= camera["tries"].as_u64()
    });
    let why = status["sources"][0]["detail"].as_str().unwrap();
    assert!(why.contains("could be used") && why.contains("another format"), "{why}");
    assert!(Some(0) < status["sources"][0]["losses"]["damaged"].as_u64(), "{status}");
    // Not only between two tries.
    let until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        let health = run(dir.path(), &["status", "--state", "state", "--healthy"]);
        assert_eq!(health.status.code(), Some(69), "{health:?}");
    }
    stopped(child);
}

/// Fails when a recording is opened again because a stretch of it is damaged: it would begin anew for ever.
#[test]
fn a_recording_with_a_damaged_stretch_is_read_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("pictures");
    fs::create_dir(&folder).unwrap();
    for number in 0..90_u8 {
        let path = folder.join(format!("{number:02}.ppm"));
        let mut picture = b"BM".to_vec();
        if !(30..60).contains(&number) {
            // 16 x 16 pixels of 24 bits.
            let header: [u32; 13] = [822, 0, 54, 40, 16, 16, 1 | 24 << 16, 0, 768, 0, 0, 0, 0];
            picture.extend(header.iter().flat_map(|x| x.to_le_bytes()));
            picture.extend((0..768_u16).map(|at| number.wrapping_add((at % 251) as u8)));
        }
        fs::write(path.with_extension("bmp"), picture).unwrap();
    }
    let config = "state_dir = \"state\"\n[[source]]\nkind = \"recording\"\npaths = [\"pictures\"]\n\
                  realtime = true\nframes_per_s = 10\nstall_s = 1\nname = \"file\"\n";
    fs::write(dir.path().join("c.toml"), config).unwrap();
    let output = run(dir.path(), &["run", "-c", "c.toml", "--seconds", "60"]);
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(shown.contains("60 windows, 0 restarts") && shown.contains("30 damaged"), "{shown}");
}

/// Fails when a checkpoint that cannot be written is told to nobody but the log.
#[test]
fn what_cannot_be_kept_is_told_counted_and_kept_again_later() {
    let dir = tempfile::tempdir().unwrap();
    let config = "state_dir = \"state\"\n[checkpoint]\nevery_s = 10\n[[source]]\nkind = \"synthetic\"\n\
                  place = \"room\"\nname = \"room\"\nseconds = 1e9\n";
    let child = spawn(dir.path(), config);
    let kept = |status: &serde_json::Value| {
        status["sources"][0]["checkpoint_sha256"].as_str().is_some_and(|hash| !hash.is_empty())
    };
    wait_for(dir.path(), "a first checkpoint", kept);
    let (folder, aside) = (dir.path().join("state/room"), dir.path().join("aside"));
    fs::rename(&folder, &aside).unwrap();
    fs::write(&folder, "no folder").unwrap();
    let unkept = |status: &serde_json::Value| status["sources"][0]["unkept"].as_u64().unwrap_or(0);
    let status = wait_for(dir.path(), "failures", |status| 2 <= unkept(status));
    let why = status["sources"][0]["unkept_reason"].as_str().unwrap();
    assert!(why.contains("state/room"), "{why}");
    let health = run(dir.path(), &["status", "--state", "state", "--healthy"]);
    let shown = String::from_utf8_lossy(&health.stderr).into_owned();
    assert!(health.status.code() == Some(69) && shown.contains("nothing is kept"), "{shown}");
    fs::remove_file(&folder).unwrap();
    wait_for(dir.path(), "it is kept again", |status| unkept(status) == 0);
    let shown = stopped(child);
    assert_eq!(shown.matches("cannot keep what was learnt").count(), 1, "{shown}");
    assert!(shown.contains("is kept again"), "{shown}");
}

/// Fails when a source without a stated encoder always takes the default one: after an upgrade that brings
/// another default, nothing would run.
#[test]
fn what_was_learnt_with_another_default_goes_on_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = |encoder: &str| {
        format!(
            "state_dir = \"state\"\n[[source]]\nkind = \"synthetic\"\nplace = \"view\"\nname = \"cam\"\n\
             seconds = 60\n{encoder}"
        )
    };
    for (encoder, warns) in [("encoder = \"picture-patches\"\n", false), ("", true)] {
        fs::write(dir.path().join("c.toml"), config(encoder)).unwrap();
        let output = run(dir.path(), &["run", "-c", "c.toml"]);
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{shown}");
        assert!(shown.contains("cam: picture-patches ("), "{shown}");
        assert_eq!(shown.contains("which it has learnt with"), warns, "{shown}");
    }
    fs::write(dir.path().join("c.toml"), config("encoder = \"picture\"\n")).unwrap();
    let output = run(dir.path(), &["run", "-c", "c.toml"]);
    assert_eq!(output.status.code(), Some(78), "stated is stated: {output:?}");
}
