//! `habituate support`: one text file with all that helps to find a fault. It can be read before it
//! is sent. No sound, no picture, no embedding goes in, and values that look like secrets are struck
//! out.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use crate::base::secrets;
use crate::cli::doctor;
use crate::cli::doctor::args::SupportArgs;
use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::state;
use crate::config::daemon::Settings;
use crate::web::routes;

/// Lines of the journal.
const JOURNAL_LINES: &str = "500";

/// Longest answer of another program that is kept: the newest part of it.
const ANSWER_BYTES: usize = 256 << 10;

pub(crate) fn main(args: &SupportArgs) -> Result<(), Failure> {
    let config = doctor::configuration(args.config.as_deref());
    let settings = Settings::load(config.as_deref()).or_else(|_| Settings::load(None))?;
    let root = state::directory_to_ask(args.state.as_deref(), settings.state_dir.as_deref());
    let mut text = String::from(
        "habituate support bundle. Read it before you send it: it has no recordings, and what looks \
         like a secret is struck out, but it names your devices, sources and folders.\n",
    );
    let mut section = |title: &str, body: &str| {
        text += &format!("\n===== {title} =====\n{}\n", body.trim_end());
    };
    let quick = doctor::examine(args.config.as_deref(), args.state.as_deref(), true);
    section("doctor", &quick.to_text());
    section("status", &routes::status(&root).unwrap_or_else(|error| format!("none: {error}")));
    if let Some(path) = &config {
        let body = fs::read_to_string(path).unwrap_or_else(|error| error.to_string());
        section(&format!("configuration {}", path.display()), &body);
    }
    section(&format!("state directory {}", root.display()), &listing(&root));
    for command in [
        &["uname", "-srm"][..],
        &["cat", "/etc/os-release"],
        &["cat", "/proc/meminfo"],
        &["df", "-h"],
        &["cat", "/proc/asound/cards"],
        &["systemctl", "show", "habituate.service", "--no-pager"],
        &["journalctl", "-u", "habituate.service", "-n", JOURNAL_LINES, "--no-pager"],
    ] {
        section(&command.join(" "), &answer(command));
    }
    // Once, over everything: no section can be forgotten.
    let text = secrets::struck_out(&text);
    fs::write(&args.out, &text)
        .map_err(|error| {
            anyhow::Error::new(error).context(format!("cannot write {}", args.out.display()))
        })
        .or_exit(EXIT_DISK)?;
    println!("{}: {} KiB; read it before you send it", args.out.display(), text.len() >> 10);
    Ok(())
}

/// What a program says, or why it does not.
fn answer(command: &[&str]) -> String {
    let Some((program, arguments)) = command.split_first() else { return String::new() };
    match Command::new(program).args(arguments).stdin(Stdio::null()).output() {
        Ok(output) => {
            let bytes = if output.stdout.is_empty() { output.stderr } else { output.stdout };
            let newest = bytes.len().saturating_sub(ANSWER_BYTES);
            String::from_utf8_lossy(&bytes[newest..]).into_owned()
        }
        Err(error) => format!("{program}: {error}"),
    }
}

/// Names and sizes; what is in the files stays there.
fn listing(root: &Path) -> String {
    let mut lines = Vec::new();
    if let Err(error) = list(root, root, &mut lines) {
        lines.push(error.to_string());
    }
    lines.sort();
    lines.join("\n")
}

fn list(root: &Path, folder: &Path, lines: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, facts) = (entry.path(), entry.metadata()?);
        // Sources are folders, and hold no further ones.
        if facts.is_dir() && folder == root {
            list(root, &path, lines)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).display();
            lines.push(format!("{name}  {} bytes", facts.len()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_sizes_of_a_state_directory_are_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("mic")).unwrap();
        fs::write(dir.path().join("mic/0000000001.checkpoint"), "private").unwrap();
        assert_eq!(listing(dir.path()), "mic/0000000001.checkpoint  7 bytes");
    }
}
