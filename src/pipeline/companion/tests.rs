use super::*;
use crate::config::learn::LearnSettings;
use crate::encode;
use crate::pipeline::lived::Lived;
use crate::pipeline::track::Track;
use crate::store::checkpoint::Checkpoint;

const EAR: &str = "logmel-patches";
const EYE: &str = "picture-patches";

fn encoder(name: &str) -> Box<dyn Encoder> {
    encode::open(name, None).unwrap()
}

/// A track of sound that has met so many moments of both.
fn lived(eye: &Sight, moments: u8) -> Track {
    let mut track = Track::new(encoder(EAR), &LearnSettings::default(), 1).unwrap();
    let change = track.stand_beside(Some(eye), 1);
    assert_eq!(change, Some((Level::Info, "begins to learn beside cam".into())));
    let widths = [track.embedding_dim(), eye.dim];
    let companion = track.companion_mut().unwrap();
    for number in 0..moments {
        let at_s = 70.0 * f64::from(number);
        for (whose, dim) in [Whose::Own, Whose::Other].into_iter().zip(widths) {
            let embedding = (0..dim).map(|i| (i as f32 + f32::from(number)).sin()).collect();
            assert!(!companion.meet(whose, &Moment { at_s, novelty: Some(1.0), embedding }));
        }
    }
    track
}

fn read(payload: Vec<u8>) -> Result<Track, String> {
    let ear = encoder(EAR);
    let checkpoint = Checkpoint::new(resume::origin("mic", ear.as_ref()), payload);
    let lived = Lived::read(ear.as_ref(), &LearnSettings::default(), &checkpoint)?;
    Ok(Track::resume(ear, lived).unwrap())
}

/// Fails when a checkpoint leaves it out, or reads back another one.
#[test]
fn it_goes_on_from_a_checkpoint_beside_the_same_source_only() {
    let eye = Sight::of("cam", encoder(EYE).as_ref());
    let track = lived(&eye, 40);
    let before = track.companion().unwrap().report();
    assert_eq!((before.pairs, before.asked, before.windows), (40, 25, [40, 40]));
    let alone = Track::new(encoder(EAR), &LearnSettings::default(), 1).unwrap();
    let bytes = track.companion().unwrap().bytes();
    assert_eq!(track.largest_state_bytes(), alone.largest_state_bytes() + bytes);
    assert!(track.describe().ends_with("MB for what belongs to cam"), "{}", track.describe());

    let saved = track.save();
    let mut again = read(saved.clone()).unwrap();
    assert!(again.save() == saved, "without a word of who is beside it, it is carried on");
    assert_eq!(again.stand_beside(Some(&eye), 1), None);
    assert_eq!(again.companion().unwrap().report(), before);

    let renamed = Sight::of("door", encoder(EYE).as_ref());
    let wider = Sight { dim: eye.dim + 1, ..eye.clone() };
    let mut reborn = eye.clone();
    reborn.origin.encoder_sha256 = "ab".repeat(32);
    for other in [renamed, wider, reborn] {
        let mut again = read(saved.clone()).unwrap();
        let (level, told) = again.stand_beside(Some(&other), 1).unwrap();
        let begins = format!("begins anew beside {} with {EYE}", other.origin.source);
        assert!(level == Level::Warn && told.starts_with(&begins), "{told}");
        assert!(told.ends_with(&format!("was beside cam with {EYE}")), "{told}");
        assert_eq!(again.companion().unwrap().report().pairs, 0);
    }
    let (level, told) = again.stand_beside(None, 1).unwrap();
    assert!(level == Level::Warn && told.contains("beside cam is let go"), "{told}");
    assert!(again.companion().is_none() && again.save().len() < saved.len());
    assert_eq!(again.stand_beside(None, 1), None);
}

#[test]
fn a_damaged_one_is_refused_with_the_whole_checkpoint() {
    let eye = Sight::of("cam", encoder(EYE).as_ref());
    let saved = lived(&eye, 3).save();
    let alone = Track::new(encoder(EAR), &LearnSettings::default(), 1).unwrap().save().len();
    assert!(read(saved.clone()).is_ok());
    for cut in (alone..saved.len()).step_by(997) {
        assert!(read(saved[..cut].to_vec()).is_err(), "cut at {cut}");
    }
    let mut longer = saved;
    longer.push(0);
    let refused = read(longer).unwrap_err();
    assert!(refused.contains(&Malformed::Trailing(1).to_string()), "{refused}");
}
