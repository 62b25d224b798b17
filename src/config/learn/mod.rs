//! The `[learn]` table.

mod check;

use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// How far a token is from what was expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SurpriseMeasure {
    /// Logarithm of the mean squared error.
    Error,
    /// Negative log-likelihood under the learnt variance.
    Likelihood,
    /// Logarithm of the error's Mahalanobis distance, with the running covariance of past errors.
    Mahalanobis,
}

/// What the steps of the context nets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextNet {
    /// Gated convolutions, each looking wider than the one before.
    #[default]
    Gated,
    /// A gated recurrent unit, in both directions where everything around may be seen.
    Recurrent,
}

/// When a stranger becomes normal without anybody's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Habituation {
    /// After three episodes over a day, or when the scene has changed for `accept_after_s`.
    #[default]
    Home,
    /// After five episodes over a week, or when the scene has changed for `accept_after_s`.
    Machine,
    /// Never.
    Security,
}

/// As written. Every field has a default, so an empty table is valid; unknown keys are refused,
/// because a misspelt key would otherwise do nothing in silence for months.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LearnToml {
    /// Weight of masked prediction among the objectives; 0 turns it off.
    pub masked_prediction: f32,
    /// Weight of predictive coding among the objectives; 0 turns it off.
    pub predictive_coding: f32,
    /// Weight of autoencoding: a token through a bottleneck. 0 turns it off, as below.
    pub autoencoding: f32,
    /// Weight of contrastive prediction: find the coming token among those of other moments.
    pub contrastive_predictive: f32,
    /// Weight of contrastive views: two views of a window nearer to each other than to others.
    pub contrastive_views: f32,
    /// Weight of alignment and uniformity: two views alike, windows spread apart.
    pub align_uniform: f32,
    /// Weight of `VICReg`: two views alike, every feature of use.
    pub vicreg: f32,
    /// Weight of temporal order: forwards, backwards or in disorder.
    pub temporal_order: f32,
    /// Weight of rotation: by how many quarters a picture was turned.
    pub rotation: f32,
    /// Weight of colorization: the colours of a grey picture.
    pub colorization: f32,
    /// Weight of inpainting: the pixels of hidden patches.
    pub inpainting: f32,
    /// Share of tokens that a view in latent space leaves out.
    pub view_drop: f32,
    /// Noise that it adds, in deviations of a whitened number.
    pub view_noise: f32,
    /// Seconds between two moments whose signal is changed, turned or made grey, which takes up to
    /// seven more passes of the encoder; 0 makes none, and turns off what needs them.
    pub side_every_s: f64,
    /// How many tokens (or rows of a picture) ahead predictive coding guesses.
    pub horizons: Vec<usize>,
    /// Lengths of the spans that masked prediction hides in a sequence.
    pub mask_spans: Vec<usize>,
    /// Side of the square blocks that it hides in a picture, in patches.
    pub mask_block: usize,
    /// Share of a picture that it hides in blocks.
    pub mask_share: f32,
    /// Chance of every other token to be hidden as well.
    pub mask_extra: f32,
    /// Whether the nets say how sure they are, and are judged by likelihood.
    pub learnt_variance: bool,
    /// 0: plain likelihood; 1: as if the variance were fixed; between: β-NLL.
    pub variance_beta: f32,

    /// Numbers kept of a token after whitening.
    pub whitened_dim: usize,
    /// Added to every variance before whitening, as a share of the mean variance.
    pub whiten_ridge: f32,
    /// Whitened numbers are cut to ± this.
    pub whiten_clamp: f32,

    /// Width of the adapter's bottleneck.
    pub adapter_rank: usize,
    /// Largest change of a distance by the adapter, as a share.
    pub adapter_kappa: f32,
    /// Width of the context net.
    pub width: usize,
    /// What its steps are.
    pub context: ContextNet,
    /// Distance between the taps of each of its gated steps.
    pub dilations: Vec<usize>,

    /// Step size of the optimiser.
    pub rate: f32,
    /// Updates over which the step size grows from 0.
    pub rate_warm_up: u64,
    /// The optimiser's memory of gradients.
    pub beta1: f32,
    /// The optimiser's memory of squared gradients.
    pub beta2: f32,
    /// Longest gradient.
    pub clip: f32,
    /// Pull of the weights in training towards the champion.
    pub decay: f32,
    /// What an update leaves of the mean of the weights in training, which is the challenger; 0: the challenger is
    /// the newest weights.
    pub averaging: f32,
    /// Windows in a batch.
    pub batch_windows: usize,
    /// Tokens in a batch at most, whatever `batch_windows` says; at least two windows are taken.
    pub batch_tokens: usize,
    /// Windows before anything is fitted.
    pub warm_up_windows: usize,
    /// Where windows come rarely, as many as come in this time are enough for `warm_up_windows` and
    /// `history_min`, but a quarter of them at least.
    pub warm_up_s: f64,
    /// Updates per admitted window at first ...
    pub first_updates_per_window: f32,
    /// ... for this many windows ...
    pub first_windows: u64,
    /// ... and afterwards.
    pub updates_per_window: f32,

    /// Newest windows kept for rehearsal.
    pub recent_windows: usize,
    /// Windows of all time kept for rehearsal.
    pub reservoir_windows: usize,
    /// Kinds of windows that are remembered beside them, at most ...
    pub clusters: usize,
    /// ... and windows kept of each.
    pub cluster_windows: usize,
    /// Bytes for all of them together at most, and for what is kept beside them to measure distances.
    pub memory_bytes: usize,
    /// Length of the blocks of time that are learnt from or held out together; a thirtieth of it at
    /// first, for the time of ten blocks.
    pub holdout_block_s: f64,
    /// One block out of so many is held out; 0 holds nothing out, and every challenger is accepted.
    pub holdout_every: u64,

    /// How a token's surprise is measured.
    pub surprise: SurpriseMeasure,
    /// Share of the most surprising tokens whose mean is the surprise of the window.
    pub surprise_top: f32,
    /// Weight of surprise in novelty.
    pub surprise_weight: f32,
    /// Weight of density in novelty.
    pub density_weight: f32,
    /// Share of the present level of scores that is taken off a score.
    pub level_share: f32,
    /// Newest usual windows whose median is that level.
    pub level_windows: usize,
    /// Windows farther back than this are not of the present level.
    pub level_s: f64,
    /// Past scores that a score is compared with, at most.
    pub history_windows: usize,
    /// Past scores needed before novelty is told.
    pub history_min: usize,
    /// Alarms per day that are wanted.
    #[serde(alias = "events_per_day")]
    pub alarms_per_day: f64,
    /// What is rare again within this time belongs to the same event.
    pub cooldown_s: f64,

    /// Windows more like the one before than this (cosine) are not stored again.
    pub duplicate_cosine: f32,
    /// Windows with a p-value up to this are kept out of all learning ...
    pub quarantine_p: f32,
    /// ... but only after so many windows were admitted, when it is clear what is usual.
    pub quarantine_after_windows: u64,
    /// When a stranger becomes normal without anybody's word.
    pub habituation: Habituation,
    /// A change of the whole scene that lasts longer than this without a break is let in, except with
    /// `habituation = "security"`: each kind that was there for a tenth of it, and everything after twice
    /// the time.
    pub accept_after_s: f64,

    /// Updates between two comparisons of challenger and champion.
    pub guard_every: u64,
    /// Standard errors by which the challenger must be better.
    pub guard_margin: f32,
    /// Rejections in a row after which the challenger starts again from the champion.
    pub guard_patience: u64,
}

impl Default for LearnToml {
    fn default() -> Self {
        Self {
            masked_prediction: 1.0,
            predictive_coding: 0.0,
            autoencoding: 0.0,
            contrastive_predictive: 0.0,
            contrastive_views: 0.0,
            align_uniform: 0.0,
            vicreg: 0.0,
            temporal_order: 0.0,
            rotation: 0.0,
            colorization: 0.0,
            inpainting: 0.0,
            view_drop: 0.3,
            view_noise: 0.2,
            side_every_s: 30.0,
            horizons: vec![1, 2, 4],
            mask_spans: vec![3, 2],
            mask_block: 4,
            mask_share: 0.4,
            mask_extra: 0.15,
            learnt_variance: false,
            variance_beta: 0.5,
            whitened_dim: 64,
            whiten_ridge: 0.05,
            whiten_clamp: 8.0,
            adapter_rank: 32,
            adapter_kappa: 0.5,
            width: 64,
            context: ContextNet::Gated,
            dilations: vec![1, 2, 4, 1],
            rate: 2e-3,
            rate_warm_up: 20,
            beta1: 0.0,
            beta2: 0.99,
            clip: 1.0,
            decay: 0.0,
            averaging: 0.995,
            batch_windows: 32,
            batch_tokens: 1024,
            warm_up_windows: 32,
            warm_up_s: 3600.0,
            first_updates_per_window: 2.0,
            first_windows: 300,
            updates_per_window: 0.5,
            recent_windows: 1024,
            reservoir_windows: 1024,
            clusters: 64,
            cluster_windows: 16,
            memory_bytes: 8_000_000,
            holdout_block_s: 300.0,
            holdout_every: 10,
            surprise: SurpriseMeasure::Error,
            surprise_top: 1.0 / 3.0,
            surprise_weight: 0.1,
            density_weight: 1.0,
            level_share: 0.75,
            level_windows: 32,
            level_s: 600.0,
            history_windows: 4096,
            history_min: 64,
            alarms_per_day: 24.0,
            cooldown_s: 10.0,
            duplicate_cosine: 0.999_99,
            quarantine_p: 0.001,
            quarantine_after_windows: 1000,
            habituation: Habituation::Home,
            accept_after_s: 20.0 * 3600.0,
            guard_every: 16,
            guard_margin: 0.0,
            guard_patience: 4,
        }
    }
}

/// As used. Holding one of these is proof that the checks have passed; it cannot be changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LearnSettings(LearnToml);

impl Deref for LearnSettings {
    type Target = LearnToml;

    fn deref(&self) -> &LearnToml {
        &self.0
    }
}
