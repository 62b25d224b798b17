//! What can go wrong with the state directory.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

use crate::base::disk::takes_nothing;
use crate::store::checkpoint::CheckpointError;

/// What can go wrong with the state directory.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk said no.
    #[error("cannot {doing} {path:?}")]
    Disk {
        /// Such as "write".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// Another process works here.
    #[error(
        "{path:?} is in use by another habituate; stop it, or give each its own state directory"
    )]
    InUse {
        /// The state directory.
        path: PathBuf,
    },
    /// Learnt by another encoder: continuing would mix two languages.
    #[error("{path:?} was learnt with {}", another(found, wanted))]
    OtherEncoder {
        /// The checkpoint.
        path: PathBuf,
        /// Its encoder.
        found: String,
        /// The configured one.
        wanted: String,
    },
    /// Whole, but not readable with these settings: they, not the file, are to be mended.
    #[error(
        "{path:?} was learnt with other settings: {why}; give the configuration that it was learnt with (-c), or begin \
         a new state in another directory (--state)"
    )]
    OtherSettings {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        why: String,
    },
    /// Written by a newer program.
    #[error("{path:?} is no state for this program")]
    Newer {
        /// The checkpoint.
        path: PathBuf,
        /// Which format, and which we read.
        #[source]
        source: CheckpointError,
    },
}

/// What is wrong with an encoder, and what to do; two files may bear one name.
fn another(found: &str, wanted: &str) -> String {
    if found == wanted {
        return format!(
            "another version of encoder {found}: its network is another one; give the manifest of that version as \
             the encoder, or begin anew in another state directory or under another source name"
        );
    }
    format!(
        "encoder {found}, but {wanted} is configured; choose that encoder again, or another state directory"
    )
}

impl StoreError {
    /// Whether the disk takes nothing at the moment, which may pass; see [`takes_nothing`].
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Disk { source, .. } if takes_nothing(source))
    }
}

/// The disk's error with what was tried, for `map_err`.
pub(super) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |source| StoreError::Disk { doing, path, source }
}
