//! One place for one frame, between the thread that waits for the camera and ours.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::capture::error::Cause;
use crate::capture::{Loss, LossCause};

/// When the next frame is wanted, where the camera delivers more than that.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Seconds between wanted frames; 0 wants all.
    every_s: f64,
    /// A frame that comes this much early is as near to its time as the next would be late.
    early_s: f64,
    due_s: f64,
}

impl Pace {
    /// `wanted` of the `delivered` frames a second.
    pub fn new(wanted: f64, delivered: f64) -> Self {
        let all = delivered <= wanted;
        Self { every_s: if all { 0.0 } else { 1.0 / wanted }, early_s: 0.5 / delivered, due_s: 0.0 }
    }

    /// Whether the frame at `at_s` is wanted; call it once a frame.
    pub fn wants(&mut self, at_s: f64) -> bool {
        if at_s + self.early_s < self.due_s {
            return false;
        }
        self.due_s += self.every_s;
        if self.due_s < at_s {
            // After a pause the rhythm starts anew; the frames of the pause are not made up for.
            self.due_s = at_s + self.every_s;
        }
        true
    }
}

/// What is in the slot.
#[derive(Debug, Default)]
pub struct Content {
    /// The latest wanted frame and its time in seconds since the camera was opened.
    pub frame: Option<(f64, Vec<u8>)>,
    /// Frames that the camera has delivered, wanted or not.
    pub delivered: u64,
    /// Wanted frames that a later one replaced before anybody took them.
    pub replaced: u64,
    /// Frames that were cut short.
    pub short: u64,
    /// Why no more frames will come.
    pub failure: Option<Cause>,
}

impl Content {
    /// A loss that nobody has been told of yet.
    pub fn take_loss(&mut self) -> Option<Loss> {
        let (cause, count) = if 0 < self.short {
            (LossCause::ShortFrame, std::mem::take(&mut self.short))
        } else {
            (LossCause::Overrun, std::mem::take(&mut self.replaced))
        };
        (0 < count).then_some(Loss { cause, count })
    }
}

/// The latest frame wins: whoever is late sees the present, not a backlog.
#[derive(Debug, Default)]
pub struct Slot {
    content: Mutex<Content>,
    changed: Condvar,
}

impl Slot {
    /// A look at the content. A panic elsewhere does not make the camera useless.
    pub fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something has changed, but no longer than `at_most`.
    pub fn wait<'a>(
        &self,
        content: MutexGuard<'a, Content>,
        at_most: Duration,
    ) -> MutexGuard<'a, Content> {
        self.changed.wait_timeout(content, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// A frame has come and is wanted.
    pub fn put(&self, at_s: f64, frame: Vec<u8>) {
        let mut content = self.lock();
        content.delivered += 1;
        if content.frame.replace((at_s, frame)).is_some() {
            content.replaced += 1;
        }
        self.changed.notify_one();
    }

    /// A frame has come and is not wanted.
    pub fn pass_over(&self) {
        self.lock().delivered += 1;
    }

    /// A part of a frame has come.
    pub fn cut_short(&self) {
        let mut content = self.lock();
        content.delivered += 1;
        content.short += 1;
        self.changed.notify_one();
    }

    /// No more will come.
    pub fn fail(&self, cause: Cause) {
        self.lock().failure = Some(cause);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(pace: &mut Pace, frames: u32, rate: f64) -> Vec<u32> {
        (0..frames).filter(|frame| pace.wants(f64::from(*frame) / rate)).collect()
    }

    #[test]
    fn one_in_five_of_a_camera_five_times_as_fast() {
        assert_eq!(wanted(&mut Pace::new(1.0, 5.0), 16, 5.0), [0, 5, 10, 15]);
    }

    #[test]
    fn an_uneven_ratio_keeps_the_mean() {
        let count = wanted(&mut Pace::new(2.0, 5.0), 500, 5.0).len();
        assert_eq!(count, 200);
    }

    #[test]
    fn a_slow_camera_gives_all() {
        assert_eq!(wanted(&mut Pace::new(10.0, 5.0), 5, 5.0), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn after_a_pause_nothing_is_made_up_for() {
        let mut pace = Pace::new(1.0, 10.0);
        assert!(pace.wants(0.0));
        assert!(pace.wants(60.0));
        assert!(!pace.wants(60.1));
        assert!(pace.wants(61.0));
    }
}
