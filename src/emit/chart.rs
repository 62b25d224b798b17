//! Figures as a picture, SVG: dots with intervals beside a baseline, or lines.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use plotters::style::text_anchor::Pos;
use plotters::style::text_anchor::VPos;
use thiserror::Error;

const WIDTH: u32 = 900;
/// Pixels a row of dots takes.
const ROW: u32 = 26;
/// Pixels for names and figures beside the dots.
const NAMES: u32 = 350;
/// Characters of a name that are shown beside its dot.
const MOST_CHARS: usize = 46;
/// Pixels for the legend beside lines.
const LEGEND: u32 = 236;
/// Told apart also by those who see few colours (Okabe and Ito), and on white.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(110, 110, 110),
];

/// A figure with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// Beside it.
    pub name: String,
    /// Where it is.
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

/// A row each, the first on top; `baseline` is a line across them.
///
/// # Errors
///
/// [`ChartError`].
pub fn dots(
    title: &str,
    unit: &str,
    dots: &[Dot],
    baseline: Option<f64>,
) -> Result<String, ChartError> {
    let mut svg = String::new();
    draw_dots(&mut svg, title, unit, dots, baseline).map_err(|e| ChartError(e.to_string()))?;
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

fn draw_dots(
    svg: &mut String,
    title: &str,
    unit: &str,
    dots: &[Dot],
    baseline: Option<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let ends = dots.iter().flat_map(|dot| dot.interval.map_or([dot.value; 2], |(a, b)| [a, b]));
    let (low, high) = range(ends.chain(dots.iter().map(|dot| dot.value)).chain(baseline));
    let count = dots.len().max(1);
    let height = ROW * u32::try_from(count)? + 110;
    let root = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(40)
        .margin_left(NAMES)
        .build_cartesian_2d(low..high, 0.0..count as f64)?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(unit).disable_y_axis().disable_y_mesh().light_line_style(TRANSPARENT).draw()?;
    if let Some(at) = baseline {
        let down = [(at, 0.0), (at, count as f64)];
        chart.draw_series([PathElement::new(down, COLOURS[1].stroke_width(1))])?;
    }
    let middle = |number: usize| (count - 1 - number) as f64 + 0.5;
    for (number, dot) in dots.iter().enumerate() {
        let y = middle(number);
        let guide = [(low, y), (high, y)];
        chart.draw_series([PathElement::new(guide, BLACK.mix(0.12).stroke_width(1))])?;
        if let Some((from, to)) = dot.interval {
            let across = [(from, y), (to, y)];
            chart.draw_series([PathElement::new(across, COLOURS[0].stroke_width(3))])?;
        }
        chart.draw_series([Circle::new((dot.value, y), 5, COLOURS[0].filled())])?;
    }
    let beside =
        |to: HPos| ("sans-serif", 14).into_font().color(&BLACK).pos(Pos::new(to, VPos::Center));
    let right = i32::try_from(NAMES)? - 12;
    for (number, dot) in dots.iter().enumerate() {
        let (_, y) = chart.backend_coord(&(low, middle(number)));
        root.draw(&Text::new(shortened(&dot.name), (14, y), beside(HPos::Left)))?;
        root.draw(&Text::new(format!("{:.3}", dot.value), (right, y), beside(HPos::Right)))?;
    }
    root.present()?;
    Ok(())
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= MOST_CHARS {
        return name.into();
    }
    name.chars().take(MOST_CHARS - 1).chain(['…']).collect()
}

/// Lines over one another, with a legend. Every other one is dashed and has the colour of the one
/// before.
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
        .margin_right(LEGEND)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(left..right, low..high)?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(x_unit).y_desc(y_unit).light_line_style(TRANSPARENT);
    // What is counted has no halves.
    let whole = |x: &f64| if x.fract() == 0.0 { format!("{x}") } else { String::new() };
    mesh.x_label_formatter(&whole).draw()?;
    for (number, line) in lines.iter().enumerate() {
        let points = line.points.iter().copied();
        let (style, is_dashed) = style_of(number);
        if is_dashed {
            chart.draw_series(DashedLineSeries::new(points, 6, 4, style))?;
        } else {
            chart.draw_series(LineSeries::new(points, style))?;
        }
        let y = 60 + 20 * i32::try_from(number)?;
        let x = i32::try_from(WIDTH - LEGEND)? + 8;
        let whole = [(x, x + 26)];
        let dashes = [(x, x + 6), (x + 10, x + 16), (x + 20, x + 26)];
        for &(from, to) in if is_dashed { &dashes[..] } else { &whole[..] } {
            root.draw(&PathElement::new([(from, y), (to, y)], style))?;
        }
        let font = ("sans-serif", 14).into_font().color(&BLACK);
        let beside = font.pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(line.name.clone(), (x + 34, y), beside))?;
    }
    root.present()?;
    Ok(())
}

/// How the line of that number is drawn, and whether dashed.
fn style_of(number: usize) -> (ShapeStyle, bool) {
    (COLOURS[number / 2 % COLOURS.len()].stroke_width(2), number % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_have_their_names_and_nothing_is_still_a_picture() {
        let dot = |name: &str| Dot { name: name.into(), value: 0.8, interval: Some((0.7, 0.9)) };
        let both = [dot("A <row>"), dot(&"é".repeat(50))];
        let svg = dots("Title", "AUROC", &both, Some(0.75)).unwrap();
        assert!(svg.contains("A &lt;row&gt;") && svg.contains("0.800"), "{svg}");
        assert!(svg.contains("é…") && !svg.contains(&"é".repeat(46)), "{svg}");
        assert!(dots("Title", "AUROC", &[], None).unwrap().contains("<svg"));
    }

    #[test]
    fn lines_have_a_legend() {
        let one = Line { name: "one".into(), points: vec![(1.0, 0.2), (2.0, 0.3)] };
        assert!(lines("Title", "phase", "skill", &[one]).unwrap().contains("one"));
        assert!(lines("Title", "phase", "skill", &[]).unwrap().contains("<svg"));
    }
}
