//! How well five examples of each class tell the rest.

use ndarray::Array2;
use ndarray::Axis;

use crate::base::rng::Rng;
use crate::pipeline::compare::space::Space;
use crate::pipeline::compare::tally::Tally;

/// Examples of each class, and one fewer where no two classes have more recordings than these.
pub const SHOTS: usize = 5;

/// Times that examples are drawn anew.
const DRAWS: usize = 50;

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FewShots {
    /// How often a recording was given its own class, every class counting the same.
    pub tally: Tally,
    /// Classes with enough recordings.
    pub classes: usize,
    /// Examples of each.
    pub shots: usize,
}

impl FewShots {
    /// How often it would be right by chance.
    pub fn chance(&self) -> f64 {
        1.0 / self.classes as f64
    }
}

/// Examples to draw, where classes have so many recordings: [`SHOTS`], or one fewer where two classes have as many as
/// these and no two have more; `None` where no two have enough.
pub fn shots(counts: &[usize]) -> Option<usize> {
    let above = |shots: usize| counts.iter().filter(|&&count| shots < count).count();
    [SHOTS, SHOTS - 1].into_iter().find(|&shots| 2 <= above(shots))
}

/// Draws [`shots`] recordings of each class, again and again, and gives every other recording the
/// class with the nearest mean by cosine. `recordings` has a row a recording, `labels` its class or
/// `None`. The draws depend on labels only, so that they are the same for every encoder.
///
/// `None` unless two classes have [`SHOTS`] recordings.
pub fn few_shots(recordings: &Space, labels: &[Option<usize>]) -> Option<FewShots> {
    let count = labels.iter().flatten().max().map_or(0, |most| most + 1);
    let of_class = |class: usize| {
        let is = |(at, label): (usize, &Option<usize>)| (*label == Some(class)).then_some(at);
        labels.iter().enumerate().filter_map(is).collect::<Vec<usize>>()
    };
    let mut classes: Vec<Vec<usize>> = (0..count).map(of_class).collect();
    let shots = shots(&classes.iter().map(Vec::len).collect::<Vec<usize>>())?;
    classes.retain(|members| shots < members.len());
    let mut rng = Rng::from_seed(1);
    let mut tally = Tally::default();
    for _ in 0..DRAWS {
        let mut means = Array2::<f32>::zeros((classes.len(), recordings.rows().ncols()));
        for (class, members) in classes.iter_mut().enumerate() {
            rng.shuffle(members);
            for &shot in &members[..shots] {
                means.row_mut(class).scaled_add(1.0, &recordings.row(shot));
            }
        }
        for mut mean in means.rows_mut() {
            let length = mean.dot(&mean).sqrt().max(f32::MIN_POSITIVE);
            mean /= length;
        }
        for (class, members) in classes.iter().enumerate() {
            let rest = &members[shots..];
            let cosines = recordings.rows().select(Axis(0), rest).dot(&means.t());
            for (&member, row) in rest.iter().zip(cosines.rows()) {
                let right = row
                    .iter()
                    .enumerate()
                    .all(|(other, &cosine)| other == class || cosine < row[class]);
                let weight = 1.0 / rest.len() as f64;
                tally.add(member, f64::from(u8::from(right)) * weight, weight);
            }
        }
    }
    Some(FewShots { tally, classes: classes.len(), shots })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(classes: usize, each: usize) -> Vec<Option<usize>> {
        (0..classes * each).map(|n| Some(n % classes)).collect()
    }

    #[test]
    fn classes_apart_are_told_and_noise_is_not() {
        let labels = labels(4, 12);
        let mut rng = Rng::from_seed(5);
        let mut vectors = |apart: f32| {
            let vector = |n: usize| {
                let mut vector: Vec<f32> = (0..8).map(|_| rng.unit_f32() - 0.5).collect();
                vector[n % 4] += apart;
                vector
            };
            (0..48).map(vector).collect::<Vec<_>>()
        };
        let (apart, noise) = (vectors(5.0), vectors(0.0));
        let of = |vectors| few_shots(&Space::new(vectors, false), &labels).unwrap();
        assert_eq!(of(&apart).tally.share(), Some(1.0));
        assert_eq!((of(&apart).classes, of(&apart).chance()), (4, 0.25));
        let found = of(&noise).tally;
        let (share, interval) = (found.share().unwrap(), found.interval().unwrap());
        assert!((share - 0.25).abs() < 0.15 && 0.0 < interval, "{share} ± {interval}");
    }

    #[test]
    fn classes_without_enough_recordings_take_no_part() {
        let vectors: Vec<_> = (0..9_u8).map(|n| vec![f32::from(n)]).collect();
        let space = Space::new(&vectors, false);
        let mut labels = labels(2, 4);
        labels.push(None);
        assert_eq!(few_shots(&space, &labels), None);
    }

    /// Fails where classes of exactly five give no figure, or where one of them makes classes of more learn from four.
    #[test]
    fn with_five_recordings_a_class_four_are_learnt_and_the_other_is_asked() {
        for (counts, expected) in [
            (&[6, 6, 5][..], Some(5)),
            (&[6, 5, 5], Some(4)),
            (&[5, 5], Some(4)),
            (&[9, 4], None),
            (&[], None),
        ] {
            assert_eq!(shots(counts), expected, "{counts:?}");
        }
        let mut rng = Rng::from_seed(5);
        let mut vector = |n: usize| {
            let mut vector: Vec<f32> = (0..8).map(|_| rng.unit_f32() - 0.5).collect();
            vector[n % 2] += 5.0;
            vector
        };
        let vectors: Vec<_> = (0..10).map(&mut vector).collect();
        let found = few_shots(&Space::new(&vectors, false), &labels(2, 5)).unwrap();
        assert_eq!((found.tally.share(), found.classes, found.shots), (Some(1.0), 2, 4));
    }

    #[test]
    fn a_tie_is_not_right() {
        let vectors = vec![vec![1.0]; 12];
        let found = few_shots(&Space::new(&vectors, false), &labels(2, 6)).unwrap();
        assert_eq!(found.tally.share(), Some(0.0));
    }
}
