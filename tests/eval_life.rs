//! What `habituate eval` lives through is what `habituate replay` does.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use common::fan::room;
use common::program::write_wav;
use habituate::base::stop::Stop;
use habituate::config::learn::LearnSettings;
use habituate::config::learn::LearnToml;
use habituate::config::source::SourceSettings;
use habituate::encode;
use habituate::encode::Encoder;
use habituate::encode::bundled;
use habituate::pipeline::eval::live;
use habituate::pipeline::eval::live::Nursery;
use habituate::pipeline::eval::live::Plan;
use habituate::pipeline::eval::stream::SidePlan;
use habituate::pipeline::eval::stream::Studio;
use habituate::pipeline::open;
use habituate::pipeline::open::OpenWith;
use habituate::pipeline::replay;
use habituate::pipeline::track::Track;
use habituate::pipeline::window::Scored;

mod common {
    pub(crate) mod fan;
    #[expect(dead_code, reason = "other tests need other recordings")]
    pub(crate) mod media;
    #[allow(dead_code, reason = "other tests run the program")]
    pub(crate) mod program;
}

fn encoder() -> Box<dyn Encoder> {
    encode::open(bundled::DEFAULT_SOUND, None).unwrap()
}

/// All that a window was told, by a replay of that file.
fn replayed(path: &Path, settings: &LearnSettings, until_s: Option<f64>) -> Vec<[Option<u32>; 3]> {
    let source = SourceSettings::recording("a", vec![path.into()], false, 1.0);
    let mut source = open::open(&source, &OpenWith { stop: Stop::default(), seed: 0 }).unwrap();
    let mut track = Track::new(encoder(), settings, 7).unwrap();
    until_s.into_iter().for_each(|until_s| track.learn_until(until_s));
    let mut all = Vec::new();
    let mut keep = |scored: &Scored<'_>| {
        let score = scored.score;
        let event = score.event.then_some(1);
        all.push([score.novelty.map(f32::to_bits), score.p_value.map(f32::to_bits), event]);
    };
    replay::run(source.as_mut(), &mut track, None, &Stop::default(), &mut keep).unwrap();
    all
}

/// What a learner says that lives through a stream equals what a replay says, bit for bit.
#[test]
fn a_life_in_evaluation_is_that_of_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    write_wav(&path, &room(1, 75, &[50, 60]));
    // The second learns from changed sounds, too: they are made of every window here, so that none is missing.
    for (learn_until_s, vicreg) in [(None, 0.0), (None, 0.5), (Some(55.0), 0.0)] {
        let settings = LearnToml {
            history_min: 16,
            alarms_per_day: 5000.0,
            warm_up_windows: 16,
            width: 16,
            vicreg,
            side_every_s: 3.0,
            ..LearnToml::default()
        };
        let settings = settings.check().unwrap();
        let encoder = encoder();
        let kinds = Nursery::without_sides(encoder.as_ref()).learner(&settings, 7);
        let sides = SidePlan { kinds: kinds.side_kinds().to_vec(), every_s: 0.0 };
        let mut studio = Studio::new(encoder, 1.0, sides).unwrap();
        let nursery = Nursery::of(&studio);
        let stream = studio.stream("a", std::slice::from_ref(&path), &mut |chunk| chunk).unwrap();
        let mut learner = nursery.learner(&settings, 7);
        let plan = Plan { learn_until_s, begin_anew_s: None };
        let reads = live::live(&nursery, &mut learner, (&settings, 7), &stream, plan);
        let bits = |read: &live::Read| {
            let event = read.event.then_some(1);
            [read.novelty.map(f32::to_bits), read.p_value.map(f32::to_bits), event]
        };
        let lived: Vec<[Option<u32>; 3]> = reads.iter().map(bits).collect();
        assert!(0 < learner.report().updates, "it learns");
        assert!(lived.iter().any(|read| read[2].is_some()), "it raises an alarm");
        assert_eq!(lived, replayed(&path, &settings, learn_until_s), "until {learn_until_s:?}");
    }
}
