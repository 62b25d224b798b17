//! Memory that is left.

use std::fs;

use crate::base::machine::Machine;

impl Machine {
    /// `MemAvailable`: what programs could still get without swapping.
    pub fn memory_available_bytes(&self) -> Option<u64> {
        let text = fs::read_to_string(self.root.join("proc/meminfo")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        Some(kib * 1_024)
    }
}

#[cfg(test)]
mod tests {
    use crate::base::machine::tree::machine;

    #[test]
    fn what_is_available_is_more_than_what_is_free() {
        let text = "MemTotal: 948280 kB\nMemFree: 80000 kB\nMemAvailable:     512000 kB\n";
        let (_dir, machine) = machine(&[("proc/meminfo", text)]);
        assert_eq!(machine.memory_available_bytes(), Some(524_288_000));
    }

    #[test]
    fn a_line_without_a_number_is_no_memory() {
        let (_dir, machine) = machine(&[("proc/meminfo", "MemAvailable: lots\n")]);
        assert_eq!(machine.memory_available_bytes(), None);
    }
}
