use super::*;
use crate::base::rng::Rng;
use crate::encode::latent::Latent;
use crate::learn::contract::Place;
use crate::learn::learner::tests::{DENSITY, SHAPE, champion_bits, live, settings, strict};

/// Failure 15. Fails when the gate lets strangers in, and when a challenger is taken without being
/// better.
#[test]
fn a_poisoned_hour_commits_nothing_and_leaves_the_champion_as_it_was_to_the_bit() {
    let mut place = Place::new(SHAPE, 4);
    let mut learner = Learner::new(SHAPE, DENSITY, &settings(strict), 1);
    let at_s = live(&mut learner, 0.0, 2500, || place.usual());
    assert!(learner.guard.is_strict(), "{:?}", learner.report());
    let (before, commits) = (champion_bits(&learner), learner.report().commits);
    // The wrong modality: noise of another size, without any order.
    let mut rng = Rng::from_seed(8);
    let mut poison = || {
        let mut latent = Latent::zeros(SHAPE);
        latent.tokens.iter_mut().for_each(|x| *x = 40.0 * (rng.unit_f32() - 0.5));
        latent.embedding.iter_mut().for_each(|x| *x = 400.0 * (rng.unit_f32() - 0.5));
        latent
    };
    let at_s = live(&mut learner, at_s, 360, &mut poison);
    assert!(champion_bits(&learner) == before, "the champion has changed");
    assert_eq!(learner.report().commits, commits);
    // Gradients of noise: whatever they make of the challenger, it is not taken, and in the end it
    // starts again from the champion.
    let rollbacks = learner.report().rollbacks;
    for hour in 0..8 {
        for weight in &mut learner.trainee {
            *weight += 0.5 * (rng.unit_f32() - 0.5);
        }
        live(&mut learner, at_s + 3600.0 * f64::from(hour), 256, || place.usual());
    }
    assert_eq!(learner.report().commits, commits, "{:?}", learner.report());
    assert!(rollbacks < learner.report().rollbacks, "{:?}", learner.report());
    assert!(champion_bits(&learner) == before);
}

/// After a commit that was a mistake, the misfit clock brings the champion before it back. Fails when
/// commits are not watched (`WATCHED_S = 0`).
#[test]
fn a_commit_that_was_a_mistake_is_undone_by_itself() {
    let mut place = Place::new(SHAPE, 4);
    let mut learner = Learner::new(SHAPE, DENSITY, &settings(strict), 1);
    let at_s = live(&mut learner, 0.0, 2500, || place.usual());
    let good = learner.champion.clone();
    // A commit that no guard would make.
    let mut rng = Rng::from_seed(8);
    learner.choose_held_out();
    learner.read_held_out(0, false);
    learner.predecessors.offer(&good, at_s + 7200.0);
    learner.champion.iter_mut().for_each(|weight| *weight += 0.6 * (rng.unit_f32() - 0.5));
    learner.begin_again();
    learner.read_held_out(1, false);
    learner.shift_surprise();
    learner.times.last_commit_s = Some(at_s);
    let mut notices = Vec::new();
    for window in 0..1500 {
        let latent = place.usual();
        let score = learner.score(&latent);
        let learnt = learner.learn(&latent, &score, at_s + 10.0 * f64::from(window));
        notices.extend(learnt.notice);
        if notices.contains(&Notice::RolledBack) {
            break;
        }
    }
    assert!(notices.contains(&Notice::RolledBack), "{notices:?} {:?}", learner.report());
    assert!(learner.champion == good);
}

/// Fails when gains are shares of an error of the mean that there is not, and when groups are so few that confidence is
/// never asked for.
#[test]
fn weights_that_guess_nothing_are_judged_by_blocks_of_time_too() {
    let mut place = Place::new(SHAPE, 9);
    let settings = settings(|raw| {
        strict(raw);
        raw.masked_prediction = 0.0;
        raw.vicreg = 1.0;
        raw.reservoir_windows = 400;
    });
    let mut learner = Learner::new(SHAPE, DENSITY, &settings, 1);
    live(&mut learner, 0.0, 2500, || place.usual());
    assert!(learner.guard.is_strict(), "{:?}", learner.report());
    let good = learner.challenger.clone();
    let mut rng = Rng::from_seed(8);
    learner.champion.iter_mut().for_each(|weight| *weight += 0.6 * (rng.unit_f32() - 0.5));
    let bad = learner.champion.clone();
    assert!(learner.compare(), "a challenger that is far better is taken: {:?}", learner.report());
    assert!(learner.champion == good);
    learner.challenger = bad;
    assert!(!learner.compare(), "a far worse one is not");
}

/// Fails when whoever is given up is not kept.
#[test]
fn a_champion_that_is_given_up_can_be_had_back() {
    let mut place = Place::new(SHAPE, 4);
    let mut learner = Learner::new(SHAPE, DENSITY, &settings(strict), 1);
    live(&mut learner, 0.0, 2500, || place.usual());
    let mut rng = Rng::from_seed(8);
    learner.champion.iter_mut().for_each(|weight| *weight += 4.0 * (rng.unit_f32() - 0.5));
    learner.begin_again();
    let given_up = learner.champion.clone();
    let resets = learner.guard.counts()[3];
    assert!(learner.compare());
    assert_eq!(learner.guard.counts()[3], resets + 1, "{:?}", learner.report());
    learner.roll_back().expect("it is kept");
    assert!(learner.champion == given_up);
}

/// What one batch says is noise, and the mean of many weights is without it. Fails when the challenger is the newest
/// weights (`kept`), and when it is never anything else than the champion.
#[test]
fn the_mean_of_the_weights_in_training_guesses_better_than_the_newest() {
    let error_of_both = |averaging: f32| {
        let mut place = Place::new(SHAPE, 4);
        let settings = settings(|raw| {
            strict(raw);
            raw.averaging = averaging;
        });
        let mut learner = Learner::new(SHAPE, DENSITY, &settings, 1);
        live(&mut learner, 0.0, 2500, || place.usual());
        learner.choose_held_out();
        let error = |learner: &mut Learner| {
            learner.read_held_out(1, true);
            learner.scratch.readings[1].iter().map(|reading| reading.error).sum::<f32>()
        };
        let of_mean = error(&mut learner);
        learner.challenger = learner.trainee.clone();
        (of_mean, error(&mut learner))
    };
    let (mean, newest) = error_of_both(0.995);
    assert!(mean < 0.99 * newest, "{mean} {newest}");
    let (mean, newest) = error_of_both(0.0);
    assert!(mean.to_bits() == newest.to_bits(), "{mean} {newest}");
}
