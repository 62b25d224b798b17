//! `habituate eval robustness`.

use anyhow::anyhow;

use crate::cli::eval::args::RobustnessArgs;
use crate::cli::eval::difference;
use crate::cli::eval::draw;
use crate::cli::eval::studio::Ground;
use crate::cli::eval::studio::names_of;
use crate::cli::exit::EXIT_SOFTWARE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::progress::Progress;
use crate::cli::tables;
use crate::emit::chart;
use crate::emit::chart::Dot;
use crate::emit::table::Cell;
use crate::emit::table::Table;
use crate::pipeline::eval::disturb::Disturbance;
use crate::pipeline::eval::disturb::Disturber;
use crate::pipeline::eval::frozen::Frozen;
use crate::pipeline::eval::novelty;
use crate::pipeline::eval::novelty::Judged;
use crate::pipeline::eval::novelty::Place;
use crate::pipeline::eval::robustness;
use crate::pipeline::eval::rows::Row;
use crate::pipeline::eval::statistics::mean;

const COLUMNS: [(&str, &str); 13] = [
    ("disturbance", "disturbance"),
    ("auroc", "AUROC"),
    ("pauc", "pAUC"),
    ("gained", "gained"),
    ("gained_low", "95 % from"),
    ("gained_high", "to"),
    ("frozen_auroc", "frozen"),
    ("above_frozen", "above frozen"),
    ("above_low", "95 % from"),
    ("above_high", "to"),
    ("alarms_per_day", "alarms/day"),
    ("median_novelty", "median novelty"),
    ("false_per_hour", "false/h"),
];

pub(super) fn main(args: &RobustnessArgs) -> Result<(), Failure> {
    let places = &args.places;
    let mut ground = Ground::new(&places.common, &places.inputs[0], false)?;
    let disturbances = Disturbance::all(ground.modality);
    let mut judged: Vec<Vec<Judged>> = vec![Vec::new(); disturbances.len()];
    let progress = Progress::new(Some((places.inputs.len() * disturbances.len()) as f64));
    let mut done = 0.0;
    for (input, name) in places.inputs.iter().zip(&names_of(&places.inputs)) {
        progress.at(done, format!("learning {}", input.display()));
        let place = ground.place(places, input, name)?;
        refuse_no_learning(&place)?;
        let ready = robustness::learn(&place, &ground.nursery, &ground.learn, &ground.seeds);
        for (disturbance, judged) in disturbances.iter().zip(&mut judged) {
            progress.at(done, disturbance.name());
            let mut disturber = Disturber::new(*disturbance, place.learn_until_s);
            let stream =
                ground.studio.stream(name, &[input.into()], &mut |chunk| disturber.pass(chunk))?;
            let found = robustness::judge(&place, &stream, &ready, &ground.nursery, &ground.learn);
            judged.push(found.or_exit(EXIT_SOFTWARE)?);
            ground.studio.release(&stream);
            done += 1.0;
        }
        ground.studio.release(&place.stream);
    }
    progress.done();
    ground.warn();
    show(args, &ground, &disturbances, &judged)
}

/// Noise is measured against what was learnt from, and there has to be something to disturb.
fn refuse_no_learning(place: &Place) -> Result<(), Failure> {
    if place.stream.windows.iter().any(|window| window.start_s < place.learn_until_s) {
        return Ok(());
    }
    let error = anyhow!("--learn-until {} leaves nothing to learn from", place.learn_until_s);
    Err(Failure::new(EXIT_USAGE, error))
}

fn show(
    args: &RobustnessArgs,
    ground: &Ground,
    disturbances: &[Disturbance],
    judged: &[Vec<Judged>],
) -> Result<(), Failure> {
    let rows: Vec<Row> = Frozen::ALL.map(Row::Frozen).into_iter().chain([Row::Adapted]).collect();
    // The baseline is the frozen way that was best without disturbance.
    let best = judged.first().and_then(|clean| novelty::figures(&rows, clean).best);
    let mut table = Table::new(&COLUMNS);
    let mut dots = Vec::new();
    let mut areas = Vec::new();
    for (number, (disturbance, places)) in disturbances.iter().zip(judged).enumerate() {
        let lines = novelty::figures(&rows, places).lines;
        let row = robustness::ROWS - 1;
        let own = &lines[row];
        let clean = judged.first().filter(|_| 0 < number);
        let gained = clean.and_then(|clean| robustness::above((places, row), (clean, row)));
        let above = best.and_then(|best| robustness::above((places, row), (places, best)));
        let frozen = best.and_then(|best| lines[best].auroc);
        let mut cells = vec![
            Cell::text(disturbance.name()),
            Cell::Number(own.auroc, 3),
            Cell::Number(own.partial, 3),
        ];
        cells.extend(difference(gained));
        cells.push(Cell::Number(frozen, 3));
        cells.extend(difference(above));
        cells.extend([
            Cell::Number(own.alarms_per_day, 1),
            Cell::Number(mean(places.iter().map(robustness::median_novelty)), 2),
            Cell::Number(own.false_per_hour, 1),
        ]);
        table.push(cells);
        for (who, value) in [("learnt", own.auroc), ("frozen", frozen)] {
            let name = format!("{}, {who}", disturbance.name());
            dots.extend(value.map(|value| Dot { name, value, interval: None }));
        }
        areas.push((disturbance.name(), own.auroc, frozen));
    }
    let mut notes = vec![
        ground.note(),
        "gained: of the area as it is without disturbance, on the same windows; below 0 is a loss"
            .into(),
    ];
    if areas.iter().all(|(_, own, frozen)| own.is_none() && frozen.is_none()) {
        notes.push(
            "without labels of what is foreign (kitchen.csv beside kitchen.wav) no ranking can be judged"
                .into(),
        );
    }
    notes.extend(sentence(&areas));
    tables::print(&table, args.places.common.table, &notes);
    draw(&args.places.common, || {
        chart::dots("After learning without disturbance", "AUROC", &dots, None)
    })
}

/// The disturbance that costs most, beside what it costs the frozen baseline.
fn sentence(areas: &[(String, Option<f64>, Option<f64>)]) -> Option<String> {
    let (_, clean, clean_frozen) = areas.first()?;
    let (clean, clean_frozen) = ((*clean)?, (*clean_frozen)?);
    let area = |own: Option<f64>| own.unwrap_or(1.0);
    let (name, own, frozen) =
        areas.iter().skip(1).min_by(|a, b| area(a.1).total_cmp(&area(b.1)))?;
    if (*own)? >= clean {
        return Some("no disturbance costs any of the area".into());
    }
    Some(format!(
        "{name} costs most: {:.3} of the area, and {:.3} of the best frozen row's",
        clean - (*own)?,
        clean_frozen - (*frozen)?
    ))
}
