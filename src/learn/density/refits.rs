//! When what is fitted to all that was met is fitted again.

use crate::base::bytes::{Malformed, Reader, Writer};

/// Items before the first fit.
const FIRST: u64 = 16;

/// Counts what is taken in: soon at first, seldom later.
#[derive(Debug)]
pub(super) struct Refits {
    admitted: u64,
    next: u64,
    after: fn(u64) -> u64,
}

impl Refits {
    /// `after` says, for the number of items at one fit, that at the next.
    pub(super) const fn new(after: fn(u64) -> u64) -> Self {
        Self { admitted: 0, next: FIRST, after }
    }

    /// Counts an item; whether it is time to fit.
    pub(super) fn admit(&mut self) -> bool {
        self.admitted += 1;
        let is_due = self.next <= self.admitted;
        if is_due {
            self.next = (self.after)(self.next);
        }
        is_due
    }

    pub(super) fn save(&self, to: &mut Writer) {
        to.u64(self.admitted);
        to.u64(self.next);
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        self.admitted = from.u64()?;
        self.next = from.u64()?;
        Ok(())
    }
}
