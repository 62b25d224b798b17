//! How far apart two rows are that went through the same episodes, and how sure that is.

use crate::base::rng::Rng;
use crate::pipeline::eval::statistics::Interval;

/// Times that seeds and episodes are drawn anew.
const DRAWS: usize = 1000;

/// Mean of `ours − theirs`, `[seeds][episodes]` each, with its 95 % interval by a bootstrap that draws seeds
/// and episodes both (Owen, *The pigeonhole bootstrap*, 2007): learners differ by their seed, and an interval
/// over episodes alone would leave that out. Rows with as many seeds are paired seed by seed; a row without
/// seeds is the same for all. `None` for nothing to compare.
pub fn above(ours: &[Vec<f64>], theirs: &[Vec<f64>]) -> Option<(f64, Interval)> {
    let last = theirs.len().checked_sub(1)?;
    let difference = |(seed, ours): (usize, &Vec<f64>)| -> Vec<f64> {
        ours.iter().zip(&theirs[seed.min(last)]).map(|(ours, theirs)| ours - theirs).collect()
    };
    interval(&ours.iter().enumerate().map(difference).collect::<Vec<_>>())
}

/// Mean of `values`, `[seeds][episodes]`, with its 95 % interval, as [`above`] finds it.
pub fn interval(values: &[Vec<f64>]) -> Option<(f64, Interval)> {
    let (seeds, episodes) = (values.len(), values.first()?.len());
    if episodes == 0 {
        return None;
    }
    let count = (seeds * episodes) as f64;
    let middle = values.iter().flatten().sum::<f64>() / count;
    let mut rng = Rng::from_seed(1);
    let mut draw = |count: usize| usize::try_from(rng.below(count as u64)).unwrap_or(0);
    let mut means = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let drawn: Vec<&Vec<f64>> = (0..seeds).map(|_| &values[draw(seeds)]).collect();
        let sum: f64 = (0..episodes)
            .map(|_| {
                let episode = draw(episodes);
                drawn.iter().map(|run| run[episode]).sum::<f64>()
            })
            .sum();
        means.push(sum / count);
    }
    Some((middle, Interval::of(means)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_seed_gives_the_interval_of_the_mean_over_episodes() {
        let mut rng = Rng::from_seed(3);
        let values: Vec<f64> = (0..400).map(|_| rng.unit()).collect();
        let (middle, Interval { low, high }) = interval(&[values]).unwrap();
        let expected = 1.96 * (1.0 / 12.0_f64).sqrt() / 20.0;
        assert!((0.5 * (high - low) - expected).abs() < 0.15 * expected, "{low} {high}");
        assert!(low < middle && middle < high);
    }

    #[test]
    fn seeds_that_disagree_leave_open_what_episodes_alone_would_call_sure() {
        let ours: Vec<Vec<f64>> =
            [0.06, -0.04, 0.05, -0.03, 0.01].map(|x| vec![0.8 + x; 200]).into();
        let (middle, interval) = above(&ours, &[vec![0.8; 200]]).unwrap();
        assert!((middle - 0.01).abs() < 1e-12);
        assert!(interval.sign().is_eq(), "{interval:?}");
    }

    #[test]
    fn rows_are_paired_seed_by_seed_and_episode_by_episode() {
        let theirs: Vec<Vec<f64>> =
            (0..3).map(|s| (0..50).map(|e| f64::from((7 * s + e) % 10) / 10.0).collect()).collect();
        let better = |run: &Vec<f64>| run.iter().map(|x| x + 0.01).collect::<Vec<f64>>();
        let ours: Vec<Vec<f64>> = theirs.iter().map(better).collect();
        let (_, interval) = above(&ours, &theirs).unwrap();
        assert!((interval.low - 0.01).abs() < 1e-12 && (interval.high - 0.01).abs() < 1e-12);
        assert_eq!(above(&ours, &[]), None);
    }
}
