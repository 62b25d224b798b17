//! Losses and gradients of the objectives, through the adapter, against PyTorch's autograd.
//!
//! `tests/golden/objectives/make.py` writes the nets down a second time, from their formulas.

use habituate::base::rng::Rng;
use habituate::config::learn::{ContextNet, LearnSettings, LearnToml};
use habituate::encode::sides::{PIXELS, SideKind};
use habituate::learn::objectives::align_uniform::AlignUniform;
use habituate::learn::objectives::autoencoding::Autoencoding;
use habituate::learn::objectives::build::{Nets, Plan};
use habituate::learn::objectives::colorization::Colorization;
use habituate::learn::objectives::contrastive_predictive::ContrastivePredictive;
use habituate::learn::objectives::contrastive_views::ContrastiveViews;
use habituate::learn::objectives::cross_modal::CrossModal;
use habituate::learn::objectives::inpainting::Inpainting;
use habituate::learn::objectives::masked::MaskedPrediction;
use habituate::learn::objectives::predictive::PredictiveCoding;
use habituate::learn::objectives::rotation::Rotation;
use habituate::learn::objectives::temporal_order::TemporalOrder;
use habituate::learn::objectives::vicreg::Vicreg;
use habituate::learn::objectives::{Batch, Grads, Objective, Room, SideWindow};
use habituate::nn::adapter::{Adapter, AdapterSpace};
use habituate::nn::layout::Layout;
use habituate::nn::params::Params;
use habituate::nn::real::Real;
use serde_json::Value;

/// Both sides compute in `f64`; the file keeps twelve digits.
const SAME_MATH: f64 = 1e-9;
/// The device's numbers: `f32`, and its own tanh and sigmoid.
const SINGLE: f64 = 2e-5;

fn golden() -> Value {
    let text = include_str!("golden/objectives/golden.json");
    serde_json::from_str(text).expect("make.py writes JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn counts(value: &Value) -> Vec<usize> {
    let count = |x: &Value| usize::try_from(x.as_u64().expect("a count")).expect("a small count");
    value.as_array().expect("a list").iter().map(count).collect()
}

fn size(sizes: &Value, name: &str) -> usize {
    usize::try_from(sizes[name].as_u64().expect("a size")).expect("a small size")
}

fn settings(sizes: &Value, case: &Value) -> LearnSettings {
    let context = match case["context"].as_str() {
        Some("recurrent") => ContextNet::Recurrent,
        _ => ContextNet::Gated,
    };
    let raw = LearnToml {
        context,
        width: size(sizes, "width"),
        adapter_rank: size(sizes, "rank"),
        dilations: counts(&case["dilations"]),
        horizons: counts(&sizes["horizons"]),
        learnt_variance: case["learnt_variance"].as_bool().expect("a flag"),
        variance_beta: 0.5,
        view_drop: 0.0,
        view_noise: 0.0,
        ..LearnToml::default()
    };
    raw.check().expect("the golden sizes are in range")
}

fn flags(value: &Value) -> Vec<bool> {
    let flags = value.as_array().expect("a list").iter();
    flags.map(|x| x.as_bool().expect("a flag")).collect()
}

fn lists(value: &Value) -> Vec<Vec<usize>> {
    value.as_array().expect("a list").iter().map(counts).collect()
}

/// The side windows that the objective is about, with their labels.
fn side(case: &Value, tokens: usize) -> (Vec<SideWindow>, Vec<i8>) {
    let labels: Vec<i8> = case["labels"].as_array().map_or_else(Vec::new, |labels| {
        let label = |x: &Value| i8::try_from(x.as_i64().expect("a label")).expect("a byte");
        labels.iter().map(label).collect()
    });
    let window = |place: usize| {
        let (kind, len) = match case["objective"].as_str().expect("a name") {
            "rotation" => {
                let quarters = counts(&case["quarters"])[place];
                (SideKind::Turned(u8::try_from(quarters).expect("a quarter")), 0)
            }
            "colorization" => (SideKind::Grey, tokens),
            "inpainting" => (SideKind::Plain, tokens * PIXELS),
            _ => (SideKind::Changed, 0),
        };
        let at_s = 60.0 * (place / 2) as f64;
        SideWindow { kind, at_s, valid: tokens, labels: (place * len, len) }
    };
    ((0..size(case, "side")).map(window).collect(), labels)
}

/// The objective of a case, with everything drawn that is drawn.
fn objective<F: Real>(
    case: &Value,
    params: &mut Params,
    nets: &mut Nets,
    plan: &Plan<'_>,
    batch: Batch<'_, F>,
) -> Box<dyn Objective<F>> {
    let mut rng = Rng::from_seed(0);
    let mut drawn = |mut objective: Box<dyn Objective<F>>| {
        objective.draw(batch, &mut rng);
        objective
    };
    match case["objective"].as_str().expect("a name") {
        "masked" => {
            let mut masked = MaskedPrediction::new(params, nets, plan);
            masked.hide(&flags(&case["hidden"]));
            Box::new(masked)
        }
        "predictive" => {
            let predictive = PredictiveCoding::new(params, nets, plan);
            drawn(Box::new(predictive.expect("the horizons fit")))
        }
        "contrastive_views" => drawn(Box::new(ContrastiveViews::new(params, nets, plan))),
        "align_uniform" => drawn(Box::new(AlignUniform::new(params, nets, plan))),
        "vicreg" => drawn(Box::new(Vicreg::new(params, nets, plan))),
        "contrastive_predictive" => {
            let made = ContrastivePredictive::new(params, nets, plan);
            let mut contrastive = made.expect("the horizons fit");
            let horizons = case["pairs"].as_array().expect("a list").iter();
            let pairs = |pairs: &Value| lists(pairs).iter().map(|p| (p[0], p[1])).collect();
            contrastive.ask(&horizons.map(pairs).collect::<Vec<_>>());
            Box::new(contrastive)
        }
        "temporal_order" => {
            let mut order = TemporalOrder::new(params, nets, plan);
            let triples = lists(&case["triples"]);
            let shown = triples.iter().map(|t| ([t[0], t[1], t[2]], t[3]));
            order.show(&shown.collect::<Vec<_>>());
            Box::new(order)
        }
        "autoencoding" => {
            let mut autoencoding = Autoencoding::new(params, nets, plan);
            autoencoding.take_out(&flags(&case["dropped"]));
            Box::new(autoencoding)
        }
        "rotation" => drawn(Box::new(Rotation::new(params, nets, plan))),
        "colorization" => drawn(Box::new(Colorization::new(params, nets, plan))),
        "inpainting" => {
            let mut inpainting = Inpainting::new(params, nets, plan);
            inpainting.draw(batch, &mut rng);
            inpainting.hide(&flags(&case["hidden"]));
            Box::new(inpainting)
        }
        other => unreachable!("make.py knows no {other}"),
    }
}

/// Loss and gradients of a case, computed by us.
fn ours<F: Real>(sizes: &Value, case: &Value) -> (F, Vec<F>) {
    let of = |value: &Value| -> Vec<F> { numbers(value).into_iter().map(F::of).collect() };
    let layout = match counts(&case["layout"])[..] {
        [len] => Layout::Sequence { len },
        [rows, cols] => Layout::Grid { rows, cols },
        _ => unreachable!("a layout has one or two sides"),
    };
    let (dim, valid, settings) =
        (size(sizes, "dim"), counts(&case["valid"]), settings(sizes, case));
    let tokens = layout.len();
    let (side, labels) = side(case, tokens);
    let at_s: Vec<f64> = (0..valid.len()).map(|w| 60.0 * w as f64).collect();
    let trail_s = vec![0.0; size(case, "trail")];
    let plan = Plan { layout, dim, windows: valid.len(), side: side.len(), settings: &settings };
    let (mut params, mut nets) = (Params::default(), Nets::default());
    let adapter = Adapter::identity(&mut params, "adapter", dim, size(sizes, "rank"));
    let u = of(&case["u"]);
    let mut batch = Batch {
        u: &u,
        z: &[],
        valid: &valid,
        at_s: &at_s,
        side: &side,
        labels: &labels,
        trail_s: &trail_s,
    };
    let mut objective = objective::<F>(case, &mut params, &mut nets, &plan, batch);
    let all = of(&case["params"]);
    assert_eq!(all.len(), params.len(), "the blocks differ from those of make.py");
    let context = nets.around(&mut Params::default(), &plan);
    let mut room = Room::new(&context, (2 * valid.len() + side.len()).max(4) * tokens, dim);
    let mut space = AdapterSpace::new(u.len() / dim, &adapter);
    let mut z = vec![F::zero(); u.len()];
    adapter.forward(&all, &u, &mut space, &mut z);
    batch.z = &z;
    let (mut grads, mut grad_z) = (vec![F::zero(); all.len()], vec![F::zero(); u.len()]);
    let to = Grads { params: &mut grads, z: &mut grad_z };
    let loss = objective
        .loss(&mut room, &all, batch, F::one(), to)
        .expect("there is something to learn from");
    adapter.backward(&all, &u, &mut space, &mut grads, &grad_z);
    (loss, grads)
}

fn compare<F: Real>(tolerance: f64) {
    let golden = golden();
    let cases = golden["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 20);
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let (loss, grads) = ours::<F>(&golden["sizes"], case);
        let wanted = case["loss"].as_f64().expect("a number");
        let wrong = (loss.f64() - wanted).abs() / wanted.abs().max(1.0);
        assert!(wrong < tolerance, "{name}: loss {loss} for {wanted}");
        let theirs = numbers(&case["grads"]);
        assert!(theirs.iter().filter(|g| **g != 0.0).count() > theirs.len() / 2, "{name}: zeros");
        assert_eq!(grads.len(), theirs.len(), "{name}");
        for (i, (ours, theirs)) in grads.iter().zip(theirs).enumerate() {
            let wrong = (ours.f64() - theirs).abs() / theirs.abs().max(1.0);
            assert!(wrong < tolerance, "{name}: gradient {i} is {ours}, PyTorch says {theirs}");
        }
    }
}

#[test]
fn double_precision_agrees_with_autograd() {
    compare::<f64>(SAME_MATH);
}

#[test]
fn single_precision_with_fast_activations_agrees_too() {
    compare::<f32>(SINGLE);
}

#[test]
fn the_loss_between_two_senses_agrees_with_autograd() {
    let golden = golden();
    let case = &golden["cross_modal"];
    let dims = counts(&case["dims"]);
    let (sound, picture) = (numbers(&case["sound"]), numbers(&case["picture"]));
    let pairs = sound.len() / dims[0];
    let gap_s = case["gap_s"].as_f64().expect("seconds");
    let at_s: Vec<f64> = (0..pairs).map(|pair| gap_s * pair as f64).collect();
    let mut params = Params::default();
    let net = CrossModal::new(&mut params, [dims[0], dims[1]]);
    let all = numbers(&case["params"]);
    assert_eq!(all.len(), params.len(), "the blocks differ from those of make.py");
    let (mut grads, mut space) = (vec![0.0; all.len()], net.space(pairs));
    let loss = net.loss(&all, [&sound, &picture], &at_s, &mut space, &mut grads);
    let wanted = case["loss"].as_f64().expect("a number");
    assert!((loss - wanted).abs() < SAME_MATH, "loss {loss} for {wanted}");
    for (i, (ours, theirs)) in grads.iter().zip(numbers(&case["grads"])).enumerate() {
        assert!((ours - theirs).abs() < SAME_MATH, "gradient {i} is {ours}, PyTorch says {theirs}");
    }
}
