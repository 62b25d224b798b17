//! What goes wrong with a microphone or a camera, done to a recording on purpose.

use crate::base::modality::Modality;
use crate::base::rng::Rng;
use crate::capture::Chunk;
use crate::signal::augment::picture;
use crate::signal::augment::sound;
use crate::signal::image::PixelFormat;
use crate::signal::image::RawImage;
use crate::signal::image::RgbImage;
use crate::signal::image::decode;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Disturbance {
    /// None.
    Clean,
    /// White noise whose power is so far below that of the learning part, decibels.
    Noise(f64),
    /// Louder by so much, decibels.
    Gain(f64),
    /// A box blur, twice, of a so-manieth of the shorter side.
    Blur(usize),
    /// Brightness times this.
    Light(f32),
}

impl Disturbance {
    /// Those that make sense.
    pub fn all(modality: Modality) -> Vec<Self> {
        match modality {
            Modality::Sound => vec![
                Self::Clean,
                Self::Noise(20.0),
                Self::Noise(10.0),
                Self::Noise(0.0),
                Self::Gain(12.0),
                Self::Gain(-12.0),
            ],
            Modality::Picture => {
                vec![
                    Self::Clean,
                    Self::Blur(64),
                    Self::Blur(24),
                    Self::Light(0.5),
                    Self::Light(0.2),
                ]
            }
        }
    }

    /// In words, for a table.
    pub fn name(self) -> String {
        match self {
            Self::Clean => "as it is".into(),
            Self::Noise(snr_db) => format!("noise at {snr_db:.0} dB"),
            Self::Gain(db) => format!("gain {db:+.0} dB"),
            Self::Blur(part) => format!("blur of 1/{part}"),
            Self::Light(share) => format!("light to {:.0} %", 100.0 * share),
        }
    }
}

/// Does it, from a moment on.
#[derive(Debug)]
pub struct Disturber {
    disturbance: Disturbance,
    from_s: f64,
    /// Power of the sound before that moment, sum and samples; measured on the way.
    power: (f64, f64),
    begins_s: f64,
    rng: Rng,
    picture: RgbImage,
}

impl Disturber {
    /// Nothing happens to what begins before `from_s`.
    pub fn new(disturbance: Disturbance, from_s: f64) -> Self {
        let picture = RgbImage { width: 0, height: 0, rgb: Vec::new() };
        let rng = Rng::from_seed(7);
        Self { disturbance, from_s, power: (0.0, 0.0), begins_s: 0.0, rng, picture }
    }

    /// The chunk, disturbed where its time has come.
    pub fn pass(&mut self, chunk: Chunk) -> Chunk {
        match chunk {
            Chunk::Begin { input, at_s } => {
                self.begins_s = at_s;
                Chunk::Begin { input, at_s }
            }
            Chunk::Sound { rate_hz, at_sample, mut samples } => {
                let at_s = self.begins_s + at_sample as f64 / f64::from(rate_hz);
                if at_s < self.from_s {
                    let sum: f64 = samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
                    self.power = (self.power.0 + sum, self.power.1 + samples.len() as f64);
                } else {
                    self.disturb_sound(&mut samples);
                }
                Chunk::Sound { rate_hz, at_sample, samples }
            }
            Chunk::Picture { at_s, lasts_s, image } if self.from_s <= at_s => {
                Chunk::Picture { at_s, lasts_s, image: self.disturb_picture(image) }
            }
            other => other,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "rounded to the samples' f32")]
    fn disturb_sound(&mut self, samples: &mut [f32]) {
        match self.disturbance {
            Disturbance::Noise(snr_db) => {
                let power = self.power.0 / self.power.1.max(1.0);
                // Uniform in ±a has power a²/3.
                let most = (3.0 * power * 10.0_f64.powf(-snr_db / 10.0)).sqrt();
                samples
                    .iter_mut()
                    .for_each(|x| *x += (most * (2.0 * self.rng.unit() - 1.0)) as f32);
            }
            Disturbance::Gain(db) => {
                sound::gain(samples, db);
                // As a converter would cut it.
                samples.iter_mut().for_each(|x| *x = x.clamp(-1.0, 1.0));
            }
            Disturbance::Clean | Disturbance::Blur(_) | Disturbance::Light(_) => {}
        }
    }

    fn disturb_picture(&mut self, image: RawImage) -> RawImage {
        let changed = &mut self.picture;
        let is_changed = matches!(self.disturbance, Disturbance::Blur(_) | Disturbance::Light(_));
        // A damaged picture stays one: the front end counts it.
        if !is_changed || decode::decode_into(&image, changed).is_err() {
            return image;
        }
        match self.disturbance {
            Disturbance::Blur(part) => {
                picture::blur(changed, (changed.width.min(changed.height) / part).max(1));
            }
            Disturbance::Light(share) => picture::jitter(changed, [share, 1.0, 1.0]),
            _ => {}
        }
        let (width, height) = (changed.width, changed.height);
        RawImage { format: PixelFormat::Rgb8, width, height, bytes: changed.rgb.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(samples: &[f32]) -> f64 {
        samples.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / samples.len() as f64
    }

    #[test]
    fn noise_comes_at_its_time_and_at_its_level() {
        let tone = |from: u64| Chunk::Sound {
            rate_hz: 1000,
            at_sample: from,
            samples: (0..1000_u16).map(|i| 0.1 * (f32::from(i) * 0.3).sin()).collect(),
        };
        let mut disturber = Disturber::new(Disturbance::Noise(10.0), 1.0);
        assert_eq!(disturber.pass(tone(0)), tone(0));
        let Chunk::Sound { samples, .. } = disturber.pass(tone(1000)) else { panic!("no sound") };
        let Chunk::Sound { samples: before, .. } = tone(1000) else { panic!("no sound") };
        let noise: Vec<f32> = samples.iter().zip(&before).map(|(a, b)| a - b).collect();
        let snr_db = 10.0 * (power(&before) / power(&noise)).log10();
        assert!((snr_db - 10.0).abs() < 0.5, "{snr_db}");
    }

    #[test]
    fn a_picture_gets_dark() {
        let image =
            RawImage { format: PixelFormat::Rgb8, width: 2, height: 1, bytes: vec![200; 6] };
        let chunk = Chunk::Picture { at_s: 5.0, lasts_s: 1.0, image };
        let mut disturber = Disturber::new(Disturbance::Light(0.5), 5.0);
        let Chunk::Picture { image, .. } = disturber.pass(chunk) else { panic!("no picture") };
        assert!(image.bytes.iter().all(|&x| (98..=102).contains(&x)), "{:?}", image.bytes);
    }
}
