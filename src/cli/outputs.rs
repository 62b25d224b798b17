//! Files that a command writes: never one that it reads, never one twice, and found out before the
//! work begins.

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use anyhow::anyhow;

use crate::capture::recording;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;

/// The path of a plot, as typed. A device takes what it is given.
///
/// # Errors
///
/// In words, where its name says that it is no SVG.
pub(crate) fn plot(typed: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(typed);
    let is_device = fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("svg") => Ok(path),
        _ if is_device => Ok(path),
        _ => Err("it is drawn as SVG; give it a name that ends in .svg".into()),
    }
}

/// What an option names: the option, and the path typed after it.
pub(crate) type Named<'a> = (&'static str, &'a Path);

/// Refuses an output that is another output, one of `inputs`, or a file that reading one of these
/// folders takes. Devices such as `/dev/null` may stand anywhere. Opens nothing.
///
/// # Errors
///
/// [`EXIT_USAGE`], naming both options.
pub(crate) fn refuse_clashes(outputs: &[Named<'_>], inputs: &[Named<'_>]) -> Result<(), Failure> {
    let places: Vec<_> = outputs
        .iter()
        .filter_map(|&(option, path)| Some((option, path, Place::of(path)?)))
        .collect();
    for (number, (option, path, place)) in places.iter().enumerate() {
        let other = places.iter().take(number).find(|(.., other)| other == place);
        if let Some((other, ..)) = other {
            return Err(usage(format!(
                "{other} and {option} both name {}; give each a file of its own",
                path.display()
            )));
        }
        for (input, read) in inputs {
            if place.is_read_from(read) {
                return Err(usage(format!(
                    "{option} {} would write over what {input} {} reads; give it another name",
                    path.display(),
                    read.display()
                )));
            }
        }
    }
    Ok(())
}

fn usage(why: String) -> Failure {
    Failure::new(EXIT_USAGE, anyhow!(why))
}

/// Makes an empty file, for what is written as the work goes on.
///
/// # Errors
///
/// [`EXIT_DISK`] with the path.
pub(crate) fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|e| cannot_write(path, e)).or_exit(EXIT_DISK)
}

/// Opens a file for what is written in the end, see [`fill`], so that a path that cannot be written is told
/// before the work. What it holds stays until then: the work may fail.
///
/// # Errors
///
/// [`EXIT_DISK`] with the path.
pub(crate) fn claim(path: &Path) -> Result<File, Failure> {
    let file = File::options().write(true).create(true).truncate(false).open(path);
    file.map_err(|e| cannot_write(path, e)).or_exit(EXIT_DISK)
}

/// Replaces what a file holds.
///
/// # Errors
///
/// [`EXIT_DISK`] with the path.
pub(crate) fn fill(
    path: &Path,
    file: File,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), Failure> {
    let replace = || {
        // Of a device there is nothing to take away.
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()
    };
    replace().map_err(|e| cannot_write(path, e)).or_exit(EXIT_DISK)
}

/// The error of a file that cannot be written.
pub(crate) fn cannot_write(path: &Path, error: io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot write {}", path.display()))
}

/// Where a file is, or would be: the same for every path that leads there.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Without links; of a file that is not there yet, its folder's and its name.
    path: PathBuf,
    /// Device and inode of a file that is there: hard links share them.
    inode: Option<(u64, u64)>,
}

impl Place {
    /// `None` for a device or a pipe, which holds nothing to destroy, and where no file can be.
    fn of(path: &Path) -> Option<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_file() => {
                Some(Self { path: PathBuf::new(), inode: Some((found.dev(), found.ino())) })
            }
            Ok(_) => None,
            Err(_) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
                Some(Self { path: folder.join(path.file_name()?), inode: None })
            }
        }
    }

    /// Whether `input` is this file, or a folder of recordings that this is one of.
    fn is_read_from(&self, input: &Path) -> bool {
        let Ok(entries) = fs::read_dir(input) else {
            return Self::of(input).is_some_and(|place| place == *self);
        };
        let taken = |path: &Path| path.file_name().is_some_and(|n| recording::is_taken(n.as_ref()));
        if self.inode.is_none() {
            let folder = fs::canonicalize(input).ok();
            return taken(&self.path) && self.path.parent() == folder.as_deref();
        }
        let paths = entries.flatten().map(|entry| entry.path());
        paths.filter(|path| taken(path)).any(|path| Self::of(&path).is_some_and(|p| p == *self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clash(output: &Path, input: &Path) -> bool {
        refuse_clashes(&[("--scores", output)], &[("INPUT", input)]).is_err()
    }

    #[test]
    fn an_output_may_not_be_an_input_whatever_path_leads_there() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let (sound, clips) = (root.join("a.wav"), root.join("clips"));
        fs::create_dir(&clips).unwrap();
        fs::write(&sound, "sound").unwrap();
        fs::write(clips.join("b.wav"), "sound").unwrap();
        fs::write(clips.join("s.csv"), "scores of yesterday").unwrap();
        std::os::unix::fs::symlink(&sound, root.join("link")).unwrap();
        fs::hard_link(&sound, root.join("hard")).unwrap();
        for path in ["a.wav", "clips/../a.wav", "link", "hard"] {
            assert!(clash(&root.join(path), &sound), "{path}");
        }
        for path in ["clips/b.wav", "clips/new.wav"] {
            assert!(clash(&root.join(path), &clips), "{path}");
        }
        for path in ["b.wav", "s.csv", "nowhere/a.wav"] {
            assert!(!clash(&root.join(path), &sound), "{path}");
        }
        for path in ["clips/s.csv", "clips/new.csv", "a.wav"] {
            assert!(!clash(&root.join(path), &clips), "{path}");
        }
    }

    /// Fails when a file is emptied as soon as it is known that it will be written.
    #[test]
    fn what_a_file_holds_stays_until_there_is_something_better() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        fs::write(&path, "that of yesterday").unwrap();
        let file = claim(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "that of yesterday");
        fill(&path, file, |out| out.write_all(b"today")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "today");
        let null = Path::new("/dev/null");
        fill(null, claim(null).unwrap(), |out| out.write_all(b"today")).unwrap();
    }

    #[test]
    fn two_outputs_need_two_files_and_both_options_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let both: [Named<'_>; 2] = [("--scores", &path), ("--report", &path)];
        let shown = refuse_clashes(&both, &[]).unwrap_err().error.to_string();
        assert!(shown.contains("--scores") && shown.contains("--report"), "{shown}");
        let nowhere = Path::new("/dev/null");
        assert!(refuse_clashes(&[("--scores", nowhere), ("--report", nowhere)], &[]).is_ok());
    }
}
