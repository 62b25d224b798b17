//! The optimiser's state as bytes: steps, powers, and both moments of every gradient.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::moments::fill;
use crate::nn::adam::Adam;

/// Appends everything that changes.
pub fn save(adam: &Adam<f32>, to: &mut Writer) {
    let (steps, powers, moments) = adam.state();
    to.u64(steps);
    to.f64s(powers.into_iter());
    moments.into_iter().for_each(|moments| to.f32s(moments.iter().copied()));
}

/// Reads what [`save`] wrote, for as many weights and the same settings.
///
/// # Errors
///
/// [`Malformed`] when it is something else.
pub fn load(adam: &mut Adam<f32>, from: &mut Reader<'_>) -> Result<(), Malformed> {
    let (steps, powers, moments) = adam.state_mut();
    *steps = from.u64()?;
    fill(powers, "powers", from.f64s()?)?;
    for moments in moments {
        fill(moments, "moments of gradients", from.f32s()?)?;
    }
    Ok(())
}
