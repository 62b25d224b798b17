//! The log where standard error is systemd's journal.
//!
//! Records go there by its own protocol, with fields, so that `journalctl SOURCE=mic` finds all of a
//! source: a datagram of lines `NAME=value` (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL>). Where the
//! socket does not answer, and for what is no record, lines with a level in front do, as `sd-daemon(3)`
//! has it.

use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::path::PathBuf;

use log::Level;
use log::Log;
use log::Metadata;
use log::Record;
use log::kv::Error;
use log::kv::Key;
use log::kv::Value;
use log::kv::VisitSource;

const SOCKET: &str = "/run/systemd/journal/socket";

/// Longest message: a datagram has to fit into the socket's buffer, 208 KiB by default.
const MESSAGE_CHARS: usize = 32 << 10;

/// Whether standard error goes to the journal, which understands `<4>` at the beginning of a line
/// and writes its own times.
pub(crate) fn is_journal() -> bool {
    stderr_in_journal().is_some()
}

/// What standard error is, if `JOURNAL_STREAM` names it.
fn stderr_in_journal() -> Option<fs::Metadata> {
    let stream = std::env::var_os("JOURNAL_STREAM")?;
    let stderr = fs::metadata("/proc/self/fd/2").ok()?;
    // A child whose output was redirected inherits the variable, and must not be taken in by it.
    let is_named = stream.to_string_lossy() == format!("{}:{}", stderr.dev(), stderr.ino());
    is_named.then_some(stderr)
}

/// Starts the log: with fields where the journal's socket is there, else with levels in front.
pub(crate) fn start_log(mut log: env_logger::Builder) {
    log.format(|out, record| writeln!(out, "{}", line(record)));
    // What is named is a file where somebody plays the journal; its socket would be another's.
    let is_socket = stderr_in_journal().is_some_and(|stderr| stderr.file_type().is_socket());
    match UnixDatagram::unbound() {
        Ok(socket) if is_socket && Path::new(SOCKET).exists() => {
            let lines = log.build();
            log::set_max_level(lines.filter());
            let journal = Journal { socket, path: SOCKET.into(), lines };
            // Refused only where a log has been started already, which then goes on.
            drop(log::set_boxed_logger(Box::new(journal)));
        }
        _ => log.init(),
    }
}

/// Text for standard error, each line with the level of an error in front.
pub(crate) fn as_error(text: &str) -> String {
    let prefix = priority_prefix(Level::Error);
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| format!("{prefix}{line}\n")).collect()
}

fn line(record: &Record<'_>) -> String {
    // A line of the journal is one entry; the rest would lose its level.
    let words = record.args().to_string().replace('\n', "; ");
    format!("{}{words}", priority_prefix(record.level()))
}

fn priority_prefix(level: Level) -> String {
    format!("<{}>", priority(level))
}

/// The journal's number for a level, that of `syslog(3)`.
const fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// The journal's socket, and lines for when it does not answer.
#[derive(Debug)]
struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
    /// Decides what is logged, too.
    lines: env_logger::Logger,
}

impl Journal {
    fn send(&self, record: &Record<'_>) -> io::Result<()> {
        let entry = entry(record);
        // Addressed anew each time, so that a journal that was started again is found.
        let sent = self.socket.send_to(&entry, &self.path)?;
        if sent == entry.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }
}

impl Log for Journal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.lines.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.lines.matches(record) && self.send(record).is_err() {
            self.lines.log(record);
        }
    }

    fn flush(&self) {
        self.lines.flush();
    }
}

/// A record as the journal takes it. Its own values, such as `source`, become fields in capitals.
fn entry(record: &Record<'_>) -> Vec<u8> {
    let mut fields = Fields(Vec::new());
    let message: String = record.args().to_string().chars().take(MESSAGE_CHARS).collect();
    fields.put("MESSAGE", &message);
    fields.put("PRIORITY", &priority(record.level()).to_string());
    fields.put("SYSLOG_IDENTIFIER", env!("CARGO_PKG_NAME"));
    fields.put("TARGET", record.target());
    for (name, value) in [("CODE_MODULE", record.module_path()), ("CODE_FILE", record.file())] {
        value.into_iter().for_each(|value| fields.put(name, value));
    }
    record.line().into_iter().for_each(|line| fields.put("CODE_LINE", &line.to_string()));
    // Never fails: the visitor below does not.
    drop(record.key_values().visit(&mut fields));
    fields.0
}

/// Fields of a datagram.
struct Fields(Vec<u8>);

impl Fields {
    /// `NAME=value`, or where the value has several lines, the name, its length as 64 bits, and it.
    fn put(&mut self, name: &str, value: &str) {
        let bytes = &mut self.0;
        bytes.extend_from_slice(name.as_bytes());
        if value.contains('\n') {
            bytes.push(b'\n');
            bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            bytes.push(b'=');
        }
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(b'\n');
    }
}

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let name = key.as_str().to_ascii_uppercase();
        // A name that begins with `_` is the journal's own, and any other sign makes it refuse all.
        let is_sign = |c: char| c == '_' || c.is_ascii_alphanumeric();
        if name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(is_sign) {
            self.put(&name, &value.to_string());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a journal of our own gets, as text.
    fn received(journal: &UnixDatagram) -> String {
        let mut buffer = vec![0; 256 << 10];
        let length = journal.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    fn connected(path: &Path) -> (UnixDatagram, Journal) {
        let theirs = UnixDatagram::bind(path).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let lines = env_logger::Builder::new().filter_level(log::LevelFilter::Info).build();
        let socket = UnixDatagram::unbound().unwrap();
        (theirs, Journal { socket, path: path.into(), lines })
    }

    #[test]
    fn a_record_becomes_fields_and_the_source_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let (theirs, journal) = connected(&dir.path().join("socket"));
        let values = [("source", "mic"), ("_trusted", "no"), ("a b", "no")];
        journal.log(
            &Record::builder()
                .args(format_args!("it went away"))
                .level(Level::Warn)
                .target("habituate::capture")
                .module_path(Some("habituate::capture::supervised"))
                .line(Some(7))
                .key_values(&values)
                .build(),
        );
        assert_eq!(
            received(&theirs),
            "MESSAGE=it went away\nPRIORITY=4\nSYSLOG_IDENTIFIER=habituate\n\
             TARGET=habituate::capture\nCODE_MODULE=habituate::capture::supervised\nCODE_LINE=7\n\
             SOURCE=mic\n"
        );
    }

    #[test]
    fn several_lines_stay_one_message_and_a_long_one_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let (theirs, journal) = connected(&dir.path().join("socket"));
        let record = |words: &str| {
            journal
                .log(&Record::builder().args(format_args!("{words}")).level(Level::Error).build());
            received(&theirs)
        };
        assert!(record("a\nbc").starts_with("MESSAGE\n\u{4}\0\0\0\0\0\0\0a\nbc\nPRIORITY=3\n"));
        let long = record(&"ü".repeat(1 << 20));
        assert!(long.contains(&format!("MESSAGE={}\nPRIORITY", "ü".repeat(MESSAGE_CHARS))));
    }

    #[test]
    fn what_is_below_the_level_is_not_sent() {
        let dir = tempfile::tempdir().unwrap();
        let (theirs, journal) = connected(&dir.path().join("socket"));
        journal.log(&Record::builder().args(format_args!("x")).level(Level::Debug).build());
        assert_eq!(theirs.recv(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_journal_that_is_gone_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (theirs, journal) = connected(&dir.path().join("socket"));
        drop(theirs);
        let record = Record::builder().args(format_args!("x")).build();
        assert!(journal.send(&record).is_err());
    }

    #[test]
    fn every_line_of_an_error_has_its_level() {
        assert_eq!(as_error("habituate: a\n\n  b\n"), "<3>habituate: a\n<3>  b\n");
    }
}
