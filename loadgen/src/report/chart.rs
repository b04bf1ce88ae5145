//! A chart as inline SVG: lines over time or over a size.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 280.0;
/// Margins: left, right, top, bottom.
const MARGIN: [f64; 4] = [64.0, 16.0, 14.0, 40.0];
/// Colours that can be distinguished on light and on dark ground, and with most kinds of colour blindness (Okabe and Ito).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c"];
/// About so many marks on an axis.
const MARKS: f64 = 5.0;

pub(crate) struct Chart {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
}

#[derive(Clone)]
pub(crate) struct Axis {
    name: &'static str,
    is_logarithmic: bool,
}

pub(crate) struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Axis {
    pub(crate) const fn linear(name: &'static str) -> Self {
        Self { name, is_logarithmic: false }
    }

    /// Values up to 0 are left out.
    pub(crate) const fn logarithmic(name: &'static str) -> Self {
        Self { name, is_logarithmic: true }
    }

    fn shows(&self, value: f64) -> bool {
        value.is_finite() && (!self.is_logarithmic || value > 0.0)
    }

    fn scaled(&self, value: f64) -> f64 {
        if self.is_logarithmic { value.log10() } else { value }
    }

    /// The marks, and from the first to the last of them the range: all of `values` are within.
    fn marks(&self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let shown = values.filter(|value| self.shows(*value));
        let range = shown.fold(None, |range: Option<(f64, f64)>, value| {
            let (least, most) = range.unwrap_or((value, value));
            Some((least.min(value), most.max(value)))
        });
        match (range, self.is_logarithmic) {
            (None, false) => vec![0.0, 1.0],
            (None, true) => vec![1.0, 10.0],
            (Some((least, most)), true) => {
                let (first, last) = (least.log10().floor() as i32, most.log10().ceil() as i32);
                (first..=last.max(first + 1)).map(|power| 10_f64.powi(power)).collect()
            }
            (Some((least, most)), false) => {
                let least = least.min(0.0);
                let most = if most > least { most } else { least + 1.0 };
                let step = step((most - least) / MARKS);
                let (first, last) = ((least / step).floor() as i64, (most / step).ceil() as i64);
                (first..=last.max(first + 1)).map(|number| number as f64 * step).collect()
            }
        }
    }
}

impl Chart {
    pub(crate) fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self { title: title.into(), x, y, lines: Vec::new() }
    }

    pub(crate) fn line(mut self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.lines.push(Line { name: name.into(), points: points.into_iter().collect() });
        self
    }

    /// The chart as an SVG element, with a legend above it.
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let x_marks = self.x.marks(points().map(|(x, _)| *x));
        let y_marks = self.y.marks(points().map(|(_, y)| *y));
        let [left, right, top, bottom] = MARGIN;
        let place_x = placed(&self.x, &x_marks, left, WIDTH - right);
        let place_y = placed(&self.y, &y_marks, HEIGHT - bottom, top);
        let mut svg =
            format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", escaped(&self.title));
        for mark in &x_marks {
            let (x, foot) = (place_x(*mark), HEIGHT - bottom);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{x:.1} {top}V{foot}\"/>");
            let _ =
                write!(svg, "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>", foot + 16.0, number(*mark));
        }
        for mark in &y_marks {
            let (y, end) = (place_y(*mark), WIDTH - right);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{left} {y:.1}H{end}\"/>");
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 6.0,
                y + 4.0,
                number(*mark)
            );
        }
        let (middle, foot) = ((left + WIDTH - right) / 2.0, HEIGHT - 6.0);
        let _ = write!(svg, "<text x=\"{middle}\" y=\"{foot}\" text-anchor=\"middle\">{}</text>", escaped(self.x.name));
        let _ = write!(svg, "<text x=\"4\" y=\"10\">{}</text>", escaped(self.y.name));
        for (line, colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let shown = line.points.iter().filter(|(x, y)| self.x.shows(*x) && self.y.shows(*y));
            let corners: Vec<_> = shown.map(|(x, y)| format!("{:.1},{:.1}", place_x(*x), place_y(*y))).collect();
            match &corners[..] {
                [] => {}
                [only] => {
                    let (x, y) = only.split_once(',').unwrap_or_default();
                    let _ = write!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/>");
                }
                _ => {
                    let corners = corners.join(" ");
                    let _ = write!(svg, "<polyline points=\"{corners}\" fill=\"none\" stroke=\"{colour}\"/>");
                }
            }
        }
        svg + "</svg>"
    }

    /// The names of the lines, each with its colour.
    pub(super) fn legend(&self) -> String {
        let lines = self.lines.iter().zip(COLOURS.iter().cycle());
        let entries = lines
            .map(|(line, colour)| format!("<span><i style=\"background:{colour}\"></i>{}</span>", escaped(&line.name)));
        entries.collect()
    }
}

/// The place of a value between two ends of an axis.
fn placed(axis: &Axis, marks: &[f64], from: f64, to: f64) -> impl Fn(f64) -> f64 {
    let axis = axis.clone();
    let first = axis.scaled(marks.first().copied().unwrap_or(1.0));
    let last = axis.scaled(marks.last().copied().unwrap_or(2.0));
    move |value| from + (axis.scaled(value) - first) / (last - first) * (to - from)
}

/// The nearest 1, 2 or 5 times a power of ten that is not less.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// A number as short as it is readable.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        magnitude if magnitude >= 1e6 => format!("{}M", short(value / 1e6)),
        magnitude if magnitude >= 1e4 => format!("{}k", short(value / 1e3)),
        _ => short(value),
    }
}

fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text in HTML or in an attribute of it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{Axis, Chart, number, step};

    #[test]
    fn marks_are_round_and_enclose_all_values() {
        let linear = Axis::linear("x");
        assert_eq!(linear.marks([3.0, 47.0].into_iter()), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(Axis::logarithmic("y").marks([0.0, 0.4, 30.0].into_iter()), [0.1, 1.0, 10.0, 100.0]);
        assert_eq!(linear.marks([].into_iter()), [0.0, 1.0]);
        assert_eq!(linear.marks([0.0].into_iter()).last(), Some(&1.0));
        assert_eq!((step(0.9), step(11.0), step(300.0)), (1.0, 20.0, 500.0));
        assert_eq!([0.0, 0.1, 2_000.0, 20_000.0, 3e6].map(number), ["0", "0.1", "2000", "20k", "3M"]);
    }

    #[test]
    fn a_chart_has_a_line_for_each_series_and_escapes_names() {
        let chart = Chart::new("a < b", Axis::linear("seconds"), Axis::logarithmic("ms"));
        let chart = chart.line("p50", [(0.0, 1.0), (1.0, 0.0), (2.0, 100.0)]).line("one & only", [(1.0, 10.0)]);
        let svg = chart.svg();
        assert!(svg.contains("a &lt; b") && svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<circle").count()), (1, 1));
        // Of three points the one that a logarithm cannot show is left out.
        let corners = svg.split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert_eq!(corners, "64.0,240.0 744.0,14.0");
        assert!(chart.legend().contains("one &amp; only"));
    }
}
