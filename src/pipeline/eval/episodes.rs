//! Episodes of naming from a few examples, and the one head that judges every space: nearest class mean by
//! cosine.

use crate::base::rng::Rng;
use crate::pipeline::eval::pooled::of_length_one;

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

/// Draws episodes; `None` unless two classes have more than the shots.
pub(super) fn episodes(classes: &[usize], setup: Setup) -> Option<Vec<Episode>> {
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
        rng.shuffle(&mut members);
        let mut episode = Episode { shots: Vec::new(), queries: Vec::new() };
        for (way, own) in members.iter_mut().take(ways).enumerate() {
            rng.shuffle(own);
            let (shots, rest) = own.split_at(setup.shots);
            episode.shots.push(shots.to_vec());
            episode.queries.extend(rest.iter().take(setup.queries).map(|&item| (way, item)));
        }
        all.push(episode);
    }
    Some(all)
}

/// How often each item is asked.
pub(super) fn asked(items: usize, episodes: &[Episode]) -> Vec<f64> {
    let mut asked = vec![0.0; items];
    episodes.iter().flat_map(|episode| &episode.queries).for_each(|&(_, item)| asked[item] += 1.0);
    asked
}

/// Share of its questions in which each item was named rightly; 0 where it was never asked. `vectors`: one
/// an item.
pub(super) fn accuracies(vectors: &[Vec<f32>], episodes: &[Episode]) -> Vec<f64> {
    let unit: Vec<Vec<f32>> = vectors.iter().map(|vector| of_length_one(vector.clone())).collect();
    let mut right = vec![0.0; vectors.len()];
    for episode in episodes {
        let means: Vec<Vec<f32>> = episode
            .shots
            .iter()
            .map(|shots| of_length_one(sum(shots.iter().map(|&item| unit[item].as_slice()))))
            .collect();
        for &(way, item) in &episode.queries {
            let product =
                |mean: &[f32]| -> f32 { mean.iter().zip(&unit[item]).map(|(a, b)| a * b).sum() };
            let own = product(&means[way]);
            // A tie is not right.
            let is_right =
                means.iter().enumerate().all(|(other, mean)| other == way || product(mean) < own);
            right[item] += f64::from(u8::from(is_right));
        }
    }
    let asked = asked(vectors.len(), episodes);
    right.iter().zip(asked).map(|(right, asked)| right / asked.max(1.0)).collect()
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
        let all = episodes(&classes, SETUP).unwrap();
        assert_eq!(all.len(), 20);
        for episode in &all {
            assert_eq!((episode.shots.len(), episode.queries.len()), (3, 12));
            for (way, item) in &episode.queries {
                assert!(!episode.shots.iter().flatten().any(|shot| shot == item));
                assert_eq!(classes[*item], classes[episode.shots[*way][0]]);
            }
        }
        assert_ne!(all[0], all[1]);
        assert_eq!(episodes(&[0, 0, 1, 1], SETUP), None);
    }

    #[test]
    fn classes_apart_are_told_and_alike_ones_are_guessed() {
        let classes: Vec<usize> = (0..30).map(|item| item % 3).collect();
        let all = episodes(&classes, SETUP).unwrap();
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
        let weights = asked(classes.len(), &all);
        assert_eq!(weights.iter().sum::<f64>(), 240.0, "20 episodes of 12 queries");
        let mean = |x: Vec<f64>| {
            x.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>() / weights.iter().sum::<f64>()
        };
        assert_eq!(mean(accuracies(&apart, &all)), 1.0);
        assert!((mean(accuracies(&alike, &all)) - 1.0 / 3.0).abs() < 0.15);
        assert_eq!(mean(accuracies(&vec![vec![1.0]; 30], &all)), 0.0, "a tie is not right");
    }
}
