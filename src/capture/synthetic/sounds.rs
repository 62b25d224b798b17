//! The single sounds of the room. Each is a function of the time since it began, so that it sounds
//! the same wherever blocks of samples are cut.

use std::f64::consts::TAU;

use crate::base::rng::Rng;

/// What sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Feet on a wooden floor.
    Steps,
    /// A car outside.
    Car,
    /// Water in a pipe.
    Pipe,
    /// A compressor that starts, runs and stops.
    Fridge,
    /// A pane that breaks. From here on unusual.
    Glass,
    /// Somebody whistles.
    Whistle,
    /// Somebody knocks.
    Knocks,
    /// A voice-like call that rises and falls.
    Chirp,
}

/// One sound on its way.
#[derive(Debug, Clone)]
pub(super) struct Sounding {
    pub(super) kind: Kind,
    pub(super) start_s: f64,
    pub(super) end_s: f64,
    /// Level relative to the usual one.
    gain: f64,
    /// Pitch relative to the usual one.
    pitch: f64,
    noise: Rng,
    smooth: [f64; 2],
}

impl Sounding {
    pub(super) fn new(kind: Kind, start_s: f64, end_s: f64, mut rng: Rng) -> Self {
        let gain = 0.7 + 0.6 * rng.unit();
        let pitch = 0.85 + 0.3 * rng.unit();
        Self { kind, start_s, end_s, gain, pitch, noise: rng, smooth: [0.0; 2] }
    }

    /// The next sample, at `at_s` of the stream; called for every sample from the first on.
    pub(super) fn sample(&mut self, at_s: f64) -> f64 {
        let t = at_s - self.start_s;
        let length = self.end_s - self.start_s;
        // Nothing begins or ends with a click of our own making.
        let edge = (t / 0.01).min((length - t) / 0.02).clamp(0.0, 1.0);
        let pitch = self.pitch;
        let tone = |hz: f64| (TAU * hz * pitch * t).sin();
        let value = match self.kind {
            Kind::Steps => {
                let (beat, number) = beat(t, 0.55 / pitch);
                let heel = tone(70.0 + 8.0 * (number % 2.0)) * decay(beat, 0.05);
                0.10 * heel + 0.05 * self.hiss(0.15) * decay(beat, 0.03)
            }
            Kind::Car => {
                // A swell whose middle is the loudest.
                let swell = (std::f64::consts::PI * t / length).sin().max(0.0);
                0.12 * self.hiss(0.04) * swell * swell
            }
            Kind::Pipe => 0.05 * (self.hiss(0.6) - 0.5 * self.smooth[1]) * (1.0 + 0.3 * tone(7.0)),
            Kind::Fridge => {
                let thump = tone(45.0) * (decay(t, 0.15) + decay((t - length + 0.6).abs(), 0.1));
                let run = 0.5 * tone(99.0) + 0.3 * tone(198.0) + 0.15 * tone(297.0);
                0.06 * thump + 0.02 * (t / 1.5).min(1.0) * run + 0.006 * self.hiss(0.3)
            }
            Kind::Glass => {
                let shards = [2310.0, 3170.0, 4120.0, 5230.0, 6400.0];
                let ring: f64 = (1_u8..)
                    .zip(shards)
                    .map(|(n, hz)| tone(hz) * decay(t - 0.04 * f64::from(n - 1), 0.18))
                    .sum();
                0.07 * ring + 0.25 * self.hiss(0.9) * decay(t, 0.06)
            }
            Kind::Whistle => {
                // Two notes with a slide between them; the phase is the integral of the pitch.
                let slide = 1500.0 * t + 300.0 / TAU * (1.0 - (TAU * t / length).cos()) * length;
                0.12 * (TAU * pitch * slide).sin() + 0.004 * self.hiss(0.8)
            }
            Kind::Knocks => {
                let (beat, _) = beat(t, 0.28);
                let wood = tone(310.0) + 0.6 * tone(530.0);
                0.16 * wood * decay(beat, 0.025) + 0.12 * self.hiss(0.5) * decay(beat, 0.008)
            }
            Kind::Chirp => {
                let (beat, _) = beat(t, 0.7);
                let voiced = (beat / 0.05).min((0.5 - beat) / 0.1).clamp(0.0, 1.0);
                let hz_s = 210.0 * beat + 90.0 * beat * beat;
                let harmonics: f64 = [1.0, 0.7, 0.5, 0.35, 0.4, 0.2]
                    .into_iter()
                    .zip(1_u8..)
                    .map(|(level, n)| level * (TAU * f64::from(n) * pitch * hz_s).sin())
                    .sum();
                0.06 * harmonics * voiced * (1.0 + 0.3 * tone(5.0))
            }
        };
        value * edge * self.gain
    }

    /// White noise behind a one-pole low-pass; `open`: 0 to 1.
    fn hiss(&mut self, open: f64) -> f64 {
        let white = 2.0 * self.noise.unit() - 1.0;
        self.smooth[0] += open * (white - self.smooth[0]);
        self.smooth[1] += 0.2 * (self.smooth[0] - self.smooth[1]);
        // About the same level whatever the width.
        self.smooth[0] / open.sqrt()
    }
}

/// 1 at 0, `1/e` after `time_s`; nothing before 0.
fn decay(t: f64, time_s: f64) -> f64 {
    if t < 0.0 { 0.0 } else { (-t / time_s).exp() }
}

/// Time since the last beat, and its number.
fn beat(t: f64, period_s: f64) -> (f64, f64) {
    let number = (t / period_s).floor();
    (t - number * period_s, number)
}
