//! `habituate models compare`: which encoder suits this place.

use anyhow::Context;
use anyhow::anyhow;

use crate::base::counted::counted;
use crate::base::modality::Modality;
use crate::cli::bench::alone;
use crate::cli::encoder_at::EncoderAt;
use crate::cli::encoders;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::models::args::CompareArgs;
use crate::cli::models::args::LabelsArg;
use crate::cli::models::notes;
use crate::cli::progress::Progress;
use crate::cli::tables;
use crate::config::learn::LearnToml;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::encode;
use crate::encode::Encoder;
use crate::encode::error::EncodeError;
use crate::encode::network::Runtime;
use crate::pipeline::compare;
use crate::pipeline::compare::Figures;
use crate::pipeline::compare::Lived;
use crate::pipeline::compare::advice;
use crate::pipeline::compare::advice::Advice;
use crate::pipeline::compare::advice::Tried;
use crate::pipeline::compare::data;
use crate::pipeline::compare::data::Part;
use crate::pipeline::compare::data::Senses;
use crate::pipeline::window;

/// How long each encoder is timed.
const TIMED_S: f64 = 0.5;

/// Warnings that are shown; the rest is counted.
const SHOWN: usize = 5;

const COLUMNS: [(&str, &str); 11] = [
    ("encoder", "encoder"),
    ("windows", "windows"),
    ("ms_a_window", "ms a window"),
    ("mb", "MB"),
    ("skill", "skill"),
    ("neighbours", "neighbours"),
    ("neighbours_interval", "±"),
    ("neighbours_chance", "chance"),
    ("few_shot", "5-shot"),
    ("few_shot_interval", "±"),
    ("few_shot_chance", "chance"),
];

pub(super) fn main(args: &CompareArgs) -> Result<(), Failure> {
    check(args)?;
    let senses = Senses::at(&args.data)
        .with_context(|| format!("cannot list {}", args.data.display()))
        .or_exit(EXIT_INPUT)?;
    let named = named(args)?;
    let modality = choose(args, &senses, &named)?;
    let parts = data::parts(senses.of(modality), args.seconds, args.frames_per_s);
    let (labels, classes) = match args.labels {
        Some(labels) => data::labels(&parts, &args.data, labels.into()),
        None => (vec![None; parts.len()], Vec::new()),
    };
    let all = opened(named, modality, args.runs.runtime)?;
    let mut lived: Vec<(EncoderAt, Lived)> = Vec::new();
    let progress = Progress::new(Some((all.len() * parts.len()) as f64));
    for (name, encoder) in all {
        let done = lived.len() * parts.len();
        let told = &mut |part: usize| {
            progress.at((done + part) as f64, name.to_string());
            true
        };
        let learn = LearnToml::default().check().map_err(|e| anyhow!("{e}")).or_exit(EXIT_USAGE)?;
        let found = compare::live(encoder, &parts, &learn, told).or_exit(EXIT_INPUT)?;
        lived.push((name, found));
    }
    progress.done();
    let apart_s = lived.iter().fold(0.0, |most: f64, (_, lived)| most.max(lived.window_s()));
    let figures: Vec<(&EncoderAt, Figures)> =
        lived.iter().map(|(name, lived)| (name, lived.figures(apart_s, &labels))).collect();
    let mut notes: Vec<String> = notes::senses(&senses, modality).into_iter().collect();
    notes.extend(notes::neither(&senses.neither, &args.data));
    notes.extend(notes::dropped(parts.len(), senses.of(modality).len(), args.seconds));
    notes.extend(warnings(&lived, &parts));
    let first = lived.first().map(|(_, lived)| lived);
    match (args.labels, first) {
        (Some(LabelsArg::Folders), Some(_)) if classes.is_empty() => {
            notes.push(notes::no_folders(&args.data));
        }
        (Some(_), Some(first)) => {
            notes.extend(notes::small_classes(&first.heard(&labels), &classes));
        }
        _ => {}
    }
    show(args, &figures, notes, &|found| notes::advice(found, first, apart_s))
}

/// Which sense: as stated, else that of the first encoder that was named, else that of most files.
fn choose(args: &CompareArgs, senses: &Senses, named: &[Named]) -> Result<Modality, Failure> {
    let shown = args.data.display();
    let Some(most) = senses.most() else {
        let of = match notes::neither(&senses.neither, &args.data) {
            Some(words) => format!("; {words}"),
            None => String::new(),
        };
        return Err(Failure::new(EXIT_INPUT, anyhow!("there is no recording below {shown}{of}")));
    };
    if let Some(stated) = args.modality.map(Modality::from) {
        if senses.of(stated).is_empty() {
            let other = match stated {
                Modality::Sound => "pictures",
                Modality::Picture => "sounds",
            };
            let error = anyhow!(
                "--modality {}: there is none below {shown}, but {} of {other}",
                stated.name(),
                counted(senses.of(most).len(), "file")
            );
            return Err(Failure::new(EXIT_INPUT, error));
        }
        return Ok(stated);
    }
    let of_encoder = named.first().map(|(_, encoder)| encoder.manifest().modality());
    Ok(of_encoder.filter(|&modality| !senses.of(modality).is_empty()).unwrap_or(most))
}

fn check(args: &CompareArgs) -> Result<(), Failure> {
    for (option, value) in [("--seconds", args.seconds), ("--frames-per-s", args.frames_per_s)] {
        if !(value.is_finite() && 0.0 < value) {
            let error = anyhow!("{option} {value} must be above 0");
            return Err(Failure::new(EXIT_USAGE, error));
        }
    }
    Ok(())
}

type Named = (EncoderAt, Box<dyn Encoder>);

/// Those that were named, open.
fn named(args: &CompareArgs) -> Result<Vec<Named>, Failure> {
    let open = |name: &EncoderAt| -> Result<Named, Failure> {
        Ok((name.clone(), name.open(args.runs.runtime)?))
    };
    args.encoder.iter().map(open).collect()
}

/// Those that were named, else all for this sense.
fn opened(named: Vec<Named>, modality: Modality, runtime: Runtime) -> Result<Vec<Named>, Failure> {
    let other = named.iter().find(|(_, encoder)| encoder.manifest().modality() != modality);
    if let Some((_, encoder)) = other {
        return Err(window::wrong_modality(encoder.manifest(), modality).into());
    }
    if !named.is_empty() {
        return Ok(named);
    }
    let mut all = Vec::new();
    for name in encoders::all_names() {
        match encode::open_in(runtime, &name, None) {
            Ok(encoder) if encoder.manifest().modality() == modality => {
                all.push((EncoderAt::named(name), encoder));
            }
            Ok(_) => {}
            Err(error @ EncodeError::Runtime { .. }) => return Err(error.into()),
            // One broken encoder must not hide the others.
            Err(error) => eprintln!("warning: {name}: {:#}", anyhow::Error::new(error)),
        }
    }
    Ok(all)
}

/// What could not be read, once for all encoders.
fn warnings(lived: &[(EncoderAt, Lived)], parts: &[Part]) -> Vec<String> {
    let all = lived.first().map_or(&[][..], |(_, lived)| lived.warnings.as_slice());
    let mut notes: Vec<String> =
        all.iter().take(SHOWN).map(|warning| format!("passed over: {warning}")).collect();
    if SHOWN < all.len() {
        notes.push(format!("passed over in all: {} of {} files", all.len(), parts.len()));
    }
    notes
}

fn show(
    args: &CompareArgs,
    figures: &[(&EncoderAt, Figures)],
    mut notes: Vec<String>,
    last: &dyn Fn(Option<Advice>) -> String,
) -> Result<(), Failure> {
    let mut table = Table::new(&COLUMNS);
    let mut tried = Vec::new();
    for (name, figures) in figures {
        let cost = alone::measure(args.runs.runtime, name, TIMED_S);
        if let Err(words) = &cost {
            notes.push(format!("{name} could not be timed: {words}"));
        }
        let cost = cost.ok();
        let near = figures.neighbours.as_ref();
        let shots = figures.few_shots.as_ref();
        table.push(vec![
            Cell::text(&name.name),
            Cell::Number(Some(figures.windows as f64), 0),
            Cell::Number(cost.map(|cost| cost.ms), 3),
            Cell::Number(cost.map(|cost| cost.bytes / 1e6), 1),
            Cell::Number(figures.skill, 3),
            Cell::Number(near.and_then(|near| near.tally.share()), 3),
            Cell::Number(near.and_then(|near| near.tally.interval()), 3),
            Cell::Number(near.map(|near| near.chance), 3),
            Cell::Number(shots.and_then(|shots| shots.tally.share()), 3),
            Cell::Number(shots.and_then(|shots| shots.tally.interval()), 3),
            Cell::Number(shots.map(compare::shots::FewShots::chance), 3),
        ]);
        tried.push(Tried { name: &name.name, figures, ms: cost.map(|cost| cost.ms) });
    }
    if figures.iter().all(|(_, figures)| figures.windows == 0) {
        tables::print(&table, args.table, &notes);
        let error = anyhow!("no window could be made of {}", args.data.display());
        return Err(Failure::new(EXIT_UNAVAILABLE, error));
    }
    notes.push(last(advice::advice(&tried)));
    tables::print(&table, args.table, &notes);
    Ok(())
}
