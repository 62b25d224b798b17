//! `habituate eval novelty`.

use crate::cli::eval::args::NoveltyArgs;
use crate::cli::eval::args::PlaceArgs;
use crate::cli::eval::difference;
use crate::cli::eval::draw;
use crate::cli::eval::studio::Ground;
use crate::cli::eval::studio::names_of;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::progress::Progress;
use crate::cli::tables;
use crate::emit::chart;
use crate::emit::chart::Dot;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::pipeline::eval::novelty;
use crate::pipeline::eval::novelty::Figures;
use crate::pipeline::eval::novelty::Judged;
use crate::pipeline::eval::rows::Row;

const COLUMNS: [(&str, &str); 12] = [
    ("row", "row"),
    ("auroc", "AUROC"),
    ("pauc", "pAUC"),
    ("seed_deviation", "seeds ±"),
    ("above_frozen", "above frozen"),
    ("above_low", "95 % from"),
    ("above_high", "to"),
    ("recall", "recall"),
    ("false_per_hour", "false/h"),
    ("alarms_per_day", "alarms/day"),
    ("skill_vs_mean", "skill, mean"),
    ("skill_vs_persistence", "persistence"),
];

/// Every place judged by every row.
pub(super) struct Session {
    pub(super) ground: Ground,
    pub(super) rows: Vec<Row>,
    pub(super) judged: Vec<Judged>,
}

/// Lets all rows judge all places. "Anew each day" is left out where no recording lasts so long.
pub(super) fn session(
    args: &PlaceArgs,
    mut rows: Vec<Row>,
    with_objectives: bool,
) -> Result<Session, Failure> {
    let mut ground = Ground::new(&args.common, &args.inputs[0], with_objectives)?;
    // The learner as configured stays the last.
    let before = rows.len().saturating_sub(1);
    rows.splice(before..before, ground.objectives.iter().map(|&name| Row::Objective(name)));
    let mut judged: Vec<Judged> = Vec::new();
    let names = names_of(&args.inputs);
    let mut longest_s = 0.0_f64;
    let progress = Progress::new(Some((args.inputs.len() * rows.len()) as f64));
    let mut done = 0.0;
    for (input, name) in args.inputs.iter().zip(&names) {
        progress.at(done, format!("encoding {}", input.display()));
        let place = ground.place(args, input, name)?;
        longest_s = longest_s.max(place.stream.end_s());
        let mut told = || {
            done += 1.0;
            progress.at(done, format!("judging {}", input.display()));
        };
        let seeds = &ground.seeds;
        let found = novelty::judge(&place, &rows, &ground.nursery, &ground.learn, seeds, &mut told);
        judged.push(found.or_exit(EXIT_USAGE)?);
        ground.studio.release(&place.stream);
    }
    progress.done();
    if let Some(same) = rows.iter().position(|row| row.is_adapted_for(longest_s)) {
        rows.remove(same);
        judged.iter_mut().for_each(|place| drop(place.runs.remove(same)));
    }
    ground.warn();
    Ok(Session { ground, rows, judged })
}

pub(super) fn main(args: &NoveltyArgs) -> Result<(), Failure> {
    let session = session(&args.places, Row::all(), args.objectives)?;
    let found = novelty::figures(&session.rows, &session.judged);
    let lines = &found.lines;
    let mut table = Table::new(&COLUMNS);
    lines.iter().for_each(|line| table.push(cells(line)));
    let mut notes = vec![session.ground.note()];
    if args.per_place {
        notes.extend(per_place(&session));
    }
    notes.extend(novelty::verdict(&found));
    tables::print(&table, args.places.common.table, &notes);
    draw(&args.places.common, || {
        let baseline = found.best.and_then(|best| lines[best].auroc);
        chart::dots("Foreign told from usual", "AUROC", &dots(lines, baseline), baseline)
    })
}

fn cells(line: &Figures) -> Vec<Cell> {
    let mut cells = vec![
        Cell::text(line.row.name()),
        Cell::Number(line.auroc, 3),
        Cell::Number(line.partial, 3),
        Cell::Number(line.spread, 3),
    ];
    cells.extend(difference(line.above));
    cells.extend([
        Cell::Number(line.recall, 3),
        Cell::Number(line.false_per_hour, 1),
        Cell::Number(line.alarms_per_day, 1),
        Cell::Number(line.skill_vs_mean, 3),
        Cell::Number(line.skill_vs_persistence, 3),
    ]);
    cells
}

/// The interval of a dot is that of its difference, put at the baseline's end.
fn dots(lines: &[Figures], baseline: Option<f64>) -> Vec<Dot> {
    let dot = |line: &Figures| {
        let interval = line.above.and_then(|(_, interval)| interval).zip(baseline);
        Some(Dot {
            name: line.row.name().into(),
            value: line.auroc?,
            interval: interval.map(|(i, baseline)| (baseline + i.low, baseline + i.high)),
        })
    };
    lines.iter().filter_map(dot).collect()
}

/// A line a place: the area of each row.
fn per_place(session: &Session) -> Vec<String> {
    let line = |place: &Judged| {
        let areas: Vec<String> = session
            .rows
            .iter()
            .enumerate()
            .map(|(row, name)| {
                let area = novelty::ranking(place, row).auroc();
                let shown = area.map_or_else(|| "–".into(), |area| format!("{area:.3}"));
                format!("{} {shown}", name.name())
            })
            .collect();
        format!("{}: {}", place.name, areas.join(", "))
    };
    session.judged.iter().map(line).collect()
}
