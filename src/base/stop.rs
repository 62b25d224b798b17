//! One-way "please finish" signal, shared by all threads.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Cheap to clone; once requested, it stays requested.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requested: Mutex<bool>,
    changed: Condvar,
}

/// Why [`Stop::sleep`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Woke {
    /// The whole time passed.
    TimeUp,
    /// Shutdown was requested; finish what you hold and return.
    StopRequested,
}

impl Stop {
    /// Asks every holder to finish. Safe to call more than once.
    pub fn request(&self) {
        // A panic elsewhere must not make shutdown impossible, so a poisoned lock is still used.
        *self.inner.requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.inner.changed.notify_all();
    }

    /// Whether somebody has asked us to finish.
    pub fn is_requested(&self) -> bool {
        *self.inner.requested.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps, but wakes at once on shutdown. Use this for every retry delay.
    pub fn sleep(&self, duration: Duration) -> Woke {
        let guard = self.inner.requested.lock().unwrap_or_else(PoisonError::into_inner);
        let (requested, _) = self
            .inner
            .changed
            .wait_timeout_while(guard, duration, |requested| !*requested)
            .unwrap_or_else(PoisonError::into_inner);
        if *requested { Woke::StopRequested } else { Woke::TimeUp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_a_long_sleep() {
        // One try may request before the sleeper sleeps; in a hundred, some come after.
        for _ in 0..100 {
            let stop = Stop::default();
            let (started, has_started) = std::sync::mpsc::channel();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    started.send(()).unwrap();
                    assert_eq!(stop.sleep(Duration::from_secs(600)), Woke::StopRequested);
                });
                has_started.recv().unwrap();
                std::thread::yield_now();
                stop.request();
            });
        }
    }

    #[test]
    fn without_a_request_the_time_runs_out() {
        assert_eq!(Stop::default().sleep(Duration::ZERO), Woke::TimeUp);
    }
}
