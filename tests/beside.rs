//! A sound and a picture source side by side in the daemon, from outside.

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
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use program_in::{PATIENCE, habituate, run, run_well, signal, wait};

/// Two recordings, played at their own pace; pictures four in a second. What is learnt of each is of no
/// matter here.
const CONFIG: &str = "\
    state_dir = \"state\"\n\
    [learn]\nwarm_up_windows = 4\nhistory_min = 16\nfirst_windows = 0\n\
    updates_per_window = 0.1\n\
    [[source]]\nkind = \"recording\"\nname = \"ear\"\npaths = [\"room.wav\"]\nbeside = \"eye\"\n\
    encoder = \"logmel-patches\"\n\
    [[source]]\nkind = \"recording\"\nname = \"eye\"\npaths = [\"pictures\"]\nframes_per_s = 4\n\
    encoder = \"picture-patches\"\n";

/// So many bitmaps of 32 × 32, of which `pixel` says each byte: by the picture's number, and its place.
fn write_pictures(folder: &Path, count: u8, pixel: fn(u8, u32) -> u8) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let mut bytes = b"BM\x36\x0c\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bytes.extend(b"\x20\0\0\0\x20\0\0\0\x01\0\x18\0".iter().chain(&[0; 24]));
        bytes.extend((0..3 * 32 * 32).map(|i| pixel(number, i)));
        fs::write(folder.join(format!("{number:03}.bmp")), bytes).unwrap();
    }
}

/// Nearly the same at all times.
fn dull(number: u8, i: u32) -> u8 {
    100 + (i % 7).to_le_bytes()[0] + number % 3
}

/// Another one at each time.
fn wild(number: u8, i: u32) -> u8 {
    let mixed = (i / 50 + 1).wrapping_mul(2_654_435_761).wrapping_mul(u32::from(number) + 1);
    mixed.to_be_bytes()[0]
}

/// As many samples of noise that is never twice the same as the recording has, in its place.
fn make_wild(wav: &Path) {
    let mut bytes = fs::read(wav).unwrap();
    let mut state = 1_u32;
    for (number, sample) in bytes[44..].chunks_exact_mut(2).enumerate() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let loudness = i16::try_from(number / 5_000 % 7).unwrap() + 1;
        let noise = i16::from(state.to_be_bytes()[0]) - 128;
        sample.copy_from_slice(&(noise * loudness * 30).to_le_bytes());
    }
    fs::write(wav, bytes).unwrap();
}

/// Runs the daemon until its first source has met more than so many pairs; its status then.
fn until_pairs(dir: &Path, more_than: u64) -> serde_json::Value {
    let args = ["run", "-c", "c.toml"];
    let mut command = habituate(dir);
    let child = command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        assert!(started.elapsed() < PATIENCE, "no pair is ever met");
        let output = run(dir, &["status", "--state", "state", "--json"]);
        if output.status.success() {
            let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            if status["sources"][0]["beside"]["pairs"].as_u64() > Some(more_than) {
                break status;
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let text = run_well(dir, &["status", "--state", "state"]);
    assert!(text.contains("  beside         eye: "), "{text}");
    let inspect = ["state", "inspect", "--state", "state", "--source", "ear"];
    let text = run_well(dir, &inspect);
    assert!(text.contains("  beside      eye: "), "the daemon's: {text}");
    signal(&child, "-TERM");
    assert!(wait(child, "the daemon").success());
    let text = run_well(dir, &inspect);
    assert!(text.contains("  beside      eye: "), "the state directory's: {text}");
    status
}

/// Fails when the daemon lets no source know of another, or forgets with a restart what came of it.
#[test]
fn pairs_of_two_sources_are_met_told_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.toml"), CONFIG).unwrap();
    let (room, pictures) = (dir.path().join("room.wav"), dir.path().join("pictures"));
    place::write_room(&room, 13, 40.0);
    write_pictures(&pictures, 50, dull);
    // What is usual is learnt before, as fast as it can be.
    for (input, source, encoder) in
        [("room.wav", "ear", "logmel-patches"), ("pictures", "eye", "picture-patches")]
    {
        let args = ["replay", input, "-c", "c.toml", "--state", "state", "--source", source];
        run_well(dir.path(), &[&args[..], &["--encoder", encoder]].concat());
    }
    make_wild(&room);
    write_pictures(&pictures, 160, wild);
    let status = until_pairs(dir.path(), 0);
    let beside = &status["sources"][0]["beside"];
    // How many were refused depends on how busy this machine is.
    assert!(beside["source"] == "eye" && beside["refused"].is_u64(), "{beside}");
    assert_eq!(beside["chance"], 1.0 / 16.0, "{beside}");
    for place in 0..2 {
        assert!(Some(0) < beside["windows"][place].as_u64(), "{beside}");
        assert!(Some(0) < beside["lively"][place].as_u64(), "{beside}");
    }
    assert!(status["sources"][1]["beside"].is_null(), "{status}");

    let pairs = beside["pairs"].as_u64().unwrap();
    let again = until_pairs(dir.path(), pairs - 1);
    let beside = &again["sources"][0]["beside"];
    assert!(again["sources"][0]["stream_s"].as_f64().unwrap() < 20.0, "begun anew: {again}");
    assert!(Some(pairs) <= beside["pairs"].as_u64(), "{beside}");
}

#[test]
fn a_pair_that_cannot_be_is_refused_by_check_and_run() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 13, 5.0);
    place::write_room(&dir.path().join("hall.wav"), 14, 5.0);
    let of = |beside: &str, second: &str| {
        format!(
            "state_dir = \"state\"\n[[source]]\nkind = \"recording\"\nname = \"ear\"\n\
             paths = [\"room.wav\"]\nbeside = \"{beside}\"\n[[source]]\nkind = \"recording\"\n\
             name = \"eye\"\npaths = [\"{second}\"]\n"
        )
    };
    for (config, expected) in [
        (
            of("eie", "hall.wav"),
            "source[0].beside: no source is called \"eie\"; name one of \"eye\"",
        ),
        (of("eye", "hall.wav"), "source[0].beside: \"eye\" and this source are both sound"),
    ] {
        fs::write(dir.path().join("c.toml"), config).unwrap();
        for args in [vec!["check", "c.toml"], vec!["run", "-c", "c.toml"]] {
            let output = run(dir.path(), &args);
            let shown = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(78), "{args:?}: {shown}");
            assert!(shown.contains(expected), "{args:?}: {shown}");
        }
    }
    write_pictures(&dir.path().join("pictures"), 3, dull);
    fs::write(dir.path().join("c.toml"), of("eye", "pictures")).unwrap();
    let told = run_well(dir.path(), &["check", "c.toml"]);
    assert!(told.contains("source[0].beside = \"eye\""), "{told}");
    assert!(told.contains(" MB for what belongs to eye; checkpoints of up to"), "{told}");
}
