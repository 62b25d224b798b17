//! What can go wrong between a device, a file or a command and us.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::base::recovery::Recovery;

/// Each message names the thing, the value found, the values allowed and, where there is one, the
/// setting to change. No message repeats its source: the log prints the chain.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// A recording that cannot be opened or read.
    #[error("cannot read {path:?}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
}

impl CaptureError {
    /// What the supervisor should do.
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::File { .. } => Recovery::RetryAfter(Duration::from_secs(5)),
        }
    }
}
