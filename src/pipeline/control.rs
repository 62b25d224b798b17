//! What may be asked of a source while it runs: names, remembered moments, what was learnt.
//!
//! The thread that owns the weights answers between two chunks, so nothing is locked; a question that
//! finds `QUEUE` others waiting is refused at once. Without a daemon the same questions go to a
//! [`Track`] directly.

use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::RecvTimeoutError;
use crossbeam_channel::Sender;
use crossbeam_channel::TrySendError;
use thiserror::Error;

use crate::emit::report::Beside;
use crate::encode::latent::Latent;
use crate::learn::classes::Named;
use crate::learn::classes::taught::NamesError;
use crate::learn::learner::Found;
use crate::learn::learner::Inspection;
use crate::learn::learner::Marked;
use crate::pipeline::track::Track;

/// Questions that wait for a source.
const QUEUE: usize = 4;
/// A source that is busy for longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Moments that a search tells at most.
pub const MOST_FOUND: usize = 100;

/// A time in the life of a source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// Seconds of the source's life, earlier runs included.
    Lived(f64),
    /// Seconds before the newest window.
    Ago(f64),
}

/// A question or an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// An example: the windows of one recording.
    Teach {
        /// What it is.
        name: String,
        /// The encoder's work.
        windows: Vec<Latent>,
        /// Whether it is undone together with the one before.
        continues: bool,
    },
    /// An example that the source has met itself.
    TeachAt {
        /// What it is.
        name: String,
        /// When it was.
        at: At,
        /// Whether it is undone together with the one before.
        continues: bool,
    },
    /// All names.
    Names,
    /// Forget a name.
    Forget(String),
    /// Call it something else.
    Rename {
        /// What it is called.
        name: String,
        /// What it shall be called.
        to: String,
    },
    /// Take back the last order, or bring it back.
    Undo,
    /// Moments like these windows.
    Search {
        /// The encoder's work.
        windows: Vec<Latent>,
        /// How many.
        nearest: usize,
    },
    /// Moments like that one.
    SearchAt {
        /// When it was.
        at: At,
        /// How many.
        nearest: usize,
    },
    /// Moments like what was taught under that name.
    SearchName {
        /// The name.
        name: String,
        /// How many.
        nearest: usize,
    },
    /// "This is normal."
    Normal(At),
    /// "This is not normal."
    Unusual(At),
    /// What was learnt?
    Inspect,
    /// Bring back the champion before.
    RollBack,
}

impl Ask {
    /// Whether answering may change what is kept.
    pub const fn is_order(&self) -> bool {
        matches!(
            self,
            Self::Teach { .. }
                | Self::TeachAt { .. }
                | Self::Forget(_)
                | Self::Rename { .. }
                | Self::Undo
                | Self::Normal(_)
                | Self::Unusual(_)
                | Self::RollBack
        )
    }
}

/// All names of a source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Names {
    /// Each with its examples, in the order of teaching.
    pub names: Vec<(String, usize)>,
    /// Windows of all examples, and the most there may be.
    pub windows: (usize, usize),
    /// Bytes of all examples, and the most there may be.
    pub bytes: (usize, usize),
    /// How names are told, in words; `None` before anything was named.
    pub method: Option<String>,
    /// Share of examples named rightly while they were left out.
    pub accuracy: Option<f64>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The names, also after an order; for a moment, when exactly it was.
    Names {
        /// All names now.
        names: Names,
        /// The moment's begin, in seconds of the source's life.
        at_s: Option<f64>,
    },
    /// Remembered moments, the nearest first.
    Found {
        /// What the query itself is called, where it is a recording.
        named: Option<Named>,
        /// The query's begin, where it is a moment.
        at_s: Option<f64>,
        /// The moments.
        moments: Vec<Found>,
    },
    /// What came of a word about a moment.
    Marked(Marked),
    /// What was learnt; after a rollback, when the champion that came back gave way.
    Learnt {
        /// A view of it.
        seen: Box<Inspection>,
        /// In seconds of the source's life.
        at_s: Option<f64>,
        /// The source that stands beside it, and what came of both.
        beside: Option<(String, Beside)>,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, Error, PartialEq)]
#[non_exhaustive]
pub enum AskError {
    /// The learner says no.
    #[error(transparent)]
    Names(#[from] NamesError),
    /// There is no champion to go back to.
    #[error("no earlier champion is kept; the first one is when a challenger takes its place")]
    NoPredecessor,
    /// Others are waiting.
    #[error("{QUEUE} other questions wait for this source; try again")]
    Busy,
    /// It takes too long.
    #[error("the source did not answer within {} s; look at `habituate status`", PATIENCE.as_secs())]
    Late,
    /// The source has ended.
    #[error("this source has ended; stop the daemon, then ask the state directory")]
    Ended,
}

/// A question on its way.
#[derive(Debug)]
pub struct Asked {
    /// The question.
    pub ask: Ask,
    /// Where the answer goes. Whoever asked may be gone.
    pub answer: Sender<Result<Answer, AskError>>,
}

/// The asking end.
#[derive(Debug, Clone)]
pub struct Line {
    sender: Sender<Asked>,
}

/// Both ends of a line to one source.
pub fn line() -> (Line, Receiver<Asked>) {
    let (sender, inbox) = crossbeam_channel::bounded(QUEUE);
    (Line { sender }, inbox)
}

impl Line {
    /// Asks and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`AskError`].
    pub fn ask(&self, ask: Ask) -> Result<Answer, AskError> {
        let (answer, answers) = crossbeam_channel::bounded(1);
        self.sender.try_send(Asked { ask, answer }).map_err(|refused| match refused {
            TrySendError::Full(_) => AskError::Busy,
            TrySendError::Disconnected(_) => AskError::Ended,
        })?;
        answers.recv_timeout(PATIENCE).unwrap_or_else(|none| {
            Err(match none {
                RecvTimeoutError::Timeout => AskError::Late,
                RecvTimeoutError::Disconnected => AskError::Ended,
            })
        })
    }
}

impl Track {
    /// Answers a question, or does as ordered.
    ///
    /// # Errors
    ///
    /// [`AskError::Names`], [`AskError::NoPredecessor`]; nothing has changed then.
    pub fn answer(&mut self, ask: Ask) -> Result<Answer, AskError> {
        let mut at_s = None;
        match ask {
            Ask::Teach { name, windows, continues } => {
                self.learner_mut().teach(&name, &windows, continues)?;
            }
            Ask::TeachAt { name, at, continues } => {
                let wanted_s = self.lived_at(at)?;
                at_s = Some(self.learner_mut().teach_moment(&name, wanted_s, continues)?);
            }
            Ask::Names => {}
            Ask::Forget(name) => {
                self.learner_mut().forget(&name)?;
            }
            Ask::Rename { name, to } => self.learner_mut().rename(&name, &to)?,
            Ask::Undo => self.learner_mut().undo_names()?,
            Ask::Search { windows, nearest } => {
                let moments = self.learner_mut().search(&windows, nearest.min(MOST_FOUND))?;
                let named = self.learner_mut().name_all(&windows);
                return Ok(Answer::Found { named, at_s: None, moments });
            }
            Ask::SearchAt { at, nearest } => {
                let wanted_s = self.lived_at(at)?;
                let nearest = nearest.min(MOST_FOUND);
                let (at_s, moments) = self.learner_mut().search_moment(wanted_s, nearest)?;
                return Ok(Answer::Found { named: None, at_s: Some(at_s), moments });
            }
            Ask::SearchName { name, nearest } => {
                let moments = self.learner_mut().search_name(&name, nearest.min(MOST_FOUND))?;
                return Ok(Answer::Found { named: None, at_s: None, moments });
            }
            Ask::Normal(at) => {
                let wanted_s = self.lived_at(at)?;
                return Ok(Answer::Marked(self.learner_mut().mark_normal(wanted_s)?));
            }
            Ask::Unusual(at) => {
                let wanted_s = self.lived_at(at)?;
                return Ok(Answer::Marked(self.learner_mut().mark_unusual(wanted_s)?));
            }
            Ask::Inspect => return Ok(self.learnt(None)),
            Ask::RollBack => {
                let at_s = self.learner_mut().roll_back().map_err(|_| AskError::NoPredecessor)?;
                return Ok(self.learnt(Some(at_s)));
            }
        }
        Ok(Answer::Names { names: self.names(), at_s })
    }

    fn learnt(&self, at_s: Option<f64>) -> Answer {
        Answer::Learnt {
            seen: Box::new(self.learner().inspect()),
            at_s,
            beside: self.companion().map(|other| (other.name().to_owned(), other.report())),
        }
    }

    fn lived_at(&mut self, at: At) -> Result<f64, NamesError> {
        match at {
            At::Lived(at_s) => Ok(at_s),
            At::Ago(ago_s) => {
                let newest_s = self.learner_mut().newest_s().ok_or(NamesError::TooEarly)?;
                Ok(newest_s - ago_s)
            }
        }
    }
}
