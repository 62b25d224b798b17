//! A place that does not exist, for the demo and for tests: a room to listen to and a view to watch,
//! both the same to the last bit for equal seeds, and with a list of what is unusual in them.
//!
//! What happens in each minute is drawn from the seed and the number of the minute, so that any part
//! of the stream can be told without what came before, and a month takes no more memory than a
//! minute.

pub mod room;
mod sounds;
pub mod view;

pub use room::room;
pub use view::view;

use crate::base::rng::Rng;

/// Something unusual, with its place in the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unusual {
    /// Seconds since the stream began.
    pub start_s: f64,
    /// Likewise.
    pub end_s: f64,
    /// One word.
    pub kind: &'static str,
}

/// Seconds in which at most one unusual thing begins.
const BLOCK_S: f64 = 60.0;

/// A generator for one purpose (`part`) of one block of time.
fn block_rng(seed: u64, part: u64, block: u64) -> Rng {
    // Each number goes through a step of its own, so that neighbours share nothing.
    let mixed = Rng::from_seed(seed ^ part.rotate_left(32)).next_u64();
    Rng::from_seed(Rng::from_seed(mixed ^ block).next_u64())
}

/// From `low` to `high`.
fn between(rng: &mut Rng, low: f64, high: f64) -> f64 {
    low + (high - low) * rng.unit()
}

/// The unusual thing that begins in a block, if any: when, for how long, and which of `kinds`.
///
/// Nothing happens in the first quarter of the stream (at most five minutes), in which a listener
/// learns what is usual. After that two blocks of three have something.
fn unusual_in(
    seed: u64,
    block: u64,
    total_s: f64,
    kinds: &[(&'static str, f64, f64)],
) -> Option<Unusual> {
    let mut rng = block_rng(seed, 1, block);
    let start_s = block as f64 * BLOCK_S + between(&mut rng, 0.0, BLOCK_S - 15.0);
    let happens = rng.unit() < 0.67;
    let pick = usize::try_from(rng.below(kinds.len() as u64)).unwrap_or(0);
    let &(kind, shortest_s, longest_s) = kinds.get(pick)?;
    let end_s = start_s + between(&mut rng, shortest_s, longest_s);
    let quiet_s = (total_s / 4.0).min(300.0);
    (happens && quiet_s <= start_s && end_s <= total_s).then_some(Unusual { start_s, end_s, kind })
}

/// Everything unusual in a stream of `total_s`.
fn all_unusual(
    seed: u64,
    total_s: f64,
    kinds: &'static [(&'static str, f64, f64)],
) -> impl Iterator<Item = Unusual> {
    blocks(0.0, total_s).filter_map(move |block| unusual_in(seed, block, total_s, kinds))
}

/// The blocks that a span of time touches.
fn blocks(from_s: f64, to_s: f64) -> std::ops::RangeInclusive<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let block = |at_s: f64| (at_s / BLOCK_S).floor() as u64;
    block(from_s.max(0.0))..=block(to_s.max(0.0))
}
