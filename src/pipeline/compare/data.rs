//! A folder of recordings, or a single one, as parts that are looked at one by one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::base::modality::Modality;
use crate::capture::recording;

/// Ends of the names of picture files.
const PICTURES: [&str; 6] = ["bmp", "gif", "jpeg", "jpg", "png", "webp"];

/// Folders inside folders that are looked into.
const DEEPEST: usize = 8;

/// Seconds of each sound at least: enough for windows that do not overlap. Rather fewer sounds than
/// shorter ones.
const LEAST_S: f64 = 3.0;

/// A sound, a video or one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The file.
    pub path: PathBuf,
    /// Number of its recording: pictures of one folder are one, other files one each.
    pub recording: usize,
    /// Seconds since the recording began.
    pub at_s: f64,
    /// Seconds of it that are looked at.
    pub most_s: f64,
    /// Pictures in a second.
    pub frames_per_s: f64,
    /// Whether it is a single picture.
    pub is_picture: bool,
}

/// Where a label is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// The folder right below the one given.
    Folders,
    /// The file's name up to the first `-` or `_`, without digits at its end.
    Names,
}

/// Files, by what they hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Senses {
    /// Sounds.
    pub sound: Vec<PathBuf>,
    /// Videos and single pictures.
    pub pictures: Vec<PathBuf>,
    /// No recordings.
    pub neither: Vec<PathBuf>,
}

impl Senses {
    /// Looks at the beginning of every file at `place`, a folder or a single file, in the order of names.
    ///
    /// # Errors
    ///
    /// A folder that cannot be listed, or a file that is not there.
    pub fn at(place: &Path) -> io::Result<Self> {
        let mut senses = Self::default();
        for path in files(place)? {
            match recording::sense(&path) {
                Some(Modality::Sound) => senses.sound.push(path),
                Some(Modality::Picture) => senses.pictures.push(path),
                None => senses.neither.push(path),
            }
        }
        Ok(senses)
    }

    /// Files of one sense.
    pub fn of(&self, modality: Modality) -> &[PathBuf] {
        match modality {
            Modality::Sound => &self.sound,
            Modality::Picture => &self.pictures,
        }
    }

    /// The sense of most files; `None` where there is no recording.
    pub fn most(&self) -> Option<Modality> {
        match (self.sound.len(), self.pictures.len()) {
            (0, 0) => None,
            (sound, pictures) if pictures <= sound => Some(Modality::Sound),
            _ => Some(Modality::Picture),
        }
    }
}

/// All files at `place`, by name; of a folder, those in folders inside it, too.
fn files(place: &Path) -> io::Result<Vec<PathBuf>> {
    if place.is_file() {
        return Ok(vec![place.to_path_buf()]);
    }
    let mut files = Vec::new();
    list(place, 0, &mut files)?;
    Ok(files)
}

/// What is looked at of `files`. Sounds share `seconds` evenly, each from its beginning, and where that
/// would be too little for each, some are left out; of pictures, as many as `seconds` and
/// `frames_per_s` allow. What is left out is evenly spread.
pub fn parts(files: &[PathBuf], seconds: f64, frames_per_s: f64) -> Vec<Part> {
    let is_picture = |path: &Path| {
        let end = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        PICTURES.contains(&end.as_str())
    };
    let pictures = files.iter().filter(|path| is_picture(path)).count();
    let others = files.len() - pictures;
    let picture_step = (pictures as f64 / (seconds * frames_per_s)).max(1.0);
    let step = (others as f64 * LEAST_S / seconds).max(1.0);
    let most_s = (seconds / others.max(1) as f64).max(LEAST_S);
    let mut albums: BTreeMap<PathBuf, (usize, usize)> = BTreeMap::new();
    let (mut parts, mut recordings) = (Vec::new(), 0);
    let (mut pictures_seen, mut seen) = (0, 0);
    for path in files {
        let (mut recording, mut at_s) = (recordings, 0.0);
        let is_picture = is_picture(path);
        if is_picture {
            let album = path.parent().map(Path::to_path_buf).unwrap_or_default();
            let (number, pictures) = albums.entry(album).or_insert((recordings, 0));
            (recording, at_s) = (*number, *pictures as f64 / frames_per_s);
            *pictures += 1;
            recordings = recordings.max(recording + 1);
        }
        let (seen, step) =
            if is_picture { (&mut pictures_seen, picture_step) } else { (&mut seen, step) };
        let wanted = *seen as f64 % step < 1.0;
        *seen += 1;
        if !wanted {
            continue;
        }
        if !is_picture {
            recordings += 1;
        }
        let path = path.clone();
        parts.push(Part { path, recording, at_s, most_s, frames_per_s, is_picture });
    }
    parts
}

/// Files of a folder first, then its folders, so that the pictures of one follow each other.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    entries.retain(|path| {
        path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
    });
    entries.sort();
    let (folders, plain): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    files.extend(plain);
    if depth < DEEPEST {
        for inner in folders {
            list(&inner, depth + 1, files)?;
        }
    }
    Ok(())
}

/// The class of each part, and the names of the classes, sorted.
pub fn labels(parts: &[Part], folder: &Path, labels: Labels) -> (Vec<Option<usize>>, Vec<String>) {
    let words: Vec<Option<String>> =
        parts.iter().map(|part| label(&part.path, folder, labels)).collect();
    let mut names: Vec<String> = words.iter().flatten().cloned().collect();
    names.sort_unstable();
    names.dedup();
    let number = |word: &Option<String>| names.binary_search(word.as_ref()?).ok();
    (words.iter().map(number).collect(), names)
}

/// The class of one recording below `folder`; `None` where its path tells none.
pub fn label(path: &Path, folder: &Path, labels: Labels) -> Option<String> {
    match labels {
        Labels::Folders => {
            let mut below = path.strip_prefix(folder).ok()?.components();
            let first = below.next()?;
            below.next()?;
            Some(first.as_os_str().to_string_lossy().into_owned())
        }
        Labels::Names => {
            let name = path.file_stem()?.to_string_lossy().into_owned();
            let word = name.split(['-', '_']).next().unwrap_or_default();
            let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
            let label = if bare.is_empty() { word } else { bare };
            (!label.is_empty()).then(|| label.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        dir
    }

    #[test]
    fn pictures_of_a_folder_are_one_recording_and_sounds_are_one_each() {
        let dir = made(&["a.wav", "b.wav", "day/1.jpg", "day/2.JPG", "night/1.jpg", ".hidden.wav"]);
        let parts = parts(&files(dir.path()).unwrap(), 100.0, 2.0);
        let found: Vec<_> = parts.iter().map(|part| (part.recording, part.at_s)).collect();
        assert_eq!(found, [(0, 0.0), (1, 0.0), (2, 0.0), (2, 0.5), (3, 0.0)]);
        assert_eq!(parts[0].most_s, 50.0);
    }

    #[test]
    fn senses_are_told_by_contents_and_most_files_decide() {
        let dir = made(&["a.txt", "b.wav", "day/1.jpg", "day/2.jpg", "c.csv"]);
        fs::write(dir.path().join("day/1.jpg"), b"\xFF\xD8\xFF\xE0").unwrap();
        fs::write(dir.path().join("b.wav"), b"RIFF\0\0\0\0WAVEfmt ").unwrap();
        fs::write(dir.path().join("a.txt"), b"RIFF\0\0\0\0WAVEfmt ").unwrap();
        let mut senses = Senses::at(dir.path()).unwrap();
        assert_eq!((senses.sound.len(), senses.pictures.len(), senses.neither.len()), (2, 1, 2));
        assert_eq!(senses.most(), Some(Modality::Sound));
        senses.pictures.extend(senses.neither.clone());
        assert_eq!(senses.most(), Some(Modality::Picture));
        assert_eq!(Senses::default().most(), None);
        let one = Senses::at(&dir.path().join("b.wav")).unwrap();
        assert_eq!(one.of(Modality::Sound), [dir.path().join("b.wav")]);
        assert!(Senses::at(&dir.path().join("absent")).is_err());
    }

    #[test]
    fn too_many_pictures_are_thinned_evenly_and_keep_their_times() {
        let names: Vec<String> = (0..100).map(|n| format!("{n:03}.png")).collect();
        let dir = made(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let parts = parts(&files(dir.path()).unwrap(), 25.0, 1.0);
        assert_eq!((parts.len(), parts[1].at_s), (25, 4.0));
    }

    #[test]
    fn labels_are_folders_or_the_beginnings_of_names() {
        let folder = Path::new("/d");
        for (path, labels, expected) in [
            ("/d/pump/a.wav", Labels::Folders, Some("pump")),
            ("/d/pump/x/a.wav", Labels::Folders, Some("pump")),
            ("/d/a.wav", Labels::Folders, None),
            ("/d/pump003.wav", Labels::Names, Some("pump")),
            ("/d/7_jackson_32.wav", Labels::Names, Some("7")),
            ("/d/f1-100-A.flac", Labels::Names, Some("f")),
            ("/d/_.wav", Labels::Names, None),
        ] {
            assert_eq!(label(Path::new(path), folder, labels).as_deref(), expected, "{path}");
        }
    }
}
