//! How much is trained while a board is hot, or short of memory: capture and scores come first. What is met is
//! remembered all the same.

use crate::base::machine::Readings;
use crate::config::board::BoardToml;

/// So much cooler than a limit it must be before that limit no longer counts.
const COOLER_C: f32 = 3.0;

/// Windows in a stretch of training or resting. Stretches, not single windows, so that the learner
/// still meets what follows what.
const STRETCH: u64 = 32;

/// After one stretch out of so many there is training at [`Pace::Slow`].
const SLOW_EVERY: u64 = 4;

/// How much is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Pace {
    /// After every window.
    #[default]
    Full,
    /// After a quarter of them.
    Slow,
    /// After none.
    Rest,
}

impl Pace {
    /// Whether there is training after window number `count`.
    pub const fn trains_after(self, count: u64) -> bool {
        match self {
            Self::Full => true,
            Self::Slow => (count / STRETCH).is_multiple_of(SLOW_EVERY),
            Self::Rest => false,
        }
    }

    /// For `status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Slow => "slow",
            Self::Rest => "rest",
        }
    }
}

/// What the board can bear, and why it is not more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bearable {
    /// How much is trained.
    pub pace: Pace,
    /// Whether checkpoints may be written.
    pub may_write: bool,
    /// One line a reason; empty while all is well.
    pub reasons: Vec<String>,
}

/// Judges readings; `before` is the pace so far.
pub fn bearable(readings: &Readings, limits: &BoardToml, before: Pace) -> Bearable {
    let mut found = Bearable { may_write: true, ..Bearable::default() };
    let mut at_least = |pace: Pace, reason: String| {
        found.pace = found.pace.max(pace);
        found.reasons.push(reason);
    };
    if let Some(now_c) = readings.temperature_c {
        let above = |limit_c: f32, pace: Pace| {
            let limit_c = if pace <= before { limit_c - COOLER_C } else { limit_c };
            limit_c < now_c
        };
        if above(limits.rest_above_c, Pace::Rest) {
            at_least(Pace::Rest, format!("{now_c:.0} °C, board.rest_above_c"));
        } else if above(limits.slow_above_c, Pace::Slow) {
            at_least(Pace::Slow, format!("{now_c:.0} °C, board.slow_above_c"));
        }
    }
    if readings.power.is_throttled == Some(true) {
        at_least(Pace::Slow, "the processor is slowed down by heat or voltage".into());
    }
    if readings.power.is_under_voltage == Some(true) {
        at_least(Pace::Slow, "the supply voltage is too low; use a stronger supply".into());
    }
    if let Some(bytes) = readings.memory_available_bytes {
        let words = || format!("{} MiB of memory available", bytes >> 20);
        if bytes < limits.least_memory_bytes {
            at_least(Pace::Rest, words() + ", board.least_memory_bytes");
        } else if bytes < limits.least_memory_bytes.saturating_mul(2) {
            at_least(Pace::Slow, words() + ", twice board.least_memory_bytes");
        }
    }
    if let Some(disk) = readings.disk {
        if disk.is_read_only {
            found.may_write = false;
            found.reasons.push("the disk is read-only; no checkpoint is written".into());
        } else if disk.free_bytes < limits.least_disk_bytes {
            found.may_write = false;
            found.reasons.push(format!(
                "{} MiB of disk free, board.least_disk_bytes; no checkpoint is written",
                disk.free_bytes >> 20
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::machine::Disk;
    use crate::base::machine::Power;

    fn at(temperature_c: f32) -> Readings {
        Readings { temperature_c: Some(temperature_c), ..Readings::default() }
    }

    fn pace(readings: Readings, before: Pace) -> Pace {
        bearable(&readings, &BoardToml::default(), before).pace
    }

    #[test]
    fn heat_slows_learning_then_stops_it_and_lets_it_go_on_only_when_cooler() {
        assert_eq!(pace(at(74.0), Pace::Full), Pace::Full);
        assert_eq!(pace(at(76.0), Pace::Full), Pace::Slow);
        assert_eq!(pace(at(81.0), Pace::Slow), Pace::Rest);
        assert_eq!(pace(at(78.0), Pace::Rest), Pace::Rest);
        assert_eq!(pace(at(76.0), Pace::Rest), Pace::Slow);
        assert_eq!(pace(at(73.0), Pace::Slow), Pace::Slow);
        assert_eq!(pace(at(71.0), Pace::Slow), Pace::Full);
    }

    #[test]
    fn little_memory_slows_less_stops() {
        let with =
            |mib: u64| Readings { memory_available_bytes: Some(mib << 20), ..Readings::default() };
        assert_eq!(pace(with(200), Pace::Full), Pace::Full);
        assert_eq!(pace(with(100), Pace::Full), Pace::Slow);
        assert_eq!(pace(with(50), Pace::Full), Pace::Rest);
    }

    #[test]
    fn a_weak_supply_slows_learning_and_says_what_to_do() {
        let power = Power { is_under_voltage: Some(true), ..Power::default() };
        let readings = Readings { power, ..Readings::default() };
        let found = bearable(&readings, &BoardToml::default(), Pace::Full);
        assert_eq!(found.pace, Pace::Slow);
        assert!(found.reasons[0].contains("stronger supply"), "{:?}", found.reasons);
    }

    #[test]
    fn a_full_disk_stops_writing_and_not_learning() {
        let disk = Some(Disk { free_bytes: 5 << 20, total_bytes: 1 << 30, is_read_only: false });
        let readings = Readings { disk, ..Readings::default() };
        let found = bearable(&readings, &BoardToml::default(), Pace::Full);
        assert_eq!((found.pace, found.may_write), (Pace::Full, false));
        assert!(found.reasons[0].starts_with("5 MiB of disk free"), "{:?}", found.reasons);
    }

    #[test]
    fn slow_trains_after_a_quarter_in_stretches() {
        let learnt = |pace: Pace| (0..1_280).filter(|&count| pace.trains_after(count)).count();
        assert_eq!(learnt(Pace::Full), 1_280);
        assert_eq!(learnt(Pace::Slow), 320);
        assert_eq!(learnt(Pace::Rest), 0);
        assert!((0..32).all(|count| Pace::Slow.trains_after(count)));
    }
}
