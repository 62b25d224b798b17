//! A made-up place, seen once a minute or so: kinds of time with a sound of their own.

use habituate::base::rng::Rng;
use habituate::config::learn::{LearnSettings, LearnToml};
use habituate::encode::density::Density;
use habituate::encode::latent::{Latent, LatentShape};
use habituate::learn::drift::Notice;
use habituate::learn::gate::Admission;
use habituate::learn::learner::{Learner, Score};
use habituate::nn::layout::Layout;

pub(crate) const DAY_S: f64 = 86_400.0;
pub(crate) const TOKENS: usize = 4;
pub(crate) const DIM: usize = 6;
pub(crate) const SHAPE: LatentShape = LatentShape {
    layout: Layout::Sequence { len: TOKENS },
    token_dim: DIM,
    embedding_dim: 2 * DIM,
};
pub(crate) const DENSITY: Density = Density::Whitened { nearest: 1, ridge: 0.05 };

/// Everything small, so that weeks are over in seconds.
pub(crate) fn settings(change: impl FnOnce(&mut LearnToml)) -> LearnSettings {
    let mut raw = LearnToml {
        width: 8,
        adapter_rank: 4,
        dilations: vec![1, 2],
        whitened_dim: DIM,
        mask_spans: vec![1],
        batch_windows: 8,
        recent_windows: 64,
        reservoir_windows: 96,
        clusters: 12,
        cluster_windows: 6,
        history_windows: 1024,
        first_updates_per_window: 1.0,
        updates_per_window: 0.04,
        first_windows: 200,
        guard_every: 4,
        quarantine_after_windows: 400,
        alarms_per_day: 8.0,
        ..LearnToml::default()
    };
    change(&mut raw);
    raw.check().expect("the test's settings are in range")
}

/// What a kind of time sounds like: where its tokens lie, and the wave that goes through them.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) offset: [f32; DIM],
    mix: [[f32; DIM]; 2],
    step: f32,
    noise: f32,
}

impl Kind {
    /// Equal seeds give equal kinds; `far` is how far from the origin.
    pub(crate) fn new(seed: u64, far: f32, step: f32) -> Self {
        let mut rng = Rng::from_seed(seed);
        let mut numbers = || std::array::from_fn(|_| 2.0 * rng.unit_f32() - 1.0);
        let direction: [f32; DIM] = numbers();
        let mix = [numbers(), numbers()];
        let length = direction.iter().map(|x| x * x).sum::<f32>().sqrt();
        Self { offset: direction.map(|x| far * x / length), mix, step, noise: 0.3 }
    }

    /// The same seen through a lens out of focus: tokens are nearer to their mean, and to one another.
    pub(crate) fn blurred(mut self) -> Self {
        self.offset.iter_mut().for_each(|x| *x *= 0.6);
        self.mix.iter_mut().flatten().for_each(|x| *x *= 0.2);
        Self { noise: 0.2 * self.noise, ..self }
    }

    /// The same with other noise.
    pub(crate) fn with_noise(self, noise: f32) -> Self {
        Self { noise, ..self }
    }
}

/// A learner in the place.
pub(crate) struct World {
    pub(crate) learner: Learner,
    pub(crate) rng: Rng,
    pub(crate) at_s: f64,
    pub(crate) hop_s: f64,
    phase: f32,
}

/// What came of a stretch of time.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Lived {
    pub(crate) windows: usize,
    pub(crate) events: usize,
    pub(crate) quarantined: usize,
    pub(crate) updates: u32,
    pub(crate) notices: Vec<(f64, Notice)>,
    pub(crate) p_anchor: f32,
    pub(crate) p_value: f32,
}

impl World {
    pub(crate) fn new(settings: &LearnSettings, hop_s: f64) -> Self {
        Self {
            learner: Learner::new(SHAPE, DENSITY, settings, 1),
            rng: Rng::from_seed(9),
            at_s: 0.0,
            hop_s,
            phase: 0.0,
        }
    }

    /// The next window of that kind.
    pub(crate) fn window(&mut self, kind: &Kind) -> Latent {
        let mut latent = Latent::zeros(SHAPE);
        for mut token in latent.tokens.rows_mut() {
            self.phase += kind.step;
            let waves = [self.phase.sin(), self.phase.cos()];
            for (i, x) in token.iter_mut().enumerate() {
                let noise = (0..3).map(|_| self.rng.unit_f32()).sum::<f32>() - 1.5;
                *x = kind.offset[i]
                    + waves[0] * kind.mix[0][i]
                    + waves[1] * kind.mix[1][i]
                    + 2.0 * kind.noise * noise;
            }
        }
        // The wave goes on between windows, by no whole number of its periods.
        self.phase += 2.4 * self.rng.unit_f32();
        for i in 0..DIM {
            let column = latent.tokens.column(i);
            latent.embedding[i] = column.sum() / TOKENS as f32;
            latent.embedding[DIM + i] = column.iter().map(|x| x * x).sum::<f32>() / TOKENS as f32;
        }
        latent
    }

    /// One window: scored, then learnt.
    pub(crate) fn live(&mut self, latent: &Latent, lived: &mut Lived) -> Score {
        let score = self.learner.score(latent);
        let learnt = self.learner.learn(latent, &score, self.at_s);
        lived.windows += 1;
        lived.events += usize::from(score.event);
        lived.quarantined += usize::from(learnt.admission == Some(Admission::Quarantined));
        lived.updates += learnt.updates;
        lived.notices.extend(learnt.notice.map(|notice| (self.at_s, notice)));
        lived.p_value += score.p_value.unwrap_or(1.0);
        lived.p_anchor += score.p_anchor.unwrap_or(1.0);
        self.at_s += self.hop_s;
        score
    }

    /// Windows of that kind for so many seconds; both p-values become means.
    pub(crate) fn stay(&mut self, kind: &Kind, seconds: f64) -> Lived {
        self.stay_as(seconds, |_| kind.clone())
    }

    /// The same, of a kind that may change with time.
    pub(crate) fn stay_as(&mut self, seconds: f64, mut kind: impl FnMut(f64) -> Kind) -> Lived {
        let mut lived = Lived::default();
        let until_s = self.at_s + seconds;
        while self.at_s < until_s {
            let latent = self.window(&kind(self.at_s));
            self.live(&latent, &mut lived);
        }
        lived.p_value /= lived.windows.max(1) as f32;
        lived.p_anchor /= lived.windows.max(1) as f32;
        lived
    }
}
