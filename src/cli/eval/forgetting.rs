//! `habituate eval forgetting`.

use anyhow::anyhow;

use crate::cli::eval::args::ForgettingArgs;
use crate::cli::eval::difference;
use crate::cli::eval::draw;
use crate::cli::eval::studio::Ground;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::progress::Progress;
use crate::cli::tables;
use crate::emit::chart;
use crate::emit::chart::Line;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::pipeline::eval::forgetting;
use crate::pipeline::eval::forgetting::Course;
use crate::pipeline::eval::forgetting::Pupil;

const COLUMNS: [(&str, &str); 9] = [
    ("row", "who learns"),
    ("mean_loss", "lost, mean"),
    ("worst_loss", "worst"),
    ("mean_fall", "skill lost, mean"),
    ("worst_fall", "worst"),
    ("last_skill", "skill at the end"),
    ("less_lost_than_naive", "less lost than naive"),
    ("less_low", "95 % from"),
    ("less_high", "to"),
];

pub(super) fn main(args: &ForgettingArgs) -> Result<(), Failure> {
    if !(1..=1000).contains(&args.cycles) {
        let error = anyhow!("--cycles {} must be from 1 to 1000", args.cycles);
        return Err(Failure::new(EXIT_USAGE, error));
    }
    let mut ground = Ground::new(&args.common, &args.inputs[0], false)?;
    let progress = Progress::new(Some(Pupil::ALL.len() as f64));
    progress.at(0.0, "encoding");
    let first = ground.stream("one regime", &args.inputs)?;
    let second = ground.stream("the other", &args.then)?;
    for stream in [&first, &second] {
        if !forgetting::is_enough(stream, args.cycles) {
            let error = anyhow!(
                "--cycles {} leaves phases without a window: {} lasts {:.0} s; give more recordings or fewer cycles",
                args.cycles,
                stream.name,
                stream.end_s()
            );
            return Err(Failure::new(EXIT_USAGE, error));
        }
    }
    let mut courses = Vec::new();
    for (done, pupil) in Pupil::ALL.into_iter().enumerate() {
        progress.at(done as f64, pupil.name());
        let (nursery, seeds) = (&ground.nursery, &ground.seeds);
        let regimes = [&first, &second];
        let course = forgetting::course(pupil, regimes, args.cycles, nursery, &ground.learn, seeds);
        courses.push(course.or_exit(EXIT_USAGE)?);
    }
    progress.done();
    ground.warn();
    let mut table = Table::new(&COLUMNS);
    let naive = courses.iter().find(|course| course.pupil == Pupil::Naive);
    for course in &courses {
        let naive = naive.filter(|naive| naive.pupil != course.pupil);
        let mut cells = vec![
            Cell::text(course.pupil.name()),
            Cell::Number(course.mean_loss(), 3),
            Cell::Number(course.worst_loss(), 3),
            Cell::Number(course.fallen().map(|(mean, _)| mean), 3),
            Cell::Number(course.fallen().map(|(_, worst)| worst), 3),
            Cell::Number(course.last_skill(), 3),
        ];
        cells.extend(difference(naive.and_then(|naive| course.loses_less_than(naive))));
        table.push(cells);
    }
    let mut notes = vec![
        ground.note(),
        "lost: share of the best skill that the absent regime has lost on windows that are never learnt from, \
         after each phase of the other; beside it the skill itself"
            .into(),
    ];
    notes.extend(forgetting::verdict(&courses));
    tables::print(&table, args.common.table, &notes);
    draw(&args.common, || {
        let lines: Vec<Line> = courses.iter().flat_map(lines_of).collect();
        chart::lines("Two regimes take turns", "phase", "skill against the mean", &lines)
    })
}

/// A line for each regime.
fn lines_of(course: &Course) -> Vec<Line> {
    ["one regime", "the other"]
        .iter()
        .enumerate()
        .map(|(regime, name)| Line {
            name: format!("{}: {name}", course.pupil.name()),
            points: course
                .phases
                .iter()
                .enumerate()
                .filter_map(|(phase, found)| Some((phase as f64 + 1.0, found.skills[regime]?)))
                .collect(),
        })
        .collect()
}
