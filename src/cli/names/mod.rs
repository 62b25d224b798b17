//! `habituate teach`, `names` and `search`: what was taught, and what is like what; and words about
//! moments ([`words`]).

pub(crate) mod args;
mod door;
mod inputs;
pub(crate) mod words;

use anyhow::anyhow;

use crate::base::counted::counted;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::names::args::NamesArgs;
use crate::cli::names::args::NamesCommand;
use crate::cli::names::args::SearchArgs;
use crate::cli::names::args::TeachArgs;
use crate::cli::names::args::WhomArgs;
use crate::cli::names::door::Door;
use crate::cli::names::inputs::Windows;
use crate::cli::progress::Progress;
use crate::learn::classes::taught::MOST_WINDOWS_IN_ALL;
use crate::pipeline::control::MOST_FOUND;
use crate::web::api::AnswerDoc;
use crate::web::api::AskDoc;
use crate::web::api::NamesDoc;
use crate::web::api::Route;

pub(crate) fn names(args: &NamesArgs) -> Result<(), Failure> {
    let (whom, route, doc) = match &args.command {
        NamesCommand::List { whom } => (whom, Route::Names, AskDoc::default()),
        NamesCommand::Forget { name, whom } => {
            (whom, Route::Forget, AskDoc { name: Some(name.clone()), ..AskDoc::default() })
        }
        NamesCommand::Rename { name, to, whom } => {
            let (name, to) = (Some(name.clone()), Some(to.clone()));
            (whom, Route::Rename, AskDoc { name, to, ..AskDoc::default() })
        }
        NamesCommand::Undo { whom } => (whom, Route::Undo, AskDoc::default()),
    };
    let mut door = Door::open(whom)?;
    let answer = door.ask(route, doc)?;
    if route != Route::Names {
        door.close()?;
    }
    show(whom, &answer);
    Ok(())
}

pub(crate) fn teach(args: &TeachArgs) -> Result<(), Failure> {
    let mut plan = Vec::new();
    match (&args.folders, &args.name, &args.at) {
        (Some(root), ..) => {
            for (name, folder) in inputs::folders(root)? {
                let files = inputs::files(&[folder])?;
                plan.extend(files.into_iter().map(|file| (name.clone(), file)));
            }
        }
        (None, Some(name), None) => {
            let files = inputs::files(&args.inputs)?;
            plan.extend(files.into_iter().map(|file| (name.clone(), file)));
        }
        _ => {}
    }
    if plan.is_empty() && args.at.is_none() {
        let (code, why) = if args.inputs.is_empty() && args.folders.is_none() {
            (EXIT_USAGE, "give examples: files, folders, or a moment with --at")
        } else {
            (EXIT_INPUT, "these folders hold no files")
        };
        return Err(Failure::new(code, anyhow!(why)));
    }
    if MOST_WINDOWS_IN_ALL < plan.len() {
        let why = format!(
            "{} examples are too many: {MOST_WINDOWS_IN_ALL} windows is the most; ten good ones of \
             each name are enough",
            plan.len()
        );
        return Err(Failure::new(EXIT_INPUT, anyhow!(why)));
    }

    let mut door = Door::open(&args.whom)?;
    let mut orders = Vec::new();
    if let Some(at) = &args.at {
        orders.push(AskDoc { name: args.name.clone(), ..inputs::at(&door, at)? });
    }
    // All is read before anything is ordered: an unreadable file changes nothing.
    if !plan.is_empty() {
        let mut windows = Windows::of(&door)?;
        let progress = Progress::new(Some(plan.len() as f64));
        for (number, (name, file)) in plan.into_iter().enumerate() {
            let read = windows.read(&file)?;
            orders.push(AskDoc { name: Some(name), continues: 0 < number, ..read });
            progress.at((number + 1) as f64, file.display().to_string());
        }
        progress.done();
    }
    let mut answer = AnswerDoc::default();
    for (number, order) in orders.into_iter().enumerate() {
        answer = door.ask(Route::Teach, order).or_else(|failure| {
            // An order is taken as a whole or not at all.
            if 0 < number && door.is_daemon() {
                door.ask(Route::Undo, AskDoc::default())?;
            }
            Err(failure)
        })?;
    }
    door.close()?;
    if let (false, Some(at_s)) = (args.whom.json, answer.at_s) {
        println!("taught from the moment at {at_s:.1} s");
    }
    show(&args.whom, &answer);
    Ok(())
}

pub(crate) fn search(args: &SearchArgs) -> Result<(), Failure> {
    if !(1..=MOST_FOUND).contains(&args.nearest) {
        let error = anyhow!("--nearest {} is outside 1 to {MOST_FOUND}", args.nearest);
        return Err(Failure::new(EXIT_USAGE, error));
    }
    let mut door = Door::open(&args.whom)?;
    let query = match (&args.input, &args.at, &args.name) {
        (Some(path), ..) => Windows::of(&door)?.read(path)?,
        (None, Some(at), _) => inputs::at(&door, at)?,
        (None, None, Some(name)) => AskDoc { name: Some(name.clone()), ..AskDoc::default() },
        (None, None, None) => {
            let error = anyhow!("search for what? Give a recording, --at TIME or --name NAME");
            return Err(Failure::new(EXIT_USAGE, error));
        }
    };
    let answer = door.ask(Route::Search, AskDoc { nearest: Some(args.nearest), ..query })?;
    show(&args.whom, &answer);
    Ok(())
}

fn show(whom: &WhomArgs, answer: &AnswerDoc) {
    if whom.json {
        print!("{}", answer.to_json());
        return;
    }
    if let Some(names) = &answer.names {
        show_names(answer.source.as_deref().unwrap_or_default(), names);
    }
    if let Some(moments) = &answer.moments {
        if let Some(at_s) = answer.at_s {
            println!("like the moment at {at_s:.1} s:");
        }
        match (&answer.name, answer.confidence) {
            (Some(name), Some(confidence)) => {
                println!("this is {name} ({:.0} %)", 100.0 * confidence);
            }
            (Some(name), None) => println!("this is {name}"),
            (None, _) => {}
        }
        for moment in moments {
            let unusual = if moment.quarantined { "  unusual then" } else { "" };
            println!("{:>12.1} s   distance {:.2}{unusual}", moment.at_s, moment.distance);
        }
        if moments.is_empty() {
            println!("nothing else is remembered");
        }
    }
}

fn show_names(source: &str, names: &NamesDoc) {
    println!(
        "{source}: {}, {} of at most {} windows, {:.2} of at most {:.1} MB",
        counted(names.classes.len(), "name"),
        names.windows,
        names.windows_max,
        names.bytes as f64 / 1e6,
        names.bytes_max as f64 / 1e6,
    );
    for class in &names.classes {
        println!("  {}: {}", class.name, counted(class.examples, "example"));
    }
    match (&names.method, names.accuracy) {
        (Some(method), Some(accuracy)) => println!(
            "told by {method}; {:.0} % of examples are named rightly when left out",
            100.0 * accuracy
        ),
        (Some(method), None) => println!("told by {method}"),
        (None, _) if names.classes.is_empty() => {}
        (None, _) => println!("told from the next window on"),
    }
}
