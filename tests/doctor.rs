//! What `doctor` says of a state directory.

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
use std::path::Path;

use habituate::store::checkpoint::{Checkpoint, FORMAT_VERSION, OLDEST_VERSION};
use program_in::run;

/// Verdict, words and remedy of the only source's state.
fn said(dir: &Path) -> [String; 3] {
    let args = ["doctor", "--quick", "--json", "-c", "h.toml", "--state", "state"];
    let output = run(dir, &args);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = found["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["check"] == "state of view").unwrap();
    ["verdict", "found", "mend"].map(|key| finding[key].as_str().unwrap_or_default().to_owned())
}

#[test]
fn what_was_learnt_is_looked_into_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let picture = [b"YUV4MPEG2 W8 H8 F1:10 Cmono\nFRAME\n".as_slice(), &[128; 64]].concat();
    fs::write(dir.join("one.y4m"), picture).unwrap();
    let config = format!(
        "[[source]]\nkind = \"recording\"\npaths = [\"{0}/one.y4m\"]\nname = \"view\"\n\
         encoder = \"{1}/formats/tiny.toml\"\nencoder_file = \"{1}/encoders/open.onnx\"\n{2}",
        dir.display(),
        golden.display(),
        fs::read_to_string(golden.join("formats/place.toml")).unwrap()
    );
    fs::write(dir.join("h.toml"), config).unwrap();
    let folder = dir.join("state/view");
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(said(dir)[..2], ["ok", "nothing learnt yet"]);

    let older =
        fs::read(golden.join(format!("formats/format-{OLDEST_VERSION}.checkpoint"))).unwrap();
    let file = |number: u32| folder.join(format!("{number:010}.checkpoint"));
    fs::write(file(1), &older).unwrap();
    let [verdict, words, _] = said(dir);
    assert_eq!(verdict, "ok", "{words}");
    let expected = format!(
        "0000000001.checkpoint of format {OLDEST_VERSION}, which goes on in {FORMAT_VERSION}, "
    );
    assert!(words.starts_with(&expected), "{words}");
    assert!(
        words.contains(" MB, 0 s old: 1440 windows in 4.0 h, with tiny")
            || words.contains(" s old: 1440 windows in 4.0 h, with tiny"),
        "{words}"
    );

    let mut torn = older.clone();
    torn.truncate(older.len() / 2);
    fs::write(file(2), &torn).unwrap();
    let [verdict, words, mend] = said(dir);
    assert_eq!(verdict, "problem");
    assert!(words.starts_with("0000000002.checkpoint is damaged: "), "{words}");
    assert!(words.contains("goes on from 0000000001.checkpoint"), "{words}");
    assert!(mend.contains("systemctl restart habituate"), "{mend}");

    fs::remove_file(file(1)).unwrap();
    let [verdict, words, mend] = said(dir);
    assert!(verdict == "problem" && words.starts_with("nothing can be gone on from"), "{words}");
    assert!(mend.contains("ls /var/backups/habituate"), "{mend}");

    let newer =
        Checkpoint { format: FORMAT_VERSION + 1, ..Checkpoint::from_bytes(&older).unwrap() };
    fs::write(file(3), newer.to_bytes()).unwrap();
    let [verdict, words, mend] = said(dir);
    assert!(verdict == "problem" && words.contains("this program reads up to"), "{words}");
    assert!(mend.starts_with("install the version that wrote it"), "{mend}");
    assert!([2, 3].map(file).iter().all(|file| file.exists()), "doctor only looks");
}
