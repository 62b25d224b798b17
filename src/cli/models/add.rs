//! `habituate models add`: a manifest for a network that has none.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::anyhow;

use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::models::args;
use crate::cli::models::args::AddArgs;
use crate::cli::models::args::ModalityArg;
use crate::cli::models::ask;
use crate::cli::models::given;
use crate::cli::models::given::Given;
use crate::cli::models::opinion;
use crate::encode::bundled;
use crate::encode::draft;
use crate::encode::draft::Draft;
use crate::encode::draft::Wishes;
use crate::encode::error::EncodeError;
use crate::encode::folder;
use crate::encode::network::Runtime;

pub(super) fn main(args: &AddArgs) -> Result<(), Failure> {
    let given = given::look(args)?;
    let name = args.name.clone().unwrap_or_else(|| given.name.clone());
    let dir = args.dir.clone().unwrap_or_else(folder::folder);
    refuse_no_name(&name, &given)?;
    refuse_taken_name(args, &name, &dir)?;
    refuse_read_only(&dir)?;
    let bytes = given.read(args, &name, &dir)?;
    match describe(args, &given, &bytes, &name, &dir) {
        Ok(manifest) => {
            given.forget(&name, &dir);
            println!("wrote {}", manifest.display());
            let by_name = args.dir.is_none();
            let reference = if by_name { name } else { manifest.display().to_string() };
            let (option, key) = match args.runs.runtime {
                Runtime::Tract => (String::new(), String::new()),
                other => {
                    let other = other.name();
                    (format!(" --runtime {other}"), format!(" and runtime = {other:?}"))
                }
            };
            println!(
                "use it with --encoder {reference}{option}, or encoder = {reference:?}{key} in a source"
            );
            Ok(())
        }
        Err(failure) => {
            if let Some(EncodeError::NotOnnx { .. }) = failure.error.downcast_ref() {
                given.forget(&name, &dir);
            }
            if let Some(kept) = given.kept(&name, &dir) {
                println!(
                    "what was fetched is kept in {}: this command, with other options too, does not fetch \
                     it again",
                    kept.display()
                );
            }
            Err(failure)
        }
    }
}

/// Drafts a manifest for `bytes`, has it confirmed and compared, and writes both: where to.
fn describe(
    args: &AddArgs,
    given: &Given,
    bytes: &[u8],
    name: &str,
    dir: &Path,
) -> Result<PathBuf, Failure> {
    let shown = given.shown.as_str();
    let wishes = wishes(args, given, name);
    let mut draft = draft::draft(bytes, shown, &wishes).map_err(not_usable)?;
    println!("{}\nGuessed, for {shown}:", draft.text);
    for guess in &draft.guesses {
        println!("  - {guess}");
    }
    ask::confirm(
        args.yes,
        "Is this right?",
        "nobody is there to confirm these guesses; look at them, correct them with --tokens, \
         --embedding, --normalise or --set, and add --yes",
        "not confirmed, nothing written; correct it with options and try again",
    )?;
    let answers = draft::answers(&draft, bytes, shown).map_err(not_usable)?;
    let [latent, _] = &answers;
    opinion::compare(&draft, bytes, latent)?;
    for output in draft::unmoved(&answers) {
        println!(
            "warning: its {output} came out the same for two different inputs; name another layer with \
             --{output} NODE"
        );
    }
    draft::fill_golden(&mut draft, latent).map_err(not_usable)?;
    write(&draft, bytes, name, dir).or_exit(EXIT_DISK)
}

/// What was typed wins over what the catalogue knows.
fn wishes(args: &AddArgs, given: &Given, name: &str) -> Wishes {
    let known = &given.known;
    let normalise = args.normalise.map(Into::into);
    Wishes {
        name: name.into(),
        sound: args.modality.map(|modality| modality == ModalityArg::Sound),
        shape: args.shape.clone().or_else(|| known.shape.clone()),
        tokens: args.tokens.clone().or_else(|| known.tokens.clone()),
        embedding: args.embedding.clone().or_else(|| known.embedding.clone()),
        normalise: normalise.or_else(|| known.normalise.map(Into::into)),
        license: args.license.clone().or_else(|| given.license.clone()),
        source: Some(given.source.clone()),
        settings: [known.set.as_slice(), &args.set].concat(),
        runtime: args.runs.runtime,
    }
}

/// A file or an address may end in nothing that could be a name.
fn refuse_no_name(name: &str, given: &Given) -> Result<(), Failure> {
    let Err(why) = args::plain_name(name) else { return Ok(()) };
    let error = anyhow!(
        "{} has no name that an encoder could have: {name:?} {why}; say one with --name",
        given.shown
    );
    Err(Failure::new(EXIT_USAGE, error))
}

/// A file that lies there already may be somebody's only copy.
fn refuse_taken_name(args: &AddArgs, name: &str, dir: &Path) -> Result<(), Failure> {
    let refused = |taken_by: String, or: &str| {
        let error =
            anyhow!("the name {name:?} is taken by {taken_by}; choose another with --name{or}");
        Err(Failure::new(EXIT_USAGE, error))
    };
    if bundled::find(name).is_some() {
        return refused("a bundled encoder".into(), "");
    }
    let network = dir.join(format!("{name}.onnx"));
    for path in [folder::manifest_in(dir, name), network] {
        let is_given = || {
            let given = fs::canonicalize(&args.given).ok();
            given.is_some_and(|given| fs::canonicalize(&path).is_ok_and(|path| path == given))
        };
        if !args.replace && path.symlink_metadata().is_ok() && !is_given() {
            return refused(path.display().to_string(), ", or add --replace");
        }
    }
    Ok(())
}

/// Whether files can be made in `dir`, which may not be there yet; leaves no trace. Better known before a
/// download than after the golden check.
fn refuse_read_only(dir: &Path) -> Result<(), Failure> {
    let mut there = dir;
    while !there.as_os_str().is_empty() && there.symlink_metadata().is_err() {
        there = there.parent().unwrap_or(Path::new(""));
    }
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    let trial = there.join(format!(".habituate-{}", std::process::id()));
    fs::create_dir(&trial)
        .and_then(|()| fs::remove_dir(&trial))
        .with_context(|| {
            format!("cannot write to {}; say another folder with --dir", dir.display())
        })
        .or_exit(EXIT_DISK)
}

/// A file that cannot be used is a bad input here, not a bad configuration.
fn not_usable(error: EncodeError) -> Failure {
    let code = match error {
        EncodeError::NoGuess { .. }
        | EncodeError::OpenShape { .. }
        | EncodeError::NoSuchNode { .. }
        | EncodeError::Element { kind: "node", .. }
        | EncodeError::Setting { .. } => EXIT_USAGE,
        _ => EXIT_INPUT,
    };
    Failure::new(code, error)
}

/// Network first: a manifest without its network would be listed and broken.
fn write(draft: &Draft, bytes: &[u8], name: &str, dir: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let network = dir.join(format!("{name}.onnx"));
    let manifest = folder::manifest_in(dir, name);
    for (path, content) in [(&network, bytes), (&manifest, draft.text.as_bytes())] {
        let part = path.with_extension("part");
        fs::write(&part, content)
            .and_then(|()| fs::rename(&part, path))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_leaves_no_trace_and_one_that_cannot_be_made_is_told() {
        let dir = tempfile::tempdir().unwrap();
        assert!(refuse_read_only(&dir.path().join("a/b")).is_ok());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let failure = refuse_read_only(&file.join("a")).unwrap_err();
        let words = format!("{:#}", failure.error);
        assert!(failure.code == EXIT_DISK && words.contains("--dir"), "{words}");
    }
}
