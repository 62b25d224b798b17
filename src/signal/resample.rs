//! From any sample rate to the encoder's, as a stream.
//!
//! The filter's delay is taken out: output sample `n` stands for the same moment as input sample
//! `n · from / to`, and a stretch of `n` samples gives exactly `round(n · to / from)`.
//!
//! Method: overlapping transforms, blocks of about 20 ms (`rubato`'s synchronous resampler). Where the
//! two rates have no convenient common divisor, a windowed sinc instead, so that a block never holds
//! more than a fraction of a second; its delay is exact to a tenth of a sample.

use std::fmt;

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, Indexing, Resampler, ResamplerConstructionError,
    SincInterpolationParameters, SincInterpolationType, WindowFunction,
};
use thiserror::Error;

/// Blocks per second: 20 ms keeps the delay low, and the filter still passes 7.5 kHz of 8 unharmed.
const BLOCKS_PER_SECOND: usize = 50;

/// Longest block of the synchronous resampler, in samples of the higher rate; above it, the sinc.
const LONGEST_BLOCK: usize = 4096;

/// A rate that no resampler can be made for.
#[derive(Debug, Error)]
#[error(
    "cannot resample from {from_hz} Hz to {to_hz} Hz; rates from 1000 to 768000 Hz are possible"
)]
pub struct UnusableRate {
    from_hz: u32,
    to_hz: u32,
}

/// Streaming conversion of one channel from one rate to another. Equal rates pass through untouched.
pub struct RateConverter {
    from_hz: u32,
    to_hz: u32,
    engine: Option<Engine>,
    taken: u64,
    given: u64,
}

struct Engine {
    resampler: Box<dyn Resampler<f32>>,
    pending: Vec<f32>,
    block: Vec<f32>,
    delay: usize,
    to_skip: usize,
}

impl fmt::Debug for RateConverter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateConverter")
            .field("from_hz", &self.from_hz)
            .field("to_hz", &self.to_hz)
            .finish_non_exhaustive()
    }
}

impl RateConverter {
    /// A converter at the beginning of a stretch.
    ///
    /// # Errors
    ///
    /// [`UnusableRate`] for rates outside what sound is recorded at.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, UnusableRate> {
        let usable = |hz| (1000..=768_000).contains(&hz);
        if !usable(from_hz) || !usable(to_hz) {
            return Err(UnusableRate { from_hz, to_hz });
        }
        let engine = if from_hz == to_hz {
            None
        } else {
            let made = Engine::new(from_hz as usize, to_hz as usize);
            Some(made.map_err(|_| UnusableRate { from_hz, to_hz })?)
        };
        Ok(Self { from_hz, to_hz, engine, taken: 0, given: 0 })
    }

    /// The rate of what goes in.
    pub const fn from_hz(&self) -> u32 {
        self.from_hz
    }

    /// Takes samples in and appends to `out` what is ready.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.taken += samples.len() as u64;
        let Some(engine) = &mut self.engine else {
            self.given += samples.len() as u64;
            out.extend_from_slice(samples);
            return;
        };
        let before = out.len();
        let mut rest = samples;
        while !rest.is_empty() {
            let room = engine.resampler.input_frames_next() - engine.pending.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            engine.pending.extend_from_slice(now);
            rest = later;
            if now.len() == room {
                engine.convert(out);
            }
        }
        self.given += (out.len() - before) as u64;
    }

    /// Ends the stretch: appends what is still inside, and starts over.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let total = self.total();
        if let Some(engine) = &mut self.engine {
            while self.given < total {
                let before = out.len();
                engine.convert(out);
                let new = (out.len() - before) as u64;
                let wanted = new.min(total - self.given);
                // `wanted` is at most the length of one block.
                #[expect(clippy::cast_possible_truncation, reason = "at most one block")]
                out.truncate(before + wanted as usize);
                self.given += wanted;
            }
            engine.reset();
        }
        self.taken = 0;
        self.given = 0;
    }

    /// `round(taken · to / from)`, half away from zero, in whole numbers.
    fn total(&self) -> u64 {
        let (from, to) = (u128::from(self.from_hz), u128::from(self.to_hz));
        let total = (2 * u128::from(self.taken) * to + from) / (2 * from);
        u64::try_from(total).unwrap_or(u64::MAX)
    }
}

impl Engine {
    fn new(from_hz: usize, to_hz: usize) -> Result<Self, ResamplerConstructionError> {
        // Of an odd number of input samples, the filter's middle would lie half a sample off the delay
        // that the resampler states; hence blocks of an even number.
        let divisor = greatest_common_divisor(from_hz, to_hz);
        let odd = (from_hz / divisor) % 2;
        let smallest = (from_hz / divisor) << odd;
        let chunk = from_hz.div_ceil(BLOCKS_PER_SECOND).next_multiple_of(smallest);
        let block = chunk.max(chunk * to_hz / from_hz);
        let (resampler, delay): (Box<dyn Resampler<f32>>, usize) = if block <= LONGEST_BLOCK {
            let (window, fixed) = (WindowFunction::Hann2, FixedSync::Both);
            let made = Fft::new_custom(from_hz, to_hz, chunk, 1, 1, window, fixed)?;
            let delay = made.output_delay();
            (Box::new(made), delay)
        } else {
            let ratio = to_hz as f64 / from_hz as f64;
            let (sinc_len, delay) = sinc_len_and_delay(ratio);
            let parameters = SincInterpolationParameters {
                sinc_len,
                f_cutoff: None,
                oversampling_factor: 256,
                interpolation: SincInterpolationType::Linear,
                window: WindowFunction::Hann2,
            };
            let chunk = from_hz.div_ceil(BLOCKS_PER_SECOND);
            let made = Async::new_sinc(ratio, 1.1, &parameters, chunk, 1, FixedAsync::Input)?;
            (Box::new(made), delay)
        };
        Ok(Self {
            pending: Vec::with_capacity(resampler.input_frames_max()),
            block: vec![0.0; resampler.output_frames_max()],
            resampler,
            delay,
            to_skip: delay,
        })
    }

    /// Converts what is pending, followed by silence if it is not a whole block.
    fn convert(&mut self, out: &mut Vec<f32>) {
        let real = self.pending.len();
        self.pending.resize(self.resampler.input_frames_next(), 0.0);
        let indexing = Indexing::new().partial_len(real);
        let frames = self.block.len();
        let input = SequentialSlice::new(&self.pending[..], 1, self.pending.len());
        let output = SequentialSlice::new_mut(&mut self.block[..], 1, frames);
        let written = match (input, output) {
            (Ok(input), Ok(mut output)) => {
                self.resampler.process_into_buffer(&input, &mut output, Some(&indexing))
            }
            _ => Ok((0, 0)),
        };
        debug_assert!(written.is_ok(), "the buffers have the sizes that the resampler asked for");
        let written = written.map_or(0, |(_, written)| written);
        let skipped = self.to_skip.min(written);
        self.to_skip -= skipped;
        out.extend_from_slice(&self.block[skipped..written]);
        self.pending.clear();
    }

    fn reset(&mut self) {
        self.resampler.reset();
        self.pending.clear();
        self.to_skip = self.delay;
    }
}

/// A filter of about 256 points whose delay is nearly a whole number of output samples, and that
/// number: half the filter, less one, since the first output lies one step after the beginning.
///
/// Why not what the resampler states: it rounds down, and leaves the one step out.
fn sinc_len_and_delay(ratio: f64) -> (usize, usize) {
    let half = |len: usize| len as f64 / 2.0 * ratio;
    let off = |len: usize| (half(len) - half(len).round()).abs();
    let lens = (192..=320).step_by(8);
    let len = lens.min_by(|&a, &b| off(a).total_cmp(&off(b))).unwrap_or(256);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a filter's delay: above 0, and below 160 times the greatest ratio of two rates"
    )]
    let delay = (half(len).round() - 1.0).max(0.0) as usize;
    (len, delay)
}

const fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made tones, rounded to f32, and small counts"
)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate_hz: u32, len: usize) -> Vec<f32> {
        let step = std::f64::consts::TAU * hz / f64::from(rate_hz);
        (0..len).map(|n| (step * n as f64).sin() as f32).collect()
    }

    fn convert(from_hz: u32, to_hz: u32, samples: &[f32], cut: usize) -> Vec<f32> {
        let mut converter = RateConverter::new(from_hz, to_hz).unwrap();
        let mut out = Vec::new();
        for piece in samples.chunks(cut) {
            converter.push(piece, &mut out);
        }
        converter.finish(&mut out);
        out
    }

    const RATES: [u32; 11] =
        [8000, 11_025, 12_345, 16_001, 22_050, 32_000, 44_100, 44_101, 48_000, 96_000, 192_000];

    #[test]
    fn equal_rates_pass_through_untouched() {
        let samples = tone(440.0, 16_000, 1000);
        assert_eq!(convert(16_000, 16_000, &samples, 7), samples);
    }

    #[test]
    fn the_count_is_exact_at_every_rate_and_length() {
        for from_hz in RATES {
            for len in [0, 1, 2, 159, 441, 5000, 20_001] {
                let expected = (len as f64 * 16_000.0 / f64::from(from_hz)).round() as usize;
                let out = convert(from_hz, 16_000, &vec![0.5; len], 480);
                assert_eq!(out.len(), expected, "{len} samples at {from_hz} Hz");
            }
        }
    }

    #[test]
    fn a_tone_stays_the_same_tone_at_the_same_moment() {
        for from_hz in RATES {
            for hz in [200.0, 1000.0, 3400.0, 7400.0] {
                if f64::from(from_hz) * 0.45 < hz {
                    continue;
                }
                let out = convert(from_hz, 16_000, &tone(hz, from_hz, from_hz as usize), 1000);
                let expected = tone(hz, 16_000, out.len());
                // Away from the ends, where the signal itself begins and stops.
                let worst =
                    (1000..15_000).map(|n| (out[n] - expected[n]).abs()).fold(0.0_f32, f32::max);
                // 0.5 dB at the very top of the band, 0.02 dB below; and, where the sinc is used,
                // a tenth of an output sample.
                let sinc = [12_345, 16_001, 44_101].contains(&from_hz);
                let late = if sinc { 0.1 } else { 0.0 };
                let allowed = if hz < 7000.0 { 0.003 } else { 0.06 }
                    + late * std::f64::consts::TAU * hz / 16_000.0;
                let allowed = allowed as f32;
                assert!(worst < allowed, "{hz} Hz at {from_hz} Hz is off by {worst}");
            }
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_removed_and_not_folded() {
        for hz in [9000.0, 12_000.0, 20_000.0] {
            let out = convert(48_000, 16_000, &tone(hz, 48_000, 48_000), 1000);
            let worst = out[1000..15_000].iter().fold(0.0_f32, |worst, x| worst.max(x.abs()));
            assert!(worst < 0.002, "{hz} Hz came through at {worst}");
        }
    }

    #[test]
    fn how_the_samples_were_cut_makes_no_difference_and_a_finish_forgets() {
        let samples = tone(500.0, 44_100, 10_000);
        let whole = convert(44_100, 16_000, &samples, 10_000);
        for cut in [1, 441, 882, 883, 1000] {
            assert_eq!(convert(44_100, 16_000, &samples, cut), whole, "pieces of {cut}");
        }
        let mut converter = RateConverter::new(44_100, 16_000).unwrap();
        for _ in 0..2 {
            let mut out = Vec::new();
            converter.push(&samples, &mut out);
            converter.finish(&mut out);
            assert_eq!(out, whole);
        }
    }

    #[test]
    fn an_impossible_rate_is_refused_with_what_is_possible() {
        for rate in [0, 1, 999, u32::MAX] {
            let shown = RateConverter::new(rate, 16_000).unwrap_err().to_string();
            assert!(shown.contains(&rate.to_string()) && shown.contains("768000"), "{shown}");
        }
    }
}
