//! Which recordings are shown and which are asked, and who is named rightly.

use crate::base::rng::Rng;

/// How many of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Classes in an episode; 0 for all.
    pub ways: usize,
    /// Examples of each.
    pub shots: usize,
    /// Others of each that are asked, at most.
    pub queries: usize,
    /// Episodes.
    pub episodes: usize,
}

/// Shots and queries of one episode, as numbers of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Episode {
    shots: Vec<Vec<usize>>,
    /// Place of the right class among the shots, and the item.
    queries: Vec<(usize, usize)>,
}

impl Episode {
    /// Items that are asked, in order.
    pub(super) fn asked(&self) -> impl Iterator<Item = usize> + '_ {
        self.queries.iter().map(|query| query.1)
    }
}

/// Draws episodes; `None` unless two classes have more than the shots.
pub(super) fn draw(classes: &[usize], setup: Setup) -> Option<Vec<Episode>> {
    let count = classes.iter().max().map_or(0, |most| most + 1);
    let of_class = |class: usize| {
        (0..classes.len()).filter(|&item| classes[item] == class).collect::<Vec<usize>>()
    };
    let mut members: Vec<Vec<usize>> =
        (0..count).map(of_class).filter(|members| setup.shots < members.len()).collect();
    if members.len() < 2 || setup.shots == 0 {
        return None;
    }
    let ways = if setup.ways == 0 { members.len() } else { setup.ways.min(members.len()) };
    let mut rng = Rng::from_seed(1);
    let mut all = Vec::with_capacity(setup.episodes);
    for _ in 0..setup.episodes {
        shuffle(&mut members, &mut rng);
        let mut episode = Episode { shots: Vec::new(), queries: Vec::new() };
        for (way, own) in members.iter_mut().take(ways).enumerate() {
            shuffle(own, &mut rng);
            let (shots, rest) = own.split_at(setup.shots);
            episode.shots.push(shots.to_vec());
            episode.queries.extend(rest.iter().take(setup.queries).map(|&item| (way, item)));
        }
        all.push(episode);
    }
    Some(all)
}

/// Fisher and Yates.
fn shuffle<T>(items: &mut [T], rng: &mut Rng) {
    for at in (1..items.len()).rev() {
        items.swap(at, usize::try_from(rng.below(at as u64 + 1)).unwrap_or(0));
    }
}

/// Whether each query of all episodes is named rightly, 1 or 0. `vectors`: one an item.
pub(super) fn named_rightly(vectors: &[Vec<f32>], episodes: &[Episode]) -> Vec<f64> {
    let unit: Vec<Vec<f32>> = vectors.iter().map(|vector| of_length_one(vector.clone())).collect();
    let mut right = Vec::new();
    for episode in episodes {
        let mean = |shots: &Vec<usize>| {
            of_length_one(sum(shots.iter().map(|&item| unit[item].as_slice())))
        };
        let means: Vec<Vec<f32>> = episode.shots.iter().map(mean).collect();
        right.extend(episode.queries.iter().map(|(way, item)| {
            let product =
                |mean: &[f32]| -> f32 { mean.iter().zip(&unit[*item]).map(|(a, b)| a * b).sum() };
            let own = product(&means[*way]);
            // A tie is not right.
            let mut others = means.iter().enumerate().filter(|(other, _)| other != way);
            f64::from(u8::from(others.all(|(_, mean)| product(mean) < own)))
        }));
    }
    right
}

fn of_length_one(mut x: Vec<f32>) -> Vec<f32> {
    let length = x.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    x.iter_mut().for_each(|x| *x /= length);
    x
}

fn sum<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut all: Vec<f32> = Vec::new();
    for row in rows {
        all.resize(row.len(), 0.0);
        all.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETUP: Setup = Setup { ways: 0, shots: 2, queries: 4, episodes: 20 };

    #[test]
    fn episodes_never_ask_for_what_they_show() {
        let classes: Vec<usize> = (0..30).map(|item| item % 3).collect();
        let all = draw(&classes, SETUP).unwrap();
        assert_eq!(all.len(), 20);
        for episode in &all {
            assert_eq!((episode.shots.len(), episode.queries.len()), (3, 12));
            for (way, item) in &episode.queries {
                assert!(!episode.shots.iter().flatten().any(|shot| shot == item));
                assert_eq!(classes[*item], classes[episode.shots[*way][0]]);
            }
        }
        assert_ne!(all[0], all[1]);
        assert_eq!(draw(&[0, 0, 1, 1], SETUP), None);
    }

    #[test]
    fn classes_apart_are_told_and_alike_ones_are_guessed() {
        let classes: Vec<usize> = (0..30).map(|item| item % 3).collect();
        let all = draw(&classes, SETUP).unwrap();
        let mut rng = Rng::from_seed(2);
        let mut vectors = |apart: f32| -> Vec<Vec<f32>> {
            let vector = |&class: &usize| {
                let mut x: Vec<f32> = (0..6).map(|_| rng.unit_f32() - 0.5).collect();
                x[class] += apart;
                x
            };
            classes.iter().map(vector).collect()
        };
        let (apart, alike) = (vectors(9.0), vectors(0.0));
        let mean = |x: Vec<f64>| x.iter().sum::<f64>() / x.len() as f64;
        assert_eq!(mean(named_rightly(&apart, &all)), 1.0);
        assert!((mean(named_rightly(&alike, &all)) - 1.0 / 3.0).abs() < 0.15);
        assert_eq!(mean(named_rightly(&vec![vec![1.0]; 30], &all)), 0.0, "a tie is not right");
    }
}
