//! The sensor fails, not the place. Failure 13.

use habituate::base::bytes::Writer;
use habituate::learn::drift::Notice;
use habituate::learn::learner::Learner;

use crate::scene::{DAY_S, Kind, Lived, World, settings};

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

/// Fails when refused windows leave a trace, or are told one by one.
#[test]
fn numbers_that_are_none_are_told_once_and_leave_the_state_as_it_was() {
    let mut world = settled();
    let mut broken = world.window(&Kind::new(1, 3.0, 0.7));
    broken.tokens.fill(f32::NAN);
    let before = learnt(&world.learner);
    let mut lived = Lived::default();
    for _ in 0..180 {
        assert!(!world.live(&broken, &mut lived).event);
    }
    assert_eq!(told(&lived, Notice::SensorBroken), 1, "{lived:?}");
    assert_eq!(learnt(&world.learner), before);
}

/// Fails when a gap is taken for time that was lived through.
#[test]
fn an_hour_without_a_window_is_told_and_is_no_hour_of_anything() {
    let mut world = settled();
    let mut writer = Writer::default();
    world.learner.save(&mut writer);
    let threshold = world.learner.threshold();
    world.at_s += 3600.0;
    let lived = world.stay(&Kind::new(1, 3.0, 0.7), 600.0);
    assert_eq!(told(&lived, Notice::SensorGap), 1, "{lived:?}");
    assert!(lived.events == 0 && lived.quarantined <= 1, "{lived:?}");
    assert!(threshold.is_some() && world.learner.threshold().is_some());
}
