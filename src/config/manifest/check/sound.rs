//! The front end of sound.

use crate::config::manifest::check::{MOST, MOST_SHOWN};
use crate::config::manifest::written::SoundToml;
use crate::config::manifest::{LogMelSpec, SoundLayout, SoundSpec, Spectrum};
use crate::config::problems::Problems;

impl SoundToml {
    pub(super) fn check(&self, problems: &mut Problems) -> SoundSpec {
        problems.require((1000..=192_000).contains(&self.rate_hz), "input.sound.rate_hz", || {
            format!("{} is outside 1000 to 192000", self.rate_hz)
        });
        let sized = |n: usize| (1..=MOST).contains(&n);
        for (key, value) in [
            ("window_frames", self.window_frames),
            ("hop_frames", self.hop_frames),
            ("frame_samples", self.frame_samples),
            ("hop_samples", self.hop_samples),
            ("fft_samples", self.fft_samples),
            ("mel_bands", self.mel_bands),
        ] {
            problems.require(sized(value), &format!("input.sound.{key}"), || {
                format!("{value} is outside 1 to {MOST_SHOWN}")
            });
        }
        problems.require(self.hop_frames <= self.window_frames, "input.sound.hop_frames", || {
            format!(
                "{} must not be above window_frames, {}, or sound would go unheard",
                self.hop_frames, self.window_frames
            )
        });
        problems.require(
            self.hop_samples <= self.frame_samples && self.frame_samples <= self.fft_samples,
            "input.sound.frame_samples",
            || {
                format!(
                    "must be hop_samples ≤ frame_samples ≤ fft_samples, not {} ≤ {} ≤ {}",
                    self.hop_samples, self.frame_samples, self.fft_samples
                )
            },
        );
        let raw = self.spectrum == Spectrum::Samples;
        let blocks = self.frame_samples == self.hop_samples && self.mel_bands == self.hop_samples;
        problems.require(!raw || blocks, "input.sound.spectrum", || {
            format!(
                "\"samples\" needs frame_samples = hop_samples = mel_bands, not {}, {} and {}",
                self.frame_samples, self.hop_samples, self.mel_bands
            )
        });
        problems.require(
            !raw || self.layout == SoundLayout::FramesBands,
            "input.sound.layout",
            || "samples have only one order; leave it out".into(),
        );
        let nyquist = f64::from(self.rate_hz) / 2.0;
        problems.require(
            raw || 0.0 <= self.low_hz && self.low_hz < self.high_hz && self.high_hz <= nyquist,
            "input.sound.high_hz",
            || {
                format!(
                    "must be 0 ≤ low_hz < high_hz ≤ half the rate, not 0 ≤ {} < {} ≤ {nyquist}",
                    self.low_hz, self.high_hz
                )
            },
        );
        problems.require(
            self.log_offset.is_finite() && 1e-12 <= self.log_offset,
            "input.sound.log_offset",
            || format!("{} must be at least 1e-12, or silence has no logarithm", self.log_offset),
        );
        problems.require(
            self.scale.is_finite() && 1e-6 <= self.scale.abs(),
            "input.sound.scale",
            || format!("{} must be finite, and not 0", self.scale),
        );
        problems.require(self.offset.is_finite(), "input.sound.offset", || {
            format!("{} must be finite", self.offset)
        });
        SoundSpec {
            rate_hz: self.rate_hz,
            window_frames: self.window_frames,
            hop_frames: self.hop_frames,
            log_mel: LogMelSpec {
                frame_samples: self.frame_samples,
                hop_samples: self.hop_samples,
                fft_samples: self.fft_samples,
                bands: self.mel_bands,
                low_hz: self.low_hz,
                high_hz: self.high_hz,
                log_offset: self.log_offset,
                spectrum: self.spectrum,
                slopes: self.slopes,
            },
            layout: self.layout,
            scale: self.scale,
            offset: self.offset,
        }
    }
}
