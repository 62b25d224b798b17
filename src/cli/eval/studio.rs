//! From what was typed to encoded recordings.

use std::path::Path;
use std::path::PathBuf;

use anyhow::anyhow;

use crate::base::modality::Modality;
use crate::base::stop::Stop;
use crate::cli::encoders;
use crate::cli::eval::args::CommonArgs;
use crate::cli::eval::args::PlaceArgs;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::config::daemon::Settings;
use crate::config::learn::LearnSettings;
use crate::config::source::SourceSettings;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::novelty::Place;
use crate::pipeline::eval::stream::Stream;
use crate::pipeline::eval::stream::Studio;
use crate::pipeline::eval::truth;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;

/// All that every evaluation needs.
pub(super) struct Ground {
    pub(super) studio: Studio,
    pub(super) nursery: Nursery,
    pub(super) learn: LearnSettings,
    pub(super) seeds: Vec<u64>,
    pub(super) modality: Modality,
    pub(super) encoder: String,
}

impl Ground {
    /// The encoder for the sense of `first`, and the settings.
    pub(super) fn new(common: &CommonArgs, first: &Path) -> Result<Self, Failure> {
        if !(common.frames_per_s.is_finite() && 0.0 < common.frames_per_s) {
            let error = anyhow!("--frames-per-s {} must be above 0", common.frames_per_s);
            return Err(Failure::new(EXIT_USAGE, error));
        }
        let settings = Settings::load(common.config.as_deref())?;
        let source =
            SourceSettings::recording("eval", vec![first.into()], false, common.frames_per_s);
        let with = OpenWith { stop: Stop::default(), seed: 0 };
        let modality = open::modality(&source, &with)?;
        let encoder = encoders::open(&common.encoder, &source, modality)?;
        let name = encoder.manifest().name.clone();
        let studio = Studio::new(encoder, common.frames_per_s)?;
        let nursery = Nursery::of(&studio);
        let seeds = (1..=common.seeds).collect();
        Ok(Self { studio, nursery, learn: settings.learn, seeds, modality, encoder: name })
    }

    /// Recordings as one stream.
    pub(super) fn stream(&mut self, name: &str, inputs: &[PathBuf]) -> Result<Stream, Failure> {
        Ok(self.studio.stream(name, inputs, &mut |chunk| chunk)?)
    }

    /// One recording as a place, with what is foreign in it.
    pub(super) fn place(&mut self, args: &PlaceArgs, input: &Path) -> Result<Place, Failure> {
        let stream = self.stream(&name_of(input), &[input.into()])?;
        let learn_until_s = args.learn_until.unwrap_or(0.5 * stream.end_s());
        if !(0.0..stream.end_s()).contains(&learn_until_s) {
            let error = anyhow!(
                "--learn-until {learn_until_s} leaves nothing of {} to judge: it ends at {:.0} s",
                input.display(),
                stream.end_s()
            );
            return Err(Failure::new(EXIT_USAGE, error));
        }
        let foreign = match truth::beside(input, args.truth.as_deref()) {
            Some(path) => Some(truth::read(&path)?),
            None => None,
        };
        Ok(Place { stream, foreign, learn_until_s })
    }

    /// What the figures were made with, for below a table.
    pub(super) fn note(&self) -> String {
        format!("encoder {}, {} seeds", self.encoder, self.seeds.len())
    }

    /// What could not be read.
    pub(super) fn warn(&self) {
        for warning in &self.studio.warnings {
            eprintln!("warning: {warning}");
        }
    }
}

/// A recording's name, for tables.
pub(super) fn name_of(input: &Path) -> String {
    input.file_stem().unwrap_or(input.as_os_str()).to_string_lossy().into_owned()
}
