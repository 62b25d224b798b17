//! What the board allows right now: looked at every few seconds, heeded by all sources.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::base::causes::with_causes;
use crate::base::clock::Clock;
use crate::base::machine::Machine;
use crate::base::machine::is_clock_synced;
use crate::config::board::BoardToml;
use crate::config::daemon::CheckpointSettings;
use crate::emit::status::BoardStatus;
use crate::pipeline::pace;
use crate::pipeline::pace::Bearable;
use crate::pipeline::pace::Pace;
use crate::store::spent::Spent;

/// After this the day's budget of written bytes begins anew.
const DAY: Duration = Duration::from_secs(86_400);

/// Bytes written after which the day's sum is kept for the next process at the latest; and the time after
/// which it is, where anything was written.
const KEEP_AFTER_BYTES: u64 = 1_000_000;
const KEEP_AFTER: Duration = Duration::from_secs(3600);

/// A wall clock that differs by more than this from what monotonic time says has been set.
const JUMP: Duration = Duration::from_secs(2);

/// What sources may do, and settings that a reload changes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Allowance(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    pace: Pace,
    may_write: bool,
    checkpoint: CheckpointSettings,
    board: BoardToml,
    status: BoardStatus,
}

impl Allowance {
    /// Everything is allowed.
    pub fn new(checkpoint: CheckpointSettings, board: BoardToml) -> Self {
        let status = BoardStatus { may_write: true, ..BoardStatus::default() };
        Self(Arc::new(Mutex::new(Inner {
            pace: Pace::Full,
            may_write: true,
            checkpoint,
            board,
            status,
        })))
    }

    /// How much may be learnt.
    pub fn pace(&self) -> Pace {
        self.lock().pace
    }

    /// Whether checkpoints may be written.
    pub fn may_write(&self) -> bool {
        self.lock().may_write
    }

    /// When to write checkpoints.
    pub fn checkpoint(&self) -> CheckpointSettings {
        self.lock().checkpoint
    }

    /// The board, for `status`.
    pub fn status(&self) -> BoardStatus {
        self.lock().status.clone()
    }

    /// After a reload.
    pub fn set(&self, checkpoint: CheckpointSettings, board: BoardToml) {
        let mut inner = self.lock();
        inner.checkpoint = checkpoint;
        inner.board = board;
    }

    /// A panic elsewhere must not stop the sources.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the board, and tells the sources what they may do.
#[derive(Debug)]
pub struct Watcher {
    machine: Machine,
    state_dir: PathBuf,
    clock: Arc<dyn Clock>,
    allowance: Allowance,
    /// The day so far: when it began here, what had been written then, and what came from the process before.
    day_began: Duration,
    written_before: u64,
    carried: Spent,
    /// As it was when it was kept last, or could not be, and bytes that keeping it took.
    tried: Spent,
    own_bytes: u64,
    reasons: Vec<String>,
    /// Wall clock less monotonic clock at the last look, and how long the machine had been suspended.
    offset: Option<(f64, Duration)>,
    jumps: u64,
}

impl Watcher {
    /// Has not looked yet.
    pub fn new(
        machine: Machine,
        state_dir: &Path,
        clock: Arc<dyn Clock>,
        allowance: Allowance,
    ) -> Self {
        let carried = Spent::read(state_dir);
        Self {
            machine,
            state_dir: state_dir.into(),
            day_began: clock.now(),
            clock,
            allowance,
            written_before: 0,
            carried,
            tried: carried,
            own_bytes: 0,
            reasons: Vec::new(),
            offset: None,
            jumps: 0,
        }
    }

    /// Looks; call it every few seconds. `written` are the bytes written since start, `wall` the
    /// wall clock in seconds since 1970, and `suspended` how long the machine was suspended since it started.
    pub fn look(&mut self, written: u64, wall: f64, suspended: Duration) {
        let now = self.clock.now();
        let today = self.spent(written);
        let today = if DAY <= today.running {
            (self.day_began, self.written_before) = (now, written + self.own_bytes);
            self.carried = Spent::default();
            self.keep(Spent::default());
            Spent::default()
        } else {
            today
        };
        // In suspend the monotonic clock stands still, and the wall clock is right afterwards.
        let offset = wall - now.as_secs_f64() - suspended.as_secs_f64();
        if let Some((before, suspended_before)) = self.offset {
            let slept = suspended.saturating_sub(suspended_before);
            if JUMP < slept {
                log::info!("the machine was suspended for {:.0} s", slept.as_secs_f64());
            }
            if JUMP.as_secs_f64() < (offset - before).abs() {
                self.jumps += 1;
                log::warn!(
                    "the wall clock was set by {:+.0} s; nothing inside goes by it",
                    offset - before
                );
            }
        }
        self.offset = Some((offset, suspended));

        let readings = self.machine.read(&self.state_dir);
        let limits = self.allowance.lock().board;
        let mut found = pace::bearable(&readings, &limits, self.allowance.pace());
        if limits.written_per_day_bytes <= today.bytes {
            found.may_write = false;
            found.reasons.push(format!(
                "{:.0} MB written today, board.written_per_day_bytes; no further checkpoint",
                today.bytes as f64 / 1e6
            ));
        }
        self.tell(&found);
        let unkept = today.bytes.saturating_sub(self.tried.bytes);
        let is_long_ago = self.tried.running + KEEP_AFTER <= today.running;
        if KEEP_AFTER_BYTES <= unkept || (0 < unkept && is_long_ago) {
            self.keep(today);
        }
        let mut inner = self.allowance.lock();
        inner.pace = found.pace;
        inner.may_write = found.may_write;
        inner.status = BoardStatus {
            temperature_c: readings.temperature_c,
            throttled: readings.power.is_throttled,
            under_voltage: readings.power.is_under_voltage,
            memory_available_bytes: readings.memory_available_bytes,
            disk_free_bytes: readings.disk.map(|disk| disk.free_bytes),
            written_today_bytes: today.bytes,
            clock_synced: is_clock_synced(),
            clock_jumps: self.jumps,
            learning: found.pace.name().into(),
            may_write: found.may_write,
            reasons: found.reasons,
        };
    }

    /// Keeps the day's sum for the next process; call it at the end.
    pub fn finish(&mut self, written: u64) {
        let today = self.spent(written);
        if 0 < today.bytes {
            self.keep(today);
        }
    }

    /// Of this day, as it was when it was looked at last.
    fn spent(&self, written: u64) -> Spent {
        let here = (written + self.own_bytes).saturating_sub(self.written_before);
        Spent {
            running: self.carried.running + self.clock.now().saturating_sub(self.day_began),
            bytes: self.carried.bytes + here,
        }
    }

    /// Of a disk that takes nothing there is no more to be said than is said of checkpoints.
    fn keep(&mut self, today: Spent) {
        self.tried = today;
        match today.write(&self.state_dir) {
            Ok(bytes) => self.own_bytes += bytes,
            Err(error) => log::debug!("{}", with_causes(&error)),
        }
    }

    /// Once when something changes, not at every look. Numbers in a reason change all the time.
    fn tell(&mut self, found: &Bearable) {
        let kind = |reason: &String| -> String {
            reason.chars().filter(|c| !c.is_ascii_digit()).collect()
        };
        let kinds: Vec<String> = found.reasons.iter().map(kind).collect();
        if kinds == self.reasons {
            return;
        }
        if found.reasons.is_empty() {
            log::info!("the board is well again; learning and writing go on");
        } else {
            let pace = found.pace.name();
            log::warn!("learning: {pace}; {}", found.reasons.join("; "));
        }
        self.reasons = kinds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SimulatedClock;
    use std::fs;

    struct Bench {
        dir: tempfile::TempDir,
        clock: Arc<SimulatedClock>,
        allowance: Allowance,
        watcher: Watcher,
    }

    fn bench(board: BoardToml) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("sys/class/thermal/thermal_zone0")).unwrap();
        let clock = Arc::new(SimulatedClock::default());
        let checkpoint = CheckpointSettings { every_s: 60.0, predecessors: 1 };
        let board = BoardToml { least_disk_bytes: 0, least_memory_bytes: 0, ..board };
        let allowance = Allowance::new(checkpoint, board);
        let machine = Machine::at(dir.path());
        let watcher = Watcher::new(machine, dir.path(), clock.clone(), allowance.clone());
        Bench { dir, clock, allowance, watcher }
    }

    impl Bench {
        fn look(&mut self, written: u64) {
            self.clock.advance(Duration::from_secs(5));
            let wall = self.clock.now().as_secs_f64();
            self.watcher.look(written, wall, Duration::ZERO);
        }

        fn heat(&self, thousandths: &str) {
            let path = self.dir.path().join("sys/class/thermal/thermal_zone0/temp");
            fs::write(path, thousandths).unwrap();
        }
    }

    #[test]
    fn a_board_that_grows_hot_rests_and_goes_on_when_it_has_cooled_down() {
        let mut bench = bench(BoardToml::default());
        for (thousandths, pace) in
            [("60000", Pace::Full), ("83000", Pace::Rest), ("60000", Pace::Full)]
        {
            bench.heat(thousandths);
            bench.look(0);
            assert_eq!(bench.allowance.pace(), pace, "{thousandths}");
        }
        assert_eq!(bench.allowance.status().temperature_c, Some(60.0));
    }

    #[test]
    fn a_days_bytes_are_used_up_and_come_back_the_next_day() {
        let mut bench =
            bench(BoardToml { written_per_day_bytes: 1_000_000, ..BoardToml::default() });
        bench.look(999_999);
        assert!(bench.allowance.may_write());
        bench.look(1_000_000);
        assert!(!bench.allowance.may_write());
        assert!(bench.allowance.status().reasons[0].contains("1 MB written today"));
        bench.clock.advance(DAY);
        bench.look(1_000_000);
        assert!(bench.allowance.may_write());
        assert_eq!(bench.allowance.status().written_today_bytes, 0);
    }

    #[test]
    fn a_day_goes_on_after_a_restart_and_ends_all_the_same() {
        let settings = BoardToml { written_per_day_bytes: 2_000_000, ..BoardToml::default() };
        let mut bench = bench(settings);
        bench.clock.advance(DAY / 2);
        // Killed: what it wrote last was more than is kept only at the end.
        bench.look(1_500_000);
        let again = |bench: &mut Bench| {
            let machine = Machine::at(bench.dir.path());
            bench.clock = Arc::new(SimulatedClock::default());
            let (clock, allowance) = (bench.clock.clone(), bench.allowance.clone());
            bench.watcher = Watcher::new(machine, bench.dir.path(), clock, allowance);
        };
        again(&mut bench);
        bench.look(0);
        assert_eq!(bench.allowance.status().written_today_bytes, 1_500_000);
        bench.look(400_000);
        assert!(bench.allowance.may_write());
        bench.watcher.finish(450_000);
        again(&mut bench);
        bench.look(60_000);
        assert!(!bench.allowance.may_write(), "{:?}", bench.allowance.status());
        bench.clock.advance(DAY / 2);
        bench.look(60_000);
        assert!(bench.allowance.may_write(), "{:?}", bench.allowance.status());
        again(&mut bench);
        bench.look(0);
        assert!(bench.allowance.status().written_today_bytes < 1_000, "the new day is kept, too");
    }

    #[test]
    fn a_clock_that_jumps_by_years_is_counted_and_changes_nothing() {
        let mut bench = bench(BoardToml::default());
        let mut wall = 0.0;
        for _ in 0..3 {
            bench.clock.advance(Duration::from_secs(5));
            wall += 5.0;
            bench.watcher.look(0, wall, Duration::ZERO);
        }
        assert_eq!(bench.allowance.status().clock_jumps, 0);
        // A night in suspend is no jump: the clock that everything goes by has stood still.
        let night = Duration::from_secs(30_000);
        bench.clock.advance(Duration::from_secs(5));
        bench.watcher.look(0, wall + 5.0 + night.as_secs_f64(), night);
        assert_eq!(bench.allowance.status().clock_jumps, 0);
        bench.clock.advance(Duration::from_secs(5));
        bench.watcher.look(0, wall + 1.7e9, night);
        assert_eq!(bench.allowance.status().clock_jumps, 1);
        assert_eq!((bench.allowance.pace(), bench.allowance.may_write()), (Pace::Full, true));
    }
}
