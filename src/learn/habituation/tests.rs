use super::*;

const USUAL: f32 = 1.0;

/// One who is there for `minutes`, beginning at `from_s`.
fn visit(strangers: &mut Strangers, x: f32, from_s: f64, minutes: u32) -> Standing {
    let mut standing = Standing::Unfamiliar;
    for minute in 0..minutes {
        let sketch = [x, 0.3 * f32::from(u8::from(minute % 2 == 0))];
        let at_s = from_s + 60.0 * f64::from(minute);
        let which = strangers.observe(&sketch, USUAL, (at_s, 60.0), (minute == 0).then_some(5.0));
        standing = strangers.standing(which);
    }
    standing
}

/// Failure 8. Fails when any of the three conditions of [`Law`] is dropped.
#[test]
fn a_stranger_becomes_normal_after_three_episodes_over_a_day_and_not_before() {
    const DAY_S: f64 = 86_400.0;
    let mut home = Strangers::new(Habituation::Home, 2);
    assert_eq!(visit(&mut home, 9.0, 0.0, 30), Standing::Unfamiliar);
    assert_eq!(visit(&mut home, 9.0, 4_000.0, 30), Standing::Unfamiliar);
    assert_eq!(visit(&mut home, 9.0, 8_000.0, 30), Standing::Unfamiliar, "three in a morning");
    assert_eq!(visit(&mut home, 9.0, DAY_S, 1), Standing::Normal);
    // Two days without a break are one episode.
    assert_eq!(visit(&mut home, -9.0, 0.0, 2 * 1440), Standing::Unfamiliar);
    // Three glimpses over two days are too little.
    for day in 0..3 {
        assert_eq!(visit(&mut home, 20.0, DAY_S * f64::from(day), 1), Standing::Unfamiliar);
    }
    let mut security = Strangers::new(Habituation::Security, 2);
    for day in 0..30 {
        let standing = visit(&mut security, 9.0, DAY_S * f64::from(day), 60);
        assert_eq!(standing, Standing::Unfamiliar, "day {day}");
    }
    assert_eq!(security.known().len(), 1);
    assert_eq!(security.known()[0].episodes, 30);
}

#[test]
fn a_word_decides_at_once_and_for_good() {
    let mut strangers = Strangers::new(Habituation::Home, 2);
    visit(&mut strangers, 9.0, 0.0, 5);
    let which = strangers.find(&[9.0, 0.0], USUAL).expect("it was there");
    assert!(strangers.is_told(which, 400.0, 6.0) && !strangers.is_told(which, 4000.0, 6.0));
    assert!(!strangers.is_told(which, 400.0, 9.0), "much louder is told again");
    assert_eq!(strangers.mark(&[9.0, 0.1], USUAL, 100.0, Standing::Normal).0.id, 1);
    assert_eq!(visit(&mut strangers, 9.0, 9000.0, 1), Standing::Normal);
    let said = [(); 2].map(|()| strangers.mark(&[9.0, 0.1], USUAL, 100.0, Standing::Never).1);
    assert_eq!(said, [false, true], "what is said again is told as that");
    for day in 1..9 {
        let standing = visit(&mut strangers, 9.0, 86_400.0 * f64::from(day), 60);
        assert_eq!(standing, Standing::Never);
    }
    assert_eq!(strangers.mark(&[40.0, 0.0], USUAL, 100.0, Standing::Never).0.id, 2);
}

#[test]
fn the_one_away_longest_makes_room_but_a_word_is_kept() {
    // Each in a direction of its own.
    let place = |number: usize| -> [f32; 40] {
        std::array::from_fn(|i| if i == number { 20.0 } else { 0.0 })
    };
    let mut strangers = Strangers::new(Habituation::Home, 40);
    for number in 0..40 {
        let at_s = 1e4 * number as f64;
        strangers.observe(&place(number), USUAL, (at_s, 60.0), None);
        if number == 0 {
            strangers.mark(&place(number), USUAL, at_s, Standing::Never);
        }
    }
    assert_eq!(strangers.known().len(), MOST_STRANGERS);
    assert!(strangers.known().iter().any(|s| s.id == 1 && s.standing == Standing::Never));
    assert_eq!(strangers.find(&place(1), USUAL), None, "made room");
    let mut writer = Writer::default();
    strangers.save(&mut writer);
    let bytes = writer.into_bytes();
    let mut loaded = Strangers::new(Habituation::Home, 40);
    loaded.load(&mut Reader::new(&bytes)).expect("just written");
    assert_eq!(loaded, strangers);
}
