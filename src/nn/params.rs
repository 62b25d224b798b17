//! Where each weight of a model lies in one flat list.
//!
//! All weights of a model are one `Vec`, their gradients another. A champion, a challenger, an
//! anchor and the optimiser's second moments are then plain lists of one length: copying, comparing
//! and saving them needs no walk over layers. Layers hold [`Block`]s, not numbers.

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::base::rng::Rng;
use crate::nn::matmul::{view, view_mut};
use crate::nn::real::Real;

/// A matrix `[rows, cols]` inside the flat list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    start: usize,
    /// Height.
    pub rows: usize,
    /// Width.
    pub cols: usize,
}

impl Block {
    /// Numbers in the block.
    pub const fn len(self) -> usize {
        self.rows * self.cols
    }

    /// Whether it holds nothing.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Its numbers, row by row.
    pub fn slice<F>(self, all: &[F]) -> &[F] {
        &all[self.start..self.start + self.len()]
    }

    /// Its numbers, row by row.
    pub fn slice_mut<F>(self, all: &mut [F]) -> &mut [F] {
        &mut all[self.start..self.start + self.len()]
    }

    /// As a matrix.
    pub fn of<F>(self, all: &[F]) -> ArrayView2<'_, F> {
        view(self.slice(all), self.rows, self.cols)
    }

    /// As a matrix.
    pub fn of_mut<F>(self, all: &mut [F]) -> ArrayViewMut2<'_, F> {
        view_mut(self.slice_mut(all), self.rows, self.cols)
    }
}

/// How a block starts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Start {
    Zero,
    Constant(f64),
    /// Uniform in ± this.
    Uniform(f64),
}

/// Collects the blocks of a model while its layers are built, always in the same order.
#[derive(Debug, Default, Clone)]
pub struct Params {
    len: usize,
    blocks: Vec<(String, Block, Start)>,
}

impl Params {
    fn add(&mut self, name: &str, rows: usize, cols: usize, start: Start) -> Block {
        let block = Block { start: self.len, rows, cols };
        self.len += block.len();
        self.blocks.push((name.to_owned(), block, start));
        block
    }

    /// Zeros: biases, and the last step of a residual branch, which then starts as "no change".
    pub fn zeroed(&mut self, name: &str, rows: usize, cols: usize) -> Block {
        self.add(name, rows, cols, Start::Zero)
    }

    /// The same number everywhere.
    pub fn constant(&mut self, name: &str, rows: usize, cols: usize, value: f64) -> Block {
        self.add(name, rows, cols, Start::Constant(value))
    }

    /// Uniform with variance 1 / `fan_in`, which keeps the spread of a layer's output near that of its
    /// input.
    pub fn uniform(&mut self, name: &str, rows: usize, cols: usize, fan_in: usize) -> Block {
        self.add(name, rows, cols, Start::Uniform((3.0 / fan_in as f64).sqrt()))
    }

    /// Numbers in all blocks.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no block yet.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fresh weights.
    pub fn start<F: Real>(&self, rng: &mut Rng) -> Vec<F> {
        let mut all = Vec::with_capacity(self.len);
        for (_, block, start) in &self.blocks {
            all.extend((0..block.len()).map(|_| match *start {
                Start::Zero => F::zero(),
                Start::Constant(value) => F::of(value),
                Start::Uniform(limit) => F::of((2.0 * rng.unit() - 1.0) * limit),
            }));
        }
        all
    }

    /// Name and place of every block, in order.
    pub fn blocks(&self) -> impl Iterator<Item = (&str, Block)> {
        self.blocks.iter().map(|(name, block, _)| (name.as_str(), *block))
    }

    /// `block[index]` in words, for messages about the number at `position` of the flat list.
    pub fn name_at(&self, position: usize) -> String {
        self.blocks
            .iter()
            .find(|(_, block, _)| (block.start..block.start + block.len()).contains(&position))
            .map_or_else(
                || format!("parameter {position}"),
                |(name, block, _)| format!("{name}[{}]", position - block.start),
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lie_one_after_the_other_and_start_as_told() {
        let mut params = Params::default();
        let a = params.uniform("a", 2, 3, 4);
        let b = params.zeroed("b", 1, 2);
        let c = params.constant("c", 1, 1, 2.5);
        let all: Vec<f32> = params.start(&mut Rng::from_seed(1));
        assert_eq!(all.len(), params.len());
        assert!(a.slice(&all).iter().all(|x| x.abs() <= 0.75_f32.sqrt() && *x != 0.0));
        assert_eq!(b.slice(&all), [0.0; 2]);
        assert_eq!(c.slice(&all), [2.5]);
        assert_eq!(params.name_at(7), "b[1]");
    }
}
