//! What two sources show at once, whoever brings their windows: `replay --beside`, or the daemon.

use crate::base::bytes::Malformed;
use crate::base::bytes::Reader;
use crate::base::bytes::Writer;
use crate::base::modality::Modality;
use crate::emit::report::Beside;
use crate::learn::association::Association;
use crate::pipeline::window::Scored;

/// The place of a sense in all lists of two: sound first.
pub const fn place_of(sense: Modality) -> usize {
    match sense {
        Modality::Sound => 0,
        Modality::Picture => 1,
    }
}

/// The middle of a window, in seconds of its stream.
pub const fn middle_s(window: &Scored<'_>) -> f64 {
    f64::midpoint(window.start_s, window.end_s)
}

/// An association, and what was handed to it.
#[derive(Debug)]
pub struct Together {
    association: Association,
    windows: [u64; 2],
    judged: [u64; 2],
    lively: [u64; 2],
    /// Where the clock of this process begins on that of the association, seconds.
    begin_s: f64,
}

impl Together {
    /// Has met nothing yet. Embeddings have so many numbers, those of sound and those of pictures.
    pub fn new(dims: [usize; 2], seed: u64) -> Self {
        Self {
            association: Association::new(dims, seed),
            windows: [0; 2],
            judged: [0; 2],
            lively: [0; 2],
            begin_s: 0.0,
        }
    }

    /// Takes in a window of one sense: its middle in seconds on the clock that both share, its novelty and
    /// its embedding. Whether that was too much: the association has just been switched off.
    #[must_use]
    pub fn meet(
        &mut self,
        sense: Modality,
        at_s: f64,
        novelty: Option<f32>,
        embedding: &[f32],
    ) -> bool {
        let place = place_of(sense);
        // Novelty counts from the median: above 0 is livelier than usual.
        let is_lively = novelty.is_some_and(|novelty| 0.0 < novelty);
        self.windows[place] += 1;
        self.judged[place] += u64::from(novelty.is_some());
        self.lively[place] += u64::from(is_lively);
        let was_off = self.association.report().is_off;
        self.association.meet(place, self.begin_s + at_s, is_lively, embedding);
        !was_off && self.association.report().is_off
    }

    /// Why it was switched off, for the log.
    pub fn why_off(&self) -> String {
        let report = self.association.report();
        format!(
            "cross_modal is switched off: {} of {} pictures found by their sound, and chance finds {:.0}",
            report.right,
            report.asked,
            report.chance * report.asked as f64
        )
    }

    /// What came of it so far.
    pub const fn report(&self) -> Beside {
        let report = self.association.report();
        Beside {
            windows: self.windows,
            judged: self.judged,
            lively: self.lively,
            pairs: report.pairs,
            asked: report.asked,
            right: report.right,
            chance: report.chance,
            is_off: report.is_off,
        }
    }

    /// Numbers in an embedding of sound, and in one of pictures.
    pub const fn dims(&self) -> [usize; 2] {
        self.association.dims()
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.association.bytes()
    }

    /// Appends everything that the future depends on.
    pub fn save(&self, to: &mut Writer) {
        to.section("together");
        for count in [self.windows, self.judged, self.lively].into_iter().flatten() {
            to.u64(count);
        }
        self.association.save(to);
    }

    /// Goes on where [`Together::save`] stopped. Times begin anew with each process: from now on they count
    /// from after everything that was met.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when the bytes are damaged.
    pub fn load(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.section("together")?;
        let mut counts = [[0; 2]; 3];
        for count in counts.iter_mut().flatten() {
            *count = from.u64()?;
        }
        let [windows, judged, lively] = counts;
        let association = Association::load(from)?;
        let begin_s = association.next_beginning_s();
        Ok(Self { association, windows, judged, lively, begin_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when a new process's clock begins where the one before did: what was met then would be taken for
    /// what is met now.
    #[test]
    fn after_a_restart_no_moment_is_one_of_before() {
        let mut together = Together::new([1, 1], 1);
        for moment in 0..40 {
            let at_s = f64::from(moment);
            assert!(!together.meet(Modality::Sound, at_s, Some(1.0), &[0.5]));
        }
        let mut writer = Writer::default();
        together.save(&mut writer);
        let mut again = Together::load(&mut Reader::new(&writer.into_bytes())).unwrap();
        assert_eq!(again.report(), together.report());
        assert!(!again.meet(Modality::Picture, 39.0, Some(1.0), &[0.5]));
        assert_eq!(again.report().pairs, 0, "the sound at 39 s was of the process before");
        assert!(!again.meet(Modality::Sound, 39.2, Some(1.0), &[0.5]));
        assert_eq!(again.report().pairs, 1);
        assert_eq!((again.report().windows, again.report().lively), ([41, 1], [41, 1]));
    }
}
