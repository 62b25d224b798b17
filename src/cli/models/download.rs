//! Fetching a network over HTTP, when somebody has asked for that. The only file that uses the network
//! for anything that leaves this machine on purpose; the daemon never comes here.
//!
//! What has come is kept in `NAME.download` beside the encoders, with the server's name for that version
//! in `NAME.download.version`, so that a connection that was cut, or a program that was ended, goes on
//! where it stopped, and never joins halves of two versions.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use sha2::Digest;
use sha2::Sha256;
use ureq::Agent;
use ureq::Body;

use crate::cli::exit::EXIT_DISK;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::models::statuses;
use crate::cli::progress::Progress;

/// Largest file that is fetched: the largest network that is read.
const MOST_BYTES: u64 = 512 << 20;

/// Tries in a row, each of which must bring something.
const MOST_TRIES: usize = 20;

/// Until there is a connection, and then until there is an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Until the next bytes come.
const READ_WAIT: Duration = Duration::from_secs(60);

/// Bytes read at a time.
const BLOCK: usize = 64 << 10;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    /// `None` to take what comes.
    pub(super) sha256: Option<[u8; 32]>,
    /// Where what has come lies, without an ending.
    pub(super) place: &'a Path,
}

/// What came.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: [u8; 32],
}

/// Fetches a file; `agree` hears its size before anything but the beginning is fetched.
///
/// # Errors
///
/// [`EXIT_UNAVAILABLE`] where it cannot be had, [`EXIT_INPUT`] where it is not the right one.
pub(super) fn fetch(
    wanted: Wanted<'_>,
    agree: &mut dyn FnMut(Option<u64>) -> Result<(), Failure>,
) -> Result<Fetched, Failure> {
    refuse_open_ways(wanted)?;
    let part = Part::new(wanted.place);
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        // A server must not lead on to an open way either.
        .https_only(wanted.url.starts_with("https://") && wanted.sha256.is_none())
        .user_agent(concat!("habituate/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(ANSWER_WAIT))
        .timeout_recv_response(Some(ANSWER_WAIT))
        .timeout_per_read(Some(READ_WAIT))
        .build()
        .into();
    let mut agreed = false;
    for _ in 0..MOST_TRIES {
        let before = part.len();
        let answer = match ask(&agent, wanted, &part)? {
            Some(answer) => answer,
            None => continue,
        };
        let total = answer.total;
        if total.is_some_and(|total| MOST_BYTES < total) {
            return Err(too_large(wanted.url));
        }
        if !agreed {
            agree(total)?;
            agreed = true;
        }
        match part.take(answer, wanted.url)? {
            Taken::All => return part.finish(wanted),
            Taken::Cut(reason) if part.len() <= before => {
                let error = anyhow!("the connection was cut: {reason}; {}", part.next_time(wanted));
                return Err(Failure::new(EXIT_UNAVAILABLE, error));
            }
            Taken::Cut(_) => {}
        }
    }
    let error = anyhow!("the connection was cut {MOST_TRIES} times; {}", part.next_time(wanted));
    Err(Failure::new(EXIT_UNAVAILABLE, error))
}

/// Without TLS anybody on the way could exchange the file, unless its hash is known.
fn refuse_open_ways(wanted: Wanted<'_>) -> Result<(), Failure> {
    if wanted.url.starts_with("https://") || of_this_machine(wanted.url) || wanted.sha256.is_some()
    {
        return Ok(());
    }
    let error = anyhow!(
        "{} can be changed by anybody on the way; use https, or say with --sha256 what it must be",
        wanted.url
    );
    Err(Failure::new(EXIT_USAGE, error))
}

/// Whether the host is this machine, and not one whose name only begins so.
fn of_this_machine(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|own| {
        authority.strip_prefix(own).is_some_and(|rest| {
            let port = rest.strip_prefix(':').map(|port| port.parse::<u16>().is_ok());
            rest.is_empty() || port == Some(true)
        })
    })
}

fn too_large(url: &str) -> Failure {
    let error = anyhow!("{url} is larger than {} MiB, the most that is read", MOST_BYTES >> 20);
    Failure::new(EXIT_INPUT, error)
}

/// What has come so far.
struct Part {
    file: PathBuf,
    version: PathBuf,
}

/// A good answer.
struct Answer {
    body: Body,
    /// Where in the file it begins.
    from: u64,
    /// Length of the whole file.
    total: Option<u64>,
    /// The server's name for this version.
    version: Option<String>,
}

enum Taken {
    All,
    Cut(String),
}

/// Asks for what is missing; `None` where the part was of no use and has been removed.
fn ask(agent: &Agent, wanted: Wanted<'_>, part: &Part) -> Result<Option<Answer>, Failure> {
    let (url, have) = (wanted.url, part.len());
    let mut request = agent.get(url);
    if 0 < have && part.goes_on(wanted) {
        request = request.header("Range", format!("bytes={have}-"));
        if let Some(version) = part.version() {
            request = request.header("If-Range", version);
        }
    }
    let unreachable = |error: ureq::Error| anyhow!("cannot fetch {url}: {error}");
    let response = request.call().map_err(unreachable).or_exit(EXIT_UNAVAILABLE)?;
    let status = response.status();
    let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.trim().to_owned());
    // RFC 9110: only a strong name holds for parts of a file.
    let version = header("etag").filter(|tag| !tag.starts_with("W/")).or(header("last-modified"));
    let length: Option<u64> = header("content-length").and_then(|text| text.parse().ok());
    match status.as_u16() {
        200 => Ok(Some(Answer { body: response.into_body(), from: 0, total: length, version })),
        206 => {
            let range = header("content-range").unwrap_or_default();
            let (from, total) = content_range(&range).unwrap_or((u64::MAX, None));
            if from != have {
                part.remove();
                return Ok(None);
            }
            Ok(Some(Answer { body: response.into_body(), from, total, version }))
        }
        // Nothing follows what is there, so that is not a part of this file, or all of it unchecked.
        416 if 0 < have => {
            part.remove();
            Ok(None)
        }
        _ => {
            let shown = status.to_string();
            let error = statuses::refusal(url, status.as_u16(), &shown, have);
            Err(Failure::new(EXIT_UNAVAILABLE, error))
        }
    }
}

/// `bytes 100-199/200`: where it begins, and the length of all.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()))
}

impl Part {
    fn new(place: &Path) -> Self {
        let with = |end: &str| {
            let mut name = place.file_name().unwrap_or_default().to_os_string();
            name.push(end);
            place.with_file_name(name)
        };
        Self { file: with(".download"), version: with(".download.version") }
    }

    fn len(&self) -> u64 {
        fs::metadata(&self.file).map_or(0, |metadata| metadata.len())
    }

    fn version(&self) -> Option<String> {
        fs::read_to_string(&self.version).ok().filter(|text| !text.is_empty())
    }

    /// Whether the rest can be joined: with neither, nothing would tell that it is of another version.
    fn goes_on(&self, wanted: Wanted<'_>) -> bool {
        self.version().is_some() || wanted.sha256.is_some()
    }

    fn next_time(&self, wanted: Wanted<'_>) -> String {
        statuses::next_time(self.len(), self.goes_on(wanted))
    }

    fn remove(&self) {
        // What is left is written over from its beginning.
        for path in [&self.file, &self.version] {
            drop(fs::remove_file(path));
        }
    }

    /// Writes what comes; a cut connection is no error here.
    fn take(&self, answer: Answer, url: &str) -> Result<Taken, Failure> {
        let mut file = self.open(answer.from, answer.version.as_deref()).map_err(|error| {
            let shown = self.file.display();
            Failure::new(
                EXIT_DISK,
                anyhow::Error::new(error).context(format!("cannot write {shown}")),
            )
        })?;
        let progress = Progress::new(answer.total.map(|total| total as f64));
        let mut have = answer.from;
        let mut reader = answer.body.into_reader();
        let mut block = vec![0; BLOCK];
        let ended = loop {
            let count = match reader.read(&mut block) {
                Ok(0) => break None,
                Ok(count) => count,
                Err(error) => break Some(error.to_string()),
            };
            file.write_all(&block[..count]).or_exit(EXIT_DISK)?;
            have += count as u64;
            if MOST_BYTES < have {
                self.remove();
                return Err(too_large(url));
            }
            progress.at(have as f64, format!("{:.1} MB", have as f64 / 1e6));
        };
        progress.done();
        file.sync_all().or_exit(EXIT_DISK)?;
        Ok(match (ended, answer.total) {
            (Some(reason), _) => Taken::Cut(reason),
            (None, Some(total)) if have < total => Taken::Cut(format!("{have} of {total} bytes")),
            (None, _) => Taken::All,
        })
    }

    /// Ready to be written from `from` on.
    fn open(&self, from: u64, version: Option<&str>) -> io::Result<File> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        if 0 < from {
            return File::options().append(true).open(&self.file);
        }
        fs::write(&self.version, version.unwrap_or_default())?;
        File::create(&self.file)
    }

    /// All has come: is it the right one? A wrong one is thrown away, since no part of it is of use.
    fn finish(&self, wanted: Wanted<'_>) -> Result<Fetched, Failure> {
        let bytes = fs::read(&self.file).or_exit(EXIT_DISK)?;
        self.remove();
        let found: [u8; 32] = Sha256::digest(&bytes).into();
        if let Some(expected) = wanted.sha256 {
            hold_to(expected, found, wanted.url)?;
        }
        Ok(Fetched { bytes, sha256: found })
    }
}

/// Refuses another file than the one that was expected.
pub(super) fn hold_to(expected: [u8; 32], found: [u8; 32], shown: &str) -> Result<(), Failure> {
    if expected == found {
        return Ok(());
    }
    let error = anyhow!(
        "{shown} is not the file that was expected: its SHA-256 is {}, and {} was expected; nothing \
         was kept",
        hex(found),
        hex(expected)
    );
    Err(Failure::new(EXIT_INPUT, error))
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 100-199/200"), Some((100, Some(200))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(content_range("items 5-9/10"), None);
    }

    #[test]
    fn an_open_way_needs_a_hash() {
        let place = Path::new("/nowhere/x");
        let refused = |url, sha256| refuse_open_ways(Wanted { url, sha256, place }).is_err();
        assert!(refused("http://example.org/x.onnx", None));
        assert!(!refused("http://example.org/x.onnx", Some([0; 32])));
        assert!(!refused("https://example.org/x.onnx", None));
        assert!(!refused("http://127.0.0.1:9/x.onnx", None));
        assert!(refused("http://127.0.0.1.example.org/x.onnx", None));
        assert!(refused("http://localhost@example.org/x.onnx", None));
        assert!(refused("http://localhost1/x.onnx", None));
        assert!(refused("http://localhost:1@example.org/x.onnx", None));
    }
}
