//! The real program, from outside: commands, files, exit codes, signals.

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
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use habituate::base::rng::Rng;

use program_in::{PATIENCE, habituate, run, run_well, signal, wait};

fn report(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn scores(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(Into::into).collect()).collect()
}

#[test]
fn replay_keeps_its_contract() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 1, 120.0);
    let args = [
        "replay", "room.wav", "--state", "s", "--scores", "s.csv", "--report", "r.json", "--plot",
        "p.svg",
    ];
    run_well(dir.path(), &args);

    let text = fs::read_to_string(dir.path().join("s.csv")).unwrap();
    let header = text.lines().next().unwrap();
    assert!(
        header.starts_with("source,start_s,end_s,novelty,p_value,surprise,density,event"),
        "{header}"
    );
    let rows = scores(&dir.path().join("s.csv"));
    assert!(rows[0][3].is_empty(), "novelty is empty in warm-up: {:?}", rows[0]);
    let last = rows.last().unwrap();
    assert!(last[3].parse::<f32>().unwrap().is_finite(), "{last:?}");
    let p: f32 = last[4].parse().unwrap();
    assert!(0.0 < p && p <= 1.0, "{last:?}");
    let starts: Vec<f64> = rows.iter().map(|row| row[1].parse().unwrap()).collect();
    assert!(starts.is_sorted(), "in time order");
    assert!((starts.last().unwrap() - 119.0).abs() < 1.0, "to the end: {:?}", starts.last());

    let report = report(&dir.path().join("r.json"));
    assert_eq!(report["windows"], rows.len());
    assert!((report["input_s"].as_f64().unwrap() - 120.0).abs() < 0.01, "{report}");
    assert!(0 < report["updates"].as_u64().unwrap(), "{report}");
    assert!(0 < report["bytes_written"].as_u64().unwrap());
    assert_eq!(report["checkpoint_sha256"].as_str().unwrap().len(), 64);
    assert!(fs::read_to_string(dir.path().join("p.svg")).unwrap().contains("<svg"));
}

#[test]
fn same_input_and_seed_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 2, 90.0);
    let mut seen = Vec::new();
    for (run, seed) in ["1", "1", "2"].into_iter().enumerate() {
        let (state, csv, json) = (format!("s{run}"), format!("{run}.csv"), format!("{run}.json"));
        run_well(
            dir.path(),
            &[
                "replay", "room.wav", "--state", &state, "--scores", &csv, "--report", &json,
                "--seed", seed,
            ],
        );
        let hash = report(&dir.path().join(json))["checkpoint_sha256"].clone();
        seen.push((fs::read(dir.path().join(csv)).unwrap(), hash));
    }
    assert_eq!(seen[0], seen[1], "the same twice");
    assert_ne!(seen[0].1, seen[2].1, "another seed learns differently");
}

#[test]
fn stop_and_resume_equals_never_having_stopped() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("a.wav"), 3, 60.0);
    place::write_room(&dir.path().join("b.wav"), 4, 60.0);
    run_well(
        dir.path(),
        &["replay", "a.wav", "b.wav", "--state", "whole", "--report", "whole.json"],
    );
    run_well(dir.path(), &["replay", "a.wav", "--state", "parts"]);
    run_well(dir.path(), &["replay", "b.wav", "--state", "parts", "--report", "parts.json"]);
    let hash = |name: &str| report(&dir.path().join(name))["checkpoint_sha256"].clone();
    assert_eq!(hash("whole.json"), hash("parts.json"));
}

#[test]
fn learn_until_freezes_learning_but_not_scoring() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 5, 90.0);
    let args =
        ["replay", "room.wav", "--learn-until", "60", "--scores", "s.csv", "--report", "r.json"];
    run_well(dir.path(), &args);
    let frozen = report(&dir.path().join("r.json"))["updates"].as_u64().unwrap();
    run_well(dir.path(), &["replay", "room.wav", "--report", "r.json"]);
    let whole = report(&dir.path().join("r.json"))["updates"].as_u64().unwrap();
    assert!(0 < frozen && frozen < whole, "{frozen} of {whole} updates");
    assert!(!scores(&dir.path().join("s.csv")).last().unwrap()[3].is_empty(), "scores go on");
}

/// Fails where what was frozen stays so for whoever goes on with the state.
#[test]
fn a_state_that_was_frozen_for_one_replay_learns_in_the_next() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 5, 90.0);
    let args = ["replay", "room.wav", "--state", "s", "--report", "r.json"];
    run_well(dir.path(), &[&args[..], &["--learn-until", "60"]].concat());
    let updates = |_| report(&dir.path().join("r.json"))["updates"].as_u64().unwrap();
    let first = updates(());
    run_well(dir.path(), &args);
    assert!(0 < first && first < updates(()), "{first} updates, then {}", updates(()));
}

/// Loudness that grows all the time, and begins anew every ten seconds: what comes first is told by it alone. Fails
/// where nothing watches for that, and where nothing is said.
#[test]
fn an_objective_that_is_switched_off_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = Rng::from_seed(3);
    let ramp: Vec<i16> = (0..120 * 16_000)
        .map(|i| {
            let grown = f64::from(i % 160_000) / 160_000.0;
            let level = 16_000.0 * 10_f64.powf(3.0 * (grown - 1.0));
            #[expect(clippy::cast_possible_truncation, reason = "within 16 bits")]
            let value = (level * (2.0 * f64::from(rng.unit_f32()) - 1.0)) as i16;
            value
        })
        .collect();
    fs::write(dir.path().join("ramp.wav"), media::wav(16_000, 1, &ramp)).unwrap();
    let settings = "[learn]\nmasked_prediction = 0.0\ntemporal_order = 1.0\nupdates_per_window = 4.0\n\
                    first_updates_per_window = 4.0\n";
    fs::write(dir.path().join("order.toml"), settings).unwrap();
    let args = ["replay", "ramp.wav", "-c", "order.toml", "--report", "r.json"];
    let output = run(dir.path(), &args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let line = "learn.temporal_order is switched off for";
    assert!(said.contains(line) && said.contains("a clock or a ramp"), "{said}");
    let warnings = report(&dir.path().join("r.json"))["warnings"].to_string();
    assert!(warnings.contains(line), "{warnings}");
}

/// Files of a state that end so, oldest first; none where there is no state.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> =
        paths.filter(|p| p.extension().is_some_and(|x| x == extension)).collect();
    files.sort();
    files
}

/// The number of a state's newest checkpoint; 0 where there is none.
fn generation(folder: &Path) -> u64 {
    let newest = files(folder, "checkpoint").pop();
    newest.map_or(0, |path| path.file_stem().unwrap().to_str().unwrap().parse().unwrap())
}

/// Failure 16. A hundred runs of one state, each ended by signal 9 some milliseconds after its third checkpoint: in
/// the middle of a window, of a checkpoint, or between two. Fails where a checkpoint is written in its place
/// and a kill falls into that, and where a run does not begin with what the one before has left.
#[test]
fn a_hundred_killed_runs_leave_a_state_that_is_valid_and_continued_each_time() {
    const KILLS: u64 = 100;
    // Every run reads what the killed one has left; one in so many lives to tell what it found.
    const TOLD_EVERY: u64 = 10;
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 6, 600.0);
    place::write_room(&dir.path().join("short.wav"), 7, 4.0);
    fs::write(dir.path().join("often.toml"), "[checkpoint]\nevery_s = 1.0\n").unwrap();
    let folder = dir.path().join("s/replay");
    let (mut rng, mut known) = (Rng::from_seed(16), 0);
    for round in 1..=KILLS {
        let before = generation(&folder);
        let mut child = habituate(dir.path())
            .args(["replay", "room.wav", "--state", "s", "-c", "often.toml"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while generation(&folder) < before + 3 {
            assert!(started.elapsed() < PATIENCE, "round {round}: no checkpoint appears");
            assert!(child.try_wait().unwrap().is_none(), "round {round}: it has ended by itself");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_micros(rng.below(60_000)));
        signal(&child, "-KILL");
        assert!(!wait(child, "a killed run").success(), "round {round}: it was over before");
        if round % TOLD_EVERY == 0 {
            run_well(dir.path(), &["replay", "short.wav", "--state", "s", "--report", "r.json"]);
            let windows = report(&dir.path().join("r.json"))["windows"].as_u64().unwrap();
            // The eight windows of the short recording, and of each killed run at least those between its first
            // checkpoint and its third.
            let least = known + 8 + 2 * TOLD_EVERY;
            assert!(least < windows, "round {round}: {known} windows became {windows}");
            known = windows;
        }
        assert!(files(&folder, "damaged").is_empty(), "round {round}: one was half written");
    }
}

#[test]
fn a_damaged_checkpoint_is_set_aside_with_a_message() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 8, 40.0);
    run_well(dir.path(), &["replay", "room.wav", "--state", "s"]);
    run_well(dir.path(), &["replay", "room.wav", "--state", "s"]);
    let newest = &files(&dir.path().join("s/replay"), "checkpoint").pop().unwrap();
    let mut bytes = fs::read(newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(newest, bytes).unwrap();
    let output = run(dir.path(), &["replay", "room.wav", "--state", "s"]);
    assert!(output.status.success());
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("damaged") && shown.contains("checksum"), "{shown}");
    assert!(newest.with_extension("damaged").exists());
}

/// Fails when a state that does not fit the settings is taken for a damaged one: to look at it with another
/// configuration would cost what was learnt.
#[test]
fn looking_with_other_settings_leaves_a_state_as_it_is_and_says_which_they_are() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 8, 40.0);
    fs::write(dir.path().join("w.toml"), "[learn]\nwidth = 32\nrecent_windows = 512\n").unwrap();
    let learn = ["replay", "room.wav", "--state", "s", "-c", "w.toml"];
    run_well(dir.path(), &learn);
    run_well(dir.path(), &learn);
    let kept = || {
        let paths = fs::read_dir(dir.path().join("s/replay")).unwrap();
        let mut kept: Vec<_> = paths.map(|entry| entry.unwrap().path()).collect();
        kept.sort();
        kept.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect::<Vec<_>>()
    };
    let before = kept();
    for args in [
        &["state", "inspect", "--state", "s"][..],
        &["unusual", "--at", "3", "--state", "s"],
        &["replay", "room.wav", "--state", "s"],
        &["embed", "room.wav", "--out", "e.npy", "--space", "adapted", "--state", "s"],
    ] {
        let output = run(dir.path(), args);
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{args:?}: {shown}");
        for said in ["learn.width = 32, here 64", "learn.recent_windows = 512, here 1024", "(-c)"] {
            assert!(shown.contains(said), "{args:?}: {shown}");
        }
        assert!(kept() == before, "{args:?} changed what is kept");
    }
    run_well(dir.path(), &["state", "inspect", "--state", "s", "-c", "w.toml"]);
    run_well(dir.path(), &learn);
}

#[test]
fn embed_writes_an_array_and_its_index_in_both_spaces() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("a.wav"), 9, 60.0);
    place::write_room(&dir.path().join("b.wav"), 10, 0.5);
    run_well(dir.path(), &["replay", "a.wav", "--state", "s"]);
    let before = fs::read_dir(dir.path().join("s/replay")).unwrap().count();
    for (space, out) in [("frozen", "f.npy"), ("adapted", "g.npy")] {
        let args = [
            "embed", "a.wav", "b.wav", "--out", out, "--space", space, "--pool", "file", "--state",
            "s",
        ];
        run_well(dir.path(), &args);
        let bytes = fs::read(dir.path().join(out)).unwrap();
        assert!(bytes.starts_with(b"\x93NUMPY"));
        let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
        assert!(header.contains("'<f4'") && header.contains("(2, "), "{header}");
        let index = fs::read_to_string(dir.path().join(out).with_extension("csv")).unwrap();
        let lines: Vec<&str> = index.lines().collect();
        assert_eq!(lines[0], "row,input,start_s,end_s");
        assert!(lines[1].starts_with("0,a.wav,0.000,") && lines[2].starts_with("1,b.wav,0.000,"));
    }
    let after = fs::read_dir(dir.path().join("s/replay")).unwrap().count();
    assert_eq!(before, after, "nothing is learnt");
}

#[test]
fn exit_codes_tell_what_kind_of_trouble() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 11, 5.0);
    fs::write(dir.path().join("bad.toml"), "sede = 1\n").unwrap();
    fs::write(dir.path().join("text.wav"), "this is no sound").unwrap();
    fs::write(dir.path().join("file"), "not a folder").unwrap();
    for (code, expected, args) in [
        (64, "unrecognized subcommand", vec!["lisen"]),
        (64, "--learn-until", vec!["replay", "room.wav", "--learn-until", "-5"]),
        (66, "missing.wav", vec!["replay", "missing.wav"]),
        (66, "text.wav", vec!["replay", "text.wav"]),
        (
            66,
            "nothing",
            vec!["embed", "room.wav", "--out", "e.npy", "--space", "adapted", "--state", "."],
        ),
        (74, "file", vec!["replay", "room.wav", "--state", "file/s"]),
        (74, "nowhere", vec!["replay", "room.wav", "--scores", "nowhere/s.csv"]),
        (78, "sede", vec!["check", "bad.toml"]),
        (78, "sede", vec!["replay", "room.wav", "-c", "bad.toml"]),
        (78, "no encoder called", vec!["replay", "room.wav", "--encoder", "yamnett"]),
        (78, "picture", vec!["replay", "room.wav", "--encoder", "picture-patches"]),
    ] {
        let output = run(dir.path(), &args);
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {shown}");
        assert!(shown.contains(expected), "{args:?}: {shown}");
        assert!(!shown.contains("panicked"), "{args:?}: {shown}");
    }
}

/// So many bitmaps of 32 × 32, each a little different.
fn write_pictures(folder: &Path, count: u8) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let mut bytes = b"BM\x36\x0c\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bytes.extend(b"\x20\0\0\0\x20\0\0\0\x01\0\x18\0".iter().chain(&[0; 24]));
        bytes.extend((0..3 * 32 * 32_u32).map(|i| number ^ i.to_le_bytes()[0]));
        fs::write(folder.join(format!("{number:03}.bmp")), bytes).unwrap();
    }
}

/// Fails where the encoder of the other sense is opened for whatever came, and where "0 pairs" is all that is
/// said.
#[test]
fn beside_sound_there_must_be_pictures_and_enough_of_them() {
    let dir = tempfile::tempdir().unwrap();
    place::write_room(&dir.path().join("room.wav"), 13, 30.0);
    place::write_room(&dir.path().join("hall.wav"), 14, 30.0);
    write_pictures(&dir.path().join("few"), 5);
    let output = run(dir.path(), &["replay", "room.wav", "--beside", "hall.wav", "--scores", "s"]);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{shown}");
    for part in ["room.wav", "hall.wav", "are sound; give pictures beside sound"] {
        assert!(shown.contains(part), "{part:?} missing in: {shown}");
    }
    assert!(!dir.path().join("s").exists(), "refused before anything is written");
    let told = run_well(dir.path(), &["replay", "room.wav", "--beside", "few"]);
    assert!(told.contains("beside: no pairs: 61 sounds and 5 pictures are too few"), "{told}");
}

#[test]
fn selftest_check_models_and_devices_answer() {
    let dir = tempfile::tempdir().unwrap();
    assert!(run_well(dir.path(), &["selftest"]).contains("ok"));
    let list = run_well(dir.path(), &["models", "list"]);
    assert!(list.contains("sound") && list.contains("picture"), "{list}");
    let check = run_well(dir.path(), &["check"]);
    assert!(check.contains("checkpoint.every_s = 10800.0  # default"), "{check}");
    assert!(check.contains("MB a day") && !check.contains("warning:"), "{check}");
    let little = "[board]\nwritten_per_day_bytes = 50000000\n";
    fs::write(dir.path().join("little.toml"), little).unwrap();
    let check = run_well(dir.path(), &["check", "little.toml"]);
    assert!(check.contains("warning: ") && check.contains("checkpoint.every_s = "), "{check}");
    let devices = run_well(dir.path(), &["devices"]);
    assert!(devices.contains("Microphones:") && devices.contains("Cameras:"), "{devices}");
}

#[test]
fn the_demo_needs_nothing_and_ends_with_a_plot() {
    let dir = tempfile::tempdir().unwrap();
    let text = run_well(dir.path(), &["demo", "--seconds", "300"]);
    assert!(text.contains("unusual moments raised an alarm"), "{text}");
    assert!(fs::read_to_string(dir.path().join("habituate-demo.svg")).unwrap().contains("<svg"));
    run_well(dir.path(), &["demo", "--view", "--seconds", "200", "--plot", "view.svg"]);
    assert!(dir.path().join("view.svg").exists());
}
