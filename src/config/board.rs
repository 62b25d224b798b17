//! The `[board]` table: when learning and writing give way.

use serde::Deserialize;
use serde::Serialize;

use crate::config::problems::Problems;

/// As written; also as used, once its check has had no complaint.
///
/// Temperatures: a Raspberry Pi slows its processor down at 80 °C, and hard at 85 °C.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoardToml {
    /// Above this temperature, in degrees Celsius, there is training after a quarter of all windows only.
    pub slow_above_c: f32,
    /// Above this temperature, in degrees Celsius, there is no training.
    pub rest_above_c: f32,
    /// With less available memory there is no training, with less than twice as much after a quarter of all windows.
    pub least_memory_bytes: u64,
    /// With less free disk no checkpoint is written but the last one.
    pub least_disk_bytes: u64,
    /// What may be written in a day before checkpoints wait for the next.
    pub written_per_day_bytes: u64,
}

impl Default for BoardToml {
    fn default() -> Self {
        Self {
            slow_above_c: 75.0,
            rest_above_c: 80.0,
            least_memory_bytes: 64 << 20,
            least_disk_bytes: 100 << 20,
            written_per_day_bytes: 200_000_000,
        }
    }
}

impl BoardToml {
    pub(crate) fn check(&self, problems: &mut Problems) {
        for (key, value) in
            [("board.slow_above_c", self.slow_above_c), ("board.rest_above_c", self.rest_above_c)]
        {
            problems.require((0.0..=150.0).contains(&value), key, || {
                format!("{value} is outside 0 to 150 degrees Celsius")
            });
        }
        problems.require(self.slow_above_c <= self.rest_above_c, "board.rest_above_c", || {
            format!(
                "{} is below slow_above_c, {}; learning slows down before it rests",
                self.rest_above_c, self.slow_above_c
            )
        });
        problems.require(
            1_000_000 <= self.written_per_day_bytes,
            "board.written_per_day_bytes",
            || format!("{} is below 1000000: not even one checkpoint", self.written_per_day_bytes),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(board: BoardToml) -> String {
        let mut problems = Problems::default();
        board.check(&mut problems);
        problems.to_string()
    }

    #[test]
    fn the_defaults_are_in_order() {
        assert_eq!(complaints(BoardToml::default()), "");
    }

    #[test]
    fn slowing_comes_before_resting() {
        let board = BoardToml { slow_above_c: 85.0, ..BoardToml::default() };
        assert!(complaints(board).contains("80 is below slow_above_c, 85"));
        let board = BoardToml { rest_above_c: f32::NAN, ..BoardToml::default() };
        assert!(complaints(board).contains("board.rest_above_c: NaN is outside"));
    }
}
