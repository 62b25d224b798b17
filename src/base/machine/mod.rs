//! The board's own limits, as the kernel shows them: heat, throttling, voltage, memory, disk, clock.
//!
//! Everything is a small file of sysfs or procfs, so no program of a board's maker is needed. What a
//! board does not show is `None`, never a guess: most PCs show no voltage, most virtual machines no
//! temperature. Tests put a small tree of their own in the place of `/`.

mod clock;
mod disk;
mod heat;
mod memory;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

pub use clock::is_clock_synced;
pub use clock::suspended;
pub use disk::Disk;
pub use heat::Power;

/// Where the kernel shows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    root: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self { root: "/".into() }
    }
}

/// One look at everything.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Readings {
    /// The hottest sensor, in degrees Celsius.
    pub temperature_c: Option<f32>,
    /// Whether the processor is slowed down, and whether the supply is too weak.
    pub power: Power,
    /// Memory that programs could still get without swapping.
    pub memory_available_bytes: Option<u64>,
    /// The file system of the state directory.
    pub disk: Option<Disk>,
}

impl Machine {
    /// A tree that looks like `/`.
    pub fn at(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// Reads all; `state_dir` says which file system matters.
    pub fn read(&self, state_dir: &Path) -> Readings {
        Readings {
            temperature_c: self.temperature_c(),
            power: self.power(),
            memory_available_bytes: self.memory_available_bytes(),
            disk: Disk::of(state_dir),
        }
    }

    /// What the board calls itself, such as `Raspberry Pi 4 Model B Rev 1.4`.
    pub fn model(&self) -> Option<String> {
        ["proc/device-tree/model", "sys/class/dmi/id/product_name"]
            .iter()
            .find_map(|path| self.line(path))
    }

    /// A small file's first line without blanks and NULs around it, unless that is empty.
    fn line(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        let line = text.lines().next()?.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!line.is_empty()).then(|| line.to_owned())
    }

    /// Folders of `dir` whose names begin with `prefix`, in name order.
    fn folders(&self, dir: &str, prefix: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(dir)) else { return Vec::new() };
        let mut found: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.starts_with(prefix))
            .map(|name| format!("{dir}/{name}"))
            .collect();
        found.sort();
        found
    }
}

#[cfg(test)]
pub(super) mod tree {
    use std::fs;
    use tempfile::TempDir;

    use super::Machine;

    /// A machine made of files.
    pub(in super::super) fn machine(files: &[(&str, &str)]) -> (TempDir, Machine) {
        let dir = TempDir::new().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let machine = Machine::at(dir.path());
        (dir, machine)
    }
}

#[cfg(test)]
mod tests {
    use super::tree::machine;
    use super::*;

    #[test]
    fn a_machine_that_shows_nothing_gives_nothing() {
        let (dir, machine) = machine(&[]);
        let readings = machine.read(dir.path());
        assert_eq!(Readings { disk: None, ..readings }, Readings::default());
        assert_eq!(machine.model(), None);
    }

    #[test]
    fn a_model_from_the_device_tree_ends_in_a_nul() {
        let (_dir, machine) = machine(&[("proc/device-tree/model", "Raspberry Pi 4 Model B\0")]);
        assert_eq!(machine.model().as_deref(), Some("Raspberry Pi 4 Model B"));
    }

    #[test]
    fn this_machine_has_memory_and_a_disk() {
        let readings = Machine::default().read(Path::new("."));
        assert!(readings.memory_available_bytes.is_some_and(|bytes| 1_000_000 < bytes));
        assert!(readings.disk.is_some_and(|disk| 0 < disk.total_bytes));
    }
}
