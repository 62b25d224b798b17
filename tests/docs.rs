//! Pages that are made from the program itself. `UPDATE=1 cargo test --test docs` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use habituate::config::manifest::Manifest;

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

/// The keys that a table of a manifest may have, from what is said of one that it may not.
fn keys_of(table: &str, manifest: &str) -> Vec<String> {
    let with_unknown = match table {
        "" => format!("no_such_key = 1\n{manifest}"),
        _ => manifest.replace(&format!("[{table}]\n"), &format!("[{table}]\nno_such_key = 1\n")),
    };
    let told = Manifest::parse(&with_unknown).unwrap_err().to_string();
    let (_, expected) = told.split_once("expected ").unwrap_or_else(|| unreachable!("{told}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Fails when a key is added to manifests and not to their page, or taken away and not from there.
#[test]
fn every_key_of_a_manifest_is_on_its_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("ref/manifest.md")).unwrap();
    let general =
        "name = \"a\"\nlicense = \"MIT\"\nsource = \"here\"\nfile = \"a.onnx\"\nsha256 = \"00\"\n";
    let sound = "modality = \"sound\"\n[input]\n[input.sound]\n[outputs]\n[outputs.embedding]\ndim = 1\n\
                 [outputs.tokens]\ndim = 1\n[golden]\nembedding = []\ntokens = []\ntolerance = 0.1\n";
    let picture = "modality = \"picture\"\n[input.picture]\nwidth = 1\nheight = 1\nlayout = \"nchw\"\n\
                   fit = \"crop\"\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n\
                   [outputs.embedding]\n[outputs.tokens]\ndim = 1\n";
    let tables = [
        ("", sound),
        ("input", sound),
        ("input.sound", sound),
        ("input.picture", picture),
        ("outputs", sound),
        ("outputs.embedding", sound),
        ("outputs.tokens", sound),
        ("golden", sound),
    ];
    for (table, rest) in tables {
        let heading =
            if table.is_empty() { "# Manifest".into() } else { format!("## `[{table}]`") };
        let (_, section) =
            page.split_once(&heading).unwrap_or_else(|| unreachable!("no {heading}"));
        let section = section.split("\n## ").next().unwrap();
        let first_cells =
            section.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
        let mut told: Vec<String> = first_cells
            .flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>())
            .filter(|key| !key.contains([' ', ',']) && !key.is_empty())
            .collect();
        let mut keys = keys_of(table, &(general.to_owned() + rest));
        told.sort_unstable();
        keys.sort_unstable();
        assert_eq!(told, keys, "[{table}]");
    }
}
