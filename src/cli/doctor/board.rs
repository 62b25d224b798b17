//! The board: clock, disk, memory, heat, voltage.

use std::io;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;

use crate::base::machine::Machine;
use crate::base::machine::is_clock_synced;
use crate::config::daemon::Settings;
use crate::emit::findings::Findings;
use crate::pipeline::mend::User;
use crate::pipeline::pace;
use crate::pipeline::pace::Pace;

/// A program cannot be older than its own making; a clock that says so is wrong.
const BEFORE_US: i64 = 1_750_000_000;

/// What usually can go from a board's card.
const MAKE_ROOM: &str = "sudo apt-get clean; sudo journalctl --vacuum-size=50M";

pub(super) fn look(found: &mut Findings, settings: &Settings, root: &Path) {
    clock(found);
    let machine = Machine::default();
    let readings = machine.read(root);
    let limits = &settings.board;
    match readings.disk {
        Some(disk) => {
            let line = format!(
                "{:.1} of {:.1} GB free at {}",
                disk.free_bytes as f64 / 1e9,
                disk.total_bytes as f64 / 1e9,
                root.display()
            );
            if disk.is_read_only {
                let mend = "sudo dmesg | grep -iE 'ext4|mmc'; then sudo mount -o remount,rw /, \
                            or a new card";
                found.problem("disk", format!("read-only; {line}"), mend);
            } else if disk.free_bytes < limits.least_disk_bytes {
                let mend = format!("free some: {MAKE_ROOM}");
                found.problem("disk", format!("almost full; {line}"), mend);
            } else {
                found.ok("disk", line);
            }
        }
        None => {
            let mend =
                format!("sudo df -h {0}; another disk: state_dir, or --state", root.display());
            found.warning("disk", format!("{} cannot be asked", root.display()), mend);
        }
    }
    writable(found, root, User::current());
    match readings.memory_available_bytes {
        Some(bytes) if bytes < 2 * limits.least_memory_bytes => found.warning(
            "memory",
            format!("{} MiB available; learning will be slow or rest", bytes >> 20),
            "stop other programs, or lower board.least_memory_bytes",
        ),
        Some(bytes) => found.ok("memory", format!("{} MiB available", bytes >> 20)),
        None => {}
    }
    memory_limits(found, &machine);
    heat(found, settings, &readings);
}

fn clock(found: &mut Findings) {
    let now = jiff::Timestamp::now();
    let shown = now.strftime("%Y-%m-%d %H:%M UTC");
    let mend = "sudo timedatectl set-ntp true   (offline: add a clock module, or ignore it: only the \
                times of events are wrong)";
    if now.as_second() < BEFORE_US {
        found.warning("clock", format!("{shown}: not set; events will have wrong times"), mend);
        return;
    }
    match is_clock_synced() {
        Some(true) => found.ok("clock", format!("{shown}, synchronised")),
        Some(false) => found.warning("clock", format!("{shown}, not synchronised"), mend),
        None => found.ok("clock", format!("{shown}; whether it is synchronised cannot be asked")),
    }
}

/// Whether what the unit says of memory has any effect.
fn memory_limits(found: &mut Findings, machine: &Machine) {
    if machine.counts_memory_of_groups() == Some(false) {
        found.warning(
            "memory limits",
            "the kernel does not count the memory of a service: MemoryHigh and MemoryMax of the unit have no effect",
            "add cgroup_enable=memory to the one line of /boot/firmware/cmdline.txt (elsewhere, to the kernel's \
             command line) and reboot; then look again, for not every kernel heeds it",
        );
    }
}

/// Tries, in the only way that tells: by writing.
fn writable(found: &mut Findings, root: &Path, user: User) {
    if !root.exists() {
        found.ok("state", format!("{} will be made at the first start", root.display()));
        return;
    }
    told_writable(found, root, user, try_to_write(root));
}

fn told_writable(found: &mut Findings, root: &Path, user: User, tried: io::Result<()>) {
    match tried {
        Ok(()) => found.ok("state", format!("{} can be written", root.display())),
        Err(error) => {
            let mend = if error.kind() == ErrorKind::StorageFull {
                format!("make room on its disk: {MAKE_ROOM}")
            } else if user == User::Service {
                format!(
                    "without state_dir in the configuration it is /var/lib/habituate, which the service may write \
                     to; else sudo systemctl edit habituate: below [Service] ReadWritePaths={}",
                    root.display()
                )
            } else {
                format!(
                    "as the service: sudo habituate doctor --as-service; for yourself: sudo chown -R \
                     $USER {}",
                    root.display()
                )
            };
            found.warning("state", format!("{}: {error}", root.display()), mend);
        }
    }
}

/// A file of a new name, which is gone afterwards: the folder is the service's, and root, who may be asking, must not
/// follow what somebody has left there.
fn try_to_write(root: &Path) -> io::Result<()> {
    tempfile::Builder::new().prefix(".doctor-").tempfile_in(root)?.write_all(b"x")
}

fn heat(found: &mut Findings, settings: &Settings, readings: &crate::base::machine::Readings) {
    if let Some(degrees) = readings.temperature_c {
        let quiet = crate::base::machine::Readings {
            temperature_c: readings.temperature_c,
            ..Default::default()
        };
        let bearable = pace::bearable(&quiet, &settings.board, Pace::Full);
        let line = format!("{degrees:.0} °C");
        if bearable.pace == Pace::Full {
            found.ok("temperature", line);
        } else {
            let learning = bearable.pace.name();
            let line = format!("{line}; learning: {learning}");
            found.warning("temperature", line, "a heat sink, a fan, or more air");
        }
    }
    let power = readings.power;
    if power.is_under_voltage == Some(true) || power.was_under_voltage == Some(true) {
        let when = if power.is_under_voltage == Some(true) { "now" } else { "since the start" };
        let line =
            format!("the supply voltage was too low {when}: USB devices vanish, cards break");
        found.warning("voltage", line, "the board's own power supply, and a short, thick cable");
    } else if power.is_under_voltage == Some(false) {
        found.ok("voltage", "the supply is strong enough");
    }
    if power.is_throttled == Some(true) {
        let mend = "cool the board, or give it a stronger supply";
        found.warning("processor", "slowed down by heat or voltage", mend);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::emit::findings::Verdict;

    #[test]
    fn a_full_disk_asks_for_room_and_no_probe_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut found = Findings::default();
        // What is written to this device finds no room.
        let full = fs::write("/dev/full", b"x");
        told_writable(&mut found, dir.path(), User::Person, full);
        assert_eq!(found.findings[0].verdict, Verdict::Warning);
        assert!(found.findings[0].mend.starts_with("make room"), "{found:?}");
        writable(&mut found, dir.path(), User::Person);
        assert_eq!(found.findings[1].verdict, Verdict::Ok, "{found:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the probe was left behind");
    }

    #[test]
    fn a_folder_of_somebody_else_asks_for_other_rights() {
        let mut found = Findings::default();
        // A folder that nobody may write to, not even root.
        writable(&mut found, Path::new("/proc/self"), User::Person);
        assert_eq!(found.findings[0].verdict, Verdict::Warning);
        assert!(found.findings[0].mend.contains("chown"), "{found:?}");
        writable(&mut found, Path::new("/proc/self"), User::Service);
        assert!(found.findings[1].mend.contains("ReadWritePaths=/proc/self"), "{found:?}");
    }

    #[test]
    fn limits_that_the_kernel_does_not_keep_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let group = dir.path().join("sys/fs/cgroup");
        fs::create_dir_all(&group).unwrap();
        let machine = Machine::at(dir.path());
        let mut found = Findings::default();
        memory_limits(&mut found, &machine);
        fs::write(group.join("cgroup.controllers"), "cpu memory pids\n").unwrap();
        memory_limits(&mut found, &machine);
        assert!(found.findings.is_empty(), "{found:?}");
        fs::write(group.join("cgroup.controllers"), "cpu pids\n").unwrap();
        memory_limits(&mut found, &machine);
        assert_eq!(found.findings[0].verdict, Verdict::Warning);
        assert!(found.findings[0].mend.contains("cgroup_enable=memory"), "{found:?}");
    }
}
