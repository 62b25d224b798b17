//! The configured encoders: right numbers on this processor, and fast enough for the configuration.

use std::num::NonZero;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::base::causes::with_causes;
use crate::base::clock::SystemClock;
use crate::base::stop::Stop;
use crate::cli::args::EncoderArgs;
use crate::cli::doctor::learnt;
use crate::cli::encoders;
use crate::config::daemon::Settings;
use crate::config::source::CommandFormat;
use crate::config::source::SourceKind;
use crate::config::source::SourceSettings;
use crate::emit::findings::Findings;
use crate::encode::selftest;
use crate::pipeline::mend;
use crate::pipeline::mend::User;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::stages;
use crate::pipeline::stages::MOST_SHARE;
use crate::store::state_dir::StateDir;

/// How long each figure is measured.
const SPAN: Duration = Duration::from_millis(300);

/// Share of a core above which a source has little left for a hot day.
const MUCH: f64 = 0.5;

pub(super) fn look(found: &mut Findings, settings: &Settings, root: &Path, quick: bool) {
    let mut load = 0.0;
    let dir = StateDir::open_read_only(root).ok();
    for source in &settings.sources {
        let with = OpenWith { stop: Stop::default(), seed: settings.seed };
        let check = format!("encoder of {}", source.name);
        let modality = match open::modality(source, &with) {
            Ok(modality) => modality,
            Err(error) => {
                let mend = mend::of(&error, &source.kind, User::current());
                found.problem(&check, with_causes(&error), mend);
                continue;
            }
        };
        let tested =
            encoders::open_to_go_on(&EncoderArgs::default(), source, modality, dir.as_ref())
                .and_then(|mut encoder| Ok((selftest::selftest(encoder.as_mut())?, encoder)));
        let (outcome, encoder) = match tested {
            Ok(tested) => tested,
            Err(error) => {
                let mend = "habituate models list; then set source.encoder";
                found.problem(&check, with_causes(&error), mend);
                continue;
            }
        };
        let name = encoder.manifest().name.clone();
        match (outcome.passed, outcome.max_error) {
            (false, _) => {
                let line = format!("{name} computes wrong numbers on this processor");
                found.problem(&check, line, "another encoder: habituate models list");
            }
            (true, Some(error)) => {
                found.ok(&check, format!("{name}, off its golden output by {error:.0e}"));
            }
            (true, None) => found.ok(&check, format!("{name}, which has no golden output")),
        }
        if let Some(dir) = &dir {
            learnt::look(found, dir, source, encoder.as_ref(), &settings.learn);
        }
        if quick {
            continue;
        }
        let check = format!("speed of {}", source.name);
        match stages::time(encoder, &settings.learn, &SystemClock, SPAN) {
            Ok(stages) => {
                let wanted_per_s = 1.0 / frame_s(source).unwrap_or(stages.hop_s);
                load += wanted_per_s / stages.windows_per_s();
                speed(found, &check, wanted_per_s, stages.windows_per_s());
            }
            Err(error) => found.problem(&check, with_causes(&error), mend::OF_ENCODER),
        }
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get) as f64;
    if MOST_SHARE * cores < load {
        found.problem(
            "speed",
            format!("all sources together need {load:.1} of {cores:.0} cores"),
            "fewer sources, or fewer frames a second",
        );
    }
}

/// Seconds from one picture to the next, as configured; `None` for sound.
fn frame_s(source: &SourceSettings) -> Option<f64> {
    match &source.kind {
        SourceKind::Camera { frames_per_s, .. }
        | SourceKind::Command {
            format:
                CommandFormat::Frames { frames_per_s, .. } | CommandFormat::Mjpeg { frames_per_s },
            ..
        } => Some(1.0 / frames_per_s),
        _ => None,
    }
}

/// Windows a second: as many as are `wanted`, and as there can be at `most`.
fn speed(found: &mut Findings, check: &str, wanted: f64, most: f64) {
    let share = wanted / most;
    let line = format!(
        "{:.1} % of a core at {wanted:.1} windows a second; at most {most:.0} a second",
        100.0 * share,
    );
    let mend = "fewer frames a second (source.frames_per_s), or a smaller encoder: habituate bench \
                --encoders";
    if MOST_SHARE < share {
        found.problem(check, line, mend);
    } else if MUCH < share {
        found.warning(check, line, mend);
    } else {
        found.ok(check, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::findings::Verdict;

    #[test]
    fn what_falls_behind_is_a_problem_and_says_how_much_would_do() {
        for (most, verdict) in
            [(150.0, Verdict::Ok), (5.0, Verdict::Warning), (2.5, Verdict::Problem)]
        {
            let mut found = Findings::default();
            speed(&mut found, "speed of mic", 3.0, most);
            assert_eq!(found.findings[0].verdict, verdict, "{most}");
        }
        let mut found = Findings::default();
        speed(&mut found, "x", 3.0, 6.0);
        assert!(found.findings[0].found.ends_with("at most 6 a second"), "{found:?}");
    }
}
