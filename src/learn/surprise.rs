//! How far the tokens of a window are from what the model expected of them.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::config::learn::{LearnSettings, SurpriseMeasure};
use crate::learn::mahalanobis::Mahalanobis;
use crate::learn::model::Model;
use crate::learn::objectives::head::HeadSpace;

/// A perfect guess must not have a surprise of minus infinity.
const LEAST_ERROR: f32 = 1e-6;

/// Added to the variances of errors, as a share of their mean.
const ERROR_RIDGE: f64 = 0.02;

/// What one window did to one set of weights.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// The surprise of the window.
    pub surprise: f32,
    /// Mean squared error of its guesses, over objectives by weight.
    pub error: f32,
    /// The same of guessing the mean, which is zero in whitened space.
    pub mean_error: f32,
}

/// The measure, and for [`SurpriseMeasure::Mahalanobis`] how errors usually are.
#[derive(Debug)]
pub struct Surprise {
    measure: SurpriseMeasure,
    top: f32,
    dim: usize,
    tokens: usize,
    /// One for each objective.
    usual: Vec<Mahalanobis>,
    observed: u64,
    fit_at: u64,
    /// Scratch: sum and number of measures of each token, then the tokens' means; errors of the last
    /// window read, for each objective.
    sums: Vec<(f32, u32)>,
    means: Vec<f32>,
    errors: Vec<Vec<f32>>,
}

impl Surprise {
    /// For windows of `tokens` whitened tokens of `dim` numbers.
    pub fn new(objectives: usize, tokens: usize, dim: usize, settings: &LearnSettings) -> Self {
        let most_rows = tokens * settings.horizons.len().max(1);
        let keeps_errors = settings.surprise == SurpriseMeasure::Mahalanobis;
        let usual = (0..if keeps_errors { objectives } else { 0 })
            .map(|_| Mahalanobis::new(dim, ERROR_RIDGE, most_rows))
            .collect();
        let errors = (0..objectives)
            .map(|_| Vec::with_capacity(if keeps_errors { most_rows * dim } else { 0 }))
            .collect();
        Self {
            measure: settings.surprise,
            top: settings.surprise_top,
            dim,
            tokens,
            usual,
            observed: 0,
            fit_at: 8,
            sums: vec![(0.0, 0); tokens],
            means: Vec::with_capacity(tokens),
            errors,
        }
    }

    /// Reads one window of whitened tokens with the weights `all`. Changes only scratch.
    pub fn read(&mut self, model: &mut Model, all: &[f32], u: &[f32], valid: usize) -> Reading {
        let (mut reading, mut weights) = (Reading::default(), 0.0);
        for which in 0..model.guessing() {
            let (weight, spaces) = model.guess(all, u, valid, which);
            let Some(one) = self.read_guesses(spaces, which, u) else { continue };
            reading.surprise += weight * one.surprise;
            reading.error += weight * one.error;
            reading.mean_error += weight * one.mean_error;
            weights += weight;
        }
        if 0.0 < weights {
            reading.surprise /= weights;
            reading.error /= weights;
            reading.mean_error /= weights;
        }
        reading
    }

    fn read_guesses(
        &mut self,
        spaces: &[HeadSpace<f32>],
        which: usize,
        u: &[f32],
    ) -> Option<Reading> {
        self.sums.fill((0.0, 0));
        self.errors[which].clear();
        let (mut error_sum, mut mean_sum, mut guesses) = (0.0, 0.0, 0.0);
        for (token, error, log_variance) in spaces.iter().flat_map(HeadSpace::guesses) {
            let squared = squares(error) / self.dim as f32;
            error_sum += squared;
            mean_sum += squares(&u[token * self.dim..(token + 1) * self.dim]) / self.dim as f32;
            guesses += 1.0;
            let measure = match self.measure {
                SurpriseMeasure::Error => (squared + LEAST_ERROR).ln(),
                SurpriseMeasure::Likelihood => (-log_variance).exp() * squared + log_variance,
                SurpriseMeasure::Mahalanobis => {
                    self.errors[which].extend_from_slice(error);
                    #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
                    let distance = self.usual[which]
                        .squared_distance(error)
                        .map_or(squared, |distance| (distance / self.dim as f64) as f32);
                    (distance + LEAST_ERROR).ln()
                }
            };
            self.sums[token].0 += measure;
            self.sums[token].1 += 1;
        }
        self.means.clear();
        self.means.extend(self.sums.iter().filter(|sum| 0 < sum.1).map(|sum| sum.0 / sum.1 as f32));
        if self.means.is_empty() {
            return None;
        }
        self.means.sort_unstable_by(|a, b| b.total_cmp(a));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a small number of tokens"
        )]
        let count = ((self.top * self.means.len() as f32).round() as usize).max(1);
        let surprise = self.means.iter().take(count).sum::<f32>() / count as f32;
        Some(Reading { surprise, error: error_sum / guesses, mean_error: mean_sum / guesses })
    }

    /// Takes in the errors of the window that was read last, as usual ones.
    pub fn observe_last(&mut self) {
        if self.usual.is_empty() {
            return;
        }
        for (usual, errors) in self.usual.iter_mut().zip(&self.errors) {
            usual.observe(errors);
        }
        self.observed += 1;
        if self.observed == self.fit_at {
            // Often at first; the nets learn fast then, and their errors change.
            self.fit_at += (self.observed / 16).clamp(8, 64);
            for usual in &mut self.usual {
                usual.fade(64.0 * self.tokens as f64);
                usual.fit();
            }
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.usual.iter().map(Mahalanobis::bytes).sum()
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("surprise");
        to.u64(self.observed);
        to.u64(self.fit_at);
        self.usual.iter().for_each(|usual| usual.save(to));
    }

    /// Reads what [`Surprise::save`] wrote, for the same shape.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("surprise")?;
        self.observed = from.u64()?;
        self.fit_at = from.u64()?;
        self.usual.iter_mut().try_for_each(|usual| usual.load(from))
    }
}

fn squares(x: &[f32]) -> f32 {
    x.iter().map(|x| x * x).sum()
}
