//! A picture of a run: novelty over time, alarms marked, warm-up shaded, as SVG.

use plotters::prelude::*;
use thiserror::Error;

/// Points drawn at most; longer runs keep the largest novelty of each stretch, so that no peak is
/// lost and the file stays small.
const COLUMNS: usize = 1_000;

const SIZE: (u32, u32) = (1_100, 420);

/// One scored window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Middle of the window, seconds into the stream.
    pub at_s: f64,
    /// `None` in warm-up.
    pub novelty: Option<f32>,
    /// Whether the window raised an alarm.
    pub event: bool,
}

/// A stretch known to hold something unusual; drawn as a band behind the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// Seconds into the stream.
    pub start_s: f64,
    /// Seconds into the stream.
    pub end_s: f64,
}

/// The drawing failed; our bug, since nothing but memory is involved.
#[derive(Debug, Error)]
#[error("cannot draw the plot: {0}")]
pub struct PlotError(String);

/// Draws `points` (in time order) as SVG text.
///
/// # Errors
///
/// [`PlotError`].
pub fn novelty_svg(title: &str, points: &[Point], known: &[Known]) -> Result<String, PlotError> {
    let mut svg = String::new();
    draw(&mut svg, title, points, known).map_err(|e| PlotError(e.to_string()))?;
    Ok(svg)
}

fn draw(
    svg: &mut String,
    title: &str,
    points: &[Point],
    known: &[Known],
) -> Result<(), Box<dyn std::error::Error>> {
    let end_s = points.last().map_or(1.0, |p| p.at_s).max(1.0);
    let (unit_s, unit) = if 7_200.0 < end_s {
        (3_600.0, "hours")
    } else if 300.0 < end_s {
        (60.0, "minutes")
    } else {
        (1.0, "seconds")
    };
    let curve = decimate(points);
    let top = curve.iter().map(|&(_, novelty)| novelty).fold(1.0_f32, f32::max) * 1.08;
    let bottom = curve.iter().map(|&(_, novelty)| novelty).fold(0.0_f32, f32::min);
    let warm_s = points.iter().find(|p| p.novelty.is_some()).map_or(end_s, |p| p.at_s);

    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(38)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..end_s / unit_s, bottom..top)?;
    chart
        .configure_mesh()
        .x_desc(unit)
        .y_desc("novelty")
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(BLACK.mix(0.08))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    let band = |from_s: f64, to_s: f64, colour: RGBAColor| {
        Rectangle::new([(from_s / unit_s, bottom), (to_s / unit_s, top)], colour.filled())
    };
    chart.draw_series([band(0.0, warm_s, RGBColor(120, 120, 120).mix(0.15))])?;
    let orange = RGBColor(240, 160, 40).mix(0.35);
    chart.draw_series(known.iter().map(|k| band(k.start_s, k.end_s, orange)))?;
    chart.draw_series(LineSeries::new(
        curve.iter().map(|&(at_s, novelty)| (at_s / unit_s, novelty)),
        RGBColor(30, 90, 160).stroke_width(1),
    ))?;
    let red = RGBColor(200, 30, 30);
    chart.draw_series(
        points
            .iter()
            .filter(|p| p.event)
            .map(|p| Circle::new((p.at_s / unit_s, p.novelty.unwrap_or(0.0)), 4, red.filled())),
    )?;
    root.present()?;
    Ok(())
}

/// At most [`COLUMNS`] points, each the largest of its stretch.
fn decimate(points: &[Point]) -> Vec<(f64, f32)> {
    let scored: Vec<(f64, f32)> =
        points.iter().filter_map(|p| p.novelty.map(|n| (p.at_s, n))).collect();
    let stretch = scored.len().div_ceil(COLUMNS).max(1);
    scored
        .chunks(stretch)
        .filter_map(|chunk| chunk.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(count: u32) -> Vec<Point> {
        (0..count)
            .map(|i| Point {
                at_s: f64::from(i) * 0.48,
                novelty: (10 <= i).then_some(if i == count - 5 { 40.0 } else { 1.0 }),
                event: i == count - 5,
            })
            .collect()
    }

    #[test]
    fn a_long_run_keeps_its_peak_and_stays_small() {
        let svg = novelty_svg("A <place>", &points(50_000), &[]).unwrap();
        assert!(svg.len() < 100_000, "{} bytes", svg.len());
        assert!(svg.contains("A &lt;place&gt;"), "the title is escaped");
        assert_eq!(svg.matches("<circle").count(), 1, "one alarm, one mark");
        let kept = decimate(&points(50_000));
        assert!(kept.iter().any(|&(_, novelty)| novelty == 40.0));
    }

    #[test]
    fn nothing_scored_is_still_a_picture() {
        assert!(novelty_svg("empty", &[], &[]).unwrap().contains("<svg"));
        assert!(novelty_svg("warm-up", &points(5), &[]).unwrap().contains("<svg"));
    }
}
