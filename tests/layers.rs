//! What may use what: a module uses modules on lower lines, never its neighbours or higher ones, and
//! a few names belong to few places. Comments and the contents of strings do not count.

use std::fs;
use std::path::{Path, PathBuf};

use common::rust_code::{code_only, without_tests};

mod common {
    pub(crate) mod rust_code;
}

/// Lowest first. `design/architecture.md` shows the same lines, `src/lib.rs` has the same order.
const LINES: &[&[&str]] = &[
    &["base"],
    &["config"],
    &["nn", "signal"],
    &["encode"],
    &["learn"],
    &["store"],
    &["capture", "emit"],
    &["pipeline"],
    &["web"],
    &["cli"],
];

/// Where a rule's words may stand; folders end in `/`, and `main.rs` belongs to `cli/`.
enum Place {
    OnlyIn(&'static [&'static str]),
    NotIn(&'static [&'static str]),
}

struct Rule {
    /// Found only where they are not part of a longer name.
    words: &'static [&'static str],
    place: Place,
    /// Whether code under `#[cfg(test)]` must keep it, too.
    binds_tests: bool,
    message: &'static str,
}

const PURE: &[&str] = &["nn/", "signal/", "learn/"];

const RULES: &[Rule] = &[
    Rule {
        words: &["crate::{", "std::{"],
        place: Place::OnlyIn(&[]),
        binds_tests: true,
        message: "write one `use` line per module",
    },
    Rule {
        words: &["tract", "tract_core", "tract_data", "tract_hir", "tract_linalg", "tract_onnx"],
        place: Place::OnlyIn(&["encode/onnx.rs"]),
        binds_tests: true,
        message: "only encode/onnx.rs names tract, so that another runtime can stand beside it",
    },
    Rule {
        words: &["ort", "ort_sys"],
        place: Place::OnlyIn(&["encode/onnxruntime.rs"]),
        binds_tests: true,
        message: "only encode/onnxruntime.rs names ort; it stands behind encode::network::Network",
    },
    Rule {
        words: &["ureq"],
        place: Place::OnlyIn(&["cli/models/download.rs"]),
        binds_tests: true,
        message: "only a download that somebody asked for uses the network; the daemon never does",
    },
    Rule {
        words: &["anyhow"],
        place: Place::OnlyIn(&["cli/"]),
        binds_tests: true,
        message: "a layer has its own error type; only cli may use anyhow",
    },
    Rule {
        words: &["print!", "println!", "eprint!", "eprintln!", "io::stdout", "io::stderr"],
        place: Place::OnlyIn(&["cli/"]),
        binds_tests: false,
        message: "only cli prints; return the value, log it, or take a `Write`",
    },
    Rule {
        words: &["serde", "serde_json"],
        place: Place::OnlyIn(&["config/", "store/", "emit/", "web/"]),
        binds_tests: false,
        message: "formats belong to config, store, emit and web; hand them plain values",
    },
    Rule {
        words: &["async", "await", "tokio"],
        place: Place::OnlyIn(&["web/"]),
        binds_tests: true,
        message: "only web may be async; elsewhere a thread with a bounded queue",
    },
    Rule {
        words: &["std::fs", "std::net", "std::process", "std::env"],
        place: Place::NotIn(PURE),
        binds_tests: false,
        message: "nn, signal and learn do no I/O; take bytes or values",
    },
    Rule {
        words: &["std::thread"],
        place: Place::NotIn(PURE),
        binds_tests: false,
        message: "nn, signal and learn start no threads; the pipeline does",
    },
    Rule {
        words: &["Instant", "SystemTime"],
        place: Place::NotIn(PURE),
        binds_tests: false,
        message: "nn, signal and learn have no clock; take stream time as a value",
    },
    Rule {
        words: &["log::"],
        place: Place::NotIn(PURE),
        binds_tests: false,
        message: "nn, signal and learn do not log; count it, and let the caller tell",
    },
];

#[test]
fn the_program_keeps_to_its_layers() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let files = rust_files(&src);
    assert!(10 < files.len(), "found only {} source files below {}", files.len(), src.display());
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable source file");
        let name = file.strip_prefix(&src).expect("a file below src").to_string_lossy();
        wrong.extend(violations(&name, &text));
    }
    assert!(wrong.is_empty(), "against the layers:\n{}", wrong.join("\n"));
}

#[test]
fn the_library_lists_its_modules_in_the_order_of_the_layers() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
        .expect("a readable src/lib.rs");
    let listed: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let expected: Vec<&str> =
        LINES.iter().copied().flatten().copied().filter(|name| listed.contains(name)).collect();
    assert_eq!(listed, expected, "src/lib.rs and LINES above must agree");
}

/// Everything that `text`, the content of `src/<name>`, does against direction and rules.
fn violations(name: &str, text: &str) -> Vec<String> {
    let code = code_only(text);
    let product = without_tests(&code);
    let name = if name == "main.rs" { "cli/main.rs" } else { name };
    let mut wrong = Vec::new();
    let module = name.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    if let Some(height) = LINES.iter().position(|line| line.contains(&module)) {
        for forbidden in LINES[height..].iter().copied().flatten() {
            if *forbidden != module && mentions(&code, &format!("crate::{forbidden}")) {
                wrong.push(format!("src/{name} uses crate::{forbidden}, which is not below it"));
            }
        }
    } else if module != "lib" {
        wrong.push(format!("src/{name}: {module:?} has no line in tests/layers.rs"));
    }
    for rule in RULES {
        let bound = match rule.place {
            Place::OnlyIn(places) => !places.iter().any(|place| name.starts_with(place)),
            Place::NotIn(places) => places.iter().any(|place| name.starts_with(place)),
        };
        let text = if rule.binds_tests { &code } else { &product };
        for word in rule.words.iter().filter(|word| bound && mentions(text, word)) {
            wrong.push(format!("src/{name} says `{word}`: {}", rule.message));
        }
    }
    wrong
}

/// Whether `word` stands in `code` and is not part of a longer name.
fn mentions(code: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let ends_in_name = word.ends_with(is_name);
    code.match_indices(word).any(|(at, _)| {
        let goes_on = ends_in_name && code[at + word.len()..].starts_with(is_name);
        !code[..at].ends_with(is_name) && !goes_on
    })
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a readable folder of src") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The checker itself.
mod checker {
    use super::*;

    #[track_caller]
    fn assert_refused(name: &str, text: &str, because: &str) {
        let wrong = violations(name, text);
        assert_eq!(wrong.len(), 1, "{text:?} in {name} gave {wrong:?}");
        assert!(wrong[0].contains(because), "{:?} does not say {because:?}", wrong[0]);
    }

    #[track_caller]
    fn assert_allowed(name: &str, text: &str) {
        assert_eq!(violations(name, text), Vec::<String>::new(), "{text:?} in {name}");
    }

    #[test]
    fn refuses_neighbours_and_higher_modules() {
        assert_refused("learn/gate.rs", "use crate::pipeline::Stage;", "crate::pipeline");
        assert_refused("nn/mod.rs", "use crate::signal::mel::Mel;", "crate::signal");
        assert_refused("capture/avi.rs", "fn f() { crate::emit::send() }", "crate::emit");
        assert_refused("base/rng.rs", "use crate::config::Settings;", "crate::config");
        assert_refused("web/mod.rs", "use crate::cli::Exit;", "not below it");
        assert_refused("learn/mod.rs", "mod tests { use crate::store::S; }", "crate::store");
    }

    #[test]
    fn allows_lower_modules_and_itself() {
        assert_allowed("learn/gate.rs", "use crate::learn::memory::Memory; use crate::nn::Layer;");
        assert_allowed("cli/run.rs", "use crate::pipeline::Pipeline; use crate::config;");
        assert_allowed("nn/mod.rs", "use crate::nn_extra;");
        assert_allowed("main.rs", "use anyhow::Result; fn main() { println!(); }");
    }

    #[test]
    fn refuses_modules_without_a_line() {
        assert_refused("util/mod.rs", "", "no line");
        assert_refused("helper.rs", "", "no line");
    }

    #[test]
    fn refuses_names_outside_their_places() {
        assert_refused("encode/mod.rs", "use tract_onnx::prelude::Tensor;", "only encode/onnx.rs");
        assert_refused("encode/mod.rs", "use ort::session::Session;", "only encode/onnxruntime.rs");
        assert_refused("pipeline/daemon.rs", "use ureq::Agent;", "the daemon never does");
        assert_refused("store/mod.rs", "use anyhow::Context;", "only cli may use anyhow");
        assert_refused("pipeline/mod.rs", "fn f() { println!(\"x\"); }", "only cli prints");
        assert_refused("encode/mod.rs", "#[derive(serde::Deserialize)]", "config, store, emit");
        assert_refused("emit/mqtt.rs", "async fn f() {}", "only web may be async");
        assert_refused("config/mod.rs", "use crate::{base, config};", "one `use` line");
        assert_refused("signal/image.rs", "use std::{fs, io};", "one `use` line");
        assert_refused("signal/image.rs", "use std::fs::File;", "no I/O");
        assert_refused("nn/mod.rs", "use std::thread::Builder;", "no threads");
        assert_refused("learn/mod.rs", "use std::time::{Duration, Instant};", "no clock");
        assert_refused("learn/mod.rs", "fn f() { log::warn!(); }", "do not log");
    }

    #[test]
    fn allows_names_in_their_places() {
        assert_allowed("encode/onnx.rs", "use tract_onnx::prelude::Tensor;");
        assert_allowed("encode/onnxruntime.rs", "use ort::session::Session;");
        assert_allowed("cli/models/download.rs", "use ureq::Agent;");
        assert_allowed("cli/run.rs", "use anyhow::Context; fn f() { eprintln!(); }");
        assert_allowed("emit/jsonl.rs", "use serde::Serialize; use log::warn;");
        assert_allowed("capture/file.rs", "use std::fs::File; use std::thread::Builder;");
        assert_allowed("learn/mod.rs", "use std::time::Duration; fn f() { catalog::open() }");
        assert_allowed("signal/mel.rs", "fn f() { blueprint!(); pretract_onnx() }");
    }

    #[test]
    fn tests_in_a_file_may_read_files_and_print() {
        let text = "#[cfg(test)]\nmod tests { fn f() { std::fs::read(p); println!(); } }";
        assert_allowed("learn/mod.rs", text);
        assert_refused("learn/mod.rs", &format!("{text} use std::fs;"), "no I/O");
        assert_refused("learn/mod.rs", "#[cfg(test)] use a::{b}; use std::fs;", "no I/O");
    }

    #[test]
    fn comments_and_strings_do_not_count() {
        assert_allowed("nn/mod.rs", "//! Unlike crate::learn, std::fs\n/* log:: /* Instant */ */");
        assert_allowed(
            "nn/mod.rs",
            r##"const A: &str = "std::fs \" log::"; const B: &str = r#"Instant""#;"##,
        );
        assert_refused("nn/mod.rs", "const A: char = '\"'; use std::fs; // \"", "no I/O");
        assert_refused(
            "nn/mod.rs",
            "fn f<'a>(x: &'a str) { let q = '\\''; std::fs::read(x) }",
            "no I/O",
        );
        assert_refused("nn/mod.rs", "const A: &str = r\"\\\"; use std::fs; // \"", "no I/O");
    }
}
