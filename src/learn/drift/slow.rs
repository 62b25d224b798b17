//! The third clock: slowly, the days become other days.
//!
//! Everything that adapts follows a slow change and does not see it. This clock keeps the hourly means
//! of sketches of the second day, the first week's last and the first month's last, for ever, and holds
//! the newest 24 hours against them, hour by hour, so that what repeats every day cancels out:
//! `T = ‖mean_h (μ_h − μ⁰_h)‖² / V`, where `V` is what `T`'s numerator would be without any drift: from
//! the spread of the differences over hours, or from how much one day differs from the next in ways
//! that do not go on (second differences), whichever is more. It reports and does nothing else.
//!
//! Hours are hours of the source's life. A restart after a pause may shift them against the sun; then
//! differences spread more and the clock gets slower, not wrong, because a mean over all hours of the
//! day stays the same.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::drift::Notice;
use crate::learn::moments::fill;

const HOURS: usize = 24;
const HOUR_S: f64 = 3600.0;
/// Ends of the days whose hours are kept, and what is told when they are no more like today.
const KEPT: [(u64, Notice); 3] =
    [(2, Notice::UnlikeDay2), (7, Notice::UnlikeWeek1), (30, Notice::UnlikeMonth1)];
/// `T` at which a day counts as different. Without drift it is 1, with a deviation of about 0.2 for
/// sketches of 48 numbers.
const DIFFERENT: f64 = 2.5;
/// Hours of the day that must be known of both.
const LEAST_HOURS: usize = 12;
/// What was told is not told again for so many days.
const SETTLE_DAYS: u64 = 7;

/// Hourly means, now and then.
#[derive(Debug, Clone, PartialEq)]
pub struct Slow {
    dim: usize,
    hour: i64,
    sums: Vec<f32>,
    windows: f32,
    /// `[HOURS, dim]` each; NaN while unknown. The newest, then those kept.
    now: Vec<f32>,
    kept: [Vec<f32>; KEPT.len()],
    told_on_day: [u64; KEPT.len()],
    /// Means of the last two days, `[2, dim]`, and how many there are.
    days: Vec<f32>,
    day_count: u64,
    /// Running mean of `‖second difference of days‖² / 3`, which is `2 Σ var(day)`.
    restless: f64,
    /// `T` against each that is kept, as last measured.
    measured: [f64; KEPT.len()],
}

impl Slow {
    /// For sketches of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        let unknown = vec![f32::NAN; HOURS * dim];
        Self {
            dim,
            hour: i64::MIN,
            sums: vec![0.0; dim],
            windows: 0.0,
            kept: std::array::from_fn(|_| unknown.clone()),
            now: unknown,
            told_on_day: [0; KEPT.len()],
            days: vec![0.0; 2 * dim],
            day_count: 0,
            restless: 0.0,
            measured: [f64::NAN; KEPT.len()],
        }
    }

    /// Takes in a usual window; tells when the days have changed.
    pub fn observe(&mut self, at_s: f64, sketch: &[f32]) -> Option<Notice> {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, after 10^11 years")]
        let hour = (at_s / HOUR_S).floor() as i64;
        let mut notice = None;
        if hour != self.hour {
            if 0.0 < self.windows {
                self.close_hour();
                let day = |hour: i64| hour.div_euclid(24);
                if day(self.hour) != day(hour) {
                    notice = self.close_day(day(self.hour).unsigned_abs() + 1);
                }
            }
            self.hour = hour;
            self.sums.fill(0.0);
            self.windows = 0.0;
        }
        self.windows += 1.0;
        self.sums.iter_mut().zip(sketch).for_each(|(sum, x)| *sum += x);
        notice
    }

    fn close_hour(&mut self) {
        let place = usize::try_from(self.hour.rem_euclid(24)).unwrap_or(0);
        let row = &mut self.now[place * self.dim..(place + 1) * self.dim];
        row.iter_mut().zip(&self.sums).for_each(|(x, sum)| *x = sum / self.windows);
    }

    fn close_day(&mut self, day: u64) -> Option<Notice> {
        self.note_day();
        let mut notice = None;
        for (place, (kept_on, is_unlike)) in KEPT.into_iter().enumerate() {
            let is_kept = self.kept[place].iter().any(|x| x.is_finite());
            if !is_kept && kept_on <= day {
                let Self { kept, now, .. } = self;
                kept[place].copy_from_slice(now);
                continue;
            }
            let Some(different) = is_kept.then(|| self.against(place)).flatten() else { continue };
            self.measured[place] = different;
            let is_due =
                self.told_on_day[place] == 0 || self.told_on_day[place] + SETTLE_DAYS <= day;
            if DIFFERENT <= different && is_due && notice.is_none() {
                self.told_on_day[place] = day;
                notice = Some(is_unlike);
            }
        }
        notice
    }

    /// Means of days, for how restless they are.
    fn note_day(&mut self) {
        let mut second = 0.0;
        for i in 0..self.dim {
            let hours = (0..HOURS).map(|hour| self.now[hour * self.dim + i]);
            let (sum, count) = hours
                .filter(|x| x.is_finite())
                .fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
            let mean = if 0.0 < count { sum / count } else { 0.0 };
            let (older, newer) = (self.days[i], self.days[self.dim + i]);
            second += f64::from(mean - 2.0 * newer + older).powi(2);
            self.days[i] = newer;
            self.days[self.dim + i] = mean;
        }
        self.day_count += 1;
        if let Some(known) = self.day_count.checked_sub(2).filter(|&known| 0 < known) {
            self.restless += (second / 3.0 - self.restless) / known.min(14) as f64;
        }
    }

    /// `T` of the newest 24 hours.
    fn against(&self, place: usize) -> Option<f64> {
        let (mut moved, mut noise) = (0.0, 0.0);
        for i in 0..self.dim {
            let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
            for hour in 0..HOURS {
                let at = hour * self.dim + i;
                let difference = f64::from(self.now[at] - self.kept[place][at]);
                if difference.is_finite() {
                    sum += difference;
                    squares += difference * difference;
                    count += 1.0;
                }
            }
            if count < LEAST_HOURS as f64 {
                return None;
            }
            let mean = sum / count;
            moved += mean * mean;
            noise += (squares / count - mean * mean).max(0.0) / (count - 1.0);
        }
        Some(moved / noise.max(self.restless).max(1e-12))
    }

    /// `T` against the second day, the first week and the first month; `None` while unknown. 1 is no
    /// drift.
    pub fn measured(&self) -> [Option<f64>; KEPT.len()] {
        self.measured.map(|measured| measured.is_finite().then_some(measured))
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        size_of::<f32>() * self.dim * ((1 + KEPT.len()) * HOURS + 3)
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("slow");
        to.u64(self.hour.cast_unsigned());
        to.f32s(self.sums.iter().copied());
        to.f32(self.windows);
        for hours in std::iter::once(&self.now).chain(&self.kept) {
            to.f32s(hours.iter().copied());
        }
        self.told_on_day.iter().for_each(|&day| to.u64(day));
        to.f32s(self.days.iter().copied());
        to.u64(self.day_count);
        to.f64(self.restless);
        to.f64s(self.measured.iter().copied());
    }

    /// Reads what [`Slow::save`] wrote, for sketches of the same width.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("slow")?;
        self.hour = from.u64()?.cast_signed();
        fill(&mut self.sums, "numbers in a sketch", from.f32s()?)?;
        self.windows = from.f32()?;
        for hours in std::iter::once(&mut self.now).chain(&mut self.kept) {
            fill(hours, "hourly means", from.f32s()?)?;
        }
        for day in &mut self.told_on_day {
            *day = from.u64()?;
        }
        fill(&mut self.days, "numbers in days", from.f32s()?)?;
        self.day_count = from.u64()?;
        self.restless = from.f64()?;
        fill(&mut self.measured, "measured days", from.f64s()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    const DIM: usize = 48;
    /// Windows an hour.
    const WINDOWS: u32 = 360;

    /// Days since the second until something was told, with a drift of so many deviations a day.
    fn told_after(drift: f32, days: u32, seed: u64) -> Option<(f64, Notice)> {
        let (mut rng, mut clock) = (Rng::from_seed(seed), Slow::new(DIM));
        let mut mood = [0.0_f32; DIM];
        for window in 0..days * 24 * WINDOWS {
            let at_s = f64::from(window) * HOUR_S / f64::from(WINDOWS);
            #[expect(clippy::cast_possible_truncation, reason = "a small number")]
            let day = (at_s / 86_400.0) as f32;
            let light = (day * std::f32::consts::TAU).sin();
            for x in &mut mood {
                *x = 0.5 * *x + 0.866 * 3.46 * (rng.unit_f32() - 0.5);
            }
            let mut sketch = mood;
            sketch[5] += drift * day;
            sketch[7] += 3.0 * light;
            if let Some(notice) = clock.observe(at_s, &sketch) {
                return Some((at_s / 86_400.0 - 2.0, notice));
            }
        }
        None
    }

    /// Failure 7, the boiling frog. Fails when what is kept follows the place (`copy_from_slice` on
    /// every day): then no drift, however long, is ever told.
    #[test]
    fn a_slow_change_is_told_and_sixty_steady_days_are_not() {
        for (drift, within) in [(0.05, 8.0), (0.1, 4.0), (0.3, 1.1)] {
            let (days, notice) = told_after(drift, 20, 3).expect("told");
            assert!(days <= within, "{drift} a day: {days} days");
            assert_eq!(notice, Notice::UnlikeDay2);
        }
        for seed in 0..2 {
            assert_eq!(told_after(0.0, 60, seed), None);
        }
    }

    #[test]
    fn saved_and_loaded_is_the_same_and_nothing_is_told_of_what_is_not_known() {
        let (mut rng, mut clock) = (Rng::from_seed(1), Slow::new(4));
        for hour in 0..100 {
            let sketch = [0.0; 4].map(|_: f32| rng.unit_f32());
            assert_eq!(clock.observe(f64::from(hour) * HOUR_S, &sketch), None);
            assert_eq!(clock.measured()[1], None);
        }
        let mut writer = Writer::default();
        clock.save(&mut writer);
        let bytes = writer.into_bytes();
        let mut loaded = Slow::new(4);
        loaded.load(&mut Reader::new(&bytes)).expect("just written");
        for hour in 100..400 {
            let at_s = f64::from(hour) * HOUR_S;
            let same = loaded.observe(at_s, &[9.0; 4]);
            assert_eq!(same, clock.observe(at_s, &[9.0; 4]));
        }
    }
}
