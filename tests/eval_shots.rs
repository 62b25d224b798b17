//! `habituate eval fewshot|transfer|forgetting` on small recordings made here: what is printed, what is
//! refused, and that the same seeds give the same bytes.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common {
    #[expect(dead_code, reason = "other tests need other recordings")]
    pub(crate) mod media;
    pub(crate) mod place;
    #[expect(dead_code, reason = "other tests need other recordings")]
    pub(crate) mod program;
}

use std::f32::consts::TAU;
use std::fs;
use std::path::Path;

use common::media::y4m;
use common::place::write_room;
use common::program::habituate_in;
use common::program::write_wav;

/// Exit code, standard output and standard error of `habituate eval`, run in `folder`.
fn eval(folder: &Path, words: &str) -> (i32, String, String) {
    let args: Vec<&str> = std::iter::once("eval").chain(words.split_whitespace()).collect();
    habituate_in(folder, &args)
}

/// A tone that swells, 16 kHz.
fn write_tone(path: &Path, hz: f32, seconds: u32) {
    #[expect(clippy::cast_precision_loss, reason = "a few minutes of samples")]
    let sample = |n: u32| {
        let t = n as f32 / 16_000.0;
        0.4 * (TAU * hz * t).sin() * (1.0 + 0.3 * (TAU * 0.7 * t).sin())
    };
    write_wav(path, &(0..16_000 * seconds).map(sample).collect::<Vec<f32>>());
}

/// Two classes that every space tells apart, six takes each, and two minutes of a room.
fn labelled(folder: &Path) {
    for (class, hz) in [("hum", 150.0), ("whine", 2500.0)] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for take in 0..6_u8 {
            let path = folder.join(class).join(format!("{class}-{take}.wav"));
            write_tone(&path, hz * (1.0 + 0.02 * f32::from(take)), 2);
        }
    }
    write_room(&folder.join("room.wav"), 1, 120.0);
}

/// The labelled recordings, as they are typed.
fn takes() -> String {
    let of = |class: &str| (0..6).map(move |take| format!("{class}/{class}-{take}.wav ")).collect();
    let all: [String; 2] = ["hum", "whine"].map(of);
    all.concat()
}

/// The figures of the row that begins with `name`, `None` for a dash.
fn row(out: &str, name: &str) -> Vec<Option<f64>> {
    let line = out.lines().find(|line| line.starts_with(name)).unwrap();
    let figures = line[name.len()..].split_whitespace();
    figures.map(|word| if word == "–" { None } else { Some(word.parse().unwrap()) }).collect()
}

#[test]
fn where_frozen_spaces_are_perfect_learning_is_said_not_to_help() {
    let dir = tempfile::tempdir().unwrap();
    labelled(dir.path());
    let words = format!("fewshot {} --learn room.wav --shots 2 --seeds 2 --episodes 20", takes());
    let (code, out, err) = eval(dir.path(), &format!("{words} --plot a.svg"));
    assert_eq!(code, 0, "{err}");
    for name in ["frozen: embedding, raw", "random adapter", "adapted"] {
        assert_eq!(row(&out, name)[0], Some(1.0), "{out}");
    }
    let (above, errors_left) = (row(&out, "adapted")[4], row(&out, "adapted")[7]);
    assert_eq!((above, errors_left), (Some(0.0), None), "no errors to be left: {out}");
    assert!(out.contains("learning does not help here: no difference"), "{out}");
    assert!(out.contains("12 recordings of 2 classes"), "{out}");
    let again = eval(dir.path(), &format!("{words} --plot b.svg"));
    assert_eq!(again.1, out, "the same seeds give the same bytes");
    let plot = |name| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(plot("a.svg"), plot("b.svg"));
    assert!(plot("a.svg").contains("accuracy"));
}

#[test]
fn classes_come_from_folders_names_and_expressions() {
    let dir = tempfile::tempdir().unwrap();
    labelled(dir.path());
    let fixed = "--learn room.wav --shots 2 --seeds 1 --episodes 5 --csv";
    let by = |how: &str| eval(dir.path(), &format!("fewshot {} {how} {fixed}", takes()));
    let (code, folders, err) = by("--labels folders");
    assert!(code == 0 && err.contains("12 recordings of 2 classes"), "{err}");
    assert!(
        folders.starts_with("space,accuracy,low,high,seed_deviation,above_frozen"),
        "{folders}"
    );
    assert_eq!(by("--labels names").1, folders);
    assert_eq!(by("--label (hum|whine)-").1, folders);
    let (code, _, err) = by("--label (hum)-");
    assert!(code == 66 && err.contains("are needed; found: hum"), "{code}: {err}");
    let (code, _, err) = by("--label hum-");
    assert!(code == 64 && err.contains("needs a group in parentheses"), "{code}: {err}");
}

#[test]
fn what_is_asked_may_not_be_learnt_from_by_whatever_path() {
    let dir = tempfile::tempdir().unwrap();
    labelled(dir.path());
    for learn in ["hum/hum-3.wav", "hum", "whine/../hum/hum-0.wav", "."] {
        let (code, _, err) = eval(dir.path(), &format!("fewshot {} --learn {learn}", takes()));
        assert!(code == 64 && err.contains("is learnt from and asked"), "{learn}: {code}: {err}");
    }
}

#[test]
fn too_little_to_learn_from_is_told_and_not_counted_as_errors() {
    let dir = tempfile::tempdir().unwrap();
    labelled(dir.path());
    write_room(&dir.path().join("short.wav"), 1, 10.0);
    let words = format!("fewshot {} --learn short.wav --shots 2 --seeds 1 --episodes 5", takes());
    let (code, out, err) = eval(dir.path(), &words);
    assert_eq!(code, 0, "{err}");
    assert_eq!(row(&out, "adapted"), vec![None; 8], "{out}");
    assert_eq!(row(&out, "frozen: embedding, raw")[0], Some(1.0));
    assert!(out.contains("nothing can be said of learning"), "{out}");
}

/// A grey picture, lighter on one side.
fn picture(grey: u8) -> Vec<u8> {
    (0..64_u8).flat_map(|_| (0..64_u8).map(move |x| grey.saturating_add(x / 4))).collect()
}

/// Fails when the row's learner does not begin anew: the last quarters of 25 hours are then not all that it
/// has met.
#[test]
fn who_begins_anew_each_day_has_met_nothing_but_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut words = String::from("fewshot");
    for (class, grey) in [("dark", 20), ("light", 200)] {
        fs::create_dir_all(dir.path().join(class)).unwrap();
        for take in 0..3_u8 {
            let name = format!("{class}/{class}-{take}.y4m");
            let file = y4m("W64 H64 F1:1 Cmono", &[picture(grey + 4 * take)]);
            fs::write(dir.path().join(&name), file).unwrap();
            words = format!("{words} {name}");
        }
    }
    words += " --learn days.y4m --shots 1 --seeds 1 --episodes 5 --encoder picture-patches";
    // A picture in a quarter of an hour.
    let learn_from = |pictures: u32| {
        let grey = |number: u32| u8::try_from(number * 97 % 240).unwrap();
        let frames: Vec<Vec<u8>> = (0..pictures).map(|number| picture(grey(number))).collect();
        fs::write(dir.path().join("days.y4m"), y4m("W64 H64 F1:900 Cmono", &frames)).unwrap();
        let (code, out, err) = eval(dir.path(), &words);
        assert_eq!(code, 0, "{err}");
        out
    };
    let out = learn_from(101);
    assert!(row(&out, "adapted")[0].is_some(), "{out}");
    assert_eq!(row(&out, "anew each day"), vec![None; 8], "five pictures are a warm-up: {out}");
    let out = learn_from(96);
    assert!(!out.contains("anew each day"), "that was no longer than a day: {out}");
}

#[test]
fn a_place_that_is_known_already_is_guessed_at_once_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    write_room(&dir.path().join("old.wav"), 1, 240.0);
    write_room(&dir.path().join("new.wav"), 2, 240.0);
    let words = "transfer --learn old.wav --on new.wav --seeds 2";
    let (code, out, err) = eval(dir.path(), words);
    assert_eq!(code, 0, "{err}");
    let (fresh, learnt) = (row(&out, "fresh"), row(&out, "from the old place "));
    assert!(0.1 < fresh[0].unwrap(), "a fresh learner warms up: {out}");
    assert_eq!(learnt[0], Some(0.0), "{out}");
    assert!(fresh[3].unwrap() > 0.05, "there is something to be learnt: {out}");
    let random = row(&out, "random adapter")[3].unwrap();
    assert!(random.abs() < 0.05, "weights as they were drawn guess no better than the mean: {out}");
    let line = out.lines().find(|line| line.contains("what was learnt in the old place")).unwrap();
    assert!(line.contains("of 2 seeds"), "{line}");
    assert_eq!(eval(dir.path(), words).1, out, "the same seeds give the same bytes");
}

#[test]
fn regimes_take_turns_and_the_losses_of_every_pupil_are_told() {
    let dir = tempfile::tempdir().unwrap();
    write_room(&dir.path().join("day.wav"), 1, 120.0);
    write_tone(&dir.path().join("night.wav"), 400.0, 120);
    let words = "forgetting day.wav --then night.wav --cycles 2 --seeds 1";
    let (code, out, err) = eval(dir.path(), &format!("{words} --plot a.svg"));
    assert_eq!(code, 0, "{err}");
    for name in ["without memory", "without guard", "neither (naive)", "random adapter"] {
        row(&out, name);
    }
    let own = row(&out, "as configured");
    assert!(own[0].unwrap() <= own[1].unwrap() && own[2].unwrap() <= own[3].unwrap(), "{out}");
    assert!(0.05 < own[4].unwrap(), "there is something to be learnt: {out}");
    assert!(out.contains("as configured, ") && out.contains("of skill at the end"), "{out}");
    let (_, again, _) = eval(dir.path(), &format!("{words} --plot b.svg"));
    assert_eq!(again, out, "the same seeds give the same bytes");
    let plot = |name| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(plot("a.svg"), plot("b.svg"));
    assert!(plot("a.svg").contains("neither (naive): the other"));
    let (code, _, err) = eval(dir.path(), &words.replace("--cycles 2", "--cycles 999"));
    assert!(code == 64 && err.contains("leaves phases without a window"), "{code}: {err}");
    let (code, _, err) = eval(dir.path(), &words.replace("--cycles 2", "--cycles 0"));
    assert!(code == 64 && err.contains("--cycles 0 must be"), "{code}: {err}");
}
