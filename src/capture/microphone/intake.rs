//! Both ends of the ring between the sound system's thread and ours, with the places of all losses.
//!
//! Samples go through one ring, marks through a second, small one. A mark says: before sample number
//! `at` of the ring, so many are missing. Invariant: a mark is published before the first sample
//! that follows it, so whoever sees a sample has been able to see every mark before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use cpal::{ErrorKind, SampleFormat};
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::capture::microphone::convert::push_mono;
use crate::capture::{Loss, LossCause};

/// Seconds that the ring holds.
pub const RING_S: u32 = 2;

/// More losses than this between two looks of ours become one longer loss.
const MARKS: usize = 64;

/// How the device delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Samples a second and channel.
    pub rate_hz: u32,
    /// Interleaved; at least 1.
    pub channels: usize,
    /// Of each sample.
    pub format: SampleFormat,
}

/// Counters that both sides and `status` see.
#[derive(Debug, Default)]
pub struct Tally {
    /// Deliveries of the sound system. When it stands still, the device has stalled.
    pub deliveries: AtomicU64,
    /// Mono samples lost because the ring was full.
    pub overrun_samples: AtomicU64,
    /// Mono samples lost in the device or its driver, reckoned from the time that passed.
    pub device_samples: AtomicU64,
    /// How often the driver reported a loss.
    pub xruns: AtomicU64,
    /// Samples that were not a number.
    pub damaged_samples: AtomicU64,
    xrun_to_place: AtomicBool,
    failure: AtomicU8,
}

impl Tally {
    /// Takes note of what the sound system says about a stream.
    ///
    /// Real-time: only atomics.
    pub fn on_error(&self, kind: ErrorKind) {
        match kind {
            ErrorKind::Xrun => {
                self.xruns.fetch_add(1, Ordering::Relaxed);
                self.xrun_to_place.store(true, Ordering::Relaxed);
            }
            // The stream goes on.
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
            fatal => {
                let code = FATAL.iter().position(|known| *known == fatal).map_or(1, |at| at + 1);
                self.failure.store(u8::try_from(code).unwrap_or(1), Ordering::Release);
            }
        }
    }

    /// Why the stream has ended, if it has.
    pub fn failure(&self) -> Option<ErrorKind> {
        let code = usize::from(self.failure.load(Ordering::Acquire));
        code.checked_sub(1).and_then(|at| FATAL.get(at)).copied()
    }

    fn lost(&self) -> [Loss; 2] {
        [
            Loss { cause: LossCause::Device, count: self.device_samples.load(Ordering::Relaxed) },
            Loss { cause: LossCause::Overrun, count: self.overrun_samples.load(Ordering::Relaxed) },
        ]
    }
}

/// Errors after which nothing more comes; the first stands for any not listed.
const FATAL: [ErrorKind; 6] = [
    ErrorKind::BackendError,
    ErrorKind::DeviceNotAvailable,
    ErrorKind::StreamInvalidated,
    ErrorKind::HostUnavailable,
    ErrorKind::PermissionDenied,
    ErrorKind::DeviceBusy,
];

#[derive(Debug, Clone, Copy)]
struct Mark {
    at: u64,
    loss: Loss,
}

/// Makes both ends for one stream.
pub fn ring(layout: Layout, tally: &Arc<Tally>) -> (Intake, Outlet) {
    let capacity = (layout.rate_hz * RING_S) as usize;
    let (samples_in, samples_out) = HeapRb::new(capacity).split();
    let (marks_in, marks_out) = HeapRb::new(MARKS).split();
    let intake = Intake {
        samples: samples_in,
        marks: marks_in,
        tally: Arc::clone(tally),
        layout,
        pushed: 0,
        owed_device: 0,
        owed_overrun: 0,
        next_capture_s: None,
    };
    let outlet = Outlet {
        samples: samples_out,
        marks: marks_out,
        tally: Arc::clone(tally),
        popped: 0,
        told: [0; 2],
    };
    (intake, outlet)
}

/// The real-time end.
///
/// When the ring is full the *newest* samples are lost, because this end cannot remove old ones.
pub struct Intake {
    samples: HeapProd<f32>,
    marks: HeapProd<Mark>,
    tally: Arc<Tally>,
    layout: Layout,
    pushed: u64,
    /// Lost since the last published mark.
    owed_device: u64,
    owed_overrun: u64,
    next_capture_s: Option<f64>,
}

impl Intake {
    /// Takes one delivery of interleaved frames, the first of which was captured at `captured_s` on
    /// the stream's own clock.
    ///
    /// Real-time: never allocates, locks, logs or waits, and its cost grows only with
    /// `bytes.len()`. `tests/realtime.rs` proves the first of these.
    pub fn on_samples(&mut self, bytes: &[u8], captured_s: f64) {
        let Layout { rate_hz, channels, format } = self.layout;
        let frames = (bytes.len() / (format.sample_size() * channels)) as u64;
        self.tally.deliveries.fetch_add(1, Ordering::Relaxed);
        if self.tally.xrun_to_place.swap(false, Ordering::Relaxed) {
            let silent_s = self.next_capture_s.map_or(0.0, |due_s| captured_s - due_s);
            let missing = samples_in(silent_s, rate_hz);
            self.owed_device += missing;
            self.tally.device_samples.fetch_add(missing, Ordering::Relaxed);
        }
        self.next_capture_s = Some(captured_s + frames as f64 / f64::from(rate_hz));

        let mut taken = 0;
        if !self.samples.is_full() && self.publish_marks() {
            let pushed = push_mono(&mut self.samples, format, channels, bytes);
            taken = pushed.taken as u64;
            if 0 < pushed.damaged {
                self.tally.damaged_samples.fetch_add(pushed.damaged, Ordering::Relaxed);
            }
        }
        self.pushed += taken;
        if taken < frames {
            self.owed_overrun += frames - taken;
            self.tally.overrun_samples.fetch_add(frames - taken, Ordering::Relaxed);
        }
    }

    /// Whether everything owed is published; if not, no sample may follow.
    fn publish_marks(&mut self) -> bool {
        if self.owed_device == 0 && self.owed_overrun == 0 {
            return true;
        }
        if self.marks.vacant_len() < 2 {
            return false;
        }
        let owed = [
            Loss { cause: LossCause::Device, count: self.owed_device },
            Loss { cause: LossCause::Overrun, count: self.owed_overrun },
        ];
        self.owed_device = 0;
        self.owed_overrun = 0;
        owed.into_iter()
            .filter(|loss| 0 < loss.count)
            .all(|loss| self.marks.try_push(Mark { at: self.pushed, loss }).is_ok())
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake")
            .field("layout", &self.layout)
            .field("pushed", &self.pushed)
            .finish_non_exhaustive()
    }
}

/// A reported loss is at least one sample, however the clocks disagree.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and max(1) comes first"
)]
fn samples_in(silent_s: f64, rate_hz: u32) -> u64 {
    (silent_s * f64::from(rate_hz)).round().max(1.0) as u64
}

/// What comes out next.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Samples that follow each other; never empty.
    Samples(Vec<f32>),
    /// Something is missing here.
    Missing(Loss),
}

/// Our end.
pub struct Outlet {
    samples: HeapCons<f32>,
    marks: HeapCons<Mark>,
    tally: Arc<Tally>,
    popped: u64,
    /// Losses handed out so far: device, overrun.
    told: [u64; 2],
}

impl Outlet {
    /// The next piece, at most `max` samples; `None` when nothing is there yet.
    pub fn next(&mut self, max: usize) -> Option<Piece> {
        // First what is there, then the marks: see the invariant above.
        let there = self.samples.occupied_len().min(max);
        let mut run = there;
        if let Some(mark) = self.marks.try_peek().copied() {
            if mark.at == self.popped {
                self.marks.skip(1);
                return Some(self.tell(mark.loss));
            }
            run = run.min(usize::try_from(mark.at - self.popped).unwrap_or(usize::MAX));
        }
        if run == 0 {
            return None;
        }
        let mut samples = vec![0.0; run];
        let popped = self.samples.pop_slice(&mut samples);
        samples.truncate(popped);
        self.popped += popped as u64;
        Some(Piece::Samples(samples))
    }

    /// Losses after the last sample, which no mark will tell because the stream has ended.
    pub fn last_losses(&mut self) -> Option<Piece> {
        let [device, overrun] = self.tally.lost();
        let rest = [
            Loss { count: device.count - self.told[0], ..device },
            Loss { count: overrun.count - self.told[1], ..overrun },
        ];
        let loss = rest.into_iter().find(|loss| 0 < loss.count)?;
        Some(self.tell(loss))
    }

    fn tell(&mut self, loss: Loss) -> Piece {
        self.told[usize::from(loss.cause == LossCause::Overrun)] += loss.count;
        Piece::Missing(loss)
    }
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet")
            .field("popped", &self.popped)
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { rate_hz: 50, channels: 1, format: SampleFormat::U8 };
    const OVERRUN: LossCause = LossCause::Overrun;
    const DEVICE: LossCause = LossCause::Device;

    fn missing(cause: LossCause, count: u64) -> Option<Piece> {
        Some(Piece::Missing(Loss { cause, count }))
    }

    fn length(piece: Option<Piece>) -> usize {
        match piece {
            Some(Piece::Samples(samples)) => samples.len(),
            other => panic!("samples expected, {other:?} came"),
        }
    }

    #[test]
    fn a_full_ring_loses_the_newest_and_says_where() {
        let tally = Arc::default();
        let (mut intake, mut outlet) = ring(LAYOUT, &tally);
        intake.on_samples(&[128; 90], 0.0);
        intake.on_samples(&[128; 30], 1.8); // 10 of them fit into 2 s at 50 Hz
        intake.on_samples(&[128; 5], 2.4); // none
        assert_eq!(length(outlet.next(60)), 60);
        intake.on_samples(&[128; 20], 2.5); // all, after a mark
        assert_eq!(length(outlet.next(1000)), 40, "no piece reaches over a loss");
        assert_eq!(outlet.next(1000), missing(OVERRUN, 25));
        assert_eq!(length(outlet.next(1000)), 20);
        assert_eq!(outlet.next(1000), None);
        assert_eq!(outlet.last_losses(), None, "everything has been told");
        assert_eq!(tally.overrun_samples.load(Ordering::Relaxed), 25);
    }

    #[test]
    fn a_loss_in_the_driver_is_as_long_as_the_time_that_passed() {
        let tally = Arc::default();
        let (mut intake, mut outlet) = ring(LAYOUT, &tally);
        intake.on_samples(&[128; 10], 0.0); // until 0.2 s
        tally.on_error(ErrorKind::Xrun);
        intake.on_samples(&[128; 10], 0.5); // 0.3 s later: 15 samples
        assert_eq!(length(outlet.next(1000)), 10);
        assert_eq!(outlet.next(1000), missing(DEVICE, 15));
        assert_eq!(length(outlet.next(1000)), 10);
        assert_eq!(tally.failure(), None, "a loss is not the end");
    }

    #[test]
    fn with_no_room_for_marks_samples_are_lost_rather_than_misplaced() {
        let tally = Arc::default();
        let (mut intake, mut outlet) = ring(LAYOUT, &tally);
        let mut delivered = 0;
        for _ in 0..MARKS + 20 {
            tally.on_error(ErrorKind::Xrun);
            intake.on_samples(&[128], 0.0);
            delivered += 1;
        }
        let mut received = 0;
        let mut lost = [0, 0];
        while let Some(piece) = outlet.next(1000).or_else(|| outlet.last_losses()) {
            match piece {
                Piece::Samples(samples) => received += samples.len() as u64,
                Piece::Missing(loss) => lost[usize::from(loss.cause == OVERRUN)] += loss.count,
            }
        }
        assert_eq!(received + lost[1], delivered);
        assert!(0 < lost[1], "the marks did run out");
        assert_eq!(lost[0], delivered, "one a report");
    }

    #[test]
    fn what_is_owed_at_the_end_is_told_at_the_end() {
        let tally = Arc::default();
        let (mut intake, mut outlet) = ring(LAYOUT, &tally);
        intake.on_samples(&[128; 107], 0.0);
        tally.on_error(ErrorKind::DeviceNotAvailable);
        assert_eq!(length(outlet.next(1000)), 100);
        assert_eq!(outlet.next(1000), None);
        assert_eq!(outlet.last_losses(), missing(OVERRUN, 7));
        assert_eq!(outlet.last_losses(), None);
        assert_eq!(tally.failure(), Some(ErrorKind::DeviceNotAvailable));
    }

    #[test]
    fn an_unknown_error_ends_the_stream_and_a_changed_route_does_not() {
        let tally = Tally::default();
        tally.on_error(ErrorKind::DeviceChanged);
        assert_eq!(tally.failure(), None);
        tally.on_error(ErrorKind::Other);
        assert_eq!(tally.failure(), Some(ErrorKind::BackendError));
    }
}
