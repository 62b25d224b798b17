//! Promises every [`Learner`] must keep, whatever its encoder and settings. Tests call [`check`].

use crate::base::bytes::{Reader, Writer};
use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::encode::density::Density;
use crate::encode::latent::{Latent, LatentShape};
use crate::learn::learner::{Learner, Score};

/// Seconds from one window to the next.
pub const HOP_S: f64 = 0.5;

/// A made-up place: tokens that follow a slow wave through a few mixed features, and noise.
#[derive(Debug)]
pub struct Place {
    shape: LatentShape,
    rng: Rng,
    mixes: [Vec<f32>; 2],
    phase: f32,
}

impl Place {
    /// Equal arguments give equal places.
    pub fn new(shape: LatentShape, seed: u64) -> Self {
        let mut rng = Rng::from_seed(seed);
        let mut mix = || (0..4 * shape.token_dim).map(|_| 2.0 * rng.unit_f32() - 1.0).collect();
        let mixes = [mix(), mix()];
        Self { shape, rng, mixes, phase: 0.0 }
    }

    /// The next usual window.
    pub fn usual(&mut self) -> Latent {
        self.window(0, 0.35)
    }

    /// A window of something else: other features, which move faster.
    pub fn strange(&mut self) -> Latent {
        self.window(1, 1.1)
    }

    fn window(&mut self, mix: usize, step: f32) -> Latent {
        let mut latent = Latent::zeros(self.shape);
        let dim = self.shape.token_dim;
        for mut token in latent.tokens.rows_mut() {
            self.phase += step * (0.8 + 0.4 * self.rng.unit_f32());
            let waves = [
                self.phase.sin(),
                self.phase.cos(),
                (2.0 * self.phase).sin(),
                (0.5 * self.phase).cos(),
            ];
            for (i, x) in token.iter_mut().enumerate() {
                let mixed: f32 =
                    (0..4).map(|wave| waves[wave] * self.mixes[mix][wave * dim + i]).sum();
                *x = 3.0 + mixed + 0.15 * (self.rng.unit_f32() - 0.5);
            }
        }
        // Pooled statistics: the mean of every feature, then their mean squares, as far as they fit.
        let tokens = latent.tokens.nrows() as f32;
        for (i, x) in latent.embedding.iter_mut().enumerate() {
            let column = latent.tokens.column(i % dim);
            *x = if (i / dim).is_multiple_of(2) {
                column.sum() / tokens
            } else {
                column.iter().map(|x| x * x).sum::<f32>() / tokens
            };
        }
        latent
    }
}

/// Feeds `count` windows, from `start` on.
pub fn live(
    learner: &mut Learner,
    start: usize,
    count: usize,
    mut next: impl FnMut() -> Latent,
) -> Vec<Score> {
    (start..start + count)
        .map(|window| {
            let latent = next();
            let score = learner.score(&latent);
            learner.learn(&latent, &score, window as f64 * HOP_S);
            score
        })
        .collect()
}

/// The state as bytes.
pub fn bytes(learner: &Learner) -> Vec<u8> {
    let mut writer = Writer::default();
    learner.save(&mut writer);
    writer.into_bytes()
}

/// The learner that `bytes` were written by.
///
/// # Panics
///
/// When they are no such bytes.
pub fn resumed(
    shape: LatentShape,
    density: Density,
    settings: &LearnSettings,
    bytes: &[u8],
) -> Learner {
    let mut reader = Reader::new(bytes);
    let learner =
        Learner::load(shape, density, settings, &mut reader).expect("what was saved can be loaded");
    reader.end().expect("a learner reads all that it wrote");
    learner
}

/// Runs all checks.
///
/// # Panics
///
/// With the broken promise in words. This is a test helper.
pub fn check(shape: LatentShape, density: Density, settings: &LearnSettings) {
    const WINDOWS: usize = 260;
    let mut place = Place::new(shape, 3);
    let mut learner = Learner::new(shape, density, settings, 1);
    let mut twin = Learner::new(shape, density, settings, 1);
    let mut windows: Vec<Latent> = Vec::new();
    live(&mut learner, 0, WINDOWS, || {
        windows.push(place.usual());
        windows[windows.len() - 1].clone()
    });
    let (usual, strange) = (place.usual(), place.strange());

    // Scoring changes nothing.
    let before = bytes(&learner);
    let first = learner.score(&usual);
    let second = learner.score(&strange);
    assert!(bytes(&learner) == before, "scoring changed the state");
    assert_eq!(first.surprise.to_bits(), learner.score(&usual).surprise.to_bits());

    // What changes stands out.
    let (first, second) = (first.novelty, second.novelty);
    assert!(first.is_some(), "{WINDOWS} windows and still no novelty");
    assert!(first < second, "a stranger has novelty {second:?}, a usual window {first:?}");

    // Same seed, same history, same bits; stopping and resuming is no difference.
    let cut = WINDOWS / 2;
    live(&mut twin, 0, cut, {
        let mut windows = windows.iter();
        move || windows.next().expect("enough windows").clone()
    });
    let mut twin = resumed(shape, density, settings, &bytes(&twin));
    live(&mut twin, cut, WINDOWS - cut, {
        let mut windows = windows[cut..].iter();
        move || windows.next().expect("enough windows").clone()
    });
    assert!(bytes(&twin) == before, "resumed is not the same as never stopped");

    // A broken sensor must not break the model.
    let mut broken = usual.clone();
    broken.tokens.fill(f32::NAN);
    let score = learner.score(&broken);
    assert!(score.is_refused() && !score.event, "NaN was not refused");
    learner.learn(&broken, &score, WINDOWS as f64 * HOP_S);
    assert_eq!(learner.report().refused, 1);
    let after = learner.score(&usual).surprise;
    assert!(after.is_finite(), "one NaN window poisoned the model");

    // Frozen: scores go on, and nothing is learnt.
    learner.freeze();
    let updates = learner.report().updates;
    let frozen = learner.score(&usual);
    learner.learn(&usual, &frozen, (WINDOWS + 1) as f64 * HOP_S);
    assert_eq!(learner.report().updates, updates, "frozen, and still learning");
    let still = learner.score(&usual);
    assert_eq!(frozen.novelty.map(f32::to_bits), still.novelty.map(f32::to_bits));

    let mut embedding = vec![0.0; learner.adapted_dim()];
    learner.embed_adapted(&usual, &mut embedding);
    assert!(embedding.iter().all(|x| x.is_finite()) && embedding.iter().any(|x| *x != 0.0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::learn::{ContextNet, LearnToml, SurpriseMeasure};
    use crate::encode::sides::{PIXELS, Sides};
    use crate::nn::layout::Layout;

    fn small() -> LearnToml {
        LearnToml {
            width: 16,
            adapter_rank: 8,
            recent_windows: 32,
            reservoir_windows: 64,
            history_windows: 256,
            batch_windows: 8,
            guard_every: 16,
            ..LearnToml::default()
        }
    }

    fn sequence(embedding_dim: usize) -> LatentShape {
        LatentShape { layout: Layout::Sequence { len: 6 }, token_dim: 8, embedding_dim }
    }

    #[test]
    fn sequences_with_every_density() {
        let settings = small().check().unwrap();
        for density in [
            Density::Cosine { nearest: 2, root: true },
            Density::Whitened { nearest: 1, ridge: 0.05 },
            Density::Mahalanobis { ridge: 0.05 },
        ] {
            check(sequence(16), density, &settings);
        }
    }

    #[test]
    fn both_objectives_with_every_measure_of_surprise() {
        for surprise in
            [SurpriseMeasure::Error, SurpriseMeasure::Likelihood, SurpriseMeasure::Mahalanobis]
        {
            let settings = LearnToml {
                predictive_coding: 0.5,
                learnt_variance: true,
                beta1: 0.9,
                surprise,
                ..small()
            };
            let density = Density::Cosine { nearest: 1, root: false };
            check(sequence(8), density, &settings.check().unwrap());
        }
    }

    #[test]
    fn pictures() {
        let settings = LearnToml { predictive_coding: 0.5, mask_block: 2, ..small() };
        let shape = LatentShape {
            layout: Layout::Grid { rows: 4, cols: 5 },
            token_dim: 6,
            embedding_dim: 12,
        };
        let settings = settings.check().unwrap();
        for density in [
            Density::Whitened { nearest: 1, ridge: 0.05 },
            Density::Patches { ridge: None },
            Density::Patches { ridge: Some(0.05) },
        ] {
            check(shape, density, &settings);
        }
    }

    #[test]
    fn recurrent_nets() {
        let context = ContextNet::Recurrent;
        let settings = LearnToml { context, predictive_coding: 0.5, mask_block: 2, ..small() };
        let settings = settings.check().unwrap();
        let density = Density::Cosine { nearest: 1, root: false };
        check(sequence(8), density, &settings);
        let layout = Layout::Grid { rows: 3, cols: 4 };
        check(LatentShape { layout, token_dim: 6, embedding_dim: 12 }, density, &settings);
    }

    #[test]
    fn every_objective_mixed_with_all_others() {
        let settings = LearnToml {
            predictive_coding: 0.5,
            autoencoding: 0.2,
            contrastive_predictive: 0.2,
            contrastive_views: 0.2,
            align_uniform: 0.2,
            vicreg: 0.05,
            temporal_order: 0.2,
            rotation: 0.2,
            colorization: 0.2,
            inpainting: 0.2,
            mask_block: 2,
            batch_windows: 8,
            ..small()
        };
        let settings = settings.check().unwrap();
        let density = Density::Cosine { nearest: 1, root: false };
        check(sequence(8), density, &settings);
        let layout = Layout::Grid { rows: 3, cols: 4 };
        check(LatentShape { layout, token_dim: 6, embedding_dim: 12 }, density, &settings);
    }

    #[test]
    fn objectives_that_guess_no_tokens_are_judged_by_their_loss() {
        let settings =
            LearnToml { masked_prediction: 0.0, vicreg: 1.0, batch_windows: 8, ..small() };
        let settings = settings.check().unwrap();
        let mut place = Place::new(sequence(8), 3);
        let density = Density::Cosine { nearest: 1, root: false };
        let mut learner = Learner::new(sequence(8), density, &settings, 1);
        let scores = live(&mut learner, 0, 300, || place.usual());
        assert!(scores.iter().all(|score| score.surprise == 0.0), "nothing is guessed");
        let report = learner.report();
        assert!(0 < report.commits && report.resets == 0, "{report:?}");
        assert_eq!((report.skill_vs_mean, report.skill_vs_persistence), (None, None));
        assert_eq!(learner.objectives().collect::<Vec<_>>(), ["vicreg"]);
        assert_eq!(learner.idle_objectives().next(), None);
    }

    #[test]
    fn side_windows_are_asked_for_taken_and_kept() {
        let settings =
            LearnToml { rotation: 1.0, inpainting: 1.0, vicreg: 0.1, batch_windows: 8, ..small() };
        let settings = settings.check().unwrap();
        let layout = Layout::Grid { rows: 3, cols: 4 };
        let shape = LatentShape { layout, token_dim: 6, embedding_dim: 12 };
        let density = Density::Cosine { nearest: 1, root: false };
        let mut learner = Learner::new(shape, density, &settings, 1);
        assert_eq!(learner.side_kinds().len(), 2 + 4 + 1);
        let mut place = Place::new(shape, 3);
        let mut taken = 0;
        for window in 0..200 {
            let at_s = f64::from(window) * HOP_S;
            let latent = place.usual();
            let score = learner.score(&latent);
            learner.learn(&latent, &score, at_s);
            if learner.wants_sides(at_s) {
                let mut sides = Sides {
                    latents: vec![place.usual(); learner.side_kinds().len()],
                    pixels: vec![5; 12 * PIXELS],
                    ..Sides::default()
                };
                assert!(learner.take_sides(&sides, at_s));
                taken += 1;
                sides.latents[3].tokens.fill(f32::NAN);
                assert!(!learner.take_sides(&sides, at_s), "NaN was taken in");
            }
        }
        // The whitener is fitted after 32 windows, 16 s; then one every 30 s of the 100.
        assert_eq!(taken, 3);
        assert!(resumed(shape, density, &settings, &bytes(&learner)).report() == learner.report());
    }

    #[test]
    fn tokens_wider_than_what_is_kept_of_them() {
        let settings = LearnToml { whitened_dim: 8, ..small() }.check().unwrap();
        let shape =
            LatentShape { layout: Layout::Sequence { len: 4 }, token_dim: 300, embedding_dim: 400 };
        check(shape, Density::Mahalanobis { ridge: 0.05 }, &settings);
    }

    #[test]
    fn a_state_of_other_sizes_is_refused() {
        let settings = small().check().unwrap();
        let density = Density::Cosine { nearest: 1, root: false };
        let saved = bytes(&Learner::new(sequence(8), density, &settings, 1));
        let wider = LearnToml { width: 24, ..small() }.check().unwrap();
        let wrong =
            Learner::load(sequence(8), density, &wider, &mut Reader::new(&saved)).unwrap_err();
        assert!(wrong.to_string().contains("the weights' shapes"), "{wrong}");
        let wrong =
            Learner::load(sequence(9), density, &settings, &mut Reader::new(&saved)).unwrap_err();
        assert!(wrong.to_string().contains("numbers in"), "{wrong}");
        for cut in (0..saved.len()).step_by(997) {
            let mut reader = Reader::new(&saved[..cut]);
            assert!(Learner::load(sequence(8), density, &settings, &mut reader).is_err());
        }
    }
}
