//! `habituate eval audit`.

use anyhow::anyhow;

use crate::cli::eval::args::AuditArgs;
use crate::cli::eval::difference;
use crate::cli::eval::draw;
use crate::cli::eval::novelty::session;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::tables;
use crate::emit::chart;
use crate::emit::chart::Dot;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::pipeline::eval::audit;
use crate::pipeline::eval::audit::By;
use crate::pipeline::eval::audit::Group;
use crate::pipeline::eval::frozen::Frozen;
use crate::pipeline::eval::novelty;
use crate::pipeline::eval::novelty::Judged;
use crate::pipeline::eval::rows::Row;
use crate::pipeline::eval::truth::Truth;

const COLUMNS: [(&str, &str); 15] = [
    ("by", "by"),
    ("group", "group"),
    ("foreign_windows", "foreign"),
    ("usual_windows", "usual"),
    ("auroc", "AUROC"),
    ("pauc", "pAUC"),
    ("frozen_auroc", "frozen"),
    ("above_frozen", "above frozen"),
    ("above_low", "95 % from"),
    ("above_high", "to"),
    ("recall", "recall"),
    ("false_per_hour", "false/h"),
    ("alarms_per_day", "alarms/day"),
    ("skill_vs_mean", "skill, mean"),
    ("skill_vs_persistence", "persistence"),
];

pub(super) fn main(args: &AuditArgs) -> Result<(), Failure> {
    if !(0.0..24.0).contains(&args.begins_at) {
        let error = anyhow!("--begins-at {} must be an hour from 0 to below 24", args.begins_at);
        return Err(Failure::new(EXIT_USAGE, error));
    }
    let rows: Vec<Row> = Frozen::ALL.map(Row::Frozen).into_iter().chain([Row::Adapted]).collect();
    let session = session(&args.places, rows, false)?;
    if session.judged.iter().all(|place| place.truth.is_empty()) {
        let error = anyhow!(
            "nothing says what is foreign, so no group can be judged; give --truth, or a CSV file \
             beside each recording"
        );
        return Err(Failure::new(EXIT_INPUT, error));
    }
    let mut notes = vec![session.ground.note()];
    notes.extend(none_covered(&session.judged));
    let best = novelty::figures(&session.rows, &session.judged).best;
    let adapted = session.rows.len() - 1;
    let mut table = Table::new(&COLUMNS);
    let mut all = Vec::new();
    for by in &args.by {
        let by = By::from(*by);
        let begins_s = 3600.0 * args.begins_at;
        let groups = audit::groups(&session.judged, by, (adapted, best), begins_s);
        groups.iter().for_each(|group| table.push(cells(group)));
        notes.push(sentence(by, &groups));
        all.extend(groups);
    }
    tables::print(&table, args.places.common.table, &notes);
    draw(&args.places.common, || {
        let dot = |group: &Group| {
            let name = format!("{} {}", group.by.name(), group.name);
            Some(Dot { name, value: group.auroc?, interval: None })
        };
        let dots: Vec<Dot> = all.iter().filter_map(dot).collect();
        chart::dots("Group by group", "AUROC", &dots, None)
    })
}

/// Says so where no window that was judged is foreign.
fn none_covered(places: &[Judged]) -> Option<String> {
    let is_foreign = |truth: &Truth| matches!(truth, Truth::Foreign(_));
    if places.iter().any(|place| place.truth.iter().any(is_foreign)) {
        return None;
    }
    Some(match places.iter().map(|place| place.foreign.len()).sum::<usize>() {
        0 => "the labels name nothing foreign, so nothing can be ranked".into(),
        _ => "the labels cover no window that was judged, so nothing can be ranked: are their times seconds into \
              the recording, and after the part that is for learning only?"
            .into(),
    })
}

fn cells(group: &Group) -> Vec<Cell> {
    let mark = if group.is_enough() { "" } else { " (few)" };
    let mut cells = vec![
        Cell::text(group.by.name()),
        Cell::text(format!("{}{mark}", group.name)),
        Cell::Number(Some(group.foreign as f64), 0),
        Cell::Number(Some(group.usual as f64), 0),
        Cell::Number(group.auroc, 3),
        Cell::Number(group.partial, 3),
        Cell::Number(group.frozen, 3),
    ];
    cells.extend(difference(group.above));
    cells.extend([
        Cell::Number(group.recall, 3),
        Cell::Number(group.false_per_hour, 1),
        Cell::Number(group.alarms_per_day, 1),
        Cell::Number(group.skill_vs_mean, 3),
        Cell::Number(group.skill_vs_persistence, 3),
    ]);
    cells
}

fn sentence(by: By, groups: &[Group]) -> String {
    let by = by.name();
    let left = match groups.iter().filter(|group| !group.is_enough()).count() {
        0 => String::new(),
        1 => "; one with too few windows is not ranked".into(),
        few => format!("; {few} with too few windows are not ranked"),
    };
    match audit::worst(groups) {
        Some((_, _, 1)) => format!("only one {by} has enough windows to be ranked{left}"),
        Some((worst, gap, count)) => format!(
            "worst {by}: {}, {gap:.3} below the mean of {count} ({} foreign windows among {} usual \
             ones){left}",
            worst.name, worst.foreign, worst.usual
        ),
        None => format!("no {by} has enough windows to be ranked{left}"),
    }
}
