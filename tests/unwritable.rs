//! A disk that takes nothing when the daemon starts: it scores, says that nothing is kept, and keeps again as
//! soon as it can.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test fails by panicking, waits for a real program, and says so where it skips"
)]

#[path = "common/program_in.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod program_in;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use program_in::{habituate, wait};

/// A minute of input on a machine that has little time for it; reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(600);

/// Pictures of 4 by 4, one a second of input and as fast as it goes: a minute is nothing even on a busy machine.
fn config() -> String {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    format!(
        "state_dir = \"disk/state\"\n[[source]]\nkind = \"synthetic\"\nplace = \"view\"\nname = \"view\"\nseconds = 1e9\n\
         encoder = \"{0}/formats/tiny.toml\"\nencoder_file = \"{0}/encoders/open.onnx\"\n{1}",
        golden.display(),
        fs::read_to_string(golden.join("formats/place.toml")).unwrap()
    )
}

/// Runs `script` where the folder `disk` can be mounted, unseen by anybody else; `None`, with a message, where
/// this machine does not let us.
fn with_own_mounts(dir: &Path, script: &str) -> Option<Child> {
    fs::create_dir(dir.join("disk")).unwrap();
    fs::write(dir.join("h.toml"), config()).unwrap();
    let unshare = || {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-euc"])
            .current_dir(dir)
            .stdin(Stdio::null());
        command
    };
    let can = unshare().arg("mount -t tmpfs none disk && mount -o remount,ro disk").output();
    if !can.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no mounts of one's own here: {can:?}");
        return None;
    }
    let child = unshare()
        .arg(script)
        .env("habituate", env!("CARGO_BIN_EXE_habituate"))
        .env("HOME", dir)
        .env("XDG_RUNTIME_DIR", dir.join("run"))
        .env_remove("RUNTIME_DIRECTORY")
        .env_remove("STATE_DIRECTORY")
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(fs::File::create(dir.join("log")).unwrap())
        .spawn()
        .unwrap();
    Some(child)
}

/// Asks the daemon, from outside.
fn ask(dir: &Path, args: &[&str]) -> Output {
    let mut command = habituate(dir);
    command.env("XDG_RUNTIME_DIR", dir.join("run")).env_remove("RUNTIME_DIRECTORY");
    command.args(["status", "-c", "h.toml"]).args(args).output().unwrap()
}

fn log(dir: &Path) -> String {
    fs::read_to_string(dir.join("log")).unwrap_or_default()
}

/// The only source's status, as soon as `is_so`.
fn source(dir: &Path, what: &str, is_so: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < PATIENCE, "{what}: never\n{}", log(dir));
        let output = ask(dir, &["--json"]);
        if let Ok(status) = serde_json::from_slice::<serde_json::Value>(&output.stdout) {
            let source = &status["sources"][0];
            if is_so(source) {
                return source.clone();
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_read_only_disk_is_gone_on_from_and_written_to_when_it_takes_something_again() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let script = "mount -t tmpfs none disk
        $habituate -v run -c h.toml --seconds 5
        ls disk/state/view >before
        mount -o remount,ro disk
        $habituate -v run -c h.toml & daemon=$!
        until [ -e second ]; do sleep 0.1; done
        $habituate -v run -c h.toml --seconds 3 && code=0 || code=$?
        echo $code >code
        until [ -e mend ]; do sleep 0.1; done
        mount -o remount,rw disk
        until [ -e stop ]; do sleep 0.1; done
        ls disk/state/view >after
        kill $daemon
        wait $daemon";
    let Some(child) = with_own_mounts(dir, script) else { return };
    let found = source(dir, "scores", |source| {
        // A window a second: more than this run can have had were there before.
        let here = source["stream_s"].as_f64().unwrap_or(f64::INFINITY);
        5.0 < here && here + 3.0 < source["windows"].as_f64().unwrap_or(0.0)
    });
    assert_eq!(found["state"], "running");
    assert_ne!(found["unkept"], 0);
    assert!(found["unkept_reason"].as_str().unwrap().contains("ead-only"), "{found}");
    let unwell = ask(dir, &["--healthy"]);
    let words = String::from_utf8_lossy(&unwell.stderr).into_owned();
    assert!(unwell.status.code() == Some(69) && words.contains("nothing is kept"), "{unwell:?}");
    let shown = log(dir);
    assert!(shown.contains("what is learnt is not kept, and this is tried again"), "{shown}");
    let started = shown.rfind("learner of up to").unwrap();
    assert!(!shown[started..].contains("checkpoint of"), "{shown}");

    // What was learnt before is known, and nobody else may take its place meanwhile.
    fs::write(dir.join("second"), "").unwrap();
    let started = Instant::now();
    while !dir.join("code").exists() && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(fs::read_to_string(dir.join("code")).unwrap_or_default(), "69\n", "{}", log(dir));

    fs::write(dir.join("mend"), "").unwrap();
    let kept = source(dir, "keeps again", |source| source["unkept"] == 0);
    assert_ne!(kept["checkpoint_sha256"], "");
    assert!(log(dir).contains("what is learnt is kept again"), "{}", log(dir));
    fs::write(dir.join("stop"), "").unwrap();
    assert!(wait(child, "the daemon").success(), "{}", log(dir));
    let lists = ["before", "after"].map(|name| fs::read_to_string(dir.join(name)).unwrap());
    assert!(lists[0].contains(".checkpoint") && lists[0] != lists[1], "{lists:?}");
}

#[test]
fn a_full_disk_without_a_state_is_no_reason_not_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // One inode is the folder itself.
    let script = "mount -t tmpfs -o nr_inodes=1 none disk
        $habituate -v run -c h.toml & daemon=$!
        until [ -e mend ]; do sleep 0.1; done
        mount -o remount,nr_inodes=100 disk
        until [ -e stop ]; do sleep 0.1; done
        ls disk/state disk/state/view >after
        kill $daemon
        wait $daemon";
    let Some(child) = with_own_mounts(dir, script) else { return };
    let found = source(dir, "scores", |source| {
        Some(5) < source["windows"].as_u64() && source["unkept"] != 0
    });
    assert!(found["unkept_reason"].as_str().unwrap().contains("No space left"), "{found}");
    fs::write(dir.join("mend"), "").unwrap();
    source(dir, "keeps", |source| source["unkept"] == 0);
    fs::write(dir.join("stop"), "").unwrap();
    assert!(wait(child, "the daemon").success(), "{}", log(dir));
    let after = fs::read_to_string(dir.join("after")).unwrap();
    assert!(after.contains("lock") && after.contains(".checkpoint"), "{after}");
}

/// A wrong path is a mistake that somebody must be told of, and no disk that mends itself.
#[test]
fn a_state_directory_that_can_never_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("disk"), "a file").unwrap();
    fs::write(dir.path().join("h.toml"), config()).unwrap();
    let output = habituate(dir.path()).args(["run", "-c", "h.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(74), "{output:?}");
}
