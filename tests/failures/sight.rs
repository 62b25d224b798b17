//! The place stays, but is seen or heard otherwise: moved, covered, out of focus, in infrared. Failure 12.

use habituate::learn::drift::Notice;

use crate::scene::{DAY_S, Kind, Lived, World, settings};

fn usual() -> Kind {
    Kind::new(1, 3.0, 0.7)
}

fn told_of_change(lived: &Lived) -> Vec<f64> {
    let changes = lived.notices.iter().filter(|notice| notice.1 == Notice::SceneChanged);
    changes.map(|notice| notice.0).collect()
}

/// Fails when minutes of a visit that was told lower the threshold (`exceeds` in `close`): four hours after it was
/// let in have eight alarms and more.
#[test]
fn a_covered_microphone_and_a_lens_out_of_focus_are_one_event_each_and_usual_within_a_day() {
    for (name, changed) in [
        ("moved", Kind::new(3, 8.0, 0.7)),
        ("covered", Kind::new(1, 0.2, 0.0).with_noise(0.01)),
        ("out of focus", usual().blurred()),
    ] {
        let mut world = World::new(&settings(|_| ()), 30.0);
        world.stay(&usual(), 2.0 * DAY_S);
        let changed_at_s = world.at_s;
        let first = world.stay(&changed, 20.0 * 3600.0);
        let changes = told_of_change(&first);
        assert_eq!(changes.len(), 1, "{name}: {first:?}");
        assert!(changes[0] <= changed_at_s + 900.0, "{name}: {first:?}");
        assert_eq!(first.events, 1, "{name}: {first:?}");
        let let_in = world.stay(&changed, 4.0 * 3600.0);
        // Usual again, so that the budget of eight a day goes on: 1.3 in four hours.
        assert!(let_in.events <= 3, "{name}, a flood: {let_in:?}");
        let later = world.stay(&changed, 6.0 * 3600.0);
        assert!(later.quarantined <= 7 && 0.1 < later.p_value, "{name}: {later:?}");
        assert!(told_of_change(&let_in).is_empty() && told_of_change(&later).is_empty());
        let old = world.window(&usual());
        let stranger = world.window(&Kind::new(17, 8.0, 0.7));
        let (old, strange) =
            (world.learner.score(&old).density, world.learner.score(&stranger).density);
        assert!(old + 0.5 < strange, "{name}, the old scene is forgotten: {old} {strange}");
    }
}

/// A camera that sees in infrared each night. Fails when evenings never make the night normal (`Law`).
#[test]
fn infrared_at_night_is_one_event_an_evening_until_the_third() {
    let mut world = World::new(&settings(|_| ()), 30.0);
    world.stay(&usual(), 2.0 * DAY_S);
    for evening in 0..5 {
        let night = world.stay(&Kind::new(6, 9.0, 0.3), 0.4 * DAY_S);
        if evening < 2 {
            assert_eq!(night.events, 1, "{evening}: {night:?}");
            assert_eq!(told_of_change(&night).len(), 1, "{evening}: {night:?}");
        } else {
            assert!(night.quarantined <= 12, "{evening}: it is usual: {night:?}");
            assert!(told_of_change(&night).is_empty(), "{evening}: {night:?}");
            assert!(night.events <= 2, "{evening}: {night:?}");
        }
        let day = world.stay(&usual(), 0.6 * DAY_S);
        assert!(day.quarantined <= 12, "{evening}: {day:?}");
    }
}

/// What was out of focus from the beginning has less in it than what comes when the lens is cleaned, so the scene
/// is far wider than anything that is usual. Fails when its windows belong to whichever group is nearest (`find` of
/// `Strangers`): more than thirty alarms until it is let in.
#[test]
fn a_lens_that_is_cleaned_is_one_event_and_keeps_to_the_budget_until_it_is_usual() {
    let mut world = World::new(&settings(|_| ()), 30.0);
    world.stay(&usual().blurred(), 2.0 * DAY_S);
    let cleaned_at_s = world.at_s;
    let first = world.stay(&usual(), 20.0 * 3600.0);
    let changes = told_of_change(&first);
    assert!(changes.len() == 1 && changes[0] <= cleaned_at_s + 900.0, "{first:?}");
    // Eight a day are wanted: 6.7 in that time, and 13.3 in the next.
    assert!(first.events <= 10, "a flood: {first:?}");
    let later = world.stay(&usual(), 40.0 * 3600.0);
    assert!(later.events <= 16 && later.quarantined <= 48, "{later:?}");
    assert!(told_of_change(&later).len() <= 1, "{later:?}");
}

/// Fails when a changed scene is taken to be much wider than it is (`NEAR_SCENE`).
#[test]
fn a_stranger_in_a_changed_scene_that_is_not_usual_yet_is_an_alarm() {
    for far in [4.0, 8.0, 12.0] {
        let mut world = World::new(&settings(|_| ()), 30.0);
        world.stay(&usual().blurred(), 2.0 * DAY_S);
        world.stay(&usual(), 10.0 * 3600.0);
        let visit = world.stay(&Kind::new(17, far, 0.7), 300.0);
        assert_eq!(visit.events, 1, "{far}: {visit:?}");
    }
}
