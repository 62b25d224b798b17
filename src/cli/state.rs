//! Which state directory.

use std::env;
use std::path::Path;
use std::path::PathBuf;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_wins_over_what_was_configured() {
        let (typed, configured) = (Path::new("/a"), Path::new("/b"));
        assert_eq!(directory(Some(typed), Some(configured)), typed);
        assert_eq!(directory(None, Some(configured)), configured);
    }
}
