//! A few seconds of a source, and what can be told of them: does it hear, does it see?

use std::time::Duration;

use crate::base::clock::Clock;
use crate::capture::Chunk;
use crate::capture::Source;
use crate::capture::error::CaptureError;
use crate::signal::image::RgbImage;
use crate::signal::image::decode;

/// A device that has said nothing after this long is given up.
const FIRST_WAIT: Duration = Duration::from_secs(12);

/// How long a source may keep us waiting before we look at the clock.
const LOOK_UP: Duration = Duration::from_millis(100);

/// A sample this near to full scale was probably cut off.
const FULL_SCALE: f32 = 0.999;

/// Levels of a short recording or of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// Seconds of sound, counted in samples.
    pub sound_s: f64,
    /// Samples per second, as the device says.
    pub rate_hz: u32,
    /// Largest magnitude, 0 to 1.
    pub peak: f32,
    /// Root of the mean square without the mean, 0 to 1.
    pub rms: f32,
    /// Share of samples at full scale.
    pub clipped: f64,
    /// Pictures that could be decoded.
    pub pictures: u64,
    /// Size of the last one.
    pub size: (usize, usize),
    /// Mean brightness of the last one, 0 to 1.
    pub brightness: f32,
    /// Standard deviation of its brightness, 0 to 1: 0 for a picture of one colour.
    pub contrast: f32,
    /// Pictures that could not be decoded, and losses that were told.
    pub lost: u64,
    /// Seconds that passed from the first chunk to the last.
    pub passed_s: f64,
}

impl Sample {
    /// A magnitude in decibels below full scale.
    pub fn decibels(magnitude: f32) -> f32 {
        20.0 * magnitude.max(1e-6).log10()
    }
}

/// Takes `seconds` of a source that was just opened.
///
/// # Errors
///
/// [`CaptureError`] of the source, and [`CaptureError::Stalled`] where nothing came.
pub fn take(
    source: &mut dyn Source,
    clock: &dyn Clock,
    name: &str,
    seconds: f64,
) -> Result<Sample, CaptureError> {
    let opened = clock.now();
    let mut began = None;
    let mut sample = Sample::default();
    let (mut sum, mut squares, mut count, mut full) = (0.0_f64, 0.0_f64, 0_u64, 0_u64);
    let mut image = RgbImage::empty();
    loop {
        let now = clock.now();
        match began {
            Some(at) if seconds <= (now - at).as_secs_f64() => break,
            None if opened + FIRST_WAIT <= now => {
                let silent_for = now - opened;
                return Err(CaptureError::Stalled { device: name.into(), silent_for });
            }
            _ => {}
        }
        match source.next(LOOK_UP)? {
            None => break,
            Some(Chunk::Sound { rate_hz, samples, .. }) => {
                began = began.or(Some(now));
                sample.rate_hz = rate_hz;
                for &value in &samples {
                    sample.peak = sample.peak.max(value.abs());
                    sum += f64::from(value);
                    squares += f64::from(value).powi(2);
                    full += u64::from(FULL_SCALE <= value.abs());
                }
                count += samples.len() as u64;
            }
            Some(Chunk::Picture { image: raw, .. }) => {
                began = began.or(Some(now));
                if decode::decode_into(&raw, &mut image).is_ok() {
                    sample.pictures += 1;
                } else {
                    sample.lost += 1;
                }
            }
            Some(Chunk::Gap(loss)) => sample.lost += loss.count,
            Some(Chunk::Begin { .. } | Chunk::Idle) => {}
        }
    }
    sample.passed_s = began.map_or(0.0, |at| (clock.now() - at).as_secs_f64());
    if 0 < count {
        let mean = sum / count as f64;
        let variance = (squares / count as f64 - mean * mean).max(0.0);
        #[expect(clippy::cast_possible_truncation, reason = "a level for people")]
        let rms = variance.sqrt() as f32;
        sample.rms = rms;
        sample.sound_s = count as f64 / f64::from(sample.rate_hz.max(1));
        sample.clipped = full as f64 / count as f64;
    }
    if 0 < sample.pictures {
        sample.size = (image.width, image.height);
        (sample.brightness, sample.contrast) = brightness(&image);
    }
    Ok(sample)
}

/// Mean and standard deviation of the mean of the three colours, 0 to 1.
fn brightness(image: &RgbImage) -> (f32, f32) {
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    let (pixels, _) = image.rgb.as_chunks::<3>();
    for pixel in pixels {
        let grey = pixel.iter().map(|&value| f64::from(value)).sum::<f64>() / 765.0;
        sum += grey;
        squares += grey * grey;
    }
    let count = pixels.len().max(1) as f64;
    let mean = sum / count;
    let deviation = (squares / count - mean * mean).max(0.0).sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "a level for people")]
    let both = (mean as f32, deviation as f32);
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SimulatedClock;
    use crate::capture::Modality;
    use crate::signal::image::PixelFormat;
    use crate::signal::image::RawImage;

    /// Delivers the same chunk every tenth of a second.
    struct Same<'a>(Chunk, &'a SimulatedClock);

    impl Source for Same<'_> {
        fn modality(&self) -> Modality {
            Modality::Sound
        }

        fn next(&mut self, _: Duration) -> Result<Option<Chunk>, CaptureError> {
            self.1.advance(Duration::from_millis(100));
            Ok(Some(self.0.clone()))
        }
    }

    fn of(chunk: Chunk) -> Result<Sample, CaptureError> {
        let clock = SimulatedClock::default();
        take(&mut Same(chunk, &clock), &clock, "mic", 3.0)
    }

    #[test]
    fn levels_of_a_square_wave_on_an_offset() {
        let samples: Vec<f32> = (0..1_600).map(|i| if i % 2 == 0 { 0.6 } else { 0.4 }).collect();
        let sample = of(Chunk::Sound { rate_hz: 16_000, at_sample: 0, samples }).unwrap();
        assert!((sample.rms - 0.1).abs() < 1e-4, "the offset is no sound: {sample:?}");
        assert_eq!(sample.peak, 0.6);
        assert!((2.9..=3.2).contains(&sample.sound_s), "{sample:?}");
        assert!((Sample::decibels(0.1) + 20.0).abs() < 1e-4);
    }

    #[test]
    fn a_picture_of_one_colour_has_no_contrast() {
        let image =
            RawImage { format: PixelFormat::Grey8, width: 2, height: 2, bytes: vec![255; 4] };
        let picture = |image| Chunk::Picture { at_s: 0.0, lasts_s: 1.0, image };
        let sample = of(picture(image.clone())).unwrap();
        assert_eq!((sample.size, sample.lost), ((2, 2), 0));
        assert!((sample.brightness - 1.0).abs() < 1e-3 && sample.contrast < 1e-3, "{sample:?}");
        let short = RawImage { bytes: vec![1], ..image };
        assert_eq!(of(picture(short)).unwrap().pictures, 0);
    }

    #[test]
    fn a_device_that_says_nothing_is_given_up() {
        let error = of(Chunk::Idle).unwrap_err();
        assert!(error.to_string().contains("\"mic\" has delivered nothing for 12"), "{error}");
    }
}
