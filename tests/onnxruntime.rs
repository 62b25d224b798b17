//! ONNX Runtime beside the built-in runtime: the same numbers, and words instead of a crash where its
//! library is not there. With the library: `ORT_DYLIB_PATH`, or that of the Python package.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[cfg(feature = "onnxruntime")]
#[path = "common/dev_data.rs"]
mod dev_data;

use std::path::Path;
use std::process::Command;
use std::process::Stdio;

/// Exit code and all that was said, with `library` as ONNX Runtime's.
fn habituate(library: &Path, args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_habituate"))
        .args(args)
        .env("ORT_DYLIB_PATH", library)
        .env("HABITUATE_ENCODERS", "/nowhere")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    // A process that a signal has ended has no code.
    (output.status.code().expect("it must not crash"), words)
}

#[track_caller]
fn expect(found: &(i32, String), code: i32, parts: &[&str]) {
    assert_eq!(found.0, code, "{}", found.1);
    for part in parts {
        assert!(found.1.contains(part), "{part:?} missing in: {}", found.1);
    }
}

#[cfg(not(feature = "onnxruntime"))]
#[test]
fn a_program_without_it_says_how_to_get_it() {
    let found = habituate(Path::new(""), &["selftest", "--runtime", "onnxruntime"]);
    expect(&found, 78, &["built without it", "--features onnxruntime"]);
}

#[cfg(feature = "onnxruntime")]
mod with_it {
    use super::*;

    use std::env;
    use std::fs;
    use std::path::PathBuf;

    const PYTHON: &str = "import glob, os, onnxruntime; \
        print(glob.glob(os.path.dirname(onnxruntime.__file__) + '/capi/libonnxruntime.so*')[0])";

    /// The library; `None`, and a word about it, where there is none.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn library() -> Option<PathBuf> {
        let stated = env::var_os("ORT_DYLIB_PATH").map(PathBuf::from).filter(|path| path.is_file());
        let found = stated.or_else(|| {
            let output = Command::new("python3").args(["-c", PYTHON]).output().ok()?;
            let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
            path.is_file().then_some(path)
        });
        if found.is_none() {
            eprintln!("no libonnxruntime.so, neither at $ORT_DYLIB_PATH nor in Python: skipped");
        }
        found
    }

    fn here(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
    }

    /// Fails where `models add` asks the built-in runtime for what another shall run.
    #[test]
    fn an_encoder_for_it_alone_is_added_and_checked() {
        let Some(library) = library() else { return };
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().to_str().unwrap();
        let network = here("golden/encoders/lp_pool.onnx");
        let add = ["models", "add", network.to_str().unwrap(), "--yes", "--dir", to];
        expect(&habituate(&library, &add), 66, &["LpPool", "--runtime onnxruntime"]);
        let runtime = ["--runtime", "onnxruntime"];
        let added = habituate(&library, &[&add[..], &runtime].concat());
        expect(&added, 0, &["for onnxruntime alone", "LpPool", "runtime = \"onnxruntime\""]);
        let manifest = dir.path().join("lp_pool.toml");
        let verify = ["models", "verify", manifest.to_str().unwrap()];
        expect(&habituate(&library, &[&verify[..], &runtime].concat()), 0, &["ok"]);
        expect(&habituate(&library, &verify), 69, &["WRONG"]);
        let bench =
            ["bench", "--encoders", "--encoder", manifest.to_str().unwrap(), "--seconds", "0.1"];
        expect(&habituate(&library, &bench), 0, &["lp_pool", "LpPool"]);
        let frames = here("golden/encoders/frames_first.onnx");
        let both = ["models", "add", frames.to_str().unwrap(), "--yes", "--dir", to];
        let both = habituate(&library, &[&both[..], &runtime].concat());
        expect(&both, 0, &["tract can run it, too", "wrote"]);
    }

    #[test]
    fn an_absent_library_is_a_message() {
        let selftest = ["selftest", "--runtime", "onnxruntime"];
        let found = habituate(Path::new("/nowhere/libonnxruntime.so"), &selftest);
        expect(&found, 78, &["cannot be used", "/nowhere/libonnxruntime.so", "ORT_DYLIB_PATH"]);
        let verify = ["models", "verify", "--runtime", "onnxruntime"];
        let found = habituate(Path::new("/nowhere/libonnxruntime.so"), &verify);
        expect(&found, 78, &["cannot be used"]);
        assert!(!found.1.contains("WRONG"), "{}", found.1);
    }

    /// Fails where a library for the processor alone runs there instead, and nobody is told.
    #[test]
    fn a_library_for_the_processor_alone_is_refused_for_a_graphics_card() {
        let Some(library) = library() else { return };
        for (runtime, what) in [("onnxruntime-cuda", "CUDA"), ("onnxruntime-tensorrt", "TensorRT")]
        {
            let found = habituate(&library, &["selftest", "--runtime", runtime]);
            let place = library.display();
            let cannot = format!("the runtime {runtime} cannot be used: the library at {place}");
            let offers = format!("offers no {what}; it is ONNX Runtime's GPU build that does");
            expect(&found, 78, &["runtime = \"onnxruntime\"", &cannot, &offers]);
        }
    }

    #[test]
    fn a_file_that_is_no_library_is_a_message() {
        let dir = tempfile::tempdir().unwrap();
        let wrong = dir.path().join("libonnxruntime.so");
        fs::write(&wrong, "not a library").unwrap();
        let found = habituate(&wrong, &["selftest", "--runtime", "onnxruntime"]);
        expect(&found, 78, &["cannot be used", "ORT_DYLIB_PATH"]);
    }

    /// A second opinion is not needed.
    #[test]
    fn adding_an_encoder_goes_on_without_the_library() {
        let dir = tempfile::tempdir().unwrap();
        let file = here("golden/encoders/frames_first.onnx");
        let add = ["models", "add", file.to_str().unwrap(), "--yes", "--dir"];
        let args = [&add[..], &[dir.path().to_str().unwrap()]].concat();
        expect(&habituate(Path::new("/nowhere/libonnxruntime.so"), &args), 0, &["wrote"]);
    }

    #[test]
    fn bundled_encoders_give_their_golden_outputs() {
        let Some(library) = library() else { return };
        let found = habituate(&library, &["selftest", "--runtime", "onnxruntime"]);
        let names = ["logmel-patches", "sound:", "sound-small:", "picture-patches"];
        for name in names {
            expect(&found, 0, &[&format!("ok     {name}")]);
        }
    }

    #[test]
    fn development_encoders_give_their_golden_outputs() {
        let Some(library) = library() else { return };
        let Some(dev) = dev_data::dev_data() else { return };
        let mut seen = 0;
        for name in ["yamnet", "mobilenet_v1_025", "mobilenet_v2", "prototype_sound"] {
            let manifest = here(&format!("encoders/{name}.toml"));
            let text = fs::read_to_string(&manifest).unwrap();
            let file = text.lines().find_map(|line| line.strip_prefix("file = ")).unwrap();
            let file = dev.join("encoders").join(file.trim_matches('"'));
            if !file.is_file() {
                eprintln!("skipped: no {}", file.display());
                continue;
            }
            seen += 1;
            let (manifest, file) = (manifest.to_str().unwrap(), file.to_str().unwrap());
            let of = ["selftest", "--runtime", "onnxruntime", "--encoder", manifest];
            let found = habituate(&library, &[&of[..], &["--encoder-file", file]].concat());
            expect(&found, 0, &["ok "]);
        }
        assert!(3 <= seen, "{seen} networks in {}", dev.display());
    }

    /// Turned input, raw samples, and what cannot be run.
    #[test]
    fn odd_graphs_are_taken_and_refused_as_by_the_built_in_runtime() {
        let Some(library) = library() else { return };
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_str().unwrap();
        for name in ["frames_first", "bands_first", "samples"] {
            let file = here(&format!("golden/encoders/{name}.onnx"));
            let args = ["models", "add", file.to_str().unwrap(), "--yes", "--dir", folder];
            expect(&habituate(&library, &args), 0, &["agrees with onnxruntime"]);
            let manifest = dir.path().join(format!("{name}.toml"));
            let manifest = manifest.to_str().unwrap();
            let of = ["selftest", "--runtime", "onnxruntime", "--encoder", manifest];
            expect(&habituate(&library, &of), 0, &["ok "]);
        }
        let file = here("golden/encoders/foreign.onnx");
        let args = ["models", "add", file.to_str().unwrap(), "--yes", "--dir", folder];
        let found = habituate(&library, &args);
        expect(&found, 69, &["ONNX Runtime cannot run", "nothing was written"]);
        assert!(!dir.path().join("foreign.toml").exists());
        let manifest = dir.path().join("samples.toml");
        let wrong = here("golden/encoders/frames_first.onnx");
        let of = ["selftest", "--runtime", "onnxruntime", "--encoder", manifest.to_str().unwrap()];
        let args = [&of[..], &["--encoder-file", wrong.to_str().unwrap()]].concat();
        expect(&habituate(&library, &args), 78, &["SHA-256", "was expected"]);
    }

    #[test]
    fn both_runtimes_are_timed_in_one_table() {
        let Some(library) = library() else { return };
        let args = ["bench", "--encoders", "--seconds", "0", "--csv"];
        let (code, text) = habituate(&library, &args);
        assert_eq!(code, 0, "{text}");
        let row = text.lines().find(|line| line.starts_with("logmel-patches")).unwrap();
        let ratio: f64 = row.rsplit(',').next().unwrap().parse().unwrap();
        assert!(0.0 < ratio, "{row}");
    }
}
