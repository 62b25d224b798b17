//! Every example configuration is valid, and the default one says what is really in force.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and waits for a real program"
)]

use std::fs;
use std::path::{Path, PathBuf};

use habituate::config::daemon::{Settings, effective};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("configs")
}

#[test]
fn every_example_is_valid() {
    let mut count = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        Settings::load(Some(&path)).unwrap_or_else(|wrong| panic!("{wrong}"));
        count += 1;
    }
    assert!(4 <= count, "{count} examples");
}

#[test]
fn the_default_file_states_every_key_with_the_value_of_an_empty_file() {
    let path = folder().join("default.toml");
    let text = fs::read_to_string(&path).unwrap();
    let stated = effective(&text, &path).unwrap();
    let defaults = effective("", &path).unwrap();
    for default in &defaults {
        if default.key == "source" {
            continue;
        }
        let setting = stated
            .iter()
            .find(|setting| setting.key == default.key)
            .unwrap_or_else(|| panic!("{} is missing in {}", default.key, path.display()));
        assert_eq!(setting.value, default.value, "{}", default.key);
        assert!(setting.stated, "{} is not stated in {}", default.key, path.display());
    }
    let from_file = Settings::load(Some(&path)).unwrap();
    let from_nothing = Settings::load(None).unwrap();
    assert_eq!(from_file.sources, from_nothing.sources);
}
