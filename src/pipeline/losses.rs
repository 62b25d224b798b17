//! What a stream has lost on its way, and why.

use std::collections::BTreeMap;

use crate::capture::Loss;
use crate::capture::LossCause;

/// Reasons held; where every picture is damaged, a few say it all.
const REASONS_MAX: usize = 5;

/// Samples and frames lost, by cause, and the first reasons.
#[derive(Debug, Clone, Default)]
pub struct Losses {
    counts: BTreeMap<LossCause, u64>,
    reasons: Vec<String>,
    /// Reasons that found no room.
    untold: u64,
}

impl Losses {
    /// Counts a loss.
    pub fn add(&mut self, loss: Loss) {
        *self.counts.entry(loss.cause).or_default() += loss.count;
    }

    /// Counts a picture that makes no sense, and keeps why.
    pub fn pass_over(&mut self, reason: String) {
        self.add(Loss { cause: LossCause::Damaged, count: 1 });
        if self.reasons.len() < REASONS_MAX {
            self.reasons.push(reason);
        } else {
            self.untold += 1;
        }
    }

    /// Samples and frames by the cause's name.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.iter().map(|(cause, &count)| (cause.name().into(), count)).collect()
    }

    /// The first reasons, and how many more there were.
    pub fn reasons(&self) -> Vec<String> {
        let more = (0 < self.untold).then(|| format!("and {} more like these", self.untold));
        self.reasons.iter().cloned().chain(more).collect()
    }
}

/// What was lost, in a line for people; `None` where nothing was.
pub fn in_words(counts: &BTreeMap<String, u64>) -> Option<String> {
    let lost: Vec<String> = counts
        .iter()
        .filter(|(_, count)| 0 < **count)
        .map(|(cause, count)| format!("{count} {cause}"))
        .collect();
    (!lost.is_empty()).then(|| format!("lost {} (samples or frames)", lost.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_reasons_are_kept_and_all_losses_counted() {
        let mut losses = Losses::default();
        assert_eq!(in_words(&losses.counts()), None);
        for number in 0..8 {
            losses.pass_over(format!("picture {number}"));
        }
        losses.add(Loss { cause: LossCause::Overrun, count: 0 });
        losses.add(Loss { cause: LossCause::ShortFrame, count: 2 });
        let reasons = losses.reasons();
        assert_eq!((reasons.len(), reasons[5].as_str()), (6, "and 3 more like these"));
        let words = in_words(&losses.counts()).unwrap();
        assert_eq!(words, "lost 8 damaged, 2 short_frame (samples or frames)");
    }
}
