//! A room that hums and ticks.
//!
//! Always: mains hum with harmonics, a fan whose speed drifts, a clock, air. Now and then, as every
//! day: steps, a car, water in a pipe, a fridge that starts and stops. Seldom: what is listed in
//! [`unusual`].

use std::f64::consts::TAU;
use std::time::Duration;

use crate::base::rng::Rng;
use crate::capture::Chunk;
use crate::capture::Modality;
use crate::capture::Source;
use crate::capture::error::CaptureError;
use crate::capture::synthetic;
use crate::capture::synthetic::BLOCK_S;
use crate::capture::synthetic::Unusual;
use crate::capture::synthetic::sounds::Kind;
use crate::capture::synthetic::sounds::Sounding;

/// Samples per second.
pub const RATE_HZ: u32 = 16_000;

/// Samples in a chunk: 0.1 s.
const CHUNK_LEN: u64 = 1600;

/// Samples in a period of 50 Hz.
const MAINS_PERIOD: u64 = 320;

/// Kinds with their shortest and longest duration in seconds.
const UNUSUAL: &[(&str, f64, f64)] =
    &[("glass", 1.2, 1.2), ("whistle", 1.5, 3.0), ("knocks", 1.1, 2.0), ("chirp", 2.8, 5.6)];

/// The fridge starts once in this time.
const FRIDGE_PERIOD_S: f64 = 420.0;

/// An endless room would be one of this length: a century.
const LONGEST_S: f64 = 3.2e9;

/// The room as a source. Time passes as fast as it is asked for.
#[derive(Debug)]
pub struct Room {
    seed: u64,
    total_s: f64,
    total_samples: u64,
    position: u64,
    begun: bool,
    /// Up to which block the sounds have been put on their way.
    next_block: u64,
    soundings: Vec<Sounding>,
    air: Rng,
    fan: Fan,
    /// One period of mains hum: what is steady, and the harmonics that wander.
    hum: Vec<[f64; 3]>,
}

/// Noise of blades whose speed and strength wander slowly.
#[derive(Debug, Default)]
struct Fan {
    phase: f64,
    low: f64,
    band: f64,
}

/// The room for `seconds`; `f64::INFINITY` for one without end.
pub fn room(seed: u64, seconds: f64) -> Room {
    let total_s = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, LONGEST_S) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above")]
    let total_samples = (total_s * f64::from(RATE_HZ)).round() as u64;
    Room {
        seed,
        total_s,
        total_samples,
        position: 0,
        begun: false,
        next_block: 0,
        soundings: Vec::new(),
        air: synthetic::block_rng(seed, 0, 0),
        fan: Fan::default(),
        hum: (0..MAINS_PERIOD).map(hum).collect(),
    }
}

/// What is unusual in `room(seed, seconds)`, in order of time. For an endless room, endless.
pub fn unusual(seed: u64, seconds: f64) -> impl Iterator<Item = Unusual> {
    let total_s = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, LONGEST_S) };
    synthetic::all_unusual(seed, total_s, UNUSUAL)
}

impl Room {
    /// Puts on their way all sounds that begin in a block.
    fn schedule(&mut self, block: u64) {
        let mut rng = synthetic::block_rng(self.seed, 2, block);
        let begin_s = block as f64 * BLOCK_S;
        let mut at_s = begin_s + synthetic::between(&mut rng, 0.0, 25.0);
        while at_s < begin_s + BLOCK_S {
            let (kind, length_s) = match rng.below(4) {
                0 | 1 => (Kind::Steps, synthetic::between(&mut rng, 2.0, 5.0)),
                2 => (Kind::Car, synthetic::between(&mut rng, 4.0, 9.0)),
                _ => (Kind::Pipe, synthetic::between(&mut rng, 2.0, 6.0)),
            };
            let own = Rng::from_seed(rng.next_u64());
            self.soundings.push(Sounding::new(kind, at_s, at_s + length_s, own));
            at_s += synthetic::between(&mut rng, 8.0, 30.0);
        }
        // The fridge keeps a time of its own.
        let cycle = (begin_s / FRIDGE_PERIOD_S).ceil();
        let mut own = synthetic::block_rng(self.seed, 3, cycle.to_bits());
        let start_s = cycle * FRIDGE_PERIOD_S + 20.0;
        if cycle * FRIDGE_PERIOD_S < begin_s + BLOCK_S {
            let length_s = synthetic::between(&mut own, 100.0, 180.0);
            self.soundings.push(Sounding::new(Kind::Fridge, start_s, start_s + length_s, own));
        }
        if let Some(unusual) = synthetic::unusual_in(self.seed, block, self.total_s, UNUSUAL) {
            let kind = match unusual.kind {
                "glass" => Kind::Glass,
                "whistle" => Kind::Whistle,
                "knocks" => Kind::Knocks,
                _ => Kind::Chirp,
            };
            let own = Rng::from_seed(rng.next_u64());
            self.soundings.push(Sounding::new(kind, unusual.start_s, unusual.end_s, own));
        }
    }

    fn chunk(&mut self) -> Vec<f32> {
        let len = CHUNK_LEN.min(self.total_samples - self.position);
        let end_s = (self.position + len) as f64 / f64::from(RATE_HZ);
        while self.next_block as f64 * BLOCK_S < end_s {
            self.schedule(self.next_block);
            self.next_block += 1;
        }
        let begin = self.position;
        let begin_s = begin as f64 / f64::from(RATE_HZ);
        let slow = |period_s: f64| (TAU * begin_s / period_s).sin();
        // What wanders over minutes may go in steps of a tenth of a second.
        let (second, sixth) = (1.0 + 0.3 * slow(97.0), 1.0 + 0.5 * slow(61.0));
        let (speed, strength) = (slow(211.0), slow(37.0));
        let mut samples = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
        for position in begin..begin + len {
            let at_s = position as f64 / f64::from(RATE_HZ);
            let hum = self.hum[usize::try_from(position % MAINS_PERIOD).unwrap_or(0)];
            let white = 2.0 * self.air.unit() - 1.0;
            let mut value = 0.0015 * white + hum[0] + second * hum[1] + sixth * hum[2];
            value += self.fan.sample(white, speed, strength) + tick(at_s);
            for sounding in &mut self.soundings {
                if sounding.start_s <= at_s && at_s < sounding.end_s {
                    value += sounding.sample(at_s);
                }
            }
            #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
            samples.push(value.clamp(-0.99, 0.99) as f32);
        }
        self.soundings.retain(|sounding| end_s < sounding.end_s);
        self.position += len;
        samples
    }
}

impl Fan {
    fn sample(&mut self, white: f64, speed: f64, strength: f64) -> f64 {
        self.phase = (self.phase + (87.0 + 3.0 * speed) / f64::from(RATE_HZ)).fract();
        self.low += 0.08 * (white - self.low);
        self.band += 0.02 * (self.low - self.band);
        (1.0 + 0.25 * strength) * (0.006 * (TAU * self.phase).sin() + 0.05 * (self.low - self.band))
    }
}

/// One sample of the hum's parts: the first and third harmonic, the second, and the sixth.
fn hum(position: u64) -> [f64; 3] {
    let phase = TAU * position as f64 / MAINS_PERIOD as f64;
    let harmonic = |number: f64| (number * phase).sin();
    [0.010 * harmonic(1.0) + 0.003 * harmonic(3.0), 0.006 * harmonic(2.0), 0.002 * harmonic(6.0)]
}

/// A clock: a tick each second, every other one a little lower.
fn tick(at_s: f64) -> f64 {
    let second = at_s.floor();
    let t = at_s - second;
    if 0.03 < t {
        return 0.0;
    }
    let hz = if (second / 2.0).fract() == 0.0 { 2600.0 } else { 2300.0 };
    0.04 * (TAU * hz * t).sin() * (-t / 0.004).exp()
}

impl Source for Room {
    fn modality(&self) -> Modality {
        Modality::Sound
    }

    fn next(&mut self, _max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(Chunk::Begin { input: "synthetic room".into(), at_s: 0.0 }));
        }
        if self.position == self.total_samples {
            return Ok(None);
        }
        let at_sample = self.position;
        Ok(Some(Chunk::Sound { rate_hz: RATE_HZ, at_sample, samples: self.chunk() }))
    }

    fn total_s(&self) -> Option<f64> {
        (self.total_s < LONGEST_S).then_some(self.total_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(seed: u64, seconds: f64) -> Vec<f32> {
        listen_until(room(seed, seconds), f64::INFINITY)
    }

    fn listen_until(mut room: Room, end_s: f64) -> Vec<f32> {
        let mut heard = Vec::new();
        while (heard.len() as f64) < end_s * 16_000.0
            && let Some(chunk) = room.next(Duration::ZERO).unwrap()
        {
            if let Chunk::Sound { at_sample, samples, .. } = chunk {
                assert_eq!(at_sample, heard.len() as u64);
                heard.extend(samples);
            }
        }
        heard
    }

    fn level(samples: &[f32]) -> f32 {
        (samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn equal_seeds_make_equal_rooms_and_others_others() {
        let first = listen(1, 70.05);
        assert_eq!(first.len(), 70 * 16_000 + 800);
        assert!(first == listen(1, 70.05));
        assert!(first != listen(2, 70.05));
    }

    #[test]
    fn levels_are_those_of_a_room() {
        let heard = listen(3, 150.0);
        let peak = heard.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
        assert!((0.05..0.9).contains(&peak), "peak {peak}");
        let level = level(&heard);
        assert!((0.005..0.08).contains(&level), "level {level}");
    }

    #[test]
    fn what_is_unusual_is_listed_heard_and_not_in_the_beginning() {
        let listed: Vec<Unusual> = unusual(4, 1800.0).collect();
        assert!((8..28).contains(&listed.len()), "{} of 25 minutes", listed.len());
        let mut kinds: Vec<&str> = listed.iter().map(|one| one.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds, ["chirp", "glass", "knocks", "whistle"]);
        assert!(listed.iter().all(|one| 300.0 <= one.start_s && one.end_s <= 1800.0));
        assert!(listed.windows(2).all(|two| two[0].end_s < two[1].start_s));
    }

    #[test]
    fn a_whistle_is_heard_where_it_is_listed() {
        let whistle = |seed| unusual(seed, 200.0).find(|one| one.kind == "whistle");
        let (seed, one) = (0..).find_map(|seed| Some((seed, whistle(seed)?))).unwrap();
        let heard = listen_until(room(seed, 200.0), one.end_s);
        // A room that ends during the whistle does not begin it.
        let without = listen_until(room(seed, one.end_s - 0.001), one.end_s);
        let rest = |from_s: f64, to_s: f64| {
            let differences = heard.iter().zip(&without).enumerate().filter_map(|(at, pair)| {
                let at_s = at as f64 / 16_000.0;
                (from_s <= at_s && at_s < to_s).then_some(pair.0 - pair.1)
            });
            level(&differences.collect::<Vec<_>>())
        };
        assert!(rest(one.start_s - 1.0, one.start_s) < 1e-9, "nothing else differs");
        assert!(0.03 < rest(one.start_s + 0.1, one.end_s - 0.1), "{one:?}");
    }

    #[test]
    fn an_endless_room_holds_little() {
        let mut room = room(5, f64::INFINITY);
        assert_eq!(room.total_s(), None);
        for _ in 0..5_000 {
            room.next(Duration::ZERO).unwrap();
            assert!(room.soundings.len() < 12);
        }
    }
}
