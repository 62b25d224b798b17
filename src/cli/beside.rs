//! `source.beside`, once every source's sense is known.

use std::path::Path;

use crate::base::modality::Modality;
use crate::cli::exit::Failure;
use crate::config::beside;
use crate::config::daemon::ConfigError;
use crate::config::daemon::Settings;
use crate::config::problems::Problems;
use crate::pipeline::companion::Change;
use crate::pipeline::companion::Sight;
use crate::pipeline::track::Track;

/// What the configuration could not check, as it looks into no recording. `path` is for messages.
pub(crate) fn check_senses(
    settings: &Settings,
    senses: &[Modality],
    path: Option<&Path>,
) -> Result<(), Failure> {
    let mut problems = Problems::default();
    let senses: Vec<Option<Modality>> = senses.iter().copied().map(Some).collect();
    beside::check_senses(&settings.sources, &senses, &mut problems);
    let path = path.unwrap_or(Path::new("(no file)"));
    Ok(problems.or(()).map_err(|problems| ConfigError::Values { path: path.into(), problems })?)
}

/// Tells each track who is beside it; which source it is of says its place. What changes by that, and of which
/// source.
pub(crate) fn introduce<'a>(
    settings: &'a Settings,
    tracks: impl Iterator<Item = &'a mut Track>,
    sights: &[Sight],
    seed: u64,
) -> Vec<(&'a str, Change)> {
    let mut changes = Vec::new();
    for ((index, source), track) in settings.sources.iter().enumerate().zip(tracks) {
        let other = beside::pairs(&settings.sources)
            .find(|(owner, _)| *owner == index)
            .and_then(|(_, other)| sights.get(other));
        let change = track.stand_beside(other, seed);
        changes.extend(change.map(|change| (source.name.as_str(), change)));
    }
    changes
}
