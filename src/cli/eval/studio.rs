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
use crate::cli::exit::OrExit;
use crate::config::daemon::Settings;
use crate::config::learn::LearnSettings;
use crate::config::source::SourceSettings;
use crate::encode::sides::SideKind;
use crate::pipeline::eval::live::Nursery;
use crate::pipeline::eval::novelty::Place;
use crate::pipeline::eval::stream::SidePlan;
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
    /// Places of which nobody says what is foreign.
    unlabelled: Vec<String>,
    /// Places of which somebody does.
    labelled: usize,
    /// Objectives that learn alone, too, in a row each.
    pub(super) objectives: Vec<&'static str>,
}

impl Ground {
    /// The encoder for the sense of `first`, and the settings. `alone`: each objective that has anything to learn
    /// from there gets a row.
    pub(super) fn new(common: &CommonArgs, first: &Path, alone: bool) -> Result<Self, Failure> {
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
        let learn = settings.learn;
        let nursery = Nursery::without_sides(encoder.as_ref());
        let mut kinds = nursery.learner(&learn, 1).side_kinds().to_vec();
        let mut objectives = Vec::new();
        for (name, _) in learn.objectives().into_iter().filter(|_| alone) {
            let own = (*learn).clone().alone(name).check().or_exit(EXIT_USAGE)?;
            let learner = nursery.learner(&own, 1);
            if learner.idle_objectives().next().is_none() {
                objectives.push(name);
                add(&mut kinds, learner.side_kinds());
            }
        }
        let sides = SidePlan { kinds, every_s: learn.side_every_s };
        let studio = Studio::new(encoder, common.frames_per_s, sides)?;
        let nursery = Nursery::of(&studio);
        Ok(Self {
            studio,
            nursery,
            learn,
            seeds: (1..=common.seeds).collect(),
            modality,
            encoder: name,
            unlabelled: Vec::new(),
            labelled: 0,
            objectives,
        })
    }

    /// Recordings as one stream.
    pub(super) fn stream(&mut self, name: &str, inputs: &[PathBuf]) -> Result<Stream, Failure> {
        Ok(self.studio.stream(name, inputs, &mut |chunk| chunk)?)
    }

    /// One recording as a place, with what is foreign in it.
    pub(super) fn place(
        &mut self,
        args: &PlaceArgs,
        input: &Path,
        name: &str,
    ) -> Result<Place, Failure> {
        let stream = self.stream(name, &[input.into()])?;
        let learn_until_s = args.learn_until.unwrap_or(0.5 * stream.end_s());
        if !(0.0..stream.end_s()).contains(&learn_until_s) {
            let error = anyhow!(
                "--learn-until {learn_until_s} leaves nothing of {} to judge: it ends at {:.0} s",
                input.display(),
                stream.end_s()
            );
            return Err(Failure::new(EXIT_USAGE, error));
        }
        if !stream.windows.iter().any(|window| learn_until_s <= window.start_s) {
            let error = anyhow!(
                "--learn-until {learn_until_s} leaves no window of {} to judge: it lasts {:.2} s; give \
                 a longer recording, or an earlier moment",
                input.display(),
                stream.end_s()
            );
            return Err(Failure::new(EXIT_USAGE, error));
        }
        let foreign = match truth::beside(input, args.truth.as_deref()) {
            Some(path) => {
                self.labelled += 1;
                Some(truth::read(&path)?)
            }
            None => {
                self.unlabelled.push(name.into());
                None
            }
        };
        Ok(Place { stream, foreign, learn_until_s })
    }

    /// What the figures were made with, for below a table.
    pub(super) fn note(&self) -> String {
        let seeds = if self.seeds.len() == 1 { "seed" } else { "seeds" };
        format!("encoder {}, {} {seeds}", self.encoder, self.seeds.len())
    }

    /// What could not be read, and what is missing.
    pub(super) fn warn(&self) {
        for warning in &self.studio.warnings {
            eprintln!("warning: {warning}");
        }
        if 0 < self.labelled && !self.unlabelled.is_empty() {
            let names = self.unlabelled.join(", ");
            eprintln!("warning: no labels for {names}: left out of every ranking");
        }
    }
}

/// Adds to `all` what is missing of `wanted`, of each kind as many as are wanted.
fn add(all: &mut Vec<SideKind>, wanted: &[SideKind]) {
    let count = |kinds: &[SideKind], kind| kinds.iter().filter(|other| **other == kind).count();
    for &kind in wanted {
        if count(all, kind) < count(wanted, kind) {
            all.push(kind);
        }
    }
}

/// Names of recordings, for tables: their paths where two are called alike.
pub(super) fn names_of(inputs: &[PathBuf]) -> Vec<String> {
    let short: Vec<String> = inputs.iter().map(|input| name_of(input)).collect();
    let is_one = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    let name = |(input, short): (&PathBuf, &String)| match is_one(short) {
        true => short.clone(),
        false => input.display().to_string(),
    };
    inputs.iter().zip(&short).map(name).collect()
}

/// A recording's name, for tables.
pub(super) fn name_of(input: &Path) -> String {
    input.file_stem().unwrap_or(input.as_os_str()).to_string_lossy().into_owned()
}
