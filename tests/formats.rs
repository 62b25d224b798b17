//! Checkpoints of earlier formats, each written by the program of its day: they are gone on from.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and waits for a real program"
)]

#[path = "common/program_in.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod program_in;

use std::fs;
use std::path::{Path, PathBuf};

use habituate::store::checkpoint::{Checkpoint, FORMAT_VERSION, OLDEST_VERSION};
use program_in::run;

/// Pictures that the fixtures were learnt from, ten seconds apart; see `tests/golden/formats/make.py`.
const LEARNT: u32 = 1440;
const SIDE: u32 = 8;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The pictures of the place from `first` on.
fn write_place(path: &Path, first: u32, count: u32) {
    let mut bytes = format!("YUV4MPEG2 W{SIDE} H{SIDE} F1:10 C444 XCOLORRANGE=FULL\n").into_bytes();
    for number in first..first + count {
        bytes.extend_from_slice(b"FRAME\n");
        for plane in 0..3 {
            for (y, x) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (y, x))) {
                let wave = (number * 7 + x * 31 + y * 17 + plane * 50) % 97;
                bytes.push(u8::try_from(40 + wave + 20 * (number / 5 % 3)).unwrap());
            }
        }
    }
    fs::write(path, bytes).unwrap();
}

/// Goes on in `state` with the next `count` pictures; standard error and the report.
fn go_on(dir: &Path, count: u32) -> (String, serde_json::Value) {
    write_place(&dir.join("next.y4m"), LEARNT, count);
    let (encoder, file) = (golden("formats/tiny.toml"), golden("encoders/open.onnx"));
    let config = golden("formats/place.toml");
    let paths = [config, encoder, file].map(|path| path.to_str().unwrap().to_owned());
    let [config, encoder, file] = &paths;
    let args = ["replay", "next.y4m", "-c", config, "--encoder", encoder, "--encoder-file", file];
    let more = ["--state", "state", "--source", "view", "--frames-per-s", "1", "--seed", "5"];
    let outputs = ["--scores", "s.csv", "--report", "r.json"];
    let output = run(dir, &[&args[..], &more, &outputs].concat());
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}\n{shown}", output.status);
    let report = fs::read_to_string(dir.join("r.json")).unwrap();
    (shown, serde_json::from_str(&report).unwrap())
}

#[test]
fn every_older_format_is_gone_on_from_and_kept_as_it_was() {
    for format in OLDEST_VERSION..FORMAT_VERSION {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state/view");
        fs::create_dir_all(&folder).unwrap();
        let older = fs::read(golden(&format!("formats/format-{format}.checkpoint"))).unwrap();
        assert_eq!(Checkpoint::from_bytes(&older).unwrap().format, format);
        fs::write(folder.join("0000000007.checkpoint"), &older).unwrap();

        let (shown, report) = go_on(dir.path(), 30);
        assert!(
            shown.contains(&format!(
                "goes on from state/view/0000000007.checkpoint of format {format}"
            )),
            "{shown}"
        );
        assert_eq!(report["windows"], LEARNT + 30, "format {format}: {report}");
        assert!(200.0 / 1440.0 < report["calibrated_days"].as_f64().unwrap(), "{report}");
        let scores = fs::read_to_string(dir.path().join("s.csv")).unwrap();
        let novelties = scores.lines().skip(1).map(|line| line.split(',').nth(3).unwrap());
        assert!(
            novelties.clone().count() == 30 && novelties.into_iter().all(|cell| !cell.is_empty()),
            "warm-up again:\n{scores}"
        );

        assert_eq!(fs::read(folder.join(format!("0000000007.format-{format}"))).unwrap(), older);
        let newest =
            Checkpoint::from_bytes(&fs::read(folder.join("0000000008.checkpoint")).unwrap());
        assert_eq!(newest.unwrap().format, FORMAT_VERSION);
        let (shown, report) = go_on(dir.path(), 10);
        assert!(!shown.contains("goes on from"), "the second start finds nothing old: {shown}");
        assert_eq!(report["windows"], LEARNT + 40);
    }
}

#[test]
fn a_format_from_before_the_oldest_begins_anew_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("state/view");
    fs::create_dir_all(&folder).unwrap();
    let older = fs::read(golden(&format!("formats/format-{OLDEST_VERSION}.checkpoint"))).unwrap();
    let older =
        Checkpoint { format: OLDEST_VERSION - 1, ..Checkpoint::from_bytes(&older).unwrap() };
    fs::write(folder.join("0000000007.checkpoint"), older.to_bytes()).unwrap();
    let (shown, report) = go_on(dir.path(), 30);
    let expected = format!(
        "written in format {}, and this program goes on from {OLDEST_VERSION} to {FORMAT_VERSION}",
        OLDEST_VERSION - 1
    );
    assert!(shown.contains(&expected), "{shown}");
    assert_eq!(report["windows"], 30);
    assert_eq!(fs::read(folder.join("0000000007.damaged")).unwrap(), older.to_bytes());
}
