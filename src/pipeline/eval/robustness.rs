//! What is left of the ranking when the microphone or the camera gets worse after learning.

use crate::base::bytes::Malformed;
use crate::config::learn::LearnSettings;
use crate::learn::learner::Learner;
use crate::pipeline::eval::frozen::Frozen;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::live::Plan;
use crate::pipeline::eval::novelty;
use crate::pipeline::eval::novelty::Judged;
use crate::pipeline::eval::novelty::Place;
use crate::pipeline::eval::novelty::Run;
use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Difference;
use crate::pipeline::eval::statistics::Ranking;
use crate::pipeline::eval::stream::Stream;
use crate::pipeline::eval::stream::Window;
use crate::pipeline::eval::truth::Truth;

/// Rows of each disturbance: the frozen ways, then the learner.
pub const ROWS: usize = Frozen::ALL.len() + 1;

/// A place of which the learning part has been lived through.
#[derive(Debug)]
pub struct Ready {
    learners: Vec<(u64, Learner)>,
}

/// Lets a learner a seed live through the learning part.
pub fn learn(place: &Place, nursery: &Nursery, settings: &LearnSettings, seeds: &[u64]) -> Ready {
    let part = place.stream.cut(0.0, place.learn_until_s);
    let learner = |&seed: &u64| {
        let mut learner = nursery.learner(settings, seed);
        live::live(nursery, &mut learner, (settings, seed), &part, Plan::default());
        (seed, learner)
    };
    Ready { learners: seeds.iter().map(learner).collect() }
}

/// The rest of the place as `disturbed` has it, judged by those who learnt without disturbance and
/// go on learning.
///
/// # Errors
///
/// [`Malformed`] is our bug: a learner could not be copied.
pub fn judge(
    place: &Place,
    disturbed: &Stream,
    ready: &Ready,
    nursery: &Nursery,
    settings: &LearnSettings,
) -> Result<Judged, Malformed> {
    let rest = disturbed.cut(place.learn_until_s, f64::INFINITY);
    let is_learnt = |window: &&Window| window.start_s < place.learn_until_s;
    let learnt: Vec<&Window> = place.stream.windows.iter().filter(is_learnt).collect();
    let judged: Vec<&Window> = rest.windows.iter().collect();
    let frozen = |way: Frozen| vec![Run::frozen(way, &learnt, &judged)];
    let mut runs: Vec<Vec<Run>> = Frozen::ALL.map(frozen).into();
    let mut own = Vec::new();
    for (seed, learner) in &ready.learners {
        let mut twin = nursery.twin(learner, settings)?;
        let reads = live::live(nursery, &mut twin, (settings, *seed), &rest, Plan::default());
        own.push(Run::of(&reads));
    }
    runs.push(own);
    Ok(Judged::of(place, &judged, runs))
}

/// By how much the area of one row is above that of another, or of the same row in a place disturbed otherwise,
/// on the same windows, and where that lies for sure.
pub fn above(ours: (&[Judged], usize), theirs: (&[Judged], usize)) -> Option<Difference> {
    let rankings = |(places, row): (&[Judged], usize)| -> Vec<Ranking> {
        places.iter().map(|place| novelty::ranking(place, row)).collect()
    };
    statistics::difference(&rankings(ours), &rankings(theirs))
}

/// Median novelty of the windows that are usual, or of all where nobody knows; mean over seeds.
pub fn median_novelty(judged: &Judged) -> Option<f64> {
    let usual = |at: &usize| judged.truth.get(*at).is_none_or(|truth| *truth == Truth::Usual);
    statistics::mean(judged.runs.last()?.iter().map(|run| {
        let scores = (0..run.scores.len()).filter(usual).map(|at| run.scores[at]);
        statistics::quantile(scores.filter(|score| score.is_finite()).collect(), 0.5)
    }))
}
