//! Distance to the nearest remembered embeddings, in whole numbers: one byte times two, a quarter of
//! what `f32` would have to read, and reading is what this search waits for.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::codec::Codec;
use crate::learn::density::Past;
use crate::learn::moments::Moments;
use crate::learn::whiten::{MOST_DIM, Projection, Whitener};

/// The query is rounded to ± this; products with bytes then add up in 32 bits for 16 000 numbers.
const QUERY_UNITS: f32 = 1023.0;
/// Distances below this cannot be told from rounding.
const LEAST_DISTANCE: f32 = 1e-4;
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
    /// Scratch.
    query: Vec<i16>,
    best: Vec<f32>,
}

/// What stands for an embedding when distances are whitened: a second bank beside memory, made from
/// it, again at every fit.
#[derive(Debug)]
struct Whitening {
    projection: Projection,
    moments: Moments,
    whitener: Whitener,
    admitted: u64,
    fit_at: u64,
    plain: Codec,
    bank: Vec<i8>,
    scales: Vec<f32>,
    /// Scratch: a stored embedding, projected, whitened.
    decoded: Vec<f32>,
    projected: Vec<f32>,
    whitened: Vec<f32>,
}

impl Nearest {
    pub(super) fn cosine(dim: usize, count: usize, slots: usize) -> Self {
        Self {
            count: count.max(1),
            whitening: None,
            squares: vec![0.0; slots],
            query: vec![0; dim],
            best: vec![0.0; count.max(1)],
        }
    }

    pub(super) fn whitened(dim: usize, count: usize, ridge: f32, slots: usize, seed: u64) -> Self {
        let projection = Projection::new(dim, MOST_DIM, seed);
        let width = projection.out_dim();
        let whitening = Whitening {
            moments: Moments::new(width, 1),
            whitener: Whitener::new(width, width, f64::from(ridge), CLAMP, 1),
            admitted: 0,
            fit_at: 16,
            plain: Codec::plain(width),
            bank: vec![0; slots * width],
            scales: vec![0.0; slots],
            decoded: vec![0.0; dim],
            projected: vec![0.0; width],
            whitened: vec![0.0; width],
            projection,
        };
        Self { whitening: Some(Box::new(whitening)), ..Self::cosine(width, count, slots) }
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
        let query = match &mut self.whitening {
            None => embedding,
            Some(whitening) => whitening.whiten(embedding)?,
        };
        let largest = query.iter().fold(LEAST_NORM, |largest, x| largest.max(x.abs()));
        let unit = largest / QUERY_UNITS;
        for (to, &x) in self.query.iter_mut().zip(query) {
            #[expect(clippy::cast_possible_truncation, reason = "within ±1023 by choice of unit")]
            let whole = (x / unit).round() as i16;
            *to = whole;
        }
        let query_square: f32 = query.iter().map(|x| x * x).sum();
        self.best.fill(f32::INFINITY);
        for slot in past.memory.slots().filter(|&slot| Some(slot) != skip) {
            let (stored, scale) = match &self.whitening {
                None => past.memory.embedding(slot),
                Some(whitening) => whitening.stored(slot),
            };
            let product = whole_product(&self.query, stored) as f32 * unit * scale;
            let square = self.squares[slot];
            let mut distance = if self.whitening.is_some() {
                query_square + square - 2.0 * product
            } else {
                1.0 - product / (query_square * square).sqrt().max(LEAST_NORM)
            };
            // Keeps `best` in rising order.
            for best in &mut self.best {
                if distance < *best {
                    std::mem::swap(best, &mut distance);
                }
            }
        }
        let mean = self.best.iter().sum::<f32>() / self.count as f32;
        Some((mean.max(0.0) + LEAST_DISTANCE).ln())
    }

    pub(super) fn admit(
        &mut self,
        embedding: &[f32],
        slots: (usize, Option<usize>),
        past: Past<'_>,
    ) {
        if let Some(whitening) = &mut self.whitening
            && whitening.admit(embedding)
        {
            return past.memory.slots().for_each(|slot| self.measure(slot, past));
        }
        // The one that moved first: its old slot is where the new one lies.
        slots.1.into_iter().chain([slots.0]).for_each(|slot| self.measure(slot, past));
    }

    /// Makes what stands for the embedding in `slot`.
    fn measure(&mut self, slot: usize, past: Past<'_>) {
        let (stored, scale) = past.memory.embedding(slot);
        let (stored, scale) = match &mut self.whitening {
            None => (stored, scale),
            Some(whitening) => whitening.store(slot, stored, scale, past.codec),
        };
        let square: i32 = stored.iter().map(|&q| i32::from(q) * i32::from(q)).sum();
        self.squares[slot] = square as f32 * scale * scale;
    }

    pub(super) fn bytes(&self) -> usize {
        let whitening = self.whitening.as_ref().map_or(0, |whitening| {
            let width = whitening.projection.out_dim();
            whitening.bank.len()
                + 4 * (whitening.scales.len() + whitening.projection.len())
                + 20 * width * width
        });
        whitening + 4 * self.squares.len()
    }

    pub(super) fn save(&self, to: &mut Writer) {
        if let Some(whitening) = &self.whitening {
            whitening.moments.save(to);
            whitening.whitener.save(to);
            to.u64(whitening.admitted);
            to.u64(whitening.fit_at);
        }
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>, past: Past<'_>) -> Result<(), Malformed> {
        if let Some(whitening) = &mut self.whitening {
            whitening.moments.load(from)?;
            whitening.whitener.load(from)?;
            whitening.admitted = from.u64()?;
            whitening.fit_at = from.u64()?;
        }
        past.memory.slots().for_each(|slot| self.measure(slot, past));
        Ok(())
    }
}

impl Whitening {
    /// `None` before the first fit.
    fn whiten(&mut self, embedding: &[f32]) -> Option<&[f32]> {
        if !self.whitener.is_fitted() {
            return None;
        }
        self.projection.apply(embedding, &mut self.projected);
        self.whitener.apply(&self.projected, &mut self.whitened);
        Some(&self.whitened)
    }

    /// Whether the map has changed, and with it all that is in the bank.
    fn admit(&mut self, embedding: &[f32]) -> bool {
        self.projection.apply(embedding, &mut self.projected);
        self.moments.add(&self.projected);
        self.admitted += 1;
        if self.admitted < self.fit_at {
            return false;
        }
        // When half as much again has been met: soon at first, seldom later.
        self.fit_at += self.fit_at / 2;
        self.whitener.fit(&self.moments);
        true
    }

    fn store(&mut self, slot: usize, stored: &[i8], scale: f32, codec: &Codec) -> (&[i8], f32) {
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

    fn stored(&self, slot: usize) -> (&[i8], f32) {
        let width = self.whitened.len();
        (&self.bank[slot * width..(slot + 1) * width], self.scales[slot])
    }
}

fn whole_product(a: &[i16], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}
