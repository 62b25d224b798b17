//! What a source may be called.

/// The file of a state directory that no source may be called like.
pub const LOCK: &str = "lock";

/// Whether a source may be called so: its name is a folder's in the state directory.
///
/// # Errors
///
/// What is wrong, and what would be right.
pub fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || 32 < name.len() || !name.chars().all(plain) {
        return Err(format!(
            "{name:?} must be 1 to 32 letters, digits, '-' or '_': it names files"
        ));
    }
    if name == LOCK {
        return Err(format!(
            "{name:?} is taken by a file of the state directory; any other will do"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_folder_of_the_state_directory() {
        let long = "x".repeat(33);
        for name in ["", ".", "..", "../x", "a/b", "a b", "é", "lock", &long] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["a", "Front-door_2", "locks", &long[1..]] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
    }
}
