//! What a disk's refusal means.

use std::io;
use std::io::ErrorKind;

/// Whether the disk takes nothing at the moment: full, read-only, or failing. Others' mistakes, such as a
/// wrong path or missing rights, are none of it.
///
/// A disk changes its mind with nobody there: a card that is failing is mounted read-only, room is made.
pub fn takes_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    ) || error.raw_os_error() == Some(libc::EIO)
}

/// Whether a file in a folder that is to be there cannot be made yet: the disk takes nothing, or took not even
/// the folder.
pub fn cannot_be_made_yet(error: &io::Error) -> bool {
    takes_nothing(error) || error.kind() == ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_may_come_back_and_a_mistake_stays() {
        for number in [libc::EROFS, libc::ENOSPC, libc::EDQUOT, libc::EIO] {
            assert!(takes_nothing(&io::Error::from_raw_os_error(number)), "{number}");
        }
        for number in [libc::EACCES, libc::EPERM, libc::ENOENT, libc::ENOTDIR, libc::EISDIR] {
            assert!(!takes_nothing(&io::Error::from_raw_os_error(number)), "{number}");
        }
        for (number, is_so) in [(libc::ENOSPC, true), (libc::ENOENT, true), (libc::EACCES, false)] {
            assert_eq!(
                cannot_be_made_yet(&io::Error::from_raw_os_error(number)),
                is_so,
                "{number}"
            );
        }
    }
}
