//! The keys of `[learn]` that shape what is learnt: with other values of these, a checkpoint may not be read.

use std::collections::BTreeMap;

use toml::Table;
use toml::Value;

use crate::config::learn::LearnToml;

/// Beside the weights of objectives, of which only whether they are on counts.
const SHAPING: [&str; 18] = [
    "horizons",
    "side_every_s",
    "learnt_variance",
    "whitened_dim",
    "adapter_rank",
    "width",
    "context",
    "dilations",
    "warm_up_windows",
    "recent_windows",
    "reservoir_windows",
    "clusters",
    "cluster_windows",
    "memory_bytes",
    "surprise",
    "level_windows",
    "history_windows",
    "batch_windows",
];

/// The shaping keys with their values, one a line, for a checkpoint's head.
pub fn of(learn: &LearnToml) -> String {
    let lines = shape(learn).into_iter().map(|(key, value)| format!("{key} = {value}\n"));
    lines.collect()
}

/// What a state that was learnt with the keys `learnt` had otherwise: `learn.width = 64, here 32`. `None` where
/// it does not say.
pub fn differing(learnt: &str, learn: &LearnToml) -> Option<Vec<String>> {
    let learnt: Table = learnt.parse().ok().filter(|table: &Table| !table.is_empty())?;
    let here = shape(learn);
    let other = |(key, then): (&String, &Value)| {
        let (then, here) = (then.to_string(), here.get(key)?);
        (then != *here).then(|| format!("learn.{key} = {then}, here {here}"))
    };
    Some(learnt.iter().filter_map(other).collect())
}

fn shape(learn: &LearnToml) -> BTreeMap<String, String> {
    let table = Table::try_from(learn).unwrap_or_default();
    let mut shape: BTreeMap<String, String> = table
        .iter()
        .filter(|(key, _)| SHAPING.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.to_string()))
        .collect();
    let is_on = |(key, weight): (&str, f32)| (key.to_owned(), (0.0 < weight).to_string());
    shape.extend(learn.objectives().map(is_on));
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when a key is renamed in `[learn]` and not here.
    #[test]
    fn every_shaping_key_is_one_of_the_table() {
        assert_eq!(shape(&LearnToml::default()).len(), SHAPING.len() + 11);
    }

    /// Fails when all keys are told, or the weight of an objective that is on all the same.
    #[test]
    fn only_what_differs_is_named_with_both_values() {
        let learnt = LearnToml { width: 32, rotation: 1.0, rate: 0.5, ..LearnToml::default() };
        let here = LearnToml { masked_prediction: 0.5, ..LearnToml::default() };
        let named = differing(&of(&learnt), &here).unwrap();
        assert_eq!(named, ["learn.rotation = true, here false", "learn.width = 32, here 64"]);
        assert_eq!(differing(&of(&here), &here), Some(Vec::new()));
        assert_eq!(differing("", &here), None);
    }
}
