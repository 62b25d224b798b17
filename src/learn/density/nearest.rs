//! Distance to the nearest remembered embeddings: found by a fast scan in `f32`, then told exactly in
//! `f64`. A distance to a near one is a small difference of large numbers, so the scan's own sum may be
//! trusted for the order but not for the value.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::codec::Codec;
use crate::learn::density::Past;
use crate::learn::density::product::product;
use crate::learn::density::refits::Refits;
use crate::learn::moments::Moments;
use crate::learn::whiten::{MOST_DIM, Projection, Whitener};

/// Distances below this cannot be told from rounding.
const LEAST_DISTANCE: f64 = 1e-4;
/// Shorter vectors have no direction.
const LEAST_NORM: f32 = 1e-9;
/// Whitened numbers are cut to ± this.
const CLAMP: f32 = 30.0;

/// The search.
#[derive(Debug)]
pub(super) struct Nearest {
    count: usize,
    whitening: Option<Box<Whitening>>,
    /// `Σ b²` of what stands for the embedding in each slot.
    squares: Vec<f32>,
    /// Scratch: the nearest so far, in rising order, and their slots.
    best: Vec<(f32, usize)>,
}

/// What stands for an embedding when distances are whitened: a second bank beside memory, made from
/// it, again at every fit.
#[derive(Debug)]
struct Whitening {
    projection: Projection,
    moments: Moments,
    whitener: Whitener,
    refits: Refits,
    plain: Codec,
    bank: Vec<i16>,
    scales: Vec<f32>,
    /// Scratch: a stored embedding, projected, whitened.
    decoded: Vec<f32>,
    projected: Vec<f32>,
    whitened: Vec<f32>,
}

impl Nearest {
    pub(super) fn cosine(count: usize, slots: usize) -> Self {
        Self {
            count: count.max(1),
            whitening: None,
            squares: vec![0.0; slots],
            best: Vec::with_capacity(count.max(1)),
        }
    }

    pub(super) fn whitened(dim: usize, count: usize, ridge: f32, slots: usize, seed: u64) -> Self {
        let projection = Projection::new(dim, MOST_DIM, seed);
        let width = projection.out_dim();
        let whitening = Whitening {
            moments: Moments::new(width, 1),
            whitener: Whitener::new(width, width, f64::from(ridge), CLAMP, 1),
            refits: Refits::new(|at| at + at / 2),
            plain: Codec::plain(width),
            bank: vec![0; slots * width],
            scales: vec![0.0; slots],
            decoded: vec![0.0; dim],
            projected: vec![0.0; width],
            whitened: vec![0.0; width],
            projection,
        };
        Self { whitening: Some(Box::new(whitening)), ..Self::cosine(count, slots) }
    }

    pub(super) fn of(
        &mut self,
        embedding: &[f32],
        past: Past<'_>,
        skip: Option<usize>,
    ) -> Option<f32> {
        if past.memory.len() < self.count + usize::from(skip.is_some()) {
            return None;
        }
        if let Some(whitening) = &mut self.whitening
            && !whitening.whiten(embedding)
        {
            return None;
        }
        let Self { count, whitening, squares, best } = self;
        let whitening = whitening.as_deref();
        let query = whitening.map_or(embedding, |whitening| &whitening.whitened);
        let stored = |slot| {
            whitening
                .map_or_else(|| past.memory.embedding(slot), |whitening| whitening.stored(slot))
        };
        let query_square = query.iter().map(|x| x * x).sum::<f32>();
        best.clear();
        best.resize(*count, (f32::INFINITY, 0));
        for slot in past.memory.slots().filter(|&slot| Some(slot) != skip) {
            let (numbers, scale) = stored(slot);
            let product = product(query, numbers) * scale;
            let square = squares[slot];
            let distance = if whitening.is_some() {
                query_square + square - 2.0 * product
            } else {
                1.0 - product / (query_square * square).sqrt().max(LEAST_NORM)
            };
            let mut found = (distance, slot);
            for best in best.iter_mut() {
                if found.0 < best.0 {
                    std::mem::swap(best, &mut found);
                }
            }
        }
        let exact = if whitening.is_some() { squared_distance } else { cosine_distance };
        let sum: f64 = best
            .iter()
            .map(|&(_, slot)| {
                let (numbers, scale) = stored(slot);
                exact(query, numbers, scale)
            })
            .sum();
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let logarithm = (sum / *count as f64 + LEAST_DISTANCE).ln() as f32;
        Some(logarithm)
    }

    pub(super) fn admit(&mut self, embedding: &[f32], past: Past<'_>) {
        if let Some(whitening) = &mut self.whitening
            && whitening.admit(embedding)
        {
            return self.measure_all(past);
        }
        self.follow(past);
    }

    /// Fits what has not been fitted yet.
    pub(super) fn settle(&mut self, past: Past<'_>) {
        if let Some(whitening) = &mut self.whitening
            && !whitening.whitener.is_fitted()
        {
            whitening.whitener.fit(&whitening.moments);
            self.measure_all(past);
        }
    }

    /// Measures the slots that memory has changed, in its order: a window may have moved on from the
    /// slot that the newest one took.
    pub(super) fn follow(&mut self, past: Past<'_>) {
        past.memory.changed().iter().for_each(|&slot| self.measure(slot, past));
    }

    pub(super) fn measure_all(&mut self, past: Past<'_>) {
        past.memory.slots().for_each(|slot| self.measure(slot, past));
    }

    /// Makes what stands for the embedding in `slot`.
    fn measure(&mut self, slot: usize, past: Past<'_>) {
        let (stored, scale) = past.memory.embedding(slot);
        let (stored, scale) = match &mut self.whitening {
            None => (stored, scale),
            Some(whitening) => whitening.store(slot, stored, scale, past.codec),
        };
        let square: f32 = stored.iter().map(|&q| f32::from(q) * f32::from(q)).sum();
        self.squares[slot] = square * scale * scale;
    }

    pub(super) fn bytes(&self) -> usize {
        let whitening = self.whitening.as_ref().map_or(0, |whitening| {
            let width = whitening.projection.out_dim();
            size_of_val(&*whitening.bank)
                + 4 * (whitening.scales.len() + whitening.projection.len())
                + 20 * width * width
        });
        whitening + 4 * self.squares.len()
    }

    pub(super) fn save(&self, to: &mut Writer) {
        if let Some(whitening) = &self.whitening {
            whitening.moments.save(to);
            whitening.whitener.save(to);
            whitening.refits.save(to);
        }
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>, past: Past<'_>) -> Result<(), Malformed> {
        if let Some(whitening) = &mut self.whitening {
            whitening.moments.load(from)?;
            whitening.whitener.load(from)?;
            whitening.refits.load(from)?;
        }
        self.measure_all(past);
        Ok(())
    }
}

impl Whitening {
    /// Fills `whitened`; `false` before the first fit.
    fn whiten(&mut self, embedding: &[f32]) -> bool {
        let is_fitted = self.whitener.is_fitted();
        if is_fitted {
            self.projection.apply(embedding, &mut self.projected);
            self.whitener.apply(&self.projected, &mut self.whitened);
        }
        is_fitted
    }

    /// Whether the map has changed, and with it all that is in the bank.
    fn admit(&mut self, embedding: &[f32]) -> bool {
        self.projection.apply(embedding, &mut self.projected);
        self.moments.add(&self.projected);
        let is_due = self.refits.admit();
        if is_due {
            self.whitener.fit(&self.moments);
        }
        is_due
    }

    fn store(&mut self, slot: usize, stored: &[i16], scale: f32, codec: &Codec) -> (&[i16], f32) {
        let width = self.whitened.len();
        let range = slot * width..(slot + 1) * width;
        if self.whitener.is_fitted() {
            codec.decode(stored, scale, &mut self.decoded);
            self.projection.apply(&self.decoded, &mut self.projected);
            self.whitener.apply(&self.projected, &mut self.whitened);
            self.scales[slot] = self.plain.encode(&self.whitened, &mut self.bank[range.clone()]);
        }
        (&self.bank[range], self.scales[slot])
    }

    fn stored(&self, slot: usize) -> (&[i16], f32) {
        let width = self.whitened.len();
        (&self.bank[slot * width..(slot + 1) * width], self.scales[slot])
    }
}

/// `Σ (a − scale b)²`.
fn squared_distance(a: &[f32], b: &[i16], scale: f32) -> f64 {
    let scale = f64::from(scale);
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - scale * f64::from(b)).powi(2)).sum()
}

/// `1 − cos(a, b)`; 1 where one has no direction.
fn cosine_distance(a: &[f32], b: &[i16], _: f32) -> f64 {
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a), f64::from(b));
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    (1.0 - ab / (aa * bb).sqrt().max(f64::from(LEAST_NORM))).max(0.0)
}
