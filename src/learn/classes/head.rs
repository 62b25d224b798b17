//! What turns a point into a score for every class.

use crate::learn::classes::examples::Examples;
use crate::learn::classes::linear::Linear;
use crate::learn::classes::prototypes::Prototypes;
use crate::learn::classes::ranpac::RanPac;
use crate::learn::classes::slda::Slda;

/// A fitted classifier. Both methods fill `out: [classes]`; a class without an example is never the
/// best and always infinitely strange.
pub trait Head: std::fmt::Debug + Send {
    /// Higher for the class that the point rather belongs to.
    fn scores(&self, x: &[f64], out: &mut [f64]);

    /// How unlike each class the point is, ≥ 0.
    fn strangeness(&self, x: &[f64], out: &mut [f64]);
}

/// Which classifier, with what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeadKind {
    /// Cosine to the mean of each class.
    Prototypes,
    /// Linear discriminants with one shrunk covariance within classes.
    Slda,
    /// Ridge regression on random rectified features.
    RanPac {
        /// Relative to the mean square of the features.
        ridge: f64,
    },
    /// Prototypes, fine-tuned by gradient descent for so many steps.
    Linear {
        /// Where training stops.
        steps: usize,
    },
}

impl HeadKind {
    /// In words, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prototypes => "prototypes",
            Self::Slda => "linear discriminants",
            Self::RanPac { .. } => "random features",
            Self::Linear { .. } => "a fine-tuned head",
        }
    }

    /// Fits it.
    pub fn fit(self, examples: &Examples) -> Box<dyn Head> {
        match self {
            Self::Prototypes => Box::new(Prototypes::fit(examples)),
            Self::Slda => Box::new(Slda::fit(examples)),
            Self::RanPac { ridge } => Box::new(RanPac::fit(examples, ridge)),
            Self::Linear { steps } => Box::new(Linear::fit(examples, steps)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::rng::Rng;

    /// Sum of twelve uniforms: nearly normal, deviation 1.
    pub(in crate::learn::classes) fn normal(rng: &mut Rng) -> f64 {
        (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0
    }

    /// `shots` examples each of `classes` clouds in `dim` dimensions, `apart` deviations apart.
    pub(in crate::learn::classes) fn clouds(
        classes: usize,
        shots: usize,
        dim: usize,
        apart: f64,
        seed: u64,
    ) -> Examples {
        let mut middles = Rng::from_seed(99);
        let middles: Vec<f64> =
            (0..classes * dim).map(|_| apart * normal(&mut middles) / 2.0_f64.sqrt()).collect();
        let mut rng = Rng::from_seed(seed);
        let mut examples = Examples::of(dim, classes);
        for class in 0..classes {
            for shot in 0..shots {
                let point: Vec<f64> = middles[class * dim..(class + 1) * dim]
                    .iter()
                    .map(|middle| middle + normal(&mut rng))
                    .collect();
                examples.push(&point, class, shot, 1.0);
            }
        }
        examples
    }

    pub(in crate::learn::classes) fn accuracy(head: &dyn Head, queries: &Examples) -> f64 {
        let mut scores = vec![0.0; queries.classes];
        let right = (0..queries.len()).filter(|&window| {
            head.scores(queries.point(window), &mut scores);
            let best = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
            best == Some(queries.class_of[window])
        });
        right.count() as f64 / queries.len() as f64
    }

    const ALL: [HeadKind; 4] = [
        HeadKind::Prototypes,
        HeadKind::Slda,
        HeadKind::RanPac { ridge: 0.1 },
        HeadKind::Linear { steps: 50 },
    ];

    #[test]
    fn every_head_tells_clouds_apart_and_strangers_are_stranger() {
        let (examples, queries) = (clouds(4, 10, 6, 3.0, 1), clouds(4, 30, 6, 3.0, 2));
        for kind in ALL {
            let head = kind.fit(&examples);
            let found = accuracy(head.as_ref(), &queries);
            assert!(0.9 < found, "{kind:?}: {found}");
            let mut strangeness = vec![0.0; 4];
            head.strangeness(queries.point(0), &mut strangeness);
            let own = strangeness[0];
            assert!(strangeness[1..].iter().all(|&other| own < other), "{kind:?}");
            let opposite: Vec<f64> = queries.point(0).iter().map(|x| -2.0 * x).collect();
            head.strangeness(&opposite, &mut strangeness);
            assert!(own < strangeness[0], "{kind:?}");
        }
    }

    #[test]
    fn a_class_without_example_is_never_the_best() {
        let examples = clouds(3, 6, 5, 3.0, 1).only(|window| !(6..12).contains(&window));
        for kind in ALL {
            let head = kind.fit(&examples);
            let (mut scores, mut strangeness) = (vec![0.0; 3], vec![0.0; 3]);
            head.scores(examples.point(0), &mut scores);
            head.strangeness(examples.point(0), &mut strangeness);
            assert_eq!((scores[1], strangeness[1]), (f64::NEG_INFINITY, f64::INFINITY), "{kind:?}");
            assert!(scores[0].is_finite() && strangeness[0].is_finite(), "{kind:?}");
        }
    }

    #[test]
    fn one_example_of_one_class_is_enough_to_fit() {
        let examples = clouds(1, 1, 5, 3.0, 1);
        for kind in ALL {
            let mut scores = [f64::NAN];
            kind.fit(&examples).scores(examples.point(0), &mut scores);
            assert!(scores[0].is_finite(), "{kind:?}");
        }
    }
}
