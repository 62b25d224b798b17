//! Which sources stand beside each other: `source.beside`.
//!
//! One of the two names the other. Both have to be of one place and time, one of them sound and one
//! pictures, and have a clock in common: both live, or both recorded and played at their own pace.

use crate::base::modality::Modality;
use crate::config::problems::Problems;
use crate::config::source::PlaceToml;
use crate::config::source::SourceKind;
use crate::config::source::SourceSettings;

/// What a `[[source]]` table says of itself, whether or not the rest of it is right.
#[derive(Debug, Clone)]
pub(crate) struct Stated {
    pub(crate) name: String,
    pub(crate) beside: Option<String>,
}

/// Sound or pictures, as far as a configuration says; `None` for recordings, into which one has to look.
pub const fn modality(kind: &SourceKind) -> Option<Modality> {
    match kind {
        SourceKind::Microphone { .. } | SourceKind::Synthetic { place: PlaceToml::Room, .. } => {
            Some(Modality::Sound)
        }
        SourceKind::Camera { .. } | SourceKind::Synthetic { place: PlaceToml::View, .. } => {
            Some(Modality::Picture)
        }
        SourceKind::Command { format, .. } => {
            Some(if format.is_sound() { Modality::Sound } else { Modality::Picture })
        }
        SourceKind::Recording { .. } => None,
    }
}

/// The sources that name another one, and those that they name, by their places in the list.
pub fn pairs(sources: &[SourceSettings]) -> impl Iterator<Item = (usize, usize)> {
    sources.iter().enumerate().filter_map(|(index, source)| {
        let beside = source.beside.as_ref()?;
        let other = sources.iter().position(|other| other.name == *beside)?;
        (other != index).then_some((index, other))
    })
}

/// Checks names and clocks; senses are left to [`check_senses`]. `sources` has `None` for a table with
/// problems of its own.
pub(crate) fn check(
    stated: &[Stated],
    sources: &[Option<SourceSettings>],
    problems: &mut Problems,
) {
    for (index, this) in stated.iter().enumerate() {
        let Some(beside) = &this.beside else { continue };
        let key = key(index);
        let mut refuse = |why: String| problems.require(false, &key, || why);
        let Some(other) = stated.iter().position(|other| other.name == *beside) else {
            refuse(unknown(beside, stated, index));
            continue;
        };
        if other == index {
            refuse(format!("{beside:?} is this source; name the one that stands beside it"));
            continue;
        }
        if let Some(why) = clash(stated, index, other) {
            refuse(why);
        }
        if let (Some(this), Some(other)) = (&sources[index], &sources[other])
            && let Some(why) = no_common_clock(this, other)
        {
            refuse(why);
        }
    }
}

/// Beside sound there must be pictures, and beside pictures sound. `modalities` are those of `sources`, as
/// far as they are known.
pub fn check_senses(
    sources: &[SourceSettings],
    modalities: &[Option<Modality>],
    problems: &mut Problems,
) {
    for (index, other) in pairs(sources) {
        let (Some(this), Some(others)) = (modalities[index], modalities[other]) else { continue };
        problems.require(this != others, &key(index), || {
            let sense = match this {
                Modality::Sound => "sound",
                Modality::Picture => "pictures",
            };
            format!(
                "{:?} and this source are both {sense}; name one of pictures beside sound, or of sound \
                 beside pictures",
                sources[other].name
            )
        });
    }
}

fn key(index: usize) -> String {
    format!("source[{index}].beside")
}

fn unknown(beside: &str, stated: &[Stated], index: usize) -> String {
    let others: Vec<String> = stated
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index)
        .map(|(_, other)| format!("{:?}", other.name))
        .collect();
    if others.is_empty() {
        return format!("no source is called {beside:?}; there is none but this one");
    }
    format!("no source is called {beside:?}; name one of {}, or leave it out", others.join(", "))
}

/// Why these two cannot be a pair, where one of them is in another one.
fn clash(stated: &[Stated], index: usize, other: usize) -> Option<String> {
    let this = &stated[index];
    let name = &stated[other].name;
    match &stated[other].beside {
        // Told once, at the later of the two.
        Some(back) if *back == this.name => (other < index).then(|| {
            format!(
                "{name:?} names this source already, and once is enough; leave out one of the two"
            )
        }),
        Some(third) => Some(format!(
            "{name:?} stands beside {third:?}, and a source is in one pair only; leave out one of the two"
        )),
        None => {
            let before =
                stated[..index].iter().find(|before| before.beside.as_ref() == Some(name))?;
            Some(format!(
                "{:?} stands beside {name:?} already, and a source is in one pair only; leave out one \
                 of the two",
                before.name
            ))
        }
    }
}

/// When a source's moments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// Now.
    Live,
    /// In a recording that is played at its own pace.
    Paced,
    /// As soon as this machine has dealt with those before.
    Hurried,
}

const fn clock(kind: &SourceKind) -> Clock {
    match kind {
        SourceKind::Microphone { .. } | SourceKind::Camera { .. } | SourceKind::Command { .. } => {
            Clock::Live
        }
        SourceKind::Recording { realtime: true, .. }
        | SourceKind::Synthetic { realtime: true, .. } => Clock::Paced,
        SourceKind::Recording { .. } | SourceKind::Synthetic { .. } => Clock::Hurried,
    }
}

fn no_common_clock(this: &SourceSettings, other: &SourceSettings) -> Option<String> {
    let clocks = [clock(&this.kind), clock(&other.kind)];
    if let Some(place) = clocks.iter().position(|clock| *clock == Clock::Hurried) {
        let name = [&this.name, &other.name][place];
        return Some(format!(
            "{name:?} has realtime = false, so that two sources are never at the same moment; set \
             realtime = true there, or use `habituate replay --beside`"
        ));
    }
    let (recorded, live) = match clocks {
        [Clock::Paced, Clock::Live] => (this, other),
        [Clock::Live, Clock::Paced] => (other, this),
        _ => return None,
    };
    Some(format!(
        "{:?} is recorded and {:?} is live, so that they have no moment in common; name a source of the \
         same kind of time",
        recorded.name, live.name
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::daemon::Settings;

    /// Sources: what each table holds.
    fn parse(tables: &[&str]) -> Result<Settings, String> {
        let text: String = tables.iter().map(|table| format!("[[source]]\n{table}\n")).collect();
        Settings::parse(&text, Path::new("h.toml")).map_err(|error| error.to_string())
    }

    const MIC: &str = "kind = 'microphone'";
    const CAM: &str = "kind = 'camera'";

    #[test]
    fn a_source_of_the_other_sense_is_a_pair_from_either_side() {
        let settings = parse(&[MIC, "kind = 'camera'\nbeside = 'microphone'"]).unwrap();
        assert_eq!(pairs(&settings.sources).collect::<Vec<_>>(), [(1, 0)]);
        let settings = parse(&["kind = 'microphone'\nbeside = 'camera'", CAM]).unwrap();
        assert_eq!(pairs(&settings.sources).collect::<Vec<_>>(), [(0, 1)]);
        assert_eq!(pairs(&parse(&[MIC, CAM]).unwrap().sources).count(), 0);
        let recorded = "kind = 'recording'\npaths = ['a.wav']\nname = 'a'\nbeside = 'b'";
        let made_up = "kind = 'synthetic'\nplace = 'view'\nrealtime = true\nname = 'b'";
        assert_eq!(pairs(&parse(&[recorded, made_up]).unwrap().sources).count(), 1);
        let street = "kind = 'command'\nname = 'street'\ncommand = ['x']\nformat = 's16le'\n\
                      beside = 'camera'";
        assert_eq!(pairs(&parse(&[street, CAM]).unwrap().sources).count(), 1);
    }

    #[test]
    fn what_cannot_stand_beside_a_source_is_told_with_what_could() {
        let mic_beside_cam = "kind = 'microphone'\nbeside = 'camera'";
        let file = "kind = 'recording'\nname = 'file'\npaths = ['a']";
        let cases: [(&[&str], &[&str]); 9] = [
            (
                &["kind = 'microphone'\nbeside = 'kamera'", CAM],
                &["source[0].beside: no source is called \"kamera\"; name one of \"camera\""],
            ),
            (&["kind = 'microphone'\nbeside = 'cam'"], &["source[0].beside", "none but this one"]),
            (
                &["kind = 'microphone'\nbeside = 'microphone'", CAM],
                &["source[0].beside: \"microphone\" is this source"],
            ),
            (
                &["kind = 'camera'\nbeside = 'door'", "kind = 'camera'\nname = 'door'"],
                &["source[0].beside: \"door\" and this source are both pictures; name one of"],
            ),
            (
                &[mic_beside_cam, "kind = 'camera'\nbeside = 'microphone'"],
                &["source[1].beside: \"microphone\" names this source already"],
            ),
            (
                &[mic_beside_cam, CAM, "kind = 'microphone'\nname = 'hall'\nbeside = 'camera'"],
                &["source[2].beside: \"microphone\" stands beside \"camera\" already"],
            ),
            (
                &[
                    mic_beside_cam,
                    "kind = 'camera'\nbeside = 'hall'",
                    "kind = 'microphone'\nname = 'hall'",
                ],
                &[
                    "source[0].beside: \"camera\" stands beside \"hall\", and a source is in one pair",
                ],
            ),
            (
                &["kind = 'microphone'\nbeside = 'file'", file],
                &["source[0].beside: \"file\" is recorded and \"microphone\" is live"],
            ),
            (
                &[
                    "kind = 'synthetic'\nplace = 'view'\nbeside = 'file'",
                    "kind = 'recording'\nname = 'file'\npaths = ['a']\nrealtime = false",
                ],
                &["source[0].beside: \"synthetic\" has realtime = false", "replay --beside"],
            ),
        ];
        for (tables, parts) in cases {
            let shown = parse(tables).unwrap_err();
            assert!(shown.contains("has 1 problem(s)"), "{tables:?}: {shown}");
            for part in parts {
                assert!(shown.contains(part), "{part:?} missing for {tables:?} in:\n{shown}");
            }
        }
    }

    /// Fails when a table that is wrong elsewhere counts as none: its name would be called unknown.
    #[test]
    fn a_table_with_problems_of_its_own_still_has_its_name() {
        let shown = parse(&[
            "kind = 'microphone'\nbeside = 'camera'",
            "kind = 'camera'\nframes_per_s = -1.0",
        ])
        .unwrap_err();
        assert!(shown.contains("source[1].frames_per_s"), "{shown}");
        assert!(!shown.contains("beside"), "{shown}");
    }

    #[test]
    fn two_recordings_of_one_sense_are_found_out_once_they_were_looked_into() {
        let file = |name: &str, more: &str| {
            format!("kind = 'recording'\nname = '{name}'\npaths = ['{name}']\n{more}")
        };
        let tables = [file("a", "beside = 'b'"), file("b", "")];
        let settings = parse(&[&tables[0], &tables[1]]).unwrap();
        for (modalities, count) in [
            ([Some(Modality::Sound); 2], 1),
            ([Some(Modality::Sound), Some(Modality::Picture)], 0),
            ([None, Some(Modality::Picture)], 0),
        ] {
            let mut problems = Problems::default();
            check_senses(&settings.sources, &modalities, &mut problems);
            assert_eq!(problems.len(), count, "{problems}");
        }
    }
}
