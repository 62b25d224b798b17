//! What `models compare` says beside its table: what was left out, and why there is no figure.

use std::path::Path;
use std::path::PathBuf;

use crate::base::modality::Modality;
use crate::pipeline::compare::Lived;
use crate::pipeline::compare::advice::Advice;
use crate::pipeline::compare::data::Senses;
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

/// Classes that are too small for five examples and a question; `heard` has a class a recording.
pub(super) fn small_classes(heard: &[Option<usize>], classes: &[String]) -> Option<String> {
    let of_class = |class: usize| heard.iter().filter(|heard| **heard == Some(class)).count();
    let small: Vec<String> = classes
        .iter()
        .enumerate()
        .map(|(class, name)| (name, of_class(class)))
        .filter(|&(_, count)| count <= SHOTS)
        .map(|(name, count)| format!("{name} ({count})"))
        .collect();
    let enough = classes.len() - small.len();
    if enough < 2 {
        return Some(format!(
            "no 5-shot accuracy: it needs two classes with {} recordings each, and {}; found: {}",
            SHOTS + 1,
            match enough {
                0 => "there is none",
                _ => "there is one",
            },
            if small.is_empty() { "no other class".into() } else { listed(&small) }
        ));
    }
    (!small.is_empty()).then(|| {
        format!("left out of 5-shot, with fewer than {} recordings: {}", SHOTS + 1, listed(&small))
    })
}

/// The last line: which encoder to use, or why the figures do not say it.
pub(super) fn advice(advice: Option<Advice>, first: Option<&Lived>, apart_s: f64) -> String {
    match (advice, first) {
        (Some(Advice::Use { name, reason }), _) => format!("use --encoder {name}: {reason}"),
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

pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
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
        assert_eq!(small_classes(&heard(&[6, 6, 6]), &three), None);
        let words = small_classes(&heard(&[6, 5, 7]), &three).unwrap();
        assert!(words.contains("fewer than 6 recordings: hum (5)"), "{words}");
        let words = small_classes(&heard(&[6, 5, 0]), &three).unwrap();
        assert!(words.contains("no 5-shot accuracy") && words.contains("pump (0)"), "{words}");
        let many = names(&["a"; 12]);
        assert!(small_classes(&[], &many).unwrap().ends_with(", and 4 more"));
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
