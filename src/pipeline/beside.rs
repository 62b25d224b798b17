//! A sound and a picture source side by side, on the calling thread, in the order of their streams: same
//! inputs, settings and seed, same bytes. Each has a learner of its own; what they show at once is learnt
//! between them.

use std::time::Duration;

use crate::base::modality::Modality;
use crate::base::stop::Stop;
use crate::capture::Source;
use crate::emit::report::Beside;
use crate::pipeline::replay::ReplayError;
use crate::pipeline::together::Together;
use crate::pipeline::together::middle_s;
use crate::pipeline::together::place_of;
use crate::pipeline::track::Track;
use crate::pipeline::window::Scored;

/// How long a source may keep us waiting before we look whether to stop.
const LOOK_UP: Duration = Duration::from_millis(200);

/// One of the two.
pub struct Part<'a> {
    /// Where it comes from.
    pub source: &'a mut dyn Source,
    /// Its chain.
    pub track: &'a mut Track,
}

impl std::fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("track", &self.track).finish_non_exhaustive()
    }
}

/// Runs two sources until both end or `stop` is requested. `on_window` sees every scored window, and
/// which of the two it is of.
///
/// # Errors
///
/// [`ReplayError`] of either.
pub fn run(
    mut parts: [Part<'_>; 2],
    seed: u64,
    stop: &Stop,
    on_window: &mut dyn FnMut(usize, &Scored<'_>),
) -> Result<Beside, ReplayError> {
    let senses: [Modality; 2] = [0, 1].map(|which: usize| parts[which].source.modality());
    let mut dims = [0; 2];
    for (sense, part) in senses.into_iter().zip(&parts) {
        dims[place_of(sense)] = part.track.embedding_dim();
    }
    let mut together = Together::new(dims, seed);
    let mut told = |which: usize, scored: &Scored<'_>| {
        let (at_s, novelty) = (middle_s(scored), scored.score.novelty);
        if together.meet(senses[which], at_s, novelty, scored.embedding) {
            log::warn!("{}", together.why_off());
        }
        on_window(which, scored);
    };
    let mut is_over = [false; 2];
    while !stop.is_requested() && is_over != [true; 2] {
        let [a, b] =
            [0, 1].map(
                |which: usize| {
                    if is_over[which] { f64::INFINITY } else { parts[which].track.stream_s() }
                },
            );
        let which = usize::from(b < a);
        let Part { source, track } = &mut parts[which];
        match source.next(LOOK_UP)? {
            Some(chunk) => track.take(chunk, &mut |scored| told(which, scored))?,
            None => {
                track.finish(&mut |scored| told(which, scored))?;
                is_over[which] = true;
            }
        }
    }
    for (which, part) in parts.iter_mut().enumerate().filter(|(which, _)| !is_over[*which]) {
        part.track.finish(&mut |scored| told(which, scored))?;
    }
    Ok(together.report())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::synthetic;
    use crate::config::learn::LearnToml;
    use crate::encode;

    #[test]
    fn two_sources_are_met_in_the_order_of_their_streams_and_give_the_same_again() {
        const SECONDS: f64 = 90.0;
        let live = || {
            let settings = LearnToml {
                warm_up_windows: 8,
                history_min: 16,
                first_updates_per_window: 0.25,
                ..LearnToml::default()
            };
            let settings = settings.check().unwrap();
            let open = |name| encode::open(name, None).unwrap();
            let mut hears = Track::new(open("logmel-patches"), &settings, 1).unwrap();
            let mut sees = Track::new(open("picture-patches"), &settings, 1).unwrap();
            let mut room = synthetic::room(1, SECONDS);
            let mut view = synthetic::view(2, SECONDS, 1.0);
            let parts = [
                Part { source: &mut view, track: &mut sees },
                Part { source: &mut room, track: &mut hears },
            ];
            let mut last = [0.0_f64; 2];
            let mut lines = Vec::new();
            let report = run(parts, 1, &Stop::default(), &mut |which, scored| {
                last[which] = scored.end_s;
                let apart = (last[0] - last[1]).abs();
                assert!(apart < 4.0, "{apart} s from each other");
                lines.push((which, scored.score.novelty.map(f32::to_bits)));
            });
            (report.unwrap(), lines, last)
        };
        let (report, lines, last) = live();
        assert!(0 < report.pairs && !report.is_off, "{report:?}");
        let counted = |sense: usize| {
            let Beside { windows, judged, lively, .. } = report;
            windows[sense] > judged[sense] && judged[sense] > lively[sense] && 0 < lively[sense]
        };
        assert!(counted(0) && counted(1), "{report:?}");
        assert!(last.iter().all(|&end| SECONDS - 2.0 < end), "{last:?}");
        assert!(live() == (report, lines, last));
    }
}
