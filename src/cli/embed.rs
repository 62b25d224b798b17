//! `habituate embed`: embeddings for other tools. Nothing is learnt.

use std::path::Path;

use anyhow::anyhow;

use crate::base::modality::Modality;
use crate::base::stop::Stop;
use crate::capture::Source;
use crate::cli::args::EmbedArgs;
use crate::cli::args::EncoderArgs;
use crate::cli::args::Pool;
use crate::cli::args::Space;
use crate::cli::encoders;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::outputs;
use crate::cli::outputs::Named;
use crate::cli::progress::Progress;
use crate::cli::state;
use crate::config::daemon::Settings;
use crate::config::source::SourceSettings;
use crate::emit::npy;
use crate::emit::npy::IndexRow;
use crate::encode::Encoder;
use crate::pipeline::lived::Lived;
use crate::pipeline::losses;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::resume;
use crate::pipeline::track::Track;
use crate::pipeline::window::Embedded;

pub(crate) fn main(args: &EmbedArgs) -> Result<(), Failure> {
    let settings = Settings::load(args.learn.config.as_deref())?;
    let stop = Stop::default();
    let index_path = args.index.clone().unwrap_or_else(|| args.out.with_extension("csv"));
    let inputs: Vec<Named<'_>> = args.inputs.iter().map(|path| ("INPUT", path.as_path())).collect();
    outputs::refuse_clashes(&[("--out", &args.out), ("--index", &index_path)], &inputs)?;
    let first = open_input(args, args.inputs.first().map_or(Path::new(""), |p| p), &stop)?;
    let modality = first.modality();
    drop(first);
    let source =
        SourceSettings::recording(&args.source, args.inputs.clone(), false, args.frames_per_s);
    let encoder = encoder(args, &source, modality)?;
    let mut track = match args.space {
        Space::Frozen => Track::new(encoder, &settings.learn, settings.seed)?,
        Space::Adapted => {
            let Some(path) = &args.learn.state else {
                let error =
                    anyhow!("--space adapted needs --state, the directory of what was learnt");
                return Err(Failure::new(EXIT_USAGE, error));
            };
            let dir = state::open_to_read(path)?;
            let origin = resume::origin(&args.source, encoder.as_ref());
            let found = dir
                .examine(&origin, |found| Lived::read(encoder.as_ref(), &settings.learn, found))?;
            let Some(good) = found.good else {
                let known = dir.sources()?.join(", ");
                let error = anyhow!(
                    "{} holds nothing that source {:?} has learnt{}; run `habituate replay` or \
                     `run` with this --state first, or name the source with --source",
                    path.display(),
                    args.source,
                    if known.is_empty() { String::new() } else { format!(" (it has {known})") },
                );
                return Err(Failure::new(EXIT_INPUT, error));
            };
            Track::resume(encoder, good.state)?
        }
    };

    let files = [outputs::claim(&args.out)?, outputs::claim(&index_path)?];
    let progress = Progress::new(Some(args.inputs.len() as f64));
    let mut rows = Rows::default();
    for (number, path) in args.inputs.iter().enumerate() {
        let mut input = open_input(args, path, &stop)?;
        let from = rows.vectors.len();
        let adapted = args.space == Space::Adapted;
        let name = path.display().to_string();
        while let Some(chunk) = input.next(std::time::Duration::from_secs(1))? {
            track.embed(chunk, adapted, &mut |e| rows.push(&name, e)).or_exit(EXIT_INPUT)?;
        }
        track.finish_embed(adapted, &mut |e| rows.push(&name, e)).or_exit(EXIT_INPUT)?;
        let lost = track.take_losses();
        let reasons = [input.take_warnings(), lost.reasons()].concat();
        if rows.vectors.len() == from {
            let why = match reasons.is_empty() {
                true => "it is empty or shorter than a token".into(),
                false => reasons.join("; "),
            };
            return Err(Failure::new(EXIT_INPUT, anyhow!("{name} holds nothing to embed: {why}")));
        }
        let lost = losses::in_words(&lost.counts()).map(|words| format!("{name}: {words}"));
        for warning in reasons.into_iter().chain(lost) {
            eprintln!("warning: {warning}");
        }
        if args.pool == Pool::File {
            rows.pool_from(from);
        }
        progress.at((number + 1) as f64, name);
    }
    progress.done();
    let [out, index] = files;
    let dim = rows.vectors.first().map_or(0, Vec::len);
    outputs::fill(&args.out, out, |out| npy::write_f32(out, dim, &rows.vectors))?;
    outputs::fill(&index_path, index, |out| npy::write_index(out, &rows.index))?;
    println!("{}: {} rows of {dim}", args.out.display(), rows.vectors.len());
    Ok(())
}

/// What was typed; else, for what was learnt, that which it was learnt with.
fn encoder(
    args: &EmbedArgs,
    source: &SourceSettings,
    modality: Modality,
) -> Result<Box<dyn Encoder>, Failure> {
    let typed = &args.learn.encoder;
    let learnt = match (args.space, &args.learn.state, &typed.encoder) {
        (Space::Adapted, Some(path), None) => state::open_to_read(path)?.peek(&args.source)?,
        _ => None,
    };
    let Some(learnt) = learnt else { return Ok(encoders::open(typed, source, modality)?) };
    let name = learnt.origin.encoder;
    let own = EncoderArgs { encoder: Some(name.clone()), ..typed.clone() };
    encoders::open(&own, source, modality).map_err(|error| {
        let context = format!(
            "{} was learnt with encoder {name}; where it is no name that this program knows, give --encoder \
             MANIFEST.toml",
            args.source
        );
        let failure = Failure::from(error);
        Failure::new(failure.code, failure.error.context(context))
    })
}

fn open_input(args: &EmbedArgs, path: &Path, stop: &Stop) -> Result<Box<dyn Source>, Failure> {
    let source =
        SourceSettings::recording(&args.source, vec![path.into()], false, args.frames_per_s);
    Ok(open::open(&source, &OpenWith { stop: stop.clone(), seed: 0 })?)
}

#[derive(Default)]
struct Rows {
    vectors: Vec<Vec<f32>>,
    /// Valid tokens of each row's window: its weight in a pooled row.
    weights: Vec<f32>,
    index: Vec<IndexRow>,
}

impl Rows {
    fn push(&mut self, input: &str, embedded: &Embedded<'_>) {
        self.vectors.push(embedded.vector.to_vec());
        self.weights.push(embedded.valid_tokens as f32);
        let (start_s, end_s) = (embedded.start_s, embedded.end_s);
        self.index.push(IndexRow { input: input.into(), start_s, end_s });
    }

    /// Replaces the rows from `from` on by their mean, weighted by how much real input each holds.
    fn pool_from(&mut self, from: usize) {
        let vectors = self.vectors.split_off(from);
        let weights = self.weights.split_off(from);
        let index = self.index.split_off(from);
        let (Some(first), Some(last)) = (index.first(), index.last()) else { return };
        let total: f32 = weights.iter().sum();
        let mut mean = vec![0.0; vectors.first().map_or(0, Vec::len)];
        for (vector, weight) in vectors.iter().zip(&weights) {
            for (m, x) in mean.iter_mut().zip(vector) {
                *m += x * weight / total;
            }
        }
        self.vectors.push(mean);
        self.weights.push(total);
        let (start_s, end_s) = (first.start_s, last.end_s);
        self.index.push(IndexRow { input: first.input.clone(), start_s, end_s });
    }
}
