//! `habituate models`: a network that nobody has described becomes an encoder, and what cannot become
//! one says why. See `tests/golden/encoders/make_odd.py`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "common/dev_data.rs"]
mod dev_data;

use std::fs;
use std::process::Command;
use std::process::Stdio;

use common::models::add;
use common::models::here;
use common::models::manifest;
use common::models::models;
use common::models::ours;
use habituate::config::manifest::Cells;
use habituate::config::manifest::EmbeddingSpec;
use habituate::config::manifest::FrontEnd;
use habituate::config::manifest::Manifest;
use habituate::config::manifest::TokensSpec;
use habituate::encode::bundled;

mod common {
    pub(crate) mod models;
}

#[test]
fn a_sound_network_becomes_an_encoder_known_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file) = (dir.path().join("encoders"), ours(dir.path(), bundled::DEFAULT_SOUND));
    add(&folder, &file, &["--yes", "--name", "mine", "--license", "MIT"]).expect(
        0,
        &["96 frames of 64 mel bands", "YAMNet's", "\"tokens\" of [12, 64]", "--encoder mine"],
    );
    let found = manifest(&folder, "mine");
    let by_hand = bundled::find(bundled::DEFAULT_SOUND).unwrap().manifest().unwrap();
    assert_eq!(found.input.front_end, by_hand.input.front_end);
    assert_eq!((&found.tokens, &found.embedding), (&by_hand.tokens, &by_hand.embedding));
    assert_eq!((found.sha256, found.license.as_str()), (by_hand.sha256, "MIT"));
    assert_eq!(found.golden.unwrap().embedding.len(), 24);
    models(&folder, &["list"]).expect(0, &["mine ", "added; MIT"]);
    models(&folder, &["verify", "mine"]).expect(0, &["ok     mine"]);
}

#[test]
fn a_picture_network_needs_the_scale_of_its_pixels_said() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file) = (dir.path().join("encoders"), ours(dir.path(), "picture-patches"));
    add(&folder, &file, &["--yes"]).expect(64, &["scale of pixels", "--normalise imagenet"]);
    let more = ["--yes", "--normalise", "symmetric", "--set", "input.picture.fit=stretch"];
    add(&folder, &file, &more).expect(0, &["picture of 112 × 112, nchw"]);
    let found = manifest(&folder, "given");
    let by_hand = bundled::find("picture-patches").unwrap().manifest().unwrap();
    assert_eq!(found.input.front_end, by_hand.input.front_end);
    assert_eq!((&found.tokens, &found.embedding), (&by_hand.tokens, &by_hand.embedding));
}

#[test]
fn guesses_are_confirmed_or_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file) = (dir.path().join("encoders"), ours(dir.path(), bundled::DEFAULT_SOUND));
    add(&folder, &file, &[]).expect(64, &["Guessed", "add --yes"]);
    assert!(!folder.exists());
    add(&folder, &file, &["--yes"]).expect(0, &["wrote"]);
    add(&folder, &file, &["--yes"]).expect(64, &["\"given\" is taken", "--name"]);
}

/// Fails where only what comes over HTTP is held to the hash.
#[test]
fn a_file_is_held_to_the_hash_that_was_typed() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file) = (dir.path().join("encoders"), ours(dir.path(), bundled::DEFAULT_SOUND));
    let good = bundled::find(bundled::DEFAULT_SOUND).unwrap().manifest().unwrap().sha256_hex();
    let zeros = "0".repeat(64);
    for (hash, code, part) in [
        ("12", 64, "64 hexadecimal digits"),
        (&zeros, 66, "its SHA-256 is"),
        (&zeros, 66, "given.onnx is not the file that was expected"),
    ] {
        add(&folder, &file, &["--yes", "--sha256", hash]).expect(code, &[part, hash]);
        assert!(!folder.exists(), "{hash}");
    }
    add(&folder, &file, &["--yes", "--sha256", &good.to_uppercase()]).expect(0, &["wrote"]);
}

/// Fails where the name is looked at with the draft only, or where an error tells its cause twice.
#[test]
fn a_name_that_cannot_be_one_is_refused_at_once_and_a_wrong_manifest_says_each_problem_once() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file) = (dir.path().join("encoders"), ours(dir.path(), bundled::DEFAULT_SOUND));
    let said = add(&folder, &file, &["--yes", "--name", "x/y"]);
    said.expect(64, &["--name", "x/y", "must be letters, digits"]);
    assert!(!said.words.contains("draft") && !folder.exists(), "{}", said.words);
    let said = add(&folder, &file, &["--yes", "--set", "input.sound.rate_hz=7"]);
    assert_eq!(said.words.matches("input.sound.rate_hz: ").count(), 1, "{}", said.words);
}

#[test]
fn what_cannot_be_an_encoder_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let golden = |name: &str| here("golden/encoders").join(name);
    let cut = dir.path().join("cut.onnx");
    let whole = bundled::find(bundled::DEFAULT_SOUND).unwrap().onnx;
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let words = dir.path().join("words.onnx");
    fs::write(&words, "<!DOCTYPE html><html>").unwrap();
    let zip = dir.path().join("zip.onnx");
    fs::write(&zip, b"PK\x03\x04archive").unwrap();
    let tflite = dir.path().join("tflite.onnx");
    fs::write(&tflite, b"\x1c\0\0\0TFL3....").unwrap();
    let absent = dir.path().join("absent.onnx");
    for (file, more, code, expected) in [
        (absent, &[][..], 66, "cannot read"),
        (cut, &[], 66, "ends in the middle"),
        (words, &[], 66, "it is a web page"),
        (golden("odd.onnx"), &[], 66, "not supported: Wishful;"),
        (golden("branching.onnx"), &[], 66, "control flow: If;"),
        (golden("state.onnx"), &[], 66, "wants state besides input"),
        (golden("far.onnx"), &[], 66, "weights lie in another file"),
        (zip, &[], 66, "export it with torch.onnx.export"),
        (tflite, &[], 66, "convert it, with tf2onnx"),
        (golden("open.onnx"), &[], 64, "[?, 3, ?, ?]; say it with --shape"),
        (golden("open.onnx"), &["--shape", "1,3,64,64"], 64, "scale of pixels"),
        (
            golden("open.onnx"),
            &["--shape", "1,3,64,64", "--normalise", "unit", "--tokens", "rely"],
            64,
            "no node \"rely\"; it has relu",
        ),
    ] {
        let said = add(&dir.path().join("encoders"), &file, &[more, &["--yes"]].concat());
        said.expect(code, &[expected]);
    }
    assert!(!dir.path().join("encoders").exists());
}

#[test]
fn an_open_size_can_be_said() {
    let dir = tempfile::tempdir().unwrap();
    let more = ["--yes", "--shape", "1,3,64,48", "--normalise", "unit", "--tokens", "relu"];
    add(dir.path(), &here("golden/encoders/open.onnx"), &more).expect(0, &["48 × 64"]);
    let found = manifest(dir.path(), "open");
    assert_eq!(found.cells(), Cells::Grid { rows: 64, cols: 48 });
    assert_eq!((found.token_dim(), found.embedding_dim()), (3, 3));
}

/// Both graphs hand on what they are given, one of them turned.
#[test]
fn bands_may_come_before_frames() {
    let dir = tempfile::tempdir().unwrap();
    let golden = |name: &str, words: &str| {
        let file = here("golden/encoders").join(format!("{name}.onnx"));
        add(dir.path(), &file, &["--yes"]).expect(0, &[words]);
        manifest(dir.path(), name).golden
    };
    let frames = golden("frames_first", "96 frames of 64 mel bands");
    let bands = golden("bands_first", "64 mel bands, each over 96 frames");
    assert_eq!(frames, bands);
    models(dir.path(), &["verify", "bands_first"]).expect(0, &["ok     bands_first"]);
}

#[test]
fn a_network_may_take_raw_samples() {
    let dir = tempfile::tempdir().unwrap();
    let file = here("golden/encoders/samples.onnx");
    let words = ["15600 raw samples", "at 16 kHz", "\"tokens\" of [40, 390]"];
    add(dir.path(), &file, &["--yes"]).expect(0, &words);
    let found = manifest(dir.path(), "samples");
    let tokens = found.golden.unwrap().tokens;
    // 0.4 sin(2π (200 t + 1500 t²)) at every 650th sample of 16000 a second, quieter every other 1/8 s.
    for (place, &token) in tokens.iter().enumerate() {
        let t = (650 * place) as f64 / 16_000.0;
        let level = if (t * 8.0) % 2.0 < 1.0 { 0.4 } else { 0.04 };
        let expected = level * (std::f64::consts::TAU * (200.0 * t + 1500.0 * t * t)).sin();
        assert!((f64::from(token) - expected).abs() < 1e-5, "{place}: {token}, not {expected}");
    }
    models(dir.path(), &["verify", "samples"]).expect(0, &["ok     samples"]);
}

#[test]
fn verify_tells_another_file_and_other_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let file = ours(dir.path(), bundled::DEFAULT_SOUND);
    let folder = dir.path().join("encoders");
    add(&folder, &file, &["--yes", "--name", "mine"]).expect(0, &[]);
    let path = folder.join("mine.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("log_offset = 0.001", "log_offset = 0.1")).unwrap();
    models(&folder, &["verify"]).expect(69, &["ok     logmel-patches", "WRONG  mine", "golden"]);
    fs::write(&path, &text).unwrap();
    fs::write(folder.join("mine.onnx"), bundled::find("picture-patches").unwrap().onnx).unwrap();
    models(&folder, &["verify", "mine"]).expect(69, &["WRONG  mine", "SHA-256", "was expected"]);
    models(&folder, &["verify", "yamnett"]).expect(69, &["no encoder called \"yamnett\""]);
}

/// Whether Python has the runtime whose answers are compared with ours.
fn has_onnxruntime() -> bool {
    let mut python = Command::new("python3");
    let asked = python.args(["-c", "import numpy, onnxruntime"]).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Everything that people have described by hand, guessed: the front end must be the same, and the
/// embedding; tokens of a middle layer are a matter of choice.
#[test]
fn the_development_encoders_are_described_as_by_hand() {
    let Some(dev) = dev_data::dev_data() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut seen = 0;
    for name in ["yamnet", "mobilenet_v1_025", "mobilenet_v2", "prototype_sound"] {
        let text = fs::read_to_string(here(&format!("encoders/{name}.toml"))).unwrap();
        let by_hand = Manifest::parse(&text).unwrap();
        let file = dev.join("encoders").join(&by_hand.file);
        if !file.is_file() {
            eprintln!("skipped: no {}", file.display());
            continue;
        }
        seen += 1;
        let said = add(dir.path(), &file, &["--yes", "--name", name]);
        said.expect(0, &["wrote"]);
        let told = if has_onnxruntime() { "agrees with" } else { "not compared" };
        assert!(said.words.contains(told), "{name}, {told:?}: {}", said.words);
        let found = manifest(dir.path(), name);
        assert_eq!(found.input.front_end, by_hand.input.front_end, "{name}");
        assert_eq!((&found.embedding, found.sha256), (&by_hand.embedding, by_hand.sha256));
        assert_eq!(found.cells(), by_hand.cells(), "{name}");
        // Tokens as by hand are one option away.
        if let TokensSpec::Node { node, .. } = &by_hand.tokens {
            let again = format!("{name}-again");
            let more = ["--yes", "--name", &again, "--tokens", node];
            add(dir.path(), &file, &more).expect(0, &["wrote"]);
            let found = manifest(dir.path(), &again);
            assert_eq!(found.tokens, by_hand.tokens, "{name}");
        }
    }
    assert!(3 <= seen, "{seen} networks in {}", dev.display());
    models(dir.path(), &["verify"]).expect(0, &["ok     yamnet"]);
}

/// Any node may be named, also one with axes to pool.
#[test]
fn a_middle_layer_can_be_the_embedding() {
    let Some(dev) = dev_data::dev_data() else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dev.join("encoders/yamnet_spectra.encoder.onnx");
    let more = ["--yes", "--name", "middle", "--embedding", "a89", "--tokens", "a85"];
    add(dir.path(), &file, &more).expect(0, &["wrote"]);
    let found = manifest(dir.path(), "middle");
    assert!(matches!(found.input.front_end, FrontEnd::Sound(_)));
    assert_eq!(found.cells(), Cells::Grid { rows: 6, cols: 4 });
    assert!(matches!(found.embedding, EmbeddingSpec::Node { dim: 1024, .. }));
}

#[test]
fn a_network_that_keeps_a_state_is_refused_with_what_it_wants() {
    let Some(dev) = dev_data::dev_data() else { return };
    let dir = tempfile::tempdir().unwrap();
    let said = add(dir.path(), &dev.join("encoders/silero_vad.onnx"), &["--yes"]);
    said.expect(66, &["wants sr, h, c besides input"]);
}
