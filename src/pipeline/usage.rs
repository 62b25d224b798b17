//! What this process costs, as the kernel counts it.

use std::fs;

/// Processor time and memory of this process so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// User and system time of all threads, seconds.
    pub cpu_s: f64,
    /// Resident now.
    pub resident_bytes: u64,
    /// Largest resident size since start.
    pub peak_resident_bytes: u64,
}

/// Clock ticks per second of `/proc/self/stat`; 100 on every Linux that we build for (`USER_HZ`).
const USER_HZ: f64 = 100.0;

impl Usage {
    /// Reads `/proc/self`; zeros where there is none.
    pub fn now() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            cpu_s: cpu_seconds(&stat).unwrap_or(0.0),
            resident_bytes: status_bytes(&status, "VmRSS:").unwrap_or(0),
            peak_resident_bytes: status_bytes(&status, "VmHWM:").unwrap_or(0),
        }
    }
}

/// When this process started, seconds since the Unix epoch: the kernel's time of boot, which follows
/// the wall clock when that is set, and field 22 of `proc_pid_stat(5)`.
pub fn started_unix_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    start_seconds(&stat, &fs::read_to_string("/proc/stat").ok()?)
}

fn start_seconds(stat: &str, kernel: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let ticks: f64 = after_name.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let boot = kernel.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(boot.trim().parse::<f64>().ok()? + ticks / USER_HZ)
}

/// Fields 14 and 15 of `proc_pid_stat(5)`; field 2, the program's name, may hold spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / USER_HZ)
}

fn status_bytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_brackets_is_no_trouble() {
        let stat = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        assert_eq!(cpu_seconds(stat), Some(3.0));
    }

    #[test]
    fn the_start_is_counted_from_boot() {
        let stat = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 350 99";
        assert_eq!(start_seconds(stat, "cpu 1 2\nbtime 1000\nctxt 5\n"), Some(1_003.5));
        let born = started_unix_s().expect("Linux tells it");
        assert!(1.7e9 < born && born.is_finite(), "{born}");
    }

    #[test]
    fn sizes_are_in_kibibytes() {
        assert_eq!(status_bytes("Name:\tx\nVmHWM:\t  12 kB\n", "VmHWM:"), Some(12_288));
    }

    #[test]
    fn this_process_has_a_size() {
        assert!(1_000_000 < Usage::now().peak_resident_bytes);
    }
}
