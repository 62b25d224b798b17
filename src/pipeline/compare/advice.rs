//! From figures to a recommendation with its reason.
//!
//! The best figure alone would prefer a slow encoder for a difference that is chance. So all that are
//! not shown to be worse than the best take part, and the fastest of them wins.

use crate::pipeline::compare::Figures;
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

/// Which one, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Its name.
    pub name: String,
    /// A sentence.
    pub reason: String,
}

/// By few-shot accuracy where all have it, else by neighbours in time; `None` where nothing was
/// measured.
pub fn advice(tried: &[Tried<'_>]) -> Option<Advice> {
    let by_shots = |one: &Tried<'_>| one.figures.few_shots.as_ref().map(|f| f.tally.clone());
    let by_time = |one: &Tried<'_>| one.figures.neighbours.as_ref().map(|n| n.tally.clone());
    let shots: Option<Vec<Tally>> = tried.iter().map(by_shots).collect();
    let (tallies, what) = match shots {
        Some(tallies) => (tallies, "5-shot accuracy"),
        None => (tried.iter().map(by_time).collect::<Option<_>>()?, "neighbours in time"),
    };
    let share = |at: usize| tallies[at].share().unwrap_or(0.0);
    let best = (0..tried.len()).max_by(|&a, &b| share(a).total_cmp(&share(b)))?;
    let as_good = |&at: &usize| {
        at == best
            || tallies[best].above(&tallies[at]).is_some_and(|(more, interval)| more <= interval)
    };
    let ms = |at: usize| tried[at].ms.unwrap_or(f64::INFINITY);
    let equals: Vec<usize> = (0..tried.len()).filter(as_good).collect();
    let chosen = equals.iter().copied().min_by(|&a, &b| ms(a).total_cmp(&ms(b)))?;
    let reason = if tried.len() == 1 {
        "it is the only one that was compared".into()
    } else if chosen != best {
        let (more, interval) = tallies[best].above(&tallies[chosen])?;
        format!(
            "it is the fastest of {} whose {what} cannot be told from the best, that of {} \
             ({more:+.3} ± {interval:.3})",
            equals.len(),
            tried[best].name
        )
    } else if equals.len() == 1 {
        format!("its {what}, {:.3}, is the best beyond chance", share(best))
    } else {
        format!(
            "its {what}, {:.3}, is the best, and of {} that cannot be told from it none is faster",
            share(best),
            equals.len() - 1
        )
    };
    Some(Advice { name: tried[chosen].name.into(), reason })
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

    fn chosen(all: &[(&str, Figures, f64)]) -> Advice {
        let tried: Vec<Tried<'_>> =
            all.iter().map(|(name, figures, ms)| Tried { name, figures, ms: Some(*ms) }).collect();
        advice(&tried).unwrap()
    }

    #[test]
    fn the_best_wins_where_it_is_surely_better() {
        let found = chosen(&[
            ("slow", figures([9.0; 6]), 5.0),
            ("fast", figures([3.0, 4.0, 3.0, 4.0, 3.0, 4.0]), 1.0),
        ]);
        assert_eq!(found.name, "slow");
        assert!(found.reason.contains("beyond chance"), "{}", found.reason);
    }

    #[test]
    fn the_fastest_wins_where_the_difference_may_be_chance() {
        let found = chosen(&[
            ("slow", figures([9.0, 2.0, 8.0, 1.0, 9.0, 2.0]), 5.0),
            ("fast", figures([2.0, 8.0, 1.0, 9.0, 2.0, 8.0]), 1.0),
        ]);
        assert_eq!(found.name, "fast");
        assert!(found.reason.contains("cannot be told from the best, that of slow"));
    }

    #[test]
    fn nothing_measured_gives_no_advice() {
        let none = Figures { windows: 1, skill: None, neighbours: None, few_shots: None };
        assert_eq!(advice(&[Tried { name: "a", figures: &none, ms: None }]), None);
    }
}
