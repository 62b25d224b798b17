//! Questions and answers as JSON, the same on the socket and for programs that ask a state directory.

use ndarray::Array2;
use serde::Deserialize;
use serde::Serialize;

use crate::encode::latent::Latent;
use crate::learn::classes::taught::NamesError;
use crate::learn::classes::taught::UNKNOWN;
use crate::pipeline::control::Answer;
use crate::pipeline::control::Ask;
use crate::pipeline::control::AskError;
use crate::pipeline::control::At;
use crate::pipeline::control::Names;
use crate::web::learnt::LearntDoc;
use crate::web::learnt::MarkedDoc;

/// Moments that are told where nobody says how many.
const USUAL_NEAREST: usize = 10;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST /teach`
    Teach,
    /// `POST /search`
    Search,
    /// `GET /names`
    Names,
    /// `POST /names/forget`
    Forget,
    /// `POST /names/rename`
    Rename,
    /// `POST /names/undo`
    Undo,
    /// `POST /normal`
    Normal,
    /// `POST /unusual`
    Unusual,
    /// `GET /state`
    Inspect,
    /// `POST /state/rollback`
    Rollback,
}

impl Route {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Teach,
        Self::Search,
        Self::Names,
        Self::Forget,
        Self::Rename,
        Self::Undo,
        Self::Normal,
        Self::Unusual,
        Self::Inspect,
        Self::Rollback,
    ];

    /// Method and path.
    pub const fn line(self) -> (&'static str, &'static str) {
        match self {
            Self::Teach => ("POST", "/teach"),
            Self::Search => ("POST", "/search"),
            Self::Names => ("GET", "/names"),
            Self::Forget => ("POST", "/names/forget"),
            Self::Rename => ("POST", "/names/rename"),
            Self::Undo => ("POST", "/names/undo"),
            Self::Normal => ("POST", "/normal"),
            Self::Unusual => ("POST", "/unusual"),
            Self::Inspect => ("GET", "/state"),
            Self::Rollback => ("POST", "/state/rollback"),
        }
    }
}

/// One window, as the encoder gave it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowDoc {
    /// `[tokens][token_dim]`.
    pub tokens: Vec<Vec<f32>>,
    /// Tokens that are not padding.
    pub valid_tokens: usize,
    /// `[embedding_dim]`.
    pub embedding: Vec<f32>,
}

impl From<&Latent> for WindowDoc {
    fn from(latent: &Latent) -> Self {
        Self {
            tokens: latent.tokens.rows().into_iter().map(|row| row.to_vec()).collect(),
            valid_tokens: latent.valid_tokens,
            embedding: latent.embedding.clone(),
        }
    }
}

impl WindowDoc {
    /// `None` when rows differ in length; whether the sizes are right is the learner's to say.
    fn latent(self) -> Option<Latent> {
        let width = self.tokens.first()?.len();
        if self.tokens.iter().any(|row| row.len() != width) {
            return None;
        }
        let shape = (self.tokens.len(), width);
        let tokens = Array2::from_shape_vec(shape, self.tokens.concat()).ok()?;
        Some(Latent { tokens, valid_tokens: self.valid_tokens, embedding: self.embedding })
    }
}

/// The body of a question. Which keys it needs depends on the route.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskDoc {
    /// Which source; may be left out where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// A name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// A moment, in seconds of the source's life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_s: Option<f64>,
    /// A moment, in seconds before the newest window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ago_s: Option<f64>,
    /// The windows of one recording.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowDoc>,
    /// SHA-256 of the encoder that made them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder_sha256: Option<String>,
    /// Whether it is undone together with the one before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
    /// How many moments to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<usize>,
}

/// What is answered; keys without a value are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerDoc {
    /// Why nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The source that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// All names now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<NamesDoc>,
    /// The moment that was asked for, in seconds of the source's life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_s: Option<f64>,
    /// What the recording is called, or "unknown".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Probability of the name among those taught.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// Remembered moments, the nearest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moments: Option<Vec<MomentDoc>>,
    /// What came of a word about a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marked: Option<MarkedDoc>,
    /// A view of what was learnt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnt: Option<Box<LearntDoc>>,
}

/// All names of a source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NamesDoc {
    /// In the order of teaching.
    pub classes: Vec<ClassDoc>,
    /// Windows of all examples.
    pub windows: usize,
    /// The most there may be.
    pub windows_max: usize,
    /// Bytes of all examples, those kept for undo included.
    pub bytes: usize,
    /// The most there may be.
    pub bytes_max: usize,
    /// How names are told.
    pub method: Option<String>,
    /// Share of examples named rightly while they were left out.
    pub accuracy: Option<f64>,
}

/// A name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassDoc {
    /// The name.
    pub name: String,
    /// Its examples.
    pub examples: usize,
}

/// A remembered moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MomentDoc {
    /// Seconds of the source's life.
    pub at_s: f64,
    /// 0 to 2.
    pub distance: f32,
    /// Whether it was kept out of learning as unusual.
    pub quarantined: bool,
}

impl AskDoc {
    /// As a question to a source.
    ///
    /// # Errors
    ///
    /// What is missing or too much, in words.
    pub fn into_ask(self, route: Route) -> Result<Ask, String> {
        let at = match (self.at_s, self.ago_s) {
            (Some(at_s), None) if at_s.is_finite() => Some(At::Lived(at_s)),
            (None, Some(ago_s)) if ago_s.is_finite() => Some(At::Ago(ago_s)),
            (None, None) => None,
            _ => return Err("give one of at_s and ago_s, a number of seconds".into()),
        };
        let wanted = |what: Option<String>, key: &str| {
            what.ok_or_else(|| format!("{key:?} is missing: a name"))
        };
        let nearest = self.nearest.unwrap_or(USUAL_NEAREST);
        let windows: Option<Vec<Latent>> =
            self.windows.into_iter().map(WindowDoc::latent).collect();
        let windows = windows.ok_or("tokens must be rows of equal length, at least one")?;
        Ok(match (route, at, windows.is_empty()) {
            (Route::Names, ..) => Ask::Names,
            (Route::Forget, ..) => Ask::Forget(wanted(self.name, "name")?),
            (Route::Rename, ..) => {
                Ask::Rename { name: wanted(self.name, "name")?, to: wanted(self.to, "to")? }
            }
            (Route::Undo, ..) => Ask::Undo,
            (Route::Inspect, ..) => Ask::Inspect,
            (Route::Rollback, ..) => Ask::RollBack,
            (Route::Normal, Some(at), true) => Ask::Normal(at),
            (Route::Unusual, Some(at), true) => Ask::Unusual(at),
            (Route::Normal | Route::Unusual, ..) => {
                return Err("say which moment, with at_s or ago_s".into());
            }
            (Route::Teach, Some(at), true) => {
                Ask::TeachAt { name: wanted(self.name, "name")?, at, continues: self.continues }
            }
            (Route::Teach, None, false) => {
                Ask::Teach { name: wanted(self.name, "name")?, windows, continues: self.continues }
            }
            (Route::Teach, ..) => {
                return Err("teach from windows or from a moment, one of both".into());
            }
            (Route::Search, Some(at), true) if self.name.is_none() => Ask::SearchAt { at, nearest },
            (Route::Search, None, false) if self.name.is_none() => Ask::Search { windows, nearest },
            (Route::Search, None, true) => {
                Ask::SearchName { name: wanted(self.name, "name")?, nearest }
            }
            (Route::Search, ..) => {
                return Err("search for windows, a moment or a name, one of them".into());
            }
        })
    }
}

/// An answer with its HTTP status.
pub fn answer(source: &str, result: Result<Answer, AskError>) -> (u16, AnswerDoc) {
    let source = Some(source.to_owned());
    match result {
        Ok(Answer::Names { names, at_s }) => {
            (200, AnswerDoc { source, names: Some(names.into()), at_s, ..AnswerDoc::default() })
        }
        Ok(Answer::Found { named, at_s, moments }) => {
            let confidence = named.as_ref().filter(|n| n.name.is_some()).map(|n| n.confidence);
            let name = named.map(|named| named.name.unwrap_or_else(|| UNKNOWN.into()));
            let moments = moments.iter().map(|found| MomentDoc {
                at_s: found.at_s,
                distance: found.distance,
                quarantined: found.is_quarantined,
            });
            let moments = Some(moments.collect());
            (200, AnswerDoc { source, name, confidence, at_s, moments, ..AnswerDoc::default() })
        }
        Ok(Answer::Marked(marked)) => {
            let (at_s, marked) = (Some(marked.at_s), Some(MarkedDoc::from(&marked)));
            (200, AnswerDoc { source, at_s, marked, ..AnswerDoc::default() })
        }
        Ok(Answer::Learnt { seen, at_s, beside }) => {
            let learnt = Some(Box::new(LearntDoc::new(&seen, beside)));
            (200, AnswerDoc { source, at_s, learnt, ..AnswerDoc::default() })
        }
        Err(error) => {
            let why = error.to_string();
            (status(&error), AnswerDoc { source, error: Some(why), ..AnswerDoc::default() })
        }
    }
}

const fn status(error: &AskError) -> u16 {
    match error {
        AskError::Names(NamesError::NoSuchName { .. } | NamesError::NoSuchMoment { .. }) => 404,
        AskError::Names(NamesError::Full { .. }) => 507,
        AskError::Names(
            NamesError::NameTaken { .. } | NamesError::NothingToUndo | NamesError::TooEarly,
        ) => 409,
        AskError::NoPredecessor => 409,
        AskError::Names(_) => 400,
        _ => 503,
    }
}

impl From<Names> for NamesDoc {
    fn from(names: Names) -> Self {
        let class = |(name, examples)| ClassDoc { name, examples };
        Self {
            classes: names.names.into_iter().map(class).collect(),
            windows: names.windows.0,
            windows_max: names.windows.1,
            bytes: names.bytes.0,
            bytes_max: names.bytes.1,
            method: names.method,
            accuracy: names.accuracy,
        }
    }
}

impl AnswerDoc {
    /// Indented JSON with a final newline.
    pub fn to_json(&self) -> String {
        // Invariant: a struct of numbers and texts always serialises.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads what [`AnswerDoc::to_json`] wrote.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl AskDoc {
    /// On one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a body; nothing at all asks for nothing in particular.
    ///
    /// # Errors
    ///
    /// Where it is wrong, in words.
    pub fn from_json(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text).map_err(|wrong| wrong.to_string())
    }
}

#[cfg(test)]
mod tests;
