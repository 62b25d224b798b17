//! When a moment is like none of the classes.
//!
//! Conformal ranks: how strange was each example, while it was left out, to the class it was taken
//! for? A moment's p-value is the share of these that were at least as strange. If examples and later
//! moments come alike, a taught thing falls to p ≤ α with chance α at most, whatever the head and
//! whatever the space (Vovk et al. 2005). Right or wrong plays no part in it: a moment, too, is judged
//! by the class it is taken for. Strangeness is measured in units of that class's own mean, so that
//! few examples of each class can serve all; beyond the strangest, an exponential tail goes on where
//! ranks would end at `1 / (n + 1)`.
//!
//! While every class has a single example there is nothing to leave out. Then a moment must be nearer
//! to the example than all but [`BACKGROUND_SHARE`] of what is remembered of the place, and nearer than
//! [`NEAR`] of what usually is: in spaces with many directions nearly everything is far from everything.

use crate::base::bytes::{Malformed, Reader, Writer};

/// Moments of a taught class that are called unknown, at most: α.
pub const UNKNOWN_SHARE: f64 = 0.05;
/// Of what is remembered, the share that may be as near to a single example as what is named.
pub const BACKGROUND_SHARE: f64 = 0.05;
/// Of the usual strangeness of what is remembered, as much is borne of what is named by a single example.
pub const NEAR: f64 = 0.5;
/// A class's own mean strangeness counts as much as that of all after so many examples.
const PRIOR: f64 = 2.0;

/// Turns strangeness into p-values.
#[derive(Debug, Clone, PartialEq)]
pub enum Unknown {
    /// From examples left out.
    Ranks {
        /// `[classes]`: usual strangeness.
        units: Vec<f64>,
        /// Ascending, in those units.
        past: Vec<f64>,
    },
    /// From what is remembered of the place.
    Background {
        /// `[classes]`: the largest strangeness that is named.
        limits: Vec<f64>,
    },
}

impl Unknown {
    /// From the class that each example was taken for while left out, and its strangeness to that.
    pub fn from_examples(left_out: &[(usize, f64)], classes: usize) -> Self {
        let mut sums = vec![(0.0, 0.0); classes];
        let (mut all, mut count) = (0.0, 0.0);
        for &(class, strangeness) in left_out {
            sums[class].0 += strangeness;
            sums[class].1 += 1.0;
            all += strangeness;
            count += 1.0;
        }
        let mean = (all / f64::max(count, 1.0)).max(1e-12);
        let units: Vec<f64> =
            sums.iter().map(|(sum, count)| (sum + PRIOR * mean) / (count + PRIOR)).collect();
        let mut past: Vec<f64> =
            left_out.iter().map(|&(class, strangeness)| strangeness / units[class]).collect();
        past.sort_by(f64::total_cmp);
        Self::Ranks { units, past }
    }

    /// From how strange remembered moments are to each class: `strangeness[class]`.
    pub fn from_background(strangeness: Vec<Vec<f64>>) -> Self {
        let limit = |mut of: Vec<f64>| {
            of.sort_by(f64::total_cmp);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a length"
            )]
            let place = (BACKGROUND_SHARE * of.len() as f64) as usize;
            let middle = of.get(of.len() / 2).copied().unwrap_or(f64::INFINITY);
            of.get(place).copied().unwrap_or(f64::INFINITY).min(NEAR * middle)
        };
        Self::Background { limits: strangeness.into_iter().map(limit).collect() }
    }

    /// Classes it was made for.
    pub const fn classes(&self) -> usize {
        match self {
            Self::Ranks { units, .. } => units.len(),
            Self::Background { limits } => limits.len(),
        }
    }

    /// The p-value of such a strangeness to that class.
    pub fn p_value(&self, class: usize, strangeness: f64) -> f64 {
        match self {
            Self::Ranks { units, past } => {
                let n = past.len();
                let x = strangeness / units[class];
                let below = past.partition_point(|&past| past < x);
                let p = (1 + n - below) as f64 / (n + 1) as f64;
                match past.last() {
                    Some(&largest) if largest < x => {
                        let upper = &past[n / 2..];
                        let excess = upper.iter().map(|past| past - upper[0]).sum::<f64>()
                            / upper.len() as f64;
                        p * (-(x - largest) / excess.max(0.05)).exp()
                    }
                    _ => p,
                }
            }
            Self::Background { limits } => f64::from(u8::from(strangeness <= limits[class])),
        }
    }

    /// Appends everything.
    pub(super) fn save(&self, to: &mut Writer) {
        let (is_ranks, a, b): (bool, &[f64], &[f64]) = match self {
            Self::Ranks { units, past } => (true, units, past),
            Self::Background { limits } => (false, limits, &[]),
        };
        to.flag(is_ranks);
        to.f64s(a.iter().copied());
        to.f64s(b.iter().copied());
    }

    /// Reads what [`Unknown::save`] wrote.
    pub(super) fn load(from: &mut Reader<'_>, classes: usize) -> Result<Self, Malformed> {
        let is_ranks = from.flag()?;
        let a = from.f64s()?;
        let past = from.f64s()?;
        if a.len() != classes {
            return Err(Malformed::WrongValue {
                what: "classes with limits",
                found: a.len().to_string(),
                expected: classes.to_string(),
            });
        }
        Ok(if is_ranks { Self::Ranks { units: a, past } } else { Self::Background { limits: a } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    /// Fails when a rank among what is remembered is all that is asked for.
    #[test]
    fn what_is_only_less_far_than_the_rest_is_not_named_by_one_example() {
        let far = (0..200).map(|i| 0.9 + 0.001 * f64::from(i)).collect();
        let unknown = Unknown::from_background(vec![far]);
        assert!(unknown.p_value(0, 0.88) < 0.5 && 0.5 < unknown.p_value(0, 0.3));
    }

    #[test]
    fn members_of_a_class_are_called_unknown_as_rarely_as_promised() {
        const TRIALS: usize = 400;
        let mut rng = Rng::from_seed(5);
        // Two classes, one three times as wide as the other.
        let mut draw = |class: usize| [1.0, 3.0][class] * -(1.0 - rng.unit()).ln();
        let mut refused = [0.0, 0.0];
        for _ in 0..TRIALS {
            let left_out: Vec<(usize, f64)> = (0..50).map(|i| (i % 2, draw(i % 2))).collect();
            let unknown = Unknown::from_examples(&left_out, 2);
            for (class, refused) in refused.iter_mut().enumerate() {
                for _ in 0..10 {
                    let p = unknown.p_value(class, draw(class));
                    *refused += f64::from(u8::from(p <= UNKNOWN_SHARE));
                }
            }
        }
        for refused in refused {
            // Binomial(4000, 0.05): standard deviation 0.0034; the units are estimated, too.
            let share = refused / (10 * TRIALS) as f64;
            assert!((0.03..0.065).contains(&share), "{share}");
        }
    }

    #[test]
    fn what_is_far_is_unknown_also_with_few_examples() {
        let unknown = Unknown::from_examples(&[(0, 1.0), (0, 1.2), (0, 0.9)], 1);
        assert!(UNKNOWN_SHARE < unknown.p_value(0, 1.2));
        assert!(unknown.p_value(0, 5.0) < 1e-3);
        let mut before = 1.0;
        for step in 0..100 {
            let p = unknown.p_value(0, 0.05 * f64::from(step));
            assert!(p <= before, "p rises with strangeness");
            before = p;
        }
    }

    #[test]
    fn a_single_example_is_judged_by_the_place() {
        let background = (0..100).map(|i| 0.2 + 0.01 * f64::from(i)).collect();
        let unknown = Unknown::from_background(vec![background]);
        assert_eq!(unknown.p_value(0, 0.24), 1.0);
        assert_eq!(unknown.p_value(0, 0.3), 0.0);
        let nothing = Unknown::from_background(vec![Vec::new()]);
        assert_eq!(nothing.p_value(0, 0.6), 1.0);
    }

    #[test]
    fn saved_and_loaded_is_the_same() {
        for unknown in [
            Unknown::from_examples(&[(0, 1.0), (1, 2.0)], 2),
            Unknown::from_background(vec![vec![1.0], vec![2.0]]),
        ] {
            let mut writer = Writer::default();
            unknown.save(&mut writer);
            let bytes = writer.into_bytes();
            assert_eq!(Unknown::load(&mut Reader::new(&bytes), 2).as_ref(), Ok(&unknown));
            assert!(Unknown::load(&mut Reader::new(&bytes), 3).is_err());
        }
    }
}
