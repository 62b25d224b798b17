//! What a supervisor should do about an error.

use std::time::Duration;

/// The one question the supervisor asks of every error.
///
/// Error enums say *what* happened, for people. This says *what next*, for the program, so that no
/// caller has to match on another layer's variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Transient: try again after this long (the supervisor adds jitter and a cap).
    RetryAfter(Duration),
    /// This input was bad, the next may be fine: count it and go on.
    SkipItem,
    /// This part cannot work; the rest of the daemon should go on without it.
    DisablePart,
    /// Nothing useful can run. Leave with this exit code (see `sysexits.h`).
    Exit(u8),
}

/// `EX_CONFIG`. The unit file lists it under `RestartPreventExitStatus=`, because restarting does
/// not repair a configuration.
pub const EXIT_CONFIG: u8 = 78;

/// `EX_NOINPUT`. What was named on the command line is not there, or is nothing we can read.
pub const EXIT_INPUT: u8 = 66;
