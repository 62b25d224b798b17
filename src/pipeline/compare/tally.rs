//! How often something was right, and how sure that is.

/// Half the width of a 95 % interval, in standard errors.
const STANDARD_ERRORS: f64 = 1.96;

/// Right answers and questions, unit by unit; a unit is what is left out at a time: a recording, or a
/// stretch of one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    units: Vec<Unit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Unit {
    right: f64,
    asked: f64,
}

impl Tally {
    /// Adds `right` of `asked` to unit number `unit`.
    pub fn add(&mut self, unit: usize, right: f64, asked: f64) {
        if self.units.len() <= unit {
            self.units.resize(unit + 1, Unit::default());
        }
        self.units[unit].right += right;
        self.units[unit].asked += asked;
    }

    /// Share of right answers; `None` where nothing was asked.
    pub fn share(&self) -> Option<f64> {
        let all = total(&self.units);
        (0.0 < all.asked).then(|| all.right / all.asked)
    }

    /// Half the 95 % interval of [`Tally::share`], by the jackknife: with `θᵢ` the share without unit
    /// `i` of `n`, `1.96 √((n − 1)/n Σ(θᵢ − mean θ)²)` (Efron and Stein, 1981). `None` for one unit.
    pub fn interval(&self) -> Option<f64> {
        half_interval(&self.left_out())
    }

    /// By how much the share is above that of `other` on the same units, and half the 95 % interval
    /// of that.
    pub fn above(&self, other: &Self) -> Option<(f64, f64)> {
        let difference = self.share()? - other.share()?;
        let differences: Vec<Option<f64>> = self
            .left_out()
            .iter()
            .zip(other.left_out())
            .map(|(ours, theirs)| Some((*ours)? - theirs?))
            .collect();
        Some((difference, half_interval(&differences)?))
    }

    /// The share without each unit; `None` for units in which nothing was asked.
    fn left_out(&self) -> Vec<Option<f64>> {
        let all = total(&self.units);
        let without = |unit: &Unit| {
            let asked = all.asked - unit.asked;
            (0.0 < unit.asked && 0.0 < asked).then(|| (all.right - unit.right) / asked)
        };
        self.units.iter().map(without).collect()
    }
}

fn total(units: &[Unit]) -> Unit {
    let add = |sum: Unit, unit: &Unit| Unit {
        right: sum.right + unit.right,
        asked: sum.asked + unit.asked,
    };
    units.iter().fold(Unit::default(), add)
}

fn half_interval(left_out: &[Option<f64>]) -> Option<f64> {
    let values: Vec<f64> = left_out.iter().flatten().copied().collect();
    let n = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(STANDARD_ERRORS * ((n - 1.0) / n * squares).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_equal_units_the_interval_is_that_of_a_mean() {
        let mut tally = Tally::default();
        let values = [1.0, 0.0, 1.0, 1.0, 0.0];
        for (unit, right) in values.into_iter().enumerate() {
            tally.add(unit, right, 1.0);
        }
        assert!((tally.share().unwrap() - 0.6).abs() < 1e-12);
        // s² = 0.3, so the standard error is √(0.3 / 5).
        assert!((tally.interval().unwrap() - 1.96 * 0.06_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_differs_in_every_unit_by_the_same_is_certain() {
        let (mut high, mut low) = (Tally::default(), Tally::default());
        for unit in 0..4 {
            let right = unit as f64;
            high.add(unit, right + 1.0, 10.0);
            low.add(unit, right, 10.0);
        }
        let (difference, interval) = high.above(&low).unwrap();
        assert!((difference - 0.1).abs() < 1e-12 && interval < 1e-12, "{difference} ± {interval}");
        assert!(0.01 < high.interval().unwrap());
    }

    #[test]
    fn nothing_asked_says_nothing() {
        let mut tally = Tally::default();
        assert_eq!((tally.share(), tally.interval()), (None, None));
        tally.add(3, 1.0, 2.0);
        assert_eq!((tally.share(), tally.interval()), (Some(0.5), None));
    }
}
