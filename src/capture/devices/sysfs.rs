//! Steady names out of the kernel's device tree.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the kernel shows its devices. Tests put a small tree of their own in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roots {
    /// `/sys`
    pub(super) sys: PathBuf,
    /// `/proc/asound`
    pub(super) asound: PathBuf,
    /// `/dev`
    pub(super) dev: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { sys: "/sys".into(), asound: "/proc/asound".into(), dev: "/dev".into() }
    }
}

/// What the USB bus says about a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Usb {
    /// Bus and ports, as the kernel's log has it: `1-1.2`.
    path: String,
    vendor: String,
    product: String,
    serial: Option<String>,
    /// What the maker calls it.
    pub(super) title: Option<String>,
}

impl Usb {
    /// The nearest USB device that `dir` belongs to, if it belongs to one.
    pub(super) fn above(dir: &Path) -> Option<Self> {
        let real = dir.canonicalize().ok()?;
        let device = real.ancestors().find(|dir| dir.join("idVendor").is_file())?;
        Some(Self {
            path: device.file_name()?.to_str()?.to_owned(),
            vendor: line(&device.join("idVendor"))?,
            product: line(&device.join("idProduct"))?,
            serial: line(&device.join("serial")),
            title: line(&device.join("product")),
        })
    }

    /// Names for `source.device`. The port comes first: two of a kind differ in nothing else. Its bus has
    /// another number where USB controllers wake up in another order; udev's `by-path` has not.
    pub(super) fn names(&self) -> Vec<String> {
        let Self { path, vendor, product, serial, .. } = self;
        let mut names = vec![format!("usb-path:{path}")];
        names.extend(serial.iter().map(|serial| format!("usb-id:{vendor}:{product}:{serial}")));
        names.push(format!("usb-id:{vendor}:{product}"));
        names
    }
}

/// The first line of a small file, unless it is empty.
pub(super) fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// The driver that the kernel has bound to the device which `dir` belongs to.
pub(super) fn driver(dir: &Path) -> Option<String> {
    let target = dir.join("device/driver").canonicalize().ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// udev's links to `node` in the folders `kinds` of `dir`, in that order.
pub(super) fn links(dir: &Path, kinds: [&str; 2], node: &Path) -> Vec<String> {
    let Ok(node) = fs::canonicalize(node) else { return Vec::new() };
    let mut found = Vec::new();
    for kind in kinds {
        let Ok(entries) = fs::read_dir(dir.join(kind)) else { continue };
        let mut here: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|link| fs::canonicalize(link).is_ok_and(|target| target == node))
            .map(|link| link.display().to_string())
            .collect();
        here.sort();
        found.extend(here);
    }
    found
}

/// Entries of `dir` called `prefix` and a number, by number.
pub(super) fn numbered(dir: &Path, prefix: &str) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort_unstable();
    found
}

/// A tree like the kernel's, for tests.
#[cfg(test)]
pub(super) mod tree {
    use super::Roots;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use tempfile::TempDir;

    pub(in super::super) fn roots(dir: &TempDir) -> Roots {
        let at = |name: &str| dir.path().join(name);
        Roots { sys: at("sys"), asound: at("asound"), dev: at("dev") }
    }

    pub(in super::super) fn file(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(in super::super) fn link(root: &Path, from: &str, to: &str) {
        let from = root.join(from);
        fs::create_dir_all(from.parent().unwrap()).unwrap();
        symlink(root.join(to), from).unwrap();
    }

    /// A USB device with one interface.
    pub(in super::super) fn usb(root: &Path, port: &str, id: (&str, &str), facts: (&str, &str)) {
        let at = format!("sys/devices/pci0/usb1/{port}");
        file(root, &format!("{at}/idVendor"), &format!("{}\n", id.0));
        file(root, &format!("{at}/idProduct"), &format!("{}\n", id.1));
        file(root, &format!("{at}/product"), &format!("{}\n", facts.0));
        if !facts.1.is_empty() {
            file(root, &format!("{at}/serial"), &format!("{}\n", facts.1));
        }
    }
}
