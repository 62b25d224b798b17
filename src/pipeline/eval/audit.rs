//! The same figures for each place, hour of day and class, and which group is served worst.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::pipeline::eval::live;
use crate::pipeline::eval::live::Read;
use crate::pipeline::eval::novelty;
use crate::pipeline::eval::novelty::Judged;
use crate::pipeline::eval::novelty::Run;
use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Difference;
use crate::pipeline::eval::statistics::Ranking;
use crate::pipeline::eval::statistics::mean;
use crate::pipeline::eval::truth::Truth;

/// Foreign windows, and usual ones, that a group needs to be ranked.
const ENOUGH: usize = 20;

/// What groups are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The recording.
    Place,
    /// The hour of day.
    Hour,
    /// What is foreign.
    Class,
}

impl By {
    /// All.
    pub const ALL: [Self; 3] = [Self::Place, Self::Hour, Self::Class];

    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Hour => "hour",
            Self::Class => "class",
        }
    }
}

/// One group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What it was made by.
    pub by: By,
    /// Which.
    pub name: String,
    /// Windows truly foreign.
    pub foreign: usize,
    /// Windows truly usual that they are ranked among.
    pub usual: usize,
    /// Area under the curve, mean over seeds.
    pub auroc: Option<f64>,
    /// The same up to a tenth of false alarms.
    pub partial: Option<f64>,
    /// The area of the best frozen row.
    pub frozen: Option<f64>,
    /// By how much the area is above that of the best frozen row, and where that lies for sure.
    pub above: Option<Difference>,
    /// Share of its foreign stretches with an alarm.
    pub recall: Option<f64>,
    /// Alarms on usual windows in an hour of these.
    pub false_per_hour: Option<f64>,
    /// All alarms on its windows in a day of these.
    pub alarms_per_day: Option<f64>,
    /// See [`live::skill`]; of its windows, and for a class of those that are foreign.
    pub skill_vs_mean: Option<f64>,
    /// See [`live::skill_vs_persistence`]; of the same windows.
    pub skill_vs_persistence: Option<f64>,
}

impl Group {
    /// Whether it rests on enough windows to be ranked.
    pub const fn is_enough(&self) -> bool {
        ENOUGH <= self.foreign && ENOUGH <= self.usual && self.auroc.is_some()
    }
}

/// A window of one place.
type At = (usize, usize);

/// Groups of the windows of all places, by the row `adapted` beside the row `frozen`. Recordings
/// begin `begins_s` after midnight.
pub fn groups(
    places: &[Judged],
    by: By,
    (adapted, frozen): (usize, Option<usize>),
    begins_s: f64,
) -> Vec<Group> {
    let mut members: BTreeMap<String, Vec<At>> = BTreeMap::new();
    for (number, place) in places.iter().enumerate() {
        for (at, truth) in place.truth.iter().enumerate() {
            let name = match (by, truth) {
                (_, Truth::Neither) => continue,
                (By::Place, _) => place.name.clone(),
                (By::Hour, _) => {
                    let second = (begins_s + place.spans[at].0).rem_euclid(86_400.0);
                    format!("{:02.0}:00", (second / 3600.0).floor())
                }
                (By::Class, Truth::Foreign(which)) => match place.foreign[*which].kind.as_str() {
                    "" => "(no kind)".into(),
                    kind => kind.into(),
                },
                (By::Class, Truth::Usual) => continue,
            };
            members.entry(name).or_default().push((number, at));
        }
    }
    members
        .into_iter()
        .map(|(name, mut windows)| {
            if by == By::Class {
                windows.extend(usual_beside(places, &windows));
            }
            group(places, by, name, &windows, (adapted, frozen))
        })
        .collect()
}

/// Usual windows of the places in which a class was heard: what it is told from.
fn usual_beside(places: &[Judged], windows: &[At]) -> Vec<At> {
    let mut numbers: Vec<usize> = windows.iter().map(|window| window.0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let usual = |number: usize| {
        let truth = places[number].truth.iter().enumerate();
        truth.filter(|(_, truth)| **truth == Truth::Usual).map(move |(at, _)| (number, at))
    };
    numbers.into_iter().flat_map(usual).collect()
}

fn group(
    places: &[Judged],
    by: By,
    name: String,
    windows: &[At],
    (adapted, frozen): (usize, Option<usize>),
) -> Group {
    let is_foreign = |&(place, at): &At| places[place].truth[at] != Truth::Usual;
    let foreign: Vec<At> = windows.iter().copied().filter(is_foreign).collect();
    let usual: Vec<At> = windows.iter().copied().filter(|at| !is_foreign(at)).collect();
    let rankings = |row: usize| rankings(places, windows, row);
    let area = |row: usize| mean(rankings(row).iter().map(Ranking::auroc));
    // Of a class the usual windows are those of its places, which have skills of their own.
    let guessed = if by == By::Class { &foreign } else { windows };
    let above = |frozen| statistics::difference(&rankings(adapted), &rankings(frozen));
    Group {
        by,
        name,
        foreign: foreign.len(),
        usual: usual.len(),
        auroc: area(adapted),
        partial: novelty::over_places(&rankings(adapted), statistics::partial_auroc),
        frozen: frozen.and_then(area),
        above: frozen.and_then(above),
        recall: recall(places, &foreign, adapted),
        false_per_hour: alarms_per_hour(places, &usual, adapted),
        alarms_per_day: alarms_per_hour(places, windows, adapted).map(|rate| 24.0 * rate),
        skill_vs_mean: of_reads(places, guessed, adapted, live::skill),
        skill_vs_persistence: of_reads(places, guessed, adapted, live::skill_vs_persistence),
    }
}

/// What one row said of these windows, in time order, a ranking for each place that has any: scores of two
/// places are not on one scale.
fn rankings(places: &[Judged], windows: &[At], row: usize) -> Vec<Ranking> {
    let of_place = |(number, place): (usize, &Judged)| {
        let own = windows.iter().filter(|window| window.0 == number);
        let mut own: Vec<usize> = own.map(|window| window.1).collect();
        own.sort_unstable();
        Ranking {
            at_s: own.iter().map(|&at| place.spans[at].0).collect(),
            is_foreign: own.iter().map(|&at| place.truth[at] != Truth::Usual).collect(),
            scores: place.runs[row]
                .iter()
                .map(|run| own.iter().map(|&at| run.scores[at]).collect())
                .collect(),
        }
    };
    places.iter().enumerate().map(of_place).filter(|place| !place.at_s.is_empty()).collect()
}

/// Share of the stretches that these windows are of in which an alarm was raised, mean over seeds.
fn recall(places: &[Judged], windows: &[At], row: usize) -> Option<f64> {
    let stretch = |&(place, at): &At| match places[place].truth[at] {
        Truth::Foreign(which) => Some((place, which)),
        Truth::Usual | Truth::Neither => None,
    };
    let stretches: BTreeSet<At> = windows.iter().filter_map(stretch).collect();
    mean(stretches.into_iter().map(|(place, which)| {
        let place = &places[place];
        mean(place.runs[row].iter().map(|run| {
            let is_found = novelty::is_found(place, run, &place.foreign[which])?;
            Some(f64::from(u8::from(is_found)))
        }))
    }))
}

/// Of what one row said of these windows, mean over places and seeds.
fn of_reads(
    places: &[Judged],
    windows: &[At],
    row: usize,
    of: fn(&[Read]) -> Option<f64>,
) -> Option<f64> {
    let of_place = |(number, place): (usize, &Judged)| {
        let own = || windows.iter().filter(move |at| at.0 == number);
        let of_run = |run: &Run| {
            let reads: Vec<Read> = own().filter_map(|at| run.reads.get(at.1).copied()).collect();
            of(&reads)
        };
        place.runs[row].iter().map(of_run).collect::<Vec<_>>()
    };
    mean(places.iter().enumerate().flat_map(of_place))
}

/// Alarms on these windows in an hour of them, mean over seeds.
fn alarms_per_hour(places: &[Judged], windows: &[At], row: usize) -> Option<f64> {
    let (mut alarms, mut hours) = (0.0, 0.0);
    for (number, place) in places.iter().enumerate() {
        let own = || windows.iter().filter(move |at| at.0 == number).map(|at| at.1);
        for run in &place.runs[row] {
            let (more, longer) = novelty::alarms_on(place, run, own());
            alarms += more;
            hours += longer;
        }
    }
    (0.0 < hours).then(|| alarms / hours)
}

/// The worst group of those that can be ranked, how far it is below their mean, and how many there
/// are.
pub fn worst(groups: &[Group]) -> Option<(&Group, f64, usize)> {
    let ranked = groups.iter().filter(|group| group.is_enough());
    let middle = mean(ranked.clone().map(|group| group.auroc))?;
    let area = |group: &Group| group.auroc.unwrap_or(1.0);
    let worst = ranked.clone().min_by(|a, b| area(a).total_cmp(&area(b)))?;
    Some((worst, middle - area(worst), ranked.count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::eval::novelty::Run;
    use crate::pipeline::eval::truth;
    use crate::pipeline::eval::truth::Foreign;

    /// Two hours of windows of a minute; every tenth minute a bell, every other tenth a dog. Bells
    /// are ranked and alarmed in the first hour only, dogs never.
    fn judged() -> Judged {
        let stretch = |number: usize| Foreign {
            start_s: 600.0 * number as f64,
            end_s: 600.0 * number as f64 + 60.0,
            kind: if number.is_multiple_of(2) { "bell" } else { "dog" }.into(),
        };
        let foreign: Vec<Foreign> = (0..12).map(stretch).collect();
        let spans: Vec<(f64, f64)> =
            (0..120).map(|i| (60.0 * f64::from(i), 60.0 * f64::from(i + 1))).collect();
        let truth = spans.iter().map(|&(from, to)| truth::of(from, to, &foreign)).collect();
        let is_bell = |at: usize| at.is_multiple_of(20) && at < 60;
        let scores = (0..120).map(|at| f64::from(u8::from(is_bell(at)))).collect();
        // One alarm too many, in the second hour.
        let events = (0..120).map(|at| is_bell(at) || at == 61).collect();
        // A bell is guessed half as badly as by its mean, all else a quarter, and a fifth by what came before.
        let error = |at: usize| if at.is_multiple_of(20) { 2.0 } else { 1.0 };
        let read =
            |at| Read { errors: Some((error(at), 4.0)), persistence: Some(5.0), ..Read::default() };
        let reads = (0..120).map(read).collect();
        let runs = vec![vec![Run { scores, events, reads }]];
        Judged { name: "a".into(), spans, truth, foreign, runs }
    }

    #[test]
    fn groups_have_their_own_figures() {
        let places = [judged()];
        let hours = groups(&places, By::Hour, (0, None), 3600.0 * 23.5);
        let names: Vec<&str> = hours.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["00:00", "01:00", "23:00"]);
        assert_eq!((hours[2].foreign, hours[2].usual), (3, 27));
        let kinds = groups(&places, By::Class, (0, None), 0.0);
        assert_eq!(kinds.iter().map(|kind| kind.usual).collect::<Vec<_>>(), [108, 108]);
        assert_eq!((kinds[0].recall, kinds[1].recall), (Some(0.5), Some(0.0)));
        assert_eq!((kinds[0].auroc, kinds[1].auroc), (Some(0.75), Some(0.5)));
        let place = &groups(&places, By::Place, (0, None), 0.0)[0];
        assert!((place.false_per_hour.unwrap() - 60.0 / 108.0).abs() < 1e-12, "{place:?}");
        // Four alarms in two hours; six bells of 120 windows.
        let near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 1e-12;
        assert!(near(place.alarms_per_day, 48.0), "{place:?}");
        assert!(near(place.skill_vs_mean, 1.0 - 126.0 / 480.0), "{place:?}");
        assert!(near(place.skill_vs_persistence, 1.0 - 126.0 / 600.0), "{place:?}");
        // A class: its own six windows, and alarms on these and on the usual ones.
        assert!(
            near(kinds[0].skill_vs_mean, 0.5) && near(kinds[1].skill_vs_mean, 0.75),
            "{kinds:?}"
        );
        assert!(near(kinds[1].alarms_per_day, 1440.0 / 114.0), "{kinds:?}");
        // Half of the bells are above all that is usual: half of the band of few false alarms is theirs.
        let [bell, dog] = [kinds[0].partial.unwrap(), kinds[1].partial.unwrap()];
        assert!(dog < bell && bell < 1.0, "{kinds:?}");
    }

    /// Fails when windows of a class are not brought into time order: each is then a stretch of its own.
    #[test]
    fn a_class_is_compared_with_the_frozen_row_over_stretches_of_time() {
        let mut place = judged();
        let blind = Run { scores: vec![0.0; 120], ..Run::default() };
        place.runs.push(vec![blind]);
        let kinds = groups(&[place], By::Class, (0, Some(1)), 0.0);
        let (by, interval) = kinds[0].above.unwrap();
        assert!((by - 0.25).abs() < 1e-12, "{:?}", kinds[0]);
        assert!(
            interval.is_some_and(|i| i.low < by && by < i.high),
            "six bells, as many stretches"
        );
        assert!((kinds[1].above.unwrap().0).abs() < 1e-12, "no dog is ranked: {:?}", kinds[1]);
    }

    #[test]
    fn the_worst_is_of_those_with_enough() {
        let one = |auroc, foreign| Group {
            by: By::Place,
            name: String::new(),
            foreign,
            usual: 50,
            auroc: Some(auroc),
            frozen: None,
            above: None,
            partial: None,
            recall: None,
            false_per_hour: None,
            alarms_per_day: None,
            skill_vs_mean: None,
            skill_vs_persistence: None,
        };
        let all = [one(0.9, 50), one(0.6, 50), one(0.1, ENOUGH - 1)];
        let (worst, gap, of) = worst(&all).unwrap();
        assert_eq!((worst.auroc, of), (Some(0.6), 2));
        assert!((gap - 0.15).abs() < 1e-12);
    }
}
