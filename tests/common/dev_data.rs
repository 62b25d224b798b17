//! Where the development data lies, if it does.

use std::path::PathBuf;

/// `$HABITUATE_DEV_DATA` if set, else `target/dev`; `None`, and a word about it, where neither is a
/// folder.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn dev_data() -> Option<PathBuf> {
    let path = std::env::var_os("HABITUATE_DEV_DATA")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/dev"));
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("no development data at {}: skipped", path.display());
    None
}
