//! How well each method tells what is foreign in a place.

use crate::config::learn::LearnSettings;
use crate::config::problems::Problems;
use crate::pipeline::eval::frozen::Frozen;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::rows::Row;
use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Interval;
use crate::pipeline::eval::statistics::Ranked;
use crate::pipeline::eval::statistics::Ranking;
use crate::pipeline::eval::statistics::mean;
use crate::pipeline::eval::stream::Stream;
use crate::pipeline::eval::stream::Window;
use crate::pipeline::eval::truth;
use crate::pipeline::eval::truth::Foreign;
use crate::pipeline::eval::truth::Truth;

/// A stream, what is foreign in it, and how long is for learning only.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// All windows.
    pub stream: Stream,
    /// What is foreign; `None` where nobody knows.
    pub foreign: Option<Vec<Foreign>>,
    /// Windows that begin later are judged.
    pub learn_until_s: f64,
}

/// One method with one seed in one place: what it said of each judged window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    /// Higher is more unusual; minus infinity where it could not say yet.
    pub scores: Vec<f64>,
    /// Whether it raised an alarm; empty for methods without alarms.
    pub events: Vec<bool>,
    /// `1 − error / error of the mean` of what it guessed, each window before it was learnt.
    pub skill_vs_mean: Option<f64>,
    /// The same against the token before.
    pub skill_vs_persistence: Option<f64>,
}

/// What came of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Of the place.
    pub name: String,
    /// When each judged window begins and ends.
    pub spans: Vec<(f64, f64)>,
    /// What each is; empty where nobody knows.
    pub truth: Vec<Truth>,
    /// The stretches behind it.
    pub foreign: Vec<Foreign>,
    /// In the order of the rows, a run each seed.
    pub runs: Vec<Vec<Run>>,
}

/// Lets every row judge the place.
///
/// # Errors
///
/// [`Problems`] where the configuration does not allow a control.
pub fn judge(
    place: &Place,
    rows: &[Row],
    nursery: &Nursery,
    settings: &LearnSettings,
    seeds: &[u64],
    told: &mut dyn FnMut(),
) -> Result<Judged, Problems> {
    let is_judged = |window: &&Window| place.learn_until_s <= window.start_s;
    let (judged, learnt): (Vec<&Window>, Vec<&Window>) =
        place.stream.windows.iter().partition(is_judged);
    let mut runs = Vec::with_capacity(rows.len());
    for row in rows {
        runs.push(match row {
            Row::Frozen(way) => vec![frozen(*way, &learnt, &judged)],
            row => {
                let own = row.settings(settings)?;
                let run = |&seed| learner(*row, place, nursery, (&own, seed), judged.len());
                seeds.iter().map(run).collect()
            }
        });
        told();
    }
    let spans: Vec<(f64, f64)> = judged.iter().map(|w| (w.start_s, w.end_s)).collect();
    let foreign = place.foreign.clone();
    let truth = foreign.as_ref().map_or_else(Vec::new, |foreign| {
        spans.iter().map(|&(start_s, end_s)| truth::of(start_s, end_s, foreign)).collect()
    });
    let name = place.stream.name.clone();
    Ok(Judged { name, spans, truth, foreign: foreign.unwrap_or_default(), runs })
}

fn frozen(way: Frozen, learnt: &[&Window], judged: &[&Window]) -> Run {
    Run { scores: way.scores(learnt, judged), ..Run::default() }
}

fn learner(
    row: Row,
    place: &Place,
    nursery: &Nursery,
    (settings, seed): (&LearnSettings, u64),
    judged: usize,
) -> Run {
    let mut learner = nursery.learner(settings, seed);
    let plan = row.plan(place.learn_until_s);
    let reads = live::live(nursery, &mut learner, (settings, seed), &place.stream, plan);
    let reads = &reads[reads.len() - judged..];
    let report = learner.report();
    let score = |novelty: Option<f32>| novelty.map_or(f64::NEG_INFINITY, f64::from);
    Run {
        scores: reads.iter().map(|read| score(read.novelty)).collect(),
        events: reads.iter().map(|read| read.event).collect(),
        skill_vs_mean: report.skill_vs_mean,
        skill_vs_persistence: report.skill_vs_persistence,
    }
}

/// A line of the table: means over places and seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Which method.
    pub row: Row,
    /// Area under the curve; `None` without truth.
    pub auroc: Option<f64>,
    /// The same up to a tenth of false alarms.
    pub partial: Option<f64>,
    /// Standard deviation of the mean over places from seed to seed.
    pub spread: Option<f64>,
    /// By how much the area is above that of the best frozen row, and where that lies for sure.
    pub above: Option<(f64, Option<Interval>)>,
    /// Share of foreign stretches in which an alarm was raised.
    pub recall: Option<f64>,
    /// Alarms where nothing foreign was.
    pub false_per_hour: Option<f64>,
    /// Alarms in all.
    pub alarms_per_day: Option<f64>,
    /// See [`Run`].
    pub skill_vs_mean: Option<f64>,
    /// See [`Run`].
    pub skill_vs_persistence: Option<f64>,
}

/// The table, and which of its lines is the best frozen one.
pub fn figures(rows: &[Row], places: &[Judged]) -> (Vec<Figures>, Option<usize>) {
    let rankings: Vec<Vec<Ranking>> =
        (0..rows.len()).map(|row| places.iter().map(|p| ranking(p, row)).collect()).collect();
    let areas: Vec<Option<f64>> =
        rankings.iter().map(|places| over_places(places, statistics::auroc)).collect();
    let best = (0..rows.len())
        .filter(|&row| rows[row].is_frozen() && areas[row].is_some())
        .max_by(|&a, &b| areas[a].unwrap_or(0.0).total_cmp(&areas[b].unwrap_or(0.0)));
    let lines = rows.iter().enumerate().map(|(number, &row)| {
        let runs = |of: fn(&Judged, &Run) -> Option<f64>| {
            mean(places.iter().flat_map(|p| p.runs[number].iter().map(move |run| of(p, run))))
        };
        let above = best.filter(|&best| best != number).and_then(|best| {
            let difference = areas[number]? - areas[best]?;
            Some((difference, statistics::above(&rankings[number], &rankings[best])))
        });
        Figures {
            row,
            auroc: areas[number],
            partial: over_places(&rankings[number], statistics::partial_auroc),
            spread: spread(&rankings[number]),
            above,
            recall: runs(recall),
            false_per_hour: runs(false_per_hour),
            alarms_per_day: runs(alarms_per_day),
            skill_vs_mean: runs(|_, run| run.skill_vs_mean),
            skill_vs_persistence: runs(|_, run| run.skill_vs_persistence),
        }
    });
    (lines.collect(), best)
}

/// What one row said of those windows of a place whose truth is known.
pub fn ranking(place: &Judged, row: usize) -> Ranking {
    let known: Vec<usize> =
        (0..place.truth.len()).filter(|&at| place.truth[at] != Truth::Neither).collect();
    Ranking {
        at_s: known.iter().map(|&at| place.spans[at].0).collect(),
        is_foreign: known.iter().map(|&at| place.truth[at] != Truth::Usual).collect(),
        scores: place.runs[row]
            .iter()
            .map(|run| known.iter().map(|&at| run.scores[at]).collect())
            .collect(),
    }
}

/// Of one seed.
fn ranked(ranking: &Ranking, seed: usize) -> Vec<Ranked> {
    let windows = ranking.scores[seed].iter().zip(&ranking.is_foreign);
    windows.map(|(&score, &is_foreign)| Ranked { score, is_foreign }).collect()
}

fn over_places(places: &[Ranking], of: fn(&[Ranked]) -> Option<f64>) -> Option<f64> {
    mean(
        places
            .iter()
            .map(|place| mean((0..place.scores.len()).map(|seed| of(&ranked(place, seed))))),
    )
}

/// Standard deviation over seeds of the mean over places; `None` for one seed.
fn spread(places: &[Ranking]) -> Option<f64> {
    let seeds = places.first().map_or(0, |place| place.scores.len());
    let of_seed = |seed: usize| mean(places.iter().map(|p| statistics::auroc(&ranked(p, seed))));
    let means: Vec<f64> = (0..seeds).filter_map(of_seed).collect();
    let n = means.len() as f64;
    let middle = means.iter().sum::<f64>() / n;
    let squares: f64 = means.iter().map(|x| (x - middle).powi(2)).sum();
    (2 <= means.len()).then(|| (squares / (n - 1.0)).sqrt())
}

fn overlaps((start_s, end_s): (f64, f64), foreign: &Foreign) -> bool {
    foreign.start_s.max(start_s) < foreign.end_s.min(end_s)
}

fn alarms<'a>(place: &'a Judged, run: &'a Run) -> impl Iterator<Item = (f64, f64)> + 'a {
    place.spans.iter().zip(&run.events).filter(|(_, event)| **event).map(|(&span, _)| span)
}

fn recall(place: &Judged, run: &Run) -> Option<f64> {
    let begin_s = place.spans.first()?.0;
    let asked: Vec<&Foreign> = place.foreign.iter().filter(|one| begin_s < one.end_s).collect();
    if run.events.is_empty() || asked.is_empty() {
        return None;
    }
    let found = asked.iter().filter(|one| alarms(place, run).any(|span| overlaps(span, one)));
    Some(found.count() as f64 / asked.len() as f64)
}

/// Seconds that were judged.
pub fn judged_s(place: &Judged) -> f64 {
    place.spans.first().zip(place.spans.last()).map_or(0.0, |(first, last)| last.1 - first.0)
}

fn false_per_hour(place: &Judged, run: &Run) -> Option<f64> {
    if run.events.is_empty() || place.truth.is_empty() {
        return None;
    }
    let is_false = |span: &(f64, f64)| !place.foreign.iter().any(|one| overlaps(*span, one));
    Some(alarms(place, run).filter(is_false).count() as f64 * 3600.0 / judged_s(place))
}

fn alarms_per_day(place: &Judged, run: &Run) -> Option<f64> {
    (!run.events.is_empty()).then(|| alarms(place, run).count() as f64 * 86_400.0 / judged_s(place))
}

/// The sentences below the table: what is better than the best frozen row, what is worse, and what the
/// recordings do not say.
pub fn verdict(lines: &[Figures], best: Option<usize>) -> Vec<String> {
    let Some(best) = best.map(|best| &lines[best]) else {
        return vec![
            "without labels of what is foreign no ranking can be judged; skills, and alarms against the \
             budget, are all that is known here"
                .into(),
        ];
    };
    let baseline = best.row.name();
    lines
        .iter()
        .filter_map(|line| {
            let (difference, interval) = line.above?;
            if line.row.is_frozen() {
                return None;
            }
            let name = line.row.name();
            Some(match interval.map(|interval| (interval.sign(), interval)) {
                Some((sign, Interval { low, high })) if sign.is_gt() => format!(
                    "{name} is better than {baseline} by {difference:.3} (95 %: {low:.3} to {high:.3})"
                ),
                Some((sign, Interval { low, high })) if sign.is_lt() => format!(
                    "{name} is WORSE than {baseline} by {:.3} (95 %: {low:.3} to {high:.3})",
                    -difference
                ),
                Some((_, Interval { low, high })) => format!(
                    "{name} does not differ from {baseline} as far as these recordings say ({difference:+.3}, \
                     95 %: {low:.3} to {high:.3})"
                ),
                None => format!("{name}: too little to compare with {baseline}"),
            })
        })
        .collect()
}
