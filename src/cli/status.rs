//! `habituate status`: what a running daemon, or the last one, knows.

use std::path::Path;

use anyhow::anyhow;

use crate::cli::args::StatusArgs;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::state;
use crate::config::daemon::Settings;
use crate::emit::health;
use crate::emit::status::Status;
use crate::store::checkpoint::hash_hex;
use crate::web::routes;

pub(crate) fn main(args: &StatusArgs) -> Result<(), Failure> {
    let settings = Settings::load(args.config.as_deref())?;
    let root = state::directory_to_ask(args.state.as_deref(), settings.state_dir.as_deref());
    if args.healthy {
        return healthy(&root);
    }
    match routes::status(&root) {
        Ok(json) if args.json => {
            print!("{json}");
            Ok(())
        }
        Ok(json) => {
            print!("{}", understood(&root, &json)?.to_text());
            Ok(())
        }
        Err(_) => from_directory(&root, args.json),
    }
}

fn understood(root: &Path, json: &str) -> Result<Status, Failure> {
    Status::from_json(json)
        .ok_or_else(|| anyhow!("the daemon of {} speaks another version", root.display()))
        .or_exit(EXIT_UNAVAILABLE)
}

/// What was kept on disk does not count: only a daemon that answers can be well.
fn healthy(root: &Path) -> Result<(), Failure> {
    let json = routes::status(root)
        .map_err(|error| {
            anyhow!(
                "no daemon answers in {}: {error}; start one with `habituate run`, or name its state \
                 directory with --state",
                root.display()
            )
        })
        .or_exit(EXIT_UNAVAILABLE)?;
    let status = understood(root, &json)?;
    match health::complaint(&status) {
        Some(why) => Err(Failure::new(EXIT_UNAVAILABLE, anyhow!(why))),
        None => {
            println!("{}", status.to_line());
            Ok(())
        }
    }
}

/// Without a daemon: what the checkpoints say.
fn from_directory(root: &Path, json: bool) -> Result<(), Failure> {
    let dir = state::open_to_read(root)?;
    let mut lines = Vec::new();
    for source in dir.sources()? {
        if let Some(checkpoint) = dir.peek(&source)? {
            let bytes = checkpoint.to_bytes();
            lines.push((source, checkpoint.origin.encoder, bytes.len(), hash_hex(&bytes)));
        }
    }
    if json {
        let sources: Vec<String> = lines
            .iter()
            .map(|(name, encoder, bytes, hash)| {
                format!(
                    "{{\"name\":\"{name}\",\"encoder\":\"{encoder}\",\"checkpoint_bytes\":{bytes},\
                     \"checkpoint_sha256\":\"{hash}\"}}"
                )
            })
            .collect();
        let in_use = dir.holder().is_some();
        println!("{{\"running\":false,\"in_use\":{in_use},\"sources\":[{}]}}", sources.join(","));
        return Ok(());
    }
    match dir.holder() {
        None => println!("no daemon runs with {}; it holds:", root.display()),
        Some(process) => println!(
            "{} is in use by another process ({process}) that answers no questions, such as a replay; it holds, as of \
             the last checkpoint:",
            root.display()
        ),
    }
    for (name, encoder, bytes, hash) in &lines {
        println!("  {name}: learnt with {encoder}, {bytes} bytes, SHA-256 {hash}");
    }
    if lines.is_empty() {
        println!("  nothing learnt yet");
    }
    Ok(())
}
