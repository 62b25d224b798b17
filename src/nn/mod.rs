//! Layers with hand-written forward and backward passes.
//!
//! Conventions, the same in every file of this module:
//!
//! * Row-major batches: activations are `[batch, features]`.
//! * `grad_y` is the derivative of the scalar loss with respect to `y`, and has the shape of `y`.
//! * `backward` *adds* into parameter gradients, so that several losses can share a layer. Call
//!   [`Param::zero_grad`] once per update.
//! * Whatever `backward` needs from `forward` travels in the cache value, never in the layer, so one
//!   layer can serve several windows in flight.
//! * Layers are generic over the number type: `f32` runs on the device, `f64` is for gradient checks.

pub mod gradcheck;
pub mod layout;
pub mod linear;

use ndarray::{Array2, ArrayView2, NdFloat};

/// A trainable matrix and the gradient gathered for it so far.
#[derive(Debug, Clone)]
pub struct Param<F> {
    /// The weights.
    pub value: Array2<F>,
    /// Same shape as `value`.
    pub grad: Array2<F>,
}

impl<F: NdFloat> Param<F> {
    /// Wraps initial weights, with a zero gradient beside them.
    pub fn new(value: Array2<F>) -> Self {
        let grad = Array2::zeros(value.raw_dim());
        Self { value, grad }
    }

    /// Forgets the gathered gradient.
    pub fn zero_grad(&mut self) {
        self.grad.fill(F::zero());
    }
}

/// One differentiable step.
pub trait Layer<F: NdFloat> {
    /// What `forward` keeps for `backward`.
    type Cache;

    /// `x: [batch, in]` to `y: [batch, out]`.
    fn forward(&self, x: ArrayView2<'_, F>) -> (Array2<F>, Self::Cache);

    /// `grad_y: [batch, out]` to `grad_x: [batch, in]`; adds into the parameter gradients.
    fn backward(&mut self, cache: &Self::Cache, grad_y: ArrayView2<'_, F>) -> Array2<F>;

    /// Shows every parameter, always in the same order. The names end up in checkpoints.
    fn visit_params(&mut self, visit: &mut dyn FnMut(&'static str, &mut Param<F>));
}
