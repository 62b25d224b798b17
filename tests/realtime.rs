//! The audio callback must not touch the allocator, whether or not the ring is full.
#![allow(unsafe_code, reason = "a counting allocator cannot be written without it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use habituate_style::capture::microphone::{Overruns, callback};
use ringbuf::HeapRb;
use ringbuf::traits::{Consumer, Split};

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
fn the_callback_neither_allocates_nor_hides_losses() {
    let (producer, mut consumer) = HeapRb::<f32>::new(1000).split();
    let overruns = Overruns::default();
    let mut on_samples = callback(producer, overruns.clone());
    let chunk = [0.25_f32; 480];

    let before = CALLS.get();
    on_samples(&chunk); // fits
    on_samples(&chunk); // fits
    on_samples(&chunk); // only 40 fit
    assert_eq!(CALLS.get(), before, "the real-time callback used the allocator");

    assert_eq!(overruns.samples(), 440);
    let mut received = vec![0.0; 2000];
    assert_eq!(consumer.pop_slice(&mut received), 1000);
}
