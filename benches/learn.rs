//! What a window costs the learner. `torch_step.py` beside this file does the same step in PyTorch.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use habituate::base::rng::Rng;
use habituate::config::learn::LearnToml;
use habituate::encode::density::Density;
use habituate::encode::latent::LatentShape;
use habituate::learn::contract::{HOP_S, Place, bytes, live};
use habituate::learn::learner::Learner;
use habituate::learn::model::Model;
use habituate::learn::objectives::Batch;
use habituate::nn::adam::{Adam, AdamSettings};
use habituate::nn::layout::Layout;

/// Size S: 8 windows of 16 tokens, 128 numbers a token, rank 64, width 64, four gated steps.
fn adapter_step(c: &mut Criterion) {
    let (tokens, dim, windows) = (16, 128, 8);
    let settings = LearnToml {
        width: 64,
        adapter_rank: 64,
        dilations: vec![1, 2, 4, 8],
        ..LearnToml::default()
    };
    let settings = settings.check().expect("in range");
    let mut model = Model::new(Layout::Sequence { len: tokens }, dim, windows, &settings);
    let mut rng = Rng::from_seed(1);
    let mut all: Vec<f32> = model.params().start(&mut rng);
    let anchor = all.clone();
    let mut grads = vec![0.0; all.len()];
    let mut stretch = model.adapter().stretch();
    let rate =
        AdamSettings { rate: 1e-3, warm_up: 20, beta1: 0.0, beta2: 0.99, clip: 1.0, decay: 0.01 };
    let mut adam = Adam::new(rate, all.len());
    let u: Vec<f32> = (0..windows * tokens * dim).map(|_| 3.4 * (rng.unit_f32() - 0.5)).collect();
    let valid = vec![tokens; windows];
    c.bench_function("adapter step S", |b| {
        b.iter(|| {
            let loss =
                model.loss(&all, Batch::plain(black_box(&u), &[], &valid), &mut rng, &mut grads);
            adam.step(&mut all, &grads, &anchor).expect("finite");
            model.cap(&mut all, &mut stretch, 0.5);
            loss
        });
    });
}

/// A learner that has met `windows` windows of the made-up place.
fn lived(shape: LatentShape, density: Density, windows: usize) -> (Learner, Place) {
    let settings = LearnToml::default().check().expect("in range");
    let mut place = Place::new(shape, 1);
    let mut learner = Learner::new(shape, density, &settings, 1);
    live(&mut learner, 0, windows, || place.usual());
    (learner, place)
}

const SOUND: LatentShape =
    LatentShape { layout: Layout::Sequence { len: 12 }, token_dim: 64, embedding_dim: 192 };
const PICTURE: LatentShape =
    LatentShape { layout: Layout::Grid { rows: 14, cols: 14 }, token_dim: 32, embedding_dim: 96 };

fn windows(c: &mut Criterion) {
    let whitened = Density::Whitened { nearest: 1, ridge: 0.05 };
    for (name, shape, windows) in [("sound", SOUND, 1400), ("picture", PICTURE, 700)] {
        let (mut learner, mut place) = lived(shape, whitened, windows);
        let latent = place.usual();
        c.bench_function(&format!("score {name}"), |b| {
            b.iter(|| learner.score(black_box(&latent)));
        });
        let mut at = windows;
        c.bench_function(&format!("score and learn {name}"), |b| {
            b.iter(|| {
                at += 1;
                let score = learner.score(black_box(&latent));
                learner.learn(&latent, &score, at as f64 * HOP_S)
            });
        });
        c.bench_function(&format!("save {name}"), |b| b.iter(|| bytes(black_box(&learner))));
    }
    let big = LatentShape { embedding_dim: 1024, ..SOUND };
    let (mut learner, mut place) = lived(big, Density::Cosine { nearest: 1, root: true }, 1400);
    let latent = place.usual();
    c.bench_function("score, cosine of 1024 numbers", |b| {
        b.iter(|| learner.score(black_box(&latent)));
    });
}

criterion_group!(benches, adapter_step, windows);
criterion_main!(benches);
