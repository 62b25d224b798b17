//! How sure a gain is, when windows of one block of time are alike and kinds of windows are not
//! equally common.
//!
//! Whole blocks are drawn anew with replacement (block bootstrap, Künsch 1989; paired, because both
//! errors of a window stay together), and of each draw the gain of every cluster is taken, as a share of
//! the error of guessing the mean, and then their mean: a kind that is met once a day counts as much as
//! one that is there all day.

use crate::base::rng::Rng;

/// Draws.
const DRAWS: usize = 200;
/// Place of the lower bound among them: one-sided, 95 %.
const LOWER: usize = DRAWS / 20;
/// Clusters told apart.
const MOST_CLUSTERS: usize = 256;
/// A cluster loses when it does so by this share of the error of the mean ...
const LOSS: f64 = 0.05;
/// ... in this share of draws.
const CONFIDENT: f64 = 0.95;
/// Windows of a cluster before its loss counts.
const LEAST_OF_CLUSTER: u32 = 4;

/// Two errors on one held-out window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Its block of time.
    pub block: i64,
    /// Its kind.
    pub cluster: u8,
    /// Mean squared error of the one in place, of the one that wants it, and of guessing the mean.
    pub champion: f32,
    /// See `champion`.
    pub challenger: f32,
    /// See `champion`.
    pub mean: f32,
}

/// What the draws say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// The gain that it has at least, with 95 % confidence; in shares of the error of the mean.
    pub at_least: f64,
    /// Whether some kind loses a twentieth or more, with as much confidence.
    pub harms: bool,
}

/// Sums over one draw; reused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bootstrap {
    gains: Vec<f64>,
    sums: Vec<(f64, f64)>,
    present: Vec<u32>,
    lost: Vec<u32>,
    windows: Vec<u32>,
    starts: Vec<usize>,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            gains: Vec::with_capacity(DRAWS),
            sums: vec![(0.0, 0.0); MOST_CLUSTERS],
            present: vec![0; MOST_CLUSTERS],
            lost: vec![0; MOST_CLUSTERS],
            windows: vec![0; MOST_CLUSTERS],
            starts: Vec::with_capacity(256),
        }
    }
}

impl Bootstrap {
    /// Sorts cases by block; gives how many blocks there are.
    pub(super) fn sort(cases: &mut [Case]) -> usize {
        cases.sort_unstable_by_key(|case| case.block);
        cases.chunk_by(|a, b| a.block == b.block).count()
    }

    /// The gain of `better` over `worse`; `cases` must be sorted.
    pub(super) fn gain(
        &mut self,
        cases: &[Case],
        rng: &mut Rng,
        worse: fn(&Case) -> f32,
        better: fn(&Case) -> f32,
    ) -> Gain {
        self.starts.clear();
        let mut start = 0;
        for block in cases.chunk_by(|a, b| a.block == b.block) {
            self.starts.push(start);
            start += block.len();
        }
        self.starts.push(cases.len());
        let blocks = self.starts.len() - 1;
        self.gains.clear();
        self.present.fill(0);
        self.lost.fill(0);
        self.windows.fill(0);
        cases.iter().for_each(|case| self.windows[usize::from(case.cluster)] += 1);
        for _ in 0..DRAWS {
            self.sums.fill((0.0, 0.0));
            for _ in 0..blocks {
                let block = usize::try_from(rng.below(blocks.max(1) as u64)).unwrap_or(0);
                for case in &cases[self.starts[block]..self.starts[block + 1]] {
                    let sums = &mut self.sums[usize::from(case.cluster)];
                    sums.0 += f64::from(worse(case)) - f64::from(better(case));
                    sums.1 += f64::from(case.mean);
                }
            }
            let (mut sum, mut count) = (0.0, 0.0);
            for (cluster, &(gain, mean)) in self.sums.iter().enumerate() {
                if 0.0 < mean {
                    sum += gain / mean;
                    count += 1.0;
                    self.present[cluster] += 1;
                    let holds = (-LOSS..).contains(&(gain / mean));
                    // What is not a number is a loss, too.
                    self.lost[cluster] += u32::from(!holds);
                }
            }
            self.gains.push(if 0.0 < count { sum / count } else { f64::NAN });
        }
        // NaN first: it is no gain.
        self.gains
            .sort_unstable_by(|a, b| a.is_nan().cmp(&b.is_nan()).reverse().then(a.total_cmp(b)));
        let harms = (0..MOST_CLUSTERS).any(|cluster| {
            LEAST_OF_CLUSTER <= self.windows[cluster]
                && CONFIDENT * f64::from(self.present[cluster]) <= f64::from(self.lost[cluster])
                && 0 < self.present[cluster]
        });
        Gain { at_least: self.gains.get(LOWER).copied().unwrap_or(f64::NAN), harms }
    }
}
