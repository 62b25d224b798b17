//! Two regimes take turns: what is left of one while the other lasts.

use crate::config::learn::LearnSettings;
use crate::config::learn::LearnToml;
use crate::config::problems::Problems;
use crate::learn::learner::Learner;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::live::Plan;
use crate::pipeline::eval::live::Read;
use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Difference;
use crate::pipeline::eval::statistics::mean;
use crate::pipeline::eval::stream::Stream;

/// Share of each regime that is never learnt from.
const HELD_OUT: f64 = 0.2;

/// Who learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pupil {
    /// As configured.
    Configured,
    /// Rehearses nothing but the last few windows.
    WithoutMemory,
    /// Every challenger is accepted.
    WithoutGuard,
    /// Neither memory nor guard: online learning as it is usually done.
    Naive,
    /// Weights as they were drawn.
    Random,
}

impl Pupil {
    /// All.
    pub const ALL: [Self; 5] =
        [Self::Configured, Self::WithoutMemory, Self::WithoutGuard, Self::Naive, Self::Random];

    /// In words, for a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configured => "as configured",
            Self::WithoutMemory => "without memory",
            Self::WithoutGuard => "without guard",
            Self::Naive => "neither (naive)",
            Self::Random => "random adapter",
        }
    }

    /// The settings that make it.
    ///
    /// # Errors
    ///
    /// [`Problems`] where they do not go together.
    pub fn settings(self, configured: &LearnSettings) -> Result<LearnSettings, Problems> {
        let own: LearnToml = (**configured).clone();
        let recent = own.batch_windows.max(4);
        let forgetful =
            LearnToml { recent_windows: recent, reservoir_windows: 4, clusters: 0, ..own.clone() };
        match self {
            Self::Configured => own,
            Self::WithoutMemory => forgetful,
            Self::WithoutGuard => LearnToml { holdout_every: 0, ..own },
            Self::Naive => LearnToml { holdout_every: 0, averaging: 0.0, ..forgetful },
            Self::Random => return Ok(live::untrained(configured)),
        }
        .check()
    }
}

/// Skills after one phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// Which regime was met, 0 or 1.
    pub met: usize,
    /// Skill against the mean on the held-out part of each regime; mean over seeds.
    pub skills: [Option<f64>; 2],
}

/// What came of one pupil.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Who.
    pub pupil: Pupil,
    /// In order; means over seeds.
    pub phases: Vec<Phase>,
    /// The same of each seed.
    pub runs: Vec<Vec<Phase>>,
}

/// By how much the absent regime's skill has fallen from its best so far, and that best, after each phase;
/// `None` after those before which it had not been met.
fn falls(phases: &[Phase]) -> Vec<Option<(f64, f64)>> {
    let mut best = [0.0_f64; 2];
    let mut fall = |phase: &Phase| {
        let absent = 1 - phase.met;
        let before = best[absent];
        let met = phase.skills[phase.met].unwrap_or(0.0);
        best[phase.met] = best[phase.met].max(met);
        let skill = phase.skills[absent].filter(|_| 0.0 < before)?;
        Some(((before - skill).max(0.0), before))
    };
    phases.iter().map(&mut fall).collect()
}

impl Course {
    /// Falls as shares of the best.
    fn losses(&self) -> Vec<f64> {
        falls(&self.phases).into_iter().flatten().map(|(fall, best)| fall / best).collect()
    }

    /// Mean and worst fall, in skill: a share of a best that is next to nothing says little.
    pub fn fallen(&self) -> Option<(f64, f64)> {
        let falls: Vec<f64> = falls(&self.phases).into_iter().flatten().map(|one| one.0).collect();
        let worst = falls.iter().copied().reduce(f64::max)?;
        Some((falls.iter().sum::<f64>() / falls.len() as f64, worst))
    }

    /// Mean of the losses; `None` where nothing was ever learnt.
    pub fn mean_loss(&self) -> Option<f64> {
        mean(self.losses().into_iter().map(Some))
    }

    /// Worst of these.
    pub fn worst_loss(&self) -> Option<f64> {
        self.losses().into_iter().reduce(f64::max)
    }

    /// Whether nothing was ever guessed.
    fn is_blank(&self) -> bool {
        self.phases.iter().all(|phase| phase.skills == [None; 2])
    }

    /// Skill of both regimes together at the end.
    pub fn last_skill(&self) -> Option<f64> {
        last_skill(&self.phases)
    }

    /// By how much less skill is lost in a phase than `other` loses, mean over seeds and over the phases in
    /// which both had something to lose; seeds and phases are drawn.
    pub fn loses_less_than(&self, other: &Self) -> Option<Difference> {
        let of = |course: &Self| course.runs.iter().map(|run| falls(run)).collect::<Vec<_>>();
        let (ours, theirs) = (of(self), of(other));
        paired(self.runs.len().min(other.runs.len()), self.phases.len(), |seed, phase| {
            let (ours, theirs) = (ours[seed].get(phase)?, theirs[seed].get(phase)?);
            Some((*theirs)?.0 - (*ours)?.0)
        })
    }

    /// By how much more skill there is at the end than `other` has; seeds are drawn.
    pub fn ends_above(&self, other: &Self) -> Option<Difference> {
        paired(self.runs.len().min(other.runs.len()), 1, |seed, _| {
            Some(last_skill(&self.runs[seed])? - last_skill(&other.runs[seed])?)
        })
    }
}

fn last_skill(phases: &[Phase]) -> Option<f64> {
    mean(phases.last()?.skills.into_iter())
}

/// Mean of a difference over seeds and phases, and where it lies for sure.
fn paired(
    seeds: usize,
    phases: usize,
    difference: impl Fn(usize, usize) -> Option<f64>,
) -> Option<Difference> {
    let difference = &difference;
    let of = |seeds: &[usize], phases: &[usize]| {
        mean(
            seeds.iter().flat_map(|&seed| phases.iter().map(move |&phase| difference(seed, phase))),
        )
    };
    statistics::of_all(seeds, phases, of)
}

/// Whether every phase of `stream` has a window.
pub fn is_enough(stream: &Stream, cycles: usize) -> bool {
    let regime = cut(stream, cycles);
    !regime.held_out.windows.is_empty()
        && regime.phases.iter().all(|phase| !phase.windows.is_empty())
}

/// What memory and guard were worth, in sentences.
pub fn verdict(courses: &[Course]) -> Vec<String> {
    let of = |pupil: Pupil| courses.iter().find(|course| course.pupil == pupil);
    let (Some(own), Some(naive)) = (of(Pupil::Configured), of(Pupil::Naive)) else {
        return Vec::new();
    };
    let mut words = Vec::new();
    match (own.mean_loss().zip(own.worst_loss()), naive.mean_loss().zip(naive.worst_loss())) {
        (Some((mean, worst)), Some((naive_mean, naive_worst))) => {
            // A share of a best that is next to nothing says little: the word goes by skill.
            let than = match own.loses_less_than(naive) {
                Some((by, None)) if 0.0 < by => "less than",
                Some((_, Some(interval))) if interval.sign().is_gt() => "less than",
                Some((_, Some(interval))) if interval.sign().is_lt() => "MORE than",
                Some((_, Some(_))) => "not surely less or more than",
                _ => "NOT less than",
            };
            words.push(format!(
                "as configured, {:.1} % of the absent regime's best skill is lost, {:.1} % at worst; naive online \
                 learning loses {:.1} %, {:.1} % at worst; in skill itself that is {than} naive online learning loses",
                100.0 * mean,
                100.0 * worst,
                100.0 * naive_mean,
                100.0 * naive_worst
            ));
        }
        _ if courses.iter().all(Course::is_blank) => words.push(
            "nobody was warm in time to learn anything: give longer recordings, or fewer --cycles"
                .into(),
        ),
        _ => words.push("nothing was learnt that could be forgotten: no skill above 0".into()),
    }
    if let Some(less) = own.loses_less_than(naive) {
        words.push(format!(
            "skill lost in a phase beside what naive online learning loses: {}",
            told(less, -1.0)
        ));
    }
    if let Some((ours, theirs)) = own.last_skill().zip(naive.last_skill()) {
        let are = if ours < theirs { "COST" } else { "add" };
        let sure = own
            .ends_above(naive)
            .map_or_else(String::new, |above| format!("; {}", told(above, 1.0)));
        words.push(format!(
            "memory and guard {are} {:.3} of skill at the end: {ours:.3}, naive {theirs:.3}{sure}",
            (ours - theirs).abs()
        ));
    }
    words
}

/// A difference times `sign`, where it lies, and whether that leaves no doubt.
fn told((by, interval): Difference, sign: f64) -> String {
    let Some(interval) = interval else {
        return format!("{:+.3}, too few seeds to say how sure that is", sign * by);
    };
    let ends = [sign * interval.low, sign * interval.high];
    let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    let doubt = if interval.sign().is_eq() { ", so no difference that is sure" } else { "" };
    format!("{:+.3} (95 %: {low:+.3} to {high:+.3}{doubt})", sign * by)
}

/// A regime cut into phases, and what is held out.
#[derive(Debug)]
struct Regime {
    phases: Vec<Stream>,
    held_out: Stream,
}

fn cut(stream: &Stream, cycles: usize) -> Regime {
    let end_s = stream.end_s();
    let learnt_s = (1.0 - HELD_OUT) * end_s;
    let edge = |phase: usize| learnt_s * phase as f64 / cycles as f64;
    Regime {
        phases: (0..cycles).map(|phase| stream.cut(edge(phase), edge(phase + 1))).collect(),
        held_out: stream.cut(learnt_s, f64::INFINITY),
    }
}

/// Lets `pupil` live through `cycles` phases of each regime in turn.
///
/// # Errors
///
/// [`Problems`] where the configuration does not allow it.
pub fn course(
    pupil: Pupil,
    regimes: [&Stream; 2],
    cycles: usize,
    nursery: &Nursery,
    settings: &LearnSettings,
    seeds: &[u64],
) -> Result<Course, Problems> {
    let own = pupil.settings(settings)?;
    let regimes = regimes.map(|regime| cut(regime, cycles));
    let mut skills: Vec<[Vec<Option<f64>>; 2]> = vec![Default::default(); 2 * cycles];
    for &seed in seeds {
        let mut learner = nursery.learner(&own, seed);
        let mut life_s = 0.0;
        for (number, found) in skills.iter_mut().enumerate() {
            let phase = &regimes[number % 2].phases[number / 2];
            let Some(first) = phase.windows.first() else { continue };
            let moved = phase.later(life_s - first.start_s);
            live::live(nursery, &mut learner, (&own, seed), &moved, Plan::default());
            life_s = moved.end_s();
            for (regime, found) in regimes.iter().zip(found) {
                found.push(skill(&mut learner, &regime.held_out));
            }
        }
    }
    let phases = |of: &dyn Fn(&[Option<f64>]) -> Option<f64>| -> Vec<Phase> {
        let phase = |(number, found): (usize, &[Vec<Option<f64>>; 2])| Phase {
            met: number % 2,
            skills: [0, 1].map(|regime| of(&found[regime])),
        };
        skills.iter().enumerate().map(phase).collect()
    };
    let of_seed = |seed: usize| phases(&|found| found.get(seed).copied().flatten());
    let runs = (0..seeds.len()).map(of_seed).collect();
    Ok(Course { pupil, phases: phases(&|found| mean(found.iter().copied())), runs })
}

/// Skill on windows that are not learnt from.
fn skill(learner: &mut Learner, stream: &Stream) -> Option<f64> {
    let reads: Vec<Read> =
        stream.windows.iter().map(|window| Read::of(&learner.score(&window.latent))).collect();
    live::skill(&reads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_told_as_a_share_of_the_best_of_the_absent_regime() {
        let phase = |met, a, b| Phase { met, skills: [Some(a), Some(b)] };
        let phases = vec![phase(0, 0.5, 0.1), phase(1, 0.4, 0.6), phase(0, 0.5, 0.3)];
        let course = of_one_seed(Pupil::Naive, phases);
        let losses = course.losses();
        assert!((losses[0] - 0.2).abs() < 1e-12 && (losses[1] - 0.5).abs() < 1e-12, "{losses:?}");
        assert_eq!(losses.len(), 2);
        assert!((course.worst_loss().unwrap() - 0.5).abs() < 1e-12);
        let (mean, worst) = course.fallen().unwrap();
        assert!((mean - 0.2).abs() < 1e-12 && (worst - 0.3).abs() < 1e-12);
    }

    fn of_one_seed(pupil: Pupil, phases: Vec<Phase>) -> Course {
        Course { pupil, runs: vec![phases.clone()], phases }
    }

    /// Fails when means over seeds are compared instead of seeds: there is no doubt left then.
    #[test]
    fn seeds_that_disagree_leave_a_loss_open() {
        let phase = |met, a, b| Phase { met, skills: [Some(a), Some(b)] };
        let run = |lost: f64| vec![phase(0, 0.5, 0.0), phase(1, 0.5 - lost, 0.5)];
        let course = |losses: [f64; 5]| Course {
            pupil: Pupil::Naive,
            phases: run(losses.iter().sum::<f64>() / 5.0),
            runs: losses.map(run).into(),
        };
        let naive = course([0.2; 5]);
        let (by, interval) = course([0.1; 5]).loses_less_than(&naive).unwrap();
        assert!((by - 0.1).abs() < 1e-12 && interval.unwrap().sign().is_gt(), "{by} {interval:?}");
        let (by, interval) = course([0.05, 0.4, 0.1, 0.3, 0.05]).loses_less_than(&naive).unwrap();
        assert!(0.0 < by && interval.unwrap().sign().is_eq(), "{by} {interval:?}");
        let (by, interval) = naive.ends_above(&course([0.1; 5])).unwrap();
        assert!((by + 0.05).abs() < 1e-12 && interval.unwrap().sign().is_lt(), "{by} {interval:?}");
    }

    fn course_of(pupil: Pupil, absent: f64) -> Course {
        let phase = |met, a, b| Phase { met, skills: [Some(a), Some(b)] };
        of_one_seed(pupil, vec![phase(0, 0.5, 0.0), phase(1, absent, 0.5)])
    }

    #[test]
    fn the_sentences_tell_what_memory_costs_like_what_it_brings() {
        let say = |own, naive| {
            verdict(&[course_of(Pupil::Configured, own), course_of(Pupil::Naive, naive)]).join("; ")
        };
        let better = say(0.48, 0.1);
        assert!(
            better.contains("4.0 % of") && better.contains("that is less than naive"),
            "{better}"
        );
        assert!(better.contains("guard add 0.190 of skill"), "{better}");
        let worse = say(0.1, 0.48);
        assert!(worse.contains("MORE than naive") && worse.contains("guard COST 0.190"), "{worse}");
        // By shares of its best it loses less than the naive one, whose best is next to nothing; in skill it loses more.
        let fall = |pupil, best: f64, lost: f64| {
            let phase = |met, a| Phase { met, skills: [Some(a), Some(0.5)] };
            let run = vec![phase(0, best), phase(1, best - lost)];
            Course { pupil, runs: vec![run.clone(), run.clone(), run.clone()], phases: run }
        };
        let told = verdict(&[fall(Pupil::Configured, 0.5, 0.1), fall(Pupil::Naive, 0.02, 0.01)]);
        assert!(told[0].contains("20.0 % of") && told[0].contains("MORE than naive"), "{told:?}");
        let still = |pupil| of_one_seed(pupil, vec![Phase { met: 0, skills: [None; 2] }]);
        let words = verdict(&[still(Pupil::Configured), still(Pupil::Naive)]);
        assert!(words[0].starts_with("nobody was warm"), "{words:?}");
        let bad = |pupil| of_one_seed(pupil, vec![Phase { met: 0, skills: [Some(-0.1); 2] }]);
        let words = verdict(&[bad(Pupil::Configured), bad(Pupil::Naive)]);
        assert!(words[0].starts_with("nothing was learnt"), "{words:?}");
    }
}
