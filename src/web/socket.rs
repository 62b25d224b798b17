//! HTTP on a Unix socket in the state directory (`place.rs` knows where else). Only who may enter that directory
//! can ask.
//!
//! One request per connection, bounded in size and time. Each connection has a thread, up to
//! `MOST_ASKERS`; further ones are told to come back, so that a slow asker delays nobody and many
//! askers take no memory.

use std::fs;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::base::stop::Stop;
use crate::base::stop::Woke;
use crate::web::place;

/// Head of a request at most.
const HEAD_BYTES: usize = 8_192;
/// Body of a request at most: the windows of one example.
pub const BODY_BYTES: usize = 16 << 20;
/// An asker slower than this is left.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause between looks for a new asker.
const POLL: Duration = Duration::from_millis(50);
/// Askers at a time.
const MOST_ASKERS: usize = 8;

/// The media type of nearly everything.
const JSON: &str = "application/json";

/// What somebody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// With the query.
    pub path: String,
    /// JSON, or nothing.
    pub body: String,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP's number.
    pub status: u16,
    /// The body's media type.
    pub content_type: String,
    /// JSON, or as `content_type` says.
    pub body: String,
}

impl Reply {
    /// Done.
    pub fn ok(body: String) -> Self {
        Self::json(200, body)
    }

    /// JSON with any status.
    pub fn json(status: u16, body: String) -> Self {
        Self { status, content_type: JSON.into(), body }
    }

    /// Done, and answered in a format of its own.
    pub fn text(content_type: &str, body: String) -> Self {
        Self { status: 200, content_type: content_type.into(), body }
    }

    /// Not done, and why.
    pub fn error(status: u16, why: &str) -> Self {
        Self::json(status, serde_json::json!({ "error": why }).to_string() + "\n")
    }
}

const fn words(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        503 => "Service Unavailable",
        507 => "Insufficient Storage",
        _ => "Error",
    }
}

/// Serves until `stop`. The socket file is removed at the end.
///
/// # Errors
///
/// The operating system's, when the socket or the thread cannot be made.
pub fn serve(
    state_dir: &Path,
    stop: Stop,
    routes: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> io::Result<JoinHandle<()>> {
    let (path, listener) = place::bind(state_dir)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660))?;
    listener.set_nonblocking(true)?;
    let (routes, askers) = (Arc::new(routes), Arc::new(AtomicUsize::new(0)));
    thread::Builder::new().name("control".into()).spawn(move || {
        while stop.sleep(POLL) == Woke::TimeUp {
            while let Ok((stream, _)) = listener.accept() {
                admit(stream, &routes, &askers);
            }
        }
        remove(&path);
    })
}

fn remove(path: &PathBuf) {
    if let Err(error) = fs::remove_file(path) {
        log::debug!("cannot remove {}: {error}", path.display());
    }
}

/// A thread for the asker, or a word that there is none.
fn admit(
    mut stream: UnixStream,
    routes: &Arc<impl Fn(&Request) -> Reply + Send + Sync + 'static>,
    askers: &Arc<AtomicUsize>,
) {
    if MOST_ASKERS <= askers.load(Ordering::Relaxed) {
        let busy = Reply::error(503, "too many ask at once; try again");
        return log_gone(write(&mut stream, &busy));
    }
    askers.fetch_add(1, Ordering::Relaxed);
    let (routes, leaving) = (Arc::clone(routes), Arc::clone(askers));
    let spawned = thread::Builder::new().name("asker".into()).spawn(move || {
        log_gone(answer(stream, routes.as_ref()));
        leaving.fetch_sub(1, Ordering::Relaxed);
    });
    if spawned.is_err() {
        askers.fetch_sub(1, Ordering::Relaxed);
    }
}

fn log_gone(result: io::Result<()>) {
    if let Err(error) = result {
        log::debug!("an asker went away: {error}");
    }
}

fn answer(mut stream: UnixStream, routes: &impl Fn(&Request) -> Reply) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let reply = match read(&mut stream)? {
        Ok(request) => routes(&request),
        Err(refused) => refused,
    };
    write(&mut stream, &reply)
}

fn write(stream: &mut UnixStream, reply: &Reply) -> io::Result<()> {
    let Reply { status, content_type, body } = reply;
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        words(*status),
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

fn read(stream: &mut UnixStream) -> io::Result<Result<Request, Reply>> {
    let mut bytes = Vec::new();
    let mut part = [0_u8; 4_096];
    let head_len = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let count = if bytes.len() < HEAD_BYTES { stream.read(&mut part)? } else { 0 };
        if count == 0 {
            return Ok(Err(Reply::error(400, "not HTTP, or a head that never ends")));
        }
        bytes.extend_from_slice(&part[..count]);
    };
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut headers);
    let is_complete = parsed.parse(&bytes[..head_len]).is_ok_and(|status| status.is_complete());
    let (true, Some(method), Some(path)) = (is_complete, parsed.method, parsed.path) else {
        return Ok(Err(Reply::error(400, "not HTTP")));
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let length = parsed
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .map_or(Some(0), |header| str::from_utf8(header.value).ok()?.trim().parse().ok());
    let Some(length) = length.filter(|&length: &usize| length <= BODY_BYTES) else {
        let why = format!("a body of at most {BODY_BYTES} bytes is read");
        return Ok(Err(Reply::error(413, &why)));
    };
    let mut body = bytes.split_off(head_len);
    while body.len() < length {
        let count = stream.read(&mut part)?;
        if count == 0 {
            return Ok(Err(Reply::error(400, "the body is shorter than its Content-Length")));
        }
        body.extend_from_slice(&part[..count]);
    }
    body.truncate(length);
    Ok(match String::from_utf8(body) {
        Ok(body) => Ok(Request { method, path, body }),
        Err(_) => Err(Reply::error(400, "the body is not UTF-8")),
    })
}

/// Asks the daemon of a state directory, and waits for its answer for as long as `patience`.
///
/// # Errors
///
/// The operating system's: `NotFound` or `ConnectionRefused` where no daemon runs.
pub fn call(state_dir: &Path, request: &Request, patience: Duration) -> io::Result<Reply> {
    let mut stream = place::connect(state_dir)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let Request { method, path, body } = request;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::other("the daemon's answer is not HTTP"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("the daemon's answer has no status"))?;
    let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: "));
    let content_type = content_type.unwrap_or_default().into();
    Ok(Reply { status, content_type, body: body.into() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::web::place::NAME;

    fn echo(request: &Request) -> Reply {
        Reply::ok(format!("{} {} {}", request.method, request.path, request.body.len()))
    }

    fn raw(dir: &Path, request: &str) -> String {
        let mut stream = UnixStream::connect(dir.join(NAME)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn requests_of_any_size_are_answered_and_rubbish_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let stop = Stop::default();
        let thread = serve(dir.path(), stop.clone(), echo).unwrap();
        for length in [0, 1, 5_000, 1_000_000] {
            let request =
                Request { method: "POST".into(), path: "/x?y=1".into(), body: "a".repeat(length) };
            let reply = call(dir.path(), &request, PATIENCE).unwrap();
            assert_eq!(reply, Reply::ok(format!("POST /x?y=1 {length}")));
        }
        for (request, expected) in [
            ("\x16\x03\x01 rubbish\r\n\r\n", "400"),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", "413"),
            ("POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", "413"),
        ] {
            let answer = raw(dir.path(), request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{request:?}: {answer}");
        }
        stop.request();
        thread.join().unwrap();
        let gone = Request { method: "GET".into(), path: "/".into(), body: String::new() };
        assert!(call(dir.path(), &gone, PATIENCE).is_err(), "the socket is gone");
    }

    #[test]
    fn one_who_says_nothing_does_not_keep_others_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let stop = Stop::default();
        let thread = serve(dir.path(), stop.clone(), echo).unwrap();
        let silent: Vec<UnixStream> =
            (0..3).map(|_| UnixStream::connect(dir.path().join(NAME)).unwrap()).collect();
        let request = Request { method: "GET".into(), path: "/".into(), body: String::new() };
        assert_eq!(call(dir.path(), &request, PATIENCE).unwrap().status, 200);
        drop(silent);
        stop.request();
        thread.join().unwrap();
    }

    #[test]
    fn a_socket_left_by_a_killed_process_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(dir.path().join(NAME)).unwrap());
        let stop = Stop::default();
        let thread = serve(dir.path(), stop.clone(), echo).unwrap();
        assert!(raw(dir.path(), "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200"));
        stop.request();
        thread.join().unwrap();
    }
}
