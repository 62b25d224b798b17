use super::*;
use crate::base::bytes::Malformed;
use crate::base::bytes::Reader;
use crate::base::bytes::Writer;
use crate::learn::objectives::unit::dot;

const DIMS: [usize; 2] = [8, 6];

fn normal(rng: &mut Rng) -> f32 {
    (0..12).map(|_| rng.unit_f32()).sum::<f32>() - 6.0
}

/// A hundred minutes, a moment every seven seconds: sense, time, embedding. In each sense a source of its
/// own comes and goes; `shared` is what both have in common.
fn moments(shared: f32, seed: u64) -> Vec<(usize, f64, Vec<f32>)> {
    let mut rng = Rng::from_seed(seed);
    let mix: Vec<f32> = (0..4 * (DIMS[0] + DIMS[1])).map(|_| normal(&mut rng)).collect();
    let mut moments = Vec::new();
    for moment in 0..860 {
        let common: [f32; 4] = std::array::from_fn(|_| normal(&mut rng));
        for (sense, dim) in DIMS.into_iter().enumerate() {
            let own: [f32; 4] = std::array::from_fn(|_| normal(&mut rng));
            let embedding: Vec<f32> = (0..dim)
                .map(|i| {
                    let weights = &mix[(sense * DIMS[0] + i) * 4..][..4];
                    let of = |x: &[f32; 4]| dot(weights, x);
                    shared * of(&common) + (1.0 - shared) * of(&own) + 0.1 * normal(&mut rng)
                })
                .collect();
            let at_s = 7.0 * f64::from(moment) + 0.3 * sense as f64;
            moments.push((sense, at_s, embedding));
        }
    }
    moments
}

fn live(shared: f32, seed: u64) -> Association {
    let mut association = Association::new(DIMS, 1);
    for (sense, at_s, embedding) in moments(shared, seed) {
        association.meet(sense, at_s, true, &embedding);
    }
    association
}

/// Failure 18, a spurious link: two sources that have nothing in common. Fails when
/// `Association::ask` does not compare its right answers with chance.
#[test]
fn sources_that_have_nothing_in_common_are_found_out() {
    for seed in 1..4 {
        let report = live(0.0, seed).report();
        assert!(report.is_off, "seed {seed}: {report:?}");
        let share = report.right as f64 / report.asked as f64;
        // Of 200, a share of 1/16 has a deviation of 0.017.
        assert!((share - report.chance).abs() < 0.07, "seed {seed}: {report:?}");
    }
}

#[test]
fn what_is_heard_and_seen_together_is_learnt() {
    let association = live(0.9, 1);
    let report = association.report();
    assert!(!report.is_off && 600 < report.asked, "{report:?}");
    assert!(4.0 * report.chance < report.right as f64 / report.asked as f64, "{report:?}");
}

#[test]
fn pairs_are_lively_moments_within_half_a_second_each_used_once() {
    let mut association = Association::new([1, 1], 1);
    let mut meet = |sense, at_s, is_lively| {
        association.meet(sense, at_s, is_lively, &[0.5]);
        association.report().pairs
    };
    assert_eq!(meet(0, 1.0, true), 0);
    assert_eq!(meet(1, 1.6, true), 0, "too far apart");
    assert_eq!(meet(0, 1.4, true), 1);
    assert_eq!(meet(0, 1.5, true), 1, "the picture is taken");
    assert_eq!(meet(1, 1.7, false), 1, "nothing happens there");
    for i in 0..100 {
        meet(0, 100.0 + f64::from(i), true);
    }
    association.meet(0, 300.0, true, &[f32::NAN]);
    assert_eq!(association.senses[0].waiting.len(), WAITING, "bounded");
}

fn bytes(association: &Association) -> Vec<u8> {
    let mut writer = Writer::default();
    association.save(&mut writer);
    writer.into_bytes()
}

/// Stops and goes on after every 13th moment, so that now one waits and now none. Fails when `save` leaves out
/// anything that the future depends on.
#[test]
fn one_that_was_stopped_goes_on_as_one_that_never_was() {
    for shared in [0.0, 0.9] {
        let (mut steady, mut stopped) = (Association::new(DIMS, 1), Association::new(DIMS, 1));
        for (number, (sense, at_s, embedding)) in moments(shared, 5).into_iter().enumerate() {
            let is_lively = number % 11 != 10;
            steady.meet(sense, at_s, is_lively, &embedding);
            stopped.meet(sense, at_s, is_lively, &embedding);
            if number % 13 == 12 {
                let state = bytes(&stopped);
                assert!(state == bytes(&steady), "shared {shared}: differs at moment {number}");
                let mut reader = Reader::new(&state);
                stopped = Association::load(&mut reader).unwrap();
                reader.end().unwrap();
                assert!(state == bytes(&stopped), "what was read is what was written");
            }
        }
        assert_eq!(steady.report(), stopped.report());
        let report = steady.report();
        assert!(report.is_off || 256 < report.pairs, "pairs are overwritten: {report:?}");
        assert!(bytes(&steady) == bytes(&stopped) && bytes(&steady).len() <= steady.bytes());
    }
}

#[test]
fn what_is_damaged_is_refused() {
    let mut association = Association::new(DIMS, 1);
    for (sense, at_s, embedding) in moments(0.9, 5).into_iter().take(61) {
        association.meet(sense, at_s, true, &embedding);
    }
    let state = bytes(&association);
    assert!(Association::load(&mut Reader::new(&state)).is_ok());
    for cut in (0..state.len()).step_by(7) {
        assert!(Association::load(&mut Reader::new(&state[..cut])).is_err(), "cut at {cut}");
    }
    // The two widths stand behind the name of the section and its length.
    let first = 8 + "association".len();
    for (at, lie) in [(first, 0), (first + 8, u64::MAX), (first + 16, 3)] {
        let mut wrong = state.clone();
        wrong[at..at + 8].copy_from_slice(&u64::to_le_bytes(lie));
        let refused = Association::load(&mut Reader::new(&wrong));
        assert!(matches!(refused, Err(Malformed::WrongValue { .. })), "{lie} at {at}");
    }
}
