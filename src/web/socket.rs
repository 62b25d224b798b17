//! HTTP on a Unix socket in the state directory. Only who may enter that directory can ask.
//!
//! One route, `GET /status`, answers with the status document. One request per connection, bounded
//! in size and time, answered on one thread: a slow asker delays other askers, never the daemon.

use std::fs;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::base::stop::Stop;
use crate::base::stop::Woke;

/// The socket's name in the state directory.
pub const NAME: &str = "control.sock";

/// A request larger than this is refused.
const REQUEST_BYTES: usize = 4_096;
/// An asker slower than this is left.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause between looks for a new asker.
const POLL: Duration = Duration::from_millis(50);

/// Serves until `stop`; `status` makes the document. The socket file is removed at the end.
///
/// # Errors
///
/// The operating system's, when the socket or the thread cannot be made.
pub fn serve(
    state_dir: &Path,
    stop: Stop,
    status: impl Fn() -> String + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let path = state_dir.join(NAME);
    // Whoever holds the directory's lock owns the socket: one left by a killed process is ours.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660))?;
    listener.set_nonblocking(true)?;
    thread::Builder::new().name("control".into()).spawn(move || {
        while stop.sleep(POLL) == Woke::TimeUp {
            while let Ok((stream, _)) = listener.accept() {
                if let Err(error) = answer(stream, &status) {
                    log::debug!("an asker went away: {error}");
                }
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

fn answer(mut stream: UnixStream, status: &impl Fn() -> String) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut part = [0_u8; 512];
    while !request.windows(4).any(|w| w == b"\r\n\r\n") && request.len() < REQUEST_BYTES {
        let count = stream.read(&mut part)?;
        if count == 0 {
            break;
        }
        request.extend_from_slice(&part[..count]);
    }
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut headers);
    let complete = parsed.parse(&request).is_ok_and(|status| status.is_complete());
    let (line, body) = match (complete, parsed.method, parsed.path) {
        (true, Some("GET"), Some("/status")) => ("200 OK", status()),
        (true, Some("GET"), _) => ("404 Not Found", "{\"error\":\"try GET /status\"}\n".into()),
        (true, ..) => ("405 Method Not Allowed", "{\"error\":\"only GET\"}\n".into()),
        (false, ..) => ("400 Bad Request", "{\"error\":\"not HTTP\"}\n".into()),
    };
    let head = format!(
        "HTTP/1.1 {line}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// Asks the daemon of a state directory for its status document.
///
/// # Errors
///
/// The operating system's: `NotFound` or `ConnectionRefused` where no daemon runs.
pub fn ask_status(state_dir: &Path) -> io::Result<String> {
    let mut stream = UnixStream::connect(state_dir.join(NAME))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.into())
        .ok_or_else(|| io::Error::other("the daemon's answer is not HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_answered_and_rubbish_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let stop = Stop::default();
        let thread = serve(dir.path(), stop.clone(), || "{\"up\":1}\n".into()).unwrap();
        assert_eq!(ask_status(dir.path()).unwrap(), "{\"up\":1}\n");

        for (request, expected) in [
            ("GET /secrets HTTP/1.1\r\n\r\n", "404"),
            ("POST /status HTTP/1.1\r\n\r\n", "405"),
            ("\x16\x03\x01 rubbish\r\n\r\n", "400"),
        ] {
            let mut stream = UnixStream::connect(dir.path().join(NAME)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{request:?}: {answer}");
        }

        stop.request();
        thread.join().unwrap();
        assert!(ask_status(dir.path()).is_err(), "the socket is gone");
    }

    #[test]
    fn a_socket_left_by_a_killed_process_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(dir.path().join(NAME)).unwrap());
        let stop = Stop::default();
        let thread = serve(dir.path(), stop.clone(), String::new).unwrap();
        assert_eq!(ask_status(dir.path()).unwrap(), "");
        stop.request();
        thread.join().unwrap();
    }
}
