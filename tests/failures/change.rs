//! Changes of the place: at once, or so slowly that everything follows.

use habituate::learn::drift::Notice;

use crate::scene::{DAY_S, DIM, Kind, Lived, World, settings};
use crate::sections::moments;

fn usual() -> Kind {
    Kind::new(1, 3.0, 0.7)
}

fn moved() -> Kind {
    Kind::new(3, 8.0, 0.7)
}

/// Failure 12. Fails when nothing is quiet after a change of the scene, and when strangers are not told
/// apart from one another: every window that dips below the threshold then begins another alarm.
#[test]
fn a_moved_camera_is_one_event_and_is_usual_within_a_day_and_a_quarter() {
    let mut world = World::new(&settings(|_| ()), 30.0);
    world.stay(&usual(), 2.0 * DAY_S);
    let moved_at_s = world.at_s;
    let lived = world.stay(&moved(), 6.0 * 3600.0);
    let told: Vec<_> = lived.notices.iter().filter(|n| n.1 == Notice::SceneChanged).collect();
    assert_eq!(told.len(), 1, "{lived:?}");
    assert!(told[0].0 <= moved_at_s + 900.0, "{lived:?}");
    assert_eq!(lived.events, 1, "a flood: {lived:?}");
    // From twenty hours on it is usual, and the budget of eight a day goes on.
    let lived = world.stay(&moved(), 18.0 * 3600.0);
    assert!(lived.events <= 3, "a flood: {lived:?}");
    assert!(lived.notices.is_empty(), "what is let in is not another change: {lived:?}");
    let lived = world.stay(&moved(), 6.0 * 3600.0);
    assert!(lived.quarantined <= 36 && 0.1 < lived.p_value, "not used to it: {lived:?}");
    // The old scene is not forgotten: it is nearer than the new one was at first.
    let old = world.window(&usual());
    let stranger = world.window(&Kind::new(17, 8.0, 0.7));
    let (old, strange) =
        (world.learner.score(&old).density, world.learner.score(&stranger).density);
    assert!(old + 0.5 < strange, "{old} {strange}");
}

/// Failure 7, the boiling frog: what adapts follows it, the bank of the first day does not. Fails when
/// the bank takes in windows after its day.
#[test]
fn a_slow_change_is_seen_from_the_first_day_though_every_window_looks_usual() {
    let mut world = World::new(&settings(|_| ()), 60.0);
    let first = world.stay(&usual(), 2.0 * DAY_S);
    let drifted = world.stay_as(14.0 * DAY_S, |at_s| {
        let mut kind = usual();
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let days = (at_s / DAY_S - 2.0) as f32;
        for i in 0..DIM {
            kind.offset[i] += 0.08 * days;
        }
        kind
    });
    let told: Vec<_> = drifted.notices.iter().filter(|n| n.1 == Notice::UnlikeDay2).collect();
    assert!(told.first().is_some_and(|told| told.0 <= 10.0 * DAY_S), "{:?}", drifted.notices);
    let mut last_kind = usual();
    last_kind.offset.iter_mut().for_each(|x| *x += 0.08 * 14.0);
    let last = world.stay(&last_kind, DAY_S / 2.0);
    assert!(last.p_anchor < 0.25 * first.p_anchor, "{first:?} {last:?}");
    assert!(0.1 < last.p_value, "every window looks usual: {last:?}");
}

/// Clicks a hundred times as loud as all else, give or take a twentieth. Failure 11: they are one alarm (from 80
/// to 120 times as loud they are two groups of strangers, and an alarm each), and neither mean nor
/// covariance of tokens, by which they are whitened, moves by 1 % in two hours of clicks. How often a gradient
/// is clipped is not measured: clicks are kept out, so none is ever in a batch, as `quarantined` shows. Fails
/// when groups of strangers are no wider far away (every click is then another stranger and another alarm), and
/// when windows kept out are taken into the moments (`learn`).
#[test]
fn loud_clicks_move_nothing_and_are_one_alarm() {
    let mut world = World::new(&settings(|raw| raw.quarantine_after_windows = 1000), 10.0);
    world.stay(&usual(), DAY_S);
    let probe = world.window(&usual());
    let before = world.learner.score(&probe);
    let (mean, covariance) = moments(&world.learner);
    let mut loud = world.rng.clone();
    let (mut all, mut of_clicks) = (Lived::default(), 0);
    for number in 1..=720 {
        let is_click = number % 6 == 0;
        let mut kind = usual();
        if is_click {
            let factor = 95.0 + 10.0 * loud.unit_f32();
            kind.offset.iter_mut().for_each(|x| *x *= factor);
        }
        let window = world.window(&kind);
        of_clicks += usize::from(world.live(&window, &mut all).event && is_click);
    }
    assert!((118..=125).contains(&all.quarantined), "{all:?}");
    // The budget allows a usual window an alarm of its own.
    assert!(of_clicks == 1 && all.events <= 2, "{of_clicks} {all:?}");
    let after = world.learner.score(&probe);
    let (mean_after, covariance_after) = moments(&world.learner);
    // Lengths are compared with the spread: a mean may be 0.
    let spread = (0..DIM).map(|i| covariance[i * DIM + i]).sum::<f64>().sqrt();
    let moved = [
        distance(&mean, &mean_after) / spread,
        distance(&covariance, &covariance_after) / length(&covariance),
    ];
    assert!(moved.iter().all(|&share| share < 0.01), "{moved:?} of mean and covariance");
    assert!((before.surprise - after.surprise).abs() < 0.3, "{before:?} {after:?}");
    // Two more hours of usual windows may bring it nearer; clicks must not move it away.
    assert!(after.density - before.density < 0.5, "{before:?} {after:?}");
}

fn length(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    length(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>())
}
