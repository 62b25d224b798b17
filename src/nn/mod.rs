//! Layers with hand-written forward and backward passes.
//!
//! Conventions, the same in every file of this module:
//!
//! * Activations are row-major, `[rows, features]`; a row is a token, a window is a run of rows.
//! * `grad_y` is the derivative of the scalar loss with respect to `y`, and has the shape of `y`.
//! * All weights of a model are one flat list, all gradients another ([`params`]). Backward passes
//!   *add* parameter gradients, so that several losses can share a layer; whoever steps clears them.
//! * Whatever a backward pass needs of the forward pass, and all its scratch, lies in a space that the
//!   caller owns and reuses. A step allocates nothing.
//! * Layers are generic over the number type: `f32` runs on the device, `f64` is for gradient checks.

pub mod adam;
pub mod adapter;
pub mod context;
pub mod gated;
pub mod gradcheck;
pub mod layout;
pub mod linear;
pub mod matmul;
#[cfg(target_arch = "arm")]
#[expect(unsafe_code, reason = "a kernel in assembly, which takes pointers")]
mod neon;
pub mod params;
pub mod real;
pub mod recurrent;
pub mod taps;
