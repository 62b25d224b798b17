//! `habituate models catalogue`: well-known encoders that can be fetched.

use std::fs;
use std::path::Path;

use anyhow::Context;
use anyhow::anyhow;

use crate::base::hex::hex;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::models::args::CatalogueArgs;
use crate::cli::tables;
use crate::config::catalogue;
use crate::config::catalogue::Entry;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::encode::folder;

const COLUMNS: [(&str, &str); 7] = [
    ("name", "name"),
    ("for", "for"),
    ("license", "licence"),
    ("mb", "MB"),
    ("sha256", "hash"),
    ("state", "state"),
    ("about", "about"),
];
/// For programs alone: a line is long enough without.
const FURTHER: [(&str, &str); 3] = [("input", "input"), ("source", "source"), ("url", "url")];

pub(super) fn main(args: &CatalogueArgs) -> Result<(), Failure> {
    let added = folder::names();
    let is_whole = args.table.csv || args.table.json;
    let columns = [&COLUMNS[..], if is_whole { &FURTHER } else { &[] }].concat();
    let mut table = Table::new(&columns);
    for entry in read(args.catalogue.as_deref())? {
        let place = entry.place.as_ref().ok();
        let hash = match place.map(|place| place.sha256) {
            Some(Some(sha256)) if is_whole => hex(&sha256),
            Some(Some(_)) => "known".into(),
            Some(None) if !is_whole => "unknown".into(),
            Some(None) | None => String::new(),
        };
        let state = match (added.contains(&entry.name), place, entry.tried) {
            (true, _, _) => "added",
            (_, None, _) => "not to be had",
            (_, Some(_), true) => "tried",
            (_, Some(_), false) => "not tried",
        };
        let about = match is_whole {
            true => entry.about.clone(),
            false => format!("{} ({})", entry.about, entry.input),
        };
        let mut row = vec![
            Cell::text(&entry.name),
            Cell::text(entry.modality.name()),
            Cell::text(&entry.license),
            Cell::Number(place.and_then(|place| place.bytes).map(|n| n as f64 / 1e6), 1),
            Cell::text(hash),
            Cell::text(state),
            Cell::text(about),
        ];
        if is_whole {
            let url = place.map(|place| place.url.clone()).unwrap_or_default();
            row.extend([Cell::text(&entry.input), Cell::text(&entry.source), Cell::text(url)]);
        }
        table.push(row);
    }
    let note = "nothing is fetched before you agree: habituate models add NAME".to_owned();
    tables::print(&table, args.table, &[note]);
    Ok(())
}

/// The entry called `name`, of the file `catalogue` or else of the catalogue inside the program.
pub(super) fn find(catalogue: Option<&Path>, name: &str) -> Result<Option<Entry>, Failure> {
    Ok(read(catalogue)?.into_iter().find(|entry| entry.name == name))
}

fn read(file: Option<&Path>) -> Result<Vec<Entry>, Failure> {
    let shown = file.map_or("the catalogue".into(), |file| file.display().to_string());
    let text = file.map(fs::read_to_string).transpose();
    let text = text.with_context(|| format!("cannot read {shown}")).or_exit(EXIT_INPUT)?;
    catalogue::entries(text.as_deref())
        .map_err(|error| anyhow!("{shown} is wrong: {error}"))
        .or_exit(EXIT_INPUT)
}
