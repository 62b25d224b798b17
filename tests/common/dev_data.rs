//! Where the development recordings lie. They are never committed; tests that need them are skipped,
//! and say so, where they are not.

use std::path::{Path, PathBuf};

/// `$HABITUATE_DEV_DATA`, or else `target/dev`, where it exists.
#[expect(clippy::print_stderr, reason = "a skipped test must not look like one that passed")]
pub(crate) fn dev_data() -> Option<PathBuf> {
    let unpacked = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/dev");
    let dir = std::env::var_os("HABITUATE_DEV_DATA").map_or_else(unpacked, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: no development data in {}; set HABITUATE_DEV_DATA", dir.display());
    None
}
