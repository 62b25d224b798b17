//! Some of a batch's side windows, one after the other, through a context net and back.

use crate::encode::sides::SideKind;
use crate::learn::objectives::unit::add_scaled;
use crate::learn::objectives::{Batch, Grads, Room};
use crate::nn::context::Context;
use crate::nn::real::Real;

/// Which side windows an objective is about.
#[derive(Debug)]
pub struct Picked {
    tokens: usize,
    /// Places among the side windows.
    places: Vec<usize>,
    valid: Vec<usize>,
}

impl Picked {
    /// For `side` windows of `tokens` tokens at most.
    pub fn new(tokens: usize, side: usize) -> Self {
        Self { tokens, places: Vec::with_capacity(side), valid: Vec::with_capacity(side) }
    }

    /// Picks those that are wanted.
    pub fn pick<F>(&mut self, batch: Batch<'_, F>, wanted: impl Fn(SideKind) -> bool) {
        self.places.clear();
        self.valid.clear();
        for (place, window) in batch.side.iter().enumerate() {
            if wanted(window.kind) {
                self.places.push(place);
                self.valid.push(window.valid);
            }
        }
    }

    /// Places among the side windows, in order.
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// Valid tokens of each.
    pub fn valid(&self) -> &[usize] {
        &self.valid
    }

    /// Copies their tokens into the room; `hidden(row)` says where `token` stands instead.
    pub fn gather<F: Real>(
        &self,
        batch: Batch<'_, F>,
        room: &mut Room<F>,
        token: &[F],
        hidden: impl Fn(usize) -> bool,
    ) {
        let (dim, [first, _]) = (room.dim, batch.rows(self.tokens));
        for (window, &place) in self.places.iter().enumerate() {
            for t in 0..self.tokens {
                let (to, from) = (window * self.tokens + t, first + place * self.tokens + t);
                let z = &batch.z[from * dim..(from + 1) * dim];
                let shown = if hidden(to) { token } else { z };
                room.x[to * dim..(to + 1) * dim].copy_from_slice(shown);
            }
        }
    }

    /// Fills the room's hidden states, and its gradient by them with zeros.
    pub fn forward<F: Real>(&self, context: &Context, params: &[F], room: &mut Room<F>) {
        let len = self.places.len() * self.tokens * room.dim;
        context.forward(params, &room.x[..len], &self.valid, &mut room.space);
        room.space.hidden_and_grad().1.fill(F::zero());
    }

    /// From the room's gradient by hidden states to all others, which are added to; what belongs to a
    /// row that was hidden is left in the room alone, see [`Picked::gather`].
    pub fn back<F: Real>(
        &self,
        context: &Context,
        params: &[F],
        batch: Batch<'_, F>,
        room: &mut Room<F>,
        grads: Grads<'_, F>,
        hidden: impl Fn(usize) -> bool,
    ) {
        let Grads { params: grad_params, z: grad_z } = grads;
        let (dim, [first, _]) = (room.dim, batch.rows(self.tokens));
        let len = self.places.len() * self.tokens * dim;
        let (x, grad_x) = (&room.x[..len], &mut room.grad_x[..len]);
        context.backward(params, x, &self.valid, &mut room.space, grad_params, Some(grad_x));
        for (window, &place) in self.places.iter().enumerate() {
            for t in 0..self.tokens {
                let (row, to) = (window * self.tokens + t, first + place * self.tokens + t);
                if !hidden(row) {
                    let from = &grad_x[row * dim..(row + 1) * dim];
                    add_scaled(&mut grad_z[to * dim..(to + 1) * dim], F::one(), from);
                }
            }
        }
    }
}
