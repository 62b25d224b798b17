//! What learning costs, and how near that is to what the machine's products give: `cargo bench --bench cost`.
//!
//! Three tables: a step of each objective by itself, a learner's own work (score, learning step, comparison of
//! champion and challenger, search; the layers, and the distances to what is remembered), and the bytes of its state. FLOPs are those of the layers, two for a
//! multiplication and an addition, counted from the shapes of their weights and the rows that go through them;
//! taps, activations, losses, the optimiser and the comparison of pairs are in the time and not in the count.
//! "Peak" is `gemm` on matrices of 512 × 512, "products" the same layers' products by themselves, both measured
//! in the same run: a step cannot be faster than its products, and narrow products do not reach the peak.

#![allow(clippy::print_stdout, reason = "a table is what it is for")]

use std::hint::black_box;

use habituate::base::clock::Clock;
use habituate::base::clock::SystemClock;
use habituate::base::rng::Rng;
use habituate::config::learn::LearnToml;
use habituate::config::manifest::Manifest;
use habituate::encode;
use habituate::encode::Encoder;
use habituate::encode::bundled;
use habituate::encode::density::Density;
use habituate::encode::latent::LatentShape;
use habituate::encode::sides::PIXELS;
use habituate::encode::sides::SideKind;
use habituate::learn::classes::space::KEPT_DIM;
use habituate::learn::contract::HOP_S;
use habituate::learn::contract::Place;
use habituate::learn::learner::Learner;
use habituate::learn::model::Model;
use habituate::learn::objectives::Batch;
use habituate::learn::objectives::SideWindow;
use habituate::learn::objectives::masked::PASSES;
use habituate::learn::whiten::MOST_DIM;
use habituate::nn::adam::Adam;
use habituate::nn::adam::AdamSettings;
use habituate::nn::layout::Layout;
use habituate::nn::matmul::matmul;
use habituate::nn::matmul::view;
use habituate::nn::matmul::view_mut;

/// How long each figure is measured, seconds.
const SPAN_S: f64 = 0.4;
/// Share of tokens that masked prediction hides, about.
const HIDDEN: f64 = 0.45;
const DAY_S: f64 = 86_400.0;
/// Between windows of a simulated month.
const MONTH_HOP_S: f64 = 120.0;
/// Numbers of a whitened embedding.
const KEPT: usize = KEPT_DIM;

fn now_s() -> f64 {
    SystemClock.now().as_secs_f64()
}

/// The shortest time of a run, in seconds: others use the machine, too, and nothing makes a run shorter than
/// it is.
fn seconds(mut run: impl FnMut()) -> f64 {
    let begin_s = now_s();
    let (mut shortest_s, mut runs) = (f64::INFINITY, 0);
    while now_s() < begin_s + SPAN_S || runs < 20 {
        let before_s = now_s();
        run();
        shortest_s = shortest_s.min(now_s() - before_s);
        runs += 1;
    }
    shortest_s
}

/// Seconds of `[rows, inner] × [inner, cols]`.
fn product(rows: usize, inner: usize, cols: usize) -> f64 {
    let filled = |len: usize| (0..len).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<f32>>();
    let (a, b) = (filled(rows * inner), filled(inner * cols));
    let mut c = vec![0.0; rows * cols];
    // Small ones many times over, so that the clock is no part of it.
    let times = (2_000_000 / (rows * inner * cols).max(1)).max(1);
    let run = || {
        for _ in 0..times {
            let (a, b) = (view(black_box(&a), rows, inner), view(&b, inner, cols));
            matmul(1.0, a, b, 0.0, view_mut(&mut c, rows, cols));
        }
    };
    seconds(run) / times as f64
}

/// One objective by itself.
struct Case {
    name: &'static str,
    learn: LearnToml,
    side: Vec<SideKind>,
    trail: usize,
}

fn cases(layout: Layout) -> Vec<Case> {
    let none = || LearnToml { masked_prediction: 0.0, ..LearnToml::default() };
    let plain = |name, learn| Case { name, learn, side: Vec::new(), trail: 0 };
    let mut all = vec![
        plain("masked_prediction", LearnToml::default()),
        plain("predictive_coding", LearnToml { predictive_coding: 1.0, ..none() }),
        plain("autoencoding", LearnToml { autoencoding: 1.0, ..none() }),
        plain("contrastive_predictive", LearnToml { contrastive_predictive: 1.0, ..none() }),
        plain("contrastive_views", LearnToml { contrastive_views: 1.0, ..none() }),
        plain("align_uniform", LearnToml { align_uniform: 1.0, ..none() }),
        plain("vicreg", LearnToml { vicreg: 1.0, ..none() }),
        plain("temporal_order", LearnToml { temporal_order: 1.0, ..none() }),
    ];
    if matches!(layout, Layout::Grid { .. }) {
        all[7].trail = 24;
        let turned = (0..4).map(SideKind::Turned).collect();
        let with = |name, learn, side| Case { name, learn, side, trail: 0 };
        all.push(with("rotation", LearnToml { rotation: 1.0, ..none() }, turned));
        let grey = vec![SideKind::Grey];
        all.push(with("colorization", LearnToml { colorization: 1.0, ..none() }, grey));
        let pixels = vec![SideKind::Plain];
        all.push(with("inpainting", LearnToml { inpainting: 1.0, ..none() }, pixels));
    }
    all
}

/// What goes through a layer in one step: how many products of its shape there are, and of how many rows.
/// A layer whose input nobody wants the gradient of has two, any other three.
fn through(layer: &str, case: &Case, [windows, tokens]: [usize; 2]) -> (f64, usize) {
    let rows = windows * tokens;
    let side = case.side.len() * tokens;
    let context = match case.name {
        "contrastive_views" | "align_uniform" | "vicreg" => 2 * rows,
        "rotation" | "colorization" | "inpainting" => side,
        "autoencoding" | "temporal_order" => 0,
        _ => rows,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rows")]
    let hidden = (HIDDEN * rows as f64) as usize;
    match layer.split('.').next().unwrap_or_default() {
        // Nothing of autoencoding reaches the adapter; its pass is made all the same.
        "adapter" if layer.starts_with("adapter.down") => (2.0, rows + side + case.trail),
        "adapter" => (3.0, rows + side + case.trail),
        "around" | "past" => (3.0, context),
        "masked" => (3.0, hidden),
        "autoencoding" => (if layer.contains("code") { 2.0 } else { 3.0 }, rows),
        "contrastive_predictive" => (3.0, 64 / 3),
        "contrastive_views" | "align_uniform" => (3.0, 2 * windows),
        "vicreg" => (3.0, 256),
        "temporal_order" => (3.0, 32),
        "rotation" => (3.0, case.side.len()),
        "colorization" | "inpainting" => (3.0, side),
        // One head for each horizon, which has nothing to guess at the end of a window.
        _ => {
            let ahead = layer.trim_start_matches("predictive.ahead");
            let ahead = ahead.split('.').next().and_then(|ahead| ahead.parse().ok());
            (3.0, windows * tokens.saturating_sub(ahead.unwrap_or(0)))
        }
    }
}

/// MFLOP of the layers where one window is guessed: once through the adapter, [`PASSES`] times through the context
/// net, since each token is hidden once, and a guess of each.
fn guess(shape: LatentShape) -> f64 {
    let settings = LearnToml::default().check().expect("in range");
    let dim = settings.whitened_dim.min(shape.token_dim);
    let model = Model::new(shape.layout, dim, 2, &settings);
    let blocks = model.params().blocks().filter(|(name, _)| name.ends_with("weight"));
    let passes = |name: &str| if name.starts_with("around") { PASSES } else { 1 };
    let products = blocks.map(|(name, block)| passes(name) * block.rows * block.cols);
    2e-6 * (shape.layout.len() * products.sum::<usize>()) as f64
}

/// MFLOP of comparing a window with `remembered` ones, as their density has it.
fn distances(shape: LatentShape, density: Density, remembered: usize) -> f64 {
    let width = shape.embedding_dim.min(MOST_DIM);
    let products = match density {
        Density::Patches { .. } => shape.layout.len() * shape.token_dim * remembered,
        Density::Cosine { .. } => shape.embedding_dim * remembered,
        // Whitened first.
        Density::Whitened { .. } => width * (width + remembered),
        Density::Mahalanobis { .. } => width * width,
    };
    2e-6 * products as f64
}

/// A line: microseconds of a step, MFLOP, and the seconds that its products take by themselves.
fn step(shape: LatentShape, case: &Case) -> (f64, f64, f64) {
    let settings = case.learn.clone().check().expect("in range");
    let tokens = shape.layout.len();
    let windows = settings.batch_windows.min(settings.batch_tokens / tokens).max(2);
    let dim = settings.whitened_dim.min(shape.token_dim);
    let mut model = Model::new(shape.layout, dim, windows, &settings);
    let mut rng = Rng::from_seed(1);
    let mut all: Vec<f32> = model.params().start(&mut rng);
    let (anchor, mut grads) = (all.clone(), vec![0.0; all.len()]);
    let rate =
        AdamSettings { rate: 1e-3, warm_up: 20, beta1: 0.0, beta2: 0.99, clip: 1.0, decay: 0.01 };
    let mut adam = Adam::new(rate, all.len());
    let mut stretch = model.adapter().stretch();
    let rows = (windows + case.side.len()) * tokens + case.trail;
    let u: Vec<f32> = (0..rows * dim).map(|_| 3.4 * (rng.unit_f32() - 0.5)).collect();
    let at_s: Vec<f64> = (0..windows).map(|window| 60.0 * window as f64).collect();
    let each = if case.name == "inpainting" { tokens * PIXELS } else { tokens };
    let labels: Vec<i8> = (0..25).cycle().take(each * case.side.len()).collect();
    let side = case.side.iter().enumerate().map(|(place, &kind)| SideWindow {
        kind,
        at_s: 0.0,
        valid: tokens,
        labels: (place * each, each),
    });
    let side: Vec<SideWindow> = side.collect();
    let trail_s: Vec<f64> = (0..case.trail).map(|frame| frame as f64).collect();
    let valid = vec![tokens; windows];
    let time = seconds(|| {
        let batch = Batch {
            u: black_box(&u),
            z: &[],
            valid: &valid,
            at_s: &at_s,
            side: &side,
            labels: &labels,
            trail_s: &trail_s,
        };
        model.loss(&all, batch, &mut rng, &mut grads);
        adam.step(&mut all, &grads, &anchor).expect("finite");
        model.cap(&mut all, &mut stretch, 0.5);
    });
    let (mut flops, mut alone) = (0.0, 0.0);
    for (name, block) in model.params().blocks().filter(|(name, _)| name.ends_with("weight")) {
        let (products, rows) = through(name, case, [windows, tokens]);
        if 0 < rows {
            flops += products * 2.0 * (rows * block.rows * block.cols) as f64;
            alone += products * product(rows, block.rows, block.cols);
        }
    }
    (1e6 * time, 1e-6 * flops, alone)
}

fn steps(name: &str, shape: LatentShape, peak: f64) {
    println!("\n{name}: a step of each objective");
    println!("| objective | µs | MFLOP | GFLOP/s | of the peak | products, µs | of the step |");
    println!("|---|---|---|---|---|---|---|");
    for case in cases(shape.layout) {
        let (us, mflop, alone) = step(shape, &case);
        let rate = mflop / us;
        println!(
            "| `{}` | {us:.0} | {mflop:.1} | {:.1} | {:.0} % | {:.0} | {:.0} % |",
            case.name,
            1e3 * rate,
            100.0 * 1e12 * rate / peak,
            1e6 * alone,
            100.0 * 1e6 * alone / us
        );
    }
}

/// What a learner does from window to window, in a made-up place.
fn lives(name: &str, shape: LatentShape, density: Density, peak: f64) {
    let settings = LearnToml::default().check().expect("in range");
    let mut place = Place::new(shape, 1);
    let mut learner = Learner::new(shape, density, &settings, 1);
    let (mut scores, mut lessons, mut comparisons) = (Vec::new(), Vec::new(), Vec::new());
    for window in 0..1400 {
        let latent = place.usual();
        let before_s = now_s();
        let score = learner.score(&latent);
        scores.push(now_s() - before_s);
        let judged = |learner: &Learner| {
            let report = learner.report();
            report.commits + report.rejections
        };
        let (verdicts, before_s) = (judged(&learner), now_s());
        let learnt = learner.learn(&latent, &score, f64::from(window) * HOP_S);
        let taken = now_s() - before_s;
        if judged(&learner) != verdicts {
            // As long as there are few held-out windows, they are cheaper.
            if 700 <= window {
                comparisons.push(taken);
            }
        } else if 0 < learnt.updates {
            lessons.push(taken / f64::from(learnt.updates));
        }
    }
    // What is done differs from window to window, so not the very shortest: the tenth percentile.
    let short = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        1e3 * times.get(times.len() / 10).copied().unwrap_or(f64::NAN)
    };
    let latents: Vec<_> = (0..8).map(|_| place.usual()).collect();
    let query = 1e3 * seconds(|| drop(black_box(learner.search(&latents[..1], 10))));
    let remembered = learner.report().remembered;
    let part = |mflop: f64, ms: f64| format!("{mflop:.2}, {:.1} %", 1e11 * mflop / ms / peak);
    let compared = 2.0 * learner.inspect().compared as f64;
    let (score, lesson, comparison) =
        (short(scores.split_off(700)), short(lessons), short(comparisons));
    let scored = guess(shape) + distances(shape, density, remembered);
    println!(
        "| {name} | {score:.3} | {} | {lesson:.3} | {comparison:.3} | {} | {query:.2} of {remembered} | {} |",
        part(scored, score),
        part(compared * guess(shape), comparison - lesson),
        part(2e-6 * (KEPT * remembered) as f64, query),
    );
}

/// Thirty simulated days, ten at a time: medians of a score, and of a learning step.
fn month(name: &str, shape: LatentShape, density: Density) {
    let settings = LearnToml::default().check().expect("in range");
    let mut place = Place::new(shape, 1);
    let mut learner = Learner::new(shape, density, &settings, 1);
    let mut at_s = 0.0;
    print!("| {name} |");
    for days in 1..=3 {
        let (mut scores, mut lessons) = (Vec::new(), Vec::new());
        while at_s < f64::from(days) * 10.0 * DAY_S {
            let latent = place.usual();
            let before_s = now_s();
            let score = learner.score(&latent);
            scores.push(now_s() - before_s);
            let before_s = now_s();
            let learnt = learner.learn(&latent, &score, at_s);
            if learnt.updates == 1 {
                lessons.push(now_s() - before_s);
            }
            at_s += MONTH_HOP_S;
        }
        let median = |mut times: Vec<f64>| {
            times.sort_by(f64::total_cmp);
            1e3 * times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
        };
        print!(" {:.3}, {:.3} |", median(scores), median(lessons));
    }
    println!(" {:.2} |", learner.state_bytes() as f64 / 1e6);
}

fn state(name: &str, shape: LatentShape, density: Density) {
    let settings = LearnToml::default().check().expect("in range");
    let learner = Learner::new(shape, density, &settings, 1);
    println!("| {name} | {:.2} |", learner.state_bytes() as f64 / 1e6);
}

/// Of an encoder whose network does not lie here: its manifest says all that is needed.
fn yamnet() -> (LatentShape, Density) {
    let text = include_str!("../tests/encoders/yamnet.toml");
    let manifest = Manifest::parse(text).expect("a manifest");
    let layout = Layout::Sequence { len: 8 };
    let shape = LatentShape { layout, token_dim: 64, embedding_dim: 1024 };
    (shape, Density::of(&manifest))
}

fn main() {
    let square = 512;
    let peak = 2.0 * (square as f64).powi(3) / product(square, square, square);
    println!("peak: {:.1} GFLOP/s, {square} × {square}, one thread", 1e-9 * peak);
    let open = |name: &str| encode::open(name, None).expect("bundled");
    let of = |encoder: &dyn Encoder| (encoder.shape(), Density::of(encoder.manifest()));
    for name in [bundled::DEFAULT_SOUND, bundled::DEFAULT_PICTURE] {
        steps(name, open(name).shape(), peak);
    }
    println!("\nms a window, MFLOP and share of the peak");
    println!(
        "| encoder | score | of it | step | step and comparison | of the comparison | search, 10 nearest | of it |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for name in [bundled::DEFAULT_SOUND, bundled::DEFAULT_PICTURE] {
        let (shape, density) = of(open(name).as_ref());
        lives(name, shape, density, peak);
    }
    println!("\nms of a score and of a step, a window in two minutes, and MB at the end");
    println!("| encoder | days 1 to 10 | 11 to 20 | 21 to 30 | state |\n|---|---|---|---|---|");
    let (shape, density) = of(open(bundled::DEFAULT_SOUND).as_ref());
    month(bundled::DEFAULT_SOUND, shape, density);
    println!("\n| encoder | state, MB |\n|---|---|");
    for name in bundled::all().iter().map(|bundled| bundled.name) {
        let (shape, density) = of(open(name).as_ref());
        state(name, shape, density);
    }
    let (shape, density) = yamnet();
    state("YAMNet", shape, density);
}
