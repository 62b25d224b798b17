//! Names for what somebody has taught: a few examples each, "unknown" for everything else.
//!
//! [`taught`] keeps the examples, as the encoder gave them; [`space`] makes points of them; [`head`]
//! tells the points apart; [`choose`] finds the space and the head that name examples best which they
//! have not seen; [`unknown`] says when a moment is like none. Frozen and learnt spaces are both on
//! offer, so learning can never make names worse than they are without it, as far as the examples can
//! tell.
//!
//! When weights or whitening change, everything but the examples is *stale*: it is fitted again,
//! before the next window is named. Nothing here changes what is learnt or how windows are scored.

pub mod choose;
pub mod examples;
pub mod head;
mod linear;
mod prototypes;
mod ranpac;
pub mod shot;
mod slda;
pub mod space;
pub mod taught;
pub mod unknown;

pub mod state;

use crate::learn::classes::choose::{Candidate, STOPS, cross_validate, is_better, posterior};
use crate::learn::classes::examples::Examples;
use crate::learn::classes::head::{Head, HeadKind};
use crate::learn::classes::space::{Description, Map, Space};
use crate::learn::classes::taught::{NamesError, Taught};
use crate::learn::classes::unknown::{UNKNOWN_SHARE, Unknown};

pub use crate::learn::classes::shot::{Shot, ShotWindow};

/// What a moment is.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The class; `None` for unknown.
    pub name: Option<String>,
    /// Of the class, or of the most likely one when unknown: its probability among the taught ones.
    pub confidence: f32,
    /// How usual the moment is for that class: the share of its examples at least as strange.
    pub p_value: f32,
}

/// How names are told at present.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Space and head.
    pub candidate: Candidate,
    /// Share of examples named rightly while they were left out; `None` while no name has two.
    pub accuracy: Option<f64>,
}

/// A taught window, described: its class, its example, and its weight.
pub type TaughtWindow = (usize, usize, f64, Description);

#[derive(Debug)]
struct Fitted {
    map: Map,
    method: Method,
    temperature: f64,
    unknown: Unknown,
    head: Box<dyn Head>,
}

/// All that is known of names.
#[derive(Debug, Default)]
pub struct Classes {
    taught: Taught,
    fitted: Option<Fitted>,
    is_stale: bool,
    choose_anew: bool,
    /// Windows admitted to memory when space and head were last chosen.
    chosen_at: u64,
}

/// What [`Classes::fit`] looks at.
#[derive(Debug)]
pub struct Past {
    /// Remembered windows, at least one.
    pub remembered: Vec<Description>,
    /// Every window of every example.
    pub taught: Vec<TaughtWindow>,
    /// Windows admitted to memory so far.
    pub admitted: u64,
    /// Chooses the subspace of wide embeddings.
    pub seed: u64,
}

impl Classes {
    /// Names and examples.
    pub const fn taught(&self) -> &Taught {
        &self.taught
    }

    /// How names are told; `None` before anything was fitted, and where no name is left.
    pub fn method(&self) -> Option<&Method> {
        self.fitted.as_ref().map(|fitted| &fitted.method)
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.taught.classes().is_empty()
    }

    /// Weights or whitening have changed.
    pub const fn mark_stale(&mut self) {
        self.is_stale = true;
    }

    /// Whether [`Classes::fit`] must come before [`Classes::name`]; also when so much was met since
    /// that another space may be better.
    pub fn must_fit(&self, admitted: u64) -> bool {
        !self.is_empty()
            && (self.is_stale || self.fitted.is_none() || 2 * self.chosen_at <= admitted)
    }

    /// Another example. With `continues`, it is undone together with the one before.
    ///
    /// # Errors
    ///
    /// [`NamesError`]; nothing has changed then.
    pub fn teach(&mut self, name: &str, shot: Shot, continues: bool) -> Result<(), NamesError> {
        self.taught.teach(name, shot, continues)?;
        self.change();
        Ok(())
    }

    /// Forgets a name; gives how many examples it had.
    ///
    /// # Errors
    ///
    /// [`NamesError::NoSuchName`].
    pub fn forget(&mut self, name: &str) -> Result<usize, NamesError> {
        let count = self.taught.forget(name)?;
        self.change();
        Ok(count)
    }

    /// Another name for the same.
    ///
    /// # Errors
    ///
    /// [`NamesError`].
    pub fn rename(&mut self, name: &str, to: &str) -> Result<(), NamesError> {
        self.taught.rename(name, to)
    }

    /// Takes back the last step; a second time brings it back.
    ///
    /// # Errors
    ///
    /// [`NamesError::NothingToUndo`].
    pub fn undo(&mut self) -> Result<(), NamesError> {
        self.taught.undo()?;
        self.change();
        Ok(())
    }

    fn change(&mut self) {
        if self.is_empty() {
            self.fitted = None;
        }
        self.is_stale = true;
        self.choose_anew = true;
    }

    /// Fits everything to the examples and to what is remembered.
    pub fn fit(&mut self, past: &Past) {
        let Some(first) = past.remembered.first() else { return };
        let (hidden, frozen) = (first.hidden.len(), first.frozen.len());
        let mut map = Map::fit(hidden, frozen, past.seed, &past.remembered);
        let chooses =
            self.choose_anew || self.fitted.is_none() || 2 * self.chosen_at <= past.admitted;
        let candidate = match &self.fitted {
            Some(fitted) if !chooses => fitted.method.candidate,
            _ => self.choose(&mut map, &past.taught),
        };
        let examples = self.examples(&mut map, candidate.space, &past.taught);
        let trial = cross_validate(&examples, candidate.head);
        let head = candidate.head.fit(&examples);
        let classes = examples.classes;
        let unknown = match &trial {
            Some(trial) => Unknown::from_examples(&trial.strangeness, classes),
            None => background(&mut map, candidate.space, head.as_ref(), past, classes),
        };
        let accuracy = trial.as_ref().map(|trial| trial.accuracy);
        // A cosine of 1 against 0 is then nearly certain.
        let temperature = trial.map_or(0.1, |trial| trial.temperature);
        let method = Method { candidate, accuracy };
        self.fitted = Some(Fitted { map, method, temperature, unknown, head });
        if chooses {
            self.chosen_at = past.admitted;
        }
        self.choose_anew = false;
        self.is_stale = false;
    }

    fn choose(&self, map: &mut Map, taught: &[TaughtWindow]) -> Candidate {
        let mut sets: Vec<(Space, Examples)> = Vec::new();
        for space in [Space::Frozen, Space::Whitened, Space::Joined] {
            sets.push((space, self.examples(map, space, taught)));
        }
        let of = |space: Space| sets.iter().find(|(known, _)| *known == space).map(|(_, set)| set);
        let mut best = None;
        let mut consider = |candidate: Candidate| {
            let Some(set) = of(candidate.space) else { return };
            let Some(trial) = cross_validate(set, candidate.head) else { return };
            let is_new_best =
                best.as_ref().is_none_or(|(_, known)| is_better(&trial, candidate.head, known));
            if is_new_best {
                best = Some((candidate, trial));
            }
        };
        let all = &sets[0].1;
        choose::candidates(all).into_iter().for_each(&mut consider);
        if choose::may_be_tuned(all) {
            for space in [Space::Frozen, Space::Whitened] {
                for steps in STOPS {
                    consider(Candidate { space, head: HeadKind::Linear { steps } });
                }
            }
        }
        // With nothing to judge by: what is learnt and what is not, alike.
        let unjudged = Candidate { space: Space::Whitened, head: HeadKind::Prototypes };
        best.map_or(unjudged, |(candidate, _)| candidate)
    }

    fn examples(&self, map: &mut Map, space: Space, taught: &[TaughtWindow]) -> Examples {
        let mut examples = Examples::default();
        for (class, shot, weight, window) in taught {
            let point = map.point(space, window);
            if examples.is_empty() {
                examples = Examples::of(point.len(), self.taught.classes().len());
            }
            examples.push(&point, *class, *shot, *weight);
        }
        examples
    }

    /// Names a moment of one or more windows. `None` where nothing was taught or fitted.
    pub fn name(&mut self, windows: &[Description]) -> Option<Named> {
        let classes = self.taught.classes();
        let fitted = self.fitted.as_mut()?;
        let is_fitted = fitted.unknown.classes() == classes.len();
        if !is_fitted || classes.is_empty() || windows.is_empty() {
            return None;
        }
        let (mut scores, mut strangeness) = (vec![0.0; classes.len()], vec![0.0; classes.len()]);
        let mut row = vec![0.0; classes.len()];
        for window in windows {
            let point = fitted.map.point(fitted.method.candidate.space, window);
            let share = 1.0 / windows.len() as f64;
            fitted.head.scores(&point, &mut row);
            scores.iter_mut().zip(&row).for_each(|(sum, x)| *sum += share * x);
            fitted.head.strangeness(&point, &mut row);
            strangeness.iter_mut().zip(&row).for_each(|(sum, x)| *sum += share * x);
        }
        choose::contrast(&mut strangeness);
        let told = choose::best(&scores)?;
        let p_value = fitted.unknown.p_value(told, strangeness[told]);
        let confidence = posterior(&scores, fitted.temperature)[told];
        #[expect(clippy::cast_possible_truncation, reason = "computed in f64, told in f32")]
        Some(Named {
            name: (UNKNOWN_SHARE < p_value).then(|| classes[told].name.clone()),
            confidence: confidence as f32,
            p_value: p_value as f32,
        })
    }
}

fn background(
    map: &mut Map,
    space: Space,
    head: &dyn Head,
    past: &Past,
    classes: usize,
) -> Unknown {
    let mut all = vec![Vec::with_capacity(past.remembered.len()); classes];
    let mut row = vec![0.0; classes];
    for window in &past.remembered {
        head.strangeness(&map.point(space, window), &mut row);
        choose::contrast(&mut row);
        all.iter_mut().zip(&row).for_each(|(all, &x)| all.push(x));
    }
    Unknown::from_background(all)
}

#[cfg(test)]
mod tests;
