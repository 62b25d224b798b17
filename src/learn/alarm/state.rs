//! The budget's state as bytes.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::alarm::{Block, Budget, Fit, MOST_BLOCKS, MOST_REGIMES, at_most};
use crate::learn::moments::fill;
use crate::learn::tail::Tail;

/// Format in which blocks know their alarms. Those of before count as none: the correction goes on as it
/// was, and nobody can take them back.
const ALARMS_SINCE: u64 = 6;

impl Budget {
    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("budget");
        to.len(self.blocks.len());
        for block in &self.blocks {
            to.u64(block.index.cast_unsigned());
            to.u64(block.more.cast_unsigned());
            to.f32(block.value);
            to.u64(block.regime.into());
            to.u64(block.events.into());
            to.u64(block.counted.into());
        }
        self.regimes.save(to);
        to.u64(self.regime.into());
        to.u64(self.open.index.cast_unsigned());
        to.f32(self.open.largest);
        to.u64(self.open.windows.into());
        to.f32s(self.open.sums.iter().copied());
        to.u64(self.open.events.into());
        to.flag(self.open.is_acknowledged);
        to.u64(self.closed);
        to.f64(self.correction);
        to.u64(self.last_exceeding.cast_unsigned());
        to.f64s(self.extremes.iter().copied());
        to.flag(self.fit.is_some());
        if let Some(fit) = &self.fit {
            fit.centres.iter().for_each(|&(middle, spread)| {
                to.f32(middle);
                to.f32(spread);
            });
            for number in
                [fit.threshold, fit.extreme, fit.tail.shape, fit.tail.scale, fit.from, fit.share]
            {
                to.f64(number);
            }
            to.f32s(self.sorted.iter().copied());
        }
    }

    /// Reads what [`Budget::save`] wrote, for sketches of the same width.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("budget")?;
        let regime = |number: u64| {
            u8::try_from(number).ok().filter(|&r| usize::from(r) < MOST_REGIMES).ok_or_else(|| {
                Malformed::WrongValue {
                    what: "a regime",
                    found: number.to_string(),
                    expected: format!("less than {MOST_REGIMES}"),
                }
            })
        };
        let count = at_most("blocks", from.len()?, MOST_BLOCKS)?;
        self.blocks.clear();
        let knows_alarms = from.is_since(ALARMS_SINCE);
        let alarms = |from: &mut Reader<'_>| -> Result<u32, Malformed> {
            let alarms = if knows_alarms { from.u64()? } else { 0 };
            Ok(u32::try_from(alarms).unwrap_or(u32::MAX))
        };
        for _ in 0..count {
            self.blocks.push_back(Block {
                index: from.u64()?.cast_signed(),
                more: from.u64()?.cast_signed(),
                value: from.f32()?,
                regime: regime(from.u64()?)?,
                events: alarms(from)?,
                counted: alarms(from)?,
            });
        }
        self.regimes.load(from)?;
        self.regime = regime(from.u64()?)?;
        self.open.index = from.u64()?.cast_signed();
        self.open.largest = from.f32()?;
        self.open.windows = u32::try_from(from.u64()?).unwrap_or(u32::MAX);
        fill(&mut self.open.sums, "numbers in a sketch", from.f32s()?)?;
        self.open.events = u32::try_from(from.u64()?).unwrap_or(u32::MAX);
        self.open.is_acknowledged = from.flag()?;
        self.closed = from.u64()?;
        self.correction = from.f64()?;
        self.last_exceeding = from.u64()?.cast_signed();
        fill(&mut self.extremes, "times of extremes", from.f64s()?)?;
        self.fit = None;
        if from.flag()? {
            let mut centres = [(0.0, 0.0); MOST_REGIMES];
            for centre in &mut centres {
                *centre = (from.f32()?, from.f32()?);
            }
            let (threshold, extreme) = (from.f64()?, from.f64()?);
            let tail = Tail { shape: from.f64()?, scale: from.f64()? };
            let (level, share) = (from.f64()?, from.f64()?);
            self.fit = Some(Fit { centres, threshold, extreme, tail, from: level, share });
            let sorted = from.f32s()?;
            at_most("blocks", sorted.len(), MOST_BLOCKS)?;
            self.sorted.clear();
            self.sorted.extend(sorted);
        }
        Ok(())
    }
}
