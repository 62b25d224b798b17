//! Which space and which head: those that name examples best that they have not seen.
//!
//! In turn, one example of every class that has at least two is left out, all its windows at once,
//! because windows of one recording are nearly copies; the rest is fitted, and what was left out is
//! named. Up to `MOST_FOLDS` examples of a class each is left out alone; beyond, several at once.

use crate::learn::classes::examples::Examples;
use crate::learn::classes::head::HeadKind;
use crate::learn::classes::space::Space;

/// Fits of one head at most.
const MOST_FOLDS: usize = 10;
/// Examples of a class, on average, before discriminants and fine-tuning are tried.
const ENOUGH_FOR_SLDA: usize = 5;
/// Examples of a class, on average, before random features are tried.
const ENOUGH_FOR_RANPAC: usize = 20;
/// Share by which the loss must be lower where accuracies are the same: a simpler head stays.
const CLEARLY: f64 = 0.9;

/// A space and a head in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Where points lie.
    pub space: Space,
    /// What tells them apart.
    pub head: HeadKind,
}

/// How a head did on examples that it had not seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Share named rightly, mean over classes.
    pub accuracy: f64,
    /// Mean of `−log` of the probability of the right class, at the best temperature.
    pub loss: f64,
    /// What scores are divided by before they become probabilities.
    pub temperature: f64,
    /// Of each window left out: the class it was taken for, right or wrong, and how strange it was to
    /// that.
    pub strangeness: Vec<(usize, f64)>,
}

/// What is worth trying with so many examples, the simplest first.
pub fn candidates(examples: &Examples) -> Vec<Candidate> {
    let shots = examples.shots();
    let known = shots.iter().filter(|&&count| 0 < count).count().max(1);
    let mean = shots.iter().sum::<usize>() / known;
    let mut all: Vec<Candidate> = [Space::Frozen, Space::Whitened, Space::Joined]
        .map(|space| Candidate { space, head: HeadKind::Prototypes })
        .into();
    let mut add = |head| {
        all.extend([Space::Frozen, Space::Whitened].map(|space| Candidate { space, head }));
    };
    if ENOUGH_FOR_SLDA <= mean {
        add(HeadKind::Slda);
    }
    if ENOUGH_FOR_RANPAC <= mean {
        [0.01, 0.1, 1.0].into_iter().for_each(|ridge| add(HeadKind::RanPac { ridge }));
    }
    all
}

/// Numbers of steps after which fine-tuning may stop.
pub const STOPS: [usize; 4] = [10, 25, 60, 150];

/// Whether there are enough examples to fine-tune on.
pub fn may_be_tuned(examples: &Examples) -> bool {
    let shots = examples.shots();
    ENOUGH_FOR_SLDA * shots.len() <= shots.iter().sum()
}

/// Whether `new` is worth changing to. A fine-tuned head must name more rightly: where it stops was
/// chosen on the very examples that judge it.
pub fn is_better(new: &Trial, head: HeadKind, best: &Trial) -> bool {
    let gain = new.accuracy - best.accuracy;
    if 1e-9 < gain.abs() || matches!(head, HeadKind::Linear { .. }) {
        return 1e-9 < gain;
    }
    new.loss < CLEARLY * best.loss
}

/// Leaves examples out in turn; `None` when no class has two.
pub fn cross_validate(examples: &Examples, head: HeadKind) -> Option<Trial> {
    let shots = examples.shots();
    let folds = shots.iter().copied().max().unwrap_or(0).min(MOST_FOLDS);
    let fold_of = |window: usize| {
        let class = examples.class_of[window];
        (2 <= shots[class]).then(|| examples.shot_of[window] % folds)
    };
    let classes = examples.classes;
    let (mut scores, mut held, mut strangeness) = (Vec::new(), Vec::new(), Vec::new());
    let (mut row, mut strange) = (vec![0.0; classes], vec![0.0; classes]);
    for fold in 0..folds {
        let kept = examples.only(|window| fold_of(window) != Some(fold));
        if kept.len() == examples.len() {
            continue;
        }
        let fitted = head.fit(&kept);
        for window in (0..examples.len()).filter(|&window| fold_of(window) == Some(fold)) {
            fitted.scores(examples.point(window), &mut row);
            fitted.strangeness(examples.point(window), &mut strange);
            contrast(&mut strange);
            let class = examples.class_of[window];
            scores.extend_from_slice(&row);
            held.push((class, examples.weights[window]));
            if let Some(told) = best(&row) {
                strangeness.push((told, strange[told]));
            }
        }
    }
    if held.is_empty() {
        return None;
    }
    balance(&mut held, classes);
    let right = |(row, (class, weight)): (&[f64], &(usize, f64))| {
        let is_best = row.iter().enumerate().all(|(c, score)| c == *class || *score < row[*class]);
        if is_best { *weight } else { 0.0 }
    };
    let accuracy = scores.chunks_exact(classes).zip(&held).map(right).sum();
    let (temperature, loss) = best_temperature(&scores, &held, classes);
    Some(Trial { accuracy, loss, temperature, strangeness })
}

/// Weights that sum to 1, and to the same for every class.
fn balance(held: &mut [(usize, f64)], classes: usize) {
    let mut sums = vec![0.0; classes];
    held.iter().for_each(|&(class, weight)| sums[class] += weight);
    let known = sums.iter().filter(|&&sum| 0.0 < sum).count() as f64;
    held.iter_mut().for_each(|(class, weight)| *weight /= sums[*class] * known);
}

/// The temperature of least loss among powers of √2 around the spread of scores.
fn best_temperature(scores: &[f64], held: &[(usize, f64)], classes: usize) -> (f64, f64) {
    let (mut sum, mut count) = (0.0, 0.0);
    for row in scores.chunks_exact(classes) {
        let finite: Vec<f64> = row.iter().copied().filter(|s| s.is_finite()).collect();
        let mean = finite.iter().sum::<f64>() / finite.len().max(1) as f64;
        sum += finite.iter().map(|s| (s - mean).powi(2)).sum::<f64>();
        count += finite.len() as f64;
    }
    let spread = (sum / f64::max(count, 1.0)).sqrt();
    if spread <= 0.0 {
        return (1.0, 0.0);
    }
    (-12..=4)
        .map(|step| {
            let temperature = spread * 2.0_f64.powf(0.5 * f64::from(step));
            let loss = scores
                .chunks_exact(classes)
                .zip(held)
                .map(|(row, &(class, weight))| {
                    weight * -posterior(row, temperature)[class].max(1e-9).ln()
                })
                .sum();
            (temperature, loss)
        })
        .min_by(|a: &(f64, f64), b| a.1.total_cmp(&b.1))
        .unwrap_or((1.0, 0.0))
}

/// Replaces distances `d_y` by `d_y² / min d_z` over the other classes `z`: what is between classes is
/// stranger to each of them than what is as far from one but farther still from the others. A single
/// class has nothing to be compared with, and keeps its distance.
pub fn contrast(distances: &mut [f64]) {
    let nearest = |except: usize| {
        let others = distances.iter().enumerate().filter(|(class, _)| *class != except);
        others.fold(f64::INFINITY, |least, (_, d)| least.min(*d))
    };
    let others: Vec<f64> = (0..distances.len()).map(nearest).collect();
    for (d, other) in distances.iter_mut().zip(others) {
        if d.is_finite() && other.is_finite() {
            *d *= *d / other.max(1e-12);
        }
    }
}

/// The class of the highest score, the first of several.
pub fn best(scores: &[f64]) -> Option<usize> {
    (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a)))
}

/// Probabilities of the classes, from their scores.
pub fn posterior(scores: &[f64], temperature: f64) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut p: Vec<f64> = scores.iter().map(|s| ((s - most) / temperature).exp()).collect();
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
    p
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::classes::head::tests::{accuracy, clouds};

    #[test]
    fn what_is_left_out_says_how_well_new_ones_will_be_named() {
        let (examples, new) = (clouds(5, 12, 6, 1.5, 1), clouds(5, 200, 6, 1.5, 2));
        for head in [HeadKind::Prototypes, HeadKind::Slda] {
            let trial = cross_validate(&examples, head).unwrap();
            let found = accuracy(head.fit(&examples).as_ref(), &new);
            // Binomial(60, 0.8): standard deviation 0.05.
            assert!((trial.accuracy - found).abs() < 0.15, "{head:?} {} {found}", trial.accuracy);
            assert_eq!(trial.strangeness.len(), 60);
            assert!(0.0 < trial.loss && trial.temperature.is_finite());
        }
    }

    #[test]
    fn labels_that_mean_nothing_are_seen_as_that() {
        // Every class the same cloud: nothing but luck, one in four.
        let trial = cross_validate(&clouds(4, 40, 6, 0.0, 1), HeadKind::Prototypes).unwrap();
        assert!(trial.accuracy < 0.4, "{}", trial.accuracy);
    }

    #[test]
    fn windows_of_one_example_are_left_out_together() {
        // Two windows of an example are copies, and examples are all over the place.
        let single = clouds(4, 6, 6, 0.0, 1);
        let mut copied = Examples::of(6, 4);
        for window in 0..single.len() {
            for _ in 0..2 {
                let (class, shot) = (single.class_of[window], single.shot_of[window]);
                copied.push(single.point(window), class, shot, 0.5);
            }
        }
        let once = cross_validate(&single, HeadKind::Prototypes).unwrap();
        let twice = cross_validate(&copied, HeadKind::Prototypes).unwrap();
        assert!((once.accuracy - twice.accuracy).abs() < 1e-9);
    }

    #[test]
    fn a_class_with_one_example_is_never_left_out() {
        let examples = clouds(3, 4, 6, 3.0, 1).only(|window| window < 9);
        assert_eq!(examples.shots(), [4, 4, 1]);
        let trial = cross_validate(&examples, HeadKind::Prototypes).unwrap();
        assert_eq!(trial.strangeness.len(), 8);
        let alone = clouds(3, 1, 6, 3.0, 1);
        assert_eq!(cross_validate(&alone, HeadKind::Prototypes), None);
    }

    #[test]
    fn more_examples_open_more_ways() {
        let heads = |shots| {
            let all = candidates(&clouds(3, shots, 4, 1.0, 1));
            all.iter().map(|candidate| candidate.head.name()).collect::<Vec<_>>()
        };
        assert_eq!(heads(1), ["prototypes"; 3]);
        assert_eq!(heads(5).len(), 5);
        assert_eq!(heads(20).last(), Some(&"random features"));
        assert!(!may_be_tuned(&clouds(3, 4, 4, 1.0, 1)) && may_be_tuned(&clouds(3, 5, 4, 1.0, 1)));
    }

    #[test]
    fn a_simpler_head_stays_where_another_is_no_better() {
        let trial =
            |accuracy, loss| Trial { accuracy, loss, temperature: 1.0, strangeness: Vec::new() };
        let best = trial(0.8, 0.5);
        assert!(is_better(&trial(0.81, 0.9), HeadKind::Slda, &best));
        assert!(!is_better(&trial(0.8, 0.49), HeadKind::Slda, &best));
        assert!(is_better(&trial(0.8, 0.4), HeadKind::Slda, &best));
        assert!(!is_better(&trial(0.8, 0.1), HeadKind::Linear { steps: 10 }, &best));
        assert!(!is_better(&trial(0.79, 0.1), HeadKind::Slda, &best));
    }
}
