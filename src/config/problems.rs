//! Collects every complaint about a configuration, so that one run shows them all.

use std::fmt;

/// Complaints in file order, each with the full dotted key.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Notes a problem unless `ok`.
    pub fn require(&mut self, ok: bool, key: &str, complaint: impl FnOnce() -> String) {
        if !ok {
            self.0.push(format!("{key}: {}", complaint()));
        }
    }

    /// How many so far.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody has complained.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over the complaints of a part, which carry their full keys already.
    pub fn absorb(&mut self, part: Self) {
        self.0.extend(part.0);
    }

    /// `Ok(value)` when nobody complained.
    ///
    /// # Errors
    ///
    /// All problems together.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}
