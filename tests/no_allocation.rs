//! In steady state, scoring and learning keep no new memory and take no buffer.
//!
//! `gemm` itself makes a list of flags, some hundred bytes, in every product and drops it before it
//! returns; it is the only user of the allocator that is let through. A packing buffer of `gemm` would
//! be far larger, and fails this test.
#![allow(unsafe_code, reason = "a counting allocator cannot be written without it")]

use std::alloc::{GlobalAlloc, Layout as Bytes, System};
use std::cell::Cell;

use habituate::config::learn::{ContextNet, LearnToml};
use habituate::encode::density::Density;
use habituate::encode::latent::LatentShape;
use habituate::encode::sides::{PIXELS, Sides};
use habituate::learn::association::Association;
use habituate::learn::contract::{HOP_S, Place, live};
use habituate::learn::learner::Learner;
use habituate::learn::memory::Memory;
use habituate::learn::memory::MemoryPlan;
use habituate::nn::layout::Layout;

struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to `System`, which upholds the contract; the counters
// are thread-local, const-initialised and have no destructor, so reading them never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Bytes) -> *mut u8 {
        HELD.set(HELD.get().wrapping_add(layout.size()));
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Bytes) {
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        // SAFETY: the caller's promises about `pointer` and `layout` are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What memory says it holds is what it takes from the allocator. Fails when [`Memory::bytes`] leaves out what is
/// known of windows, or the clusters.
#[test]
fn memory_takes_as_many_bytes_as_it_says() {
    let plan = MemoryPlan {
        tokens_len: 12 * 64,
        embedding_dim: 192,
        sketch_dim: 48,
        recent: 100,
        reservoir: 200,
        clusters: 16,
        members: 4,
        block_s: 300.0,
        every: 10,
        beside: 0,
        seed: 1,
    };
    for plan in [plan, MemoryPlan { clusters: 0, members: 0, ..plan }] {
        let before = HELD.get();
        let memory = Memory::new(plan);
        assert_eq!(HELD.get() - before, memory.bytes(), "{plan:?}");
    }
}

/// An association takes what it says from its first moment to its last. Fails when [`Association::bytes`] leaves
/// out a buffer, or one of them grows.
#[test]
fn an_association_takes_as_many_bytes_as_it_says() {
    let before = HELD.get();
    let mut association = Association::new([24, 40], 1);
    assert_eq!(HELD.get().wrapping_sub(before), association.bytes());
    for moment in 0..2000_u16 {
        let (at_s, x) = (f64::from(moment), (f32::from(moment) * 0.7).sin());
        association.meet(0, at_s, true, &[x; 24]);
        // Every other one waits in vain.
        association.meet(1, at_s + f64::from(moment % 2), true, &[-x; 40]);
    }
    assert!(200 < association.report().pairs, "{:?}", association.report());
    assert_eq!(HELD.get().wrapping_sub(before), association.bytes());
}

/// `gemm`'s flags: one byte for every sixteen rows of a block that fits the second-level cache.
const MOST_BYTES: usize = 2048;

/// The sizes of the bundled sound encoder, and a picture, with every objective and every part on.
/// On aarch64 every product goes through a packing buffer of `gemm`, see `nn::matmul`.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_window_in_steady_state_allocates_nothing() {
    let sound =
        LatentShape { layout: Layout::Sequence { len: 12 }, token_dim: 64, embedding_dim: 192 };
    let picture =
        LatentShape { layout: Layout::Grid { rows: 7, cols: 8 }, token_dim: 32, embedding_dim: 64 };
    let mixed = LearnToml {
        autoencoding: 0.2,
        contrastive_predictive: 0.2,
        contrastive_views: 0.2,
        align_uniform: 0.2,
        vicreg: 0.05,
        temporal_order: 0.2,
        rotation: 0.2,
        colorization: 0.2,
        inpainting: 0.2,
        batch_windows: 8,
        ..LearnToml::default()
    };
    let recurrent = LearnToml { context: ContextNet::Recurrent, ..LearnToml::default() };
    for (shape, density, learn) in [
        (sound, Density::Whitened { nearest: 1, ridge: 0.05 }, LearnToml::default()),
        (sound, Density::Mahalanobis { ridge: 0.05 }, mixed.clone()),
        (sound, Density::Mahalanobis { ridge: 0.05 }, recurrent),
        (picture, Density::Cosine { nearest: 3, root: true }, LearnToml::default()),
        (picture, Density::Mahalanobis { ridge: 0.05 }, mixed),
        (picture, Density::Patches { ridge: None }, LearnToml::default()),
        (picture, Density::Patches { ridge: Some(0.05) }, LearnToml::default()),
    ] {
        let settings = LearnToml {
            predictive_coding: 0.5,
            learnt_variance: true,
            recent_windows: 64,
            reservoir_windows: 64,
            guard_every: 8,
            first_windows: 10_000,
            first_updates_per_window: 1.0,
            ..learn
        };
        let settings = settings.check().expect("in range");
        let mut place = Place::new(shape, 1);
        let mut learner = Learner::new(shape, density, &settings, 1);
        // Past warm-up, with memory full, and just past the fits at 256 windows.
        live(&mut learner, 0, 330, || place.usual());
        // Without side windows rotation, colours and pixels would have nothing to learn from.
        let mut sides = Sides {
            latents: vec![place.usual(); learner.side_kinds().len()],
            colours: (0..56).map(|patch| patch % 25).collect(),
            pixels: vec![9; 56 * PIXELS],
        };
        for at_s in [170.0, 171.0, 172.0] {
            assert_eq!(learner.take_sides(&sides, at_s), !sides.latents.is_empty());
            let first = usize::from(!sides.latents.is_empty());
            sides.latents.rotate_left(first);
        }
        for window in 330..350 {
            let latent = place.usual();
            let before = HELD.get();
            LARGEST.set(0);
            let score = learner.score(&latent);
            let learnt = learner.learn(&latent, &score, f64::from(window) * HOP_S);
            let (after, largest) = (HELD.get(), LARGEST.get());
            assert_eq!(learnt.updates, 1);
            assert_eq!(before, after, "{shape:?} {density:?}: window {window} kept memory");
            assert!(largest <= MOST_BYTES, "{shape:?} {density:?}: a buffer of {largest} bytes");
        }
        assert!(2 < learner.report().commits + learner.report().rejections, "the guard has worked");
    }
}
