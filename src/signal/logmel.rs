//! Log-mel frames from a stream of samples.
//!
//! Every frame is computed once, however many windows share it. Nothing is allocated per frame; mel
//! weights are stored sparsely, since a band sees only a few bins.
//!
//! Computed in `f64`: a transform's rounding is a share of the loudest bin, so in `f32` a quiet band beside a
//! loud one would differ from processor to processor, and scores with it.

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::config::manifest::{LogMelSpec, Slopes, Spectrum};

/// Samples taken in at a time, which bounds what is held.
const BLOCK_SAMPLES: usize = 4096;

/// Streaming `ln(weights · |rfft(hann · samples)| + log_offset)`; with [`Spectrum::Samples`], blocks of
/// samples.
pub struct LogMel {
    spec: LogMelSpec,
    hann: Vec<f64>,
    bands: Vec<Band>,
    weights: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
    held: Vec<f32>,
    padded: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    strength: Vec<f64>,
    frame: Vec<f32>,
}

/// Bins `first_bin ..` times `weights[first_weight ..][.. len]`.
#[derive(Debug, Clone, Copy)]
struct Band {
    first_bin: usize,
    first_weight: usize,
    len: usize,
}

impl fmt::Debug for LogMel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogMel").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl LogMel {
    /// A front end for samples at `rate_hz`, with nothing held.
    pub fn new(spec: &LogMelSpec, rate_hz: u32) -> Self {
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(spec.fft_samples);
        let (bands, weights) = match spec.spectrum {
            Spectrum::Samples => (Vec::new(), Vec::new()),
            Spectrum::Magnitude | Spectrum::Power => mel_bands(spec, rate_hz),
        };
        Self {
            hann: periodic_hann(spec.frame_samples),
            bands,
            weights,
            held: Vec::with_capacity(spec.frame_samples + BLOCK_SAMPLES),
            padded: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            strength: vec![0.0; spec.fft_samples / 2 + 1],
            frame: vec![0.0; spec.bands],
            fft,
            spec: spec.clone(),
        }
    }

    /// Takes samples in, and shows every frame `[bands]` that they complete, in order.
    pub fn push(&mut self, samples: &[f32], on_frame: &mut dyn FnMut(&[f32])) {
        for block in samples.chunks(BLOCK_SAMPLES) {
            self.held.extend_from_slice(block);
            let mut start = 0;
            while start + self.spec.frame_samples <= self.held.len() {
                self.transform(start);
                on_frame(&self.frame);
                start += self.spec.hop_samples;
            }
            self.held.copy_within(start.., 0);
            self.held.truncate(self.held.len() - start);
        }
    }

    /// Forgets held samples: the next sample begins a new stretch.
    pub fn reset(&mut self) {
        self.held.clear();
    }

    /// Computes `self.frame` from the samples held at `start`.
    fn transform(&mut self, start: usize) {
        let samples = &self.held[start..start + self.spec.frame_samples];
        if self.spec.spectrum == Spectrum::Samples {
            self.frame.copy_from_slice(samples);
            return;
        }
        let (windowed, rest) = self.padded.split_at_mut(self.spec.frame_samples);
        for ((out, sample), weight) in windowed.iter_mut().zip(samples).zip(&self.hann) {
            *out = f64::from(*sample) * weight;
        }
        // The transform uses its input as working space.
        rest.fill(0.0);
        let done =
            self.fft.process_with_scratch(&mut self.padded, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "all buffers were made by the transform itself");
        let power = self.spec.spectrum == Spectrum::Power;
        for (strength, bin) in self.strength.iter_mut().zip(&self.spectrum) {
            let squared = bin.norm_sqr();
            *strength = if power { squared } else { squared.sqrt() };
        }
        for (out, band) in self.frame.iter_mut().zip(&self.bands) {
            let bins = &self.strength[band.first_bin..band.first_bin + band.len];
            let weights = &self.weights[band.first_weight..band.first_weight + band.len];
            let sum: f64 = bins.iter().zip(weights).map(|(bin, weight)| bin * weight).sum();
            #[expect(clippy::cast_possible_truncation, reason = "f32 is what encoders take")]
            let logarithm = (sum + self.spec.log_offset).ln() as f32;
            *out = logarithm;
        }
    }
}

/// `0.5 − 0.5 cos(2πn/len)`: the last sample is not zero, as TensorFlow and `scipy` (`sym=False`) do.
fn periodic_hann(len: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU / len as f64;
    (0..len).map(|n| 0.5 - 0.5 * (step * n as f64).cos()).collect()
}

/// HTK's mel: `1127 ln(1 + f / 700)`.
fn hz_to_mel(hz: f64) -> f64 {
    1127.0 * (hz / 700.0).ln_1p()
}

fn mel_to_hz(mel: f64) -> f64 {
    700.0 * (mel / 1127.0).exp_m1()
}

/// Triangles whose corners are evenly spaced in mel; only weights above zero are kept.
fn mel_bands(spec: &LogMelSpec, rate_hz: u32) -> (Vec<Band>, Vec<f64>) {
    let (low, high) = (hz_to_mel(spec.low_hz), hz_to_mel(spec.high_hz));
    let step = (high - low) / (spec.bands + 1) as f64;
    let bin_hz = f64::from(rate_hz) / spec.fft_samples as f64;
    let along = |hz: f64| match spec.slopes {
        Slopes::Mel => hz_to_mel(hz),
        Slopes::Hz => hz,
    };
    let corner = |index: usize| {
        let mel = low + step * index as f64;
        match spec.slopes {
            Slopes::Mel => mel,
            Slopes::Hz => mel_to_hz(mel),
        }
    };
    let (mut bands, mut weights) = (Vec::with_capacity(spec.bands), Vec::new());
    for band in 0..spec.bands {
        let (left, peak, right) = (corner(band), corner(band + 1), corner(band + 2));
        let weight = |bin: usize| {
            let at = along(bin as f64 * bin_hz);
            ((at - left) / (peak - left)).min((right - at) / (right - peak)).max(0.0)
        };
        let bins = 0..=spec.fft_samples / 2;
        let first_bin = bins.clone().find(|&bin| 0.0 < weight(bin)).unwrap_or(0);
        let first_weight = weights.len();
        weights.extend(bins.skip(first_bin).map(weight).take_while(|&weight| 0.0 < weight));
        bands.push(Band { first_bin, first_weight, len: weights.len() - first_weight });
    }
    (bands, weights)
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "made tones, rounded to f32")]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn yamnet() -> LogMelSpec {
        LogMelSpec {
            frame_samples: 400,
            hop_samples: 160,
            fft_samples: 512,
            bands: 64,
            low_hz: 125.0,
            high_hz: 7500.0,
            log_offset: 0.001,
            spectrum: Spectrum::Magnitude,
            slopes: Slopes::Mel,
        }
    }

    fn frames(log_mel: &mut LogMel, pieces: &[&[f32]]) -> Vec<f32> {
        let mut out = Vec::new();
        for piece in pieces {
            log_mel.push(piece, &mut |frame| out.extend_from_slice(frame));
        }
        out
    }

    #[test]
    fn silence_is_the_logarithm_of_the_offset() {
        let mut log_mel = LogMel::new(&yamnet(), 16_000);
        let out = frames(&mut log_mel, &[&[0.0; 400 + 160]]);
        assert_eq!(out.len(), 2 * 64);
        assert!(out.iter().all(|&x| x == 0.001_f64.ln() as f32), "{out:?}");
    }

    #[test]
    fn how_the_samples_were_cut_makes_no_difference() {
        let mut rng = Rng::from_seed(3);
        let samples: Vec<f32> = (0..20_000).map(|_| rng.unit_f32() - 0.5).collect();
        let whole = frames(&mut LogMel::new(&yamnet(), 16_000), &[&samples]);
        assert_eq!(whole.len(), (20_000 - 400) / 160 * 64 + 64);
        for cut in [1, 7, 159, 160, 399, 401, 5000] {
            let pieces: Vec<&[f32]> = samples.chunks(cut).collect();
            let cut_up = frames(&mut LogMel::new(&yamnet(), 16_000), &pieces);
            assert_eq!(cut_up, whole, "pieces of {cut}");
        }
    }

    #[test]
    fn after_a_reset_nothing_of_the_past_is_left() {
        let mut log_mel = LogMel::new(&yamnet(), 16_000);
        frames(&mut log_mel, &[&[1.0; 399]]);
        log_mel.reset();
        let out = frames(&mut log_mel, &[&[0.0; 400]]);
        assert_eq!(out.len(), 64);
        assert!(out.iter().all(|&x| x == 0.001_f64.ln() as f32));
    }

    #[test]
    fn a_tone_is_loudest_in_its_own_band() {
        let spec = yamnet();
        let mut log_mel = LogMel::new(&spec, 16_000);
        let (low, high) = (hz_to_mel(125.0), hz_to_mel(7500.0));
        for band in [10, 30, 60] {
            let hz = mel_to_hz(low + (high - low) * (band + 1) as f64 / 65.0);
            let tone: Vec<f32> = (0..400)
                .map(|n| (std::f64::consts::TAU * hz * f64::from(n) / 16_000.0).sin() as f32)
                .collect();
            log_mel.reset();
            let out = frames(&mut log_mel, &[&tone]);
            let loudest = (0..64).max_by(|&a, &b| out[a].total_cmp(&out[b])).unwrap();
            assert!(loudest.abs_diff(band) <= 1, "{hz} Hz was loudest in band {loudest}");
        }
    }
}
