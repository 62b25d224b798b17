//! Fetching a network over HTTP, when somebody has asked for that. The only file that uses the network
//! for anything that leaves this machine on purpose; the daemon never comes here.

use std::time::Duration;

use anyhow::anyhow;
use ureq::Agent;

use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::models::part::Answer;
use crate::cli::models::part::Fetched;
use crate::cli::models::part::Part;
use crate::cli::models::part::Taken;
use crate::cli::models::part::Wanted;
use crate::cli::models::part::too_large;
use crate::cli::models::statuses;
use crate::encode::network::MOST_BYTES;

/// Tries in a row, each of which must bring something.
const MOST_TRIES: usize = 20;

/// Until there is a connection, and then until there is an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Until the next bytes come.
const READ_WAIT: Duration = Duration::from_secs(60);

/// Fetches a file, which then lies in its [`Part`]; `agree` hears its size before anything but the beginning
/// is fetched.
///
/// # Errors
///
/// [`EXIT_UNAVAILABLE`] where it cannot be had, `EXIT_INPUT` where it is not the right one, `EXIT_DISK` where
/// it cannot be written.
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
        match part.take(answer, wanted)? {
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

/// Asks for what is missing; `None` where the part was of no use and has been removed.
fn ask(agent: &Agent, wanted: Wanted<'_>, part: &Part) -> Result<Option<Answer>, Failure> {
    let (url, have) = (wanted.url, part.len());
    let mut request = agent.get(url);
    let asks_for_rest = 0 < have && part.goes_on(wanted);
    if asks_for_rest {
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
        200 => {
            // All of it again, although it is the version that is here.
            let ignored =
                asks_for_rest && part.version().is_none_or(|v| Some(&v) == version.as_ref());
            let refused = header("accept-ranges").is_some_and(|ranges| ranges == "none");
            part.gives_no_parts.set(ignored || refused);
            let body = Box::new(response.into_body().into_reader());
            Ok(Some(Answer { body, from: 0, total: length, version }))
        }
        206 => {
            let range = header("content-range").unwrap_or_default();
            let (from, total) = content_range(&range).unwrap_or((u64::MAX, None));
            if from != have {
                part.remove();
                return Ok(None);
            }
            let body = Box::new(response.into_body().into_reader());
            Ok(Some(Answer { body, from, total, version }))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

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
