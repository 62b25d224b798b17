//! Whole files: read or not at all, written or as they were.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use crate::store::checkpoint::HEAD_BYTES;
use crate::store::error::StoreError;
use crate::store::error::disk;

/// The bytes of a file, or why they cannot be had: a card's bad block is damage like any other. Whatever else
/// keeps us from reading says nothing against the file.
pub(super) fn read_whole(path: &Path) -> Result<Result<Vec<u8>, io::Error>, StoreError> {
    match fs::read(path) {
        Err(error) if is_damage(&error) => Ok(Err(error)),
        Err(error) => Err(disk("read", path)(error)),
        Ok(bytes) => Ok(Ok(bytes)),
    }
}

/// The first bytes of a file, as many as name a format; `None` where it cannot be read, which is damage.
pub(super) fn read_head(path: &Path) -> Result<Option<[u8; HEAD_BYTES]>, StoreError> {
    let mut head = [0; HEAD_BYTES];
    match File::open(path).and_then(|mut file| file.read_exact(&mut head)) {
        Ok(()) => Ok(Some(head)),
        Err(error) if is_damage(&error) || error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(disk("read", path)(error)),
    }
}

/// Gives what `path` holds a second name that nothing here writes to: a hard link, which takes no room, or a
/// copy where the file system has no links.
///
/// # Errors
///
/// [`StoreError::Disk`]; there is no such second name then.
pub(super) fn keep_beside(path: &Path, second: &Path) -> Result<(), StoreError> {
    if fs::hard_link(path, second).is_err() {
        return write_atomically(second, &fs::read(path).map_err(disk("read", path))?);
    }
    flush_folder(second)
}

fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::IsADirectory
        || matches!(error.raw_os_error(), Some(libc::EIO | libc::EBADMSG | libc::EUCLEAN))
}

/// Replaces or creates `path` so that it holds all of `bytes` or what it held before, even when
/// power fails at any instant.
///
/// # Errors
///
/// [`StoreError::Disk`]; `path` is as it was, and where power failed a `.tmp` file is left behind.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = path.with_extension("tmp");
    if let Err(error) = write_through(&temporary, bytes) {
        // On a full disk, half a file is in the way of the next whole one.
        drop(fs::remove_file(&temporary));
        return Err(error);
    }
    fs::rename(&temporary, path).map_err(disk("rename", &temporary))?;
    flush_folder(path)
}

/// A name is on the disk when its folder is.
fn flush_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|f| f.sync_all()).map_err(disk("flush", folder))
}

fn write_through(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = File::create(path).map_err(disk("create", path))?;
    file.write_all(bytes).map_err(disk("write", path))?;
    file.sync_all().map_err(disk("flush", path))
}
