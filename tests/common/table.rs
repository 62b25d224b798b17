//! A table that was printed as JSON.

/// The table as JSON, a row by its name in the first column.
pub(crate) fn row<'a>(json: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let rows = json.as_array().unwrap();
    let is_it = |row: &&serde_json::Value| row.as_object().unwrap().values().any(|v| v == name);
    rows.iter().find(is_it).unwrap_or_else(|| panic!("no row {name}: {json}"))
}

pub(crate) fn json(out: &str) -> serde_json::Value {
    serde_json::from_str(out).unwrap()
}

pub(crate) fn figure(row: &serde_json::Value, column: &str) -> f64 {
    row[column].as_f64().unwrap_or_else(|| panic!("no {column}: {row}"))
}
