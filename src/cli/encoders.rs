//! From what was typed or configured to an open encoder.

use std::path::Path;

use crate::base::modality::Modality;
use crate::cli::args::EncoderArgs;
use crate::config::source::SourceSettings;
use crate::encode;
use crate::encode::Encoder;
use crate::encode::bundled;
use crate::encode::error::EncodeError;
use crate::encode::folder;
use crate::encode::network::Runtime;
use crate::pipeline::window;
use crate::store::state_dir::StateDir;

/// The command line's encoder, else the source's, else the bundled default of its modality.
///
/// # Errors
///
/// [`EncodeError`], also when the encoder is made for the other modality.
pub(crate) fn open(
    args: &EncoderArgs,
    source: &SourceSettings,
    modality: Modality,
) -> Result<Box<dyn Encoder>, EncodeError> {
    let (name, file) = match (&args.encoder, &source.encoder) {
        (Some(name), _) => (name.as_str(), args.encoder_file.as_deref()),
        (None, Some(name)) => (name.as_str(), source.encoder_file.as_deref()),
        (None, None) => (default_name(modality), None),
    };
    let runtime = args.runtime.unwrap_or_else(|| source.runtime.into());
    open_for(runtime, name, file, modality)
}

/// As [`open`], but where nothing is stated, the bundled encoder that the source's newest checkpoint was learnt
/// with goes before the default: an upgrade may bring another default, and must not end what goes on.
///
/// # Errors
///
/// As [`open`].
pub(crate) fn open_to_go_on(
    args: &EncoderArgs,
    source: &SourceSettings,
    modality: Modality,
    dir: Option<&StateDir>,
) -> Result<Box<dyn Encoder>, EncodeError> {
    let encoder = open(args, source, modality)?;
    if args.encoder.is_some() || source.encoder.is_some() {
        return Ok(encoder);
    }
    // A state that cannot be read, or is of something else, is told of when it is loaded.
    let found = dir.and_then(|dir| dir.peek(&source.name).ok().flatten());
    let Some(known) = found.map(|found| found.origin) else { return Ok(encoder) };
    let default = encoder.manifest();
    if known.encoder_sha256 == default.sha256_hex()
        || bundled::all().iter().all(|bundled| bundled.name != known.encoder)
    {
        return Ok(encoder);
    }
    let stated = SourceSettings { encoder: Some(known.encoder.clone()), ..source.clone() };
    let Ok(other) = open(args, &stated, modality) else { return Ok(encoder) };
    if other.manifest().sha256_hex() != known.encoder_sha256 {
        return Ok(encoder);
    }
    log::warn!(
        source = source.name.as_str();
        "{}: goes on with encoder {:?}, which it has learnt with; {:?} is the default now: set source.encoder \
         to one of them, with a new name or an empty state for the latter",
        source.name, known.encoder, default.name
    );
    Ok(other)
}

/// The command line's encoder, else the source's, whatever it is for.
///
/// # Errors
///
/// [`EncodeError`].
pub(crate) fn open_stated(
    runtime: Runtime,
    args: &EncoderArgs,
    source: &SourceSettings,
) -> Result<Box<dyn Encoder>, EncodeError> {
    match (&args.encoder, &source.encoder) {
        (Some(name), _) => encode::open_in(runtime, name, args.encoder_file.as_deref()),
        (None, Some(name)) => encode::open_in(runtime, name, source.encoder_file.as_deref()),
        (None, None) => encode::open_in(runtime, bundled::DEFAULT_SOUND, None),
    }
}

fn open_for(
    runtime: Runtime,
    name: &str,
    file: Option<&Path>,
    modality: Modality,
) -> Result<Box<dyn Encoder>, EncodeError> {
    let encoder = encode::open_in(runtime, name, file)?;
    if encoder.manifest().modality() == modality {
        Ok(encoder)
    } else {
        Err(window::wrong_modality(encoder.manifest(), modality))
    }
}

/// The encoder of a source that says nothing else.
pub(crate) const fn default_name(modality: Modality) -> &'static str {
    match modality {
        Modality::Sound => bundled::DEFAULT_SOUND,
        Modality::Picture => bundled::DEFAULT_PICTURE,
    }
}

/// Names of all encoders: the bundled ones, then those that were added.
pub(crate) fn all_names() -> Vec<String> {
    let bundled = bundled::all().iter().map(|bundled| bundled.name.to_owned());
    bundled.chain(folder::names()).collect()
}
