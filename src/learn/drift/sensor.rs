//! The sensor itself: stuck, silent, or broken.
//!
//! A real sensor never gives the same numbers twice. Windows that are the same to the last bit for
//! [`STUCK_S`] come from a frozen picture or a dead line: they are told once, and nothing is learnt from
//! them. Long gaps and numbers that are not finite are told once each time, too.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::drift::Notice;

/// Time without any change after which the sensor counts as stuck, seconds, and windows of it.
pub const STUCK_S: f64 = 60.0;
const STUCK_WINDOWS: u32 = 4;
/// Time without a window that is told, seconds, or so many intervals.
pub const GAP_S: f64 = 600.0;
const GAP_INTERVALS: f64 = 20.0;
/// Windows refused in a row that are told.
const BROKEN_WINDOWS: u32 = 8;

/// What the sensor did last.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sensor {
    /// Of the last window's bits.
    fingerprint: u64,
    same_s: f64,
    same_windows: u32,
    refused: u32,
    is_stuck: bool,
}

impl Sensor {
    /// Takes in a window, whatever becomes of it; `passed_s` after the one before, usually
    /// `interval_s`. `None` for one that was refused.
    pub fn observe(
        &mut self,
        fingerprint: Option<u64>,
        passed_s: f64,
        interval_s: f64,
    ) -> Option<Notice> {
        let Some(fingerprint) = fingerprint else {
            self.refused = self.refused.saturating_add(1);
            return (self.refused == BROKEN_WINDOWS).then_some(Notice::SensorBroken);
        };
        self.refused = 0;
        if fingerprint == self.fingerprint {
            self.same_s += passed_s;
            self.same_windows = self.same_windows.saturating_add(1);
        } else {
            self.fingerprint = fingerprint;
            self.same_s = 0.0;
            self.same_windows = 0;
            self.is_stuck = false;
        }
        let was_stuck = self.is_stuck;
        self.is_stuck |= STUCK_S <= self.same_s && STUCK_WINDOWS <= self.same_windows;
        if self.is_stuck && !was_stuck {
            return Some(Notice::SensorStuck);
        }
        let is_gap = 0.0 < interval_s && GAP_S.max(GAP_INTERVALS * interval_s) <= passed_s;
        is_gap.then_some(Notice::SensorGap)
    }

    /// Whether nothing moves.
    pub const fn is_stuck(&self) -> bool {
        self.is_stuck
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("sensor");
        to.u64(self.fingerprint);
        to.f64(self.same_s);
        to.u64(self.same_windows.into());
        to.u64(self.refused.into());
        to.flag(self.is_stuck);
    }

    /// Reads what [`Sensor::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("sensor")?;
        self.fingerprint = from.u64()?;
        self.same_s = from.f64()?;
        self.same_windows = u32::try_from(from.u64()?).unwrap_or(u32::MAX);
        self.refused = u32::try_from(from.u64()?).unwrap_or(u32::MAX);
        self.is_stuck = from.flag()?;
        Ok(())
    }
}

/// FNV-1a over the bits of numbers.
pub fn fingerprint(numbers: &[f32]) -> u64 {
    numbers.iter().fold(0xcbf2_9ce4_8422_2325, |hash, x| {
        (hash ^ u64::from(x.to_bits())).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sensor: &mut Sensor, prints: impl IntoIterator<Item = Option<u64>>) -> Vec<Notice> {
        prints.into_iter().filter_map(|print| sensor.observe(print, 10.0, 10.0)).collect()
    }

    /// Failure 13. Fails when `observe` tells of a stuck or broken sensor at every window, or does not begin
    /// anew after a window that is fine.
    #[test]
    fn what_is_wrong_is_told_once_each_time() {
        let mut sensor = Sensor::default();
        assert_eq!(told(&mut sensor, (1..50).map(Some)), []);
        assert_eq!(told(&mut sensor, [Some(7); 100]), [Notice::SensorStuck]);
        assert!(sensor.is_stuck());
        assert_eq!(told(&mut sensor, [Some(8), Some(9)]), []);
        assert!(!sensor.is_stuck());
        assert_eq!(told(&mut sensor, [Some(7); 9]), [Notice::SensorStuck]);
        assert_eq!(told(&mut sensor, [None; 100]), [Notice::SensorBroken]);
        assert_eq!(told(&mut sensor, (1..9).map(Some)), []);
        assert_eq!(sensor.observe(Some(99), 3600.0, 10.0), Some(Notice::SensorGap));
        assert_eq!(sensor.observe(Some(98), 590.0, 40.0), None);
    }

    /// Failure 13. Fails when numbers are rounded, or some are left out, before they are compared.
    #[test]
    fn a_fingerprint_knows_every_bit() {
        let a = [1.0_f32, 2.0, 3.0];
        let mut b = a;
        assert_eq!(fingerprint(&a), fingerprint(&b));
        b[1] = f32::from_bits(b[1].to_bits() ^ 1);
        assert!(fingerprint(&a) != fingerprint(&b));
    }
}
