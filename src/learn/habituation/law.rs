//! What it takes to become normal.

use crate::config::learn::Habituation;

/// What it takes without anybody's word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// Episodes ...
    pub episodes: u32,
    /// ... over so many seconds from the first to the last ...
    pub span_s: f64,
    /// ... and seconds of presence in all.
    pub dwell_s: f64,
}

impl Law {
    /// The law of a preset; `None` where only a word makes normal.
    pub const fn of(preset: Habituation) -> Option<Self> {
        match preset {
            Habituation::Home => Some(Self { episodes: 3, span_s: 86_400.0, dwell_s: 1200.0 }),
            Habituation::Machine => {
                Some(Self { episodes: 5, span_s: 7.0 * 86_400.0, dwell_s: 2.0 * 3600.0 })
            }
            Habituation::Security => None,
        }
    }
}
