//! How long things take on this machine.

use std::time::Duration;

use crate::base::clock::Clock;
use crate::encode::Encoder;
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::encode::selftest;

/// Repetitions at least, whatever the time.
const LEAST_RUNS: usize = 5;

/// Repetitions at most, which bounds what is held.
const MOST_RUNS: usize = 100_000;

/// Median milliseconds of `work`, which is repeated for at least `span`; once before that, unmeasured.
///
/// The median and not the mean: what else the machine does only ever adds.
///
/// # Errors
///
/// That of `work`.
pub fn median_ms<E>(
    clock: &dyn Clock,
    span: Duration,
    work: &mut dyn FnMut() -> Result<(), E>,
) -> Result<f64, E> {
    work()?;
    let began = clock.now();
    let mut runs = Vec::new();
    while runs.len() < LEAST_RUNS || (clock.now() - began < span && runs.len() < MOST_RUNS) {
        let before = clock.now();
        work()?;
        runs.push((clock.now() - before).as_secs_f64() * 1e3);
    }
    runs.sort_by(f64::total_cmp);
    Ok(runs[runs.len() / 2])
}

/// Milliseconds that `encoder` takes for one window, its front end not counted.
///
/// # Errors
///
/// [`EncodeError`] where the encoder cannot run.
pub fn encode_ms(
    encoder: &mut dyn Encoder,
    clock: &dyn Clock,
    span: Duration,
) -> Result<f64, EncodeError> {
    let Some(window) = selftest::builtin_window(encoder.manifest())? else { return Ok(f64::NAN) };
    let mut latent = Latent::zeros(encoder.shape());
    median_ms(clock, span, &mut || encoder.encode(&window, &mut latent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SimulatedClock;

    #[test]
    fn the_median_is_taken_and_the_first_run_left_out() {
        let clock = SimulatedClock::default();
        let mut left = [1.0, 9.0, 2.0, 1.0, 7.0, 500.0].to_vec();
        let found = median_ms::<()>(&clock, Duration::from_millis(1), &mut || {
            clock.advance(Duration::from_secs_f64(left.pop().unwrap() / 1e3));
            Ok(())
        });
        assert!((found.unwrap() - 2.0).abs() < 1e-6);
    }
}
