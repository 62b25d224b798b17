//! A small seeded generator whose whole state fits in a checkpoint.

/// `SplitMix64`. Not for secrets; for shuffles, masks and initial weights.
///
/// Why not the `rand` crate: a restart must continue the same random sequence, so the state has to
/// be one plain number that we can store and read back for as long as checkpoints live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// Starts a sequence. Equal seeds give equal sequences on every platform.
    pub const fn from_seed(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The state to put into a checkpoint; pass it to [`Rng::from_seed`] to continue.
    pub const fn state(&self) -> u64 {
        self.state
    }

    /// The next 64 random bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        // 53 bits is exactly what an f64 can hold.
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `[0, 1)`, rounded to `f32`.
    pub fn unit_f32(&mut self) -> f32 {
        // 24 bits is exactly what an f32 can hold, so rounding cannot reach 1.0.
        (self.next_u64() >> 40) as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// Uniform in `0..bound`. `bound` must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        debug_assert!(0 < bound, "an empty range has no members to draw");
        // Multiply-shift; the bias is below bound / 2^64, far under anything we could observe.
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Puts `items` into any order, all alike (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, usize::try_from(self.below(at as u64 + 1)).unwrap_or(0));
        }
    }
}
