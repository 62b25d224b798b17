//! `habituate eval fewshot`.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::anyhow;
use regex_lite::Regex;

use crate::base::counted::counted;
use crate::cli::eval::args::FewshotArgs;
use crate::cli::eval::draw;
use crate::cli::eval::studio::Ground;
use crate::cli::eval::studio::name_of;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::models::args::LabelsArg;
use crate::cli::progress::Progress;
use crate::cli::tables;
use crate::emit::chart;
use crate::emit::chart::Dot;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::pipeline::compare::data;
use crate::pipeline::compare::data::Labels;
use crate::pipeline::eval::episodes::Setup;
use crate::pipeline::eval::fewshot;
use crate::pipeline::eval::fewshot::Figures;
use crate::pipeline::eval::fewshot::Found;
use crate::pipeline::eval::fewshot::Item;
use crate::pipeline::eval::fewshot::Space;
use crate::pipeline::eval::fewshot::Task;
use crate::pipeline::eval::stream::Stream;
use crate::pipeline::eval::stream::Window;

const COLUMNS: [(&str, &str); 9] = [
    ("space", "space"),
    ("accuracy", "accuracy"),
    ("low", "95 % from"),
    ("high", "to"),
    ("seed_deviation", "seeds ±"),
    ("above_frozen", "above frozen"),
    ("above_low", "95 % from"),
    ("above_high", "to"),
    ("errors_left", "errors left"),
];

pub(super) fn main(args: &FewshotArgs) -> Result<(), Failure> {
    check(args)?;
    let mut ground = Ground::new(&args.common, &args.inputs[0], args.objectives)?;
    let (classes, numbers) = classes(args)?;
    let spaces = Space::all(&ground.objectives).len();
    let progress = Progress::new(Some((args.inputs.len() + spaces) as f64));
    progress.at(0.0, "encoding what is learnt from");
    let life = ground.stream("unlabelled", &args.learn)?;
    ground.studio.make_no_sides();
    let mut items = Vec::new();
    for (input, number) in args.inputs.iter().zip(numbers) {
        progress.at(items.len() as f64, format!("encoding {}", input.display()));
        if let Some(class) = number {
            let stream = ground.stream(&name_of(input), std::slice::from_ref(input))?;
            items.push(Item { stream, class });
        }
    }
    let unlabelled = by_input(&life);
    let task = Task {
        items: &items,
        unlabelled: &unlabelled,
        life: &life,
        nursery: &ground.nursery,
        settings: &ground.learn,
        objectives: &ground.objectives,
        seeds: &ground.seeds,
    };
    let (ways, shots) = (args.ways, args.shots);
    let setup = Setup { ways, shots, queries: args.queries, episodes: args.episodes };
    let mut done = args.inputs.len() as f64;
    let found = fewshot::compare(&task, setup, &mut || {
        done += 1.0;
        progress.at(done, "asking");
    })
    .or_exit(EXIT_USAGE)?;
    progress.done();
    ground.warn();
    let Some(found) = found else {
        let error = anyhow!(
            "two classes with more than {} each are needed; found: {}",
            counted(args.shots, "recording"),
            classes.join(", ")
        );
        return Err(Failure::new(EXIT_INPUT, error));
    };
    let note =
        format!("{}, {} recordings of {} classes", ground.note(), items.len(), classes.len());
    show(args, &found, note)
}

fn check(args: &FewshotArgs) -> Result<(), Failure> {
    for (option, value) in
        [("--shots", args.shots), ("--queries", args.queries), ("--episodes", args.episodes)]
    {
        if value == 0 {
            return Err(Failure::new(EXIT_USAGE, anyhow!("{option} 0 must be at least 1")));
        }
    }
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    let learnt: Vec<PathBuf> = args.learn.iter().map(|path| real(path)).collect();
    // Either may be a folder that the other lies in.
    let is_learnt = |input: &&PathBuf| {
        let input = real(input);
        learnt.iter().any(|learnt| input.starts_with(learnt) || learnt.starts_with(&input))
    };
    match args.inputs.iter().find(is_learnt) {
        Some(both) => {
            let error = anyhow!(
                "{} is learnt from and asked; leave it out of one of both, or the figures mean nothing",
                both.display()
            );
            Err(Failure::new(EXIT_USAGE, error))
        }
        None => Ok(()),
    }
}

/// Names of classes, sorted, and the number of each recording's.
fn classes(args: &FewshotArgs) -> Result<(Vec<String>, Vec<Option<usize>>), Failure> {
    let pattern = args.label.as_deref().map(Regex::new).transpose();
    let pattern = pattern.context("--label is no regular expression").or_exit(EXIT_USAGE)?;
    if pattern.as_ref().is_some_and(|pattern| pattern.captures_len() < 2) {
        let error = anyhow!("--label needs a group in parentheses: the class is what it matches");
        return Err(Failure::new(EXIT_USAGE, error));
    }
    let word = |input: &Path| match &pattern {
        Some(pattern) => {
            let path = input.to_string_lossy();
            Some(pattern.captures(&path)?.get(1)?.as_str().to_owned())
        }
        None if args.labels == LabelsArg::Names => data::label(input, Path::new(""), Labels::Names),
        None => Some(input.parent()?.file_name()?.to_string_lossy().into_owned()),
    };
    let words: Vec<Option<String>> = args.inputs.iter().map(|input| word(input)).collect();
    let mut names: Vec<String> = words.iter().flatten().cloned().collect();
    names.sort_unstable();
    names.dedup();
    let number = |word: &Option<String>| names.binary_search(word.as_ref()?).ok();
    let numbers = words.iter().map(number).collect();
    Ok((names, numbers))
}

/// A stream for each recording of `life`.
fn by_input(life: &Stream) -> Vec<Stream> {
    life.windows
        .chunk_by(|a, b| a.input == b.input)
        .map(|windows: &[Window]| Stream { name: life.name.clone(), windows: windows.to_vec() })
        .collect()
}

fn show(args: &FewshotArgs, found: &Found, note: String) -> Result<(), Failure> {
    let mut table = Table::new(&COLUMNS);
    for line in &found.lines {
        let [accuracy, above] = [line.accuracy, line.above].map(|figure| {
            [
                figure.map(|(middle, _)| middle),
                figure.map(|(_, interval)| interval.low),
                figure.map(|(_, interval)| interval.high),
            ]
        });
        let mut cells = vec![Cell::text(line.space.name())];
        cells.extend(accuracy.map(|figure| Cell::Number(figure, 3)));
        cells.push(Cell::Number(line.spread, 3));
        cells.extend(above.map(|figure| Cell::Number(figure, 3)));
        cells.push(Cell::Number(line.errors_left, 2));
        table.push(cells);
    }
    let mut notes = vec![note];
    if found.lines.iter().any(|line| line.accuracy.is_none()) {
        notes.push("–: the learner was still warming up, so there is no such space".into());
    }
    notes.extend(fewshot::verdict(found));
    tables::print(&table, args.common.table, &notes);
    draw(&args.common, || {
        let bar = |line: &Figures| {
            let (value, interval) = line.accuracy?;
            let interval = Some((interval.low, interval.high));
            Some(Dot { name: line.space.name(), value, interval })
        };
        let bars: Vec<Dot> = found.lines.iter().filter_map(bar).collect();
        let baseline = found.lines[found.best].accuracy.map(|(middle, _)| middle);
        chart::dots(&format!("{} examples a class", args.shots), "accuracy", &bars, baseline)
    })
}
