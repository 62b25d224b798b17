//! The sensor fails, not the place. Failure 13.

use habituate::base::bytes::Writer;
use habituate::learn::drift::Notice;
use habituate::learn::learner::Learner;

use crate::scene::{DAY_S, Kind, Lived, World, settings};
use crate::sections::sections;

fn settled() -> World {
    let mut world = World::new(&settings(|_| ()), 20.0);
    world.stay(&Kind::new(1, 3.0, 0.7), DAY_S / 4.0);
    world
}

fn told(lived: &Lived, notice: Notice) -> usize {
    lived.notices.iter().filter(|told| told.1 == notice).count()
}

fn learnt(learner: &Learner) -> (u64, u64, usize) {
    let report = learner.report();
    (report.updates, report.commits, report.remembered)
}

/// Fails when a stuck sensor is not looked for before anything is made of a window: an hour of the same
/// picture is then rehearsed as usual.
#[test]
fn a_frozen_picture_is_told_once_and_nothing_is_learnt_from_it() {
    let mut world = settled();
    let frozen = world.window(&Kind::new(1, 3.0, 0.7));
    let mut lived = Lived::default();
    for _ in 0..4 {
        world.live(&frozen, &mut lived);
    }
    let before = learnt(&world.learner);
    for _ in 0..176 {
        world.live(&frozen, &mut lived);
    }
    assert_eq!(told(&lived, Notice::SensorStuck), 1, "{lived:?}");
    assert_eq!(learnt(&world.learner), before);
    let after = world.stay(&Kind::new(1, 3.0, 0.7), 3600.0);
    assert!(after.events <= 1 && after.quarantined <= 3 && 0 < after.updates, "{after:?}");
}

/// Everything that the future depends on.
fn saved(learner: &Learner) -> Vec<u8> {
    let mut writer = Writer::default();
    learner.save(&mut writer);
    writer.into_bytes()
}

/// Fails when refused windows leave a trace in anything but the counts, the sensor's own watch and the
/// notices, or are told one by one.
#[test]
fn numbers_that_are_none_are_told_once_and_leave_the_state_as_it_was() {
    let mut world = settled();
    let mut broken = world.window(&Kind::new(1, 3.0, 0.7));
    broken.tokens.fill(f32::NAN);
    let before = saved(&world.learner);
    let mut lived = Lived::default();
    for _ in 0..180 {
        assert!(!world.live(&broken, &mut lived).event);
    }
    assert_eq!(told(&lived, Notice::SensorBroken), 1, "{lived:?}");
    let after = saved(&world.learner);
    let (before, after) = (sections(&before), sections(&after));
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after);
    let changed: Vec<&str> = changed.map(|(before, _)| before.0).collect();
    assert_eq!(before.len(), after.len());
    // How many windows were refused, how many in a row, and how often that was told.
    assert_eq!(changed, ["counts", "sensor", "watch"]);
}

/// Fails when a gap is taken for time that was lived through: by the alarm budget, whose days are those that
/// were judged, or by a stranger, whose stay would grow by the hour in which nobody looked.
#[test]
fn an_hour_without_a_window_is_told_and_is_no_hour_of_anything() {
    let mut world = settled();
    let intruder = Kind::new(11, 7.0, 1.9);
    world.stay(&intruder, 600.0);
    let (days, dwell_s) = calibrated(&world.learner);
    assert!(world.learner.threshold().is_some() && 500.0 <= dwell_s, "{dwell_s} s");
    world.at_s += 3600.0;
    let lived = world.stay(&intruder, 600.0);
    assert_eq!(told(&lived, Notice::SensorGap), 1, "{lived:?}");
    assert!(25 <= lived.quarantined, "still a stranger: {lived:?}");
    let (days_after, dwell_after_s) = calibrated(&world.learner);
    // An hour is 0.042 days; ten minutes are 0.007.
    assert!((0.0..=0.01).contains(&(days_after - days)), "{days} days became {days_after}");
    let stayed_s = dwell_after_s - dwell_s;
    // A gap counts as four windows at most.
    assert!((500.0..=680.0).contains(&stayed_s), "{stayed_s} s of the hour and the ten minutes");
    let usual = world.stay(&Kind::new(1, 3.0, 0.7), 600.0);
    assert!(usual.events == 0 && usual.quarantined <= 1, "{usual:?}");
    assert!(world.learner.threshold().is_some());
}

/// Days behind the threshold, and how long all strangers have stayed, seconds.
fn calibrated(learner: &Learner) -> (f64, f64) {
    let seen = learner.inspect();
    let dwell_s = seen.strangers.iter().map(|stranger| stranger.dwell_s).sum();
    (seen.calibrated_days, dwell_s)
}
