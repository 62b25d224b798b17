//! What was learnt in one place, taken to another.

use crate::base::bytes::Malformed;
use crate::config::learn::LearnSettings;
use crate::config::learn::LearnToml;
use crate::pipeline::eval::live;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::live::Plan;
use crate::pipeline::eval::live::Read;
use crate::pipeline::eval::statistics::mean;
use crate::pipeline::eval::stream::Stream;

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
    /// Skill against the mean in the first two minutes in which everybody could guess, a seed each.
    pub early: Vec<Option<f64>>,
    /// In the last quarter.
    pub late: Option<f64>,
    /// Minutes until the skill of two minutes first is 95 % of the late skill of a fresh learner;
    /// `None` where a seed never gets there, or where a fresh learner has no skill.
    pub minutes: Option<f64>,
    /// Share of windows with a p-value of one in a hundred or less in the first ten minutes, of
    /// those that have one.
    pub strange: Option<f64>,
}

/// Seconds over which a skill is taken.
const SPELL_S: f64 = 120.0;
/// Seconds at the beginning in which windows count as strange.
const BEGINNING_S: f64 = 600.0;

/// Those settings with weights that stay as they are.
pub fn untrained(settings: &LearnSettings) -> LearnSettings {
    let own: LearnToml = (**settings).clone();
    let still = LearnToml { first_updates_per_window: 0.0, updates_per_window: 0.0, ..own };
    // Both are allowed to be 0 whatever the rest is.
    still.check().unwrap_or_else(|_| settings.clone())
}

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
    let still = untrained(settings);
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
    let late = |reads: &[Read]| live::skill(&reads[reads.len() - reads.len() / 4..]);
    let wanted = mean(lives[0].iter().map(|reads| late(reads)));
    let wanted = wanted.filter(|&skill| 0.0 < skill).map(|skill| 0.95 * skill);
    let first: Vec<Option<usize>> =
        (0..seeds.len()).map(|seed| first_guess(&lives, seed)).collect();
    let over = |lives: &[Vec<Read>], of: &dyn Fn(&[Read]) -> Option<f64>| {
        mean(lives.iter().map(|reads| of(reads)))
    };
    let lines = Comer::ALL.iter().zip(&lives).map(|(&comer, lives)| Figures {
        comer,
        early: lives
            .iter()
            .zip(&first)
            .map(|(reads, first)| early(new, reads, (*first)?))
            .collect(),
        late: over(lives, &late),
        minutes: all(lives.iter().map(|reads| minutes_until(new, reads, wanted?))),
        strange: over(lives, &|reads| strange(new, reads)),
    });
    Ok(lines.collect())
}

/// The first window of which everybody with that seed guessed.
fn first_guess(lives: &[Vec<Vec<Read>>], seed: usize) -> Option<usize> {
    let first = |life: &Vec<Vec<Read>>| life[seed].iter().position(|read| read.errors.is_some());
    lives.iter().map(first).try_fold(0, |latest, first| Some(latest.max(first?)))
}

/// The mean; `None` where one is.
fn all(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Option<Vec<f64>> = values.collect();
    mean(values?.into_iter().map(Some))
}

fn early(stream: &Stream, reads: &[Read], first: usize) -> Option<f64> {
    let end_s = stream.windows[first].start_s + SPELL_S;
    let last = stream.windows.iter().position(|window| end_s <= window.start_s);
    live::skill(&reads[first..last.unwrap_or(reads.len()).max(first)])
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

fn strange(stream: &Stream, reads: &[Read]) -> Option<f64> {
    let begin_s = stream.windows.first()?.start_s;
    let early = stream.windows.iter().zip(reads);
    let early = early.filter(|(window, _)| window.start_s < begin_s + BEGINNING_S);
    mean(early.map(|(_, read)| Some(f64::from(u8::from(read.p_value? <= 0.01)))))
}
