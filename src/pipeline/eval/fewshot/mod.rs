//! Names from a few examples: is the space that was learnt better than the encoder's own?
//!
//! Every space is judged by the same head, nearest class mean by cosine, on the same episodes.
//! Middles and whitening come from the recordings that were learnt from, which have no labels,
//! never from those that are asked.

mod episodes;
mod pools;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::config::learn::LearnSettings;
use crate::learn::learner::Learner;
use crate::pipeline::eval::fewshot::episodes::Episode;
pub use crate::pipeline::eval::fewshot::episodes::Setup;
use crate::pipeline::eval::fewshot::episodes::named_rightly;
use crate::pipeline::eval::fewshot::pools::Frame;
use crate::pipeline::eval::fewshot::pools::Pool;
use crate::pipeline::eval::fewshot::pools::weighted_mean;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::live::Plan;
use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Interval;
use crate::pipeline::eval::stream::Stream;
use crate::pipeline::eval::transfer;

/// Half the width of a 95 % interval, in standard errors.
const STANDARD_ERRORS: f64 = 1.96;
/// Share of the unlabelled recordings that is the first session.
const FIRST_SESSION: f64 = 0.1;

/// A recording with its class.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its windows.
    pub stream: Stream,
    /// Number of its class.
    pub class: usize,
}

/// A space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Frozen(Pool, Frame),
    Random,
    FirstSession,
    Adapted,
}

impl Space {
    /// All, in the order of the table.
    pub fn all() -> Vec<Self> {
        let pools = [Pool::Embedding, Pool::Mean, Pool::MeanMost];
        let frames = [Frame::Raw, Frame::Centred, Frame::Whitened];
        let frozen = pools.iter().flat_map(|&pool| frames.map(|frame| Kind::Frozen(pool, frame)));
        frozen.chain([Kind::Random, Kind::FirstSession, Kind::Adapted]).map(Space).collect()
    }

    /// In words, for a table.
    pub fn name(self) -> String {
        let Kind::Frozen(pool, frame) = self.0 else {
            return match self.0 {
                Kind::Random => "random adapter",
                Kind::FirstSession => "first session only",
                _ => "adapted",
            }
            .into();
        };
        let pool = match pool {
            Pool::Embedding => "embedding",
            Pool::Mean => "tokens, mean",
            Pool::MeanMost => "tokens, mean and maximum",
        };
        let frame = match frame {
            Frame::Raw => "raw",
            Frame::Centred => "centred",
            Frame::Whitened => "whitened",
        };
        format!("frozen: {pool}, {frame}")
    }

    /// Whether the encoder is all there is to it.
    pub const fn is_frozen(self) -> bool {
        matches!(self.0, Kind::Frozen(..))
    }

    /// Whether it is the learner as configured.
    pub const fn is_adapted(self) -> bool {
        matches!(self.0, Kind::Adapted)
    }
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Which space.
    pub space: Space,
    /// Share of queries named rightly, over episodes and seeds.
    pub accuracy: f64,
    /// Half its 95 % interval over the recordings that are asked.
    pub interval: f64,
    /// Standard deviation from seed to seed; `None` where there is one.
    pub spread: Option<f64>,
    /// By how much it is above the best frozen space on the same episodes, and where that lies,
    /// over the recordings that are asked.
    pub above: Option<(f64, Interval)>,
    /// Errors, as a share of those of the best frozen space.
    pub errors_left: Option<f64>,
}

/// What a learner makes of the recordings.
fn adapted(learner: &mut Learner, items: &[Item]) -> Vec<Vec<f32>> {
    let dim = learner.adapted_dim();
    let mut vector = |item: &Item| {
        weighted_mean(&item.stream, |window| {
            let mut out = vec![0.0; dim];
            learner.embed_adapted(&window.latent, &mut out);
            out
        })
    };
    items.iter().map(&mut vector).collect()
}

/// What is labelled, what is not, and who learns.
#[derive(Debug)]
pub struct Task<'a> {
    /// Recordings with classes.
    pub items: &'a [Item],
    /// Recordings without, in order, one stream each.
    pub unlabelled: &'a [Stream],
    /// The same as one life.
    pub life: &'a Stream,
    /// Makes learners.
    pub nursery: &'a Nursery,
    /// As configured.
    pub settings: &'a LearnSettings,
    /// Of learning.
    pub seeds: &'a [u64],
}

/// The table, and which of its lines is the best frozen one. `None` where no two classes have more
/// recordings than the shots.
pub fn compare(
    task: &Task<'_>,
    setup: Setup,
    told: &mut dyn FnMut(),
) -> Option<(Vec<Figures>, usize)> {
    let classes: Vec<usize> = task.items.iter().map(|item| item.class).collect();
    let episodes = episodes::draw(&classes, setup)?;
    let asked: Vec<usize> = episodes.iter().flat_map(Episode::asked).collect();
    let items: Vec<&Stream> = task.items.iter().map(|item| &item.stream).collect();
    let known = pools::pieces(task.unlabelled, &items);
    let mut found: Vec<(Space, Vec<Vec<f64>>)> = Vec::new();
    for space in Space::all() {
        let runs = match space.0 {
            Kind::Frozen(pool, frame) => {
                let vectors = pools::framed(pool, frame, &known, &items);
                vec![named_rightly(&vectors, &episodes)]
            }
            kind => {
                let run = |&seed: &u64| {
                    let mut learner = learner(task, kind, seed);
                    named_rightly(&adapted(&mut learner, task.items), &episodes)
                };
                task.seeds.iter().map(run).collect()
            }
        };
        found.push((space, runs));
        told();
    }
    let mean_of = |runs: &[Vec<f64>]| {
        let sums: f64 = runs.iter().flatten().sum();
        sums / runs.iter().map(Vec::len).sum::<usize>().max(1) as f64
    };
    let best = (0..found.len())
        .filter(|&line| found[line].0.is_frozen())
        .max_by(|&a, &b| mean_of(&found[a].1).total_cmp(&mean_of(&found[b].1)))?;
    let lines = found.iter().enumerate().map(|(line, (space, runs))| {
        let accuracy = mean_of(runs);
        let baseline = &found[best].1;
        let above = (line != best).then(|| above(runs, &baseline[0], &asked));
        let left = (1.0 - accuracy) / (1.0 - mean_of(baseline));
        Figures {
            space: *space,
            accuracy,
            interval: half_interval(&over_seeds(runs), &asked),
            spread: statistics::deviation(
                runs.iter().map(|run| mean_of(std::slice::from_ref(run))),
            ),
            above,
            errors_left: (line != best && left.is_finite()).then_some(left),
        }
    });
    Some((lines.collect(), best))
}

fn learner(task: &Task<'_>, kind: Kind, seed: u64) -> Learner {
    let own = match kind {
        Kind::Random => transfer::untrained(task.settings),
        _ => task.settings.clone(),
    };
    let learn_until_s = (kind == Kind::FirstSession).then(|| FIRST_SESSION * task.life.end_s());
    let mut learner = task.nursery.learner(&own, seed);
    let plan = Plan { learn_until_s, ..Plan::default() };
    live::live(task.nursery, &mut learner, (&own, seed), task.life, plan);
    learner
}

/// A query each, mean over seeds.
fn over_seeds(runs: &[Vec<f64>]) -> Vec<f64> {
    let count = runs.first().map_or(0, Vec::len);
    (0..count).map(|at| runs.iter().map(|run| run[at]).sum::<f64>() / runs.len() as f64).collect()
}

fn above(runs: &[Vec<f64>], baseline: &[f64], asked: &[usize]) -> (f64, Interval) {
    let differences: Vec<f64> =
        over_seeds(runs).iter().zip(baseline).map(|(ours, theirs)| ours - theirs).collect();
    let middle = differences.iter().sum::<f64>() / differences.len().max(1) as f64;
    let half = half_interval(&differences, asked);
    (middle, Interval { low: middle - half, high: middle + half })
}

/// Half the 95 % interval of the mean of `values`, of which those with the same number in `asked`
/// are of one recording and count as one: more episodes are no more recordings.
fn half_interval(values: &[f64], asked: &[usize]) -> f64 {
    let total = values.len().max(1) as f64;
    let middle = values.iter().sum::<f64>() / total;
    let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
    for (value, item) in values.iter().zip(asked) {
        *sums.entry(*item).or_default() += value - middle;
    }
    let count = sums.len() as f64;
    let squares: f64 = sums.values().map(|sum| sum * sum).sum();
    STANDARD_ERRORS * (squares * count / (count - 1.0).max(1.0)).sqrt() / total
}

/// Whether learning helped, in a sentence.
pub fn verdict(lines: &[Figures], best: usize) -> String {
    let baseline = lines[best].space.name();
    let Some(line) = lines.iter().find(|line| line.space.is_adapted()) else {
        return String::new();
    };
    let Some((difference, interval)) = line.above else { return String::new() };
    let Interval { low, high } = interval;
    let left = line
        .errors_left
        .map_or_else(String::new, |left| format!("; {:.0} % of the errors are left", 100.0 * left));
    match interval.sign() {
        Ordering::Greater => format!(
            "what was learnt is better than the best frozen space ({baseline}) by {difference:.3} \
             (95 %: {low:.3} to {high:.3}){left}"
        ),
        Ordering::Less => format!(
            "what was learnt is WORSE than the best frozen space ({baseline}) by {:.3} (95 %: \
             {low:.3} to {high:.3}){left}",
            -difference
        ),
        Ordering::Equal => format!(
            "learning does not help here: no difference from the best frozen space ({baseline}) \
             that these recordings show ({difference:+.3}, 95 %: {low:.3} to {high:.3})"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_a_recording_again_makes_nothing_surer() {
        let values: Vec<f64> = (0..10).map(|at| f64::from(u8::from(at < 3))).collect();
        let asked: Vec<usize> = (0..10).collect();
        let once = half_interval(&values, &asked);
        // Deviation of three ones among ten: √(0.21 · 10 / 9).
        assert!((once - 1.96 * (0.21_f64 / 9.0).sqrt()).abs() < 1e-12, "{once}");
        let again = half_interval(&values.repeat(50), &asked.repeat(50));
        assert!((once - again).abs() < 1e-12, "{once} {again}");
    }
}
