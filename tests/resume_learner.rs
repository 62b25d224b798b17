//! Stopping and resuming equals never having stopped, at every moment.

use habituate::base::bytes::Reader;
use habituate::config::learn::LearnToml;
use habituate::config::shaping;
use habituate::encode::density::Density;
use habituate::encode::latent::LatentShape;
use habituate::learn::contract::{Place, bytes, live, resumed};
use habituate::learn::learner::Learner;
use habituate::nn::layout::Layout;
use toml::{Table, Value};

const SHAPE: LatentShape =
    LatentShape { layout: Layout::Sequence { len: 5 }, token_dim: 6, embedding_dim: 12 };

#[test]
fn a_learner_stopped_after_every_window_is_the_same_as_one_that_never_stopped() {
    let settings = LearnToml {
        width: 8,
        adapter_rank: 4,
        predictive_coding: 1.0,
        recent_windows: 16,
        reservoir_windows: 16,
        history_windows: 64,
        history_min: 16,
        warm_up_windows: 8,
        guard_every: 8,
        quarantine_after_windows: 60,
        quarantine_p: 0.05,
        ..LearnToml::default()
    };
    let settings = settings.check().expect("in range");
    for density in [
        Density::Cosine { nearest: 2, root: true },
        Density::Whitened { nearest: 1, ridge: 0.05 },
        Density::Mahalanobis { ridge: 0.1 },
        Density::Patches { ridge: Some(0.1) },
    ] {
        let (mut place, mut same_place) = (Place::new(SHAPE, 9), Place::new(SHAPE, 9));
        let mut steady = Learner::new(SHAPE, density, &settings, 4);
        let mut stopped = Learner::new(SHAPE, density, &settings, 4);
        for window in 0..150 {
            let is_visit = window % 37 > 33;
            let next = |place: &mut Place| if is_visit { place.strange() } else { place.usual() };
            let (latent, same) = (next(&mut place), next(&mut same_place));
            let named = (steady.name(&latent), stopped.name(&same));
            assert_eq!(named.0, named.1, "{density:?}: names differ at window {window}");
            if window % 20 == 19 {
                let name = if is_visit { "visit" } else { "usual" };
                steady.teach(name, std::slice::from_ref(&latent), false).expect("room for it");
                stopped.teach(name, std::slice::from_ref(&same), false).expect("room for it");
            }
            let a = live(&mut steady, window, 1, || latent.clone());
            let b = live(&mut stopped, window, 1, || same.clone());
            assert_eq!(a, b, "{density:?}: scores differ at window {window}");
            let state = bytes(&stopped);
            assert!(state == bytes(&steady), "{density:?}: states differ after window {window}");
            stopped = resumed(SHAPE, density, &settings, &state);
        }
        let report = steady.report();
        assert!(0 < report.updates && 0 < report.quarantined, "{report:?}");
        assert_eq!(report, stopped.report());
    }
}

/// `[learn]` with one key given another value, where there is one that can be.
fn changed(table: &Table, key: &str) -> Option<LearnToml> {
    let mut table = table.clone();
    let value = table.get_mut(key)?;
    *value = match value.clone() {
        Value::Boolean(flag) => Value::Boolean(!flag),
        Value::Integer(number) => Value::Integer(2 * number + 1),
        Value::Float(0.0) => Value::Float(1.0),
        Value::Float(number) => Value::Float(number / 2.0),
        Value::Array(list) => Value::Array([list, vec![Value::Integer(3)]].concat()),
        Value::String(_) => match key {
            "context" => "recurrent".into(),
            "surprise" => "mahalanobis".into(),
            "habituation" => "security".into(),
            _ => return None,
        },
        other => other,
    };
    table.try_into().ok()
}

/// Fails when a key that keeps a state from being read is missing among those that a checkpoint notes: nobody
/// could be told which it was.
#[test]
fn whatever_keeps_a_state_from_being_read_is_a_key_that_can_be_named() {
    let own = LearnToml {
        width: 8,
        adapter_rank: 4,
        recent_windows: 16,
        reservoir_windows: 16,
        clusters: 4,
        cluster_windows: 4,
        history_windows: 64,
        history_min: 16,
        warm_up_windows: 8,
        guard_every: 8,
        contrastive_views: 1.0,
        ..LearnToml::default()
    };
    let settings = own.clone().check().expect("in range");
    let density = Density::Whitened { nearest: 1, ridge: 0.05 };
    let (mut place, mut learner) =
        (Place::new(SHAPE, 9), Learner::new(SHAPE, density, &settings, 4));
    live(&mut learner, 0, 200, || place.usual());
    let state = bytes(&learner);
    let table = Table::try_from(&own).expect("a table");
    let mut refused = 0;
    for key in table.keys() {
        let Some(Ok(other)) = changed(&table, key).map(LearnToml::check) else { continue };
        let mut reader = Reader::new(&state);
        let read = Learner::load(SHAPE, density, &other, &mut reader).and_then(|_| reader.end());
        if let Err(wrong) = read {
            let named = shaping::differing(&shaping::of(&own), &other).expect("it was noted");
            assert_eq!(named.len(), 1, "{key}: {wrong}");
            assert!(named[0].starts_with(&format!("learn.{key} = ")), "{named:?}");
            refused += 1;
        }
    }
    assert!(5 < refused, "{refused}");
}

#[test]
fn another_seed_is_another_learner() {
    let settings = LearnToml::default().check().expect("in range");
    let density = Density::Whitened { nearest: 1, ridge: 0.05 };
    let surprise = |seed| {
        let mut place = Place::new(SHAPE, 9);
        let mut learner = Learner::new(SHAPE, density, &settings, seed);
        live(&mut learner, 0, 100, || place.usual())[99].surprise
    };
    assert!(surprise(1).to_bits() != surprise(2).to_bits());
}

#[test]
fn what_was_taught_before_many_commits_is_what_it_would_be_if_taught_now() {
    let settings = LearnToml {
        width: 8,
        adapter_rank: 4,
        warm_up_windows: 8,
        guard_every: 4,
        holdout_block_s: 2.0,
        ..LearnToml::default()
    };
    let settings = settings.check().expect("in range");
    let density = Density::Whitened { nearest: 1, ridge: 0.05 };
    let mut examples = Place::new(SHAPE, 31);
    let examples: Vec<_> = (0..12)
        .map(|i| if i % 2 == 0 { ("a", examples.usual()) } else { ("b", examples.strange()) })
        .collect();
    let taught = |learner: &mut Learner| {
        for (name, latent) in &examples {
            learner.teach(name, std::slice::from_ref(latent), false).expect("room for it");
        }
    };
    let mut early = Learner::new(SHAPE, density, &settings, 4);
    let mut late = Learner::new(SHAPE, density, &settings, 4);
    let (mut place, mut same_place) = (Place::new(SHAPE, 9), Place::new(SHAPE, 9));
    taught(&mut early);
    live(&mut early, 0, 200, || place.usual());
    live(&mut late, 0, 200, || same_place.usual());
    assert!(1 < early.report().commits, "{:?}", early.report());
    assert_eq!(early.report(), late.report(), "names change nothing that is learnt");
    taught(&mut late);
    let mut new = Place::new(SHAPE, 77);
    for _ in 0..20 {
        for latent in [new.usual(), new.strange()] {
            let (a, b) = (early.name(&latent), late.name(&latent));
            assert!(a.is_some());
            assert_eq!(a, b);
        }
    }
}
