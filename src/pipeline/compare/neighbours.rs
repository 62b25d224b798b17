//! Whether the nearest of other moments is close in time.
//!
//! What happens within a few seconds is mostly of one kind, so an encoder that puts moments of one
//! kind together finds a neighbour in time among thousands. No label is needed.

use ndarray::Axis;
use ndarray::s;

use crate::pipeline::compare::space::Space;
use crate::pipeline::compare::tally::Tally;

/// Moments are close in time up to this much beyond the distance that keeps them apart, seconds.
const CLOSE_S: f64 = 10.0;

/// Moments asked about at most, evenly spread: an answer costs a product with every moment.
const MOST_ASKED: usize = 1000;

/// Rows multiplied at a time.
const BLOCK: usize = 64;

/// Stretches of equal length that a recording is divided into where there are few recordings.
const STRETCHES: usize = 10;

/// Recordings from which on each is a unit of its own.
const MANY_RECORDINGS: usize = 10;

/// When a window was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Number of its recording.
    pub recording: usize,
    /// Seconds since the recording began.
    pub start_s: f64,
    /// Seconds since the recording began.
    pub end_s: f64,
}

impl Moment {
    fn middle_s(&self) -> f64 {
        f64::midpoint(self.start_s, self.end_s)
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// How often the nearest was close in time.
    pub tally: Tally,
    /// How often it would be by chance.
    pub chance: f64,
}

/// Asks for the nearest of all moments at least `apart_s` away from each; `apart_s` is at least the
/// length of a window, so that no sound is in both. `None` where no moment has another close to it.
pub fn neighbours(space: &Space, moments: &[Moment], apart_s: f64) -> Option<Neighbours> {
    let recordings = moments.iter().map(|moment| moment.recording + 1).max()?;
    let ends: Vec<f64> = moments.iter().fold(vec![0.0; recordings], |mut ends, moment| {
        ends[moment.recording] = moment.end_s.max(ends[moment.recording]);
        ends
    });
    let unit = |moment: &Moment| {
        if MANY_RECORDINGS <= recordings {
            return moment.recording;
        }
        let share = moment.middle_s() / ends[moment.recording].max(f64::MIN_POSITIVE);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a recording, between 0 and 1"
        )]
        let stretch = (share * STRETCHES as f64) as usize;
        moment.recording * STRETCHES + stretch.min(STRETCHES - 1)
    };
    let step = moments.len().div_ceil(MOST_ASKED).max(1);
    let asked: Vec<usize> = (0..moments.len()).step_by(step).collect();
    let mut tally = Tally::default();
    let (mut by_chance, mut count) = (0.0, 0.0);
    for block in asked.chunks(BLOCK) {
        let questions = space.rows().select(Axis(0), block);
        let cosines = questions.dot(&space.rows().t());
        for (line, &at) in block.iter().enumerate() {
            let answer =
                nearest(&moments[at], moments, apart_s, &cosines.slice(s![line, ..]).to_vec());
            let Some((right, chance)) = answer else { continue };
            tally.add(unit(&moments[at]), f64::from(u8::from(right)), 1.0);
            by_chance += chance;
            count += 1.0;
        }
    }
    (0.0 < count).then(|| Neighbours { tally, chance: by_chance / count })
}

/// Whether the nearest is close in time, and the share of those that are; `None` where all are or
/// none is.
fn nearest(
    asked: &Moment,
    moments: &[Moment],
    apart_s: f64,
    cosines: &[f32],
) -> Option<(bool, f64)> {
    let (mut others, mut close_ones) = (0.0, 0.0);
    let mut best = (f32::NEG_INFINITY, false);
    for (moment, &cosine) in moments.iter().zip(cosines) {
        let distance_s = (moment.middle_s() - asked.middle_s()).abs();
        let same = moment.recording == asked.recording;
        if same && distance_s < apart_s {
            continue;
        }
        let close = same && distance_s <= apart_s + CLOSE_S;
        others += 1.0;
        close_ones += f64::from(u8::from(close));
        if best.0 < cosine {
            best = (cosine, close);
        }
    }
    (0.0 < close_ones && close_ones < others).then_some((best.1, close_ones / others))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window a second, in two recordings.
    fn moments(len: usize) -> Vec<Moment> {
        let moment = |n: usize| Moment {
            recording: n / len,
            start_s: (n % len) as f64,
            end_s: (n % len) as f64 + 1.0,
        };
        (0..2 * len).map(moment).collect()
    }

    #[test]
    fn what_changes_slowly_is_found_and_noise_is_not() {
        let moments = moments(200);
        let slowly = |n: usize| {
            let angle = n as f32 * 0.05;
            vec![angle.sin(), angle.cos(), (0.31 * angle).sin(), (0.31 * angle).cos()]
        };
        let mut rng = crate::base::rng::Rng::from_seed(3);
        let slow: Vec<_> = (0..400).map(slowly).collect();
        let noise: Vec<_> =
            (0..400).map(|_| (0..4).map(|_| rng.unit_f32() - 0.5).collect()).collect();
        let found = neighbours(&Space::new(&slow, false), &moments, 1.0).unwrap();
        // About 20 of 398 moments are close to each.
        assert!((0.03..0.06).contains(&found.chance), "{}", found.chance);
        assert!(0.9 < found.tally.share().unwrap(), "{:?}", found.tally.share());
        assert!(found.tally.interval().is_some());
        let found = neighbours(&Space::new(&noise, false), &moments, 1.0).unwrap();
        assert!(found.tally.share().unwrap() < 0.15, "{:?}", found.tally.share());
    }

    #[test]
    fn single_moments_have_no_neighbour_in_time() {
        let alone = |n| Moment { recording: n, start_s: 0.0, end_s: 1.0 };
        let moments: Vec<_> = (0..5).map(alone).collect();
        let vectors: Vec<_> = (0..5_u8).map(|n| vec![f32::from(n)]).collect();
        assert_eq!(neighbours(&Space::new(&vectors, false), &moments, 1.0), None);
    }
}
