//! The whole of names, on made-up descriptions.

use super::*;
use crate::base::bytes::{Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::classes::state::Shape;

const HIDDEN: usize = 6;
const FROZEN: usize = 10;
const SHAPE: Shape =
    Shape { token_dim: 2, tokens: 3, frozen_dim: FROZEN, hidden_dim: HIDDEN, seed: 1 };

/// Class `kind` has one direction in what is informative, and noise in the other.
fn window(kind: usize, informative: Space, rng: &mut Rng) -> Description {
    let mut noise = |dim: usize| -> Vec<f32> { (0..dim).map(|_| rng.unit_f32() - 0.5).collect() };
    let (mut hidden, mut frozen) = (noise(HIDDEN), noise(FROZEN));
    let part = if informative == Space::Frozen { &mut frozen } else { &mut hidden };
    part[kind] += 2.0;
    Description { hidden, frozen }
}

struct World {
    classes: Classes,
    past: Past,
    rng: Rng,
    informative: Space,
}

impl World {
    fn taught(kinds: usize, shots: usize, informative: Space) -> Self {
        let mut rng = Rng::from_seed(7);
        let remembered: Vec<Description> =
            (0..120).map(|i| window(i % 5, informative, &mut rng)).collect();
        let past = Past { remembered, taught: Vec::new(), admitted: 120, seed: 1 };
        let mut world = Self { classes: Classes::default(), past, rng, informative };
        for class in 0..kinds {
            for shot in 0..shots {
                let description = window(class, informative, &mut world.rng);
                let tokens: Vec<f32> = description.hidden[..2].to_vec();
                let kept = ShotWindow::new(&tokens, &description.frozen);
                let name = format!("kind {class}");
                world.classes.teach(&name, Shot { windows: vec![kept] }, false).unwrap();
                world.past.taught.push((class, shot, 1.0, description));
            }
        }
        world.classes.fit(&world.past);
        world
    }

    fn name(&mut self, kind: usize) -> Named {
        let window = window(kind, self.informative, &mut self.rng);
        self.classes.name(&[window]).unwrap()
    }

    /// Of fifty of `kind`: named rightly, and unknown.
    fn count(&mut self, kind: usize) -> (usize, usize) {
        let named: Vec<Named> = (0..50).map(|_| self.name(kind)).collect();
        let own = format!("kind {kind}");
        (
            named.iter().filter(|named| named.name.as_deref() == Some(&own)).count(),
            named.iter().filter(|named| named.name.is_none()).count(),
        )
    }
}

#[test]
fn what_was_taught_is_named_and_the_rest_is_unknown_wherever_the_difference_lies() {
    for informative in [Space::Frozen, Space::Whitened] {
        for shots in [1, 3, 6] {
            let mut world = World::taught(3, shots, informative);
            for kind in 0..3 {
                let (right, unknown) = world.count(kind);
                // One example names what is nearer than nearly all of the place: little, but rightly.
                let least = if shots == 1 { 3 } else { 34 };
                assert!(least <= right, "{informative:?} {shots} shots, kind {kind}: {right}");
                let wrong = 50 - right - unknown;
                assert!(
                    wrong <= if shots == 1 { 10 } else { 5 },
                    "{informative:?} {shots} shots: {right} {unknown}"
                );
            }
            let (_, unknown) = world.count(4);
            assert!(40 <= unknown, "{informative:?} {shots} shots: {unknown} of 50 unknown");
        }
    }
}

#[test]
fn a_space_that_says_nothing_is_not_chosen() {
    // Half of the whitened space is noise then; of the joined one, two parts in eleven.
    let world = World::taught(3, 6, Space::Frozen);
    assert_ne!(world.classes.method().unwrap().candidate.space, Space::Whitened);
    let world = World::taught(3, 6, Space::Whitened);
    assert_ne!(world.classes.method().unwrap().candidate.space, Space::Frozen);
    assert!(0.9 < world.classes.method().unwrap().accuracy.unwrap());
}

#[test]
fn several_windows_are_named_more_surely_than_one() {
    let mut world = World::taught(3, 6, Space::Frozen);
    let windows: Vec<Description> =
        (0..6).map(|_| window(1, Space::Frozen, &mut world.rng)).collect();
    let together = world.classes.name(&windows).unwrap();
    assert_eq!(together.name.as_deref(), Some("kind 1"));
    assert!(0.5 < together.confidence && together.confidence <= 1.0);
}

#[test]
fn a_forgotten_name_is_not_told_and_a_renamed_one_is() {
    let mut world = World::taught(3, 4, Space::Frozen);
    world.classes.rename("kind 2", "bell").unwrap();
    assert!(!world.classes.must_fit(120), "a name is no reason to fit again");
    let named: Vec<Named> = (0..20).map(|_| world.name(2)).collect();
    assert!(15 < named.iter().filter(|n| n.name.as_deref() == Some("bell")).count());
    world.classes.forget("bell").unwrap();
    assert!(world.classes.must_fit(120));
    world.past.taught.retain(|(class, ..)| *class != 2);
    world.classes.fit(&world.past);
    assert!(world.count(2).1 > 40, "now unknown");
}

/// Fails where what was fitted outlives the last name (`change`).
#[test]
fn without_names_nothing_is_fitted_and_undo_brings_a_fit_back() {
    let mut world = World::taught(2, 4, Space::Frozen);
    assert!(world.classes.method().is_some());
    world.classes.forget("kind 1").unwrap();
    assert!(world.classes.method().is_some(), "one is left");
    world.classes.forget("kind 0").unwrap();
    assert_eq!(world.classes.method(), None);
    assert!(!world.classes.must_fit(120) && world.classes.name(&[]).is_none());
    world.classes.undo().unwrap();
    assert!(world.classes.must_fit(120), "the one that came back");
}

#[test]
fn saved_and_loaded_names_the_same_with_the_same_numbers() {
    for shots in [1, 6] {
        let mut world = World::taught(3, shots, Space::Whitened);
        let mut writer = Writer::default();
        world.classes.save(&mut writer);
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        let taught = world.past.taught.clone();
        let mut loaded = Classes::load(&mut reader, SHAPE, |_| taught).unwrap();
        reader.end().unwrap();
        for kind in 0..5 {
            let window = window(kind, Space::Whitened, &mut world.rng);
            let windows = std::slice::from_ref(&window);
            assert_eq!(world.classes.name(windows), loaded.name(windows));
        }
        for cut in (0..bytes.len()).step_by(61) {
            let cut = Classes::load(&mut Reader::new(&bytes[..cut]), SHAPE, |_| Vec::new());
            assert!(cut.is_err());
        }
    }
}

#[test]
fn equal_examples_give_equal_bits() {
    let bytes = || {
        let mut writer = Writer::default();
        World::taught(3, 6, Space::Whitened).classes.save(&mut writer);
        writer.into_bytes()
    };
    assert!(bytes() == bytes());
}
