//! A fortnight of minutes, over in a second.

use super::*;
use crate::base::bytes::Reader;
use crate::base::bytes::Writer;
use crate::base::rng::Rng;

/// Windows of a minute.
const WINDOWS: u32 = 4;
const HOP_S: f64 = BLOCK_S / WINDOWS as f64;

/// Nearly Gaussian.
fn gauss(rng: &mut Rng) -> f32 {
    (0..12).map(|_| rng.unit_f32()).sum::<f32>() - 6.0
}

/// Student's t with five degrees of freedom: heavy tails.
fn heavy(rng: &mut Rng) -> f32 {
    let squares: f32 = (0..5).map(|_| gauss(rng).powi(2)).sum();
    gauss(rng) / (squares / 5.0).sqrt()
}

/// The study's place: heavy tails that depend on each other, louder by day, bursts, and drift.
struct Noise {
    rng: Rng,
    state: f32,
    drift_per_day: f32,
}

impl Noise {
    fn next(&mut self, at_s: f64) -> (f32, [f32; 2]) {
        let day = at_s / DAY_S;
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let day = day as f32;
        let light = (day * std::f32::consts::TAU).sin();
        self.state = 0.7 * self.state + 0.7 * heavy(&mut self.rng);
        let mut novelty = self.state * (1.0 + 0.4 * light) + self.drift_per_day * day;
        // Forty benign bursts a day.
        if self.rng.unit() < 40.0 * HOP_S / DAY_S {
            novelty += 4.0 + 2.0 * self.rng.unit_f32();
        }
        (novelty, [f32::from(u8::from(0.0 < light)), 0.0])
    }
}

/// Alarms of each day; alarms within a minute are one.
fn alarms(budget: &mut Budget, noise: &mut Noise, days: usize) -> Vec<u32> {
    let mut counts = vec![0; days];
    let mut last_s = f64::NEG_INFINITY;
    for (day, count) in counts.iter_mut().enumerate() {
        for window in 0..1440 * WINDOWS {
            let at_s = day as f64 * DAY_S + f64::from(window) * HOP_S;
            let (novelty, sketch) = noise.next(at_s);
            let alarm = budget.judge(novelty, at_s);
            let fires = alarm.is_some_and(|alarm| alarm.fires);
            let has_event = fires && last_s + BLOCK_S < at_s;
            if fires {
                last_s = at_s;
            }
            *count += u32::from(has_event);
            let is_extreme = has_event && alarm.is_some_and(|alarm| alarm.is_extreme);
            let seen = Seen { novelty: Some(novelty), has_event, is_extreme };
            budget.observe(at_s, HOP_S, &sketch, seen);
        }
    }
    counts
}

/// Fails when the correction is taken out (`STEP = 0`): drift then brings several times the budget.
#[test]
fn a_fortnight_keeps_to_the_budget_with_bursts_day_and_night_and_drift() {
    for (wanted, drift_per_day) in [(1.0, 0.0), (1.0, 0.3), (4.0, 0.3), (24.0, 0.3)] {
        let noise = Noise { rng: Rng::from_seed(11), state: 0.0, drift_per_day };
        let mut budget = Budget::new(wanted, 2);
        let counts = alarms(&mut budget, &mut { noise }, 14);
        let total = f64::from(counts.iter().sum::<u32>());
        let rate = total / 14.0 / wanted;
        assert!((0.5..=1.5).contains(&rate), "{wanted} a day: {counts:?}");
        let worst = f64::from(*counts.iter().max().unwrap_or(&0));
        assert!(worst <= 5.0 * wanted, "{wanted} a day: {counts:?}");
    }
}

/// Fails when a visit of half an hour counts as thirty blocks (`RUN_BLOCKS = 0`), or `acknowledge` leaves its
/// block in.
#[test]
fn nothing_is_said_before_there_are_enough_blocks_and_a_visit_is_one_exceedance() {
    let mut budget = Budget::new(24.0, 2);
    let mut noise = Noise { rng: Rng::from_seed(1), state: 0.0, drift_per_day: 0.0 };
    let feed = |budget: &mut Budget, from: u32, blocks: u32, noise: &mut Noise, extra: f32| {
        for window in from * WINDOWS..(from + blocks) * WINDOWS {
            let at_s = f64::from(window) * HOP_S;
            let (novelty, sketch) = noise.next(at_s);
            let seen = Seen { novelty: Some(novelty + extra), ..Seen::default() };
            budget.observe(at_s, HOP_S, &sketch, seen);
        }
    };
    feed(&mut budget, 0, 200, &mut noise, 0.0);
    assert_eq!((budget.threshold(), budget.judge(1e6, 0.0)), (None, None));
    feed(&mut budget, 200, 300, &mut noise, 0.0);
    let before = budget.blocks.len();
    let threshold = budget.threshold().expect("enough blocks");
    feed(&mut budget, 500, 31, &mut noise, 60.0);
    assert!(budget.blocks.len() <= before + 2, "{} blocks", budget.blocks.len() - before);
    assert!(budget.threshold().expect("still") < 10.0 * threshold.max(3.0));
    // "This is not normal": gone from calibration.
    let largest = |budget: &Budget| budget.blocks.iter().map(|b| b.value).fold(0.0, f32::max);
    assert!(50.0 < largest(&budget));
    budget.acknowledge(515.0 * BLOCK_S);
    assert!(largest(&budget) < 50.0);
}

/// Fails when every minute that is acknowledged lowers the threshold, whether it had an alarm or not.
#[test]
fn only_alarms_that_counted_are_given_back() {
    let mut budget = Budget::new(24.0, 2);
    let mut minute = 0_u32;
    let mut live = |budget: &mut Budget, minutes: u32, has_event: bool| {
        for _ in 0..minutes {
            let at_s = f64::from(minute) * BLOCK_S;
            let novelty = Some((minute % 17) as f32);
            let seen = Seen { novelty, has_event, ..Seen::default() };
            budget.observe(at_s, BLOCK_S, &[0.0; 2], seen);
            minute += 1;
        }
        f64::from(minute - 1) * BLOCK_S
    };
    live(&mut budget, 500, false);
    // Well above the least correction.
    for _ in 0..4 {
        live(&mut budget, 1, true);
        live(&mut budget, 5, false);
    }
    let alarm_s = live(&mut budget, 1, true);
    live(&mut budget, 5, false);
    let raised = budget.correction;
    assert!(!budget.has_alarms(300.0 * BLOCK_S) && budget.has_alarms(alarm_s));
    assert_eq!(budget.acknowledge(300.0 * BLOCK_S), 0);
    assert!((budget.correction - raised).abs() < 1e-12, "there was no alarm");
    assert_eq!(budget.acknowledge(alarm_s), 1);
    assert!((budget.correction - (raised - STEP)).abs() < 1e-12);
    assert_eq!(budget.acknowledge(alarm_s), 0, "only once");
    // In the minute that is not over yet.
    let alarm_s = live(&mut budget, 1, true);
    let before = budget.correction;
    assert_eq!((budget.acknowledge(alarm_s), budget.acknowledge(alarm_s)), (1, 0));
    live(&mut budget, 1, false);
    assert!((budget.correction - before).abs() < 1e-12, "and it never counts");
    let rare_s = 900.0;
    assert!(14.9 * budget.calibrated_days(BLOCK_S) < budget.calibrated_days(rare_s));
}

/// Fails when all regimes are measured alike: the quiet night is then judged by the loud day.
#[test]
fn a_quiet_night_has_a_lower_threshold_than_a_loud_day() {
    let mut budget = Budget::new(4.0, 2);
    let mut rng = Rng::from_seed(7);
    let mut thresholds = [0.0; 2];
    for window in 0..4 * 1440 * WINDOWS {
        let at_s = f64::from(window) * HOP_S;
        let is_day = at_s.rem_euclid(DAY_S) < DAY_S / 2.0;
        let novelty = gauss(&mut rng) * if is_day { 4.0 } else { 1.0 };
        let sketch = [f32::from(u8::from(is_day)), 0.1 * gauss(&mut rng)];
        let seen = Seen { novelty: Some(novelty), ..Seen::default() };
        budget.observe(at_s, HOP_S, &sketch, seen);
        thresholds[usize::from(is_day)] = budget.threshold().unwrap_or(0.0);
    }
    assert_eq!(budget.regimes(), 2);
    assert!(2.0 * thresholds[0] < thresholds[1], "{thresholds:?}");
}

/// Fails when extremes are not counted (`MOST_EXTREMES` left out of `judge`), or when the correction holds for them.
#[test]
fn what_is_extreme_fires_whatever_the_correction_but_a_few_times_a_day() {
    let mut budget = Budget::new(1.0, 2);
    let mut noise = Noise { rng: Rng::from_seed(2), state: 0.0, drift_per_day: 0.0 };
    alarms(&mut budget, &mut noise, 2);
    let at_s = 2.0 * DAY_S;
    budget.correction = 1e6;
    let mut fired = 0;
    for minute in 0..100 {
        let at_s = at_s + f64::from(minute) * BLOCK_S;
        let alarm = budget.judge(1e4, at_s).expect("two days");
        fired += usize::from(alarm.fires);
        assert_eq!(alarm.fires, alarm.is_extreme);
        let is_extreme = alarm.is_extreme;
        let seen = Seen { novelty: Some(0.0), has_event: is_extreme, is_extreme };
        budget.observe(at_s, HOP_S, &[0.0; 2], seen);
        budget.correction = 1e6;
    }
    assert_eq!(fired, MOST_EXTREMES);
}

/// Fails when the tail is taken for all blocks instead of its share (`fit.share` left out of `p_value`), and when a
/// number of the state is not saved.
#[test]
fn p_recent_is_uniform_and_a_saved_budget_is_the_same() {
    let mut budget = Budget::new(1.0, 2);
    let mut noise = Noise { rng: Rng::from_seed(9), state: 0.0, drift_per_day: 0.0 };
    alarms(&mut budget, &mut noise, 3);
    let fit = budget.fit.clone().expect("three days");
    let below = |p: f32| {
        let all = budget.sorted.iter().filter(|&&d| budget.p_value(&fit, f64::from(d)) <= p);
        all.count() as f64 / budget.sorted.len() as f64
    };
    for p in [0.5, 0.1, 0.01] {
        assert!((below(p) / f64::from(p) - 1.0).abs() < 0.35, "{p}: {}", below(p));
    }
    let mut writer = Writer::default();
    budget.save(&mut writer);
    let bytes = writer.into_bytes();
    let mut loaded = Budget::new(1.0, 2);
    loaded.load(&mut Reader::new(&bytes)).expect("just written");
    for at_s in [3.0 * DAY_S, 3.1 * DAY_S] {
        let seen = Seen { novelty: Some(3.0), ..Seen::default() };
        budget.observe(at_s, HOP_S, &[1.0, 0.0], seen);
        loaded.observe(at_s, HOP_S, &[1.0, 0.0], seen);
    }
    assert_eq!(loaded.threshold(), budget.threshold());
    assert_eq!(loaded.judge(4.0, 3.2 * DAY_S), budget.judge(4.0, 3.2 * DAY_S));
    assert_eq!(loaded.blocks, budget.blocks);
}
