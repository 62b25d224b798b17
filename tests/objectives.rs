//! Ways in which learning without labels fails, each on a seeded stream that provokes it: collapse,
//! copying, a burnt-in clock, a border. Each test says which change of the code makes it fail.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/school.rs"]
mod school;

use habituate::base::rng::Rng;
use habituate::config::learn::LearnToml;
use habituate::encode::sides::{COLOURS, PIXELS, SideKind};
use habituate::learn::objectives::head::HeadSpace;
use habituate::learn::objectives::mixer::{Notice, REST_STEPS};
use habituate::learn::objectives::watch::Shortcut;
use habituate::learn::objectives::{Batch, SideWindow};
use habituate::nn::adam::{Adam, AdamSettings};
use habituate::nn::adapter::{Adapter, AdapterSpace};
use habituate::nn::layout::Layout;
use habituate::nn::params::Params;

use crate::school::{
    DIM, Lesson, PICTURE, SOUND, School, TOKENS, WINDOWS, noise, normal, quiet, slow, waves,
    windows,
};

/// How many directions tokens take up: the exponential of the entropy of the shares of their spread
/// (`RankMe`, Garrido et al. 2023), with variances along the axes, along which they were made.
fn directions(z: &[f32]) -> f64 {
    let rows = z.len() as f64 / DIM as f64;
    let spread = |j: usize| {
        let column = || z.iter().skip(j).step_by(DIM).map(|&x| f64::from(x));
        let mean = column().sum::<f64>() / rows;
        (column().map(|x| (x - mean).powi(2)).sum::<f64>() / rows).sqrt()
    };
    let spreads: Vec<f64> = (0..DIM).map(spread).collect();
    let total: f64 = spreads.iter().sum();
    let entropy: f64 =
        spreads.iter().map(|s| s / total).filter(|p| 0.0 < *p).map(|p| -p * p.ln()).sum();
    entropy.exp()
}

/// The worst loss there is: all tokens of three of four directions shall be the same. Gives directions before
/// and after, and the least share of a distance that is left.
fn pulled_together(is_capped: bool) -> (f64, f64, f32) {
    const ROWS: usize = 64;
    let mut rng = Rng::from_seed(3);
    let mut params = Params::default();
    let adapter = Adapter::identity(&mut params, "adapter", DIM, DIM);
    let mut all: Vec<f32> = params.start(&mut rng);
    let mut stretch = adapter.stretch();
    let settings =
        AdamSettings { rate: 5e-3, warm_up: 0, beta1: 0.0, beta2: 0.99, clip: 1e9, decay: 0.0 };
    let mut adam = Adam::new(settings, all.len());
    let u: Vec<f32> = noise(ROWS, &mut rng).iter().map(|x| 0.5 * x).collect();
    let mut space = AdapterSpace::new(ROWS, &adapter);
    let mut z = vec![0.0; u.len()];
    let mut grads = vec![0.0; all.len()];
    for _ in 0..6000 {
        adapter.forward(&all, &u, &mut space, &mut z);
        // L = ½ Σ z² over three of four numbers.
        let grad_z: Vec<f32> =
            z.iter().enumerate().map(|(i, &x)| if i % DIM == 0 { 0.0 } else { x }).collect();
        grads.fill(0.0);
        adapter.backward(&all, &u, &mut space, &mut grads, &grad_z);
        let anchor = all.clone();
        adam.step(&mut all, &grads, &anchor).unwrap();
        if is_capped {
            adapter.cap(&mut all, &mut stretch, 0.5, 2);
        }
    }
    adapter.forward(&all, &u, &mut space, &mut z);
    let distance = |x: &[f32], i: usize, j: usize| {
        let token = |at: usize| &x[at * DIM..(at + 1) * DIM];
        token(i).iter().zip(token(j)).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
    };
    let pairs = (0..ROWS).flat_map(|i| (0..i).map(move |j| (i, j)));
    let least = pairs.map(|(i, j)| distance(&z, i, j) / distance(&u, i, j)).fold(9.0, f32::min);
    (directions(&u), directions(&z), least)
}

/// Failure 1, collapse. Fails when `Adapter::cap` does nothing (the second half shows it).
#[test]
fn a_bounded_adapter_does_not_collapse_whatever_the_loss_wants() {
    let (before, after, least) = pulled_together(true);
    assert!(0.9 * before <= after, "{before} directions became {after}");
    assert!(0.49 <= least, "a distance shrank to {least} of what it was");
    let (before, after, least) = pulled_together(false);
    assert!(after < 0.9 * before && least < 0.4, "no bound, no harm: {before} {after} {least}");
}

/// Trips on `bad` within `steps` steps, is off then, and does not trip on `good`.
#[track_caller]
fn expect_off(
    layout: Layout,
    learn: LearnToml,
    steps: usize,
    expected: (&'static str, Shortcut),
    bad: impl FnMut(&mut Rng) -> Lesson,
    good: impl FnMut(&mut Rng) -> Lesson,
) {
    let found = School::new(layout, learn.clone()).attend(steps, bad);
    assert!(found.is_some(), "{expected:?} is not noticed");
    let (_, notice) = found.unwrap();
    assert_eq!(((notice.objective, notice.found), notice.is_off), (expected, true));
    assert_eq!(School::new(layout, learn).attend(steps, good), None, "{expected:?}");
}

/// Failure 1, of an objective: descriptions that are all alike are noticed. Fails when `AlignUniform`
/// does not watch what descriptions have in common, or `Vicreg` what their features lack.
#[test]
fn windows_described_alike_are_noticed_as_a_collapse() {
    let quiet = || LearnToml { view_noise: 0.0, ..quiet() };
    for (name, learn) in [
        ("align_uniform", LearnToml { align_uniform: 1.0, ..quiet() }),
        ("vicreg", LearnToml { vicreg: 1.0, ..quiet() }),
    ] {
        // Of a single token nothing can be left out, so no two views are different.
        let same = |_: &mut Rng| Lesson { valid: 1, ..windows(vec![1.0; WINDOWS * TOKENS * DIM]) };
        let free = |rng: &mut Rng| windows(noise(WINDOWS * TOKENS, rng));
        expect_off(SOUND, learn, 600, (name, Shortcut::Collapse), same, free);
    }
}

/// Failure 2, of objectives with views. Half of all windows are of a loud moment, half of a silent one, so that
/// loudness alone tells which views belong together. Fails for each of the three when it does not watch
/// `Views::by_one_feature`.
#[test]
fn views_are_off_where_loudness_alone_finds_the_other_one() {
    let loud_or_silent = |rng: &mut Rng| {
        let mut lesson = windows(noise(WINDOWS * TOKENS, rng));
        lesson.at_s = std::array::from_fn(|window| if window < WINDOWS / 2 { 0.0 } else { 60.0 });
        for (row, token) in lesson.u.chunks_mut(DIM).enumerate() {
            token[2] += if row < WINDOWS / 2 * TOKENS { 20.0 } else { -20.0 };
        }
        lesson
    };
    for (name, learn) in [
        ("contrastive_views", LearnToml { contrastive_views: 1.0, ..quiet() }),
        ("align_uniform", LearnToml { align_uniform: 1.0, ..quiet() }),
        ("vicreg", LearnToml { vicreg: 1.0, ..quiet() }),
    ] {
        let free = |rng: &mut Rng| windows(noise(WINDOWS * TOKENS, rng));
        expect_off(SOUND, learn, 600, (name, Shortcut::OneFeature), loud_or_silent, free);
    }
}

/// Failure 2, of rebuilding: where tokens say nothing, the bottleneck gives back everything. Fails when
/// `Autoencoding` does not watch what is rebuilt.
#[test]
fn autoencoding_is_off_where_everything_comes_through_its_bottleneck() {
    let learn = LearnToml { autoencoding: 1.0, ..quiet() };
    let dull = |_: &mut Rng| windows(vec![1.0; WINDOWS * TOKENS * DIM]);
    let free = |rng: &mut Rng| windows(noise(WINDOWS * TOKENS, rng));
    expect_off(SOUND, learn, 2000, ("autoencoding", Shortcut::Identity), dull, free);
}

/// Pictures one minute after another, with `labels` of their tokens.
fn pictures(
    kind: SideKind,
    mut labels: impl FnMut(&mut Rng) -> Vec<i8>,
) -> impl FnMut(&mut Rng) -> Lesson {
    let mut at_s = 0.0;
    move |rng| {
        at_s += 60.0;
        let u = noise((WINDOWS + 1) * TOKENS, rng);
        let labels = labels(rng);
        let side = vec![SideWindow { kind, at_s, valid: TOKENS, labels: (0, labels.len()) }];
        Lesson { side, labels, ..windows(u) }
    }
}

/// Failure 3, a picture that stays as it is. Fails when `Colorization`, or `Inpainting`, does not compare a
/// picture with the one before.
#[test]
fn colours_and_pixels_are_no_lesson_where_the_picture_stays_as_it_is() {
    let drawn = |count: usize, bins: u64| {
        move |rng: &mut Rng| -> Vec<i8> {
            (0..count).map(|_| i8::try_from(rng.below(bins)).unwrap()).collect()
        }
    };
    let still = |labels: Vec<i8>| move |_: &mut Rng| labels.clone();
    for (name, learn, kind, count, bins) in [
        (
            "colorization",
            LearnToml { colorization: 1.0, ..quiet() },
            SideKind::Grey,
            TOKENS,
            COLOURS,
        ),
        (
            "inpainting",
            LearnToml { inpainting: 1.0, ..quiet() },
            SideKind::Plain,
            TOKENS * PIXELS,
            64,
        ),
    ] {
        let changes = drawn(count, bins as u64);
        let same = still(changes(&mut Rng::from_seed(6)));
        let (bad, good) = (pictures(kind, same), pictures(kind, changes));
        expect_off(PICTURE, learn, 600, (name, Shortcut::Still), bad, good);
    }
}

/// Failure 2, the shortcut of persistence. Fails when `PredictiveCoding` or `MaskedPrediction` does not compare
/// itself with copying, and when `Model::loss` does not count steps without an objective: it is then never on
/// again. Where it is on again, and what there is to guess is no copy, it stays on.
#[test]
fn a_guess_no_better_than_a_copy_is_off_and_back_where_there_is_more_to_guess() {
    let predictive = || LearnToml { predictive_coding: 1.0, ..quiet() };
    let masked = || LearnToml { masked_prediction: 1.0, ..quiet() };
    for (learn, objective) in [(predictive(), "predictive_coding"), (masked(), "masked_prediction")]
    {
        let mut school = School::new(SOUND, learn);
        let found = school.attend(1500, |rng| windows(slow(0.999, rng)));
        let (_, notice) =
            found.unwrap_or_else(|| panic!("{objective} does not say that it copies"));
        let expected =
            Notice { objective, found: Shortcut::Copies, is_off: true, rest_steps: REST_STEPS };
        assert_eq!(notice, expected);
        assert_eq!(school.model.names().count(), 0);
        assert!(!school.model.is_guessing(), "surprise would be made of its errors");
        let (step, notice) = school.attend(20_000, |rng| windows(waves(rng))).expect("a trial");
        assert_eq!((notice, step as u64 + 1), (Notice { is_off: false, ..expected }, REST_STEPS));
        assert_eq!(school.attend(1500, |rng| windows(waves(rng))), None, "{objective}");
        assert_eq!(school.model.names().collect::<Vec<_>>(), [objective]);
    }
}

/// Failure 2: a real guess is not taken for a copy. Fails when a step counts for more than twice the error of
/// copying (`MOST_OF_COPYING`): one batch without any change then switches off what has learnt for long.
#[test]
fn a_batch_of_silence_does_not_switch_off_what_guesses_well() {
    for learn in [
        LearnToml { predictive_coding: 1.0, ..quiet() },
        LearnToml { masked_prediction: 1.0, ..quiet() },
    ] {
        let mut school = School::new(SOUND, learn);
        let mut step = 0;
        let mostly_waves = |rng: &mut Rng| {
            step += 1;
            windows(if step % 400 == 0 { vec![0.3; WINDOWS * TOKENS * DIM] } else { waves(rng) })
        };
        assert_eq!(school.attend(2500, mostly_waves), None);
    }
}

/// Failure 2, of contrastive prediction. Fails when `ContrastivePredictive` does not try the present
/// token as the query.
#[test]
fn contrastive_prediction_is_off_where_the_present_finds_the_future() {
    let learn = || LearnToml { contrastive_predictive: 1.0, ..quiet() };
    let mut school = School::new(SOUND, learn());
    let (step, notice) =
        school.attend(400, |rng| windows(slow(0.999, rng))).expect("nothing changes here");
    assert_eq!((notice.found, notice.is_off), (Shortcut::Persistence, true));
    assert!(step < 300, "only after {step} steps");
    assert_eq!(School::new(SOUND, learn()).attend(400, |rng| windows(waves(rng))), None);
}

/// Failure 3, a burnt-in clock or a ramp of the gain. Fails when `TemporalOrder` does not watch how
/// features grow. What else is learnt goes on.
#[test]
fn temporal_order_is_off_where_a_clock_tells_the_order() {
    let learn = || LearnToml { masked_prediction: 1.0, temporal_order: 1.0, ..quiet() };
    let with_clock = |rng: &mut Rng| {
        let mut u = noise(WINDOWS * TOKENS, rng);
        for (row, token) in u.chunks_mut(DIM).enumerate() {
            token[3] = 0.5 * (row % TOKENS) as f32 - 1.2 + 0.1 * token[3];
        }
        windows(u)
    };
    let mut school = School::new(SOUND, learn());
    let (step, notice) = school.attend(600, with_clock).expect("the clock tells the order");
    assert_eq!(
        (notice.objective, notice.found, notice.is_off),
        ("temporal_order", Shortcut::Ramp, true)
    );
    // At a quarter of an update a second, an hour is 900 steps.
    assert!(step < 900, "only after {step} steps");
    assert_eq!(school.model.names().collect::<Vec<_>>(), ["masked_prediction"]);
    assert_eq!(school.attend(50, with_clock), None, "told once, and the other goes on");
    let free = |rng: &mut Rng| windows(noise(WINDOWS * TOKENS, rng));
    assert_eq!(School::new(SOUND, learn()).attend(600, free), None);

    // The same for pictures, whose order is that of the newest frames.
    let frames = |clock: f32| {
        move |rng: &mut Rng| {
            let mut u = noise(WINDOWS * TOKENS + 12, rng);
            for (frame, token) in u[WINDOWS * TOKENS * DIM..].chunks_mut(DIM).enumerate() {
                token[0] += clock * frame as f32;
            }
            Lesson { trail: 12, ..windows(u) }
        }
    };
    let learn = || LearnToml { temporal_order: 1.0, ..quiet() };
    let (_, notice) = School::new(PICTURE, learn()).attend(600, frames(2.0)).expect("a clock");
    assert_eq!(notice.found, Shortcut::Ramp);
    assert_eq!(School::new(PICTURE, learn()).attend(600, frames(0.0)), None);
}

/// Failure 3: what is learnt of the content is the same with a clock in the picture. Fails when an objective that
/// was found out goes on learning (`is_on` in the mixer).
#[test]
fn what_a_clock_gives_away_costs_the_content_nothing() {
    let with_clock = |rng: &mut Rng| {
        let mut u = waves(rng);
        for (row, token) in u.chunks_mut(DIM).enumerate() {
            token[3] = 0.5 * (row % TOKENS) as f32 - 1.2 + 0.1 * normal(rng);
        }
        windows(u)
    };
    let content_error = |temporal_order: f32| {
        let learn = LearnToml { masked_prediction: 1.0, temporal_order, ..quiet() };
        let mut school = School::new(SOUND, learn);
        let found = school.attend(900, with_clock);
        assert_eq!(found.is_some(), 0.0 < temporal_order, "{found:?}");
        school.attend(1500, with_clock);
        let mut rng = Rng::from_seed(3);
        let (mut error, mut count) = (0.0, 0.0);
        for _ in 0..20 {
            let u = with_clock(&mut rng).u;
            for window in u.chunks(TOKENS * DIM) {
                let (_, spaces) = school.model.guess(&school.all, window, TOKENS, 0);
                for (_, off, _) in spaces.iter().flat_map(HeadSpace::guesses) {
                    error += off[..3].iter().map(|x| f64::from(x * x)).sum::<f64>();
                    count += 3.0;
                }
            }
        }
        error / count
    };
    let (alone, beside) = (content_error(0.0), content_error(4.0));

    assert!(beside < 1.1 * alone, "{alone} became {beside}");
}

/// Failure 3, a constant border. Fails when `Rotation` does not watch how often it is right.
#[test]
fn rotation_is_off_where_the_border_tells_it() {
    let turned = |border: f32| {
        move |rng: &mut Rng| {
            let mut u = noise((WINDOWS + 4) * TOKENS, rng);
            let side = (0..4_u8).map(|quarter| {
                let place = WINDOWS + usize::from(quarter);
                // The side of the border lies elsewhere in each of the four.
                for token in u[place * TOKENS * DIM..(place + 1) * TOKENS * DIM].chunks_mut(DIM) {
                    token[usize::from(quarter)] += border;
                }
                SideWindow {
                    kind: SideKind::Turned(quarter),
                    at_s: 0.0,
                    valid: TOKENS,
                    labels: (0, 0),
                }
            });
            let side = side.collect();
            Lesson { side, ..windows(u) }
        }
    };
    let learn = || LearnToml { rotation: 1.0, ..quiet() };
    let (step, notice) = School::new(PICTURE, learn()).attend(900, turned(4.0)).expect("a border");
    assert_eq!((notice.found, notice.is_off), (Shortcut::Border, true));
    assert!(step < 900, "an hour at a quarter of an update a second");
    assert_eq!(School::new(PICTURE, learn()).attend(600, turned(0.0)), None);
}

/// An objective whose watch has tripped costs nothing any more, and the learner goes on without it.
/// Fails when `Model::loss` asks all objectives.
#[test]
fn an_objective_alone_that_is_off_teaches_nothing() {
    let mut school = School::new(SOUND, LearnToml { contrastive_predictive: 1.0, ..quiet() });
    school.attend(400, |rng| windows(slow(0.999, rng))).expect("nothing changes here");
    let u = noise(WINDOWS * TOKENS, &mut Rng::from_seed(4));
    let at_s: Vec<f64> = (0..WINDOWS).map(|window| 60.0 * window as f64).collect();
    let batch = Batch { at_s: &at_s, ..Batch::plain(&u, &[], &[TOKENS; WINDOWS]) };
    let loss = school.model.loss(&school.all, batch, &mut school.rng, &mut school.grads);
    assert_eq!(loss, None);
    assert!(school.grads.iter().all(|&g| g == 0.0));
}
