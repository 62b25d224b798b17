//! `habituate models catalogue`: well-known encoders that can be fetched.

use std::fs;
use std::path::Path;

use anyhow::Context;
use anyhow::anyhow;

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

pub(super) fn main(args: &CatalogueArgs) -> Result<(), Failure> {
    let added = folder::names();
    let mut table = Table::new(&COLUMNS);
    for entry in read(args.catalogue.as_deref())? {
        let place = entry.place.as_ref().ok();
        let hash = match place.map(|place| place.sha256.is_some()) {
            Some(true) => "known",
            Some(false) => "unknown",
            None => "",
        };
        let state = match (added.contains(&entry.name), place, entry.tried) {
            (true, _, _) => "added",
            (_, None, _) => "not to be had",
            (_, Some(_), true) => "tried",
            (_, Some(_), false) => "not tried",
        };
        table.push(vec![
            Cell::text(&entry.name),
            Cell::text(entry.modality.name()),
            Cell::text(&entry.license),
            Cell::Number(place.and_then(|place| place.bytes).map(|n| n as f64 / 1e6), 1),
            Cell::text(hash),
            Cell::text(state),
            Cell::text(format!("{} ({})", entry.about, entry.input)),
        ]);
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
