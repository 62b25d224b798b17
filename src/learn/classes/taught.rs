//! The table of names and their examples, and what may be done with it.

use std::sync::Arc;

use thiserror::Error;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::duration;
use crate::learn::classes::shot::Shot;

/// Names at most.
pub const MOST_CLASSES: usize = 64;
/// Examples of a name at most.
pub const MOST_SHOTS: usize = 64;
/// Windows of one example that are kept at most.
pub const MOST_WINDOWS: usize = 8;
/// Windows of all examples at most.
pub const MOST_WINDOWS_IN_ALL: usize = 512;
/// Bytes of all examples at most, those that undo brings back included.
pub const MOST_BYTES: usize = 2 << 20;
/// Characters of a name at most.
pub const MOST_NAME_CHARS: usize = 64;

/// What is said of a moment that is like no class; no class may be called so.
pub const UNKNOWN: &str = "unknown";

/// Why something cannot be taught, forgotten or found.
#[derive(Debug, Clone, Error, PartialEq)]
#[non_exhaustive]
pub enum NamesError {
    /// A name that cannot be one.
    #[error(
        "{name:?} cannot be a name: it needs 1 to {MOST_NAME_CHARS} characters, no line breaks or \
         control characters, and not {UNKNOWN:?}"
    )]
    BadName {
        /// As given.
        name: String,
    },
    /// Nobody taught it.
    #[error("nothing is called {name:?} here; {}", among(.known))]
    NoSuchName {
        /// As given.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The new name belongs to another class.
    #[error("{name:?} is taken; forget it first, or choose another name")]
    NameTaken {
        /// As given.
        name: String,
    },
    /// A bound is reached.
    #[error(
        "no room for another {what}: {most} is the most; forget a name, or teach fewer examples"
    )]
    Full {
        /// Which.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// There is nothing to take back.
    #[error("nothing to undo: nothing was taught, forgotten or renamed here")]
    NothingToUndo,
    /// An example without a usable window.
    #[error("this example holds nothing to learn from: it is empty, too short, or damaged")]
    EmptyShot,
    /// The moment is not, or no longer, remembered.
    #[error("{}; {}", missing(*at_s, *newest_s), span(.remembered))]
    NoSuchMoment {
        /// Seconds of the source's life; below 0 before it began.
        at_s: f64,
        /// When the newest window began.
        newest_s: f64,
        /// The first and the last moment that are.
        remembered: Option<(f64, f64)>,
    },
    /// Too early.
    #[error("it is still learning what is usual here; try again when novelty is told")]
    TooEarly,
}

fn among(names: &[String]) -> String {
    if names.is_empty() {
        "no name was taught yet".into()
    } else {
        format!("the names are {}", names.join(", "))
    }
}

fn missing(at_s: f64, newest_s: f64) -> String {
    if 0.0 <= at_s {
        return format!("no moment is remembered at {at_s:.1} s");
    }
    format!(
        "that moment, {} ago, lies before this source began, {} ago",
        duration::in_words(newest_s - at_s),
        duration::in_words(newest_s)
    )
}

fn span(remembered: &Option<(f64, f64)>) -> String {
    match remembered {
        Some((first, last)) => format!(
            "memory reaches from {first:.1} s to {last:.1} s, densely at its end and thinly before"
        ),
        None => "nothing is remembered yet".into(),
    }
}

/// A name and its examples.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// What somebody called it.
    pub name: String,
    /// Its examples, in the order in which they were taught.
    pub shots: Vec<Arc<Shot>>,
}

/// All names. Operations either succeed as a whole or change nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Taught {
    classes: Vec<Class>,
    /// What was before the last step, for undo.
    previous: Option<Vec<Class>>,
}

impl Taught {
    /// The classes, in the order in which they were first taught.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Windows of all examples.
    pub fn windows(&self) -> usize {
        self.shots().map(|shot| shot.windows.len()).sum()
    }

    /// Bytes of all examples, those kept for undo included once.
    pub fn bytes(&self) -> usize {
        self.unique().iter().map(|shot| shot.bytes()).sum()
    }

    fn shots(&self) -> impl Iterator<Item = &Arc<Shot>> {
        self.classes.iter().flat_map(|class| &class.shots)
    }

    /// Another example of `name`. With `continues`, it belongs to the same step as the one before.
    pub(super) fn teach(
        &mut self,
        name: &str,
        shot: Shot,
        continues: bool,
    ) -> Result<(), NamesError> {
        let name = checked(name)?;
        if shot.windows.is_empty() {
            return Err(NamesError::EmptyShot);
        }
        let full = |what, most| Err(NamesError::Full { what, most });
        let place = self.classes.iter().position(|class| class.name == name);
        match place {
            None if MOST_CLASSES <= self.classes.len() => return full("name", MOST_CLASSES),
            Some(place) if MOST_SHOTS <= self.classes[place].shots.len() => {
                return full("example of this name", MOST_SHOTS);
            }
            _ => {}
        }
        if MOST_WINDOWS_IN_ALL < self.windows() + shot.windows.len() {
            return full("window", MOST_WINDOWS_IN_ALL);
        }
        // Only what belongs to the step before leaves the examples of the one before that in place.
        let bytes = if continues { self.bytes() } else { self.shots().map(|s| s.bytes()).sum() };
        if MOST_BYTES < bytes + shot.bytes() {
            return full("byte of examples", MOST_BYTES);
        }
        self.step(continues);
        let shot = Arc::new(shot);
        match place {
            Some(place) => self.classes[place].shots.push(shot),
            None => self.classes.push(Class { name: name.into(), shots: vec![shot] }),
        }
        Ok(())
    }

    /// Forgets a name and its examples; gives how many these were.
    pub(super) fn forget(&mut self, name: &str) -> Result<usize, NamesError> {
        let place = self.place(name)?;
        self.step(false);
        Ok(self.classes.remove(place).shots.len())
    }

    /// Calls a class by another name.
    pub(super) fn rename(&mut self, name: &str, to: &str) -> Result<(), NamesError> {
        let place = self.place(name)?;
        let to = checked(to)?;
        if self.classes.iter().any(|class| class.name == to) {
            return Err(NamesError::NameTaken { name: to.into() });
        }
        self.step(false);
        self.classes[place].name = to.into();
        Ok(())
    }

    /// Takes back the last step. A second time brings it back.
    pub(super) fn undo(&mut self) -> Result<(), NamesError> {
        let previous = self.previous.take().ok_or(NamesError::NothingToUndo)?;
        self.previous = Some(std::mem::replace(&mut self.classes, previous));
        Ok(())
    }

    /// The class of that name.
    pub(in crate::learn) fn place(&self, name: &str) -> Result<usize, NamesError> {
        let name = name.trim();
        self.classes.iter().position(|class| class.name == name).ok_or_else(|| {
            let known = self.classes.iter().map(|class| class.name.clone()).collect();
            NamesError::NoSuchName { name: name.into(), known }
        })
    }

    fn step(&mut self, continues: bool) {
        if !continues || self.previous.is_none() {
            self.previous = Some(self.classes.clone());
        }
    }

    /// Every example once, in the order of first use.
    fn unique(&self) -> Vec<&Arc<Shot>> {
        let mut unique: Vec<&Arc<Shot>> = self.shots().collect();
        for shot in self.previous.iter().flatten().flat_map(|class| &class.shots) {
            if !unique.iter().any(|known| Arc::ptr_eq(known, shot)) {
                unique.push(shot);
            }
        }
        unique
    }

    pub(super) fn save(&self, to: &mut Writer) {
        to.section("names");
        let unique = self.unique();
        to.len(unique.len());
        unique.iter().for_each(|shot| shot.save(to));
        let table = |to: &mut Writer, classes: &[Class]| {
            to.len(classes.len());
            for class in classes {
                to.text(&class.name);
                to.len(class.shots.len());
                for shot in &class.shots {
                    let place = unique.iter().position(|known| Arc::ptr_eq(known, shot));
                    to.len(place.unwrap_or(0));
                }
            }
        };
        table(to, &self.classes);
        to.flag(self.previous.is_some());
        if let Some(previous) = &self.previous {
            table(to, previous);
        }
    }

    /// Reads what [`Taught::save`] wrote; `shape` as in [`Shot::load`].
    pub(super) fn load(
        from: &mut Reader<'_>,
        shape: (usize, usize, usize),
    ) -> Result<Self, Malformed> {
        from.section("names")?;
        let mut unique = Vec::new();
        for _ in 0..from.len()? {
            unique.push(Arc::new(Shot::load(from, shape)?));
        }
        let table = |from: &mut Reader<'_>| -> Result<Vec<Class>, Malformed> {
            let mut classes = Vec::new();
            for _ in 0..from.len()? {
                let name = from.text()?;
                let mut shots = Vec::new();
                for _ in 0..from.len()? {
                    let place = from.len()?;
                    let shot = unique.get(place).ok_or_else(|| Malformed::WrongValue {
                        what: "the number of an example",
                        found: place.to_string(),
                        expected: format!("below {}", unique.len()),
                    })?;
                    shots.push(Arc::clone(shot));
                }
                classes.push(Class { name, shots });
            }
            Ok(classes)
        };
        let classes = table(from)?;
        let previous = if from.flag()? { Some(table(from)?) } else { None };
        Ok(Self { classes, previous })
    }
}

fn checked(name: &str) -> Result<&str, NamesError> {
    let trimmed = name.trim();
    let fits = (1..=MOST_NAME_CHARS).contains(&trimmed.chars().count())
        && !trimmed.chars().any(char::is_control)
        && !trimmed.eq_ignore_ascii_case(UNKNOWN);
    if fits { Ok(trimmed) } else { Err(NamesError::BadName { name: name.into() }) }
}

#[cfg(test)]
mod tests;
