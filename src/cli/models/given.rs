//! What `models add` was given: a file, an address, or a name of the catalogue.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::anyhow;
use sha2::Digest;
use sha2::Sha256;

use crate::base::hex::hex;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::models::args::AddArgs;
use crate::cli::models::ask;
use crate::cli::models::catalogue;
use crate::cli::models::download;
use crate::cli::models::part;
use crate::cli::models::part::Fetched;
use crate::cli::models::part::Part;
use crate::cli::models::part::Wanted;
use crate::config::catalogue::AddToml;
use crate::config::catalogue::Entry;
use crate::config::catalogue::NormaliseToml;
use crate::config::catalogue::Place;
use crate::encode::draft::Normalise;
use crate::encode::network::refuse_too_large;

/// A network, and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// For messages.
    pub(super) shown: String,
    /// What it will be called unless somebody says otherwise.
    pub(super) name: String,
    /// For the manifest.
    pub(super) source: String,
    pub(super) license: Option<String>,
    /// What the catalogue knows of its input and outputs.
    pub(super) known: AddToml,
    place: From,
}

#[derive(Debug, Clone)]
enum From {
    File(PathBuf),
    Address(Place),
}

/// Looks at what was given; touches no network.
pub(super) fn look(args: &AddArgs) -> Result<Given, Failure> {
    let given = args.given.as_str();
    if let Some((scheme, rest)) = given.split_once("://") {
        let scheme = scheme.to_ascii_lowercase();
        if !["http", "https"].contains(&scheme.as_str()) {
            let error = anyhow!("{given} cannot be fetched: an address begins with https://");
            return Err(Failure::new(EXIT_USAGE, error));
        }
        return Ok(address(args, &format!("{scheme}://{rest}")));
    }
    let path = Path::new(given);
    let entry = catalogue::find(args.catalogue.as_deref(), given)?;
    match entry {
        Some(entry) if !path.exists() => listed(args, entry),
        _ => Ok(Given {
            shown: given.to_owned(),
            name: name_of(path),
            source: format!("{}, added by hand", file_name(path)),
            license: None,
            known: AddToml::default(),
            place: From::File(path.into()),
        }),
    }
}

fn address(args: &AddArgs, url: &str) -> Given {
    let last = url.split(['?', '#']).next().unwrap_or_default();
    let last = Path::new(last.rsplit('/').next().unwrap_or_default());
    Given {
        shown: url.into(),
        name: name_of(last),
        source: url.into(),
        license: None,
        known: AddToml::default(),
        place: From::Address(Place { url: url.into(), bytes: None, sha256: args.sha256 }),
    }
}

fn listed(args: &AddArgs, entry: Entry) -> Result<Given, Failure> {
    match entry.place {
        Ok(place) => {
            let sha256 = agreed(args.sha256, place.sha256, &entry.name)?;
            Ok(Given {
                shown: place.url.clone(),
                name: entry.name,
                source: format!("{}, {}", entry.source, place.url),
                license: Some(entry.license),
                known: entry.add,
                place: From::Address(Place { sha256, ..place }),
            })
        }
        Err(why) => {
            let error = anyhow!("{} cannot be fetched: {why}; see {}", entry.name, entry.source);
            Err(Failure::new(EXIT_UNAVAILABLE, error))
        }
    }
}

/// What was typed and what the catalogue knows must be one hash: otherwise nothing needs to be fetched.
fn agreed(
    typed: Option<[u8; 32]>,
    known: Option<[u8; 32]>,
    name: &str,
) -> Result<Option<[u8; 32]>, Failure> {
    match (typed, known) {
        (Some(typed), Some(known)) if typed != known => {
            let error = anyhow!(
                "--sha256 {} is not that of {name}: the catalogue knows {}; leave --sha256 out, or \
                 give another catalogue with --catalogue",
                hex(&typed),
                hex(&known)
            );
            Err(Failure::new(EXIT_USAGE, error))
        }
        _ => Ok(typed.or(known)),
    }
}

impl Given {
    /// The network's bytes. Asks before anything is fetched; what comes waits in `dir`, until [`Self::forget`].
    pub(super) fn read(&self, args: &AddArgs, name: &str, dir: &Path) -> Result<Vec<u8>, Failure> {
        let place = match &self.place {
            From::File(path) => {
                let shown = &self.shown;
                let bytes = read(path, shown)?;
                if let Some(expected) = args.sha256 {
                    part::hold_to(expected, Sha256::digest(&bytes).into(), shown)?;
                }
                return Ok(bytes);
            }
            From::Address(place) => place,
        };
        let waits = place_of(name, dir);
        let wanted = Wanted { url: &place.url, sha256: place.sha256, place: &waits };
        let part = Part::new(&waits);
        let Fetched { bytes, sha256 } = if let Some(kept) = part.kept(wanted) {
            let (shown, file) = (&self.shown, part.file.display());
            println!("{shown}\n  is not fetched again: an earlier command has left it in {file}");
            kept
        } else {
            if ask::nobody_can_answer(args.yes) {
                // Not even its size is asked for.
                self.agree(args, place.bytes)?;
            }
            download::fetch(wanted, &mut |size| self.agree(args, size.or(place.bytes)))?
        };
        if place.sha256.is_none() {
            println!(
                "SHA-256 of what came: {}\n  nothing was known to compare it with; another download \
                 can be held to it with --sha256",
                hex(&sha256)
            );
        }
        Ok(bytes)
    }

    /// Where what was fetched waits; `None` where nothing was.
    pub(super) fn kept(&self, name: &str, dir: &Path) -> Option<PathBuf> {
        let From::Address(_) = &self.place else { return None };
        Some(Part::new(&place_of(name, dir)).file).filter(|file| file.exists())
    }

    /// Removes what was fetched: it is of no more use, or lies where it belongs.
    pub(super) fn forget(&self, name: &str, dir: &Path) {
        if let From::Address(_) = &self.place {
            Part::new(&place_of(name, dir)).remove();
        }
    }

    fn agree(&self, args: &AddArgs, size: Option<u64>) -> Result<(), Failure> {
        let size = size.map_or("size unknown".into(), |n| format!("{:.1} MB", n as f64 / 1e6));
        let license = args.license.as_deref().or(self.license.as_deref());
        println!(
            "{}\n  {size}, licence {}",
            self.shown,
            license.unwrap_or("unknown: look at the page it comes from")
        );
        ask::confirm(
            args.yes,
            "Download it?",
            "nobody is there to agree to this download; add --yes",
            "nothing was downloaded",
        )
    }
}

impl std::convert::From<NormaliseToml> for Normalise {
    fn from(known: NormaliseToml) -> Self {
        match known {
            NormaliseToml::Imagenet => Self::Imagenet,
            NormaliseToml::Symmetric => Self::Symmetric,
            NormaliseToml::Unit => Self::Unit,
            NormaliseToml::None => Self::None,
        }
    }
}

fn place_of(name: &str, dir: &Path) -> PathBuf {
    dir.join(format!("{name}.onnx"))
}

fn read(path: &Path, shown: &str) -> Result<Vec<u8>, Failure> {
    if path.is_dir() {
        let error = anyhow!("{shown} is a folder; name the ONNX file in it");
        return Err(Failure::new(EXIT_INPUT, error));
    }
    // What has no size that is known, such as a pipe, is refused by what reads it.
    let size = path.metadata().map_or(0, |metadata| metadata.len());
    refuse_too_large(&name_of(path), shown, size).or_exit(EXIT_INPUT)?;
    fs::read(path)
        .with_context(|| match path.symlink_metadata() {
            Ok(_) => format!("cannot read {shown}"),
            Err(_) => format!(
                "cannot read {shown}; it is no file, no address and no name that `models catalogue` lists"
            ),
        })
        .or_exit(EXIT_INPUT)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The file's name as a name: what is not allowed in one becomes `-`.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    stem.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_becomes_a_name() {
        assert_eq!(name_of(Path::new("a/mobile net.v2.onnx")), "mobile-net.v2");
    }
}
