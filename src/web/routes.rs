//! Which path leads where.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::config::manifest::Manifest;
use crate::emit::metrics;
use crate::emit::status::Status;
use crate::pipeline::control::Line;
use crate::web::api;
use crate::web::api::AskDoc;
use crate::web::api::Route;
use crate::web::socket;
use crate::web::socket::Reply;
use crate::web::socket::Request;

/// A daemon that does not tell its status within this time is stuck.
const STATUS_PATIENCE: Duration = Duration::from_secs(2);

/// What is answered without asking a source.
const STATUS: (&str, &str) = ("GET", "/status");
const METRICS: (&str, &str) = ("GET", "/metrics");

/// A source that can be asked.
#[derive(Debug, Clone)]
struct Extension {
    name: String,
    encoder: String,
    encoder_sha256: String,
    line: Line,
}

/// All sources that can be asked.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    sources: Vec<Extension>,
}

impl Exchange {
    /// Another source.
    pub fn add(&mut self, name: &str, encoder: &Manifest, line: Line) {
        self.sources.push(Extension {
            name: name.into(),
            encoder: encoder.name.clone(),
            encoder_sha256: encoder.sha256_hex(),
            line,
        });
    }

    /// What the socket serves; `status` says how the daemon is.
    pub fn routes(
        self,
        status: impl Fn() -> Status + Send + Sync + 'static,
    ) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
        move |request| {
            let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
            let asked = (request.method.as_str(), path);
            if asked == STATUS {
                return Reply::ok(status().to_json());
            }
            if asked == METRICS {
                return Reply::text(metrics::CONTENT_TYPE, metrics::to_text(&status()));
            }
            if let Some(route) = Route::ALL.into_iter().find(|route| route.line() == asked) {
                return self.ask(route, query, &request.body);
            }
            let mut lines = vec![STATUS, METRICS];
            lines.extend(Route::ALL.map(Route::line));
            if let Some((method, _)) = lines.iter().find(|(_, at)| *at == path) {
                return Reply::error(405, &format!("{path} answers to {method}"));
            }
            let lines: Vec<String> = lines.iter().map(|(m, at)| format!("{m} {at}")).collect();
            Reply::error(404, &format!("no such path; try {}", lines.join(", ")))
        }
    }

    fn ask(&self, route: Route, query: &str, body: &str) -> Reply {
        let mut doc = match AskDoc::from_json(body) {
            Ok(doc) => doc,
            Err(wrong) => return Reply::error(400, &wrong),
        };
        if let Some(source) = query.split('&').find_map(|pair| pair.strip_prefix("source=")) {
            doc.source = Some(source.into());
        }
        let extension = match self.find(doc.source.as_deref()) {
            Ok(extension) => extension,
            Err(reply) => return reply,
        };
        if let Some(found) = &doc.encoder_sha256
            && *found != extension.encoder_sha256
        {
            let why = format!(
                "{} listens with encoder {}, and these windows come from another file; choose that \
                 encoder with --encoder",
                extension.name, extension.encoder
            );
            return Reply::error(409, &why);
        }
        match doc.into_ask(route) {
            Ok(ask) => {
                let (status, doc) = api::answer(&extension.name, extension.line.ask(ask));
                Reply::json(status, doc.to_json())
            }
            Err(wrong) => Reply::error(400, &wrong),
        }
    }

    fn find(&self, wanted: Option<&str>) -> Result<&Extension, Reply> {
        let names: Vec<&str> = self.sources.iter().map(|source| source.name.as_str()).collect();
        match (wanted, self.sources.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => {
                let why = format!("say which source: {}", names.join(", "));
                Err(Reply::error(400, &why))
            }
            (Some(wanted), all) => {
                all.iter().find(|source| source.name == wanted).ok_or_else(|| {
                    let why = format!("no source {wanted:?}; there is {}", names.join(", "));
                    Reply::error(404, &why)
                })
            }
        }
    }
}

/// Asks the daemon of a state directory for its status document.
///
/// # Errors
///
/// The operating system's: `NotFound` or `ConnectionRefused` where no daemon runs.
pub fn status(state_dir: &Path) -> io::Result<String> {
    let request = Request { method: "GET".into(), path: "/status".into(), body: String::new() };
    socket::call(state_dir, &request, STATUS_PATIENCE).map(|reply| reply.body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::control;

    fn reply(exchange: &Exchange, method: &str, path: &str, body: &str) -> Reply {
        let routes = exchange.clone().routes(Status::default);
        routes(&Request { method: method.into(), path: path.into(), body: body.into() })
    }

    fn extension(name: &str, line: Line) -> Extension {
        Extension { name: name.into(), encoder: "e".into(), encoder_sha256: "00".into(), line }
    }

    #[test]
    fn wrong_ways_are_answered_with_the_right_one() {
        let ((a, _a), (b, _b)) = (control::line(), control::line());
        let exchange = Exchange { sources: vec![extension("mic", a), extension("door", b)] };
        let found = reply(&exchange, "GET", "/status", "");
        assert_eq!(Status::from_json(&found.body), Some(Status::default()), "{found:?}");
        assert_eq!(found.content_type, "application/json");
        let found = reply(&exchange, "GET", "/metrics", "");
        assert_eq!((found.status, found.content_type), (200, metrics::CONTENT_TYPE.into()));
        for (method, path, body, status, words) in [
            ("GET", "/secrets", "", 404, "GET /names"),
            ("POST", "/status", "", 405, "answers to GET"),
            ("POST", "/metrics", "", 405, "answers to GET"),
            ("GET", "/teach", "", 405, "answers to POST"),
            ("POST", "/teach", "{", 400, "EOF"),
            ("POST", "/names/undo", "", 400, "say which source: mic, door"),
            ("POST", "/names/undo", r#"{"source":"x"}"#, 404, "there is mic, door"),
            ("GET", "/names?source=y", "", 404, "no source"),
            ("POST", "/search", r#"{"source":"mic","encoder_sha256":"1"}"#, 409, "--encoder"),
            ("POST", "/search", r#"{"source":"mic"}"#, 400, "is missing"),
        ] {
            let found = reply(&exchange, method, path, body);
            assert_eq!(found.status, status, "{method} {path}: {found:?}");
            assert!(found.body.contains(words), "{method} {path}: {found:?}");
        }
    }

    #[test]
    fn a_source_that_has_ended_says_so_and_a_busy_one_too() {
        let (line, inbox) = control::line();
        let exchange = Exchange { sources: vec![extension("mic", line)] };
        drop(inbox);
        let found = reply(&exchange, "GET", "/names", "");
        assert_eq!(found.status, 503);
        assert!(found.body.contains("has ended"), "{found:?}");
    }
}
