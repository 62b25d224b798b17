//! A room with a fan in it, in which somebody whistles.

use std::f32::consts::TAU;

use habituate::base::rng::Rng;

pub(crate) const RATE_HZ: usize = 16_000;

/// A room with a fan: hum and hiss of so many seconds, a little different with every seed. A whistle
/// sounds for a second at each of `foreign_s`.
pub(crate) fn room(seed: u64, seconds: usize, foreign_s: &[usize]) -> Vec<f32> {
    let mut rng = Rng::from_seed(seed);
    let hz = 120.0 + 5.0 * seed as f32;
    let is_foreign = |n: usize| foreign_s.contains(&(n / RATE_HZ));
    let mut sample = |n: usize| {
        let t = n as f32 / RATE_HZ as f32;
        let fan = 0.2 * (TAU * hz * t).sin() * (1.0 + 0.2 * (TAU * 0.4 * t).sin());
        let whistle = if is_foreign(n) { 0.2 * (TAU * 3000.0 * t).sin() } else { 0.0 };
        fan + 0.03 * (rng.unit_f32() - 0.5) + whistle
    };
    (0..seconds * RATE_HZ).map(&mut sample).collect()
}
