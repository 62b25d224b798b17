//! A changed scene is one stranger, however many kinds of windows it has: the change was told, and is one event.

use crate::learn::habituation::{Standing, Strangers};
use crate::learn::sketch::squared_distance;

impl Strangers {
    /// A rare window of one who was let in: where its visit was told, the visit goes on.
    pub fn stay(&mut self, sketch: &[f32], usual: f32, at_s: f64) {
        if let Some(which) = self.find(sketch, usual)
            && self.is_told(which, at_s, 0.0)
        {
            self.known[which].last_s = at_s;
        }
    }

    /// The place has changed, which was told: unfamiliar groups first met from `since_s` on become one, as wide
    /// as they lie apart, and this visit is told. It keeps its width, where others are bounded by the usual one.
    pub fn unite(&mut self, since_s: f64) {
        let is_new = |which: &usize| {
            let known = &self.known[*which];
            known.standing == Standing::Unfamiliar && since_s <= known.first_s
        };
        let new: Vec<usize> = (0..self.known.len()).filter(is_new).collect();
        let Some(&into) = new.first() else { return };
        let dim = self.dim;
        let all: u64 = new.iter().map(|&which| self.known[which].windows).sum();
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let share = |which: usize| (self.known[which].windows as f64 / all.max(1) as f64) as f32;
        let mut middle = vec![0.0; dim];
        for &which in &new {
            let mean = &self.means[which * dim..(which + 1) * dim];
            middle.iter_mut().zip(mean).for_each(|(sum, x)| *sum += share(which) * x);
        }
        let apart = |which: usize| {
            squared_distance(&middle, &self.means[which * dim..(which + 1) * dim]).sqrt()
        };
        let spread =
            new.iter().map(|&which| share(which) * (self.known[which].spread + apart(which))).sum();
        let mut one = self.known[into];
        for &which in &new[1..] {
            let other = self.known[which];
            one.first_s = one.first_s.min(other.first_s);
            one.last_s = one.last_s.max(other.last_s);
            one.dwell_s += other.dwell_s;
            one.windows += other.windows;
            one.loudest = one.loudest.max(other.loudest);
        }
        (one.spread, one.is_scene, one.has_alarmed) = (spread, true, true);
        self.known[into] = one;
        self.means[into * dim..(into + 1) * dim].copy_from_slice(&middle);
        for &which in new[1..].iter().rev() {
            let last = self.known.len() - 1;
            self.known.swap_remove(which);
            self.means.copy_within(last * dim..(last + 1) * dim, which * dim);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::learn::Habituation;

    /// Fails when groups of before take part, when the united group is no wider than each was, and when it is
    /// not counted as told.
    #[test]
    fn what_was_met_since_the_change_is_one_stranger_and_what_was_known_before_another() {
        let mut strangers = Strangers::new(Habituation::Home, 2);
        let meet = |strangers: &mut Strangers, x: f32, from_s: f64| {
            for minute in 0..5 {
                let at_s = from_s + 60.0 * f64::from(minute);
                strangers.observe(&[20.0, x], 1.0, (at_s, 60.0), None);
            }
        };
        strangers.observe(&[-9.0, 0.0], 1.0, (0.0, 60.0), None);
        for (number, x) in [0.0, 30.0, 60.0].into_iter().enumerate() {
            meet(&mut strangers, x, 10_000.0 + 300.0 * number as f64);
        }
        assert_eq!(strangers.known().len(), 4);
        strangers.unite(9_900.0);
        assert_eq!(strangers.known().len(), 2);
        let scene = strangers.find(&[20.0, 40.0], 1.0).expect("between them");
        let known = strangers.known()[scene];
        assert_eq!((known.windows, known.episodes, known.dwell_s), (15, 1, 900.0));
        assert!(strangers.is_told(scene, 11_000.0, 0.0), "{known:?}");
        assert!(strangers.find(&[-9.0, 0.0], 1.0).is_some_and(|before| before != scene));
        assert_eq!(strangers.find(&[20.0, 200.0], 1.0), None, "somebody else");
    }
}
