//! The audio callback must not touch the allocator, whatever the device delivers and however full
//! the ring is.
#![allow(unsafe_code, reason = "a counting allocator cannot be written without it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cpal::ErrorKind;
use habituate::capture::microphone::convert::READABLE;
use habituate::capture::microphone::intake::{self, Piece, ring};

struct Counting;

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to `System`, which upholds the contract; the counter is
// thread-local, const-initialised and has no destructor, so reading it never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promises about `pointer` and `layout` are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn the_allocator_is_counted() {
    let before = CALLS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(CALLS.get(), before + 2, "or the other test could not fail");
}

#[test]
fn the_callback_neither_allocates_nor_hides_losses() {
    for format in READABLE {
        for channels in [1, 2, 3, 6, 8, 32] {
            let layout = intake::Layout { rate_hz: 500, channels, format };
            let tally = Arc::new(intake::Tally::default());
            let (mut intake, mut outlet) = ring(layout, &tally);
            let delivery = vec![0x55; 480 * channels * format.sample_size()];
            let what = format!("{format}, {channels} channels");

            let before = CALLS.get();
            intake.on_samples(&delivery, 0.0); // fits
            intake.on_samples(&delivery, 0.96); // fits
            intake.on_samples(&delivery, 1.92); // only 40 of the ring's 1000 places are left
            tally.on_error(ErrorKind::Xrun);
            intake.on_samples(&delivery, 4.0); // finds the ring full, after a loss in the driver
            assert_eq!(CALLS.get(), before, "{what}: the callback used the allocator");

            let mut received = 0;
            while let Some(piece) = outlet.next(10_000) {
                match piece {
                    Piece::Samples(samples) => received += samples.len() as u64,
                    Piece::Missing(loss) => panic!("{what}: {loss:?} before its place"),
                }
            }
            let before = CALLS.get();
            intake.on_samples(&delivery, 4.96); // tells of the losses, and fits
            tally.on_error(ErrorKind::DeviceNotAvailable);
            assert_eq!(CALLS.get(), before, "{what}: telling of losses used the allocator");

            let mut lost = 0;
            while let Some(piece) = outlet.next(10_000) {
                match piece {
                    Piece::Samples(samples) => received += samples.len() as u64,
                    Piece::Missing(loss) => lost += loss.count,
                }
            }
            let overrun = tally.overrun_samples.load(Ordering::Relaxed);
            let device = tally.device_samples.load(Ordering::Relaxed);
            assert_eq!(received + overrun, 5 * 480, "{what}: a sample is neither here nor counted");
            // The third delivery was over at 2.88 s, the fourth began at 4 s.
            assert_eq!((overrun, device), (440 + 480, 560), "{what}");
            assert_eq!(lost, overrun + device, "{what}: a loss was counted but not told");
        }
    }
}
