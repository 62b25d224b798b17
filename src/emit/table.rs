//! A table of figures: as aligned text for people, as CSV and JSON for programs.

/// What stands in one place.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A figure and the digits after its point; `None` where there is none.
    Number(Option<f64>, usize),
}

impl Cell {
    /// Words.
    pub fn text(words: impl Into<String>) -> Self {
        Self::Text(words.into())
    }

    fn shown(&self, absent: &str) -> String {
        match self {
            Self::Text(words) => words.clone(),
            Self::Number(Some(value), digits) if value.is_finite() => format!("{value:.digits$}"),
            Self::Number(..) => absent.into(),
        }
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Number(..))
    }
}

/// Rows of cells under named columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Name in CSV and JSON, and heading for people.
    columns: Vec<(&'static str, &'static str)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Without rows. Each column has a name for programs and a heading for people.
    pub fn new(columns: &[(&'static str, &'static str)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, a cell a column.
    pub fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len(), "a cell a column");
        self.rows.push(row);
    }

    /// Aligned columns, figures to the right; `–` where there is no figure.
    pub fn to_text(&self) -> String {
        let shown: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| cell.shown("–")).collect()).collect();
        let mut text = String::new();
        let width = |column: usize| {
            let cells = shown.iter().filter_map(|row| row.get(column));
            let heading = self.columns[column].1.chars().count();
            cells.map(|cell| cell.chars().count()).fold(heading, usize::max)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let right = |column: usize| {
            self.rows.iter().any(|row| row.get(column).is_some_and(Cell::is_number))
        };
        let headings: Vec<String> = self.columns.iter().map(|(_, h)| (*h).to_owned()).collect();
        for row in std::iter::once(&headings).chain(&shown) {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                let gap = if column == 0 { "" } else { "  " };
                line += &if right(column) {
                    format!("{gap}{cell:>width$}")
                } else {
                    format!("{gap}{cell:<width$}")
                };
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    /// A header and a line a row; nothing where there is no figure.
    pub fn to_csv(&self) -> String {
        let mut text = self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
        text.push('\n');
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| quoted(&cell.shown(""))).collect();
            text += &cells.join(",");
            text.push('\n');
        }
        text
    }

    /// A list of objects, a line each; `null` where there is no figure.
    pub fn to_json(&self) -> String {
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                let fields: Vec<String> = self
                    .columns
                    .iter()
                    .zip(row)
                    .map(|((name, _), cell)| match cell {
                        Cell::Text(words) => {
                            format!("{name:?}:{}", serde_json::Value::from(words.as_str()))
                        }
                        Cell::Number(..) => format!("{name:?}:{}", cell.shown("null")),
                    })
                    .collect();
                format!("{{{}}}", fields.join(","))
            })
            .collect();
        format!("[{}]\n", rows.join(",\n"))
    }
}

/// As RFC 4180 has it, where it must be.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[("name", "name"), ("ms", "ms a window")]);
        table.push(vec![Cell::text("a, \"b\""), Cell::Number(Some(1.25), 1)]);
        table.push(vec![Cell::text("c"), Cell::Number(None, 1)]);
        table
    }

    #[test]
    fn people_see_aligned_columns() {
        let text = table().to_text();
        assert_eq!(text, "name    ms a window\na, \"b\"          1.2\nc                 –\n");
    }

    #[test]
    fn programs_get_quotes_and_nothing_for_nothing() {
        assert_eq!(table().to_csv(), "name,ms\n\"a, \"\"b\"\"\",1.2\nc,\n");
        let expected = "[{\"name\":\"a, \\\"b\\\"\",\"ms\":1.2},\n{\"name\":\"c\",\"ms\":null}]\n";
        assert_eq!(table().to_json(), expected);
    }
}
