//! A learner that has met nothing.

use crate::base::rng::Rng;
use crate::config::learn::Habituation;
use crate::config::learn::LearnSettings;
use crate::encode::density::Density;
use crate::encode::latent::LatentShape;
use crate::learn::classes::Classes;
use crate::learn::codec::Codec;
use crate::learn::density::{Distance, Sizes};
use crate::learn::gate::Gate;
use crate::learn::guard::Guard;
use crate::learn::guard::predecessors::Predecessors;
use crate::learn::learner::Counts;
use crate::learn::learner::Learner;
use crate::learn::learner::Scratch;
use crate::learn::learner::Times;
use crate::learn::learner::compare;
use crate::learn::learner::names;
use crate::learn::learner::report::Skill;
use crate::learn::memory::{Memory, MemoryPlan};
use crate::learn::model::Model;
use crate::learn::moments::Moments;
use crate::learn::novelty::{LeastPlan, LevelPlan, Novelty};
use crate::learn::objectives::album::Album;
use crate::learn::surprise::Surprise;
use crate::learn::watch::Watch;
use crate::learn::whiten::{MOST_DIM, Projection, Whitener};
use crate::nn::adam::{Adam, AdamSettings};

impl Learner {
    /// A learner that has met nothing. Equal arguments give equal learners.
    pub fn new(shape: LatentShape, density: Density, settings: &LearnSettings, seed: u64) -> Self {
        let tokens = shape.layout.len();
        let projection = Projection::new(shape.token_dim, MOST_DIM, seed ^ 0x70_72_6f_6a);
        let width = projection.out_dim();
        let whitener = Whitener::new(
            width,
            settings.whitened_dim,
            f64::from(settings.whiten_ridge),
            settings.whiten_clamp,
            tokens,
        );
        let dim = whitener.out_dim();
        let batch_windows =
            settings.batch_windows.min(settings.batch_tokens / tokens.max(1)).max(2);
        let model = Model::new(shape.layout, dim, batch_windows, settings);
        let wanted = model.wanted();
        let side_rows = wanted.side() * tokens + wanted.trail;
        let mut rng = Rng::from_seed(seed);
        let champion: Vec<f32> = model.params().start(&mut rng);
        let watch = Watch::new(shape.embedding_dim, settings, seed);
        let plan = MemoryPlan {
            tokens_len: tokens * width,
            embedding_dim: shape.embedding_dim,
            sketch_dim: watch.dim(),
            clusters: settings.clusters,
            members: settings.cluster_windows,
            recent: settings.recent_windows,
            reservoir: settings.reservoir_windows,
            block_s: settings.holdout_block_s,
            every: settings.holdout_every,
            beside: Distance::bytes_beside(density, shape.embedding_dim, tokens),
            seed,
        }
        .within(settings.memory_bytes);
        let slots = plan.windows();
        // Where only a word makes normal, no stay does.
        let accept_after_s = match settings.habituation {
            Habituation::Security => f64::INFINITY,
            Habituation::Home | Habituation::Machine => settings.accept_after_s,
        };
        let adam = AdamSettings {
            rate: f64::from(settings.rate),
            warm_up: settings.rate_warm_up,
            beta1: f64::from(settings.beta1),
            beta2: f64::from(settings.beta2),
            clip: f64::from(settings.clip),
            decay: f64::from(settings.decay),
        };
        Self {
            shape,
            seed,
            rng,
            is_frozen: false,
            moments: Moments::new(width, tokens),
            fit_at: settings.warm_up_windows as u64,
            token_codec: Codec::plain(width),
            embedding_codec: Codec::plain(shape.embedding_dim),
            waiting: Vec::with_capacity(settings.warm_up_windows),
            memory: Memory::new(plan),
            aside: Memory::new(names::aside(plan)),
            classes: Classes::default(),
            last_slot: None,
            distance: Distance::new(
                density,
                Sizes { embedding_dim: shape.embedding_dim, tokens, token_dim: width, slots },
                seed ^ 0x64_65_6e_73,
            ),
            surprise: Surprise::new(model.guessing(), tokens, dim, settings),
            novelty: Novelty::new(
                [settings.surprise_weight, settings.density_weight],
                LevelPlan {
                    share: settings.level_share,
                    windows: settings.level_windows,
                    within_s: settings.level_s,
                },
                settings.history_windows,
                LeastPlan { windows: settings.history_min, within_s: settings.warm_up_s },
            ),
            gate: Gate::new(
                shape.embedding_dim,
                settings.duplicate_cosine,
                settings.quarantine_p,
                accept_after_s,
            ),
            guard: Guard::new(settings.guard_margin, settings.guard_patience, seed ^ 0x67_75_61),
            predecessors: Predecessors::new(champion.len()),
            watch,
            adam: Adam::new(adam, champion.len()),
            stretch: model.adapter().stretch(),
            challenger: champion.clone(),
            trainee: champion.clone(),
            credit: 0.0,
            batch_windows,
            dull_in_batch: 0,
            previous_u: vec![0.0; tokens * dim],
            has_previous: false,
            skill: Skill::default(),
            times: Times::default(),
            counts: Counts::default(),
            last_read: None,
            scratch: Scratch {
                x: vec![0.0; tokens * width],
                u: vec![0.0; tokens * dim],
                embedding: vec![0.0; shape.embedding_dim],
                batch_u: vec![0.0; (batch_windows * tokens + side_rows) * dim],
                batch_valid: Vec::with_capacity(batch_windows),
                batch_at_s: Vec::with_capacity(batch_windows),
                side: Vec::with_capacity(wanted.side()),
                labels: Vec::with_capacity(wanted.labels(tokens)),
                trail_s: Vec::with_capacity(wanted.trail),
                grads: vec![0.0; champion.len()],
                held_out: Vec::with_capacity(plan.windows()),
                groups: Vec::with_capacity(compare::MOST_BLOCKS),
                readings: std::array::from_fn(|_| Vec::with_capacity(compare::MOST_BLOCKS)),
                moves: Vec::with_capacity(compare::MOST_BLOCKS),
                cases: Vec::with_capacity(compare::MOST_BLOCKS),
                joined: None,
            },
            champion,
            projection,
            whitener,
            album: Album::new(wanted, tokens, width),
            side_s: None,
            model,
            settings: settings.clone(),
            recall: None,
        }
    }
}
