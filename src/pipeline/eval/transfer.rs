//! What was learnt in one place, taken to another.

use std::ops::Range;

use crate::base::bytes::Malformed;
use crate::config::learn::LearnSettings;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::live::Plan;
use crate::pipeline::eval::live::Read;
use crate::pipeline::eval::statistics;
use crate::pipeline::eval::statistics::Difference;
use crate::pipeline::eval::statistics::Interval;
use crate::pipeline::eval::statistics::mean;
use crate::pipeline::eval::statistics::quantile;
use crate::pipeline::eval::stream::Stream;
use crate::pipeline::eval::stream::Window;

/// Who comes to the new place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comer {
    /// Somebody who has met nothing.
    Fresh,
    /// The learner of the old place.
    Learnt,
    /// The same, and its weights stay as they were.
    LearntFrozen,
    /// Weights as they were drawn.
    Random,
}

impl Comer {
    /// All.
    pub const ALL: [Self; 4] = [Self::Fresh, Self::Learnt, Self::LearntFrozen, Self::Random];

    /// In words, for a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Learnt => "from the old place",
            Self::LearntFrozen => "from the old place, weights kept",
            Self::Random => "random adapter",
        }
    }
}

/// A line of the table, means over seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Who.
    pub comer: Comer,
    /// Minutes until the first guess.
    pub waits: Option<f64>,
    /// Skill in the first two minutes in which everybody could guess, the same windows for all.
    pub early: Skills,
    /// In the last quarter.
    pub late: Skills,
    /// Minutes until the skill of two minutes first is 95 % of the late skill of a fresh learner.
    pub minutes: Option<f64>,
    /// Median and 95th percentile of novelty in the first ten minutes, from when there is any.
    pub novelty: [Option<f64>; 2],
    /// Share of windows with a p-value of one in a hundred or less in the first ten minutes.
    pub strange: Option<f64>,
}

/// How well a stretch was guessed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Skills {
    /// Against the mean, a seed each.
    pub vs_mean: Vec<Option<f64>>,
    /// Against the token before, a seed each.
    pub vs_persistence: Vec<Option<f64>>,
    /// By how much either is above that of a fresh learner, and where that lies for sure: seeds are drawn, and
    /// stretches of two minutes.
    pub above_fresh: [Option<Difference>; 2],
}

impl Skills {
    fn of<'a>(runs: impl Iterator<Item = &'a [Read]> + Clone) -> Self {
        Self {
            vs_mean: runs.clone().map(live::skill).collect(),
            vs_persistence: runs.map(live::skill_vs_persistence).collect(),
            above_fresh: [None; 2],
        }
    }

    /// Against the mean, mean over seeds.
    pub fn middle(&self) -> Option<f64> {
        mean(self.vs_mean.iter().copied())
    }

    /// Against the token before, mean over seeds.
    pub fn middle_vs_persistence(&self) -> Option<f64> {
        mean(self.vs_persistence.iter().copied())
    }
}

/// Seconds over which a skill is taken.
const SPELL_S: f64 = 120.0;
/// Seconds at the beginning in which windows count as strange.
const BEGINNING_S: f64 = 600.0;

/// Lets everybody live in `new`; the learner of the old place has lived in `old` before.
///
/// # Errors
///
/// [`Malformed`] is our bug: a learner could not be copied.
pub fn compare(
    old: &Stream,
    new: &Stream,
    nursery: &Nursery,
    settings: &LearnSettings,
    seeds: &[u64],
) -> Result<Vec<Figures>, Malformed> {
    let still = live::untrained(settings);
    let mut lives: Vec<Vec<Vec<Read>>> = vec![Vec::new(); Comer::ALL.len()];
    let away_s = old.end_s();
    for &seed in seeds {
        let mut learnt = nursery.learner(settings, seed);
        live::live(nursery, &mut learnt, (settings, seed), old, Plan::default());
        for (comer, reads) in Comer::ALL.iter().zip(&mut lives) {
            let (mut learner, own, from_s) = match comer {
                Comer::Fresh => (nursery.learner(settings, seed), settings, 0.0),
                Comer::Random => (nursery.learner(&still, seed), &still, 0.0),
                Comer::Learnt => (nursery.twin(&learnt, settings)?, settings, away_s),
                Comer::LearntFrozen => (nursery.twin(&learnt, &still)?, &still, away_s),
            };
            let later = new.later(from_s);
            reads.push(live::live(nursery, &mut learner, (own, seed), &later, Plan::default()));
        }
    }
    Ok(figures(new, &lives))
}

/// The table; `lives` as in [`Comer::ALL`], a run each seed.
fn figures(new: &Stream, lives: &[Vec<Vec<Read>>]) -> Vec<Figures> {
    let first = |reads: &Vec<Read>| reads.iter().position(|read| read.errors.is_some());
    // A skill over other windows would not be comparable.
    let begin = lives.iter().flatten().filter_map(first).max().unwrap_or(0);
    let spell = begin..end_of_spell(new, begin);
    let late = new.windows.len() - new.windows.len() / 4..new.windows.len();
    let skills = |lives: &[Vec<Read>], of: &Range<usize>| {
        Skills::of(lives.iter().map(|reads| &reads[of.clone()]))
    };
    let fresh = &lives[0];
    let beside = |comer: Comer, lives: &[Vec<Read>], of: &Range<usize>| {
        let pieces = pieces(new, of);
        let measures = [live::skill, live::skill_vs_persistence];
        let above_fresh = measures.map(|skill| {
            if comer == Comer::Fresh { None } else { above([lives, fresh], &pieces, skill) }
        });
        Skills { above_fresh, ..skills(lives, of) }
    };
    let wanted = skills(&lives[0], &late).middle().map(|skill| 0.95 * skill);
    let minutes = |at: usize| {
        let begin_s = new.windows.first()?.start_s;
        Some((new.windows[at].start_s - begin_s) / 60.0)
    };
    let line = |(&comer, lives): (&Comer, &Vec<Vec<Read>>)| Figures {
        comer,
        waits: mean(lives.iter().map(|reads| minutes(first(reads)?))),
        early: beside(comer, lives, &spell),
        late: beside(comer, lives, &late),
        minutes: mean(lives.iter().map(|reads| minutes_until(new, reads, wanted?))),
        novelty: [0.5, 0.95]
            .map(|share| mean(lives.iter().map(|reads| novelty(new, reads, share)))),
        strange: mean(lives.iter().map(|reads| strange(new, reads))),
    };
    Comer::ALL.iter().zip(lives).map(line).collect()
}

/// The window after those of the spell that begins with window `begin`.
fn end_of_spell(stream: &Stream, begin: usize) -> usize {
    let windows = &stream.windows;
    let end_s = windows.get(begin).map_or(0.0, |window| window.start_s + SPELL_S);
    windows.iter().position(|window| end_s <= window.start_s).unwrap_or(windows.len()).max(begin)
}

/// Windows of one stretch of [`SPELL_S`] after the other.
fn pieces(stream: &Stream, of: &Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut begin = of.start;
    while begin < of.end {
        let end = end_of_spell(stream, begin).clamp(begin + 1, of.end);
        pieces.push(begin..end);
        begin = end;
    }
    pieces
}

/// By how much the first of two is better, mean over seeds, and where that lies.
fn above(
    lives: [&[Vec<Read>]; 2],
    pieces: &[Range<usize>],
    skill: fn(&[Read]) -> Option<f64>,
) -> Option<Difference> {
    let of = |seeds: &[usize], which: &[usize]| {
        let own = |reads: &[Read]| {
            let drawn = which.iter().flat_map(|&piece| &reads[pieces[piece].clone()]);
            skill(&drawn.copied().collect::<Vec<_>>())
        };
        let [ours, theirs] = lives;
        mean(seeds.iter().map(|&seed| Some(own(&ours[seed])? - own(&theirs[seed])?)))
    };
    statistics::of_all(lives[0].len().min(lives[1].len()), pieces.len(), of)
}

fn minutes_until(stream: &Stream, reads: &[Read], wanted: f64) -> Option<f64> {
    let begin_s = stream.windows.first()?.start_s;
    let mut first = 0;
    for (last, window) in stream.windows.iter().enumerate() {
        while stream.windows[first].start_s + SPELL_S < window.end_s {
            first += 1;
        }
        let is_long = SPELL_S * 0.9 <= window.end_s - stream.windows[first].start_s;
        if is_long && live::skill(&reads[first..=last]).is_some_and(|skill| wanted <= skill) {
            return Some((window.end_s - begin_s) / 60.0);
        }
    }
    None
}

/// Windows of the first ten minutes.
fn beginning<'a>(stream: &Stream, reads: &'a [Read]) -> &'a [Read] {
    let begin_s = stream.windows.first().map_or(0.0, |window| window.start_s);
    let is_over = |window: &Window| begin_s + BEGINNING_S <= window.start_s;
    let end = stream.windows.iter().position(is_over).unwrap_or(reads.len());
    &reads[..end.min(reads.len())]
}

/// The value below which that share of novelties lies.
fn novelty(stream: &Stream, reads: &[Read], share: f64) -> Option<f64> {
    let all = beginning(stream, reads).iter().filter_map(|read| read.novelty);
    quantile(all.map(f64::from).collect(), share)
}

fn strange(stream: &Stream, reads: &[Read]) -> Option<f64> {
    let early = beginning(stream, reads).iter();
    mean(early.map(|read| Some(f64::from(u8::from(read.p_value? <= 0.01)))))
}

/// Whether the old place is of use in the new one, at first and at last.
pub fn verdict(lines: &[Figures]) -> Vec<String> {
    let of = |comer: Comer| lines.iter().find(|line| line.comer == comer);
    let (Some(fresh), Some(learnt)) = (of(Comer::Fresh), of(Comer::Learnt)) else {
        return Vec::new();
    };
    let spells = [
        ("while a fresh learner begins to guess", &learnt.early, &fresh.early),
        ("in the last quarter", &learnt.late, &fresh.late),
    ];
    spells.iter().filter_map(|(when, ours, theirs)| sentence(when, ours, theirs)).collect()
}

/// Sure is what every seed says by both measures: each learner's error, mean and persistence are in the
/// numbers of its own whitening, so either alone can flatter.
fn sentence(when: &str, ours: &Skills, theirs: &Skills) -> Option<String> {
    let by_mean = differences(&ours.vs_mean, &theirs.vs_mean);
    let by_persistence = differences(&ours.vs_persistence, &theirs.vs_persistence);
    let all: Vec<f64> = by_mean.iter().chain(&by_persistence).copied().collect();
    let words = if all.iter().all(|x| 0.0 < *x) {
        "helps"
    } else if all.iter().all(|x| *x <= 0.0) {
        "does NOT help"
    } else {
        "makes no difference that is sure"
    };
    Some(format!(
        "what was learnt in the old place {words} {when}: skill {} against the mean, {} against persistence",
        told(&by_mean, ours.above_fresh[0])?,
        told(&by_persistence, ours.above_fresh[1])?
    ))
}

/// Of the seeds in which there are both.
fn differences(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Vec<f64> {
    ours.iter().zip(theirs).filter_map(|(ours, theirs)| Some((*ours)? - (*theirs)?)).collect()
}

fn told(differences: &[f64], found: Option<Difference>) -> Option<String> {
    let middle = mean(differences.iter().copied().map(Some))?;
    let above = differences.iter().filter(|x| 0.0 < **x).count();
    let interval = found.and_then(|(_, interval)| interval);
    let interval = interval.map_or_else(String::new, |Interval { low, high }| {
        format!("95 %: {low:+.3} to {high:+.3}; ")
    });
    Some(format!(
        "{middle:+.3} ({interval}above a fresh learner's in {above} of {} seeds)",
        differences.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::latent::Latent;
    use crate::encode::latent::LatentShape;
    use crate::nn::layout::Layout;

    /// A window each ten seconds for an hour.
    fn hour() -> Stream {
        let layout = Layout::Sequence { len: 1 };
        let latent = Latent::zeros(LatentShape { layout, token_dim: 1, embedding_dim: 1 });
        let window = |i: u16| {
            let start_s = 10.0 * f64::from(i);
            let latent = latent.clone().into();
            Window { start_s, end_s: start_s + 10.0, input: 0, latent, sides: None }
        };
        Stream { name: "hour".into(), windows: (0..360).map(window).collect() }
    }

    /// Guesses from window `from` on, wrong by `error(window)` where the mean is wrong by 1.
    fn life(from: usize, error: impl Fn(usize) -> f32) -> Vec<Read> {
        let read = |at: usize| Read {
            novelty: Some(if at < 60 { 3.0 } else { 0.0 }),
            errors: (from <= at).then(|| (error(at), 1.0)),
            persistence: Some(2.0),
            ..Read::default()
        };
        (0..360).map(read).collect()
    }

    #[test]
    fn all_are_judged_on_the_same_first_windows() {
        // One guesses at once, well at first; the other begins later, when both guess alike.
        let ready = life(0, |at| if at < 30 { 0.1 } else { 0.5 });
        let fresh = life(30, |_| 0.5);
        let lives = [vec![fresh.clone()], vec![ready], vec![fresh.clone()], vec![fresh]];
        let lines = figures(&hour(), &lives);
        assert_eq!((lines[0].waits, lines[1].waits), (Some(5.0), Some(0.0)));
        for line in &lines[..2] {
            assert!((line.early.middle().unwrap() - 0.5).abs() < 1e-6, "{line:?}");
            assert!((line.early.middle_vs_persistence().unwrap() - 0.75).abs() < 1e-6, "{line:?}");
            assert_eq!(line.novelty, [Some(3.0), Some(3.0)], "only the first ten minutes count");
        }
        assert!(lines[1].minutes.unwrap() <= 2.0 && 5.0 < lines[0].minutes.unwrap());
        assert!(verdict(&lines)[0].contains("does NOT help"), "{:?}", verdict(&lines));
    }

    /// Fails when stretches are not drawn: what is better in one of three only would look sure.
    #[test]
    fn stretches_that_disagree_leave_the_last_quarter_open() {
        let ready = |better_from| life(0, move |at| if better_from <= at { 0.2 } else { 0.55 });
        let fresh = vec![life(0, |_| 0.5); 3];
        // The last quarter is windows 270 to 359.
        let of = |better_from| {
            let lives = [fresh.clone(), vec![ready(better_from); 3], fresh.clone(), fresh.clone()];
            figures(&hour(), &lives).swap_remove(1).late.above_fresh[0].unwrap()
        };
        let (by, interval) = of(342);
        assert!(0.0 < by && interval.unwrap().sign().is_eq(), "{by} {interval:?}");
        let (by, interval) = of(0);
        assert!((by - 0.3).abs() < 1e-6 && interval.unwrap().sign().is_gt(), "{by} {interval:?}");
    }

    #[test]
    fn only_what_every_seed_says_by_both_measures_is_called_sure() {
        let of = |skills: [f64; 3], beside: f64| Skills {
            vs_mean: skills.map(Some).into(),
            vs_persistence: vec![Some(beside); 3],
            above_fresh: [None; 2],
        };
        let fresh = of([0.3, 0.3, 0.3], 0.2);
        let say = |ours, beside| sentence("now", &of(ours, beside), &fresh).unwrap();
        assert!(say([0.4, 0.35, 0.31], 0.3).contains("helps now: skill +0.053"));
        assert!(say([0.4, 0.2, 0.4], 0.3).contains("no difference that is sure"));
        assert!(say([0.4, 0.35, 0.31], -0.1).contains("no difference that is sure"));
        assert!(say([0.2, 0.1, 0.2], 0.1).contains("does NOT help"));
    }
}
