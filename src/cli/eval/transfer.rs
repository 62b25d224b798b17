//! `habituate eval transfer`.

use crate::cli::eval::args::TransferArgs;
use crate::cli::eval::difference;
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
use crate::pipeline::eval::transfer;
use crate::pipeline::eval::transfer::Figures;

const COLUMNS: [(&str, &str); 13] = [
    ("row", "who comes"),
    ("waits_minutes", "guesses after min"),
    ("early_skill", "skill, first 2 min"),
    ("early_vs_persistence", "persistence"),
    ("late_skill", "last quarter"),
    ("late_vs_persistence", "persistence"),
    ("above_fresh", "above fresh"),
    ("above_low", "95 % from"),
    ("above_high", "to"),
    ("minutes", "minutes to 95 %"),
    ("novelty_median", "novelty at first"),
    ("novelty_95", "95th percentile"),
    ("strange", "strange at first"),
];

pub(super) fn main(args: &TransferArgs) -> Result<(), Failure> {
    let mut ground = Ground::new(&args.common, &args.learn[0], false)?;
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
        let mut cells = vec![
            Cell::text(line.comer.name()),
            Cell::Number(line.waits, 1),
            Cell::Number(line.early.middle(), 3),
            Cell::Number(line.early.middle_vs_persistence(), 3),
            Cell::Number(line.late.middle(), 3),
            Cell::Number(line.late.middle_vs_persistence(), 3),
        ];
        cells.extend(difference(line.late.above_fresh[0]));
        cells.extend([
            Cell::Number(line.minutes, 1),
            Cell::Number(line.novelty[0], 2),
            Cell::Number(line.novelty[1], 2),
            Cell::Number(line.strange, 3),
        ]);
        table.push(cells);
    }
    let mut notes = vec![
        ground.note(),
        "skill: against the mean of what the learner has met, and beside it against the token before; the first \
         2 min in which all of them guess"
            .into(),
        "above fresh: of the skill against the mean in the last quarter".into(),
        "at first: in the first ten minutes; strange: share of windows with a p-value of 0.01 or less".into(),
        "minutes to 95 %: of the skill that a fresh learner has in the last quarter".into(),
    ];
    notes.extend(transfer::verdict(&lines));
    tables::print(&table, args.common.table, &notes);
    draw(&args.common, || {
        let bar = |line: &Figures, when: &str, value: Option<f64>| {
            Some(Dot {
                name: format!("{}, {when}", line.comer.name()),
                value: value?,
                interval: None,
            })
        };
        let bars: Vec<Dot> = lines
            .iter()
            .flat_map(|line| {
                [bar(line, "first", line.early.middle()), bar(line, "late", line.late.middle())]
            })
            .flatten()
            .collect();
        chart::dots("In the new place", "skill against the mean", &bars, None)
    })
}
