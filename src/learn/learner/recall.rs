//! Remembered moments: finding the one at a time, and those like another.
//!
//! Moments are those in memory and the quarantined ones that were laid aside. Whitening and index are
//! made for each question, from memory as it is: nothing about them is kept, nothing goes stale.

use crate::encode::latent::Latent;
use crate::learn::classes::space::{Description, Map, Space};
use crate::learn::classes::taught::NamesError;
use crate::learn::learner::Learner;
use crate::learn::search::{Hit, Index};

/// Seconds by which a moment may be off what was asked for, or twice the time between windows.
const MOST_OFF_S: f64 = 1.0;
/// Moments closer than this to a better one are not told beside it, seconds.
const APART_S: f64 = 5.0;
/// Remembered windows from which middle and whitening are taken, at most.
const MOST_FITTED: usize = 512;

/// Where a moment lies: a slot of memory, or of those laid aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Memory(usize),
    Aside(usize),
}

/// A moment that is remembered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// When it began, in seconds of the source's life.
    pub at_s: f64,
    pub(super) valid_tokens: usize,
    pub(super) place: Place,
}

/// A moment that is like what was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// When it began, in seconds of the source's life.
    pub at_s: f64,
    /// 1 − cosine of whitened embeddings, 0 to 2.
    pub distance: f32,
    /// Whether it was kept out of learning as unusual.
    pub is_quarantined: bool,
}

impl Learner {
    fn moments(&self) -> impl Iterator<Item = Moment> + '_ {
        let of = |at_s, valid_tokens, place| Moment { at_s, valid_tokens, place };
        let memory = self.memory.slots().map(move |slot| {
            let facts = self.memory.facts(slot);
            of(facts.at_s, facts.valid_tokens, Place::Memory(slot))
        });
        let aside = self.aside.slots().map(move |slot| {
            let facts = self.aside.facts(slot);
            of(facts.at_s, facts.valid_tokens, Place::Aside(slot))
        });
        memory.chain(aside)
    }

    /// The remembered moment at that time, as nearly as windows lie.
    ///
    /// # Errors
    ///
    /// [`NamesError::NoSuchMoment`], [`NamesError::TooEarly`].
    pub fn moment(&self, at_s: f64) -> Result<Moment, NamesError> {
        if !self.whitener.is_fitted() {
            return Err(NamesError::TooEarly);
        }
        let off = |moment: &Moment| (moment.at_s - at_s).abs();
        let most = MOST_OFF_S.max(2.0 * self.times.interval_s);
        let nearest = self.moments().min_by(|a, b| off(a).total_cmp(&off(b)));
        nearest.filter(|moment| off(moment) <= most).ok_or_else(|| {
            let first = self.moments().map(|m| m.at_s).fold(f64::INFINITY, f64::min);
            let last = self.moments().map(|m| m.at_s).fold(f64::NEG_INFINITY, f64::max);
            let remembered = nearest.is_some().then_some((first, last));
            NamesError::NoSuchMoment { at_s, remembered }
        })
    }

    /// When the newest window began, in seconds of the source's life.
    pub const fn newest_s(&self) -> Option<f64> {
        self.times.last_s
    }

    /// A moment's projected tokens and prepared embedding, into scratch.
    pub(super) fn load_moment(&mut self, place: Place) {
        let (memory, slot) = match place {
            Place::Memory(slot) => (&self.memory, slot),
            Place::Aside(slot) => (&self.aside, slot),
        };
        memory.tokens(slot, &self.token_codec, &mut self.scratch.x);
        let (stored, scale) = memory.embedding(slot);
        self.embedding_codec.decode(stored, scale, &mut self.scratch.embedding);
    }

    /// The remembered moments most like these windows together.
    ///
    /// # Errors
    ///
    /// [`NamesError::TooEarly`], [`NamesError::EmptyShot`].
    pub fn search(&mut self, latents: &[Latent], nearest: usize) -> Result<Vec<Found>, NamesError> {
        let mut embeddings = Vec::new();
        for latent in latents {
            if !self.is_acceptable(latent) {
                continue;
            }
            self.distance.prepare(&latent.embedding, &mut self.scratch.embedding);
            embeddings.push(self.scratch.embedding.clone());
        }
        if embeddings.is_empty() {
            return Err(NamesError::EmptyShot);
        }
        self.search_prepared(embeddings, nearest, None)
    }

    /// The remembered moments most like another one, itself left out; and when that one was.
    ///
    /// # Errors
    ///
    /// As [`Learner::moment`].
    pub fn search_moment(
        &mut self,
        at_s: f64,
        nearest: usize,
    ) -> Result<(f64, Vec<Found>), NamesError> {
        let moment = self.moment(at_s)?;
        self.load_moment(moment.place);
        let embeddings = vec![self.scratch.embedding.clone()];
        let found = self.search_prepared(embeddings, nearest, Some(moment.at_s))?;
        Ok((moment.at_s, found))
    }

    /// The remembered moments most like what was taught under that name.
    ///
    /// # Errors
    ///
    /// [`NamesError::NoSuchName`], [`NamesError::TooEarly`].
    pub fn search_name(&mut self, name: &str, nearest: usize) -> Result<Vec<Found>, NamesError> {
        let taught = self.classes.taught();
        let class = &taught.classes()[taught.place(name)?];
        let windows = class.shots.iter().flat_map(|shot| &shot.windows);
        let embeddings = windows.map(|window| window.embedding().to_vec()).collect();
        self.search_prepared(embeddings, nearest, None)
    }

    fn search_prepared(
        &mut self,
        embeddings: Vec<Vec<f32>>,
        nearest: usize,
        skip_s: Option<f64>,
    ) -> Result<Vec<Found>, NamesError> {
        if !self.whitener.is_fitted() || self.memory.is_empty() {
            return Err(NamesError::TooEarly);
        }
        let bare = |frozen: Vec<f32>| Description { hidden: Vec::new(), frozen };
        let every = self.memory.len().div_ceil(MOST_FITTED).max(1);
        let slots: Vec<usize> = self.memory.slots().step_by(every).collect();
        let past: Vec<Description> = slots
            .into_iter()
            .map(|slot| {
                self.load_moment(Place::Memory(slot));
                bare(self.scratch.embedding.clone())
            })
            .collect();
        let mut map = Map::fit(0, self.shape.embedding_dim, self.seed, &past);
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is compared")]
        let mut point = |frozen: Vec<f32>| -> Vec<f32> {
            map.point(Space::Frozen, &bare(frozen)).iter().map(|&x| x as f32).collect()
        };
        let points: Vec<Vec<f32>> = embeddings.into_iter().map(&mut point).collect();
        let dim = points[0].len();
        let mut query = vec![0.0; dim];
        for x in &points {
            query.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
        }
        let moments: Vec<Moment> = self.moments().collect();
        let mut index = Index::with_capacity(dim, moments.len());
        for moment in &moments {
            self.load_moment(moment.place);
            index.push(&point(self.scratch.embedding.clone()), moment.at_s);
        }
        let hits = index.nearest(&query, nearest, APART_S, skip_s);
        let found = |hit: Hit| Found {
            at_s: hit.at_s,
            distance: hit.distance,
            is_quarantined: matches!(moments[hit.row].place, Place::Aside(_)),
        };
        Ok(hits.into_iter().map(found).collect())
    }
}
