use super::*;
use crate::base::bytes::{Reader, Writer};

const PLAN: MemoryPlan = MemoryPlan {
    tokens_len: 1,
    embedding_dim: 1,
    sketch_dim: 1,
    recent: 4,
    reservoir: 10,
    clusters: 0,
    members: 0,
    block_s: 10.0,
    every: 5,
    beside: 0,
    seed: 1,
};

const WITH_CLUSTERS: MemoryPlan = MemoryPlan { clusters: 8, members: 4, ..PLAN };

fn met(plan: MemoryPlan, seed: u64, kinds: impl IntoIterator<Item = f32>) -> Memory {
    let (codec, mut rng) = (Codec::plain(1), Rng::from_seed(seed));
    let mut memory = Memory::new(plan);
    for (window, kind) in kinds.into_iter().enumerate() {
        let x = [1.0];
        memory.push((&codec, &x), (&codec, &x), (1, window as f64), &[kind], &mut rng);
    }
    memory
}

#[test]
fn early_and_late_windows_survive_alike_and_the_newest_always() {
    const TRIALS: u64 = 4000;
    let mut survived = [0_usize; 104];
    for seed in 0..TRIALS {
        let memory = met(PLAN, seed, [0.0; 104]);
        assert_eq!(memory.len(), 14);
        for slot in memory.slots() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let window = memory.facts(slot).at_s as usize;
            survived[window] += 1;
        }
        assert_eq!(memory.facts(memory.recent(0).unwrap()).at_s, 103.0);
        assert_eq!(memory.recent(4), None);
    }
    assert_eq!(&survived[100..], [4000; 4]);
    // Binomial(4000, 0.1): mean 400, standard deviation 19. Six of those is 114.
    for (window, &count) in survived[..100].iter().enumerate() {
        assert!(count.abs_diff(400) < 114, "window {window} survived {count} times");
    }
}

#[test]
fn saved_and_loaded_is_the_same() {
    for (plan, windows) in [(PLAN, 0), (PLAN, 3), (PLAN, 9), (PLAN, 60), (WITH_CLUSTERS, 300)] {
        let kinds = (0..windows).map(|window| if window % 7 == 3 { 50.0 } else { 0.01 });
        let memory = met(plan, 3, kinds);
        let mut writer = Writer::default();
        memory.save(&mut writer);
        let bytes = writer.into_bytes();
        let mut loaded = Memory::new(plan);
        loaded.load(&mut Reader::new(&bytes), 1).unwrap();
        assert_eq!(loaded.pushed, memory.pushed);
        assert_eq!(loaded.clusters, memory.clusters);
        assert!(loaded.slots().eq(memory.slots()));
        for slot in memory.slots() {
            assert_eq!(loaded.facts(slot), memory.facts(slot));
            assert_eq!(loaded.embedding(slot), memory.embedding(slot));
        }
    }
}

/// Failure 6. Fails without clusters: a reservoir of ten keeps nothing of it.
#[test]
fn a_rare_kind_that_was_met_once_is_still_there_after_five_days() {
    let kinds = (0..5000).map(|window| if (100..220).contains(&window) { 9.0 } else { 0.0 });
    let noisy = kinds.enumerate().map(|(i, kind)| kind + 0.1 * ((i * 37 % 11) as f32 - 5.0) / 5.0);
    let memory = met(WITH_CLUSTERS, 5, noisy);
    let rare = memory.slots().filter(|&slot| (100.0..220.0).contains(&memory.facts(slot).at_s));
    assert!(RARE <= rare.count());
    let drawn: usize = {
        let mut rng = Rng::from_seed(1);
        (0..400)
            .filter(|_| (100.0..220.0).contains(&memory.facts(memory.draw_kind(&mut rng)).at_s))
            .count()
    };
    assert!(100 < drawn, "{drawn} of 400 draws");
}

/// Fails when a window that gives way in its cluster is dropped: half of a short past is then gone though
/// there was room for all of it.
#[test]
fn nothing_is_lost_while_there_is_room() {
    for windows in 1..=14 {
        let memory = met(WITH_CLUSTERS, 2, vec![0.0; windows]);
        assert_eq!(memory.len(), windows);
    }
    let plan = MemoryPlan { reservoir: 100, ..WITH_CLUSTERS };
    let kinds =
        (0..104_usize).map(|window| if window % 3 == 0 { 9.0 } else { 0.01 * (window % 7) as f32 });
    assert_eq!(met(plan, 2, kinds).len(), 104);
}

#[test]
fn no_window_is_kept_twice() {
    let kinds = (0..900_usize).map(|window| (window * 7919 % 23) as f32 * 3.0);
    let memory = met(WITH_CLUSTERS, 6, kinds);
    let mut times: Vec<u64> =
        memory.slots().map(|slot| memory.facts(slot).at_s.to_bits()).collect();
    let all = times.len();
    times.sort_unstable();
    times.dedup();
    assert_eq!(times.len(), all);
    assert!(WITH_CLUSTERS.recent + WITH_CLUSTERS.reservoir < all);
}

/// Failure 4. Fails when nothing is retired: the same ten windows would be rehearsed for ever.
#[test]
fn what_was_rehearsed_often_makes_room_but_the_last_of_a_kind_stays() {
    let kinds = (0..200).map(|window| if window == 50 { 80.0 } else { 0.01 * (window % 9) as f32 });
    let mut memory = met(WITH_CLUSTERS, 7, kinds);
    let mut rng = Rng::from_seed(2);
    let before = memory.shares();
    for _ in 0..40 * usize::from(MOST_REPLAYS) {
        let slot =
            if rng.unit() < 0.5 { memory.draw(&mut rng) } else { memory.draw_kind(&mut rng) };
        memory.rehearsed(slot, 200.0, &mut rng);
    }
    let after = memory.shares();
    assert!(after[1] < before[1], "{before:?} {after:?}");
    assert!(memory.slots().any(|slot| memory.facts(slot).at_s == 50.0), "the only one of its kind");
}

/// Failure 4. Fails when age is not asked, or when young windows are retired.
#[test]
fn what_is_older_than_ninety_days_makes_room() {
    let kinds = (0..200).map(|window| 0.01 * (window % 9) as f32);
    let mut memory = met(WITH_CLUSTERS, 7, kinds);
    let mut rng = Rng::from_seed(2);
    let before = memory.shares();
    let mut rehearse_all = |memory: &mut Memory, after_s: f64| {
        for _ in 0..8 {
            let slots: Vec<usize> = memory.slots().filter(|&slot| PLAN.recent <= slot).collect();
            for slot in slots {
                if memory.slots().any(|held| held == slot) {
                    memory.rehearsed(slot, memory.facts(slot).at_s + after_s, &mut rng);
                }
            }
        }
    };
    rehearse_all(&mut memory, 0.5 * OLDEST_S);
    assert_eq!(memory.shares(), before, "eight rehearsals are no reason");
    rehearse_all(&mut memory, 2.0 * OLDEST_S);
    assert_eq!(memory.shares()[1], 0, "{before:?}");
}

/// Fails when [`Memory::bytes`] leaves out what is known of windows, or the clusters; that the sum is what the
/// allocator gives is held by `tests/no_allocation.rs`.
#[test]
fn bytes_are_exact() {
    let memory = met(WITH_CLUSTERS, 1, [0.0; 30]);
    let slots = WITH_CLUSTERS.windows();
    let windows = slots * (1 + 2 + size_of::<Facts>());
    let clusters = WITH_CLUSTERS.clusters * (4 + 4 + 8 + 8 + size_of::<usize>());
    assert_eq!(memory.bytes(), windows + clusters + MOST_CHANGED * size_of::<usize>());
}

/// Fails when the ring is not turned to its oldest window first, when what stays does not move together, and
/// when a kind of which nothing is left stays one.
#[test]
fn what_is_forgotten_is_gone_with_its_kind_and_the_rest_goes_on() {
    let (codec, mut rng) = (Codec::plain(1), Rng::from_seed(2));
    let mut memory = Memory::new(WITH_CLUSTERS);
    let mut push = |memory: &mut Memory, window: u8| {
        let kind = if (60..66).contains(&window) { 50.0 } else { 0.1 * f32::from(window % 3) };
        let x = [f32::from(window)];
        let facts = (1, f64::from(window));
        memory.push((&codec, &x), (&codec, &x), facts, &[kind], &mut rng);
    };
    (0..70).for_each(|window| push(&mut memory, window));
    let held = |memory: &Memory| -> Vec<f64> {
        let mut held: Vec<f64> = memory.slots().map(|slot| memory.facts(slot).at_s).collect();
        held.sort_unstable_by(f64::total_cmp);
        held
    };
    let is_out = |at_s: f64| (60.0..66.0).contains(&at_s) || [67.0, 3.0].contains(&at_s);
    let mut expected = held(&memory);
    let all = expected.len();
    expected.retain(|&at_s| !is_out(at_s));
    assert!(expected.len() + 5 <= all && memory.kind(&[50.0]).is_some_and(|kind| kind.1 < 1.0));
    let slots: Vec<usize> =
        memory.slots().filter(|&slot| is_out(memory.facts(slot).at_s)).collect();
    memory.forget(&slots);
    assert_eq!(held(&memory), expected);
    for slot in memory.slots() {
        let (stored, scale) = memory.embedding(slot);
        let x = f64::from(f32::from(stored[0]) * scale);
        assert!((x - memory.facts(slot).at_s).abs() < 0.01, "another window's numbers: {x}");
    }
    assert!(memory.kind(&[50.0]).is_some_and(|kind| 40.0 < kind.1), "it is no kind any more");
    let newest = |memory: &Memory| -> Vec<f64> {
        (0..4).map_while(|age| memory.recent(age)).map(|slot| memory.facts(slot).at_s).collect()
    };
    assert_eq!(newest(&memory), [69.0, 68.0, 66.0]);
    push(&mut memory, 70);
    assert_eq!(newest(&memory), [70.0, 69.0, 68.0, 66.0]);
    (71..200).for_each(|window| push(&mut memory, window));
    assert_eq!(newest(&memory), [199.0, 198.0, 197.0, 196.0]);
    assert!(held(&memory).windows(2).all(|pair| pair[0] < pair[1]), "nothing is there twice");
}
