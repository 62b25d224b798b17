use super::*;
use crate::store::checkpoint::OLDEST_VERSION;
use crate::store::checkpoint::Origin;

fn origin() -> Origin {
    Origin { source: "mic".into(), encoder: "enc".into(), encoder_sha256: "00".into() }
}

fn write(state: &StateDir, byte: u8) -> Written {
    state.write(&Checkpoint::new(origin(), vec![byte; 8]), 2).unwrap()
}

fn load(state: &StateDir) -> Found<Vec<u8>> {
    state.load(&origin(), |checkpoint| Ok(checkpoint.payload.clone())).unwrap()
}

#[test]
fn the_newest_is_read_and_only_so_many_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    assert!(load(&state).state.is_none());
    for byte in 1..=6 {
        write(&state, byte);
    }
    assert_eq!(load(&state).state, Some(vec![6; 8]));
    assert_eq!(state.generations("mic", "checkpoint").unwrap(), [4, 5, 6]);
    assert_eq!(state.sources().unwrap(), ["mic"]);
}

#[test]
fn equal_content_has_equal_hashes() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    assert_eq!(write(&state, 1).sha256, write(&state, 1).sha256);
    assert_ne!(write(&state, 1).sha256, write(&state, 2).sha256);
}

#[test]
fn damage_is_set_aside_and_the_one_before_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    for byte in 1..=3 {
        write(&state, byte);
    }
    fs::write(state.file("mic", 3, "checkpoint"), b"HABITUAT rubbish").unwrap();
    fs::write(state.file("mic", 2, "checkpoint"), b"a shopping list").unwrap();
    let found = load(&state);
    assert_eq!(found.state, Some(vec![1; 8]));
    assert_eq!(found.set_aside.len(), 2, "{:?}", found.set_aside);
    assert!(found.set_aside[0].contains("checksum"), "{:?}", found.set_aside);
    assert!(found.set_aside[1].contains("not a habituate checkpoint"));
    assert!(state.file("mic", 3, "damaged").exists());
    // The next write must not take the number of a file that was set aside.
    write(&state, 9);
    assert!(state.file("mic", 4, "checkpoint").exists());
}

#[test]
fn what_cannot_be_read_is_set_aside_like_damage() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    write(&state, 1);
    write(&state, 2);
    // A folder gives an error when it is read, as a bad block does.
    fs::remove_file(state.file("mic", 2, "checkpoint")).unwrap();
    fs::create_dir(state.file("mic", 2, "checkpoint")).unwrap();
    assert_eq!(state.peek("mic").unwrap().map(|found| found.payload), Some(vec![1; 8]));
    let found = load(&state);
    assert_eq!(found.state, Some(vec![1; 8]));
    assert!(found.set_aside[0].contains("unreadable"), "{:?}", found.set_aside);
    write(&state, 3);
    assert_eq!(load(&state).state, Some(vec![3; 8]));
}

#[test]
fn what_another_encoder_learnt_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    write(&state, 1);
    let other = Origin { encoder: "other".into(), encoder_sha256: "ff".into(), ..origin() };
    let refused = state.load(&other, |_| Ok(())).unwrap_err().to_string();
    assert!(refused.contains("enc") && refused.contains("other"), "{refused}");
    assert_eq!(load(&state).state, Some(vec![1; 8]));
}

/// Fails when what a reader refuses is set aside: the checksum says that it is what was learnt.
#[test]
fn what_does_not_fit_the_settings_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    write(&state, 1);
    write(&state, 2);
    let refused = state.load(&origin(), |_| Err::<(), _>("learn.width = 32, here 64".into()));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("0000000002") && refused.contains("learn.width = 32"), "{refused}");
    assert_eq!(state.generations("mic", "checkpoint").unwrap(), [1, 2]);
    assert_eq!(load(&state).state, Some(vec![2; 8]));
}

#[test]
fn two_processes_cannot_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let first = StateDir::open(dir.path()).unwrap();
    assert!(matches!(StateDir::open(dir.path()), Err(StoreError::InUse { .. })));
    let looking = StateDir::open_read_only(dir.path()).unwrap();
    assert_eq!(looking.holder(), Some(std::process::id()));
    drop(first);
    assert_eq!(looking.holder(), None);
    assert!(StateDir::open(dir.path()).is_ok());
}

#[test]
fn a_half_written_temporary_file_is_not_a_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    write(&state, 1);
    fs::write(dir.path().join("mic/0000000002.tmp"), b"HABITUAT").unwrap();
    assert_eq!(load(&state).state, Some(vec![1; 8]));
    write(&state, 2);
    assert_eq!(load(&state).state, Some(vec![2; 8]));
}

#[test]
fn what_an_older_program_learnt_is_gone_on_from_and_kept_whatever_comes_after() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    fs::create_dir(dir.path().join("mic")).unwrap();
    for (generation, format) in [(6, OLDEST_VERSION - 1), (7, OLDEST_VERSION)] {
        let older = Checkpoint { format, ..Checkpoint::new(origin(), vec![7; 8]) };
        fs::write(state.file("mic", generation, "checkpoint"), older.to_bytes()).unwrap();
    }
    let path = state.file("mic", 7, "checkpoint");
    let before = fs::read(&path).unwrap();
    let found = load(&state);
    assert_eq!(found.state, Some(vec![7; 8]));
    assert_eq!(found.older, Some((path.clone(), OLDEST_VERSION)));
    assert!(found.set_aside.is_empty(), "looking sets nothing aside: {:?}", found.set_aside);

    let backup = state.file("mic", 7, &format!("format-{OLDEST_VERSION}"));
    assert_eq!(write(&state, 8).backup, Some(backup.clone()));
    assert!((9..=20).all(|byte| write(&state, byte).backup.is_none()), "once is enough");
    assert!(!path.exists(), "predecessors go");
    assert_eq!(fs::read(&backup).unwrap(), before, "the backup stays, bit for bit");
    let found = load(&state);
    assert_eq!((found.state, found.older), (Some(vec![20; 8]), None));
}

#[test]
fn what_is_too_old_is_set_aside_and_says_what_would_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    fs::create_dir(dir.path().join("mic")).unwrap();
    let format = OLDEST_VERSION - 1;
    let older = Checkpoint { format, ..Checkpoint::new(origin(), vec![7; 8]) };
    fs::write(state.file("mic", 7, "checkpoint"), older.to_bytes()).unwrap();
    let found = load(&state);
    assert!(found.state.is_none());
    let expected =
        format!("written in format {format}, and this program goes on from {OLDEST_VERSION} to");
    assert!(found.set_aside[0].contains(&expected), "{:?}", found.set_aside);
    assert_eq!(fs::read(state.file("mic", 7, "damaged")).unwrap(), older.to_bytes());
}

/// Fails where a backup is only tried, and what it should keep is pruned all the same.
#[test]
fn without_a_backup_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    fs::create_dir(dir.path().join("mic")).unwrap();
    let format = OLDEST_VERSION;
    let older = Checkpoint { format, ..Checkpoint::new(origin(), vec![7; 8]) };
    fs::write(state.file("mic", 7, "checkpoint"), older.to_bytes()).unwrap();
    // Neither a link nor a copy can take the place of a folder, and a link to nowhere does not exist.
    let backup = state.file("mic", 7, &format!("format-{format}"));
    std::os::unix::fs::symlink("/nowhere/at/all", &backup).unwrap();
    fs::create_dir(backup.with_extension("tmp")).unwrap();
    assert!(state.write(&Checkpoint::new(origin(), vec![8; 8]), 0).is_err());
    assert_eq!(load(&state).state, Some(vec![7; 8]));
}
