//! The product's promise: what repeats becomes unsurprising, what changes stands out, and a stranger
//! who stays does not become normal in an hour.

use habituate::config::learn::{LearnSettings, LearnToml};
use habituate::encode::density::Density;
use habituate::encode::latent::LatentShape;
use habituate::learn::contract::{HOP_S, Place, live};
use habituate::learn::learner::{Learner, Score};
use habituate::nn::layout::Layout;

const SHAPE: LatentShape =
    LatentShape { layout: Layout::Sequence { len: 12 }, token_dim: 16, embedding_dim: 32 };
const DENSITY: Density = Density::Whitened { nearest: 1, ridge: 0.05 };

fn settings(change: impl FnOnce(&mut LearnToml)) -> LearnSettings {
    let mut raw = LearnToml { width: 32, quarantine_after_windows: 600, ..LearnToml::default() };
    change(&mut raw);
    raw.check().expect("the test's settings are in range")
}

fn mean(scores: &[Score], of: impl Fn(&Score) -> f32) -> f32 {
    scores.iter().map(of).sum::<f32>() / scores.len() as f32
}

#[test]
fn what_repeats_becomes_unsurprising_and_what_changes_stands_out() {
    let mut place = Place::new(SHAPE, 1);
    let mut learner = Learner::new(SHAPE, DENSITY, &settings(|_| ()), 1);
    let scores = live(&mut learner, 0, 1200, || place.usual());
    // The first champion that has learnt anything comes after 16 updates.
    let (early, late) = (&scores[32..46], &scores[1100..]);
    // Surprise is the logarithm of an error: a fall of 0.7 is half the error.
    let fall = mean(early, |s| s.surprise) - mean(late, |s| s.surprise);
    assert!(0.7 < fall, "surprise fell by {fall} only");
    let report = learner.report();
    assert!(report.skill_vs_mean.expect("scored") > 0.5, "{report:?}");
    assert!(report.skill_vs_persistence.expect("scored") > 0.0, "{report:?}");
    assert!(0 < report.commits, "{report:?}");

    let p_values: Vec<f32> = late.iter().filter_map(|s| s.p_value).collect();
    let usual = p_values.iter().sum::<f32>() / p_values.len() as f32;
    assert!((0.3..0.7).contains(&usual), "p-values of the usual should be uniform: {usual}");
    let strangers = live(&mut learner, 1200, 5, || place.strange());
    for score in strangers {
        assert!(score.p_value.expect("warm") < 0.005, "{score:?}");
    }
}

#[test]
fn events_keep_to_their_budget_and_a_stranger_raises_one() {
    let mut place = Place::new(SHAPE, 2);
    let budget = settings(|raw| raw.alarms_per_day = 100.0);
    let mut learner = Learner::new(SHAPE, DENSITY, &budget, 1);
    let scores = live(&mut learner, 0, 4000, || place.usual());
    let events = scores.iter().filter(|s| s.event).count();
    // 2000 s at 100 a day are 2.3 wanted events.
    assert!(events <= 9, "{events} events in a place where nothing happens");
    let strangers = live(&mut learner, 4000, 20, || place.strange());
    let events = strangers.iter().filter(|s| s.event).count();
    assert_eq!(events, 1, "one event for a visit within the cooldown");
}

#[test]
fn a_stranger_who_stays_is_strange_for_an_hour_and_then_is_let_in() {
    let mut place = Place::new(SHAPE, 3);
    let patience_s = 3600.0;
    let mut learner = Learner::new(
        SHAPE,
        DENSITY,
        &settings(|raw| {
            raw.accept_after_s = patience_s;
            raw.updates_per_window = 0.05;
        }),
        1,
    );
    live(&mut learner, 0, 1500, || place.usual());
    let before = learner.report();
    let stay = (0_u32..).take_while(|&n| f64::from(n) * HOP_S < patience_s).count() - 40;
    let scores = live(&mut learner, 1500, stay, || place.strange());
    let after = learner.report();
    let strange = scores[stay - 100..].iter().filter(|s| s.p_value.is_some_and(|p| p < 0.01));
    assert!(95 <= strange.count(), "the stranger has become normal within the hour");
    assert!(
        after.updates - before.updates <= 2,
        "learnt from {} updates while a stranger was there",
        after.updates - before.updates
    );
    live(&mut learner, 1500 + stay, 2500, || place.strange());
    let used_to = live(&mut learner, 4000 + stay, 100, || place.strange());
    let p_values: Vec<f32> = used_to.iter().filter_map(|s| s.p_value).collect();
    let usual = p_values.iter().sum::<f32>() / p_values.len() as f32;
    assert!(0.05 < usual, "a change that stayed is still strange: {usual}");
}

#[test]
fn frozen_learning_still_scores() {
    let mut place = Place::new(SHAPE, 4);
    let mut learner = Learner::new(SHAPE, DENSITY, &settings(|_| ()), 1);
    live(&mut learner, 0, 800, || place.usual());
    learner.freeze();
    let updates = learner.report().updates;
    let usual = live(&mut learner, 800, 50, || place.usual());
    let strange = live(&mut learner, 850, 50, || place.strange());
    assert_eq!(learner.report().updates, updates);
    let novelty = |s: &Score| s.novelty.expect("warm");
    assert!(mean(&usual, novelty) + 3.0 < mean(&strange, novelty));
}

#[test]
fn padding_takes_no_part() {
    let mut place = Place::new(SHAPE, 5);
    let mut learner = Learner::new(SHAPE, DENSITY, &settings(|_| ()), 1);
    live(&mut learner, 0, 200, || place.usual());
    let mut latent = place.usual();
    latent.valid_tokens = 5;
    let before = learner.score(&latent);
    latent.tokens.slice_mut(ndarray::s![5.., ..]).fill(1e6);
    let after = learner.score(&latent);
    assert_eq!(before.surprise.to_bits(), after.surprise.to_bits());
    latent.valid_tokens = 0;
    assert!(learner.score(&latent).is_refused(), "a window of padding alone");
}
