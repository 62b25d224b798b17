//! The state directory: one folder of checkpoints per source.
//!
//! ```text
//! STATE/lock                            held by the process that writes here
//! STATE/<source>/0000000042.checkpoint  newest = highest number
//! STATE/<source>/0000000041.checkpoint  its predecessors, up to the configured number
//! STATE/<source>/0000000040.damaged     set aside; the newest ten stay
//! STATE/<source>/0000000039.format-5    as an earlier program left it, kept by an upgrade
//! ```
//!
//! A checkpoint appears whole or not at all: written beside, flushed to the disk, renamed, and the
//! folder flushed. Reading starts at the newest; a damaged or foreign file is set aside and the one
//! before is used. What is whole and does not fit the settings is left alone.

mod reading;

pub use crate::store::state_dir::reading::{Examined, Found, Good};

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::config::name::LOCK;
use crate::store::checkpoint::Checkpoint;
use crate::store::checkpoint::FORMAT_VERSION;
use crate::store::checkpoint::format_of;
use crate::store::checkpoint::hash_hex;
use crate::store::error::StoreError;
use crate::store::error::disk;
use crate::store::files::keep_beside;
use crate::store::files::read_head;
use crate::store::files::write_atomically;

/// Checkpoints kept per source of each older format: somebody who goes back and forth needs no more.
const BACKUPS_KEPT: usize = 2;

/// An open state directory. The lock is released when this is dropped.
#[derive(Debug)]
pub struct StateDir {
    root: PathBuf,
    /// `None` until this process may write here.
    lock: Mutex<Option<File>>,
}

/// What a write cost and gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Bytes that went to the disk.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What keeps the checkpoint of an older format that learning went on from, where this is the first
    /// of the new one.
    pub backup: Option<PathBuf>,
}

impl StateDir {
    /// Creates or opens a directory for writing, and locks it against other processes.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] or [`StoreError::Disk`].
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let dir = Self::unlocked(root);
        dir.make_ready()?;
        Ok(dir)
    }

    /// As [`StateDir::open`]; but where the disk takes nothing at the moment, and says so in the second part, what
    /// was learnt can be read, and [`StateDir::write`] tries again to make ready each time.
    ///
    /// # Errors
    ///
    /// As [`StateDir::open`], also where the directory is there and cannot be read.
    pub fn open_or_wait(root: &Path) -> Result<(Self, Option<StoreError>), StoreError> {
        let dir = Self::unlocked(root);
        let why = match dir.make_ready() {
            Ok(()) => return Ok((dir, None)),
            Err(why) if why.may_pass() => why,
            Err(error) => return Err(error),
        };
        // Where there is a lock it can be held without writing to it; where there is none, nobody has learnt.
        let path = root.join(LOCK);
        match File::open(&path) {
            Ok(file) => *dir.held() = Some(dir.locked(file)?),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
            Err(other) => return Err(disk("open", &path)(other)),
        }
        Ok((dir, Some(why)))
    }

    /// Opens an existing directory for reading only; takes no lock, changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`] when there is no such directory.
    pub fn open_read_only(root: &Path) -> Result<Self, StoreError> {
        fs::read_dir(root).map_err(disk("read", root))?;
        Ok(Self::unlocked(root))
    }

    fn unlocked(root: &Path) -> Self {
        Self { root: root.into(), lock: Mutex::default() }
    }

    /// Finds out, without writing a byte, whether checkpoints can be written, and makes sure that nobody else
    /// does.
    ///
    /// # Errors
    ///
    /// As [`StateDir::open`].
    pub fn make_ready(&self) -> Result<(), StoreError> {
        fs::create_dir_all(&self.root).map_err(disk("create", &self.root))?;
        let path = self.root.join(LOCK);
        let mut held = self.held();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(disk("open", &path))?;
        if held.is_none() {
            *held = Some(self.locked(file)?);
        }
        Ok(())
    }

    fn locked(&self, file: File) -> Result<File, StoreError> {
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: self.root.clone() }),
            Err(TryLockError::Error(source)) => {
                Err(StoreError::Disk { doing: "lock", path: self.root.join(LOCK), source })
            }
        }
    }

    /// The process that works here, where there is one and the system says so. Takes no lock: a daemon that starts
    /// at this moment must find it free.
    pub fn holder(&self) -> Option<u32> {
        let inode = fs::metadata(self.root.join(LOCK)).ok()?.ino().to_string();
        let locks = fs::read_to_string("/proc/locks").ok()?;
        locks.lines().find_map(|line| {
            // 1: FLOCK  ADVISORY  WRITE 5955 fe:00:10010797 0 EOF
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_ours = words.get(1) == Some(&"FLOCK")
                && words.get(5)?.rsplit(':').next() == Some(inode.as_str());
            if is_ours { words.get(4)?.parse().ok() } else { None }
        })
    }

    /// A panic elsewhere does not unlock anything.
    fn held(&self) -> MutexGuard<'_, Option<File>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Sources with at least one checkpoint, in name order.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn sources(&self) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(disk("read", &self.root))? {
            let entry = entry.map_err(disk("read", &self.root))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() && !self.generations(&name, "checkpoint")?.is_empty() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Writes a new newest checkpoint and removes all but `predecessors` older ones. What is of an older
    /// format is backed up before the first of the new one is written.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`]; the checkpoints before stay as they were.
    pub fn write(
        &self,
        checkpoint: &Checkpoint,
        predecessors: usize,
    ) -> Result<Written, StoreError> {
        self.make_ready()?;
        let source = &checkpoint.origin.source;
        let folder = self.root.join(source);
        fs::create_dir_all(&folder).map_err(disk("create", &folder))?;
        let backup = self.back_up_older(source)?;
        let newest = self
            .generations(source, "checkpoint")?
            .into_iter()
            .chain(self.generations(source, "damaged")?)
            .max()
            .unwrap_or(0);
        let bytes = checkpoint.to_bytes();
        write_atomically(&self.file(source, newest + 1, "checkpoint"), &bytes)?;
        // It is kept, whatever becomes of the old ones; they are tried again with the next.
        drop(self.keep_newest(source, "checkpoint", predecessors + 1));
        Ok(Written { bytes: bytes.len() as u64, sha256: hash_hex(&bytes), backup })
    }

    /// Keeps the checkpoint of an older format that the next one goes on from, unless that was done. `None`
    /// where the newest is of our format, or there is none.
    fn back_up_older(&self, source: &str) -> Result<Option<PathBuf>, StoreError> {
        for generation in self.generations(source, "checkpoint")?.into_iter().rev() {
            let path = self.file(source, generation, "checkpoint");
            let Some(format) = read_head(&path)?.and_then(|head| format_of(&head)) else {
                continue;
            };
            if FORMAT_VERSION <= format {
                return Ok(None);
            }
            let extension = format!("format-{format}");
            let backup = self.file(source, generation, &extension);
            if !backup.exists() {
                keep_beside(&path, &backup)?;
                drop(self.keep_newest(source, &extension, BACKUPS_KEPT));
            }
            return Ok(Some(backup));
        }
        Ok(None)
    }

    fn file(&self, source: &str, generation: u64, extension: &str) -> PathBuf {
        self.root.join(source).join(format!("{generation:010}.{extension}"))
    }

    /// Oldest first.
    fn generations(&self, source: &str, extension: &str) -> Result<Vec<u64>, StoreError> {
        let folder = self.root.join(source);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(other) => return Err(disk("read", &folder)(other)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(disk("read", &folder))?.path();
            if path.extension().is_some_and(|e| e == extension)
                && let Some(number) = path.file_stem().and_then(|s| s.to_str()?.parse().ok())
            {
                found.push(number);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    fn keep_newest(&self, source: &str, extension: &str, keep: usize) -> Result<(), StoreError> {
        let generations = self.generations(source, extension)?;
        let excess = generations.len().saturating_sub(keep);
        for &generation in &generations[..excess] {
            let path = self.file(source, generation, extension);
            fs::remove_file(&path).map_err(disk("remove", &path))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
