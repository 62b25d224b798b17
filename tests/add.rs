//! `habituate models add`: what a second opinion says, names that are taken, and which words tell what is
//! wrong. See `tests/golden/encoders/make_odd.py`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use common::models::Said;
use common::models::add;
use common::models::here;
use common::models::manifest;
use common::models::models;
use common::models::models_with;
use common::models::ours;
use habituate::encode::bundled;
use sha2::Digest;
use sha2::Sha256;

mod common {
    pub(crate) mod models;
}

fn golden(name: &str) -> PathBuf {
    here("golden/encoders").join(name)
}

/// `models add` of a network from frames to frames and their mean, where `python3` is a script that does
/// `run` for a comparison.
fn with_python(dir: &Path, run: &str) -> Said {
    let python = dir.join("python3");
    fs::write(&python, format!("#!/bin/sh\n[ $# -gt 2 ] || exit 0\n{run}\n")).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", dir.display(), env::var("PATH").unwrap());
    let network = golden("frames_first.onnx");
    let add = ["add", network.to_str().unwrap(), "--yes"];
    models_with(&dir.join("encoders"), &path, &add)
}

/// Fails, or never ends, where what it complains about goes to a pipe that nobody reads: that holds 64 kB.
#[test]
fn a_python_that_complains_at_length_is_heard_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let long = "head -c 200000 /dev/zero | tr '\\000' 'x' >&2; echo >&2;";
    let shapes = "echo 1 1 96 64; echo 1 1 1 64;";
    let zeros = format!("{long} {shapes} head -c 24832 /dev/zero; exec cat >/dev/null");
    with_python(dir.path(), &zeros).expect(69, &["differ by", "of the largest value"]);
    let fails = format!("{long} {shapes} head -c 24576 >/dev/null; echo 'Fail: last' >&2; exit 1");
    let said = with_python(dir.path(), &fails);
    said.expect(69, &["ONNX Runtime cannot run", "Fail: last", "nothing was written"]);
    assert!(!said.words.contains("xxxxxxxx"), "{} bytes", said.words.len());
}

/// Fails where Python is started in the folder that the command is given in: it looks there for modules first.
#[test]
fn modules_in_the_current_folder_are_not_imported() {
    let dir = tempfile::tempdir().unwrap();
    let taken = dir.path().join("taken");
    for module in ["numpy.py", "onnxruntime.py"] {
        let script = format!("open({:?}, 'w')\n", taken.display().to_string());
        fs::write(dir.path().join(module), script).unwrap();
    }
    let network = golden("frames_first.onnx");
    let status = Command::new(env!("CARGO_BIN_EXE_habituate"))
        .args(["models", "add", network.to_str().unwrap(), "--yes"])
        .env("HABITUATE_ENCODERS", dir.path().join("encoders"))
        .current_dir(dir.path())
        .status()
        .unwrap();
    assert!(status.success() && !taken.exists());
}

/// Fails where a graph that ONNX Runtime refuses passes for a runtime that is not there.
#[test]
fn what_onnx_runtime_refuses_is_not_written_and_its_last_words_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let words = "echo 'Traceback' >&2; echo 'Fail: no kernel for Relu' >&2; echo >&2; exit 1";
    let shapes = "echo 1 1 96 64; echo 1 1 1 64; head -c 24576 >/dev/null;";
    for run in [words.to_owned(), format!("{shapes} {words}")] {
        let said = with_python(dir.path(), &run);
        said.expect(69, &["ONNX Runtime cannot run", "no kernel for Relu", "nothing was written"]);
        assert!(!dir.path().join("encoders").exists(), "{run}");
    }
}

#[test]
fn without_onnx_runtime_it_goes_on_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let network = golden("frames_first.onnx");
    let add = ["add", network.to_str().unwrap(), "--yes"];
    let said = models_with(dir.path(), "/nowhere", &add);
    said.expect(0, &["not compared with ONNX Runtime: neither", "wrote"]);
}

#[test]
fn an_answer_that_is_not_finite_is_told_from_one_that_differs() {
    let dir = tempfile::tempdir().unwrap();
    // Every bit set is a NaN: 6144 tokens' numbers, and 64 of the embedding.
    let nans = "echo 1 1 96 64; echo 1 1 1 64; head -c 24832 /dev/zero | tr '\\000' '\\377'; cat >/dev/null";
    let said = with_python(dir.path(), nans);
    said.expect(69, &["onnxruntime gives numbers that are not finite", "and tract finite ones"]);
    let zeros = nans.replace("| tr '\\000' '\\377'", "");
    with_python(dir.path(), &zeros).expect(69, &["differ by", "of the largest value"]);
    let network = golden("nan.onnx");
    let said = models_with(dir.path(), "/nowhere", &["add", network.to_str().unwrap(), "--yes"]);
    said.expect(69, &["tract gives numbers that are not finite", "--normalise, --set"]);
    assert!(!dir.path().join("encoders").exists() && !dir.path().join("nan.toml").exists());
}

/// Fails where shapes that are noted for an open batch are believed, and where a layer of whole numbers hides all
/// others.
#[test]
fn a_network_as_exporters_write_it_is_taken_and_its_grid_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let said = add(dir.path(), &golden("noted.onnx"), &["--yes", "--normalise", "unit"]);
    said.expect(0, &["its tokens are the layer \"relu\" of [3, 48, 64]", "wrote"]);
}

/// Fails where what a convolution makes is taken for rows, where the mean of all patches is taken for one of them,
/// and where samples of 16 bits come from −1 to 1.
#[test]
fn tokens_and_samples_that_are_laid_out_otherwise_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let written = |name: &str, more: &[&str]| {
        let file = golden(&format!("{name}.onnx"));
        add(dir.path(), &file, &[&["--yes"], more].concat()).expect(0, &["wrote"]);
        models(dir.path(), &["verify", name]).expect(0, &["ok"]);
        fs::read_to_string(dir.path().join(format!("{name}.toml"))).unwrap()
    };
    for (name, more, line) in [
        ("columns", &[][..], r#"tokens = { node = "columns", axes = "dt", len = 12, dim = 8 }"#),
        ("class_token", &["--normalise", "unit"], "skip = 1, rows = 4, cols = 4"),
        ("whole", &[], "scale = 32768.0"),
    ] {
        let text = written(name, more);
        assert!(text.contains(line), "{line:?} missing in: {text}");
    }
}

/// Fails where 1000 chances become the embedding of whom nobody asks.
/// The label is the number of the largest of 1000 classes, and computed by nobody.
#[test]
fn a_classifier_is_told_and_its_label_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (file, unit) = (golden("classes.onnx"), ["--yes", "--normalise", "unit"]);
    add(dir.path(), &file, &unit).expect(
        0,
        &[
            "\"label\" is int64, and passed over",
            "\"logits\" looks like a classifier's 1000 classes",
            "\"flat\" of [3], is the embedding (the classes with --embedding logits)",
        ],
    );
    assert_eq!(manifest(dir.path(), "classes").embedding_dim(), 3);
    let stated = ["--name", "better", "--embedding", "logits", "--tokens", "relu"];
    let said = add(dir.path(), &file, &[&unit[..], &stated].concat());
    said.expect(0, &["wrote"]);
    assert!(!said.words.contains("label") && !said.words.contains("warning"), "{}", said.words);
    assert_eq!(manifest(dir.path(), "better").embedding_dim(), 1000);
    let stated = ["--name", "worse", "--embedding", "label"];
    add(dir.path(), &file, &[&unit[..], &stated].concat())
        .expect(64, &["\"label\"", "gives int64; name one that gives float32"]);
}

#[test]
fn what_cannot_go_in_says_what_would() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("encoders");
    for (file, more, code, part) in [
        (golden("bytes.onnx"), &[][..], 66, "takes uint8; export it with float32 input"),
        (golden("half.onnx"), &[], 66, "is float16 at its input \"input\"; convert it to float32"),
        (golden("half.onnx"), &[], 66, "keep_io_types"),
        (golden("batch.onnx"), &[], 66, "takes 4 windows at a time; export it with a batch of 1"),
        (golden("grey.onnx"), &[], 64, "grey pictures, of one channel, say --modality picture"),
        (golden("grey.onnx"), &["--modality", "picture"], 64, "the scale of pixels"),
        (golden("open.onnx"), &["--shape", "1,64,64"], 64, "--shape 1,64,64: 3 axes, and 4"),
        (
            golden("frames_first.onnx"),
            &["--set", "license=", "--set", "licence=MIT"],
            64,
            "--set licence=MIT: unknown field `licence`",
        ),
        (
            golden("frames_first.onnx"),
            &["--set", "input.sound.layout=bands_frames"],
            64,
            "64 bands of 96 frames were said, and the network's input has 96 times 64",
        ),
        (golden(""), &[], 66, "is a folder; name the ONNX file in it"),
    ] {
        let said = add(&folder, &file, &[more, &["--yes"]].concat());
        said.expect(code, &[part]);
        assert!(!said.words.contains("draft") && !folder.exists(), "{}", said.words);
    }
}

#[test]
fn a_network_that_is_too_large_is_told_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file) = (dir.path().join("encoders"), dir.path().join("large.onnx"));
    // Nothing is written: such a file has a length alone.
    fs::File::create(&file).unwrap().set_len((512 << 20) + 1).unwrap();
    let said = add(&folder, &file, &["--yes"]);
    said.expect(66, &["is a file of 536870913 bytes", "512 MiB is the most", "network of large"]);
    assert!(!said.words.contains("SHA-256") && !folder.exists(), "{}", said.words);
}

#[test]
fn operators_that_are_lacking_are_told_with_the_runtime_that_has_more() {
    let dir = tempfile::tempdir().unwrap();
    let said = add(dir.path(), &golden("odd.onnx"), &["--yes"]);
    said.expect(66, &["tract, the built-in runtime", "--runtime onnxruntime", "guide/encoders.md"]);
    // Before it is asked what its pixels are.
    let said = add(dir.path(), &golden("wishful_picture.onnx"), &["--yes"]);
    said.expect(66, &["Wishful", "the built-in runtime"]);
}

/// Fails where the built-in runtime takes the input for 32-bit floats, whatever it is.
#[test]
fn a_manifest_for_whole_numbers_is_refused_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (network, bytes) = (golden("frames_first.onnx"), fs::read(golden("bytes.onnx")).unwrap());
    let stated = ["--yes", "--tokens", "tokens"];
    add(dir.path(), &network, &stated).expect(0, &[]);
    let path = dir.path().join("frames_first.toml");
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let before = manifest(dir.path(), "frames_first").sha256_hex();
    let text = fs::read_to_string(&path).unwrap().replace(&before, &hash);
    fs::write(&path, text).unwrap();
    fs::write(dir.path().join("frames_first.onnx"), bytes).unwrap();
    models(dir.path(), &["verify", "frames_first"]).expect(69, &["takes uint8"]);
}

#[test]
fn a_name_that_is_taken_stays_unless_it_is_to_be_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file) = (dir.path().join("encoders"), ours(dir.path(), bundled::DEFAULT_SOUND));
    fs::create_dir(&folder).unwrap();
    let alone = folder.join("given.onnx");
    fs::write(&alone, "somebody's only copy").unwrap();
    add(&folder, &file, &["--yes"]).expect(64, &["taken by", "given.onnx", "--replace"]);
    assert_eq!(fs::read(&alone).unwrap(), b"somebody's only copy");
    for name in ["--name=.hidden", "--name=net.toml", "--name=net.onnx"] {
        add(&folder, &file, &["--yes", name]).expect(64, &["must not"]);
    }
    for _ in 0..2 {
        add(&folder, &file, &["--yes", "--replace"]).expect(0, &["wrote"]);
    }
    models(&folder, &["verify", "given"]).expect(0, &["ok     given"]);
    let bundled = ["--yes", "--replace", "--name", bundled::DEFAULT_SOUND];
    add(&folder, &file, &bundled).expect(64, &["taken by a bundled encoder"]);
    // A network that lies where it would be put is not in its own way.
    let own = folder.join("own.onnx");
    fs::copy(&file, &own).unwrap();
    add(&folder, &own, &["--yes"]).expect(0, &["wrote"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_anything_is_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let file = ours(dir.path(), bundled::DEFAULT_SOUND);
    let below = file.join("encoders");
    let said = add(dir.path(), &file, &["--yes", "--dir", below.to_str().unwrap()]);
    said.expect(74, &["cannot write to", "say another folder with --dir"]);
    assert!(!said.words.contains("Guessed"), "{}", said.words);
}
