//! `habituate models compare` and `habituate bench`: the shape of what they print. How fast a machine
//! is belongs to no test.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::Path;

use common::media;
use common::program::habituate;
use common::program::two_machines;
use common::program::write_wav;
use habituate::encode::bundled;

mod common {
    #[expect(dead_code, reason = "other tests need other recordings")]
    pub(crate) mod media;
    pub(crate) mod program;
}

#[test]
fn encoders_are_compared_on_labelled_recordings() {
    let dir = tempfile::tempdir().unwrap();
    two_machines(dir.path());
    fs::write(dir.path().join("hum/broken.wav"), "not sound").unwrap();
    let data = dir.path().to_str().unwrap();
    let (code, out, err) = habituate(&["models", "compare", "--data", data, "--labels"]);
    assert_eq!(code, 0, "{err}");
    let heading = out.lines().next().unwrap();
    for word in ["encoder", "ms a window", "MB", "skill", "neighbours", "5-shot", "chance"] {
        assert!(heading.contains(word), "{heading}");
    }
    for name in ["logmel-patches ", "sound ", "sound-small "] {
        let row = out.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(row.contains("1.000"), "{row}");
    }
    assert!(!out.contains("picture-patches"), "{out}");
    assert!(out.contains("passed over: ") && out.contains("broken.wav"), "{out}");
    assert!(out.contains("use --encoder "), "{out}");
}

#[test]
fn figures_go_to_programs_as_csv_and_json() {
    let dir = tempfile::tempdir().unwrap();
    two_machines(dir.path());
    let data = dir.path().to_str().unwrap();
    let compare = ["models", "compare", "--data", data, "--encoder", "logmel-patches"];
    let (code, out, err) = habituate(&[&compare[..], &["--labels=names", "--csv"]].concat());
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].starts_with("encoder,windows,ms_a_window,mb,skill,neighbours"));
    assert_eq!(lines[0].split(',').count(), lines[1].split(',').count());
    assert!(err.contains("use --encoder logmel-patches: it is the only one"), "{err}");
    let (code, out, _) = habituate(&[&compare[..], &["--json"]].concat());
    let rows: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &rows[0]["encoder"]), (0, &"logmel-patches".into()));
    assert!(rows[0]["windows"].as_f64().unwrap() > 50.0 && rows[0]["few_shot"].is_null());
}

/// Fails where classes of exactly five are refused, where recordings that no time was left for are dropped in silence,
/// or where folders that are not there are taken for too few recordings.
#[test]
fn five_recordings_a_class_do_and_what_is_wrong_with_the_options_is_said() {
    let dir = tempfile::tempdir().unwrap();
    two_machines(dir.path());
    for kind in fs::read_dir(dir.path()).unwrap() {
        let mut takes: Vec<_> =
            fs::read_dir(kind.unwrap().path()).unwrap().map(|take| take.unwrap().path()).collect();
        takes.sort();
        takes.iter().skip(5).for_each(|take| fs::remove_file(take).unwrap());
    }
    let compare = |data: &Path, more: &[&str]| {
        let data = data.to_str().unwrap();
        let compare = ["models", "compare", "--encoder", "logmel-patches", "--data", data];
        let (code, out, err) = habituate(&[&compare[..], more].concat());
        assert_eq!(code, 0, "{err}");
        out
    };
    let out = compare(dir.path(), &["--labels"]);
    let row = out.lines().find(|line| line.starts_with("logmel-patches")).unwrap();
    assert!(row.contains("1.000") && out.contains("from 4 examples a class"), "{out}");
    assert!(!out.contains("--seconds"), "{out}");
    let out = compare(dir.path(), &["--labels", "--seconds", "15"]);
    assert!(out.contains("looked at 5 of 10 files") && out.contains("--seconds 15"), "{out}");
    let out = compare(&dir.path().join("hum"), &["--labels"]);
    assert!(out.contains("no recording lies in one; --labels=names"), "{out}");
}

/// A photo beside sounds, a table, and a class with two recordings.
#[test]
fn what_is_left_out_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    two_machines(dir.path());
    fs::write(dir.path().join("photo.jpg"), media::jpeg(1)).unwrap();
    fs::write(dir.path().join("table.csv"), "a,b").unwrap();
    fs::write(dir.path().join("notes.txt"), "words").unwrap();
    fs::create_dir(dir.path().join("rare")).unwrap();
    for take in ["0", "1"] {
        let rare = dir.path().join("rare").join(take).with_extension("wav");
        fs::copy(dir.path().join("hum/hum0.wav"), rare).unwrap();
    }
    let data = dir.path().to_str().unwrap();
    let compare = ["models", "compare", "--data", data, "--encoder", "logmel-patches"];
    let (code, out, err) = habituate(&[&compare[..], &["--labels"]].concat());
    assert_eq!(code, 0, "{err}");
    for words in [
        "taken: sound, 16 files; left out: pictures, 1 file",
        "--modality picture",
        "passed over: 2 files that are no recordings: notes.txt, table.csv",
        "left out of 5-shot, with fewer than 6 recordings: rare (2)",
        "use --encoder logmel-patches",
    ] {
        assert!(out.contains(words), "{words:?} missing in: {out}");
    }
    let (code, _, err) = habituate(&[&compare[..], &["--modality", "picture"]].concat());
    assert!(code == 78 && err.contains("is an encoder for sound"), "{code}: {err}");
    fs::remove_file(dir.path().join("photo.jpg")).unwrap();
    let (code, _, err) = habituate(&[&compare[..], &["--modality", "picture"]].concat());
    assert!(code == 66 && err.contains("--modality picture: there is none"), "{code}: {err}");
}

#[test]
fn recordings_as_short_as_a_window_and_a_single_one_are_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let short = dir.path().join("short");
    fs::create_dir(&short).unwrap();
    for take in 0..8_u8 {
        let sample = |n: u16| (f32::from(n) * (0.1 + 0.01 * f32::from(take))).sin() * 0.3;
        let samples: Vec<f32> = (0..8000).map(sample).collect();
        write_wav(&short.join(format!("{take}.wav")), &samples);
    }
    two_machines(dir.path());
    let compare = |data: &Path| {
        let args = ["models", "compare", "--encoder", "logmel-patches", "--data"];
        habituate(&[&args[..], &[data.to_str().unwrap()]].concat())
    };
    let (code, out, err) = compare(&short);
    assert!(code == 0 && out.contains("each of 8 recordings gave one window"), "{out}{err}");
    let (code, out, err) = compare(&dir.path().join("hum/hum0.wav"));
    assert_eq!(code, 0, "{err}");
    let row = out.lines().find(|line| line.starts_with("logmel-patches")).unwrap();
    let windows: f64 = row.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(2.0 < windows, "{row}");
}

/// A manifest in one folder, its network in another.
#[test]
fn the_network_of_an_encoder_may_lie_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let ours = bundled::find(bundled::DEFAULT_SOUND).unwrap();
    let (manifest, network) = (dir.path().join("far.toml"), dir.path().join("nets/far.onnx"));
    fs::create_dir(dir.path().join("nets")).unwrap();
    fs::write(&manifest, ours.manifest).unwrap();
    fs::write(&network, ours.onnx).unwrap();
    let (alone, both) =
        (manifest.display().to_string(), format!("{}={}", manifest.display(), network.display()));
    let bench = |encoder: &str, more: &[&str]| {
        habituate(
            &[&["bench", "--seconds", "0", "--json", "--encoder", encoder][..], more].concat(),
        )
    };
    let (code, _, err) = bench(&alone, &["--encoders"]);
    assert!(code == 78 && err.contains("cannot read"), "{code}: {err}");
    let (code, out, err) = bench(&both, &["--encoders"]);
    let rows: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, rows[0]["encoder"].as_str()), (0, Some(alone.as_str())), "{err}");
    assert!(0.0 < rows[0]["tract_ms"].as_f64().unwrap(), "{out}{err}");
    let (code, out, err) = bench(&both, &[]);
    assert!(code == 0 && out.contains("encode_ms"), "{out}{err}");
    two_machines(dir.path());
    let (data, encoder) = (dir.path().to_str().unwrap(), both.as_str());
    let compare = ["models", "compare", "--data", data, "--encoder", encoder, "--json"];
    let (code, out, err) = habituate(&compare);
    let rows: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code == 0 && 0.0 < rows[0]["ms_a_window"].as_f64().unwrap(), "{out}{err}");
}

#[test]
fn what_cannot_be_compared_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let compare = ["models", "compare", "--data", data];
    let (code, _, err) = habituate(&compare);
    assert!(code == 66 && err.contains("no recording below"), "{code}: {err}");
    fs::write(dir.path().join("words.txt"), "words").unwrap();
    let (code, _, err) = habituate(&compare);
    assert!(code == 66 && err.contains("1 file that is no recording: words.txt"), "{code}: {err}");
    two_machines(dir.path());
    let (code, _, err) = habituate(&[&compare[..], &["--encoder", "picture-patches"]].concat());
    assert!(code == 78 && err.contains("is an encoder for pictures"), "{code}: {err}");
    let (code, _, err) = habituate(&[&compare[..], &["--seconds", "0"]].concat());
    assert!(code == 64 && err.contains("--seconds 0 must be above 0"), "{code}: {err}");
    let (code, _, err) = habituate(&["models", "compare", "--data", "/nowhere/at/all"]);
    assert!(code == 66 && err.contains("cannot list"), "{code}: {err}");
}

#[test]
fn every_encoder_is_timed() {
    let (code, out, err) = habituate(&["bench", "--encoders", "--seconds", "0"]);
    assert_eq!(code, 0, "{err}");
    let heading = out.lines().next().unwrap();
    assert!(heading.contains("tract ms") && heading.contains("onnxruntime ms"), "{heading}");
    for name in ["logmel-patches ", "sound ", "sound-small ", "picture-patches "] {
        assert!(out.lines().any(|line| line.starts_with(name)), "{out}");
    }
    let (code, out, _) = habituate(&["bench", "--encoders", "--seconds", "0", "--json"]);
    let rows: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert!(0.0 < rows[0]["tract_ms"].as_f64().unwrap() && rows[3]["window_ms"].is_null());
    let (code, _, err) = habituate(&["bench", "--encoders", "--encoder", "yamnett"]);
    assert!(code == 78 && err.contains("no encoder called \"yamnett\""), "{code}: {err}");
}

#[test]
fn every_stage_is_timed() {
    let (code, out, err) = habituate(&["bench", "--seconds", "0", "--json"]);
    assert_eq!(code, 0, "{err}");
    let rows: serde_json::Value = serde_json::from_str(&out).unwrap();
    for row in 0..2 {
        for stage in [
            "front_ms",
            "encode_ms",
            "score_ms",
            "checkpoint_mb",
            "windows_per_s",
            "sources_a_core",
            "sources",
        ] {
            assert!(0.0 < rows[row][stage].as_f64().unwrap(), "{stage}: {out}");
        }
    }
    assert!(rows[0]["frames_per_s"].is_null(), "sound has no frames: {out}");
    let (most, frames) = (&rows[1]["windows_per_s"], &rows[1]["frames_per_s"]);
    assert!((0.9 * most.as_f64().unwrap() - frames.as_f64().unwrap()).abs() < 0.2, "{out}");
    let (code, _, err) = habituate(&["bench", "--seconds", "-1"]);
    assert!(code == 64, "{err}");
}
