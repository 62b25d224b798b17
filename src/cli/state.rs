//! Which state directory, and how it is looked into.

use std::env;
use std::path::Path;
use std::path::PathBuf;

use anyhow::anyhow;

use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::Failure;
use crate::store::state_dir::StateDir;

/// Where the `StateDirectory=` of the packaged unit lies.
const SERVICE_STATE: &str = "/var/lib/habituate";

/// The command line's, else the configuration's, else systemd's, else one of this user.
pub(crate) fn directory(argument: Option<&Path>, configured: Option<&Path>) -> PathBuf {
    if let Some(stated) = argument.or(configured) {
        return stated.into();
    }
    // systemd's StateDirectory=; the first of a list.
    if let Some(dirs) = env::var_os("STATE_DIRECTORY")
        && let Some(first) = env::split_paths(&dirs).next()
    {
        return first;
    }
    let base = env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(|| {
        env::var_os("HOME").map(|home| PathBuf::from(home).join(".local").join("state"))
    });
    base.map_or_else(|| PathBuf::from("habituate-state"), |base| base.join("habituate"))
}

/// A state directory that is only read.
///
/// # Errors
///
/// [`EXIT_INPUT`] where there is none; the disk's where it cannot be read.
pub(crate) fn open_to_read(root: &Path) -> Result<StateDir, Failure> {
    if !root.is_dir() {
        let error = anyhow!(
            "there is no state directory {}; start a daemon with `habituate run`, or name the directory \
             with --state",
            root.display()
        );
        return Err(Failure::new(EXIT_INPUT, error));
    }
    Ok(StateDir::open_read_only(root)?)
}

/// Where a daemon is asked, or its state is looked at: as [`directory`], but that of the installed
/// service where nothing was stated and this user has none of their own.
pub(crate) fn directory_to_ask(argument: Option<&Path>, configured: Option<&Path>) -> PathBuf {
    let own = directory(argument, configured);
    let is_stated = argument.or(configured).is_some() || env::var_os("STATE_DIRECTORY").is_some();
    choose(own, is_stated, Path::new(SERVICE_STATE))
}

fn choose(own: PathBuf, is_stated: bool, service: &Path) -> PathBuf {
    // What may not be entered exists, too; asking it says why.
    let is_installed = service.symlink_metadata().is_ok();
    if is_stated || own.exists() || !is_installed { own } else { service.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_asked_where_there_is_no_state_of_ones_own() {
        let dir = tempfile::tempdir().unwrap();
        let (own, service) = (dir.path().join("own"), dir.path().join("service"));
        assert_eq!(choose(own.clone(), false, &service), own, "no service");
        std::fs::create_dir(&service).unwrap();
        assert_eq!(choose(own.clone(), false, &service), service);
        assert_eq!(choose(own.clone(), true, &service), own, "stated");
        std::fs::create_dir(&own).unwrap();
        assert_eq!(choose(own.clone(), false, &service), own);
    }

    #[test]
    fn what_was_typed_wins_over_what_was_configured() {
        let (typed, configured) = (Path::new("/a"), Path::new("/b"));
        assert_eq!(directory(Some(typed), Some(configured)), typed);
        assert_eq!(directory(None, Some(configured)), configured);
    }
}
