//! Figures as a picture, SVG: bars beside a baseline, or lines.

use plotters::prelude::*;
use thiserror::Error;

const WIDTH: u32 = 900;
/// Pixels a bar takes.
const BAR: u32 = 26;
/// Pixels for names.
const NAMES: u32 = 290;

/// A figure with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Beside it.
    pub name: String,
    /// How long it is.
    pub value: f64,
    /// 95 % interval.
    pub interval: Option<(f64, f64)>,
}

/// Points in order, with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// In the legend.
    pub name: String,
    /// `(x, y)`.
    pub points: Vec<(f64, f64)>,
}

/// The drawing failed; our bug, since nothing but memory is involved.
#[derive(Debug, Error)]
#[error("cannot draw the chart: {0}")]
pub struct ChartError(String);

/// Bars from left to right, the first on top; `baseline` is a line across them.
///
/// # Errors
///
/// [`ChartError`].
pub fn bars(
    title: &str,
    unit: &str,
    bars: &[Bar],
    baseline: Option<f64>,
) -> Result<String, ChartError> {
    let mut svg = String::new();
    draw_bars(&mut svg, title, unit, bars, baseline).map_err(|e| ChartError(e.to_string()))?;
    Ok(svg)
}

/// Where the axis begins and ends: a little beyond everything.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) =
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if high < low {
        return (0.0, 1.0);
    }
    let beyond = 0.08 * (high - low).max(0.05);
    (low - beyond, high + beyond)
}

fn draw_bars(
    svg: &mut String,
    title: &str,
    unit: &str,
    bars: &[Bar],
    baseline: Option<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let ends = bars.iter().flat_map(|bar| bar.interval.map_or([bar.value; 2], |(a, b)| [a, b]));
    let (low, high) = range(ends.chain(bars.iter().map(|bar| bar.value)).chain(baseline));
    let count = bars.len().max(1);
    let height = BAR * u32::try_from(count)? + 110;
    let root = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(40)
        .margin_left(NAMES)
        .build_cartesian_2d(low..high, 0.0..count as f64)?;
    chart.configure_mesh().x_desc(unit).disable_y_axis().disable_y_mesh().draw()?;
    let blue = RGBColor(30, 90, 160);
    for (number, bar) in bars.iter().enumerate() {
        let y = (count - 1 - number) as f64;
        let colour = blue.mix(0.55).filled();
        chart.draw_series([Rectangle::new([(low, y + 0.2), (bar.value, y + 0.8)], colour)])?;
        if let Some((from, to)) = bar.interval {
            let across = [(from, y + 0.5), (to, y + 0.5)];
            chart.draw_series([PathElement::new(across, BLACK.stroke_width(2))])?;
        }
    }
    if let Some(at) = baseline {
        let down = [(at, 0.0), (at, count as f64)];
        chart.draw_series([PathElement::new(down, RGBColor(200, 30, 30).stroke_width(1))])?;
    }
    let (_, top) = chart.plotting_area().get_base_pixel();
    let (_, tall) = chart.plotting_area().dim_in_pixel();
    for (number, bar) in bars.iter().enumerate() {
        let y = f64::from(top) + f64::from(tall) * (number as f64 + 0.5) / count as f64 - 7.0;
        #[expect(clippy::cast_possible_truncation, reason = "a place in a picture")]
        let place = (14, y as i32);
        let words = format!("{}  {:.3}", bar.name, bar.value);
        root.draw(&Text::new(words, place, ("sans-serif", 14)))?;
    }
    root.present()?;
    Ok(())
}

/// Lines over one another, with a legend.
///
/// # Errors
///
/// [`ChartError`].
pub fn lines(
    title: &str,
    x_unit: &str,
    y_unit: &str,
    lines: &[Line],
) -> Result<String, ChartError> {
    let mut svg = String::new();
    draw_lines(&mut svg, title, (x_unit, y_unit), lines).map_err(|e| ChartError(e.to_string()))?;
    Ok(svg)
}

fn draw_lines(
    svg: &mut String,
    title: &str,
    (x_unit, y_unit): (&str, &str),
    lines: &[Line],
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let (left, right) = range(points().map(|point| point.0));
    let (low, high) = range(points().map(|point| point.1));
    let root = SVGBackend::with_string(svg, (WIDTH, 520)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(left..right, low..high)?;
    chart.configure_mesh().x_desc(x_unit).y_desc(y_unit).draw()?;
    for (number, line) in lines.iter().enumerate() {
        // Two lines of one kind share a colour.
        let colour = Palette99::pick(number / 2).to_rgba();
        let width = if number % 2 == 0 { 2 } else { 1 };
        let style = colour.stroke_width(width);
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), style))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_their_names_and_nothing_is_still_a_picture() {
        let one = Bar { name: "A <row>".into(), value: 0.8, interval: Some((0.7, 0.9)) };
        let svg = bars("Title", "AUROC", &[one], Some(0.75)).unwrap();
        assert!(svg.contains("A &lt;row&gt;") && svg.contains("0.800"), "{svg}");
        assert!(bars("Title", "AUROC", &[], None).unwrap().contains("<svg"));
    }

    #[test]
    fn lines_have_a_legend() {
        let one = Line { name: "one".into(), points: vec![(1.0, 0.2), (2.0, 0.3)] };
        assert!(lines("Title", "phase", "skill", &[one]).unwrap().contains("one"));
        assert!(lines("Title", "phase", "skill", &[]).unwrap().contains("<svg"));
    }
}
