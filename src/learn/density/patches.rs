//! Distance of a picture's patches to the nearest that was remembered at the same place.
//!
//! An embedding is of the whole picture, and an object that covers a hundredth of it moves it less than a
//! cloud does. Here every patch is compared with those that were there before, and the few that are
//! farthest tell: a fixed camera knows what each of its corners may look like. It is the idea of `PaDiM`
//! (Defard et al. 2021), a normal of its own for each place, with the nearest of `PatchCore` (Roth et al.
//! 2022) instead of a Gaussian: night and day are both usual, and their mean is not.
//!
//! Squared distances are found by a scan in `f32` over bytes, `xᵀMx + yᵀMy − 2 (Mx)ᵀy`, and those of the
//! nearest are told exactly, as in [`nearest`](super::nearest).

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::density::Past;
use crate::learn::density::product::product;
use crate::learn::mahalanobis::{Mahalanobis, solve_lower, solve_upper};

/// One patch in so many is among the farthest, whose mean tells.
const FARTHEST: usize = 40;
/// Windows before the first metric, as for whitened embeddings; until then nothing is said.
const FIRST_FIT: u64 = 16;
/// Distances below this share of the usual variance cannot be told from rounding to bytes.
const LEAST_SHARE: f64 = 1e-3;

/// The search.
#[derive(Debug)]
pub(super) struct Patches {
    cells: usize,
    width: usize,
    metric: Option<Box<Metric>>,
    /// `yᵀMy` of each patch in each slot, `[slots, cells]`.
    squares: Vec<f32>,
    /// Scratch: the patches asked for, without the codec's offset; `(Mx)` in the codec's units; `xᵀMx`.
    centred: Vec<f64>,
    mapped: Vec<f32>,
    own: Vec<f32>,
    /// Scratch: the nearest so far of each patch, and its slot.
    nearest: Vec<(f32, usize)>,
    /// Scratch: one patch; all distances.
    patch: Vec<f64>,
    distances: Vec<f64>,
}

/// `M`, where it is not the identity: the inverse covariance of all patches met, of all places alike.
#[derive(Debug)]
struct Metric {
    spread: Mahalanobis,
    admitted: u64,
    fit_at: u64,
}

impl Patches {
    /// For pictures of `cells` patches of `width` numbers and a memory of `slots` windows; whitened where
    /// there is a `ridge`.
    pub(super) fn new(cells: usize, width: usize, ridge: Option<f32>, slots: usize) -> Self {
        let metric = ridge.map(|ridge| {
            let spread = Mahalanobis::new(width, f64::from(ridge), cells);
            Box::new(Metric { spread, admitted: 0, fit_at: FIRST_FIT })
        });
        Self {
            cells,
            width,
            metric,
            squares: vec![0.0; slots * cells],
            centred: vec![0.0; cells * width],
            mapped: vec![0.0; cells * width],
            own: vec![0.0; cells],
            nearest: Vec::with_capacity(cells),
            patch: vec![0.0; width],
            distances: Vec::with_capacity(cells),
        }
    }

    /// The logarithm of the mean squared distance of the farthest patches of `tokens`.
    pub(super) fn of(
        &mut self,
        tokens: &[f32],
        past: Past<'_>,
        skip: Option<usize>,
    ) -> Option<f32> {
        if past.memory.len() < 1 + usize::from(skip.is_some()) {
            return None;
        }
        let factor = match &self.metric {
            None => None,
            Some(metric) => Some(metric.spread.factor()?),
        };
        let Self { cells, width, centred, mapped, own, nearest, patch, distances, .. } = self;
        let (offset, unit) = past.token_codec.offset_and_unit();
        for (cell, x) in tokens.chunks_exact(*width).enumerate() {
            for ((to, &x), &offset) in patch.iter_mut().zip(x).zip(offset) {
                *to = f64::from(x) - f64::from(offset);
            }
            let place = cell * *width..(cell + 1) * *width;
            centred[place.clone()].copy_from_slice(patch);
            let square = if let Some(factor) = factor {
                solve_lower(factor, patch);
                let square = square_of(patch);
                solve_upper(factor, patch);
                square
            } else {
                square_of(patch)
            };
            for ((to, &x), &unit) in mapped[place].iter_mut().zip(&*patch).zip(unit) {
                *to = single(x * f64::from(unit));
            }
            own[cell] = single(square);
        }
        nearest.clear();
        nearest.resize(*cells, (f32::INFINITY, 0));
        for slot in past.memory.slots().filter(|&slot| Some(slot) != skip) {
            let (stored, scale) = past.memory.stored_tokens(slot);
            let squares = &self.squares[slot * *cells..(slot + 1) * *cells];
            let patches = mapped.chunks_exact(*width).zip(stored.chunks_exact(*width));
            for (((asked, stored), &square), (own, nearest)) in
                patches.zip(squares).zip(own.iter().zip(nearest.iter_mut()))
            {
                let distance = own + square - 2.0 * scale * product(asked, stored);
                if distance < nearest.0 {
                    *nearest = (distance, slot);
                }
            }
        }
        distances.clear();
        for (cell, &(_, slot)) in nearest.iter().enumerate() {
            let place = cell * *width..(cell + 1) * *width;
            let (stored, scale) = past.memory.stored_tokens(slot);
            let stored = &stored[place.clone()];
            for (((to, &x), &q), &unit) in
                patch.iter_mut().zip(&centred[place]).zip(stored).zip(unit)
            {
                *to = x - f64::from(unit) * f64::from(scale) * f64::from(q);
            }
            if let Some(factor) = factor {
                solve_lower(factor, patch);
            }
            distances.push(square_of(patch));
        }
        distances.sort_unstable_by(|a, b| b.total_cmp(a));
        let count = cells.div_ceil(FARTHEST);
        let mean = distances[..count].iter().sum::<f64>() / count as f64;
        let usual = match factor {
            None => unit.iter().map(|&unit| f64::from(unit).powi(2)).sum(),
            Some(_) => *width as f64,
        };
        Some(single((mean + LEAST_SHARE * usual).ln()))
    }

    pub(super) fn admit(&mut self, tokens: &[f32], past: Past<'_>) {
        if let Some(metric) = &mut self.metric
            && metric.admit(tokens)
        {
            return past.memory.slots().for_each(|slot| self.measure(slot, past));
        }
        self.follow(past);
    }

    /// Measures the slots that memory has changed.
    pub(super) fn follow(&mut self, past: Past<'_>) {
        past.memory.changed().iter().for_each(|&slot| self.measure(slot, past));
    }

    fn measure(&mut self, slot: usize, past: Past<'_>) {
        let factor = match &self.metric {
            None => None,
            Some(metric) => match metric.spread.factor() {
                None => return,
                factor => factor,
            },
        };
        let (stored, scale) = past.memory.stored_tokens(slot);
        let (_, unit) = past.token_codec.offset_and_unit();
        let squares = &mut self.squares[slot * self.cells..(slot + 1) * self.cells];
        for (stored, square) in stored.chunks_exact(self.width).zip(squares) {
            for ((to, &q), &unit) in self.patch.iter_mut().zip(stored).zip(unit) {
                *to = f64::from(unit) * f64::from(scale) * f64::from(q);
            }
            if let Some(factor) = factor {
                solve_lower(factor, &mut self.patch);
            }
            *square = single(square_of(&self.patch));
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let numbers = 4 * (self.squares.len() + self.mapped.len()) + 8 * self.centred.len();
        numbers + self.metric.as_ref().map_or(0, |metric| metric.spread.bytes())
    }

    pub(super) fn save(&self, to: &mut Writer) {
        if let Some(metric) = &self.metric {
            metric.spread.save(to);
            to.u64(metric.admitted);
            to.u64(metric.fit_at);
        }
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>, past: Past<'_>) -> Result<(), Malformed> {
        if let Some(metric) = &mut self.metric {
            metric.spread.load(from)?;
            metric.admitted = from.u64()?;
            metric.fit_at = from.u64()?;
        }
        past.memory.slots().for_each(|slot| self.measure(slot, past));
        Ok(())
    }
}

impl Metric {
    /// Whether the metric has changed, and with it all squares.
    fn admit(&mut self, tokens: &[f32]) -> bool {
        self.spread.observe(tokens);
        self.admitted += 1;
        if self.admitted < self.fit_at {
            return false;
        }
        // As for whitened embeddings: soon at first, seldom later.
        self.fit_at += self.fit_at / 2;
        self.spread.fit();
        true
    }
}

fn square_of(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

#[expect(clippy::cast_possible_truncation, reason = "computed in f64, used in f32")]
const fn single(x: f64) -> f32 {
    x as f32
}
