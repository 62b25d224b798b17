//! Memory that is left.

use std::fs;

use crate::base::machine::Machine;

impl Machine {
    /// What this process could still get without swapping: `MemAvailable`, or what is left of its control group's
    /// `memory.high` or `memory.max`, whichever is least.
    pub fn memory_available_bytes(&self) -> Option<u64> {
        [self.of_all_bytes(), self.of_group_bytes()].into_iter().flatten().min()
    }

    /// Whether the kernel counts memory by control group, without which `memory.high` and `memory.max` of a unit are
    /// not there, and limit nothing. `None` where there is no version 2 of control groups.
    pub fn counts_memory_of_groups(&self) -> Option<bool> {
        let path = self.root.join("sys/fs/cgroup/cgroup.controllers");
        let controllers = fs::read_to_string(path).ok()?;
        Some(controllers.split_ascii_whitespace().any(|name| name == "memory"))
    }

    /// Version 2 of control groups, where its own has a limit. What it holds of files, and what the kernel can
    /// give back, is not counted as taken.
    fn of_group_bytes(&self) -> Option<u64> {
        let groups = fs::read_to_string(self.root.join("proc/self/cgroup")).ok()?;
        let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let folder = format!("sys/fs/cgroup/{path}");
        let number = |file: &str| self.line(&format!("{folder}/{file}"))?.parse::<u64>().ok();
        let most = [number("memory.high"), number("memory.max")].into_iter().flatten().min()?;
        let stat = fs::read_to_string(self.root.join(format!("{folder}/memory.stat"))).ok()?;
        let is_cache = |name| ["inactive_file", "active_file", "slab_reclaimable"].contains(&name);
        let lines = stat.lines().filter_map(|line| line.split_once(' '));
        let cache = lines.filter(|(name, _)| is_cache(*name));
        let cache: u64 = cache.filter_map(|(_, bytes)| bytes.trim().parse::<u64>().ok()).sum();
        Some(most.saturating_sub(number("memory.current")?.saturating_sub(cache)))
    }

    fn of_all_bytes(&self) -> Option<u64> {
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
    fn the_limit_of_a_service_counts_too() {
        let all = ("proc/meminfo", "MemAvailable: 512000 kB\n");
        let own = ("proc/self/cgroup", "0::/system.slice/habituate.service\n");
        let group = |file| format!("sys/fs/cgroup/system.slice/habituate.service/{file}");
        let [high, max, current, stat] =
            ["memory.high", "memory.max", "memory.current", "memory.stat"].map(group);
        let held = [
            (&*current, "90000000\n"),
            (&*stat, "anon 1\ninactive_file 6000000\nactive_file 4000000\n"),
        ];
        let of = |limits: [(&str, &str); 2]| {
            let (_dir, machine) = machine(&[&[all, own], &held[..], &limits[..]].concat());
            machine.memory_available_bytes()
        };
        assert_eq!(of([(&high, "100000000\n"), (&max, "200000000\n")]), Some(20_000_000));
        assert_eq!(of([(&high, "max\n"), (&max, "60000000\n")]), Some(0));
        assert_eq!(of([(&high, "max\n"), (&max, "max\n")]), Some(524_288_000));
    }

    /// As Raspberry Pi OS starts its kernel, with `cgroup_disable=memory`.
    #[test]
    fn a_kernel_may_not_count_the_memory_of_a_service() {
        for (controllers, counts) in [
            ("cpuset cpu io memory pids\n", Some(true)),
            ("cpuset cpu io pids\n", Some(false)),
            ("cpu memory_recursiveprot\n", Some(false)),
            ("", Some(false)),
        ] {
            let (_dir, machine) = machine(&[("sys/fs/cgroup/cgroup.controllers", controllers)]);
            assert_eq!(machine.counts_memory_of_groups(), counts, "{controllers:?}");
        }
        let (_dir, older) = machine(&[]);
        assert_eq!(older.counts_memory_of_groups(), None);
    }

    #[test]
    fn a_line_without_a_number_is_no_memory() {
        let (_dir, machine) = machine(&[("proc/meminfo", "MemAvailable: lots\n")]);
        assert_eq!(machine.memory_available_bytes(), None);
    }
}
