//! A saved state, part by part.

use habituate::base::bytes::Reader;
use habituate::base::bytes::Writer;
use habituate::learn::learner::Learner;
use habituate::learn::moments::Moments;

use crate::scene::DIM;

/// The parts of a state in order, each with its name. A part begins where the length of a word stands, and
/// then the word; numbers that happen to look so make two parts of one, alike in both states compared.
pub(crate) fn sections(bytes: &[u8]) -> Vec<(&str, &[u8])> {
    let name_at = |at: usize| {
        let head: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
        let len =
            usize::try_from(u64::from_le_bytes(head)).ok().filter(|len| (3..=24).contains(len))?;
        let name = std::str::from_utf8(bytes.get(at + 8..at + 8 + len)?).ok()?;
        name.bytes().all(|b| b.is_ascii_lowercase()).then_some(name)
    };
    let begins: Vec<(usize, &str)> =
        (0..bytes.len()).filter_map(|at| Some((at, name_at(at)?))).collect();
    let ends = begins.iter().skip(1).map(|begin| begin.0).chain([bytes.len()]);
    begins.iter().zip(ends).map(|(&(at, name), end)| (name, &bytes[at..end])).collect()
}

/// Mean `[DIM]` and covariance `[DIM, DIM]` of the tokens learnt from, as they stand in a saved state.
pub(crate) fn moments(learner: &Learner) -> (Vec<f64>, Vec<f64>) {
    let mut writer = Writer::default();
    learner.save(&mut writer);
    let bytes = writer.into_bytes();
    let parts = sections(&bytes);
    let (_, part) = parts.iter().find(|part| part.0 == "moments").unwrap();
    let mut moments = Moments::new(DIM, 1);
    moments.load(&mut Reader::new(part)).unwrap();
    (moments.mean().to_vec(), moments.covariance(0.0))
}
