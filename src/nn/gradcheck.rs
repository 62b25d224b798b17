//! Compares hand-written derivatives with finite differences.
//!
//! Method: every number is nudged up and down by `STEP`. Central differences in `f64` leave an error
//! near `STEP²`, far below `TOLERANCE`; a wrong formula is off by a factor, far above it. That gap is
//! why layers are generic and the check is not `f32`. A layer is checked through the loss
//! `L = Σ w ∘ y` with fixed random `w`, so that its exact `grad_y` is `w` and every output takes part.

use thiserror::Error;

use crate::base::rng::Rng;
use crate::nn::params::Params;

const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 2e-7;

/// Where a loss adds its derivatives; zeros at first.
#[derive(Debug)]
pub struct Derivatives<'a> {
    /// By every parameter.
    pub params: &'a mut [f64],
    /// By every number of the input.
    pub x: &'a mut [f64],
}

/// The first number whose two derivatives disagree.
#[derive(Debug, Error)]
#[error("d(loss)/d({of}): backward says {analytic:.9e}, finite differences say {numeric:.9e}")]
pub struct Mismatch {
    of: String,
    analytic: f64,
    numeric: f64,
}

/// Checks the derivatives of `loss(params, x, wanted)` at the point (`all`, `x`); when `wanted` is
/// there, `loss` must add its derivatives to it.
///
/// # Errors
///
/// [`Mismatch`] names the first wrong derivative: the input, then parameters in order.
pub fn check(
    params: &Params,
    all: &[f64],
    x: &[f64],
    mut loss: impl FnMut(&[f64], &[f64], Option<Derivatives<'_>>) -> f64,
) -> Result<(), Mismatch> {
    let (mut grad_all, mut grad_x) = (vec![0.0; all.len()], vec![0.0; x.len()]);
    loss(all, x, Some(Derivatives { params: &mut grad_all, x: &mut grad_x }));
    let mut nudged = x.to_vec();
    for (index, &analytic) in grad_x.iter().enumerate() {
        let numeric = difference(&mut nudged, index, |x| loss(all, x, None));
        compare(|| format!("x[{index}]"), analytic, numeric)?;
    }
    let mut nudged = all.to_vec();
    for (index, &analytic) in grad_all.iter().enumerate() {
        let numeric = difference(&mut nudged, index, |all| loss(all, x, None));
        compare(|| params.name_at(index), analytic, numeric)?;
    }
    Ok(())
}

fn difference(at: &mut [f64], index: usize, mut loss: impl FnMut(&[f64]) -> f64) -> f64 {
    let here = at[index];
    at[index] = here + STEP;
    let above = loss(at);
    at[index] = here - STEP;
    let below = loss(at);
    at[index] = here;
    (above - below) / (2.0 * STEP)
}

fn compare(of: impl FnOnce() -> String, analytic: f64, numeric: f64) -> Result<(), Mismatch> {
    let scale = 1.0_f64.max(analytic.abs()).max(numeric.abs());
    // Written so that NaN fails.
    if (analytic - numeric).abs() <= TOLERANCE * scale {
        Ok(())
    } else {
        Err(Mismatch { of: of(), analytic, numeric })
    }
}

/// `len` numbers in ±1.
pub fn random(len: usize, rng: &mut Rng) -> Vec<f64> {
    (0..len).map(|_| 2.0 * rng.unit() - 1.0).collect()
}

/// `Σ a ∘ b`.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_backward_is_caught_and_named() {
        let mut params = Params::default();
        params.zeroed("offset", 1, 1);
        let loss = |factor: f64| {
            move |all: &[f64], x: &[f64], wanted: Option<Derivatives<'_>>| {
                if let Some(wanted) = wanted {
                    wanted.x[0] += 2.0 * x[0];
                    wanted.params[0] += factor;
                }
                x[0] * x[0] + all[0]
            }
        };
        assert!(check(&params, &[0.5], &[0.3], loss(1.0)).is_ok());
        let wrong = check(&params, &[0.5], &[0.3], loss(2.0)).unwrap_err();
        assert!(wrong.to_string().starts_with("d(loss)/d(offset[0])"), "{wrong}");
    }
}
