//! Changes of sound: gain, noise, pitch, time, equaliser.

use std::f64::consts::TAU;

use crate::base::rng::Rng;

/// Power below which a stretch is silence, and no noise is in proportion to it: −120 dB of full scale.
const SILENCE: f64 = 1e-12;

/// How one stretch is changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundChange {
    /// Louder or softer, dB.
    pub gain_db: f64,
    /// How far the noise that is added lies below the sound, dB.
    pub snr_db: f64,
    /// Higher or lower, semitones.
    pub semitones: f64,
    /// Later or earlier, samples; what leaves on one side comes in on the other.
    pub shift: isize,
    /// Middle of a bell of the equaliser, as a share of the sampling rate, and its gain in dB.
    pub bell: (f64, f64),
}

/// Loudness by up to so much, dB.
const GAIN_DB: f64 = 6.0;
/// Noise between these, dB.
const SNR_DB: (f64, f64) = (15.0, 40.0);
/// Pitch by up to so much, semitones.
const SEMITONES: f64 = 1.0;
/// Time by up to so much of the stretch.
const SHIFT: f64 = 0.1;
/// Middle of the bell between these shares of the sampling rate, and gain by up to so much, dB.
const BELL: (f64, f64) = (0.01, 0.3);
const BELL_DB: f64 = 6.0;
/// Width of the bell.
const BELL_Q: f64 = 1.0;

impl SoundChange {
    /// A change at random for a stretch of `len` samples.
    pub fn draw(len: usize, rng: &mut Rng) -> Self {
        let mut between = |low: f64, high: f64| low + (high - low) * rng.unit();
        let most_shift = SHIFT * len as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a share of the length of a stretch")]
        let shift = between(-most_shift, most_shift) as isize;
        // Even in pitch, not in hertz.
        let middle = BELL.0 * (BELL.1 / BELL.0).powf(between(0.0, 1.0));
        Self {
            gain_db: between(-GAIN_DB, GAIN_DB),
            snr_db: between(SNR_DB.0, SNR_DB.1),
            semitones: between(-SEMITONES, SEMITONES),
            shift,
            bell: (middle, between(-BELL_DB, BELL_DB)),
        }
    }

    /// Changes a stretch: pitch and time, then equaliser and gain, then noise.
    pub fn apply(&self, samples: &mut Vec<f32>, rng: &mut Rng) {
        pitch(samples, self.semitones);
        shift(samples, self.shift);
        equalise(samples, self.bell.0, self.bell.1, BELL_Q);
        gain(samples, self.gain_db);
        add_noise(samples, self.snr_db, rng);
    }
}

/// Louder by `db`.
#[expect(clippy::cast_possible_truncation, reason = "rounded to the samples' f32")]
pub fn gain(samples: &mut [f32], db: f64) {
    let factor = 10.0_f64.powf(db / 20.0) as f32;
    samples.iter_mut().for_each(|x| *x *= factor);
}

/// Adds white noise whose power is `snr_db` below that of the stretch; silence stays silent.
#[expect(clippy::cast_possible_truncation, reason = "rounded to the samples' f32")]
pub fn add_noise(samples: &mut [f32], snr_db: f64, rng: &mut Rng) {
    let power = power(samples);
    if power < SILENCE {
        return;
    }
    // Uniform in ±a has power a²/3.
    let most = (3.0 * power * 10.0_f64.powf(-snr_db / 10.0)).sqrt();
    samples.iter_mut().for_each(|x| *x += (most * (2.0 * rng.unit() - 1.0)) as f32);
}

/// Mean square.
fn power(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|&x| f64::from(x).powi(2)).sum();
    sum / samples.len().max(1) as f64
}

/// Later by `by` samples; what leaves on one side comes in on the other.
pub fn shift(samples: &mut [f32], by: isize) {
    let len = samples.len();
    if 0 < len {
        let far = by.unsigned_abs() % len;
        if by < 0 { samples.rotate_left(far) } else { samples.rotate_right(far) }
    }
}

/// Higher by `semitones`, and faster by as much, as a tape would be; the end is filled by going back
/// (up) or cut off (down). Cubic interpolation (Catmull and Rom).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "places within a stretch of sound"
)]
pub fn pitch(samples: &mut Vec<f32>, semitones: f64) {
    let len = samples.len();
    if len < 2 || semitones == 0.0 {
        return;
    }
    let step = (semitones / 12.0).exp2();
    // Places beyond an end are those as far before it.
    let at = |place: isize| {
        let round = 2 * (len as isize - 1);
        let place = place.rem_euclid(round);
        samples[place.min(round - place) as usize]
    };
    let changed = (0..len)
        .map(|i| {
            let from = step * i as f64;
            let whole = from.floor();
            let t = (from - whole) as f32;
            let [a, b, c, d] = [-1, 0, 1, 2].map(|near| at(whole as isize + near));
            b + 0.5
                * t
                * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
        })
        .collect();
    *samples = changed;
}

/// A bell of `db` around `middle`, a share of the sampling rate below ½ (peaking filter of the Audio EQ
/// Cookbook, R. Bristow-Johnson).
pub fn equalise(samples: &mut [f32], middle: f64, db: f64, q: f64) {
    let a = 10.0_f64.powf(db / 40.0);
    let (sin, cos) = (TAU * middle).sin_cos();
    let alpha = sin / (2.0 * q);
    let first = 1.0 + alpha / a;
    let [b0, b1, b2] = [1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a].map(|b| b / first);
    let [a1, a2] = [-2.0 * cos, 1.0 - alpha / a].map(|a| a / first);
    let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
    for sample in samples {
        let x = f64::from(*sample);
        let y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
        (x2, x1, y2, y1) = (x1, x, y1, y);
        #[expect(clippy::cast_possible_truncation, reason = "rounded to the samples' f32")]
        let rounded = y as f32;
        *sample = rounded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine of so many waves a sample, below a place.
    fn sine(waves: f64, len: usize) -> Vec<f32> {
        #[expect(clippy::cast_possible_truncation, reason = "a test signal")]
        (0..len).map(|i| (0.3 * (TAU * waves * i as f64).sin()) as f32).collect()
    }

    fn db(power: f64) -> f64 {
        10.0 * power.log10()
    }

    #[test]
    fn a_gain_is_as_many_decibels_as_asked_and_comes_back() {
        for by in [-6.0, 0.0, 3.0, 12.0] {
            let before = sine(0.01, 1000);
            let mut samples = before.clone();
            gain(&mut samples, by);
            assert!((db(power(&samples)) - db(power(&before)) - by).abs() < 1e-4, "{by} dB");
            gain(&mut samples, -by);
            assert!(samples.iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }

    #[test]
    fn noise_is_as_far_below_the_sound_as_asked_and_silence_stays_silent() {
        for snr_db in [0.0, 15.0, 40.0] {
            let before = sine(0.013, 20_000);
            let mut samples = before.clone();
            add_noise(&mut samples, snr_db, &mut Rng::from_seed(1));
            let noise: Vec<f32> = samples.iter().zip(&before).map(|(a, b)| a - b).collect();
            let found = db(power(&before)) - db(power(&noise));
            // The power of 20 000 uniform numbers has a deviation of 0.9 / √20000 = 0.6 %, 0.03 dB.
            assert!((found - snr_db).abs() < 0.16, "{snr_db} dB became {found}");
        }
        let mut silence = [0.0; 100];
        add_noise(&mut silence, 10.0, &mut Rng::from_seed(1));
        assert_eq!(silence, [0.0; 100]);
    }

    #[test]
    fn a_shift_keeps_every_sample_and_comes_back() {
        let before: Vec<f32> = (0..10_u8).map(f32::from).collect();
        for by in [-13, -3, 0, 1, 9, 10, 24] {
            let mut samples = before.clone();
            shift(&mut samples, by);
            let later = usize::try_from(by.rem_euclid(10)).unwrap();
            assert_eq!(samples[later], 0.0, "{by}");
            shift(&mut samples, -by);
            assert_eq!(samples, before, "{by}");
        }
    }

    #[test]
    fn a_tone_moves_by_as_many_semitones_as_asked() {
        let (len, waves) = (8000, 0.02);
        for semitones in [-3.0, -1.0, 0.5, 2.0] {
            let mut samples = sine(waves, len);
            pitch(&mut samples, semitones);
            assert_eq!(samples.len(), len);
            // The part that is not filled from the end.
            let part = &samples[..6000];
            let ups = part.windows(2).filter(|pair| pair[0] < 0.0 && 0.0 <= pair[1]).count();
            let expected = waves * 6000.0 * (semitones / 12.0_f64).exp2();
            assert!((ups as f64 - expected).abs() <= 1.0, "{semitones}: {ups} for {expected}");
            assert!((db(power(part)) - db(power(&sine(waves, 6000)))).abs() < 0.2);
        }
        let mut same = sine(waves, 100);
        pitch(&mut same, 0.0);
        assert_eq!(same, sine(waves, 100));
    }

    #[test]
    fn the_equaliser_lifts_its_middle_by_as_much_as_asked_and_little_far_from_it() {
        for by in [-6.0, 6.0] {
            for (waves, expected) in [(0.05, by), (0.001, 0.0), (0.45, 0.0)] {
                let before = sine(waves, 20_000);
                let mut samples = before.clone();
                equalise(&mut samples, 0.05, by, 2.0);
                // Without the first tenth, in which the filter wakes up.
                let found = db(power(&samples[2000..])) - db(power(&before[2000..]));
                assert!((found - expected).abs() < 0.1, "{by} dB at {waves}: {found}");
            }
        }
    }

    #[test]
    fn a_drawn_change_is_the_same_for_the_same_seed_and_keeps_the_length() {
        let change = |seed| {
            let mut rng = Rng::from_seed(seed);
            let mut samples = sine(0.02, 4000);
            SoundChange::draw(samples.len(), &mut rng).apply(&mut samples, &mut rng);
            samples
        };
        assert_eq!(change(1), change(1));
        assert_ne!(change(1), change(2));
        let changed = change(3);
        assert_eq!(changed.len(), 4000);
        assert!(changed.iter().all(|x| x.is_finite() && x.abs() < 2.0));
    }
}
