//! Exit codes, after `sysexits.h`.

use anyhow::Error;

use crate::base::recovery::EXIT_CONFIG;
use crate::base::recovery::Recovery;
use crate::capture::error::CaptureError;
use crate::config::daemon::ConfigError;
use crate::encode::error::EncodeError;
use crate::pipeline::replay::ReplayError;
use crate::pipeline::resume::OpenError;
use crate::store::error::StoreError;

/// Wrong arguments.
pub(crate) const EXIT_USAGE: u8 = 64;
/// An input that cannot be read.
pub(crate) const EXIT_INPUT: u8 = 66;
/// Nothing works: no source could be opened, a self-test failed.
pub(crate) const EXIT_UNAVAILABLE: u8 = 69;
/// Our bug.
pub(crate) const EXIT_SOFTWARE: u8 = 70;
/// The disk.
pub(crate) const EXIT_DISK: u8 = 74;

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) error: Error,
}

impl Failure {
    pub(crate) fn new(code: u8, error: impl Into<Error>) -> Self {
        Self { code, error: error.into() }
    }
}

/// For errors whose exit code depends on where they came up.
pub(crate) trait OrExit<T> {
    /// Ends the command with `code` on an error.
    fn or_exit(self, code: u8) -> Result<T, Failure>;
}

impl<T, E: Into<Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, code: u8) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(code, error))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(EXIT_CONFIG, error)
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        let code = match error.recovery() {
            Recovery::DisablePart => EXIT_CONFIG,
            _ => EXIT_INPUT,
        };
        Self::new(code, error)
    }
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        Self::new(EXIT_CONFIG, error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::OtherEncoder { .. }
            | StoreError::OtherSettings { .. }
            | StoreError::Newer { .. } => EXIT_CONFIG,
            StoreError::InUse { .. } => EXIT_UNAVAILABLE,
            _ => EXIT_DISK,
        };
        Self::new(code, error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Encoder(error) => error.into(),
            OpenError::Store(error) => error.into(),
        }
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Input(error) => error.into(),
            // The encoder was fine when it was opened.
            ReplayError::Encoder(error) => Self::new(EXIT_SOFTWARE, error),
            ReplayError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_no_source_can_have_is_no_missing_input() {
        let wrong = CaptureError::Setting { what: "x", found: "0".into(), expected: "1" };
        assert_eq!(Failure::from(wrong).code, EXIT_CONFIG);
        let missing = CaptureError::NotAFile { path: "/srv/pipe".into() };
        assert_eq!(Failure::from(missing).code, EXIT_INPUT);
    }
}
