//! Dependency direction: a module may use modules on lower lines, never its neighbours or higher.

use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first. The picture in `design/architecture.md` shows the same lines.
const LINES: &[&[&str]] = &[&["base"], &["config"], &["nn"], &["learn", "capture"], &["pipeline"]];

#[test]
fn modules_only_use_lower_ones() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (height, line) in LINES.iter().enumerate() {
        for module in *line {
            for file in rust_files(&src.join(module)) {
                let shown = file.display();
                let text = fs::read_to_string(&file).expect("a readable source file");
                for forbidden in LINES[height..].iter().flat_map(|line| *line) {
                    if forbidden != module && text.contains(&format!("crate::{forbidden}")) {
                        wrong.push(format!("{shown} uses crate::{forbidden}"));
                    }
                }
                if text.contains("crate::{") {
                    wrong.push(format!("{shown}: write one `use crate::module` line per module"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "against the direction:\n{}", wrong.join("\n"));
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("every module is a folder of src") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
