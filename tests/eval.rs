//! `habituate eval`: what it prints, on small places whose truth is known.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::PathBuf;

use common::fan::RATE_HZ;
use common::fan::room;
use common::program::habituate;
use common::program::two_machines;
use common::program::write_wav;
use common::table::figure;
use common::table::json;
use common::table::row;

mod common {
    pub(crate) mod fan;
    #[expect(dead_code, reason = "other tests need other recordings")]
    pub(crate) mod media;
    pub(crate) mod program;
    pub(crate) mod table;
}

/// Settings of a small learner that is soon warm.
const SMALL: &str = "[learn]
width = 16
adapter_rank = 4
batch_windows = 8
warm_up_windows = 16
history_min = 16
first_updates_per_window = 0.25
updates_per_window = 0.25
";

/// Files in a folder that goes with them.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::write(files.at("small.toml"), SMALL).unwrap();
        files
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().into()
    }

    /// A room with whistles, and its truth beside it.
    fn place(&self, name: &str, seed: u64, seconds: usize, foreign_s: &[usize]) -> String {
        write_wav(&self.at(&format!("{name}.wav")), &room(seed, seconds, foreign_s));
        let line = |&at: &usize| format!("{at},{},whistle\n", at + 1);
        let lines: String = foreign_s.iter().map(line).collect();
        fs::write(self.at(&format!("{name}.csv")), format!("start_s,end_s,kind\n{lines}")).unwrap();
        self.path(&format!("{name}.wav"))
    }

    /// Six of them, a minute to learn and 20 s to judge each: as many blocks as an interval needs.
    fn six_places(&self) -> Vec<String> {
        let place = |seed| self.place(&format!("room{seed}"), seed, 80, &[64, 69, 74]);
        (1..=6).map(place).collect()
    }

    /// `habituate eval` with the small learner.
    fn eval(&self, what: &str, inputs: &[String], more: &[&str]) -> (i32, String, String) {
        let config = self.path("small.toml");
        let mut args = vec!["eval", what, "-c", &config, "--encoder", "logmel-patches"];
        args.extend(inputs.iter().map(String::as_str));
        args.extend(["--seeds", "1"]);
        args.extend(more);
        habituate(&args)
    }
}

/// Settings of a learner that no recording here makes warm.
fn never_warm(files: &Files) {
    let text = SMALL.replace("history_min = 16", "history_min = 4000");
    fs::write(files.at("small.toml"), text).unwrap();
}

#[test]
fn a_whistle_is_told_from_a_fan_and_the_table_says_the_same_twice() {
    let files = Files::new();
    let places = files.six_places();
    let plot = files.path("plot.svg");
    let more = ["--learn-until", "60", "--json", "--plot", &plot];
    let (code, out, notes) = files.eval("novelty", &places, &more);
    assert_eq!(code, 0, "{notes}");
    let table = json(&out);
    assert!(0.95 < figure(row(&table, "adapted"), "auroc"), "{out}");
    for rule in ["Fisher", "Stouffer", "rarest channel", "sum of deviations"] {
        let fused = row(&table, &format!("fused: {rule}"));
        assert!(0.9 < figure(fused, "auroc"), "{out}");
        assert!(fused["alarms_per_day"].is_null(), "it has no alarms of its own: {out}");
    }
    // Frozen rows tell it perfectly, so there is nothing to learn, and that is said.
    assert!((figure(row(&table, "frozen, raw"), "auroc") - 1.0).abs() < 1e-9, "{out}");
    assert!(notes.contains("does not differ from frozen"), "{notes}");
    assert!(!out.contains("anew each day"), "no recording lasts a day: {out}");
    assert!(fs::read_to_string(&plot).unwrap().starts_with("<svg"), "{plot}");
    let (_, again, same_notes) = files.eval("novelty", &places, &more);
    assert!(out == again && notes == same_notes, "{out}{again}");
}

#[test]
fn a_learner_that_never_gets_warm_is_called_worse() {
    let files = Files::new();
    let places = files.six_places();
    never_warm(&files);
    let (code, out, err) = files.eval("novelty", &places, &["--learn-until", "60", "--per-place"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("adapted is WORSE than frozen, "), "{out}");
    assert!(out.contains("by 0.500 (95 %: "), "{out}");
    assert!(out.lines().any(|line| line.starts_with("room3: frozen, raw 1.000, ")), "{out}");
}

#[test]
fn what_cannot_be_told_is_not_told() {
    let files = Files::new();
    let one = files.place("one", 1, 80, &[64, 69]);
    let csv = ["--learn-until", "60", "--csv"];
    let (code, out, notes) = files.eval("novelty", std::slice::from_ref(&one), &csv);
    assert_eq!(code, 0, "{notes}");
    let columns = "row,auroc,pauc,seed_deviation,above_frozen,above_low,above_high,recall,\
                   false_per_hour,alarms_per_day,skill_vs_mean,skill_vs_persistence";
    assert_eq!(out.lines().next(), Some(columns));
    assert_eq!(out.lines().count(), 16, "a line a row: {out}");
    // One block of five minutes is no interval.
    assert!(notes.contains("too little to say how sure that is"), "{notes}");
    fs::remove_file(files.at("one.csv")).unwrap();
    let (code, out, _) =
        files.eval("novelty", std::slice::from_ref(&one), &["--learn-until", "60"]);
    assert_eq!(code, 0);
    assert!(out.contains("without labels of what is foreign no ranking can be judged"), "{out}");
    assert!(!out.contains("better than") && !out.contains("WORSE"), "{out}");
    let (code, _, err) = files.eval("audit", std::slice::from_ref(&one), &[]);
    assert!(code == 66 && err.contains("nothing says what is foreign"), "{code}: {err}");
    fs::write(files.at("one.csv"), "start_s,end_s\n7000,7001\n").unwrap();
    let until = ["--learn-until", "60"];
    let (code, out, _) = files.eval("audit", std::slice::from_ref(&one), &until);
    assert!(code == 0 && out.contains("labels cover no window that was judged"), "{code}: {out}");
    let (code, _, err) =
        files.eval("novelty", std::slice::from_ref(&one), &["--learn-until", "100"]);
    assert!(code == 64 && err.contains("leaves nothing of"), "{code}: {err}");
    fs::write(files.at("one.csv"), "start_s,end_s\n70,65\n").unwrap();
    let (code, _, err) = files.eval("novelty", &[one], &[]);
    assert!(code == 66 && err.contains("one.csv, line 2: \"70,65\" is no stretch"), "{err}");
}

/// Fails where a place without a window to judge is judged: a table of dashes, and success.
#[test]
fn what_is_too_short_to_be_judged_is_an_error() {
    let files = Files::new();
    write_wav(&files.at("short.wav"), &room(1, 1, &[])[..RATE_HZ / 4]);
    let short = files.path("short.wav");
    for what in ["novelty", "robustness"] {
        let (code, out, err) = files.eval(what, std::slice::from_ref(&short), &[]);
        assert!(code == 64 && err.contains("no window of") && err.contains("0.25 s"), "{err}");
        assert_eq!(out, "", "{what}");
    }
}

#[test]
fn a_place_without_labels_is_told() {
    let files = Files::new();
    let places = [files.place("one", 1, 50, &[44]), files.place("two", 2, 50, &[44])];
    fs::remove_file(files.at("two.csv")).unwrap();
    let (code, _, err) = files.eval("novelty", &places, &["--learn-until", "40"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("warning: no labels for two: left out of every ranking"), "{err}");
}

/// Fails where an objective's row is that of another: their skills are then the same.
#[test]
fn each_objective_that_makes_sense_for_sound_has_a_row_of_its_own() {
    let files = Files::new();
    let place = [files.place("one", 1, 60, &[54])];
    let more = ["--learn-until", "50", "--objectives", "--json"];
    let (code, out, err) = files.eval("novelty", &place, &more);
    assert_eq!(code, 0, "{err}");
    let table = json(&out);
    let names: Vec<&str> =
        table.as_array().unwrap().iter().map(|row| row["row"].as_str().unwrap()).collect();
    let all = [
        "masked_prediction",
        "predictive_coding",
        "autoencoding",
        "contrastive_predictive",
        "contrastive_views",
        "align_uniform",
        "vicreg",
        "temporal_order",
        "adapted",
    ];
    assert!(names.ends_with(&all), "{names:?}");
    let skill = |name: &str| row(&table, name)["skill_vs_mean"].as_f64();
    // The default is masked prediction alone.
    assert_eq!(skill("masked_prediction"), skill("adapted"), "{out}");
    assert_ne!(skill("predictive_coding"), skill("adapted"), "{out}");
    assert_eq!(skill("vicreg"), None, "it guesses no tokens: {out}");
}

#[test]
fn the_worst_group_has_a_name_and_small_ones_are_marked() {
    let files = Files::new();
    fs::create_dir_all(files.at("b")).unwrap();
    let whistles: Vec<usize> = (62..130).step_by(5).collect();
    let places = [
        files.place("room", 1, 132, &whistles),
        files.place("b/room", 2, 132, &whistles),
        files.place("quiet", 3, 70, &[65]),
    ];
    // In the second, half of what is called foreign sounds like the rest.
    let lies: String =
        (62..130).step_by(5).map(|at| format!("{},{},lie\n", at + 2, at + 3)).collect();
    let truth = fs::read_to_string(files.at("b/room.csv")).unwrap();
    fs::write(files.at("b/room.csv"), truth + &lies).unwrap();
    let more = ["--learn-until", "60", "--begins-at", "23"];
    let (code, out, err) = files.eval("audit", &places, &more);
    assert_eq!(code, 0, "{err}");
    let worst = out.lines().find(|line| line.starts_with("worst place: ")).unwrap();
    assert!(worst.contains("b/room.wav, 0.") && worst.contains("below the mean of 2"), "{worst}");
    assert!(worst.ends_with("one with too few windows is not ranked"), "{worst}");
    assert!(out.contains("quiet (few)"), "{out}");
    assert!(out.contains("worst class: lie, "), "{out}");
    assert!(out.contains("only one hour has enough windows") && out.contains(" 23:00 "), "{out}");
    // A recording alone is a group that is nearly all there is: windows at an edge of a whistle are of none.
    let alone = std::slice::from_ref(&places[0]);
    let until = ["--learn-until", "60", "--json"];
    let group = json(&files.eval("audit", alone, &[&until[..], &["--by", "place"]].concat()).1);
    let whole = json(&files.eval("novelty", alone, &until).1);
    let exact = ["auroc", "pauc", "recall", "false_per_hour"].map(|column| (column, 1e-9));
    let nearly = [("skill_vs_mean", 0.05), ("skill_vs_persistence", 0.25)];
    for (column, off) in exact.into_iter().chain(nearly) {
        let [group, whole] =
            [row(&group, "room"), row(&whole, "adapted")].map(|r| figure(r, column));
        assert!((group - whole).abs() < off, "{column}: {group} {whole}");
    }
    assert!(0.0 <= figure(row(&group, "room"), "alarms_per_day"), "{group}");
}

#[test]
fn every_disturbance_has_its_row() {
    let files = Files::new();
    let place = files.place("one", 1, 80, &[64, 69, 74]);
    let more = ["--learn-until", "60", "--json"];
    let (code, out, err) = files.eval("robustness", std::slice::from_ref(&place), &more);
    assert_eq!(code, 0, "{err}");
    let table = json(&out);
    let names = ["as it is", "noise at 20 dB", "noise at 10 dB", "noise at 0 dB", "gain +12 dB"];
    for name in names.into_iter().chain(["gain -12 dB"]) {
        assert!((0.0..=1.0).contains(&figure(row(&table, name), "auroc")), "{name}: {out}");
    }
    assert_eq!(table.as_array().unwrap().len(), 6);
    for column in ["auroc", "frozen_auroc"] {
        let area = |name| figure(row(&table, name), column);
        assert!(area("noise at 0 dB") < area("as it is"), "noise costs something: {out}");
    }
    assert!(0.9 < figure(row(&table, "as it is"), "auroc"), "{out}");
    let (code, _, err) = files.eval("robustness", &[place], &["--learn-until", "0"]);
    assert!(code == 64 && err.contains("leaves nothing to learn from"), "{code}: {err}");
}

#[test]
fn a_few_examples_name_the_rest_in_twelve_spaces_and_in_one_for_each_objective() {
    let files = Files::new();
    two_machines(files.0.path());
    write_wav(&files.at("life.wav"), &room(1, 60, &[]));
    let life = files.path("life.wav");
    let take = |n: usize| match n {
        0..7 => files.path(&format!("hum/hum{n}.wav")),
        n => files.path(&format!("whine/whine{}.wav", n - 7)),
    };
    let asked: Vec<String> = (0..14).map(take).collect();
    let more = ["--learn", &life, "--shots", "2", "--episodes", "20"];
    let (code, out, notes) = files.eval("fewshot", &asked, &[&more[..], &["--json"]].concat());
    assert_eq!(code, 0, "{notes}");
    let table = json(&out);
    assert_eq!(table.as_array().unwrap().len(), 12, "{out}");
    for space in ["frozen: embedding, raw", "frozen: tokens, mean and maximum, raw", "adapted"] {
        assert!((figure(row(&table, space), "accuracy") - 1.0).abs() < 1e-9, "{space}: {out}");
    }
    assert!(notes.contains("learning does not help here"), "{notes}");
    let with_objectives = [&more[..], &["--objectives", "--json"]].concat();
    let (_, out, notes) = files.eval("fewshot", &asked, &with_objectives);
    let table = json(&out);
    assert_eq!(table.as_array().map(Vec::len), Some(12 + 8), "{out}{notes}");
    assert!(0.5 < figure(row(&table, "contrastive_views"), "accuracy"), "{out}");
    assert!(notes.contains("14 recordings of 2 classes"), "{notes}");

    let refused = |more: &[&str]| {
        let (code, _, err) = files.eval("fewshot", &asked, more);
        (code, err)
    };
    let (code, err) = refused(&["--learn", &asked[3]]);
    assert!(code == 64 && err.contains("hum3.wav is learnt from and asked"), "{code}: {err}");
    let (code, err) = refused(&["--learn", &life, "--shots", "7"]);
    assert!(code == 66 && err.contains("two classes with more than 7 recordings"), "{code}: {err}");
    let (code, err) = refused(&["--learn", &life, "--label", "hum"]);
    assert!(code == 64 && err.contains("--label needs a group in parentheses"), "{code}: {err}");
}

#[test]
fn a_new_place_is_lived_in_by_all_comers() {
    let files = Files::new();
    for (name, seed) in [("old", 1), ("new", 9)] {
        write_wav(&files.at(&format!("{name}.wav")), &room(seed, 90, &[]));
    }
    let (old, new) = (files.path("old.wav"), files.path("new.wav"));
    let more = ["--learn", &old, "--on", &new];
    let (code, out, notes) = files.eval("transfer", &[], &[&more[..], &["--json"]].concat());
    assert_eq!(code, 0, "{notes}");
    let table = json(&out);
    let names = ["fresh", "from the old place", "from the old place, weights kept"];
    for name in names.into_iter().chain(["random adapter"]) {
        assert!(row(&table, name)["late_skill"].is_number(), "{name}: {out}");
    }
    assert!(notes.contains("what was learnt in the old place "), "{notes}");
}

#[test]
fn regimes_that_take_turns_are_drawn() {
    let files = Files::new();
    for (name, seed) in [("day", 1), ("night", 30)] {
        write_wav(&files.at(&format!("{name}.wav")), &room(seed, 90, &[]));
    }
    let (night, plot) = (files.path("night.wav"), files.path("plot.svg"));
    let more = ["--then", &night, "--cycles", "2", "--plot", &plot];
    let (code, out, err) = files.eval("forgetting", &[files.path("day.wav")], &more);
    assert_eq!(code, 0, "{err}");
    for name in
        ["as configured", "without memory", "without guard", "neither (naive)", "random adapter"]
    {
        assert!(out.lines().any(|line| line.starts_with(name)), "{name}: {out}");
    }
    let svg = fs::read_to_string(&plot).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("without guard: the other"), "{plot}");
    let late = SMALL.replace("warm_up_windows = 16", "warm_up_windows = 400");
    fs::write(files.at("small.toml"), late).unwrap();
    let (code, out, _) = files.eval("forgetting", &[files.path("day.wav")], &["--then", &night]);
    assert!(code == 0 && out.contains("fewer --cycles"), "nobody gets warm: {out}");
}
