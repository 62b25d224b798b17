//! Lengths of time in words.

/// Seconds as people say them.
pub fn in_words(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_fits_the_length() {
        let shown = [0.0, 59.6, 125.0, 7_320.0, 180_000.0].map(in_words);
        assert_eq!(shown, ["0 s", "60 s", "2 min", "2.0 h", "2.1 days"]);
    }
}
