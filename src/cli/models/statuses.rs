//! What a server means that does not give a file, and what to do about it.

use anyhow::Error;
use anyhow::anyhow;

/// From an answer other than the file: `status` is its number, `shown` with words; `kept` bytes lie here.
pub(super) fn refusal(url: &str, status: u16, shown: &str, kept: u64) -> Error {
    match status {
        404 | 410 => anyhow!("{url} is not there: the server answers {shown}"),
        401 | 403 | 407 => anyhow!(
            "{url} needs permission: the server answers {shown}; fetch the file with a browser, after \
             signing in, and add the file"
        ),
        408 | 425 | 429 | 500..=599 => {
            let kept = if kept == 0 { String::new() } else { format!("; {kept} bytes are kept") };
            anyhow!("{url} cannot be had now: the server answers {shown}; try later{kept}")
        }
        _ => anyhow!("{url} cannot be fetched: the server answers {shown}"),
    }
}

/// What the same command does where a server does not give parts of a file.
pub(super) const NO_PARTS: &str =
    "the server gives whole files alone, and the same command begins again";

/// What the same command makes of `kept` bytes after a cut. Only a version that the server has named, or
/// a known hash, holds the rest to what is here.
pub(super) fn next_time(kept: u64, goes_on: bool) -> String {
    match (kept, goes_on) {
        (0, _) => "nothing is kept, and the same command begins again".into(),
        (_, true) => format!("{kept} bytes are kept, and the same command goes on from there"),
        (_, false) => format!(
            "{kept} bytes are kept, but the server does not say of which version they are: the same \
             command begins again, and with --sha256 it goes on from there"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_answer_has_its_advice() {
        for (status, expected) in [
            (404, "is not there"),
            (410, "is not there"),
            (401, "needs permission"),
            (403, "needs permission"),
            (429, "try later; 7 bytes are kept"),
            (503, "try later; 7 bytes are kept"),
            (418, "cannot be fetched: the server answers"),
        ] {
            let words = refusal("u", status, "so", 7).to_string();
            assert!(words.contains(expected) && words.contains("answers so"), "{status}: {words}");
            assert_eq!(words.contains("is not there"), [404, 410].contains(&status), "{words}");
        }
        assert!(refusal("u", 500, "so", 0).to_string().ends_with("try later"));
    }
}
