//! `habituate models compare`: which encoder suits this place.

use anyhow::Context;
use anyhow::anyhow;

use crate::base::modality::Modality;
use crate::cli::bench::alone;
use crate::cli::encoders;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::models::args::CompareArgs;
use crate::cli::progress::Progress;
use crate::cli::tables;
use crate::config::learn::LearnToml;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::encode;
use crate::encode::Encoder;
use crate::encode::network::Runtime;
use crate::pipeline::compare;
use crate::pipeline::compare::Figures;
use crate::pipeline::compare::Lived;
use crate::pipeline::compare::advice;
use crate::pipeline::compare::advice::Tried;
use crate::pipeline::compare::data;
use crate::pipeline::compare::data::Part;

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
    let shown = args.data.display();
    let parts = data::parts(&args.data, args.seconds, args.frames_per_s)
        .with_context(|| format!("cannot list {shown}"))
        .or_exit(EXIT_INPUT)?;
    let Some(modality) = compare::modality(&parts)? else {
        return Err(Failure::new(EXIT_INPUT, anyhow!("there is no recording below {shown}")));
    };
    let (labels, classes) = match args.labels {
        Some(labels) => data::labels(&parts, &args.data, labels.into()),
        None => (vec![None; parts.len()], Vec::new()),
    };
    let all = opened(args, modality)?;
    let mut lived: Vec<(String, Lived)> = Vec::new();
    let progress = Progress::new(Some((all.len() * parts.len()) as f64));
    for (name, encoder) in all {
        let done = lived.len() * parts.len();
        let told = &mut |part: usize| {
            progress.at((done + part) as f64, name.clone());
            true
        };
        let learn = LearnToml::default().check().map_err(|e| anyhow!("{e}")).or_exit(EXIT_USAGE)?;
        let found = compare::live(encoder, &parts, &learn, told).or_exit(EXIT_INPUT)?;
        lived.push((name, found));
    }
    progress.done();
    let apart_s = lived.iter().fold(0.0, |most: f64, (_, lived)| most.max(lived.window_s()));
    let figures: Vec<(&str, Figures)> = lived
        .iter()
        .map(|(name, lived)| (name.as_str(), lived.figures(apart_s, &labels)))
        .collect();
    let mut notes = warnings(&lived, &parts);
    if args.labels.is_some() && figures.iter().all(|(_, figures)| figures.few_shots.is_none()) {
        notes.push(format!(
            "no 5-shot accuracy: it needs two classes with six recordings each, and {} classes were \
             found",
            classes.len()
        ));
    }
    show(args, &figures, notes)
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

type Named = (String, Box<dyn Encoder>);

/// Those that were named, else all for this sense.
fn opened(args: &CompareArgs, modality: Modality) -> Result<Vec<Named>, Failure> {
    let mut all = Vec::new();
    for name in &args.encoder {
        all.push((name.clone(), encoders::open_named(name, modality)?));
    }
    if !args.encoder.is_empty() {
        return Ok(all);
    }
    for name in encoders::all_names() {
        match encode::open(&name, None) {
            Ok(encoder) if encoder.manifest().modality() == modality => all.push((name, encoder)),
            Ok(_) => {}
            // One broken encoder must not hide the others.
            Err(error) => eprintln!("warning: {name}: {:#}", anyhow::Error::new(error)),
        }
    }
    Ok(all)
}

/// What could not be read, once for all encoders.
fn warnings(lived: &[(String, Lived)], parts: &[Part]) -> Vec<String> {
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
    figures: &[(&str, Figures)],
    mut notes: Vec<String>,
) -> Result<(), Failure> {
    let mut table = Table::new(&COLUMNS);
    let mut tried = Vec::new();
    for (name, figures) in figures {
        let cost = alone::measure(Runtime::Tract, name, TIMED_S);
        if let Err(words) = &cost {
            notes.push(format!("{name} could not be timed: {words}"));
        }
        let cost = cost.ok();
        let near = figures.neighbours.as_ref();
        let shots = figures.few_shots.as_ref();
        table.push(vec![
            Cell::text(*name),
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
        tried.push(Tried { name, figures, ms: cost.map(|cost| cost.ms) });
    }
    if figures.iter().all(|(_, figures)| figures.windows == 0) {
        tables::print(&table, args.table, &notes);
        let error = anyhow!("no window could be made of {}", args.data.display());
        return Err(Failure::new(EXIT_UNAVAILABLE, error));
    }
    notes.push(match advice::advice(&tried) {
        Some(advice) => format!("use --encoder {}: {}", advice.name, advice.reason),
        None => "no recommendation: recordings of more than a few windows, or --labels, are needed"
            .into(),
    });
    tables::print(&table, args.table, &notes);
    Ok(())
}
