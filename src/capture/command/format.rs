//! What the bytes of a pipe or a headerless file mean, as its owner states it.

use crate::capture::Modality;
use crate::capture::error::CaptureError;
use crate::signal::image::PixelFormat;

/// Highest number of channels taken: more than any microphone array we know of, and low enough that
/// a lying header cannot make a frame of samples large.
pub const CHANNELS_MAX: u16 = 64;

/// Highest rate taken; ultrasound recorders reach 768 kHz.
pub const RATE_MAX_HZ: u32 = 1_000_000;

/// Longest side of a picture taken.
pub const SIDE_MAX: usize = 16_384;

/// How one sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleFormat {
    /// Unsigned, 128 is silence.
    U8,
    /// Signed, little-endian; likewise below.
    S16le,
    /// 3 bytes.
    S24le,
    /// 4 bytes.
    S32le,
    /// −1 to 1.
    F32le,
    /// −1 to 1.
    F64le,
}

impl SampleFormat {
    /// Bytes of one sample of one channel.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::S16le => 2,
            Self::S24le => 3,
            Self::S32le | Self::F32le => 4,
            Self::F64le => 8,
        }
    }

    /// One sample from exactly [`SampleFormat::bytes`] bytes; integers are scaled to −1..1.
    fn value(self, bytes: &[u8]) -> f64 {
        match (self, bytes) {
            (Self::U8, &[a]) => (f64::from(a) - 128.0) / 128.0,
            (Self::S16le, &[a, b]) => f64::from(i16::from_le_bytes([a, b])) / 32_768.0,
            (Self::S24le, &[a, b, c]) => {
                f64::from(i32::from_le_bytes([0, a, b, c])) / 2_147_483_648.0
            }
            (Self::S32le, &[a, b, c, d]) => {
                f64::from(i32::from_le_bytes([a, b, c, d])) / 2_147_483_648.0
            }
            (Self::F32le, &[a, b, c, d]) => f64::from(f32::from_le_bytes([a, b, c, d])),
            (Self::F64le, &[a, b, c, d, e, f, g, h]) => {
                f64::from_le_bytes([a, b, c, d, e, f, g, h])
            }
            _ => 0.0,
        }
    }
}

/// What a stream of bytes holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StreamFormat {
    /// Samples, channels interleaved.
    Pcm {
        /// Samples per second.
        rate_hz: u32,
        /// 1 to [`CHANNELS_MAX`].
        channels: u16,
        /// How one sample is written.
        sample: SampleFormat,
    },
    /// Pictures of one size, one after the other, without anything between them.
    RawVideo {
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
        /// Any but the compressed ones.
        pixels: PixelFormat,
        /// Pictures per second.
        fps: f64,
    },
    /// JPEG pictures one after the other; anything between them (multipart headers) is skipped.
    Mjpeg {
        /// Pictures per second.
        fps: f64,
    },
}

impl StreamFormat {
    /// Sound or pictures.
    pub const fn modality(&self) -> Modality {
        match self {
            Self::Pcm { .. } => Modality::Sound,
            Self::RawVideo { .. } | Self::Mjpeg { .. } => Modality::Picture,
        }
    }

    /// Refuses what no stream can be.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Setting`] names the value.
    pub fn check(&self) -> Result<(), CaptureError> {
        let wrong =
            |what, found: String, expected| Err(CaptureError::Setting { what, found, expected });
        match *self {
            Self::Pcm { rate_hz, channels, .. } => {
                if !(1..=RATE_MAX_HZ).contains(&rate_hz) {
                    return wrong("the sample rate", format!("{rate_hz} Hz"), "1 to 1000000 Hz");
                }
                if !(1..=CHANNELS_MAX).contains(&channels) {
                    return wrong("the number of channels", channels.to_string(), "1 to 64");
                }
                Ok(())
            }
            Self::RawVideo { width, height, pixels, fps } => {
                if frame_bytes(pixels, width, height).is_none() {
                    let found = format!("{width}×{height} {pixels:?}");
                    return wrong(
                        "the picture format",
                        found,
                        "1 to 16384 pixels a side, not JPEG",
                    );
                }
                check_fps(fps)
            }
            Self::Mjpeg { fps } => check_fps(fps),
        }
    }
}

/// Refuses rates at which no time passes or none ever ends.
pub(in crate::capture) fn check_fps(fps: f64) -> Result<(), CaptureError> {
    if (1e-5..=1000.0).contains(&fps) {
        return Ok(());
    }
    let expected = "0.00001 to 1000 pictures per second";
    Err(CaptureError::Setting { what: "the picture rate", found: fps.to_string(), expected })
}

/// Bytes of one picture; `None` for sizes out of range and formats that carry their own length.
pub(in crate::capture) fn frame_bytes(
    pixels: PixelFormat,
    width: usize,
    height: usize,
) -> Option<usize> {
    if !(1..=SIDE_MAX).contains(&width) || !(1..=SIDE_MAX).contains(&height) {
        return None;
    }
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    match pixels {
        PixelFormat::Rgb8 | PixelFormat::Bgr8 => Some(width * height * 3),
        PixelFormat::Grey8 => Some(width * height),
        PixelFormat::Yuyv | PixelFormat::Uyvy => Some(half_width * 4 * height),
        PixelFormat::Rgb565 => Some(width * height * 2),
        PixelFormat::Nv12 | PixelFormat::Nv21 | PixelFormat::I420 => {
            Some(width * height + 2 * half_width * half_height)
        }
        PixelFormat::Jpeg | PixelFormat::Encoded => None,
    }
}

/// Whole sample frames from `bytes`, averaged over channels; and how many were not finite and are
/// now 0.
///
/// The mean is taken in `f64`: the sum of a few `1e38` is still a number there.
pub(in crate::capture) fn mono(
    sample: SampleFormat,
    channels: u16,
    bytes: &[u8],
) -> (Vec<f32>, u64) {
    let width = sample.bytes();
    let frames = bytes.chunks_exact(width * usize::from(channels.max(1)));
    finite(frames.map(|frame| {
        let sum: f64 = frame.chunks_exact(width).map(|one| sample.value(one)).sum();
        sum / f64::from(channels.max(1))
    }))
}

/// Rounds to `f32`; what is not finite becomes 0 and is counted.
pub(in crate::capture) fn finite(values: impl Iterator<Item = f64>) -> (Vec<f32>, u64) {
    let mut replaced = 0;
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is what is wanted here")]
    let samples = values
        .map(|value| value as f32)
        .map(|value| {
            if value.is_finite() {
                value
            } else {
                replaced += 1;
                0.0
            }
        })
        .collect();
    (samples, replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_format_has_its_silence_and_its_full_scale() {
        let cases: [(SampleFormat, &[u8], f32); 6] = [
            (SampleFormat::U8, &[128, 0], -1.0),
            (SampleFormat::S16le, &[0, 0, 0, 0x80], -1.0),
            (SampleFormat::S24le, &[0, 0, 0, 0, 0, 0x80], -1.0),
            (SampleFormat::S32le, &[0, 0, 0, 0, 0, 0, 0, 0x80], -1.0),
            (SampleFormat::F32le, &[0, 0, 0, 0, 0, 0, 0x80, 0x3F], 1.0),
            (SampleFormat::F64le, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F], 1.0),
        ];
        for (format, bytes, full) in cases {
            assert_eq!(mono(format, 1, bytes), (vec![0.0, full], 0), "{format:?}");
        }
    }

    #[test]
    fn channels_are_averaged_and_what_is_not_finite_is_counted() {
        let mut bytes = Vec::new();
        for value in [1.0_f32, 0.0, f32::NAN, 1.0, f32::MAX, f32::MAX, 1e30, 1e30] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        let (samples, replaced) = mono(SampleFormat::F32le, 2, &bytes);
        assert_eq!(samples, [0.5, 0.0, f32::MAX, 1e30]);
        assert_eq!(replaced, 1);
    }

    #[test]
    fn impossible_streams_are_refused_by_name() {
        let pcm = |rate_hz, channels| StreamFormat::Pcm {
            rate_hz,
            channels,
            sample: SampleFormat::S16le,
        };
        let video = |width, fps| StreamFormat::RawVideo {
            width,
            height: 2,
            pixels: PixelFormat::Yuyv,
            fps,
        };
        for (format, word) in [
            (pcm(0, 1), "rate"),
            (pcm(16_000, 0), "channels"),
            (pcm(16_000, 65), "channels"),
            (video(0, 1.0), "picture format"),
            (video(2, f64::NAN), "picture rate"),
        ] {
            let error = format.check().unwrap_err().to_string();
            assert!(error.contains(word), "{word:?} missing in: {error}");
        }
        assert!(pcm(16_000, 64).check().is_ok() && video(2, 30.0).check().is_ok());
    }
}
