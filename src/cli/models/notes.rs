//! What `models compare` says beside its table: what was left out, and why there is no figure.

use std::path::Path;
use std::path::PathBuf;

use crate::base::counted::counted;
use crate::base::modality::Modality;
use crate::pipeline::compare::Lived;
use crate::pipeline::compare::advice::Advice;
use crate::pipeline::compare::data::Senses;
use crate::pipeline::compare::shots;
use crate::pipeline::compare::shots::SHOTS;

/// Files or classes that are named; the rest is counted.
const SHOWN: usize = 8;

/// Which sense was taken, where there are files of both.
pub(super) fn senses(senses: &Senses, taken: Modality) -> Option<String> {
    let others = taken.other();
    let (files, left_out) = (senses.of(taken).len(), senses.of(others).len());
    (0 < left_out).then(|| {
        format!(
            "taken: {}, {}; left out: {}, {} (--modality {} takes these instead)",
            taken.content(),
            counted(files, "file"),
            others.content(),
            counted(left_out, "file"),
            others.name()
        )
    })
}

/// What is neither sound nor pictures, in one line.
pub(super) fn neither(files: &[PathBuf], place: &Path) -> Option<String> {
    let shown = |path: &PathBuf| path.strip_prefix(place).unwrap_or(path).display().to_string();
    let all: Vec<String> = files.iter().map(shown).collect();
    let what = if all.len() == 1 { "that is no recording" } else { "that are no recordings" };
    (!all.is_empty())
        .then(|| format!("passed over: {} {what}: {}", counted(all.len(), "file"), listed(&all)))
}

/// How many files no encoder was shown, for want of time.
pub(super) fn dropped(parts: usize, files: usize, seconds: f64) -> Option<String> {
    (parts < files).then(|| {
        format!(
            "looked at {parts} of {}, evenly spread: --seconds {seconds} is too little for more; a larger \
             --seconds takes more of them",
            counted(files, "file")
        )
    })
}

/// That no recording lies in a folder that could be its class.
pub(super) fn no_folders(place: &Path) -> String {
    format!(
        "no 5-shot accuracy: --labels takes folders inside {} for classes, and no recording lies in one; \
         --labels=names takes the beginnings of file names",
        place.display()
    )
}

/// Classes that are too small for five examples and a question, and whether there are four instead; `heard` has a
/// class a recording.
pub(super) fn small_classes(heard: &[Option<usize>], classes: &[String]) -> Vec<String> {
    let of_class = |class: usize| heard.iter().filter(|heard| **heard == Some(class)).count();
    let counts: Vec<usize> = (0..classes.len()).map(of_class).collect();
    let shots = shots::shots(&counts);
    let examples = shots.unwrap_or(SHOTS - 1);
    let all: Vec<String> =
        classes.iter().zip(&counts).map(|(name, count)| format!("{name} ({count})")).collect();
    let small: Vec<String> = all
        .iter()
        .zip(&counts)
        .filter(|&(_, &count)| count <= examples)
        .map(|(class, _)| class.clone())
        .collect();
    let Some(shots) = shots else {
        return vec![format!(
            "no 5-shot accuracy: it needs two classes with {SHOTS} recordings each, better {}, and {}; \
             found: {}",
            SHOTS + 1,
            match classes.len() - small.len() {
                0 => "there is none",
                _ => "there is one",
            },
            listed(&all)
        )];
    };
    let mut notes = Vec::new();
    if shots < SHOTS {
        notes.push(format!(
            "5-shot is from {shots} examples a class, and the rest is asked: no two classes have {} \
             recordings",
            SHOTS + 1
        ));
    }
    if !small.is_empty() {
        let least = shots + 1;
        notes.push(format!(
            "left out of 5-shot, with fewer than {least} recordings: {}",
            listed(&small)
        ));
    }
    notes
}

/// The last line: which encoder to use, or why the figures do not say it.
pub(super) fn advice(advice: Option<Advice>, first: Option<&Lived>, apart_s: f64) -> String {
    match (advice, first) {
        (Some(Advice::Use { name, reason, by_labels: true }), _) => {
            format!("use --encoder {name}: {reason}")
        }
        (Some(Advice::Use { name, reason, by_labels: false }), _) => format!(
            "a hint: --encoder {name}, since {reason}; without labels this tells the same recording again, not \
             the same kind: {} recordings of each of two kinds, and --labels, decide better",
            SHOTS + 1
        ),
        (Some(Advice::Chance { what, fastest }), _) => {
            let fastest =
                fastest.map_or("none could be timed".into(), |n| format!("the fastest is {n}"));
            format!("by {what} none is told from chance: no recommendation by figures; {fastest}")
        }
        (None, Some(lived)) if lived.windows() == lived.recordings() => format!(
            "no recommendation: each of {} gave one window, so that none has another close in time; \
             recordings longer than {:.1} s are needed, or --labels",
            counted(lived.recordings(), "recording"),
            2.0 * apart_s
        ),
        (None, _) => {
            "no recommendation: recordings of more than a few windows, or --labels, are needed"
                .into()
        }
    }
}

/// The first of them, and how many more there are.
pub(super) fn listed(all: &[String]) -> String {
    let mut text = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if SHOWN < all.len() {
        text += &format!(", and {} more", all.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_without_enough_recordings_are_named_with_their_counts() {
        let names = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let heard = |counts: &[usize]| -> Vec<Option<usize>> {
            let class = |(class, &count): (usize, &usize)| vec![Some(class); count];
            counts.iter().enumerate().flat_map(class).chain([None]).collect()
        };
        let three = names(&["fan", "hum", "pump"]);
        let words =
            |counts: &[usize], names: &[String]| small_classes(&heard(counts), names).join("\n");
        assert_eq!(words(&[6, 6, 6], &three), "");
        let found = words(&[6, 5, 7], &three);
        assert_eq!(found, "left out of 5-shot, with fewer than 6 recordings: hum (5)");
        let found = words(&[6, 5, 0], &three);
        assert!(found.contains("from 4 examples a class") && found.contains("pump (0)"), "{found}");
        let found = words(&[6, 4, 0], &three);
        assert!(found.contains("no 5-shot accuracy") && found.contains("pump (0)"), "{found}");
        assert!(words(&[], &names(&["a"; 12])).ends_with(", and 4 more"));
    }

    /// Fails where what labels tell and what time tells are worded alike.
    #[test]
    fn without_labels_the_last_line_is_a_hint() {
        let words = |by_labels| {
            let (name, reason) = ("sound".to_owned(), "it is the only one".to_owned());
            advice(Some(Advice::Use { name, reason, by_labels }), None, 1.0)
        };
        assert_eq!(words(true), "use --encoder sound: it is the only one");
        let hint = words(false);
        assert!(hint.starts_with("a hint: --encoder sound, since it is the only one;"), "{hint}");
        assert!(hint.contains("not the same kind: 6 recordings of each of two kinds"), "{hint}");
    }

    #[test]
    fn what_is_left_out_of_a_mixed_folder_is_counted() {
        let files = |count: usize| vec![PathBuf::from("d/x"); count];
        let mut mixed = Senses { sound: files(3), pictures: files(1), neither: files(2) };
        let words = senses(&mixed, Modality::Sound).unwrap();
        assert!(words.contains("taken: sound, 3 files; left out: pictures, 1 file"), "{words}");
        assert!(words.contains("--modality picture"), "{words}");
        let words = neither(&mixed.neither, Path::new("d")).unwrap();
        assert_eq!(words, "passed over: 2 files that are no recordings: x, x");
        mixed.pictures.clear();
        assert_eq!(senses(&mixed, Modality::Sound), None);
    }
}
