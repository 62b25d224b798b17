//! What has come of a download, and what becomes of it.
//!
//! It waits in `NAME.onnx.download` beside the encoders, with the server's name for that version in
//! `….version`, so that a connection that was cut, or a program that was ended, goes on where it stopped, and
//! never joins halves of two versions. Once all has come, `….whole` says from where and with which hash: a
//! command that then fails for want of an option need not fetch it again.

use std::cell::Cell;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::Error;
use anyhow::anyhow;
use sha2::Digest;
use sha2::Sha256;

use crate::base::hex::hex;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::models::statuses;
use crate::cli::progress::Progress;
use crate::encode::network::MOST_BYTES;

/// Bytes read at a time.
const BLOCK: usize = 64 << 10;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    /// `None` to take what comes.
    pub(super) sha256: Option<[u8; 32]>,
    /// Where what has come lies, without an ending.
    pub(super) place: &'a Path,
}

/// What came.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: [u8; 32],
}

/// A good answer.
pub(super) struct Answer {
    pub(super) body: Box<dyn Read>,
    /// Where in the file it begins.
    pub(super) from: u64,
    /// Length of the whole file.
    pub(super) total: Option<u64>,
    /// The server's name for this version.
    pub(super) version: Option<String>,
}

pub(super) enum Taken {
    All,
    Cut(String),
}

/// What has come so far.
pub(super) struct Part {
    pub(super) file: PathBuf,
    version: PathBuf,
    whole: PathBuf,
    /// Whether the server has shown that it gives whole files alone.
    pub(super) gives_no_parts: Cell<bool>,
}

impl Part {
    pub(super) fn new(place: &Path) -> Self {
        let with = |end: &str| {
            let mut name = place.file_name().unwrap_or_default().to_os_string();
            name.push(end);
            place.with_file_name(name)
        };
        Self {
            file: with(".download"),
            version: with(".download.version"),
            whole: with(".download.whole"),
            gives_no_parts: Cell::new(false),
        }
    }

    pub(super) fn len(&self) -> u64 {
        fs::metadata(&self.file).map_or(0, |metadata| metadata.len())
    }

    pub(super) fn version(&self) -> Option<String> {
        fs::read_to_string(&self.version).ok().filter(|text| !text.is_empty())
    }

    /// Whether the rest can be joined: with neither, nothing would tell that it is of another version. To what
    /// is whole nothing is joined.
    pub(super) fn goes_on(&self, wanted: Wanted<'_>) -> bool {
        (self.version().is_some() || wanted.sha256.is_some()) && !self.whole.exists()
    }

    pub(super) fn next_time(&self, wanted: Wanted<'_>) -> String {
        if self.gives_no_parts.get() {
            return statuses::NO_PARTS.into();
        }
        statuses::next_time(self.len(), self.goes_on(wanted))
    }

    pub(super) fn remove(&self) {
        // What is left is written over from its beginning.
        for path in [&self.whole, &self.file, &self.version] {
            drop(fs::remove_file(path));
        }
    }

    /// Writes what comes; a cut connection is no error here.
    pub(super) fn take(&self, mut answer: Answer, wanted: Wanted<'_>) -> Result<Taken, Failure> {
        let total = answer.total;
        let disk = |error: io::Error| {
            let all = total.map_or("a file of unknown size".into(), |n| format!("{n} bytes"));
            let (file, next_time) = (self.file.display(), self.next_time(wanted));
            let words =
                format!("cannot write {all} to {file}; {next_time}; --dir names another folder");
            Failure::new(EXIT_DISK, Error::new(error).context(words))
        };
        let mut file = self.open(answer.from, answer.version.as_deref()).map_err(disk)?;
        let progress = Progress::new(total.map(|total| total as f64));
        let mut have = answer.from;
        let mut block = vec![0; BLOCK];
        let ended = loop {
            let count = match answer.body.read(&mut block) {
                Ok(0) => break None,
                Ok(count) => count,
                Err(error) => break Some(error.to_string()),
            };
            file.write_all(&block[..count]).map_err(disk)?;
            have += count as u64;
            if MOST_BYTES < have {
                self.remove();
                return Err(too_large(wanted.url));
            }
            progress.at(have as f64, format!("{:.1} MB", have as f64 / 1e6));
        };
        progress.done();
        file.sync_all().map_err(disk)?;
        Ok(match (ended, total) {
            (Some(reason), _) => Taken::Cut(reason),
            (None, Some(total)) if have < total => Taken::Cut(format!("{have} of {total} bytes")),
            (None, _) => Taken::All,
        })
    }

    /// Ready to be written from `from` on.
    fn open(&self, from: u64, version: Option<&str>) -> io::Result<File> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        if 0 < from {
            return File::options().append(true).open(&self.file);
        }
        // In this order: a part must never stand beside another version's name, nor be called whole.
        drop(fs::remove_file(&self.whole));
        let file = File::create(&self.file)?;
        fs::write(&self.version, version.unwrap_or_default())?;
        Ok(file)
    }

    /// All has come: is it the right one? A wrong one is thrown away, since no part of it is of use; the right
    /// one stays until it is removed.
    pub(super) fn finish(&self, wanted: Wanted<'_>) -> Result<Fetched, Failure> {
        let bytes = fs::read(&self.file)
            .with_context(|| format!("cannot read what came, {}", self.file.display()))
            .or_exit(EXIT_DISK)?;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        if let Some(expected) = wanted.sha256 {
            hold_to(expected, sha256, wanted.url).inspect_err(|_| self.remove())?;
        }
        // Without it the next command fetches all again.
        drop(fs::write(&self.whole, note(wanted.url, sha256)));
        Ok(Fetched { bytes, sha256 })
    }

    /// What an earlier command has fetched; `None` where it is of another address, not what was wanted, or not
    /// whole.
    pub(super) fn kept(&self, wanted: Wanted<'_>) -> Option<Fetched> {
        let known = fs::read_to_string(&self.whole).ok()?;
        let bytes = fs::read(&self.file).ok()?;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let fits = wanted.sha256.is_none_or(|expected| expected == sha256);
        (fits && known == note(wanted.url, sha256)).then_some(Fetched { bytes, sha256 })
    }
}

fn note(url: &str, sha256: [u8; 32]) -> String {
    format!("{url}\n{}\n", hex(&sha256))
}

pub(super) fn too_large(url: &str) -> Failure {
    let error = anyhow!("{url} is larger than {} MiB, the most that is read", MOST_BYTES >> 20);
    Failure::new(EXIT_INPUT, error)
}

/// Refuses another file than the one that was expected.
pub(super) fn hold_to(expected: [u8; 32], found: [u8; 32], shown: &str) -> Result<(), Failure> {
    if expected == found {
        return Ok(());
    }
    let error = anyhow!(
        "{shown} is not the file that was expected: its SHA-256 is {}, and {} was expected; nothing \
         was kept",
        hex(&found),
        hex(&expected)
    );
    Err(Failure::new(EXIT_INPUT, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: &'static [u8]) -> Answer {
        Answer { body: Box::new(bytes), from: 0, total: Some(4), version: Some("\"one\"".into()) }
    }

    #[test]
    fn what_is_whole_is_used_for_the_same_address_and_hash_alone() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("x.onnx");
        let part = Part::new(&place);
        let wanted = Wanted { url: "https://example.org/x", sha256: None, place: &place };
        assert!(matches!(part.take(answer(b"four"), wanted), Ok(Taken::All)));
        assert!(part.kept(wanted).is_none(), "not known to be whole");
        assert!(part.goes_on(wanted));
        let sha256 = part.finish(wanted).unwrap().sha256;
        assert!(!part.goes_on(wanted), "nothing follows what is whole");
        let kept = |url, sha256| part.kept(Wanted { url, sha256, place: &place });
        assert_eq!(kept(wanted.url, None).unwrap().bytes, b"four");
        assert!(kept(wanted.url, Some(sha256)).is_some());
        assert!(kept(wanted.url, Some([0; 32])).is_none());
        assert!(kept("https://example.org/y", None).is_none());
        fs::write(&part.file, "five").unwrap();
        assert!(kept(wanted.url, None).is_none(), "changed on the disk");
        assert!(matches!(part.take(answer(b"fo"), wanted), Ok(Taken::Cut(_))));
        assert!(part.kept(wanted).is_none() && part.goes_on(wanted), "begun again");
        part.remove();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_wrong_file_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("x.onnx");
        let part = Part::new(&place);
        let wanted = Wanted { url: "https://example.org/x", sha256: Some([0; 32]), place: &place };
        assert!(matches!(part.take(answer(b"four"), wanted), Ok(Taken::All)));
        assert_eq!(part.finish(wanted).unwrap_err().code, EXIT_INPUT);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_with_what_is_wanted_and_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("x.onnx");
        let part = Part::new(&place);
        fs::create_dir(&part.file).unwrap();
        let wanted = Wanted { url: "https://example.org/x", sha256: None, place: &place };
        let Err(failure) = part.take(answer(b"four"), wanted) else { unreachable!("a folder") };
        let words = format!("{:#}", failure.error);
        assert!(failure.code == EXIT_DISK && words.contains("cannot write 4 bytes to "), "{words}");
        assert!(words.contains("x.onnx.download; ") && words.contains("--dir"), "{words}");
    }
}
