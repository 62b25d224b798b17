//! Where encoders lie that a user has added.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

/// `$HABITUATE_ENCODERS`, else a folder of this user, else the machine's.
pub fn folder() -> PathBuf {
    choose(env::var_os("HABITUATE_ENCODERS"), env::var_os("XDG_DATA_HOME"), env::var_os("HOME"))
}

fn choose(stated: Option<OsString>, data: Option<OsString>, home: Option<OsString>) -> PathBuf {
    let full = |value: Option<OsString>| value.filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(stated) = full(stated) {
        return stated;
    }
    let data = full(data).or_else(|| Some(full(home)?.join(".local").join("share")));
    data.unwrap_or_else(|| PathBuf::from("/usr/local/share")).join("habituate").join("encoders")
}

/// The manifest that `reference` means: a path as it is, a plain name in [`folder`].
pub fn path_of(reference: &str) -> PathBuf {
    let path = Path::new(reference);
    let plain = path.components().count() == 1 && path.extension().is_none_or(|e| e != "toml");
    if plain && !path.is_file() { manifest_in(&folder(), reference) } else { path.into() }
}

/// The manifest of the encoder `name` in `dir`.
pub fn manifest_in(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.toml"))
}

/// Names of all encoders that were added, sorted; none where there is no folder.
pub fn names() -> Vec<String> {
    let Ok(entries) = folder().read_dir() else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".toml").map(Into::into))
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stated_wins_over_this_user_and_the_machine() {
        let some = |text: &str| Some(OsString::from(text));
        for (stated, data, home, expected) in [
            (some("/e"), some("/d"), some("/h"), "/e"),
            (some(""), some("/d"), some("/h"), "/d/habituate/encoders"),
            (None, None, some("/h"), "/h/.local/share/habituate/encoders"),
            (None, None, None, "/usr/local/share/habituate/encoders"),
        ] {
            assert_eq!(choose(stated, data, home), Path::new(expected));
        }
    }

    #[test]
    fn a_path_stays_and_a_name_is_looked_up() {
        assert_eq!(path_of("a/b.toml"), Path::new("a/b.toml"));
        assert_eq!(path_of("b.toml"), Path::new("b.toml"));
        assert_eq!(path_of("a/b"), Path::new("a/b"));
        assert!(path_of("yamnet").ends_with("yamnet.toml"));
    }
}
