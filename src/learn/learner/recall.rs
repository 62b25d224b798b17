//! Remembered moments: finding the one at a time, and those like another.
//!
//! Moments are those in memory and the quarantined ones that were laid aside. The index is made for each
//! question, from memory as it is. Its whitening, which costs ten times as much, is kept until memory has
//! seen an eighth more; it is no part of the state, and nothing that is learnt or scored depends on it.

use crate::encode::latent::Latent;
use crate::learn::classes::space;
use crate::learn::classes::space::KEPT_DIM;
use crate::learn::classes::taught::NamesError;
use crate::learn::learner::Learner;
use crate::learn::moments::Moments;
use crate::learn::search::{Hit, Index};
use crate::learn::whiten::{MOST_DIM, Projection, Whitener};

/// Seconds by which a moment may be off what was asked for, or twice the time between windows.
const MOST_OFF_S: f64 = 1.0;
/// Moments closer than this to a better one are not told beside it, seconds.
const APART_S: f64 = 5.0;
/// Remembered windows from which middle and whitening are taken, at most.
const MOST_FITTED: usize = 512;
/// It is fitted again when one in so many windows is new.
const FIT_AGAIN: u64 = 8;
/// Moments that are whitened together.
const TOGETHER: usize = 64;

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

/// The whitened space in which moments are compared.
#[derive(Debug)]
pub(super) struct Whitened {
    /// Windows that had been admitted when it was fitted.
    admitted: u64,
    projection: Projection,
    /// Of embeddings as they are, the projection in it.
    whitener: Whitener,
}

impl Whitened {
    /// Bytes that one for embeddings of `dim` numbers holds.
    pub(super) fn bytes(dim: usize) -> usize {
        let width = dim.min(MOST_DIM);
        let map = if width < dim { dim * width } else { 0 };
        let of_whitener = (KEPT_DIM.min(width) + TOGETHER + 1) * dim;
        size_of::<f32>() * (map + of_whitener)
    }

    /// `[rows, dim]` embeddings as `[rows, KEPT_DIM]` points, or narrower ones where embeddings are.
    fn points(&mut self, embeddings: &[f32], dim: usize) -> Vec<f32> {
        let rows = embeddings.len() / dim;
        let mut points = vec![0.0; rows * self.whitener.out_dim()];
        self.whitener.apply(embeddings, &mut points);
        points
    }
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
            let newest_s = self.newest_s().unwrap_or(last);
            NamesError::NoSuchMoment { at_s, newest_s, remembered }
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
        self.embedding_of(place);
    }

    /// A moment's prepared embedding, by way of scratch.
    fn embedding_of(&mut self, place: Place) -> &[f32] {
        let (stored, scale) = match place {
            Place::Memory(slot) => self.memory.embedding(slot),
            Place::Aside(slot) => self.aside.embedding(slot),
        };
        self.embedding_codec.decode(stored, scale, &mut self.scratch.embedding);
        &self.scratch.embedding
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
        let mut space = self.whitened();
        let dim = self.shape.embedding_dim;
        let width = space.whitener.out_dim();
        let mut query = vec![0.0; width];
        for embedding in embeddings {
            let point = space.points(&embedding, dim);
            let length = point.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
            query.iter_mut().zip(point).for_each(|(sum, x)| *sum += x / length);
        }
        let moments: Vec<Moment> = self.moments().collect();
        let mut index = Index::with_capacity(width, moments.len());
        let mut rows = Vec::with_capacity(TOGETHER * dim);
        for moments in moments.chunks(TOGETHER) {
            rows.clear();
            for moment in moments {
                rows.extend_from_slice(self.embedding_of(moment.place));
            }
            let points = space.points(&rows, dim);
            for (moment, point) in moments.iter().zip(points.chunks_exact(width)) {
                index.push(point, moment.at_s);
            }
        }
        self.recall = Some(space);
        let hits = index.nearest(&query, nearest, APART_S, skip_s);
        let found = |hit: Hit| Found {
            at_s: hit.at_s,
            distance: hit.distance,
            is_quarantined: matches!(moments[hit.row].place, Place::Aside(_)),
        };
        Ok(hits.into_iter().map(found).collect())
    }

    /// The space that is kept, or a new one; to be put back.
    fn whitened(&mut self) -> Box<Whitened> {
        let dim = self.shape.embedding_dim;
        let admitted = self.counts.admitted;
        let projection = match self.recall.take() {
            Some(known) if admitted <= known.admitted + known.admitted / FIT_AGAIN => return known,
            Some(known) => known.projection,
            None => space::projection(dim, self.seed),
        };
        let width = projection.out_dim();
        let mut whitener = space::whitener(width, 1);
        let mut projected = vec![0.0; width];
        let mut moments = Moments::new(width, 1);
        let every = self.memory.len().div_ceil(MOST_FITTED).max(1);
        let slots: Vec<usize> = self.memory.slots().step_by(every).collect();
        for slot in slots {
            let embedding = self.embedding_of(Place::Memory(slot));
            projection.apply(embedding, &mut projected);
            moments.add(&projected);
        }
        whitener.fit(&moments);
        let whitener = whitener.behind(&projection, TOGETHER);
        Box::new(Whitened { admitted, projection, whitener })
    }
}
