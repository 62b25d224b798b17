//! How well each method tells what is foreign in a place.

use std::cmp::Ordering;

use crate::config::learn::LearnSettings;
use crate::config::problems::Problems;
use crate::pipeline::eval::frozen::Frozen;
use crate::pipeline::eval::fusion::Fusion;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::live::Read;
use crate::pipeline::eval::rows::Row;
use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Difference;
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
    /// What it said in full, each window before it was learnt; empty for methods that guess nothing.
    pub reads: Vec<Read>,
}

impl Run {
    /// Of what a learner said of the judged windows.
    pub fn of(reads: &[Read]) -> Self {
        let score = |novelty: Option<f32>| novelty.map_or(f64::NEG_INFINITY, f64::from);
        Self {
            scores: reads.iter().map(|read| score(read.novelty)).collect(),
            events: reads.iter().map(|read| read.event).collect(),
            reads: reads.to_vec(),
        }
    }

    /// The same run, scored by another rule, which has no alarms of its own.
    fn fused(&self, rule: Fusion) -> Self {
        let score = |read: &Read| read.channels.map_or(f64::NEG_INFINITY, |both| rule.of(both));
        Self { scores: self.reads.iter().map(score).collect(), ..Self::default() }
    }

    /// Of what the encoder alone says of `judged`, after `learnt`.
    pub fn frozen(way: Frozen, learnt: &[&Window], judged: &[&Window]) -> Self {
        Self { scores: way.scores(learnt, judged), ..Self::default() }
    }
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

impl Judged {
    /// Of `runs` over the windows `judged`, by what is foreign in `place`.
    pub fn of(place: &Place, judged: &[&Window], runs: Vec<Vec<Run>>) -> Self {
        let spans: Vec<(f64, f64)> = judged.iter().map(|w| (w.start_s, w.end_s)).collect();
        let truth = place.foreign.as_ref().map_or_else(Vec::new, |foreign| {
            spans.iter().map(|&(start_s, end_s)| truth::of(start_s, end_s, foreign)).collect()
        });
        let foreign = place.foreign.clone().unwrap_or_default();
        Self { name: place.stream.name.clone(), spans, truth, foreign, runs }
    }
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
    let mut runs: Vec<Vec<Run>> = Vec::with_capacity(rows.len());
    for row in rows {
        runs.push(match row {
            // Both are made of the runs of the learner as configured, below.
            Row::Fused(_) => Vec::new(),
            row if row.is_adapted_for(place.stream.end_s()) => Vec::new(),
            Row::Frozen(way) => vec![Run::frozen(*way, &learnt, &judged)],
            row => {
                let own = row.settings(settings)?;
                let run = |&seed| learner(*row, place, nursery, (&own, seed), judged.len());
                seeds.iter().map(run).collect()
            }
        });
        told();
    }
    if let Some(adapted) = rows.iter().position(|row| *row == Row::Adapted) {
        let adapted = runs[adapted].clone();
        for (row, runs) in rows.iter().zip(&mut runs).filter(|(_, runs)| runs.is_empty()) {
            *runs = match row {
                Row::Fused(rule) => adapted.iter().map(|run| run.fused(*rule)).collect(),
                _ => adapted.clone(),
            };
        }
    }
    Ok(Judged::of(place, &judged, runs))
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
    Run::of(&reads[reads.len() - judged..])
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
    pub above: Option<Difference>,
    /// Share of foreign stretches in which an alarm was raised.
    pub recall: Option<f64>,
    /// Alarms where nothing foreign was, in an hour without anything foreign.
    pub false_per_hour: Option<f64>,
    /// Alarms in all.
    pub alarms_per_day: Option<f64>,
    /// See [`live::skill`].
    pub skill_vs_mean: Option<f64>,
    /// See [`live::skill_vs_persistence`].
    pub skill_vs_persistence: Option<f64>,
}

/// All that is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// A line a row.
    pub lines: Vec<Figures>,
    /// Which of them is the best frozen one.
    pub best: Option<usize>,
    /// The best control, and by how much the area as configured is above its, and where that lies.
    pub control: Option<(Row, f64, Option<Interval>)>,
    /// Whether anybody said what is foreign.
    pub is_labelled: bool,
}

/// What came of all places.
pub fn figures(rows: &[Row], places: &[Judged]) -> Findings {
    let rankings: Vec<Vec<Ranking>> =
        (0..rows.len()).map(|row| places.iter().map(|p| ranking(p, row)).collect()).collect();
    let areas: Vec<Option<f64>> =
        rankings.iter().map(|places| mean(places.iter().map(Ranking::auroc))).collect();
    let best_of = |is_one: fn(Row) -> bool| {
        let some = (0..rows.len()).filter(|&row| is_one(rows[row]) && areas[row].is_some());
        some.max_by(|&a, &b| areas[a].unwrap_or(0.0).total_cmp(&areas[b].unwrap_or(0.0)))
    };
    let above =
        |ours: usize, theirs: usize| statistics::difference(&rankings[ours], &rankings[theirs]);
    let best = best_of(Row::is_frozen);
    let adapted = rows.iter().position(|row| *row == Row::Adapted);
    let control = best_of(Row::is_control).zip(adapted).and_then(|(control, adapted)| {
        let (difference, interval) = above(adapted, control)?;
        Some((rows[control], difference, interval))
    });
    let lines = rows.iter().enumerate().map(|(number, &row)| {
        let runs = |of: fn(&Judged, &Run) -> Option<f64>| {
            mean(places.iter().flat_map(|p| p.runs[number].iter().map(move |run| of(p, run))))
        };
        let above = best.filter(|&best| best != number).and_then(|best| above(number, best));
        Figures {
            row,
            auroc: areas[number],
            partial: over_places(&rankings[number], statistics::partial_auroc),
            spread: spread(&rankings[number]),
            above,
            recall: runs(recall),
            false_per_hour: runs(false_per_hour),
            alarms_per_day: runs(alarms_per_day),
            skill_vs_mean: runs(|_, run| live::skill(&run.reads)),
            skill_vs_persistence: runs(|_, run| live::skill_vs_persistence(&run.reads)),
        }
    });
    let is_labelled = places.iter().any(|place| !place.truth.is_empty());
    Findings { lines: lines.collect(), best, control, is_labelled }
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

/// Mean over places, seeds averaged.
pub fn over_places(places: &[Ranking], of: fn(&[Ranked]) -> Option<f64>) -> Option<f64> {
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
    statistics::deviation((0..seeds).filter_map(of_seed))
}

fn overlaps((start_s, end_s): (f64, f64), foreign: &Foreign) -> bool {
    foreign.start_s.max(start_s) < foreign.end_s.min(end_s)
}

fn alarms<'a>(place: &'a Judged, run: &'a Run) -> impl Iterator<Item = (f64, f64)> + 'a {
    place.spans.iter().zip(&run.events).filter(|(_, event)| **event).map(|(&span, _)| span)
}

/// Whether an alarm was raised in that stretch; `None` for methods without alarms.
pub fn is_found(place: &Judged, run: &Run, foreign: &Foreign) -> Option<bool> {
    let is_in = |span: (f64, f64)| overlaps(span, foreign);
    (!run.events.is_empty()).then(|| alarms(place, run).any(is_in))
}

/// Over the stretches of which a judged window has anything.
fn recall(place: &Judged, run: &Run) -> Option<f64> {
    let is_asked = |one: &&Foreign| place.spans.iter().any(|&span| overlaps(span, one));
    let asked = place.foreign.iter().filter(is_asked);
    mean(asked.map(|one| Some(f64::from(u8::from(is_found(place, run, one)?)))))
}

/// Seconds that were judged.
pub fn judged_s(place: &Judged) -> f64 {
    place.spans.first().zip(place.spans.last()).map_or(0.0, |(first, last)| last.1 - first.0)
}

/// Alarms on usual windows among those numbered `which`, and the hours that these windows are.
pub fn false_alarms(place: &Judged, run: &Run, which: impl Iterator<Item = usize>) -> (f64, f64) {
    alarms_on(place, run, which.filter(|&at| place.truth.get(at) == Some(&Truth::Usual)))
}

/// Alarms on the windows numbered `which`, and the hours that these windows are.
pub fn alarms_on(place: &Judged, run: &Run, which: impl Iterator<Item = usize>) -> (f64, f64) {
    let (mut alarms, mut windows) = (0.0, 0.0);
    for at in which {
        windows += 1.0;
        alarms += f64::from(u8::from(run.events.get(at) == Some(&true)));
    }
    (alarms, windows * judged_s(place) / place.spans.len().max(1) as f64 / 3600.0)
}

fn false_per_hour(place: &Judged, run: &Run) -> Option<f64> {
    let (alarms, hours) = false_alarms(place, run, 0..place.truth.len());
    (!run.events.is_empty() && 0.0 < hours).then(|| alarms / hours)
}

fn alarms_per_day(place: &Judged, run: &Run) -> Option<f64> {
    let days = judged_s(place) / 86_400.0;
    (!run.events.is_empty()).then(|| alarms(place, run).count() as f64 / days)
}

/// The sentences below the table: what is better than the best frozen row, what is worse, and what
/// the recordings do not say.
pub fn verdict(found: &Findings) -> Vec<String> {
    let Some(best) = found.best.map(|best| &found.lines[best]) else {
        return vec![if found.is_labelled {
            "what was judged is nowhere both usual and foreign by the labels, so no ranking can be \
             judged; skills and alarms are all that is known here"
                .into()
        } else {
            "without labels of what is foreign no ranking can be judged; skills, and alarms \
             against the budget, are all that is known here"
                .into()
        }];
    };
    let lines = found.lines.iter().filter(|line| !line.row.is_frozen());
    let against = |row: Row, difference, interval| compared(row, best.row, difference, interval);
    let mut all: Vec<String> = lines
        .filter_map(|line| line.above.map(|(by, interval)| against(line.row, by, interval)))
        .collect();
    if let Some((control, difference, interval)) = found.control {
        all.push(compared(Row::Adapted, control, difference, interval));
    }
    all
}

/// How much better one is than another, in a sentence.
fn compared(ours: Row, theirs: Row, difference: f64, interval: Option<Interval>) -> String {
    let (ours, theirs) = (ours.name(), theirs.name());
    let Some(interval) = interval else {
        return format!(
            "{ours} beside {theirs}: {difference:+.3}, too little to say how sure that is; it \
             takes {} stretches of five minutes with something foreign, over all recordings",
            statistics::FEWEST_BLOCKS
        );
    };
    let Interval { low, high } = interval;
    match interval.sign() {
        Ordering::Greater => format!(
            "{ours} is better than {theirs} by {difference:.3} (95 %: {low:.3} to {high:.3})"
        ),
        Ordering::Less => format!(
            "{ours} is WORSE than {theirs} by {:.3} (95 %: {low:.3} to {high:.3})",
            -difference
        ),
        Ordering::Equal => format!(
            "{ours} does not differ from {theirs} as far as these recordings say \
             ({difference:+.3}, 95 %: {low:.3} to {high:.3})"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten windows of a minute, the last four foreign in one stretch; alarms on the first, on the
    /// third and on the eighth.
    fn judged() -> (Judged, Run) {
        let spans: Vec<(f64, f64)> =
            (0..10).map(|i| (60.0 * f64::from(i), 60.0 * f64::from(i + 1))).collect();
        let foreign = vec![
            Foreign { start_s: 360.0, end_s: 600.0, kind: "bell".into() },
            Foreign { start_s: 900.0, end_s: 960.0, kind: "after the end".into() },
        ];
        let truth = spans.iter().map(|&(from, to)| truth::of(from, to, &foreign)).collect();
        let events: Vec<bool> = (0..10).map(|at| [0, 2, 7].contains(&at)).collect();
        let run = Run { events, ..Run::default() };
        (Judged { name: "a".into(), spans, truth, foreign, runs: Vec::new() }, run)
    }

    #[test]
    fn alarms_are_counted_where_they_belong() {
        let (place, run) = judged();
        assert_eq!(recall(&place, &run), Some(1.0), "what lies after the end is not asked");
        assert_eq!(false_per_hour(&place, &run), Some(20.0), "two alarms in six usual minutes");
        assert_eq!(alarms_per_day(&place, &run), Some(432.0));
        let silent = Run { events: vec![false; 10], ..Run::default() };
        assert_eq!(recall(&place, &silent), Some(0.0));
        assert_eq!(recall(&place, &Run::default()), None, "a method without alarms has no recall");
    }
}
