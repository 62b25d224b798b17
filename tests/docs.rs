//! Pages that are made from the program itself. `UPDATE=1 cargo test --test docs` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

const COMMANDS: [&str; 36] = [
    "run",
    "demo",
    "replay",
    "embed",
    "devices",
    "check",
    "selftest",
    "bench",
    "doctor",
    "support",
    "status",
    "teach",
    "names",
    "names list",
    "names forget",
    "names rename",
    "names undo",
    "search",
    "normal",
    "unusual",
    "state",
    "state inspect",
    "state rollback",
    "models",
    "models list",
    "models add",
    "models catalogue",
    "models verify",
    "models compare",
    "eval",
    "eval novelty",
    "eval fewshot",
    "eval forgetting",
    "eval transfer",
    "eval robustness",
    "eval audit",
];

fn help(command: Option<&str>) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_habituate"))
        .args(command.into_iter().flat_map(str::split_whitespace))
        .arg("--help")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn the_command_page_is_what_help_says() {
    let mut page =
        String::from("# Commands\n\nMade from `--help` by `tests/docs.rs`; do not edit by hand.\n");
    page += &format!("\n```text\n{}```\n", help(None));
    for command in COMMANDS {
        page += &format!("\n## habituate {command}\n\n```text\n{}```\n", help(Some(command)));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ref/commands.md");
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "{} is not what --help says; run UPDATE=1 cargo test --test docs",
        path.display()
    );
}

#[test]
fn every_command_of_the_readme_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let general = help(None);
    for page in [
        "README.md",
        "guide/encoders.md",
        "guide/eval.md",
        "guide/names.md",
        "guide/install.md",
        "guide/alarms.md",
        "guide/beside.md",
    ] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for line in text.lines() {
            let Some((before, after)) = line.split_once("habituate ") else { continue };
            if !(before.is_empty() || before.ends_with("release/") || before.ends_with('`')) {
                continue;
            }
            let word: String = after.chars().take_while(char::is_ascii_alphabetic).collect();
            assert!(general.contains(&format!("  {word} ")), "{page} names {word:?}: {line}");
        }
    }
}
