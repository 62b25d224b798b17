//! Names from a few examples: is the space that was learnt better than the encoder's own?
//!
//! Every space is judged by the same head, nearest class mean by cosine, on the same episodes. Middles and
//! whitening come from the recordings that were learnt from, which have no labels, never from those that
//! are asked.

use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::learn::learner::Learner;
use crate::pipeline::eval::frozen::Centre;
use crate::pipeline::eval::frozen::Whitened;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::live::Plan;
use crate::pipeline::eval::statistics::Interval;
use crate::pipeline::eval::stream::Stream;
use crate::pipeline::eval::stream::Window;
use crate::pipeline::eval::transfer;

/// Half the width of a 95 % interval, in standard errors.
const STANDARD_ERRORS: f64 = 1.96;
/// Share of the unlabelled recordings that is the first session.
const FIRST_SESSION: f64 = 0.1;

/// How many of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Classes in an episode; 0 for all.
    pub ways: usize,
    /// Examples of each.
    pub shots: usize,
    /// Others of each that are asked, at most.
    pub queries: usize,
    /// Episodes.
    pub episodes: usize,
}

/// A recording with its class.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its windows.
    pub stream: Stream,
    /// Number of its class.
    pub class: usize,
}

/// What is pooled over windows and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pool {
    /// The encoder's embedding, mean over windows.
    Embedding,
    /// Tokens, mean.
    Mean,
    /// Tokens, mean beside maximum.
    MeanMost,
}

/// What is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Raw,
    Centred,
    Whitened,
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
    /// Share of queries named rightly, mean over episodes and seeds.
    pub accuracy: f64,
    /// Half its 95 % interval over episodes.
    pub interval: f64,
    /// Standard deviation from seed to seed; `None` where there is one.
    pub spread: Option<f64>,
    /// By how much it is above the best frozen space on the same episodes, and where that lies for sure.
    pub above: Option<(f64, Interval)>,
    /// Errors, as a share of those of the best frozen space.
    pub errors_left: Option<f64>,
}

/// Shots and queries of one episode, as numbers of items.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Episode {
    shots: Vec<Vec<usize>>,
    /// Place of the right class among the shots, and the item.
    queries: Vec<(usize, usize)>,
}

/// Draws episodes; `None` unless two classes have more than the shots.
fn episodes(classes: &[usize], setup: Setup) -> Option<Vec<Episode>> {
    let count = classes.iter().max().map_or(0, |most| most + 1);
    let of_class = |class: usize| {
        (0..classes.len()).filter(|&item| classes[item] == class).collect::<Vec<usize>>()
    };
    let mut members: Vec<Vec<usize>> =
        (0..count).map(of_class).filter(|members| setup.shots < members.len()).collect();
    if members.len() < 2 || setup.shots == 0 {
        return None;
    }
    let ways = if setup.ways == 0 { members.len() } else { setup.ways.min(members.len()) };
    let mut rng = Rng::from_seed(1);
    let mut all = Vec::with_capacity(setup.episodes);
    for _ in 0..setup.episodes {
        shuffle(&mut members, &mut rng);
        let mut episode = Episode { shots: Vec::new(), queries: Vec::new() };
        for (way, own) in members.iter_mut().take(ways).enumerate() {
            shuffle(own, &mut rng);
            let (shots, rest) = own.split_at(setup.shots);
            episode.shots.push(shots.to_vec());
            episode.queries.extend(rest.iter().take(setup.queries).map(|&item| (way, item)));
        }
        all.push(episode);
    }
    Some(all)
}

/// Fisher and Yates.
fn shuffle<T>(items: &mut [T], rng: &mut Rng) {
    for at in (1..items.len()).rev() {
        items.swap(at, usize::try_from(rng.below(at as u64 + 1)).unwrap_or(0));
    }
}

/// Share of queries named rightly, an episode each. `vectors`: one an item.
fn accuracies(vectors: &[Vec<f32>], episodes: &[Episode]) -> Vec<f64> {
    let unit: Vec<Vec<f32>> = vectors.iter().map(|vector| of_length_one(vector.clone())).collect();
    let one = |episode: &Episode| {
        let means: Vec<Vec<f32>> = episode
            .shots
            .iter()
            .map(|shots| of_length_one(sum(shots.iter().map(|&item| unit[item].as_slice()))))
            .collect();
        let right = episode.queries.iter().filter(|(way, item)| {
            let product =
                |mean: &[f32]| -> f32 { mean.iter().zip(&unit[*item]).map(|(a, b)| a * b).sum() };
            let own = product(&means[*way]);
            // A tie is not right.
            means.iter().enumerate().all(|(other, mean)| other == *way || product(mean) < own)
        });
        right.count() as f64 / episode.queries.len().max(1) as f64
    };
    episodes.iter().map(one).collect()
}

fn of_length_one(mut x: Vec<f32>) -> Vec<f32> {
    let length = x.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    x.iter_mut().for_each(|x| *x /= length);
    x
}

fn sum<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut all: Vec<f32> = Vec::new();
    for row in rows {
        all.resize(row.len(), 0.0);
        all.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    all
}

/// One vector a recording.
fn pooled(stream: &Stream, pool: Pool) -> Vec<f32> {
    match pool {
        Pool::Embedding => weighted_mean(stream, |window| window.latent.embedding.clone()),
        Pool::Mean => tokens(stream).0,
        Pool::MeanMost => {
            let (mean, most) = tokens(stream);
            [mean, most].concat()
        }
    }
}

/// Mean over windows, each weighted by how much of it is real input.
fn weighted_mean(stream: &Stream, mut of: impl FnMut(&Window) -> Vec<f32>) -> Vec<f32> {
    let mut mean: Vec<f32> = Vec::new();
    for window in &stream.windows {
        let vector = of(window);
        mean.resize(vector.len(), 0.0);
        let weight = window.latent.valid_tokens as f32;
        mean.iter_mut().zip(&vector).for_each(|(sum, x)| *sum += weight * x);
    }
    let all: usize = stream.windows.iter().map(|window| window.latent.valid_tokens).sum();
    mean.iter_mut().for_each(|x| *x /= all.max(1) as f32);
    mean
}

/// Mean and maximum over all valid tokens.
fn tokens(stream: &Stream) -> (Vec<f32>, Vec<f32>) {
    let rows = stream.windows.iter().flat_map(|window| {
        window.latent.tokens.rows().into_iter().take(window.latent.valid_tokens)
    });
    let (mut mean, mut most, mut count) = (Vec::new(), Vec::new(), 0.0);
    for row in rows {
        mean.resize(row.len(), 0.0_f32);
        most.resize(row.len(), f32::NEG_INFINITY);
        for ((mean, most), &x) in mean.iter_mut().zip(&mut most).zip(row) {
            *mean += x;
            *most = most.max(x);
        }
        count += 1.0;
    }
    mean.iter_mut().for_each(|x| *x /= count);
    (mean, most)
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
    let episodes = episodes(&classes, setup)?;
    let mut found: Vec<(Space, Vec<Vec<f64>>)> = Vec::new();
    for space in Space::all() {
        let runs = match space.0 {
            Kind::Frozen(pool, frame) => {
                vec![accuracies(&frozen(task, pool, frame), &episodes)]
            }
            kind => task
                .seeds
                .iter()
                .map(|&seed| {
                    accuracies(&adapted(&mut learner(task, kind, seed), task.items), &episodes)
                })
                .collect(),
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
        let above = (line != best).then(|| above(runs, &baseline[0]));
        let left = (1.0 - accuracy) / (1.0 - mean_of(baseline));
        Figures {
            space: *space,
            accuracy,
            interval: half_interval(&over_seeds(runs)),
            spread: deviation(
                &runs.iter().map(|run| mean_of(std::slice::from_ref(run))).collect::<Vec<_>>(),
            ),
            above,
            errors_left: (line != best && left.is_finite()).then_some(left),
        }
    });
    Some((lines.collect(), best))
}

fn frozen(task: &Task<'_>, pool: Pool, frame: Frame) -> Vec<Vec<f32>> {
    let vectors: Vec<Vec<f32>> = task.items.iter().map(|item| pooled(&item.stream, pool)).collect();
    if frame == Frame::Raw {
        return vectors;
    }
    let known: Vec<Vec<f32>> = task.unlabelled.iter().map(|stream| pooled(stream, pool)).collect();
    let rows: Vec<&[f32]> = known.iter().map(Vec::as_slice).collect();
    let dim = vectors.first().map_or(0, Vec::len);
    if frame == Frame::Centred {
        let centre = Centre::of(dim, &rows);
        return vectors.iter().map(|x| centre.from(x)).collect();
    }
    let mut whitened = Whitened::of(dim, &rows);
    vectors.iter().map(|x| whitened.of_row(x)).collect()
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

/// An episode each, mean over seeds.
fn over_seeds(runs: &[Vec<f64>]) -> Vec<f64> {
    let count = runs.first().map_or(0, Vec::len);
    (0..count).map(|at| runs.iter().map(|run| run[at]).sum::<f64>() / runs.len() as f64).collect()
}

fn above(runs: &[Vec<f64>], baseline: &[f64]) -> (f64, Interval) {
    let differences: Vec<f64> =
        over_seeds(runs).iter().zip(baseline).map(|(ours, theirs)| ours - theirs).collect();
    let middle = differences.iter().sum::<f64>() / differences.len().max(1) as f64;
    let half = half_interval(&differences);
    (middle, Interval { low: middle - half, high: middle + half })
}

fn half_interval(values: &[f64]) -> f64 {
    STANDARD_ERRORS * deviation(values).unwrap_or(0.0) / (values.len().max(1) as f64).sqrt()
}

/// `None` for fewer than two.
fn deviation(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let middle = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - middle).powi(2)).sum();
    (2 <= values.len()).then(|| (squares / (n - 1.0)).sqrt())
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
        std::cmp::Ordering::Greater => format!(
            "what was learnt is better than the best frozen space ({baseline}) by {difference:.3} (95 %: \
             {low:.3} to {high:.3}){left}"
        ),
        std::cmp::Ordering::Less => format!(
            "what was learnt is WORSE than the best frozen space ({baseline}) by {:.3} (95 %: {low:.3} to \
             {high:.3}){left}",
            -difference
        ),
        std::cmp::Ordering::Equal => format!(
            "learning does not help here: no difference from the best frozen space ({baseline}) that these \
             episodes show ({difference:+.3}, 95 %: {low:.3} to {high:.3})"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETUP: Setup = Setup { ways: 0, shots: 2, queries: 4, episodes: 20 };

    #[test]
    fn episodes_never_ask_for_what_they_show() {
        let classes: Vec<usize> = (0..30).map(|item| item % 3).collect();
        let all = episodes(&classes, SETUP).unwrap();
        assert_eq!(all.len(), 20);
        for episode in &all {
            assert_eq!((episode.shots.len(), episode.queries.len()), (3, 12));
            for (way, item) in &episode.queries {
                assert!(!episode.shots.iter().flatten().any(|shot| shot == item));
                assert_eq!(classes[*item], classes[episode.shots[*way][0]]);
            }
        }
        assert_ne!(all[0], all[1]);
        assert_eq!(episodes(&[0, 0, 1, 1], SETUP), None);
    }

    #[test]
    fn classes_apart_are_told_and_alike_ones_are_guessed() {
        let classes: Vec<usize> = (0..30).map(|item| item % 3).collect();
        let all = episodes(&classes, SETUP).unwrap();
        let mut rng = Rng::from_seed(2);
        let mut vectors = |apart: f32| -> Vec<Vec<f32>> {
            let vector = |&class: &usize| {
                let mut x: Vec<f32> = (0..6).map(|_| rng.unit_f32() - 0.5).collect();
                x[class] += apart;
                x
            };
            classes.iter().map(vector).collect()
        };
        let (apart, alike) = (vectors(9.0), vectors(0.0));
        let mean = |x: Vec<f64>| x.iter().sum::<f64>() / x.len() as f64;
        assert_eq!(mean(accuracies(&apart, &all)), 1.0);
        assert!((mean(accuracies(&alike, &all)) - 1.0 / 3.0).abs() < 0.15);
        assert_eq!(mean(accuracies(&vec![vec![1.0]; 30], &all)), 0.0, "a tie is not right");
    }
}
