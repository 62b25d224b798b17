//! Whether an encoder gives on this machine what it gave where its manifest was made.
//!
//! The input is built in, so that a manifest need not carry one: a sweep with gaps for sound, a pattern
//! of whole numbers for pictures. It passes through the whole front end.

use std::f64::consts::TAU;

use crate::config::manifest::{FrontEnd, Manifest, SoundSpec};
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::encode::picture::PictureFrontEnd;
use crate::encode::sound::SoundFrontEnd;
use crate::encode::{Encoder, EncoderWindow};
use crate::signal::image::{PixelFormat, RawImage};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelfTest {
    /// Largest difference from the expected values, as a share of the largest expected magnitude;
    /// `None` where the manifest has no golden values.
    pub max_error: Option<f32>,
    /// Largest that the manifest allows.
    pub tolerance: Option<f32>,
    /// Whether every number is finite and every golden value was met.
    pub passed: bool,
}

/// Encodes the built-in input and compares.
///
/// # Errors
///
/// [`EncodeError`] when the encoder cannot even run.
pub fn selftest(encoder: &mut dyn Encoder) -> Result<SelfTest, EncodeError> {
    let latent = encode_builtin(encoder)?;
    let Some(golden) = &encoder.manifest().golden else {
        return Ok(SelfTest { max_error: None, tolerance: None, passed: latent.is_finite() });
    };
    let tokens = latent.tokens.as_slice().unwrap_or_default();
    let error =
        difference(&latent.embedding, &golden.embedding).max(difference(tokens, &golden.tokens));
    Ok(SelfTest {
        max_error: Some(error),
        tolerance: Some(golden.tolerance),
        // Written so that NaN fails.
        passed: latent.is_finite() && error <= golden.tolerance,
    })
}

/// What the encoder makes of the built-in input.
///
/// # Errors
///
/// [`EncodeError`] when the encoder cannot run.
pub fn encode_builtin(encoder: &mut dyn Encoder) -> Result<Latent, EncodeError> {
    let mut latent = Latent::zeros(encoder.shape());
    if let Some(window) = builtin_window(encoder.manifest())? {
        encoder.encode(&window, &mut latent)?;
    }
    Ok(latent)
}

/// What the front end of `manifest` makes of the built-in input; always a window.
///
/// # Errors
///
/// [`EncodeError`] where the front end cannot be made.
pub fn builtin_window(manifest: &Manifest) -> Result<Option<EncoderWindow>, EncodeError> {
    Ok(match &manifest.input.front_end {
        FrontEnd::Sound(spec) => {
            let mut window = None;
            let mut front_end = SoundFrontEnd::new(manifest)?;
            front_end.push(&sweep(spec), spec.rate_hz, &mut |made| window = Some(made.clone()))?;
            window
        }
        FrontEnd::Picture(spec) => {
            let image = pattern(spec.width, spec.height);
            Some(PictureFrontEnd::new(manifest)?.window(&image, 0.0, 1.0)?.0.clone())
        }
    })
}

/// One window of a tone that rises, interrupted four times a second:
/// `0.4 sin(2π (200 t + 1500 t²))`, at a tenth of that in every other eighth of a second.
fn sweep(spec: &SoundSpec) -> Vec<f32> {
    let rate_hz = f64::from(spec.rate_hz);
    let sample = |n: usize| {
        let t = n as f64 / rate_hz;
        let level = if (t * 8.0) % 2.0 < 1.0 { 0.4 } else { 0.04 };
        level * (TAU * (200.0 * t + 1500.0 * t * t)).sin()
    };
    #[expect(clippy::cast_possible_truncation, reason = "rounded to the device's f32")]
    (0..spec.window_samples()).map(|n| sample(n) as f32).collect()
}

/// `r = 5x + 3y`, `g = x y`, `b = 255 − 2x + y`, all modulo 256.
fn pattern(width: usize, height: usize) -> RawImage {
    let mut bytes = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let wrapped = [5 * x + 3 * y, x * y, 255 + 256 * width - 2 * x + y].map(|v| v % 256);
            bytes.extend(wrapped.map(|v| u8::try_from(v).unwrap_or(0)));
        }
    }
    RawImage { format: PixelFormat::Rgb8, width, height, bytes }
}

/// Compares `expected` with as many values of `found`, evenly spaced; NaN where anything is not finite.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    let magnitude = expected.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let mut worst = 0.0_f32;
    for (index, value) in expected.iter().enumerate() {
        let at = index * found.len() / expected.len();
        let error = found.get(at).map_or(f32::NAN, |found| (found - value).abs() / magnitude);
        // `f32::max` would drop a NaN.
        worst = if error <= worst { worst } else { error };
        if worst.is_nan() {
            return worst;
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_relative_to_the_largest_and_a_nan_is_one() {
        assert_eq!(difference(&[1.0, 9.0, 4.0, 9.0], &[1.0, 4.0]), 0.0);
        assert_eq!(difference(&[1.0, 9.0, 5.0, 9.0], &[1.0, 4.0]), 0.25);
        assert!(difference(&[f32::NAN, 4.0], &[1.0, 4.0]).is_nan());
        assert!(difference(&[1.0, f32::NAN], &[1.0, 4.0]).is_nan());
        assert!(difference(&[], &[1.0]).is_nan());
    }
}
