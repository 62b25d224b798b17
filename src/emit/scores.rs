//! The scores file: one CSV row per scored window, in time order.

use std::io;
use std::io::Write;

/// The header. Columns keep their names and order; new ones are added at the end.
pub const HEADER: &str = "source,start_s,end_s,novelty,p_value,surprise,density,event,input,name,confidence,lived_s,\
     threshold,p_recent,p_anchor";

/// One scored window.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The source's name.
    pub source: String,
    /// The file or device.
    pub input: String,
    /// Seconds into the stream.
    pub start_s: f64,
    /// Seconds into the stream.
    pub end_s: f64,
    /// Rises with unusualness; `None` in warm-up.
    pub novelty: Option<f32>,
    /// Share of past windows at least as unusual; `None` in warm-up.
    pub p_value: Option<f32>,
    /// Raw channel: prediction error over tokens; `None` before there is a predictor.
    pub surprise: Option<f32>,
    /// Raw channel: distance from what is remembered; `None` before there is a memory.
    pub density: Option<f32>,
    /// Whether this window raises an alarm.
    pub event: bool,
    /// A taught name, or "unknown"; `None` where nothing was taught.
    pub name: Option<String>,
    /// Probability of the name among those taught.
    pub confidence: Option<f32>,
    /// Begin in seconds of the source's life, earlier runs included.
    pub lived_s: f64,
    /// Novelty above which it would raise an alarm; `None` before there are enough minutes, but where it does.
    pub threshold: Option<f32>,
    /// Chance of a minute so novel, by the last week; `None` before there are enough minutes.
    pub p_recent: Option<f32>,
    /// Chance of so strange a window on the first day; `None` until that is over.
    pub p_anchor: Option<f32>,
}

/// Writes rows as CSV.
#[derive(Debug)]
pub struct ScoresCsv<W> {
    out: W,
}

impl<W: Write> ScoresCsv<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "{HEADER}")?;
        Ok(Self { out })
    }

    /// One row. Numbers are printed so that reading them back gives the same bits, times in
    /// milliseconds.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn write(&mut self, row: &Row) -> io::Result<()> {
        let number = |value: Option<f32>| value.map_or_else(String::new, |v| v.to_string());
        writeln!(
            self.out,
            "{},{:.3},{:.3},{},{},{},{},{},{},{},{},{:.3},{},{},{}",
            field(&row.source),
            row.start_s,
            row.end_s,
            number(row.novelty),
            number(row.p_value),
            number(row.surprise),
            number(row.density),
            u8::from(row.event),
            field(&row.input),
            field(row.name.as_deref().unwrap_or_default()),
            number(row.confidence),
            row.lived_s,
            number(row.threshold),
            number(row.p_recent),
            number(row.p_anchor),
        )
    }

    /// Everything to its destination.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Quotes a text where RFC 4180 asks for it.
pub fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_is_empty_not_zero() {
        let mut csv = ScoresCsv::new(Vec::new()).unwrap();
        let row = Row {
            source: "mic".into(),
            input: "a, \"b\".wav".into(),
            start_s: 0.0,
            end_s: 0.975,
            novelty: None,
            p_value: None,
            surprise: Some(0.1),
            density: None,
            event: false,
            name: Some("pump, left".into()),
            confidence: None,
            lived_s: 60.0,
            threshold: None,
            p_recent: Some(0.5),
            p_anchor: None,
        };
        csv.write(&row).unwrap();
        let text = String::from_utf8(csv.out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [HEADER, "mic,0.000,0.975,,,0.1,,0,\"a, \"\"b\"\".wav\",\"pump, left\",,60.000,,0.5,"]
        );
    }
}
