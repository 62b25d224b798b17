use super::*;
use crate::learn::classes::shot::ShotWindow;

const SHAPE: (usize, usize, usize) = (2, 3, 1);

fn shot(value: f32) -> Shot {
    Shot { windows: vec![ShotWindow::new(&[value, 1.0], &[value])] }
}

fn names(taught: &Taught) -> Vec<(&str, usize)> {
    taught.classes.iter().map(|class| (class.name.as_str(), class.shots.len())).collect()
}

fn reloaded(taught: &Taught) -> Taught {
    let mut writer = Writer::default();
    taught.save(&mut writer);
    let bytes = writer.into_bytes();
    let mut reader = Reader::new(&bytes);
    let loaded = Taught::load(&mut reader, SHAPE).unwrap();
    reader.end().unwrap();
    let mut again = Writer::default();
    loaded.save(&mut again);
    assert!(again.into_bytes() == bytes, "the same bytes again");
    loaded
}

#[test]
fn every_step_can_be_taken_back_and_brought_back_also_after_a_restart() {
    let mut taught = Taught::default();
    assert_eq!(taught.undo(), Err(NamesError::NothingToUndo));
    taught.teach(" pump ", shot(1.0), false).unwrap();
    taught.teach("bell", shot(2.0), false).unwrap();
    taught.teach("bell", shot(3.0), true).unwrap();
    assert_eq!(names(&taught), [("pump", 1), ("bell", 2)]);
    taught.undo().unwrap();
    assert_eq!(names(&taught), [("pump", 1)], "both examples were one step");
    let mut taught = reloaded(&taught);
    taught.undo().unwrap();
    assert_eq!(names(&taught), [("pump", 1), ("bell", 2)]);

    taught.rename("bell", "door bell").unwrap();
    taught.undo().unwrap();
    assert_eq!(names(&taught), [("pump", 1), ("bell", 2)]);

    assert_eq!(taught.forget("bell"), Ok(2));
    let mut taught = reloaded(&taught);
    assert_eq!(names(&taught), [("pump", 1)]);
    taught.undo().unwrap();
    assert_eq!(names(&reloaded(&taught)), [("pump", 1), ("bell", 2)]);
}

#[test]
fn what_cannot_be_is_refused_in_words_and_changes_nothing() {
    let mut taught = Taught::default();
    taught.teach("pump", shot(1.0), false).unwrap();
    taught.teach("fan", shot(1.0), false).unwrap();
    let before = taught.clone();
    for (result, words) in [
        (taught.teach("  ", shot(1.0), false), "cannot be a name"),
        (taught.teach("a\nb", shot(1.0), false), "cannot be a name"),
        (taught.teach("Unknown", shot(1.0), false), "cannot be a name"),
        (taught.teach("pump", Shot::default(), false), "nothing to learn from"),
        (taught.rename("bell", "x"), "the names are pump, fan"),
        (taught.rename("pump", "fan"), "\"fan\" is taken"),
        (taught.forget("bell").map(drop), "nothing is called \"bell\""),
    ] {
        let shown = result.unwrap_err().to_string();
        assert!(shown.contains(words), "{shown:?} does not say {words:?}");
    }
    assert_eq!(taught, before);
}

/// Fails where seconds below 0 are told as they are.
#[test]
fn a_moment_before_the_beginning_is_told_as_such() {
    let missing = |at_s| {
        let remembered = Some((10.0, 7_000.0));
        NamesError::NoSuchMoment { at_s, newest_s: 7_325.0, remembered }.to_string()
    };
    let before = missing(-18_061_119.2);
    let began = "that moment, 209.1 days ago, lies before this source began, 2.0 h ago; memory";
    assert!(before.starts_with(began), "{before}");
    assert!(missing(-20.0).contains("2.0 h ago, lies before"), "{}", missing(-20.0));
    assert!(missing(20.0).starts_with("no moment is remembered at 20.0 s; memory"));
}

#[test]
fn bounds_hold() {
    let mut taught = Taught::default();
    for i in 0..MOST_SHOTS {
        taught.teach("pump", shot(i as f32), 0 < i).unwrap();
    }
    let shown = taught.teach("pump", shot(0.0), false).unwrap_err().to_string();
    assert!(shown.contains("64 is the most"), "{shown}");
    for i in 1..MOST_CLASSES {
        taught.teach(&format!("n{i}"), shot(0.0), false).unwrap();
    }
    let shown = taught.teach("another", shot(0.0), false).unwrap_err().to_string();
    assert!(shown.contains("another name"), "{shown}");
    let wide = Shot { windows: vec![ShotWindow::new(&vec![1.0; MOST_BYTES / 2], &[1.0])] };
    assert!(taught.teach("n1", wide, false).is_err());
}

/// Fails when only what is taught now is counted: undo would bring back as much again.
#[test]
fn what_undo_brings_back_counts_while_it_is_kept() {
    let large = || Shot { windows: vec![ShotWindow::new(&vec![1.0; MOST_BYTES / 3], &[1.0])] };
    let mut taught = Taught::default();
    taught.teach("pump", large(), false).unwrap();
    taught.forget("pump").unwrap();
    assert!(taught.teach("fan", large(), true).is_err(), "the pump is kept for undo");
    taught.teach("fan", large(), false).unwrap();
    assert!(taught.bytes() <= MOST_BYTES);
}

#[test]
fn examples_of_another_encoder_are_refused() {
    let mut taught = Taught::default();
    taught.teach("pump", shot(1.0), false).unwrap();
    let mut writer = Writer::default();
    taught.save(&mut writer);
    let bytes = writer.into_bytes();
    assert!(Taught::load(&mut Reader::new(&bytes), (3, 3, 1)).is_err());
    assert!(Taught::load(&mut Reader::new(&bytes), (2, 3, 2)).is_err());
    for cut in 0..bytes.len() {
        assert!(Taught::load(&mut Reader::new(&bytes[..cut]), SHAPE).is_err(), "{cut}");
    }
}
