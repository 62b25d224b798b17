//! How well scores rank, and how sure that is.

use crate::base::rng::Rng;

/// False-positive rate up to which the partial area goes.
pub const MOST_FALSE: f64 = 0.1;
/// Times that blocks are drawn anew.
const DRAWS: usize = 500;
/// Blocks with something foreign, over all places, that an interval is made of at least. From one
/// block every draw is the same, and chance would look sure.
pub const FEWEST_BLOCKS: usize = 6;
/// Seconds of a block: what lies closer together is not independent.
const BLOCK_S: f64 = 300.0;

/// A score and whether it should be high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Higher is more unusual.
    pub score: f64,
    /// Whether it truly was.
    pub is_foreign: bool,
}

/// Area under the receiver operating characteristic: the chance that a foreign window ranks above a
/// usual one, ties counting half. `None` unless there are both.
pub fn auroc(ranked: &[Ranked]) -> Option<f64> {
    area(ranked, 1.0)
}

/// The same up to a false-positive rate of [`MOST_FALSE`], brought to ½ for guessing and 1 for
/// perfection (`McClish`, 1989).
pub fn partial_auroc(ranked: &[Ranked]) -> Option<f64> {
    let area = area(ranked, MOST_FALSE)?;
    let (least, most) = (0.5 * MOST_FALSE * MOST_FALSE, MOST_FALSE);
    Some(0.5 * (1.0 + (area - least) / (most - least)))
}

/// Area under the curve between false-positive rates 0 and `most`, by trapezoids between groups of
/// ties.
fn area(ranked: &[Ranked], most: f64) -> Option<f64> {
    let foreign = ranked.iter().filter(|one| one.is_foreign).count() as f64;
    let usual = ranked.len() as f64 - foreign;
    if foreign < 1.0 || usual < 1.0 {
        return None;
    }
    let mut sorted = ranked.to_vec();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (mut area, mut x, mut y) = (0.0, 0.0, 0.0);
    for ties in sorted.chunk_by(|a, b| a.score.total_cmp(&b.score).is_eq()) {
        let hits = ties.iter().filter(|one| one.is_foreign).count() as f64;
        let (to_x, to_y) = (x + (ties.len() as f64 - hits) / usual, y + hits / foreign);
        if most < to_x {
            let at = y + (to_y - y) * (most - x) / (to_x - x);
            return Some(area + 0.5 * (y + at) * (most - x));
        }
        area += 0.5 * (y + to_y) * (to_x - x);
        (x, y) = (to_x, to_y);
    }
    Some(area)
}

/// One place as one method ranks it: when each window was, whether it was foreign, and a list of
/// scores a seed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranking {
    /// Seconds into the stream, a window each.
    pub at_s: Vec<f64>,
    /// Whether each window is truly foreign.
    pub is_foreign: Vec<bool>,
    /// `[seeds][windows]`.
    pub scores: Vec<Vec<f64>>,
}

impl Ranking {
    /// Mean over seeds of the area.
    pub fn auroc(&self) -> Option<f64> {
        self.auroc_of(&(0..self.at_s.len()).collect::<Vec<_>>())
    }

    /// The same, over the windows numbered `which`.
    fn auroc_of(&self, which: &[usize]) -> Option<f64> {
        mean(self.scores.iter().map(|scores| {
            let pick = |&at: &usize| Ranked { score: scores[at], is_foreign: self.is_foreign[at] };
            auroc(&which.iter().map(pick).collect::<Vec<_>>())
        }))
    }

    /// Windows of each stretch of five minutes, counted from the first.
    fn blocks(&self) -> Vec<Vec<usize>> {
        let begin_s = self.at_s.first().copied().unwrap_or(0.0);
        let mut blocks: Vec<(i64, Vec<usize>)> = Vec::new();
        for (at, &at_s) in self.at_s.iter().enumerate() {
            #[expect(clippy::cast_possible_truncation, reason = "a small number of blocks")]
            let block = ((at_s - begin_s) / BLOCK_S).floor() as i64;
            match blocks.last_mut() {
                Some((last, windows)) if *last == block => windows.push(at),
                _ => blocks.push((block, vec![at])),
            }
        }
        blocks.into_iter().map(|(_, windows)| windows).collect()
    }
}

/// The mean of those that are; `None` where none is.
pub fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, count) = values.flatten().fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    (0.0 < count).then(|| sum / count)
}

/// Standard deviation of a sample; `None` for fewer than two.
pub fn deviation(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let middle = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - middle).powi(2)).sum();
    (2 <= values.len()).then(|| (squares / (n - 1.0)).sqrt())
}

/// The value below which that share of `values` lies, the nearest of them; `None` for none.
pub fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let at = ((share * last as f64).round() as usize).min(last);
    Some(*values.select_nth_unstable_by(at, f64::total_cmp).1)
}

/// Where a difference lies, with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

impl Interval {
    /// Of values drawn by a bootstrap; `None` for none.
    pub fn of(values: Vec<f64>) -> Option<Self> {
        let low = quantile(values.clone(), 0.025)?;
        Some(Self { low, high: quantile(values, 0.975)? })
    }

    /// Whether it lies above 0, below 0, or neither.
    pub fn sign(&self) -> std::cmp::Ordering {
        if 0.0 < self.low {
            std::cmp::Ordering::Greater
        } else if self.high < 0.0 {
            std::cmp::Ordering::Less
        } else {
            std::cmp::Ordering::Equal
        }
    }
}

/// 95 % interval of how much higher the mean area of `ours` over places is than that of `theirs`,
/// the same places: a paired bootstrap that draws places, and in each of them blocks of five
/// minutes.
/// `None` where fewer than [`FEWEST_BLOCKS`] of these hold anything foreign, or where they are not the same.
pub fn above(ours: &[Ranking], theirs: &[Ranking]) -> Option<Interval> {
    let are_alike = |(ours, theirs): (&Ranking, &Ranking)| {
        ours.at_s == theirs.at_s && ours.is_foreign == theirs.is_foreign
    };
    if ours.len() != theirs.len() || !ours.iter().zip(theirs).all(are_alike) {
        return None;
    }
    let mut rng = Rng::from_seed(1);
    let blocks: Vec<Vec<Vec<usize>>> = ours.iter().map(Ranking::blocks).collect();
    let is_telling = |(place, block): (&Ranking, &Vec<usize>)| {
        usize::from(block.iter().any(|&at| place.is_foreign[at]))
    };
    let own = ours.iter().zip(&blocks);
    let all = own.flat_map(|(place, blocks)| blocks.iter().map(move |block| (place, block)));
    if all.map(is_telling).sum::<usize>() < FEWEST_BLOCKS {
        return None;
    }
    let mut draw = |count: usize| usize::try_from(rng.below(count.max(1) as u64)).unwrap_or(0);
    let mut differences = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let mut found = Vec::with_capacity(ours.len());
        for _ in 0..ours.len() {
            let place = draw(ours.len());
            let own = &blocks[place];
            let which: Vec<usize> =
                (0..own.len()).flat_map(|_| own[draw(own.len())].iter().copied()).collect();
            let (ours, theirs) = (ours[place].auroc_of(&which), theirs[place].auroc_of(&which));
            found.push(ours.zip(theirs).map(|(ours, theirs)| ours - theirs));
        }
        differences.extend(mean(found.into_iter()));
    }
    Interval::of(differences)
}

/// A difference, and where it lies for sure; no interval where too little was seen to say.
pub type Difference = (f64, Option<Interval>);

/// By how much the mean area of `ours` over places is above that of `theirs`, with the interval of [`above`].
pub fn difference(ours: &[Ranking], theirs: &[Ranking]) -> Option<Difference> {
    let area = |places: &[Ranking]| mean(places.iter().map(Ranking::auroc));
    Some((area(ours)? - area(theirs)?, above(ours, theirs)))
}

/// 95 % interval of a figure made of seeds and stretches, by a bootstrap that draws both (Owen, *The pigeonhole
/// bootstrap*, 2007): learners differ by their seed, moments and recordings among themselves. `of` gets the
/// numbers of those drawn. `None` where there is only one of each: every draw is then the same, and chance
/// would look sure.
pub fn drawn(
    seeds: usize,
    stretches: usize,
    of: impl Fn(&[usize], &[usize]) -> Option<f64>,
) -> Option<Interval> {
    if seeds.max(stretches) < 2 {
        return None;
    }
    let mut rng = Rng::from_seed(1);
    let mut draw = |count: usize| -> Vec<usize> {
        let one = |_| usize::try_from(rng.below(count.max(1) as u64)).unwrap_or(0);
        (0..count).map(one).collect()
    };
    Interval::of((0..DRAWS).filter_map(|_| of(&draw(seeds), &draw(stretches))).collect())
}

/// What `of` makes of all seeds and stretches, with the interval of [`drawn`].
pub fn of_all(
    seeds: usize,
    stretches: usize,
    of: impl Fn(&[usize], &[usize]) -> Option<f64>,
) -> Option<Difference> {
    let all = |count: usize| (0..count).collect::<Vec<_>>();
    Some((of(&all(seeds), &all(stretches))?, drawn(seeds, stretches, of)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(scores: &[f64], foreign: &[u8]) -> Vec<Ranked> {
        let one = |(&score, &f): (&f64, &u8)| Ranked { score, is_foreign: f == 1 };
        scores.iter().zip(foreign).map(one).collect()
    }

    /// Expected values are scikit-learn's `roc_auc_score`, also with `max_fpr=0.1`.
    #[test]
    fn areas_are_those_of_scikit_learn() {
        let scores = [0.1, 0.4, 0.35, 0.8, 0.35, 0.9, 0.2, 0.7, 0.7, 0.05, 0.6, 0.3];
        let foreign = [0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 1];
        let ranked = ranked(&scores, &foreign);
        assert!((auroc(&ranked).unwrap() - 0.771_428_571_428_571_4).abs() < 1e-12);
        let partial = partial_auroc(&ranked).unwrap();
        assert!((partial - 0.721_052_631_578_947_4).abs() < 1e-12, "{partial}");
    }

    #[test]
    fn one_kind_alone_has_no_area() {
        assert_eq!(auroc(&ranked(&[0.1, 0.2], &[0, 0])), None);
        assert_eq!(auroc(&ranked(&[0.1, 0.1], &[0, 1])), Some(0.5));
    }

    fn place(noise: f64, seed: u64) -> Ranking {
        let mut rng = Rng::from_seed(seed);
        let at_s: Vec<f64> = (0..400).map(|i| 5.0 * f64::from(i)).collect();
        let is_foreign: Vec<bool> = (0..400).map(|i| i % 7 == 0).collect();
        let score = |&foreign: &bool| f64::from(u8::from(foreign)) + noise * rng.unit();
        let scores = vec![is_foreign.iter().map(score).collect()];
        Ranking { at_s, is_foreign, scores }
    }

    #[test]
    fn what_ranks_better_is_surely_above_and_what_ranks_alike_is_not() {
        let good: Vec<Ranking> = (0..3).map(|seed| place(1.5, seed)).collect();
        let bad: Vec<Ranking> = (0..3).map(|seed| place(4.0, seed + 10)).collect();
        assert!(above(&good, &bad).unwrap().sign().is_gt());
        assert!(above(&bad, &good).unwrap().sign().is_lt());
        let alike: Vec<Ranking> = (0..3).map(|seed| place(1.5, seed + 20)).collect();
        assert!(above(&good, &alike).unwrap().sign().is_eq());
        assert_eq!(above(&good, &good), Some(Interval { low: 0.0, high: 0.0 }));
        assert_eq!(above(&good, &bad[..2]), None, "other places");
    }

    #[test]
    fn seeds_and_stretches_are_drawn_and_one_of_each_says_nothing() {
        let values = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]];
        let of = |seeds: &[usize], stretches: &[usize]| {
            let all = seeds.iter().flat_map(|&s| stretches.iter().map(move |&t| values[s][t]));
            mean(all.map(Some))
        };
        let Interval { low, high } = drawn(2, 3, of).unwrap();
        assert!((0.0..0.5).contains(&low) && (4.5..=5.0).contains(&high), "{low} {high}");
        assert_eq!(drawn(1, 1, of), None);
        assert!(drawn(1, 3, of).unwrap().high <= 2.0, "the other seed was not there");
    }

    #[test]
    fn few_blocks_say_nothing_for_sure() {
        let short = |noise, seed| {
            let mut place = place(noise, seed);
            place.at_s.truncate(100);
            place.is_foreign.truncate(100);
            place.scores[0].truncate(100);
            place
        };
        assert_eq!(short(1.5, 1).blocks().len(), 2);
        let places = |noise, count| (0..count).map(|seed| short(noise, seed)).collect::<Vec<_>>();
        assert_eq!(above(&places(1.5, 2), &places(9.0, 2)), None);
        assert!(above(&places(1.5, 3), &places(9.0, 3)).unwrap().sign().is_gt());
    }
}
