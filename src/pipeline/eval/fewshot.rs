//! Names from a few examples: is the space that was learnt better than the encoder's own?
//!
//! Every space is judged by the same head, nearest class mean by cosine, on the same episodes. Middles and
//! whitening come from the recordings that were learnt from, which have no labels, never from those that
//! are asked.

use std::cmp::Ordering;

use crate::config::learn::LearnSettings;
use crate::config::problems::Problems;
use crate::learn::learner::Learner;
use crate::pipeline::eval::episodes::Episode;
use crate::pipeline::eval::episodes::Setup;
use crate::pipeline::eval::episodes::accuracies;
use crate::pipeline::eval::episodes::asked;
use crate::pipeline::eval::episodes::episodes;
use crate::pipeline::eval::frozen::Centre;
use crate::pipeline::eval::frozen::Whitened;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::DAY_S;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::live::Plan;
use crate::pipeline::eval::paired::Runs;
use crate::pipeline::eval::pooled::Pool;
use crate::pipeline::eval::pooled::pooled;
use crate::pipeline::eval::pooled::weighted_mean;
use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Interval;
use crate::pipeline::eval::stream::Stream;

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
    DailyReset,
    /// One objective learns alone.
    Objective(&'static str),
    Adapted,
}

impl Space {
    /// All, in the order of the table, those of `objectives` that learn alone among them.
    pub fn all(objectives: &[&'static str]) -> Vec<Self> {
        let pools = [Pool::Embedding, Pool::Mean, Pool::MeanMost];
        let frames = [Frame::Raw, Frame::Centred, Frame::Whitened];
        let frozen = pools.iter().flat_map(|&pool| frames.map(|frame| Kind::Frozen(pool, frame)));
        let controls = [Kind::Random, Kind::FirstSession, Kind::DailyReset];
        let alone = objectives.iter().map(|&name| Kind::Objective(name));
        frozen.chain(controls).chain(alone).chain([Kind::Adapted]).map(Space).collect()
    }

    /// In words, for a table.
    pub fn name(self) -> String {
        let Kind::Frozen(pool, frame) = self.0 else {
            return match self.0 {
                Kind::Random => "random adapter",
                Kind::FirstSession => "first session only",
                Kind::DailyReset => "anew each day",
                Kind::Objective(name) => name,
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

    /// Whether a life of so many seconds makes the learner as configured of it, which has a line of its own.
    pub fn is_adapted_for(self, end_s: f64) -> bool {
        self.0 == Kind::DailyReset && end_s <= DAY_S
    }
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Which space.
    pub space: Space,
    /// Share of queries named rightly, mean over episodes and seeds, with its interval. `None` where the
    /// learner was still warming up: there is no such space.
    pub accuracy: Option<(f64, Interval)>,
    /// Standard deviation from seed to seed; `None` where there is one.
    pub spread: Option<f64>,
    /// By how much it is above the best frozen space on the same episodes, and where that lies for sure.
    pub above: Option<(f64, Interval)>,
    /// Errors, as a share of those of the best frozen space.
    pub errors_left: Option<f64>,
}

/// What came of all spaces.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// In the order of [`Space::all`], without those that [`Space::is_adapted_for`] names.
    pub lines: Vec<Figures>,
    /// Which line is the best frozen one.
    pub best: usize,
    /// By how much the learner as configured is above one whose weights were never trained.
    pub trained: Option<(f64, Interval)>,
}

/// What a learner makes of the recordings; `None` while it is warming up.
fn adapted(learner: &mut Learner, items: &[Item]) -> Option<Vec<Vec<f32>>> {
    let first = items.iter().flat_map(|item| &item.stream.windows).next()?;
    if !learner.score(&first.latent).is_read() {
        return None;
    }
    let dim = learner.adapted_dim();
    let mut vector = |item: &Item| {
        weighted_mean(&item.stream, |window| {
            let mut out = vec![0.0; dim];
            learner.embed_adapted(&window.latent, &mut out);
            out
        })
    };
    Some(items.iter().map(&mut vector).collect())
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
    /// Those that learn alone, too.
    pub objectives: &'a [&'static str],
    /// Of learning.
    pub seeds: &'a [u64],
}

/// Judges all spaces. `None` where no two classes have more recordings than the shots.
///
/// # Errors
///
/// [`Problems`] where the configuration does not allow a control.
pub fn compare(
    task: &Task<'_>,
    setup: Setup,
    told: &mut dyn FnMut(),
) -> Result<Option<Found>, Problems> {
    let classes: Vec<usize> = task.items.iter().map(|item| item.class).collect();
    let Some(episodes) = episodes(&classes, setup) else { return Ok(None) };
    let mut all = Vec::new();
    for space in Space::all(task.objectives) {
        if !space.is_adapted_for(task.life.end_s()) {
            all.push((space, runs(task, space, &episodes)?));
        }
        told();
    }
    Ok(found(&all))
}

fn found(all: &[(Space, Option<Runs>)]) -> Option<Found> {
    let score =
        |line: &usize| all[*line].1.as_ref().and_then(Runs::middle).unwrap_or(f64::NEG_INFINITY);
    let best = (0..all.len())
        .filter(|&line| all[line].0.is_frozen())
        .max_by(|a, b| score(a).total_cmp(&score(b)))?;
    let baseline = all[best].1.clone();
    let of = |kind: Kind| all.iter().find(|(space, _)| space.0 == kind)?.1.as_ref();
    let trained = of(Kind::Adapted).zip(of(Kind::Random));
    let lines = all.iter().enumerate().map(|(line, (space, runs))| {
        figures(*space, runs.as_ref(), baseline.as_ref().filter(|_| line != best))
    });
    let trained = trained.and_then(|(ours, theirs)| ours.above(theirs));
    Some(Found { lines: lines.collect(), best, trained })
}

/// How often each recording is named rightly in one space, once a seed.
fn runs(task: &Task<'_>, space: Space, episodes: &[Episode]) -> Result<Option<Runs>, Problems> {
    let runs = |values| Runs::new(values, asked(task.items.len(), episodes));
    if let Kind::Frozen(pool, frame) = space.0 {
        return Ok(Some(runs(vec![accuracies(&frozen(task, pool, frame), episodes)])));
    }
    let own = match space.0 {
        Kind::Random => live::untrained(task.settings),
        Kind::Objective(name) => (**task.settings).clone().alone(name).check()?,
        _ => task.settings.clone(),
    };
    let run = |&seed: &u64| {
        let mut learner = learner(task, space.0, (&own, seed));
        Some(accuracies(&adapted(&mut learner, task.items)?, episodes))
    };
    Ok(task.seeds.iter().map(run).collect::<Option<Vec<_>>>().map(runs))
}

/// One line; `baseline` is the best frozen one, where this is another.
fn figures(space: Space, runs: Option<&Runs>, baseline: Option<&Runs>) -> Figures {
    let pair = runs.zip(baseline);
    let errors = |runs: &Runs| Some(1.0 - runs.middle()?);
    let left = pair.and_then(|(ours, theirs)| Some(errors(ours)? / errors(theirs)?));
    Figures {
        space,
        accuracy: runs.and_then(Runs::interval),
        spread: runs.and_then(|runs| statistics::deviation(runs.middles().into_iter())),
        above: pair.and_then(|(ours, theirs)| ours.above(theirs)),
        errors_left: left.filter(|left| left.is_finite()),
    }
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

fn learner(task: &Task<'_>, kind: Kind, (own, seed): (&LearnSettings, u64)) -> Learner {
    let learn_until_s = (kind == Kind::FirstSession).then(|| FIRST_SESSION * task.life.end_s());
    let mut learner = task.nursery.learner(own, seed);
    let begin_anew_s = (kind == Kind::DailyReset).then_some(DAY_S);
    let plan = Plan { learn_until_s, begin_anew_s };
    live::live(task.nursery, &mut learner, (own, seed), task.life, plan);
    learner
}

/// Whether learning helped, in sentences.
pub fn verdict(found: &Found) -> Vec<String> {
    let baseline = found.lines[found.best].space.name();
    let Some(line) = found.lines.iter().find(|line| line.space.is_adapted()) else {
        return Vec::new();
    };
    let Some((difference, interval)) = line.above else {
        return vec![
            "nothing can be said of learning: the recordings of --learn ended before the learner had warmed \
             up; give more of them"
                .into(),
        ];
    };
    let Interval { low, high } = interval;
    let left = line
        .errors_left
        .map_or_else(String::new, |left| format!("; {:.0} % of its errors are left", 100.0 * left));
    let first = match interval.sign() {
        Ordering::Greater => format!(
            "what was learnt is better than the best frozen space ({baseline}) by {difference:.3} (95 %: \
             {low:.3} to {high:.3}){left}"
        ),
        Ordering::Less => format!(
            "what was learnt is WORSE than the best frozen space ({baseline}) by {:.3} (95 %: {:.3} to \
             {:.3}){left}",
            -difference, -high, -low
        ),
        Ordering::Equal => format!(
            "learning does not help here: no difference from the best frozen space ({baseline}) that these \
             recordings show ({difference:+.3}, 95 %: {low:+.3} to {high:+.3}){left}"
        ),
    };
    std::iter::once(first).chain(found.trained.map(of_training)).collect()
}

/// What training added to memory and statistics, which the control has, too.
fn of_training((difference, Interval { low, high }): (f64, Interval)) -> String {
    let span = format!("{difference:+.3}, 95 %: {low:+.3} to {high:+.3}");
    match (Interval { low, high }).sign() {
        Ordering::Greater => {
            format!("trained weights add to the same space with untrained ones: {span}")
        }
        Ordering::Less => {
            format!("trained weights make the space WORSE than untrained ones do: {span}")
        }
        Ordering::Equal => {
            format!("trained weights make no difference from untrained ones that is sure: {span}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_items(values: Vec<Vec<f64>>) -> Runs {
        Runs::new(values, vec![1.0; 4])
    }

    fn found(adapted: Option<&Runs>, random: &Runs) -> Found {
        let baseline = of_items(vec![vec![0.8, 0.9, 0.7, 0.8]]);
        let best = Space(Kind::Frozen(Pool::Embedding, Frame::Raw));
        let lines = vec![
            figures(best, Some(&baseline), None),
            figures(Space(Kind::Adapted), adapted, Some(&baseline)),
        ];
        let trained = adapted.and_then(|runs| runs.above(random));
        Found { lines, best: 0, trained }
    }

    /// Every run `by` above the baseline of [`found`].
    fn runs(by: f64) -> Runs {
        of_items(vec![[0.8, 0.9, 0.7, 0.8].map(|x| x + by).to_vec(); 2])
    }

    #[test]
    fn the_sentence_says_better_worse_and_no_difference() {
        let better = found(Some(&runs(0.1)), &runs(0.02));
        assert!((better.lines[1].errors_left.unwrap() - 0.5).abs() < 1e-9);
        let words = verdict(&better);
        assert!(words[0].starts_with("what was learnt is better"), "{words:?}");
        assert!(words[0].contains("50 % of its errors are left"), "{words:?}");
        assert!(words[1].starts_with("trained weights add"), "{words:?}");
        let words = verdict(&found(Some(&runs(-0.2)), &runs(-0.1)));
        assert!(words[0].contains("WORSE") && words[0].contains("200 %"), "{words:?}");
        assert!(words[1].contains("WORSE"), "{words:?}");
        let words = verdict(&found(Some(&runs(0.0)), &runs(0.0)));
        assert!(words[0].starts_with("learning does not help here"), "{words:?}");
        assert!(words[1].contains("no difference"), "{words:?}");
    }

    #[test]
    fn a_learner_that_is_warming_up_has_no_figures() {
        let early = found(None, &runs(0.0));
        assert_eq!((early.lines[1].accuracy, early.lines[1].above), (None, None));
        assert!(verdict(&early)[0].starts_with("nothing can be said"), "{:?}", verdict(&early));
    }
}
