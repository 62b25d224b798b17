//! Whether the wall clock can be believed.
//!
//! Boards without a battery start in 1970 or at the time of their last shutdown, and jump by years
//! when the network comes up. Nothing inside depends on that clock; what goes out with its time says
//! whether the time was right.

use std::mem::MaybeUninit;
use std::time::Duration;

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

/// How long the machine was suspended since it started: the clock that goes on meanwhile, less the one that every
/// [`Clock`](crate::base::clock::Clock) goes by. Zero where the kernel does not say.
pub fn suspended() -> Duration {
    let through = since_start(libc::CLOCK_BOOTTIME);
    through
        .zip(since_start(libc::CLOCK_MONOTONIC))
        .map_or(Duration::ZERO, |(through, awake)| through.saturating_sub(awake))
}

#[expect(unsafe_code, reason = "std has no clock that goes on in suspend")]
fn since_start(clock: libc::clockid_t) -> Option<Duration> {
    // All zeros is a valid `timespec`.
    let mut now = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the pointer is to memory of the right size that lives through the call.
    if unsafe { libc::clock_gettime(clock, now.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: every bit pattern of its integers is a valid `timespec`, and the kernel has filled it.
    let now = unsafe { now.assume_init() };
    Some(Duration::new(u64::try_from(now.tv_sec).ok()?, u32::try_from(now.tv_nsec).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_does_not_sleep_between_two_looks() {
        let before = suspended();
        let slept = suspended().abs_diff(before);
        assert!(slept < Duration::from_secs(1), "{slept:?}");
    }

    #[test]
    fn asking_changes_nothing() {
        assert_eq!(is_clock_synced(), is_clock_synced());
    }
}
