//! Losses and gradients of the objectives, through the adapter, against PyTorch's autograd.
//!
//! `tests/golden/objectives/make.py` writes the nets down a second time, from their formulas.

use habituate::base::rng::Rng;
use habituate::config::learn::{LearnSettings, LearnToml};
use habituate::learn::masked::MaskedPrediction;
use habituate::learn::objective::{Batch, Objective};
use habituate::learn::predictive::PredictiveCoding;
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
    let raw = LearnToml {
        width: size(sizes, "width"),
        dilations: counts(&case["dilations"]),
        horizons: counts(&sizes["horizons"]),
        learnt_variance: true,
        variance_beta: 0.5,
        ..LearnToml::default()
    };
    raw.check().expect("the golden sizes are in range")
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
    let mut params = Params::default();
    let adapter = Adapter::identity(&mut params, "adapter", dim, size(sizes, "rank"));
    let windows = valid.len();
    let mut objective: Box<dyn Objective<F>> = if case["objective"] == "masked" {
        let mut masked = MaskedPrediction::new(&mut params, layout, dim, windows, &settings);
        let flags = case["hidden"].as_array().expect("a list");
        let hidden: Vec<bool> = flags.iter().map(|x| x.as_bool().expect("a flag")).collect();
        masked.hide(&hidden);
        Box::new(masked)
    } else {
        let mut predictive = PredictiveCoding::new(&mut params, layout, dim, windows, &settings)
            .expect("the horizons fit");
        predictive.draw(&valid, &mut Rng::from_seed(0));
        Box::new(predictive)
    };
    let all = of(&case["params"]);
    assert_eq!(all.len(), params.len(), "the blocks differ from those of make.py");
    let u = of(&case["u"]);
    let mut space = AdapterSpace::new(u.len() / dim, &adapter);
    let mut z = vec![F::zero(); u.len()];
    adapter.forward(&all, &u, &mut space, &mut z);
    let (mut grads, mut grad_z) = (vec![F::zero(); all.len()], vec![F::zero(); u.len()]);
    let batch = Batch { u: &u, z: &z, valid: &valid };
    let loss = objective
        .loss(&all, batch, F::one(), &mut grads, &mut grad_z)
        .expect("there is something to guess");
    adapter.backward(&all, &u, &mut space, &mut grads, &grad_z);
    (loss, grads)
}

fn compare<F: Real>(tolerance: f64) {
    let golden = golden();
    let cases = golden["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 4);
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let (loss, grads) = ours::<F>(&golden["sizes"], case);
        let wanted = case["loss"].as_f64().expect("a number");
        assert!((loss.f64() - wanted).abs() < tolerance, "{name}: loss {loss} for {wanted}");
        let theirs = numbers(&case["grads"]);
        assert!(theirs.iter().filter(|g| **g != 0.0).count() > theirs.len() / 2, "{name}: zeros");
        for (i, (ours, theirs)) in grads.iter().zip(theirs).enumerate() {
            let wrong = (ours.f64() - theirs).abs();
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
