//! From figures to a recommendation with its reason.
//!
//! The best figure alone would prefer a slow encoder for a difference that is chance. So all that are
//! not shown to be worse than the best take part, and the fastest of them wins.

use crate::pipeline::compare::Figures;
use crate::pipeline::compare::shots::SHOTS;
use crate::pipeline::compare::tally::Tally;

/// One encoder.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it reached.
    pub figures: &'a Figures,
    /// Milliseconds a window; `None` where that could not be measured.
    pub ms: Option<f64>,
}

/// What to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// This one.
    Use {
        /// Its name.
        name: String,
        /// Why, a sentence.
        reason: String,
        /// Whether labels decided; what is near in time is a hint only: an encoder that knows a recording again is
        /// not one that knows its kind.
        by_labels: bool,
    },
    /// The figures of none are above chance by more than their interval.
    Chance {
        /// Which figures.
        what: &'static str,
        /// The one that costs least, where that could be measured.
        fastest: Option<String>,
    },
}

/// What one encoder reached, and what guessing would.
struct Reached {
    tally: Tally,
    chance: f64,
}

impl Reached {
    fn share(&self) -> f64 {
        self.tally.share().unwrap_or(0.0)
    }

    /// Whether it is above chance by more than half its interval.
    fn is_told(&self) -> bool {
        self.tally.interval().is_some_and(|interval| interval < self.share() - self.chance)
    }
}

/// By few-shot accuracy where all have it, else by neighbours in time; `None` where nothing was
/// measured. Those that are not told from chance take no part.
pub fn advice(tried: &[Tried<'_>]) -> Option<Advice> {
    let by_shots = |one: &Tried<'_>| {
        let found = one.figures.few_shots.as_ref()?;
        Some(Reached { tally: found.tally.clone(), chance: found.chance() })
    };
    let by_time = |one: &Tried<'_>| {
        let found = one.figures.neighbours.as_ref()?;
        Some(Reached { tally: found.tally.clone(), chance: found.chance })
    };
    let shots: Option<Vec<Reached>> = tried.iter().map(by_shots).collect();
    let by_labels = shots.is_some();
    let (reached, what) = match shots {
        Some(reached) => {
            let is_less = |one: &Tried<'_>| {
                one.figures.few_shots.as_ref().is_some_and(|found| found.shots < SHOTS)
            };
            let fewer = tried.iter().any(is_less);
            (reached, if fewer { "4-shot accuracy" } else { "5-shot accuracy" })
        }
        None => (tried.iter().map(by_time).collect::<Option<_>>()?, "neighbours in time"),
    };
    let ms = |at: usize| tried[at].ms.unwrap_or(f64::INFINITY);
    let faster = |a: &usize, b: &usize| ms(*a).total_cmp(&ms(*b));
    let told: Vec<usize> = (0..tried.len()).filter(|&at| reached[at].is_told()).collect();
    let by_share = |a: &usize, b: &usize| reached[*a].share().total_cmp(&reached[*b].share());
    let Some(best) = told.iter().copied().max_by(by_share) else {
        let timed = (0..tried.len()).filter(|&at| tried[at].ms.is_some()).min_by(faster);
        let fastest = timed.map(|at| tried[at].name.into());
        return (!tried.is_empty()).then_some(Advice::Chance { what, fastest });
    };
    let as_good = |&at: &usize| {
        let above = reached[best].tally.above(&reached[at].tally);
        at == best || above.is_some_and(|(more, interval)| more <= interval)
    };
    let equals: Vec<usize> = told.iter().copied().filter(as_good).collect();
    let chosen = equals.iter().copied().min_by(faster)?;
    let reason = if tried.len() == 1 {
        "it is the only one that was compared".into()
    } else if chosen != best {
        let (more, interval) = reached[best].tally.above(&reached[chosen].tally)?;
        format!(
            "it is the fastest of {} whose {what} cannot be told from the best, that of {} \
             ({more:+.3} ± {interval:.3})",
            equals.len(),
            tried[best].name
        )
    } else if equals.len() == 1 {
        format!("its {what}, {:.3}, is the best beyond chance", reached[best].share())
    } else {
        format!(
            "its {what}, {:.3}, is the best, and of {} that cannot be told from it none is faster",
            reached[best].share(),
            equals.len() - 1
        )
    };
    Some(Advice::Use { name: tried[chosen].name.into(), reason, by_labels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::compare::neighbours::Neighbours;

    fn figures(rights: [f64; 6]) -> Figures {
        let mut tally = Tally::default();
        for (unit, right) in rights.into_iter().enumerate() {
            tally.add(unit, right, 10.0);
        }
        let neighbours = Some(Neighbours { tally, chance: 0.1 });
        Figures { windows: 60, skill: None, neighbours, few_shots: None }
    }

    fn of(all: &[(&str, Figures, f64)]) -> Advice {
        let tried: Vec<Tried<'_>> =
            all.iter().map(|(name, figures, ms)| Tried { name, figures, ms: Some(*ms) }).collect();
        advice(&tried).unwrap()
    }

    fn chosen(all: &[(&str, Figures, f64)]) -> (String, String) {
        match of(all) {
            Advice::Use { name, reason, by_labels: false } => (name, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_best_wins_where_it_is_surely_better() {
        let found = chosen(&[
            ("slow", figures([9.0; 6]), 5.0),
            ("fast", figures([3.0, 4.0, 3.0, 4.0, 3.0, 4.0]), 1.0),
        ]);
        assert_eq!(found.0, "slow");
        assert!(found.1.contains("beyond chance"), "{}", found.1);
    }

    #[test]
    fn the_fastest_wins_where_the_difference_may_be_chance() {
        let found = chosen(&[
            ("slow", figures([9.0, 2.0, 8.0, 1.0, 9.0, 2.0]), 5.0),
            ("fast", figures([2.0, 8.0, 1.0, 9.0, 2.0, 8.0]), 1.0),
        ]);
        assert_eq!(found.0, "fast");
        assert!(found.1.contains("cannot be told from the best, that of slow"));
    }

    /// Chance is 0.1, and what differs from stretch to stretch by so much may be that.
    #[test]
    fn what_may_be_chance_is_not_recommended() {
        let poor = || figures([0.0, 4.0, 0.0, 0.0, 4.0, 0.0]);
        let fastest = Some("fast".to_owned());
        assert_eq!(
            of(&[("slow", poor(), 5.0), ("fast", figures([1.0; 6]), 1.0)]),
            Advice::Chance { what: "neighbours in time", fastest }
        );
        // One that is told from chance is better than a faster one that is not, sure or not.
        let found = chosen(&[
            ("slow", figures([2.0, 3.0, 2.0, 3.0, 2.0, 3.0]), 5.0),
            ("fast", poor(), 1.0),
        ]);
        assert_eq!(found.0, "slow");
    }

    #[test]
    fn nothing_measured_gives_no_advice() {
        let none = Figures { windows: 1, skill: None, neighbours: None, few_shots: None };
        assert_eq!(advice(&[Tried { name: "a", figures: &none, ms: None }]), None);
    }
}
