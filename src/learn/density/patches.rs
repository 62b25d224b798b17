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
use crate::learn::codec::Codec;
use crate::learn::density::Past;
use crate::learn::density::product::product;
use crate::learn::density::refits::Refits;
use crate::learn::mahalanobis::{Mahalanobis, solve_lower, solve_upper};

/// One patch in so many is among the farthest, whose mean tells.
const FARTHEST: usize = 40;
/// Distances below this share of the usual variance cannot be told from rounding to bytes.
const LEAST_SHARE: f64 = 1e-3;

/// The search.
#[derive(Debug)]
pub(super) struct Patches {
    cells: usize,
    width: usize,
    metric: Metric,
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

/// `M`: the identity, or the inverse covariance of all patches met, of all places alike.
#[derive(Debug)]
enum Metric {
    Plain,
    Whitened { spread: Box<Mahalanobis>, refits: Refits },
}

impl Patches {
    /// For pictures of `cells` patches of `width` numbers and a memory of `slots` windows; whitened where
    /// there is a `ridge`.
    pub(super) fn new(cells: usize, width: usize, ridge: Option<f32>, slots: usize) -> Self {
        let metric = ridge.map_or(Metric::Plain, |ridge| Metric::Whitened {
            spread: Box::new(Mahalanobis::new(width, f64::from(ridge), cells)),
            refits: Refits::new(|at| at + at / 2),
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
        let least = 1 + usize::from(skip.is_some());
        if past.memory.len() < least || !self.metric.is_fitted() {
            return None;
        }
        self.ask(tokens, past.token_codec);
        self.find(past, skip);
        self.tell(past);
        let usual = self.metric.usual(past.token_codec.unit());
        Some(single((mean_of_farthest(&mut self.distances) + LEAST_SHARE * usual).ln()))
    }

    /// Prepares the scan.
    fn ask(&mut self, tokens: &[f32], codec: &Codec) {
        let Self { width, metric, centred, mapped, own, patch, .. } = self;
        codec.centre(tokens, centred);
        let rows = centred.chunks_exact(*width).zip(mapped.chunks_exact_mut(*width));
        for ((centred, mapped), own) in rows.zip(own) {
            patch.copy_from_slice(centred);
            *own = single(metric.square(patch));
            metric.map(patch);
            for ((to, &x), &unit) in mapped.iter_mut().zip(&*patch).zip(codec.unit()) {
                *to = single(x * f64::from(unit));
            }
        }
    }

    /// The nearest of each patch.
    fn find(&mut self, past: Past<'_>, skip: Option<usize>) {
        let Self { cells, width, squares, mapped, own, nearest, .. } = self;
        nearest.clear();
        nearest.resize(*cells, (f32::INFINITY, 0));
        for slot in past.memory.slots().filter(|&slot| Some(slot) != skip) {
            let (stored, scale) = past.memory.stored_tokens(slot);
            let squares = &squares[slot * *cells..(slot + 1) * *cells];
            let rows = mapped.chunks_exact(*width).zip(stored.chunks_exact(*width));
            let sums = own.iter().zip(squares).map(|(own, square)| own + square);
            for (((asked, stored), sum), nearest) in rows.zip(sums).zip(nearest.iter_mut()) {
                let distance = sum - 2.0 * scale * product(asked, stored);
                if distance < nearest.0 {
                    *nearest = (distance, slot);
                }
            }
        }
    }

    /// The distances to them, exactly.
    fn tell(&mut self, past: Past<'_>) {
        let Self { width, metric, centred, nearest, patch, distances, .. } = self;
        distances.clear();
        let asked = centred.chunks_exact(*width).zip(nearest);
        for (cell, (asked, &mut (_, slot))) in asked.enumerate() {
            let (stored, scale) = past.memory.stored_tokens(slot);
            let stored = &stored[cell * *width..(cell + 1) * *width];
            past.token_codec.decode_centred(stored, scale, patch);
            patch.iter_mut().zip(asked).for_each(|(to, x)| *to -= x);
            distances.push(metric.square(patch));
        }
    }

    pub(super) fn admit(&mut self, tokens: &[f32], past: Past<'_>) {
        if self.metric.admit(tokens) { self.measure_all(past) } else { self.follow(past) }
    }

    /// Fits what has not been fitted yet.
    pub(super) fn settle(&mut self, past: Past<'_>) {
        if !self.metric.is_fitted() {
            self.metric.fit();
            self.measure_all(past);
        }
    }

    /// Measures the slots that memory has changed.
    pub(super) fn follow(&mut self, past: Past<'_>) {
        past.memory.changed().iter().for_each(|&slot| self.measure(slot, past));
    }

    pub(super) fn measure_all(&mut self, past: Past<'_>) {
        past.memory.slots().for_each(|slot| self.measure(slot, past));
    }

    fn measure(&mut self, slot: usize, past: Past<'_>) {
        if !self.metric.is_fitted() {
            return;
        }
        let (stored, scale) = past.memory.stored_tokens(slot);
        let squares = &mut self.squares[slot * self.cells..(slot + 1) * self.cells];
        for (stored, square) in stored.chunks_exact(self.width).zip(squares) {
            past.token_codec.decode_centred(stored, scale, &mut self.patch);
            *square = single(self.metric.square(&mut self.patch));
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let numbers = 4 * (self.squares.len() + self.mapped.len()) + 8 * self.centred.len();
        let metric = match &self.metric {
            Metric::Plain => 0,
            Metric::Whitened { spread, .. } => spread.bytes(),
        };
        numbers + metric
    }

    pub(super) fn save(&self, to: &mut Writer) {
        if let Metric::Whitened { spread, refits } = &self.metric {
            spread.save(to);
            refits.save(to);
        }
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>, past: Past<'_>) -> Result<(), Malformed> {
        if let Metric::Whitened { spread, refits } = &mut self.metric {
            spread.load(from)?;
            refits.load(from)?;
        }
        self.measure_all(past);
        Ok(())
    }
}

impl Metric {
    fn is_fitted(&self) -> bool {
        match self {
            Self::Plain => true,
            Self::Whitened { spread, .. } => spread.factor().is_some(),
        }
    }

    /// Whether the metric has changed, and with it all squares.
    fn admit(&mut self, tokens: &[f32]) -> bool {
        let Self::Whitened { spread, refits } = self else { return false };
        spread.observe(tokens);
        let is_due = refits.admit();
        if is_due {
            spread.fit();
        }
        is_due
    }

    fn fit(&mut self) {
        if let Self::Whitened { spread, .. } = self {
            spread.fit();
        }
    }

    /// `L` of `M⁻¹ = L Lᵀ`, where it is not the identity.
    fn factor(&self) -> Option<&[f64]> {
        match self {
            Self::Plain => None,
            Self::Whitened { spread, .. } => spread.factor(),
        }
    }

    /// `xᵀMx`; leaves `L⁻¹x`.
    fn square(&self, x: &mut [f64]) -> f64 {
        if let Some(factor) = self.factor() {
            solve_lower(factor, x);
        }
        x.iter().map(|x| x * x).sum()
    }

    /// Makes `Mx` of `L⁻¹x`.
    fn map(&self, x: &mut [f64]) {
        if let Some(factor) = self.factor() {
            solve_upper(factor, x);
        }
    }

    /// What `xᵀMx` of a patch usually is.
    fn usual(&self, unit: &[f32]) -> f64 {
        match self {
            Self::Plain => unit.iter().map(|&unit| f64::from(unit).powi(2)).sum(),
            Self::Whitened { .. } => unit.len() as f64,
        }
    }
}

/// The mean of the largest fortieth of `distances`, one of them at least; sorts them.
pub fn mean_of_farthest(distances: &mut [f64]) -> f64 {
    distances.sort_unstable_by(|a, b| b.total_cmp(a));
    let count = distances.len().div_ceil(FARTHEST).max(1);
    distances.iter().take(count).sum::<f64>() / count as f64
}

#[expect(clippy::cast_possible_truncation, reason = "computed in f64, used in f32")]
const fn single(x: f64) -> f32 {
    x as f32
}
