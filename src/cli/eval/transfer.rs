//! `habituate eval transfer`.

use crate::cli::eval::args::TransferArgs;
use crate::cli::eval::draw;
use crate::cli::eval::studio::Ground;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::progress::Progress;
use crate::cli::tables;
use crate::emit::chart;
use crate::emit::chart::Dot;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::pipeline::eval::statistics::mean;
use crate::pipeline::eval::transfer;
use crate::pipeline::eval::transfer::Comer;
use crate::pipeline::eval::transfer::Figures;

const COLUMNS: [(&str, &str); 5] = [
    ("row", "who comes"),
    ("early_skill", "skill, first 2 min"),
    ("late_skill", "last quarter"),
    ("minutes", "minutes to 95 %"),
    ("strange", "strange at first"),
];

pub(super) fn main(args: &TransferArgs) -> Result<(), Failure> {
    let mut ground = Ground::new(&args.common, &args.learn[0])?;
    let progress = Progress::new(None);
    progress.at(0.0, "encoding");
    let old = ground.stream("the old place", &args.learn)?;
    let new = ground.stream("the new place", &args.on)?;
    progress.at(0.0, "living in both");
    let found = transfer::compare(&old, &new, &ground.nursery, &ground.learn, &ground.seeds);
    let lines = found.or_exit(EXIT_SOFTWARE)?;
    progress.done();
    ground.warn();
    let mut table = Table::new(&COLUMNS);
    for line in &lines {
        table.push(vec![
            Cell::text(line.comer.name()),
            Cell::Number(mean(line.early.iter().copied()), 3),
            Cell::Number(line.late, 3),
            Cell::Number(line.minutes, 1),
            Cell::Number(line.strange, 3),
        ]);
    }
    let mut notes = vec![
        ground.note(),
        "first 2 min: those in which everybody can guess, counted alike for all".into(),
        "strange at first: share of windows of the first ten minutes with a p-value of 0.01 or less"
            .into(),
        "minutes to 95 %: of the skill that a fresh learner has in the last quarter".into(),
    ];
    notes.extend(sentence(&lines));
    tables::print(&table, args.common.table, &notes);
    draw(&args.common, || {
        let dot = |line: &Figures, when: &str, value: Option<f64>| {
            Some(Dot {
                name: format!("{}, {when}", line.comer.name()),
                value: value?,
                interval: None,
            })
        };
        let dots: Vec<Dot> = lines
            .iter()
            .flat_map(|line| {
                let early = mean(line.early.iter().copied());
                [dot(line, "first", early), dot(line, "late", line.late)]
            })
            .flatten()
            .collect();
        chart::dots("In the new place", "skill against the mean", &dots, None)
    })
}

/// Whether the old place is of use in the new one. One place says nothing of others; seeds say at
/// least whether it was chance.
fn sentence(lines: &[Figures]) -> Option<String> {
    let of = |comer: Comer| lines.iter().find(|line| line.comer == comer);
    let (fresh, learnt) = (of(Comer::Fresh)?, of(Comer::Learnt)?);
    let pairs = learnt.early.iter().zip(&fresh.early);
    let differences: Vec<f64> = pairs.filter_map(|(a, b)| Some((*a)? - (*b)?)).collect();
    let difference = mean(differences.iter().copied().map(Some))?;
    let late = learnt.late? - fresh.late?;
    let agree = |is_so: fn(&f64) -> bool| differences.iter().all(is_so);
    let words = match (agree(|by| 0.0 < *by), agree(|by| *by <= 0.0)) {
        (true, _) => "helps at first",
        (_, true) => "does NOT help at first",
        _ => "makes no difference at first that all seeds agree on",
    };
    Some(format!(
        "what was learnt in the old place {words} (skill {difference:+.3}); in the last quarter \
         {late:+.3}"
    ))
}
