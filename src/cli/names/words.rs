//! `habituate normal`, `habituate unusual` and `habituate state`: a word about a moment, and a look at,
//! or a step back of, what was learnt.

use crate::base::counted::counted;
use crate::cli::exit::Failure;
use crate::cli::names::args::MarkArgs;
use crate::cli::names::args::StateArgs;
use crate::cli::names::args::StateCommand;
use crate::cli::names::door::Door;
use crate::cli::names::inputs;
use crate::web::api::AskDoc;
use crate::web::api::Route;

/// "This is normal", or "this is not".
pub(crate) fn mark(args: &MarkArgs, is_normal: bool) -> Result<(), Failure> {
    let mut door = Door::open(&args.whom)?;
    let doc = inputs::at(&door, &args.at)?;
    let route = if is_normal { Route::Normal } else { Route::Unusual };
    let answer = door.ask(route, doc)?;
    door.close()?;
    if args.whom.json {
        print!("{}", answer.to_json());
        return Ok(());
    }
    let at_s = answer.at_s.unwrap_or_default();
    let Some(marked) = &answer.marked else { return Ok(()) };
    let budget = match (marked.off_budget, marked.had_alarm, marked.said_before) {
        (true, ..) => "it no longer uses up the alarm budget",
        (false, true, _) => "the alarm of that minute never counted against the budget",
        (false, false, true) => "no other alarm of that minute counts against the budget",
        (false, false, false) => "no alarm is known of that minute",
    };
    let back = match marked.removed {
        0 => "",
        _ => " (the newest are laid aside, and `habituate normal` brings those back)",
    };
    let again = if marked.said_before { "as was said before, " } else { "" };
    match &marked.stranger {
        Some(stranger) if is_normal => println!(
            "{again}normal from now on: what was there at {at_s:.1} s (stranger {}); learnt from now: {} that \
             had been kept out or taken out",
            stranger.id,
            counted(marked.admitted, "window")
        ),
        Some(stranger) => println!(
            "{again}never to be learnt: what was there at {at_s:.1} s (stranger {}), whenever it is unusual; \
             forgotten: {} that had been learnt from{back}; {budget}",
            stranger.id,
            counted(marked.removed, "window")
        ),
        None => println!(
            "a true alarm at {at_s:.1} s: {budget}; what was there is no longer remembered, so nothing \
             is said of others like it"
        ),
    }
    Ok(())
}

pub(crate) fn state(args: &StateArgs) -> Result<(), Failure> {
    let (whom, route) = match &args.command {
        StateCommand::Inspect { whom } => (whom, Route::Inspect),
        StateCommand::Rollback { whom } => (whom, Route::Rollback),
    };
    let mut door = Door::open(whom)?;
    let answer = door.ask(route, AskDoc::default())?;
    if route == Route::Rollback {
        door.close()?;
    }
    if whom.json {
        print!("{}", answer.to_json());
        return Ok(());
    }
    if let (Route::Rollback, Some(at_s)) = (route, answer.at_s) {
        println!("the champion that gave way at {at_s:.1} s is back");
    }
    if let Some(learnt) = &answer.learnt {
        println!("{}:", answer.source.as_deref().unwrap_or_default());
        print!("{}", learnt.to_text());
    }
    Ok(())
}
