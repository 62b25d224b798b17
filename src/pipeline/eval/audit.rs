//! The same figures for each place, hour of day and class, and which group is served worst.

use std::collections::BTreeMap;

use crate::pipeline::eval::novelty::Judged;
use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Ranked;
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
    /// The same of the best frozen row.
    pub frozen: Option<f64>,
    /// Share of foreign windows with an alarm in the same stretch.
    pub recall: Option<f64>,
    /// Alarms an hour on usual windows.
    pub false_per_hour: Option<f64>,
}

impl Group {
    /// Whether it rests on enough windows to be ranked.
    pub const fn is_enough(&self) -> bool {
        ENOUGH <= self.foreign && ENOUGH <= self.usual
    }
}

/// A window of one place.
type At = (usize, usize);

/// Groups of the windows of all places, by the row `adapted` beside the row `frozen`. Recordings begin
/// `begins_s` after midnight.
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
                (By::Class, Truth::Foreign(which)) => place.foreign[*which].kind.clone(),
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
    Group {
        by,
        name,
        foreign: foreign.len(),
        usual: usual.len(),
        auroc: area(places, &foreign, &usual, adapted),
        frozen: frozen.and_then(|frozen| area(places, &foreign, &usual, frozen)),
        recall: share_with_alarm(places, &foreign, adapted),
        false_per_hour: share_with_own_alarm(places, &usual, adapted),
    }
}

/// Mean over places of the area within each, weighted alike, and over seeds: scores of two places are not
/// on one scale.
fn area(places: &[Judged], foreign: &[At], usual: &[At], row: usize) -> Option<f64> {
    mean((0..places.len()).map(|number| {
        mean(places[number].runs[row].iter().map(|run| {
            let of = |windows: &[At], is_foreign: bool| {
                let own = windows.iter().filter(|window| window.0 == number);
                own.map(|&(_, at)| Ranked { score: run.scores[at], is_foreign }).collect::<Vec<_>>()
            };
            statistics::auroc(&[of(foreign, true), of(usual, false)].concat())
        }))
    }))
}

/// Share of windows in whose foreign stretch an alarm was raised.
fn share_with_alarm(places: &[Judged], windows: &[At], row: usize) -> Option<f64> {
    let hit = |&(place, at): &At| {
        let own = &places[place];
        mean(own.runs[row].iter().map(|run| {
            let found =
                own.truth.iter().zip(&run.events).any(|(t, event)| *event && *t == own.truth[at]);
            (!run.events.is_empty()).then_some(f64::from(u8::from(found)))
        }))
    };
    mean(windows.iter().map(hit))
}

/// Alarms on these windows in an hour of them.
fn share_with_own_alarm(places: &[Judged], windows: &[At], row: usize) -> Option<f64> {
    let own = |&(place, at): &At| {
        let events = places[place].runs[row].iter().map(|run| run.events.get(at));
        mean(events.map(|event| event.map(|event| f64::from(u8::from(*event)))))
    };
    let hop_s = |place: &Judged| {
        place.spans.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(f64::INFINITY, f64::min)
    };
    let share = mean(windows.iter().map(own))?;
    let hop_s = mean(places.iter().map(|place| Some(hop_s(place))))?;
    (hop_s.is_finite() && 0.0 < hop_s).then(|| share * 3600.0 / hop_s)
}

/// The worst group of those that rest on enough, and how far it is below their mean.
pub fn worst(groups: &[Group]) -> Option<(&Group, f64)> {
    let ranked = groups.iter().filter(|group| group.is_enough() && group.auroc.is_some());
    let middle = mean(ranked.clone().map(|group| group.auroc))?;
    let area = |group: &Group| group.auroc.unwrap_or(1.0);
    let worst = ranked.min_by(|a, b| area(a).total_cmp(&area(b)))?;
    Some((worst, middle - area(worst)))
}
