//! Single keys of a drafted manifest that a person has said.

use crate::config::manifest::Manifest;
use crate::config::manifest::ManifestError;
use crate::encode::error::EncodeError;

/// The text with single keys replaced, in order; written anew by the TOML library where there are any.
/// Whether all keys fit together is for [`Manifest::parse`]: one may need the next.
///
/// # Errors
///
/// [`EncodeError::Setting`] for a key that no manifest has, or a value of the wrong kind.
pub(super) fn with_settings(
    text: String,
    settings: &[(String, String)],
) -> Result<String, EncodeError> {
    if settings.is_empty() {
        return Ok(text);
    }
    let mut table: toml::Table = text.parse().map_err(|e: toml::de::Error| wrong("--set", &e))?;
    let mut text = text;
    for (key, value) in settings {
        let option = format!("--set {key}={value}");
        let refused = |reason| EncodeError::Setting { option: option.clone(), reason };
        set(&mut table, key, parsed(value)).map_err(refused)?;
        text = toml::to_string(&table).map_err(|error| refused(error.to_string()))?;
        if let Err(ManifestError::Toml(error)) = Manifest::parse(&text) {
            return Err(wrong(&option, &error));
        }
    }
    Ok(text)
}

/// Without the line of a text that nobody has seen.
fn wrong(option: &str, error: &toml::de::Error) -> EncodeError {
    EncodeError::Setting { option: option.into(), reason: error.message().into() }
}

/// As TOML; words need no quotes.
fn parsed(value: &str) -> toml::Value {
    let parsed: Result<toml::Table, _> = format!("value = {value}").parse();
    let found = parsed.ok().and_then(|mut table| table.remove("value"));
    found.unwrap_or_else(|| toml::Value::String(value.into()))
}

fn set(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<(), String> {
    let (path, last) = key.rsplit_once('.').unwrap_or(("", key));
    let mut at = table;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        at = at
            .get_mut(part)
            .and_then(toml::Value::as_table_mut)
            .ok_or_else(|| format!("{key:?} is no key of a manifest: it has no {part:?}"))?;
    }
    at.insert(last.into(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::bundled;

    fn set(settings: &[(&str, &str)]) -> Result<String, String> {
        let text = bundled::find(bundled::DEFAULT_SOUND).unwrap().manifest.to_owned();
        let settings: Vec<(String, String)> =
            settings.iter().map(|&(key, value)| (key.into(), value.into())).collect();
        with_settings(text, &settings).map_err(|error| error.to_string())
    }

    #[test]
    fn single_keys_are_replaced_and_words_need_no_quotes() {
        assert!(set(&[("input.sound.rate_hz", "32000")]).unwrap().contains("rate_hz = 32000"));
        assert!(set(&[("license", "MIT")]).unwrap().contains("license = \"MIT\""));
        let twice = set(&[("license", "MIT"), ("license", "BSD-2-Clause")]).unwrap();
        assert!(twice.contains("license = \"BSD-2-Clause\""), "{twice}");
    }

    /// Fails where the library's words about a line of the draft come through, or do without the key.
    #[test]
    fn a_key_that_no_manifest_has_is_named_and_no_line() {
        for (key, value, expected) in [
            ("input.sond.rate_hz", "1", "\"sond\""),
            ("input.sound.rate", "1", "unknown field `rate`, expected one of `rate_hz`"),
            ("licence", "MIT", "unknown field `licence`"),
            ("input.sound.rate_hz", "fast", "invalid type: string \"fast\""),
            ("density", "nearest", "unknown variant `nearest`"),
        ] {
            let shown = set(&[("source", "here"), (key, value)]).unwrap_err();
            assert!(shown.starts_with(&format!("--set {key}={value}: ")), "{shown}");
            assert!(shown.contains(expected) && !shown.contains("line"), "{shown}");
        }
    }
}
