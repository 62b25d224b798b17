//! `habituate models add` over HTTP, against a server inside the test: nothing leaves this machine.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

use habituate::encode::bundled;

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    /// Ranges, a length, a version.
    Good,
    /// Cuts the first answer in the middle, and serves ranges afterwards.
    CutsOnce,
    /// Cuts every answer after some bytes, the first earlier than that, and serves no ranges.
    CutsAlways,
    /// After a cut the file is another version: the range is not served.
    Changes,
    /// Like `CutsAlways`, but does not say which version it is.
    Nameless,
    /// No length, no ranges.
    Plain,
    /// Says that the file is larger than anything that is read.
    Boasts,
}

/// Ranges that were asked for, one a request; empty for none.
type Log = Arc<Mutex<Vec<String>>>;

/// Serves the bundled networks for sound and pictures at `/good.onnx` and `/photo.onnx`, words at
/// `/page.onnx`, and nothing else.
fn serve(mood: Mood) -> (String, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let log = Log::default();
    let told = Arc::clone(&log);
    let serve = move || {
        for (count, stream) in listener.incoming().enumerate() {
            // A client that hangs up is part of the game.
            drop(answer(stream.unwrap(), mood, count, &told));
        }
    };
    thread::Builder::new().name("server".into()).spawn(serve).unwrap();
    (address, log)
}

fn network() -> &'static [u8] {
    bundled::find(bundled::DEFAULT_SOUND).unwrap().onnx
}

fn answer(mut stream: TcpStream, mood: Mood, count: usize, log: &Log) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut range = String::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("range: ") {
            range = value.to_owned();
        }
    }
    log.lock().unwrap().push(range.clone());
    let path = request.split([' ', '?']).nth(1);
    let all: &[u8] = match path {
        Some("/good.onnx") => network(),
        Some("/photo.onnx") => bundled::find("picture-patches").unwrap().onnx,
        Some("/page.onnx") => b"<!DOCTYPE html><html>sign in first</html>",
        other => {
            let status = match other {
                Some("/closed.onnx") => "403 Forbidden",
                Some("/busy.onnx") => "503 Service Unavailable",
                _ => "404 Not Found",
            };
            return write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        }
    };
    let from: usize = range
        .strip_prefix("bytes=")
        .and_then(|range| range.trim_end_matches('-').parse().ok())
        .filter(|_| matches!(mood, Mood::Good | Mood::CutsOnce))
        .unwrap_or(0);
    let rest = &all[from..];
    let end = match mood {
        Mood::CutsOnce | Mood::Changes if count == 0 => rest.len() / 2,
        Mood::CutsAlways | Mood::Nameless => 2000 - 1000 * usize::from(0 < count),
        _ => rest.len(),
    };
    if mood == Mood::Plain {
        write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        return stream.write_all(rest);
    }
    let length = if mood == Mood::Boasts { 1 << 40 } else { rest.len() };
    if 0 < from {
        let (last, total) = (all.len() - 1, all.len());
        write!(stream, "HTTP/1.1 206 Partial Content\r\n")?;
        write!(stream, "Content-Range: bytes {from}-{last}/{total}\r\n")?;
    } else {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
    }
    let version = if mood == Mood::Nameless { "" } else { "ETag: \"one\"\r\n" };
    write!(stream, "Content-Length: {length}\r\n{version}Connection: close\r\n\r\n")?;
    stream.write_all(&rest[..end])
}

/// Exit code and all that was said.
fn add(folder: &Path, given: &str, more: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_habituate"));
    command.args(["models", "add", given]).args(more);
    said_by(command, folder)
}

fn said_by(mut command: Command, folder: &Path) -> (i32, String) {
    command.env("HABITUATE_ENCODERS", folder);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let words = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), words)
}

#[track_caller]
fn expect(found: &(i32, String), code: i32, parts: &[&str]) {
    assert_eq!(found.0, code, "{}", found.1);
    for part in parts {
        assert!(found.1.contains(part), "{part:?} missing in: {}", found.1);
    }
}

/// Names of all that is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.unwrap().file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

fn sha256() -> String {
    bundled::find(bundled::DEFAULT_SOUND).unwrap().manifest().unwrap().sha256_hex()
}

#[test]
fn an_address_becomes_an_encoder() {
    let dir = tempfile::tempdir().unwrap();
    let (address, _) = serve(Mood::Good);
    let url = format!("{address}/good.onnx?download=true");
    let found = add(dir.path(), &url, &["--yes"]);
    expect(&found, 0, &["licence unknown", "MB", &sha256(), "wrote", "--encoder good"]);
    assert_eq!(names(dir.path()), ["good.onnx", "good.toml"]);
    assert_eq!(fs::read(dir.path().join("good.onnx")).unwrap(), network());
    assert!(fs::read_to_string(dir.path().join("good.toml")).unwrap().contains(&url));
}

#[test]
fn what_came_whole_is_not_fetched_again_for_want_of_an_option() {
    let dir = tempfile::tempdir().unwrap();
    let (address, log) = serve(Mood::Good);
    let url = format!("{address}/photo.onnx");
    let kept = ["photo.onnx.download", "photo.onnx.download.version", "photo.onnx.download.whole"];
    for _ in 0..2 {
        let found = add(dir.path(), &url, &["--yes"]);
        expect(&found, 64, &["scale of pixels", "--normalise", "kept in", kept[0]]);
        assert_eq!(names(dir.path()), kept);
    }
    let unit = ["--yes", "--normalise", "unit"];
    let found = add(dir.path(), &url, &unit);
    expect(&found, 0, &["is not fetched again", "SHA-256 of what came", "wrote"]);
    assert_eq!(*log.lock().unwrap(), [""], "one request");
    assert_eq!(names(dir.path()), ["photo.onnx", "photo.toml"]);
}

/// Fails where what was kept is taken for the file of another address, or for one with another hash.
#[test]
fn what_was_kept_is_used_for_the_same_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (address, log) = serve(Mood::Good);
    let photo = format!("{address}/photo.onnx");
    let named = ["--yes", "--name", "x"];
    expect(&add(dir.path(), &photo, &named), 64, &["scale of pixels"]);
    let good = format!("{address}/good.onnx");
    expect(&add(dir.path(), &good, &named), 0, &["wrote"]);
    assert_eq!(names(dir.path()), ["x.onnx", "x.toml"]);
    assert_eq!(fs::read(dir.path().join("x.onnx")).unwrap(), network());
    expect(&add(dir.path(), &photo, &["--yes"]), 64, &["scale of pixels"]);
    let zeros = ["--yes", "--sha256", &"0".repeat(64)];
    expect(&add(dir.path(), &photo, &zeros), 66, &["its SHA-256 is"]);
    assert_eq!(names(dir.path()), ["x.onnx", "x.toml"]);
    assert_eq!(*log.lock().unwrap(), [""; 4], "each was fetched");
}

/// A disk that is full is played by a limit on the size of a file.
#[test]
fn a_disk_that_is_full_is_told_with_what_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (address, log) = serve(Mood::Good);
    let url = format!("{address}/good.onnx");
    // Without a handler the signal would end the process, as no full disk does.
    let limited = "trap '' XFSZ; ulimit -f 1; exec \"$0\" models add \"$1\" --yes";
    let mut command = Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_habituate"), &url]);
    let said = said_by(command, dir.path());
    let have = fs::metadata(dir.path().join("good.onnx.download")).unwrap().len();
    let told = format!("cannot write {} bytes to ", network().len());
    let kept = format!("good.onnx.download; {have} bytes are kept, and the same command goes on");
    expect(&said, 74, &["os error", &told, &kept, "--dir names another folder"]);
    assert!(0 < have && have < 2000, "{have}");
    expect(&add(dir.path(), &url, &["--yes"]), 0, &["wrote"]);
    assert_eq!(*log.lock().unwrap(), [String::new(), format!("bytes={have}-")]);
}

#[test]
fn nothing_is_fetched_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let (address, log) = serve(Mood::Good);
    let found = add(dir.path(), &format!("{address}/good.onnx"), &[]);
    expect(&found, 64, &["licence unknown", "nobody is there to agree", "--yes"]);
    assert_eq!(names(dir.path()), [""; 0]);
    assert_eq!(*log.lock().unwrap(), [""; 0], "not even asked for");
}

#[test]
fn a_cut_connection_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let (address, log) = serve(Mood::CutsOnce);
    let more = ["--yes", "--sha256", &sha256()];
    expect(&add(dir.path(), &format!("{address}/good.onnx"), &more), 0, &["wrote"]);
    let half = format!("bytes={}-", network().len() / 2);
    assert_eq!(*log.lock().unwrap(), [String::new(), half]);
}

#[test]
fn a_later_command_goes_on_where_the_first_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let (address, _) = serve(Mood::CutsAlways);
    let found = add(dir.path(), &format!("{address}/good.onnx"), &["--yes"]);
    expect(&found, 69, &["connection was cut", "gives whole files alone", "begins again"]);
    let part = dir.path().join("good.onnx.download");
    let have = fs::metadata(&part).unwrap().len();
    assert!(0 < have, "{have}");
    let (address, log) = serve(Mood::Good);
    expect(&add(dir.path(), &format!("{address}/good.onnx"), &["--yes"]), 0, &["wrote"]);
    assert_eq!(*log.lock().unwrap(), [format!("bytes={have}-")]);
    assert_eq!(names(dir.path()), ["good.onnx", "good.toml"]);
}

/// Without a name of its version, what has come cannot be told from a part of another file.
#[test]
fn a_server_that_names_no_version_makes_the_same_command_begin_again() {
    let dir = tempfile::tempdir().unwrap();
    let (address, log) = serve(Mood::Nameless);
    let found = add(dir.path(), &format!("{address}/good.onnx"), &["--yes"]);
    expect(&found, 69, &["1000 bytes are kept", "begins again", "with --sha256 it goes on"]);
    assert_eq!(*log.lock().unwrap(), ["", ""]);
    let (address, log) = serve(Mood::Good);
    let more = ["--yes", "--sha256", &sha256()];
    expect(&add(dir.path(), &format!("{address}/good.onnx"), &more), 0, &["wrote"]);
    assert_eq!(*log.lock().unwrap(), ["bytes=1000-"]);
}

#[test]
fn what_a_server_refuses_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (address, _) = serve(Mood::CutsAlways);
    expect(&add(dir.path(), &format!("{address}/good.onnx"), &["--yes"]), 69, &["was cut"]);
    for (path, expected) in [
        ("busy", "answers 503 Service Unavailable; try later; 1000 bytes are kept"),
        ("closed", "needs permission: the server answers 403"),
        ("other", "is not there: the server answers 404"),
    ] {
        let url = format!("{address}/{path}.onnx");
        expect(&add(dir.path(), &url, &["--yes", "--name", "good"]), 69, &[expected]);
    }
    assert_eq!(names(dir.path()), ["good.onnx.download", "good.onnx.download.version"]);
}

#[test]
fn another_version_after_a_cut_is_fetched_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (address, log) = serve(Mood::Changes);
    expect(&add(dir.path(), &format!("{address}/good.onnx"), &["--yes"]), 0, &["wrote"]);
    assert_eq!(log.lock().unwrap().len(), 2);
    assert_eq!(fs::read(dir.path().join("good.onnx")).unwrap(), network());
}

#[test]
fn a_server_without_length_and_ranges_will_do() {
    let dir = tempfile::tempdir().unwrap();
    let (address, _) = serve(Mood::Plain);
    let found = add(dir.path(), &format!("{address}/good.onnx"), &["--yes"]);
    expect(&found, 0, &["size unknown", "wrote"]);
}

#[test]
fn what_is_wrong_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (address, _) = serve(Mood::Good);
    let (boasting, _) = serve(Mood::Boasts);
    let (zeros, good) = ("0".repeat(64), format!("{address}/good.onnx"));
    for (url, more, code, part) in [
        (good.as_str(), &["--sha256", &zeros][..], 66, "its SHA-256 is"),
        (&good, &["--sha256", "12"], 64, "64 hexadecimal digits"),
        (&format!("{address}/other.onnx"), &[], 69, "the server answers 404"),
        (&format!("{address}/page.onnx"), &[], 66, "a web page"),
        (&format!("{boasting}/good.onnx"), &[], 66, "larger than 512 MiB"),
        ("http://127.0.0.1:1/x.onnx", &[], 69, "cannot fetch"),
        ("HTTPS://127.0.0.1:1/x.onnx", &[], 69, "cannot fetch https://127"),
        ("http://example.org/x.onnx", &[], 64, "use https"),
        ("ftp://example.org/x.onnx", &[], 64, "begins with https://"),
    ] {
        expect(&add(dir.path(), url, &[more, &["--yes"]].concat()), code, &[part]);
        assert_eq!(names(dir.path()), [""; 0], "{url}");
    }
}

#[test]
fn a_name_of_the_catalogue_brings_what_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("encoders");
    let (address, _) = serve(Mood::Good);
    let catalogue = dir.path().join("catalogue.toml");
    let entry = |name: &str, sha256: &str, more: &str| {
        format!(
            "[[encoder]]\nname = {name:?}\nabout = \"\"\nmodality = \"sound\"\nlicense = \"MIT\"\n\
             source = \"https://example.org\"\ninput = \"\"\nurl = \"{address}/good.onnx\"\n\
             sha256 = \"{sha256}\"\n{more}\n"
        )
    };
    let text = entry("patches", &sha256(), "add = { embedding = \"embedding\" }")
        + &entry("wrong", &"0".repeat(64), "");
    fs::write(&catalogue, text).unwrap();
    let more = ["--yes", "--catalogue", catalogue.to_str().unwrap()];
    expect(&add(&folder, "patches", &more), 0, &["licence MIT", "license = \"MIT\"", "wrote"]);
    assert_eq!(names(&folder), ["patches.onnx", "patches.toml"]);
    expect(&add(&folder, "wrong", &more), 66, &["was expected"]);
    // What was typed goes beside what the catalogue knows, and is asked before anything is fetched.
    let (ones, good) = ("1".repeat(64), sha256());
    let typed = |hash| [&more[..], &["--name", "typed", "--sha256", hash]].concat();
    let refused = add(&folder, "patches", &typed(&ones));
    expect(&refused, 64, &["is not that of patches", &good, &ones, "--sha256"]);
    expect(&add(&folder, "patches", &typed(&good)), 0, &["wrote"]);
    expect(&add(&folder, "patches", &more), 64, &["is taken"]);
    expect(&add(&folder, "efficientat_mn04", &["--yes"]), 69, &["PyTorch only", "github.com"]);
    expect(&add(&folder, "nothing", &["--yes"]), 66, &["no name that `models catalogue` lists"]);
}

#[test]
fn the_catalogue_is_listed() {
    let output = Command::new(env!("CARGO_BIN_EXE_habituate"))
        .args(["models", "catalogue"])
        .env("HABITUATE_ENCODERS", "/nowhere")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for words in ["mobilenet_v2", "Apache-2.0", "not tried", "not to be had", "models add NAME"] {
        assert!(text.contains(words), "{words:?} missing in: {text}");
    }
}
