//! Somebody's word that an alarm was a true one.

use crate::learn::alarm::{Block, Budget, CORRECTION, STEP, block_of};

impl Block {
    /// Whether it, or one beside it, is the one with that index: what is heard may last over the minute's end.
    fn is_around(&self, index: i64) -> bool {
        is_around(self.index, self.index + self.more, index)
    }
}

fn is_around(first: i64, last: i64, index: i64) -> bool {
    (first - 1..=last + 1).contains(&index)
}

impl Budget {
    fn is_open_around(&self, index: i64) -> bool {
        is_around(self.open.index, self.open.index, index) && !self.open.is_acknowledged
    }

    /// Whether there were alarms around that time that nobody has acknowledged.
    pub fn has_alarms(&self, at_s: f64) -> bool {
        let index = block_of(at_s);
        (self.is_open_around(index) && 0 < self.open.events)
            || self.blocks.iter().any(|block| 0 < block.events && block.is_around(index))
    }

    /// A true event at that time: its block and those beside it leave calibration, and their alarms no longer
    /// count against the budget. Gives how many did, or would have.
    pub fn acknowledge(&mut self, at_s: f64) -> u32 {
        let index = block_of(at_s);
        let mut counted = 0;
        self.blocks.retain(|block| {
            let is_true = block.is_around(index);
            counted += if is_true { block.counted } else { 0 };
            !is_true
        });
        self.correction = (self.correction - STEP * f64::from(counted)).max(CORRECTION[0]);
        if self.is_open_around(index) {
            self.open.is_acknowledged = true;
            // These have not raised the correction yet, and never will.
            counted += if self.fit.is_some() { self.open.events } else { 0 };
        }
        counted
    }
}
