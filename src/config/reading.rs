//! From a text to what is written in it, with everything that is wrong at once.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;
use toml::de::Deserializer;

/// Reads a text. A key that is unknown or of the wrong kind is told, then left out, so that the next
/// one is found, too.
///
/// # Errors
///
/// What is wrong, each with its line, in the order of the reader; where the text is not TOML, only that.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut table = DeTable::parse(text).map_err(|error| error.to_string())?;
    let (mut complaints, mut left_out): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    loop {
        let mut error = match T::deserialize(Deserializer::from(table.clone())) {
            Ok(read) if complaints.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(error) => error,
        };
        // What was left out is missing now by our own doing.
        let by_us = |key: &String| error.message() == format!("missing field `{key}`");
        if left_out.iter().any(by_us) {
            break;
        }
        let key = error.span().and_then(|span| take_out(table.get_mut(), &span));
        error.set_input(Some(text));
        complaints.push(error.to_string() + elsewhere(error.message()));
        match key {
            Some(key) => left_out.push(key),
            None => break,
        }
    }
    Err(complaints.join("\n"))
}

/// Where what an unknown key asks for is to be had; empty for all others.
fn elsewhere(message: &str) -> &'static str {
    match message.starts_with("unknown field `cross_modal`") {
        true => {
            "what belongs together across two sources is learnt where one names the other: source.beside\n"
        }
        false => "",
    }
}

/// Removes the entry whose key or value stands there, and says which it was.
fn take_out(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let stands = |key: &Range<usize>, value: &Range<usize>| key == span || value == span;
    let key = table.iter().find(|(key, value)| stands(&key.span(), &value.span()));
    if let Some(key) = key.map(|(key, _)| key.get_ref().to_string()) {
        table.remove(key.as_str());
        return Some(key);
    }
    table.iter_mut().find_map(|(_, value)| take_out_of(value, span))
}

fn take_out_of(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<String> {
    match value.get_mut() {
        DeValue::Table(table) => take_out(table, span),
        DeValue::Array(items) => items.iter_mut().find_map(|item| take_out_of(item, span)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::daemon::DaemonToml;

    #[test]
    fn every_unknown_key_and_wrong_kind_is_told_with_its_line() {
        let text = "seed = 1\nsede = 2\n[checkpoint]\nevery = 1.0\nevery_s = 60.0\n\
                    predecessors = \"x\"\n[[source]]\nkind = \"camera\"\n[[source]]\nkind = \"mike\"\n\
                    colour = 1\n";
        let shown = read::<DaemonToml>(text).unwrap_err();
        for words in [
            "line 2", "`sede`", "line 4", "`every`", "line 6", "line 10", "`mike`", "line 11",
            "`colour`",
        ] {
            assert!(shown.contains(words), "{words:?} missing in:\n{shown}");
        }
        for words in ["line 1,", "line 5", "line 8", "missing"] {
            assert!(!shown.contains(words), "{words:?} is in:\n{shown}");
        }
    }

    #[test]
    fn an_objective_across_two_sources_is_pointed_to_where_it_is_asked_for() {
        let shown = read::<DaemonToml>("[learn]\ncross_modal = 1.0\nwidht = 1\n").unwrap_err();
        assert_eq!(shown.matches("source.beside").count(), 1, "{shown}");
    }

    #[test]
    fn what_is_missing_and_what_is_no_toml_is_told_once() {
        let shown = read::<DaemonToml>("sede = 1\n[[source]]\nname = \"a\"\n").unwrap_err();
        assert!(shown.contains("`sede`") && shown.contains("missing field `kind`"), "{shown}");
        let shown = read::<DaemonToml>("seed = = 1\n").unwrap_err();
        assert_eq!(shown.matches("TOML parse error").count(), 1, "{shown}");
        assert_eq!(read::<DaemonToml>("seed = 7\n").unwrap().seed, Some(7));
    }
}
