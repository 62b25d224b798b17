//! `habituate models` with a folder of encoders of its own, and nobody at the keyboard.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use habituate::config::manifest::Manifest;
use habituate::encode::bundled;

pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// What came of a command: its exit code, and all that it said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) words: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{}", self.words);
        for part in parts {
            assert!(self.words.contains(part), "{part:?} missing in: {}", self.words);
        }
    }
}

/// `habituate models …`.
pub(crate) fn models(folder: &Path, args: &[&str]) -> Said {
    models_with(folder, &env::var("PATH").unwrap_or_default(), args)
}

/// The same, with other programs to be found.
pub(crate) fn models_with(folder: &Path, path: &str, args: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_habituate"))
        .arg("models")
        .args(args)
        .env("HABITUATE_ENCODERS", folder)
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap();
    Said { code, words: String::from_utf8(words).unwrap() }
}

pub(crate) fn add(folder: &Path, file: &Path, more: &[&str]) -> Said {
    models(folder, &[&["add", file.to_str().unwrap()], more].concat())
}

pub(crate) fn manifest(folder: &Path, name: &str) -> Manifest {
    let text = fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
    Manifest::parse(&text).unwrap()
}

/// The networks inside the program, as files that nobody has described.
pub(crate) fn ours(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join("given.onnx");
    fs::write(&path, bundled::find(name).unwrap().onnx).unwrap();
    path
}
