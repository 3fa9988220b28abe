//! A chart's picture: sizes on a logarithmic axis, cost from zero, one line per curve with its name at the end, in the light
//! and in the dark. Nothing is fetched to show it.

use std::fmt::Write;

use super::chart::{Chart, Curve, count};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 428.0;
/// The edges of the plot.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 560.0;
const TOP: f64 = 112.0;
const BOTTOM: f64 = 368.0;
/// Between the names of two curves.
const LINE: f64 = 18.0;
/// About so many lines cross the plot.
const GRID: f64 = 5.0;

/// Colours in the light and in the dark; curves can be told apart by their marks too.
const COLOURS: [(&str, &str); 5] = [
    ("#0969da", "#58a6ff"),
    ("#bc4c00", "#f0883e"),
    ("#1a7f37", "#56d364"),
    ("#8250df", "#bc8cff"),
    ("#bf3989", "#ff7bc5"),
];

/// Writing into a `String` cannot fail.
macro_rules! say {
    ($text:expr, $($rest:tt)*) => { writeln!($text, $($rest)*).expect("a String takes everything") };
}

/// The whole file.
///
/// ```
/// use sockeye_bench::growth::chart::{Chart, Curve};
/// use sockeye_bench::growth::svg;
///
/// let flat = Curve { name: "flat".into(), points: vec![(10, 2.0), (100, 2.1)] };
/// let chart = Chart {
///     file: "flat",
///     title: "A flat curve",
///     measured: vec!["Nothing was measured.".into()],
///     x: "size",
///     y: "µs",
///     curves: vec![flat],
/// };
/// assert!(svg::draw(&chart).starts_with("<svg "));
/// ```
pub fn draw(chart: &Chart) -> String {
    let mut svg = String::new();
    let scale = Scale::of(chart);
    head(&mut svg, chart);
    grid(&mut svg, &scale);
    axis(&mut svg, chart, &scale);
    for (place, curve) in chart.curves.iter().enumerate() {
        line(&mut svg, curve, place % COLOURS.len(), &scale);
    }
    names(&mut svg, chart, &scale);
    svg.push_str("</svg>\n");
    svg
}

/// From sizes and costs to places on the picture.
struct Scale {
    smallest: f64,
    largest: f64,
    /// Between two lines of the grid.
    step: f64,
    /// The upper edge of the plot.
    most: f64,
}

impl Scale {
    #[expect(clippy::cast_precision_loss, reason = "sizes stay far below 2^52")]
    fn of(chart: &Chart) -> Self {
        let sizes = chart.sizes();
        let size = |size: Option<&u64>| size.map_or(1.0, |&size| size as f64);
        let costs = chart.curves.iter().flat_map(|curve| &curve.points).map(|point| point.1);
        let highest = costs.fold(0.0, f64::max);
        let step = round_step(highest / GRID);
        let most = step * (highest / step).ceil().max(1.0);
        Self { smallest: size(sizes.first()), largest: size(sizes.last()), step, most }
    }

    #[expect(clippy::cast_precision_loss, reason = "sizes stay far below 2^52")]
    fn x(&self, size: u64) -> f64 {
        let whole = (self.largest / self.smallest).ln();
        let part = (size as f64 / self.smallest).ln();
        if whole > 0.0 { LEFT + (RIGHT - LEFT) * part / whole } else { f64::midpoint(LEFT, RIGHT) }
    }

    fn y(&self, cost: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * cost / self.most
    }
}

/// The next of 1, 2, 2.5, 5, 10, 20, … that is not smaller.
fn round_step(least: f64) -> f64 {
    if least <= 0.0 {
        return 1.0;
    }
    let decade = 10.0_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0].into_iter().find(|step| step * decade >= least * 0.999);
    step.unwrap_or(10.0) * decade
}

fn head(svg: &mut String, chart: &Chart) {
    let (title, measured) = (escape(chart.title), escape(&chart.measured.join(" ")));
    say!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="t d">"#
    );
    say!(svg, r#"<title id="t">{title}</title>"#);
    say!(svg, r#"<desc id="d">{measured}</desc>"#);
    style(svg);
    say!(svg, r#"<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>"#);
    say!(svg, r#"<text class="title" x="20" y="30">{title}</text>"#);
    for (number, line) in (0_u8..).zip(&chart.measured) {
        let y = 49.0 + 15.0 * f64::from(number);
        say!(svg, r#"<text class="quiet" x="20" y="{y}">{}</text>"#, escape(line));
    }
}

fn style(svg: &mut String) {
    say!(svg, "<style>");
    say!(svg, "text{{font:12px system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}}");
    say!(
        svg,
        ".title{{font-size:17px;font-weight:600}}.end{{text-anchor:end}}.middle{{text-anchor:middle}}"
    );
    say!(svg, ".line{{fill:none;stroke-width:2;stroke-linejoin:round}}.grid{{stroke-width:1}}");
    colours(svg, ["#ffffff", "#1f2328", "#59636e", "#d9dee3"], |colours| colours.0);
    say!(svg, "@media (prefers-color-scheme:dark){{");
    colours(svg, ["#0d1117", "#f0f6fc", "#9198a1", "#30363d"], |colours| colours.1);
    say!(svg, "}}\n</style>");
}

fn colours(
    svg: &mut String,
    [paper, ink, quiet, grid]: [&str; 4],
    of: fn(&(&'static str, &'static str)) -> &'static str,
) {
    say!(
        svg,
        ".paper{{fill:{paper}}}text{{fill:{ink}}}.quiet{{fill:{quiet}}}.grid{{stroke:{grid}}}"
    );
    for (place, colour) in COLOURS.iter().map(of).enumerate() {
        say!(svg, ".l{place}{{stroke:{colour}}}.m{place}{{fill:{colour}}}");
    }
}

/// Lines across, with what they stand for.
fn grid(svg: &mut String, scale: &Scale) {
    let mut cost = 0.0;
    while cost <= scale.most * 1.001 {
        let y = scale.y(cost);
        say!(svg, r#"<path class="grid" d="M{LEFT} {y:.1}H{RIGHT}"/>"#);
        let (x, y) = (LEFT - 8.0, y + 4.0);
        say!(
            svg,
            r#"<text class="quiet end" x="{x}" y="{y:.1}">{}</text>"#,
            label(cost, scale.step)
        );
        cost += scale.step;
    }
}

/// A cost with as many places as the steps between costs have.
fn label(cost: f64, step: f64) -> String {
    let places = [0, 1, 2, 3].into_iter().find(|&places: &i32| {
        let shifted = step * 10.0_f64.powi(places);
        (shifted - shifted.round()).abs() < 1e-6
    });
    let places = usize::try_from(places.unwrap_or(4)).expect("a few");
    format!("{cost:.places$}")
}

fn axis(svg: &mut String, chart: &Chart, scale: &Scale) {
    for size in chart.sizes() {
        let x = scale.x(size);
        say!(svg, r#"<path class="grid" d="M{x:.1} {BOTTOM}v5"/>"#);
        let y = BOTTOM + 19.0;
        say!(svg, r#"<text class="quiet middle" x="{x:.1}" y="{y}">{}</text>"#, count(size));
    }
    let (x, y) = (f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0);
    say!(svg, r#"<text class="middle" x="{x}" y="{y}">{} (logarithmic)</text>"#, escape(chart.x));
    say!(svg, r#"<text x="20" y="{}">{}</text>"#, TOP - 14.0, escape(chart.y));
}

fn line(svg: &mut String, curve: &Curve, colour: usize, scale: &Scale) {
    let places = curve.points.iter().map(|&(size, cost)| (scale.x(size), scale.y(cost)));
    let path: Vec<String> = places.clone().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    if path.is_empty() {
        return;
    }
    say!(svg, r#"<path class="line l{colour}" d="M{}"/>"#, path.join("L"));
    let marks: Vec<String> = places.map(|(x, y)| mark(colour, x, y)).collect();
    say!(svg, r#"<path class="m{colour}" d="{}"/>"#, marks.concat());
}

/// A small figure around a point: another one for each colour.
fn mark(colour: usize, x: f64, y: f64) -> String {
    match colour {
        0 => format!("M{:.1} {y:.1}a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", x - 4.0),
        1 => format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5),
        2 => format!("M{x:.1} {:.1}l4.5 8h-9z", y - 5.0),
        3 => format!("M{x:.1} {:.1}l5 5l-5 5l-5-5z", y - 5.0),
        _ => format!("M{x:.1} {:.1}l-4.5-8h9z", y + 5.0),
    }
}

/// The names of the curves at their ends, moved apart where the ends meet.
fn names(svg: &mut String, chart: &Chart, scale: &Scale) {
    let ends = chart.curves.iter().enumerate();
    let ends = ends.filter_map(|(place, curve)| {
        let &(_, cost) = curve.points.last()?;
        Some((scale.y(cost), place % COLOURS.len(), &*curve.name))
    });
    let mut ends: Vec<_> = ends.collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    for below in 1..ends.len() {
        ends[below].0 = ends[below].0.max(ends[below - 1].0 + LINE);
    }
    // What was pushed below the axis pushes the others up again.
    let mut lowest = BOTTOM;
    for end in ends.iter_mut().rev() {
        end.0 = end.0.min(lowest);
        lowest = end.0 - LINE;
    }
    for (y, colour, name) in ends {
        let x = RIGHT + 18.0;
        say!(svg, r#"<path class="m{colour}" d="{}"/>"#, mark(colour, x, y));
        say!(svg, r#"<text x="{}" y="{:.1}">{}</text>"#, x + 11.0, y + 4.0, escape(name));
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
