//! A thread for one device, which may be left behind when its driver never returns.
//!
//! Opening, reading and closing a device are calls into drivers that can hang: a V4L2 dequeue after
//! an unplug, joining the sound library's own thread, a sound server that does not answer. No such
//! call may stop the daemon. So each device lives on a thread of its own, and its owner asks that
//! thread to finish and waits only for a moment.
//!
//! A thread left behind costs its stack and keeps the device open until the driver lets go of it.
//! Their number is bounded: with [`LEFT_BEHIND_MAX`] of them no further device is opened.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Builder;
use std::time::Duration;

use crate::base::stop::Stop;
use crate::capture::error::CaptureError;

/// So many hanging threads are borne: two devices, each opened twice more after its first hang.
pub const LEFT_BEHIND_MAX: usize = 6;

/// How long the owner waits at the end.
const PATIENCE: Duration = Duration::from_millis(500);

static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

/// Threads that hang in a driver now.
pub fn left_behind() -> usize {
    LEFT_BEHIND.load(Ordering::SeqCst)
}

const RUNNING: u8 = 0;
const LEFT: u8 = 1;
const DONE: u8 = 2;

/// Owns the thread. Dropping it asks the thread to finish, waits half a second, and then leaves it
/// behind.
#[derive(Debug)]
pub struct OwnThread {
    name: String,
    stop: Stop,
    fate: Arc<AtomicU8>,
    ended: Receiver<()>,
    left_behind: &'static AtomicUsize,
}

impl OwnThread {
    /// Starts `work`, which ends soon after its [`Stop`] is requested, unless a driver keeps it.
    ///
    /// # Errors
    ///
    /// [`CaptureError::DriverHangs`] when too many earlier threads still hang;
    /// [`CaptureError::Open`] when the system has no more threads.
    pub fn spawn(
        name: &str,
        work: impl FnOnce(&Stop) + Send + 'static,
    ) -> Result<Self, CaptureError> {
        Self::spawn_counted(name, work, &LEFT_BEHIND)
    }

    fn spawn_counted(
        name: &str,
        work: impl FnOnce(&Stop) + Send + 'static,
        left_behind: &'static AtomicUsize,
    ) -> Result<Self, CaptureError> {
        let hung = left_behind.load(Ordering::SeqCst);
        if LEFT_BEHIND_MAX <= hung {
            return Err(CaptureError::DriverHangs { hung });
        }
        let stop = Stop::default();
        let fate = Arc::new(AtomicU8::new(RUNNING));
        let (end, ended) = channel();
        let farewell = Farewell { fate: Arc::clone(&fate), left_behind, _end: end };
        let asked = stop.clone();
        Builder::new()
            .name(name.into())
            .spawn(move || {
                let _farewell = farewell;
                work(&asked);
            })
            .map_err(|source: io::Error| CaptureError::Open {
                device: name.into(),
                source: source.into(),
            })?;
        Ok(Self { name: name.into(), stop, fate, ended, left_behind })
    }
}

impl Drop for OwnThread {
    fn drop(&mut self) {
        self.stop.request();
        if self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // Counted before it is marked: the thread's end takes back only what was counted.
            self.left_behind.fetch_add(1, Ordering::SeqCst);
            let was = self.fate.compare_exchange(RUNNING, LEFT, Ordering::SeqCst, Ordering::SeqCst);
            if was.is_err() {
                self.left_behind.fetch_sub(1, Ordering::SeqCst);
            } else {
                log::warn!("thread {:?} hangs in its driver and is left behind", self.name);
            }
        }
    }
}

/// Lives on the thread and tells the owner of its end, also after a panic.
struct Farewell {
    fate: Arc<AtomicU8>,
    left_behind: &'static AtomicUsize,
    _end: Sender<()>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        if self.fate.swap(DONE, Ordering::SeqCst) == LEFT {
            self.left_behind.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::stop::Woke;

    #[test]
    fn a_willing_thread_ends_with_its_owner() {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let (say, heard) = channel();
        let thread = OwnThread::spawn_counted(
            "willing",
            move |stop| {
                assert_eq!(stop.sleep(Duration::from_secs(600)), Woke::StopRequested);
                say.send("finished").unwrap();
            },
            &COUNT,
        )
        .unwrap();
        drop(thread);
        assert_eq!(heard.recv().unwrap(), "finished");
        assert_eq!(COUNT.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn hanging_threads_are_left_behind_counted_bounded_and_forgiven() {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let driver = Stop::default();
        let mut ends = Vec::new();
        for _ in 0..LEFT_BEHIND_MAX {
            let (end, ended) = channel::<()>();
            ends.push(ended);
            let driver = driver.clone();
            let hang = move |_: &Stop| {
                assert_eq!(driver.sleep(Duration::from_secs(600)), Woke::StopRequested);
                drop(end);
            };
            drop(OwnThread::spawn_counted("hanging", hang, &COUNT).unwrap());
        }
        assert_eq!(COUNT.load(Ordering::SeqCst), LEFT_BEHIND_MAX);
        let refused = OwnThread::spawn_counted("one too many", |_| {}, &COUNT);
        assert!(matches!(refused, Err(CaptureError::DriverHangs { hung: LEFT_BEHIND_MAX })));

        driver.request();
        for ended in ends {
            assert!(ended.recv().is_err(), "nothing is ever sent");
        }
        // The count falls just after the channel closes.
        while COUNT.load(Ordering::SeqCst) != 0 {
            std::thread::yield_now();
        }
        assert!(OwnThread::spawn_counted("welcome again", |_| {}, &COUNT).is_ok());
    }
}
