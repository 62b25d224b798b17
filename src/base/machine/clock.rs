//! Whether the wall clock can be believed.
//!
//! Boards without a battery start in 1970 or at the time of their last shutdown, and jump by years
//! when the network comes up. Nothing inside depends on that clock; what goes out with its time says
//! whether the time was right.

use std::mem::MaybeUninit;

/// `STA_UNSYNC` of `adjtimex(2)`: nobody has set the clock by a better one since the start.
const UNSYNC: libc::c_int = 0x0040;

/// Whether something (NTP, PTP, GPS) keeps the wall clock right; `None` where the kernel does not
/// say, or may not be asked.
///
/// A battery-backed clock that nobody corrects counts as not synchronised: the kernel cannot tell a
/// good one from a bad one.
#[expect(unsafe_code, reason = "adjtimex has no safe wrapper among our dependencies")]
pub fn is_clock_synced() -> Option<bool> {
    // All zeros is a valid `timex`, and `modes` 0 changes nothing.
    let mut timex = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: the pointer is to memory of the right size that lives through the call.
    let answer = unsafe { libc::adjtimex(timex.as_mut_ptr()) };
    if answer < 0 {
        return None;
    }
    // SAFETY: every bit pattern of its integers is a valid `timex`, and the kernel has filled it.
    let status = unsafe { timex.assume_init() }.status;
    Some(status & UNSYNC == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_changes_nothing() {
        assert_eq!(is_clock_synced(), is_clock_synced());
    }
}
