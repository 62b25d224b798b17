//! Room on a file system.

use std::path::Path;

use rustix::fs::StatVfsMountFlags;
use rustix::fs::statvfs;

/// A file system, as far as we may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// What a user who is not root can still write.
    pub free_bytes: u64,
    /// Its size.
    pub total_bytes: u64,
    /// Nothing can be written: mounted so, or remounted after an error.
    pub is_read_only: bool,
}

impl Disk {
    /// The file system that `path`, or the nearest folder above it that exists, lies on.
    pub fn of(path: &Path) -> Option<Self> {
        let absolute = std::path::absolute(path).ok()?;
        let found = absolute.ancestors().find(|path| path.exists())?;
        let stat = statvfs(found).ok()?;
        Some(Self {
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            is_read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_yet_to_be_made_lies_where_its_parent_does() {
        let dir = tempfile::tempdir().unwrap();
        let (now, later) = (Disk::of(dir.path()), Disk::of(&dir.path().join("a/b")));
        assert_eq!(now.map(|disk| disk.total_bytes), later.map(|disk| disk.total_bytes));
        assert!(now.is_some_and(|disk| disk.free_bytes <= disk.total_bytes));
    }
}
