//! Where the socket of a state directory is: in it, or, where its disk takes nothing, in a folder for what
//! lives as long as the machine runs.

use std::env;
use std::fs;
use std::io;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;

use crate::base::disk::cannot_be_made_yet;
use crate::store::checkpoint::hash_hex;

/// The socket's name in the state directory.
pub(super) const NAME: &str = "control.sock";

/// What systemd makes for the service (`RuntimeDirectory=`), and root can make.
const SERVICE_FOLDER: &str = "/run/habituate";

/// Makes the socket, and says where.
///
/// # Errors
///
/// The operating system's about the state directory.
pub(super) fn bind(state_dir: &Path) -> io::Result<(PathBuf, UnixListener)> {
    let usual = state_dir.join(NAME);
    let why = match bind_at(&usual) {
        Ok(listener) => return Ok((usual, listener)),
        Err(error) => error,
    };
    if cannot_be_made_yet(&why) {
        for path in elsewhere(state_dir) {
            let folder = path.parent().unwrap_or(Path::new("/"));
            if let Ok(listener) = fs::create_dir_all(folder).and_then(|()| bind_at(&path)) {
                log::warn!("{}: {why}; the control socket is {}", usual.display(), path.display());
                return Ok((path, listener));
            }
        }
    }
    Err(why)
}

/// Whoever holds the directory's lock owns the socket: one left by a killed process is ours.
fn bind_at(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}

/// Reaches the daemon of a state directory.
///
/// # Errors
///
/// The operating system's about the usual place.
pub(super) fn connect(state_dir: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(state_dir.join(NAME)).or_else(|why| {
        let found =
            elsewhere(state_dir).into_iter().find_map(|path| UnixStream::connect(path).ok());
        found.ok_or(why)
    })
}

/// Where else to look, best first: a name for each state directory, the same for every path that leads there.
fn elsewhere(state_dir: &Path) -> Vec<PathBuf> {
    let real = real_path(state_dir);
    let name = hash_hex(real.as_os_str().as_encoded_bytes());
    let name = format!("{}.sock", &name[..16]);
    // systemd's; the first of a list.
    let given = env::var_os("RUNTIME_DIRECTORY").and_then(|all| env::split_paths(&all).next());
    let own = env::var_os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("habituate"));
    [given, own, Some(SERVICE_FOLDER.into())].into_iter().flatten().map(|f| f.join(&name)).collect()
}

/// Without links, as far as the path is there.
fn real_path(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let real = path.ancestors().find_map(|there| {
        let rest = path.strip_prefix(there).ok()?;
        // Collected, because nothing joined is a blank at the end.
        Some(fs::canonicalize(there).ok()?.join(rest).components().collect())
    });
    real.unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_to_a_directory_has_one_name_and_every_directory_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::create_dir(&a).unwrap();
        fs::create_dir(&b).unwrap();
        std::os::unix::fs::symlink(&a, dir.path().join("link")).unwrap();
        assert_eq!(elsewhere(&a), elsewhere(&dir.path().join("link")));
        assert_eq!(elsewhere(&a), elsewhere(&b.join("../a")));
        assert_ne!(elsewhere(&a), elsewhere(&b));
        // What is not there yet is called as it will be.
        let before = elsewhere(&dir.path().join("link/state"));
        fs::create_dir(a.join("state")).unwrap();
        assert_eq!(before, elsewhere(&a.join("state")));
        assert!(elsewhere(&a).last().unwrap().starts_with(SERVICE_FOLDER));
    }
}
