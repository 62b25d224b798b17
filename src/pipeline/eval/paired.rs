//! How far apart two rows are that were asked the same, and how sure that is.

use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Interval;

/// What one row made of a number of things, once a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Runs {
    /// `[seeds][things]`.
    values: Vec<Vec<f64>>,
    /// How much each thing counts; the same for every row.
    weights: Vec<f64>,
}

impl Runs {
    /// `values` are `[seeds][things]`; things without weight are as if they were not there.
    pub fn new(values: Vec<Vec<f64>>, weights: Vec<f64>) -> Self {
        Self { values, weights }
    }

    /// Mean over seeds and things.
    pub fn middle(&self) -> Option<f64> {
        let seeds: Vec<usize> = (0..self.values.len()).collect();
        self.mean_of(&seeds, &self.things())
    }

    /// The mean of each seed.
    pub fn middles(&self) -> Vec<f64> {
        let things = self.things();
        (0..self.values.len()).filter_map(|seed| self.mean_of(&[seed], &things)).collect()
    }

    /// Mean over seeds and things, with its 95 % interval by a bootstrap that draws both: what other learners
    /// would make of other things of the same kind. To make the same things again, with `--episodes` for
    /// example, does not make it narrower.
    pub fn interval(&self) -> Option<(f64, Interval)> {
        let things = self.things();
        let interval = statistics::drawn(self.values.len(), things.len(), |seeds, which| {
            let which: Vec<usize> = which.iter().map(|&at| things[at]).collect();
            self.mean_of(seeds, &which)
        });
        self.middle().zip(interval)
    }

    /// By how much this row is above `theirs`, with its interval. Rows with as many seeds are paired seed by
    /// seed; a row without seeds is the same for all. `None` for nothing to compare.
    pub fn above(&self, theirs: &Self) -> Option<(f64, Interval)> {
        let last = theirs.values.len().checked_sub(1)?;
        let difference = |(seed, ours): (usize, &Vec<f64>)| -> Vec<f64> {
            let theirs = &theirs.values[seed.min(last)];
            ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs).collect()
        };
        let values = self.values.iter().enumerate().map(difference).collect();
        Self::new(values, self.weights.clone()).interval()
    }

    fn things(&self) -> Vec<usize> {
        (0..self.weights.len()).filter(|&thing| 0.0 < self.weights[thing]).collect()
    }

    fn mean_of(&self, seeds: &[usize], things: &[usize]) -> Option<f64> {
        let weight: f64 = things.iter().map(|&thing| self.weights[thing]).sum();
        let of_seed = |&seed: &usize| -> f64 {
            things.iter().map(|&thing| self.weights[thing] * self.values[seed][thing]).sum()
        };
        let all = weight * seeds.len() as f64;
        (0.0 < all).then(|| seeds.iter().map(of_seed).sum::<f64>() / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn alike(values: Vec<Vec<f64>>) -> Runs {
        let weights = vec![1.0; values.first().map_or(0, Vec::len)];
        Runs::new(values, weights)
    }

    #[test]
    fn a_single_seed_gives_the_interval_of_the_mean_over_things() {
        let mut rng = Rng::from_seed(3);
        let values: Vec<f64> = (0..400).map(|_| rng.unit()).collect();
        let (middle, Interval { low, high }) = alike(vec![values]).interval().unwrap();
        let expected = 1.96 * (1.0 / 12.0_f64).sqrt() / 20.0;
        assert!((0.5 * (high - low) - expected).abs() < 0.15 * expected, "{low} {high}");
        assert!(low < middle && middle < high);
    }

    #[test]
    fn seeds_that_disagree_leave_open_what_things_alone_would_call_sure() {
        let ours = [0.06, -0.04, 0.05, -0.03, 0.01].map(|x| vec![0.8 + x; 200]).into();
        let (middle, interval) = alike(ours).above(&alike(vec![vec![0.8; 200]])).unwrap();
        assert!((middle - 0.01).abs() < 1e-12);
        assert!(interval.sign().is_eq(), "{interval:?}");
    }

    #[test]
    fn rows_are_paired_seed_by_seed_and_thing_by_thing() {
        let theirs: Vec<Vec<f64>> =
            (0..3).map(|s| (0..50).map(|e| f64::from((7 * s + e) % 10) / 10.0).collect()).collect();
        let better = |run: &Vec<f64>| run.iter().map(|x| x + 0.01).collect::<Vec<f64>>();
        let ours = alike(theirs.iter().map(better).collect());
        let (_, interval) = ours.above(&alike(theirs)).unwrap();
        assert!((interval.low - 0.01).abs() < 1e-12 && (interval.high - 0.01).abs() < 1e-12);
        assert_eq!(ours.above(&alike(Vec::new())), None);
    }

    /// Fails when questions are drawn instead of things: asked a hundred times as often, they look surer.
    #[test]
    fn asking_the_same_things_more_often_makes_nothing_surer() {
        let mut rng = Rng::from_seed(5);
        let values: Vec<f64> = (0..40).map(|_| rng.unit()).collect();
        let width = |times: f64| {
            let (_, Interval { low, high }) =
                Runs::new(vec![values.clone()], vec![times; 40]).interval().unwrap();
            high - low
        };
        assert!((width(1.0) - width(100.0)).abs() < 1e-12);
    }

    #[test]
    fn what_was_never_asked_does_not_count() {
        let runs = Runs::new(vec![vec![1.0, f64::NAN, 0.0]], vec![3.0, 0.0, 1.0]);
        assert_eq!((runs.middle(), runs.middles()), (Some(0.75), vec![0.75]));
        assert!(runs.interval().unwrap().1.low.is_finite());
    }
}
