//! Curves, their table and their picture.

use sockeye_bench::growth::chart::{Chart, Curve};
use sockeye_bench::growth::svg;

fn curve(name: &str, points: &[(u64, f64)]) -> Curve {
    Curve { name: name.to_owned(), points: points.to_vec() }
}

fn chart(curves: Vec<Curve>) -> Chart {
    Chart {
        file: "growth-test",
        title: "Bread & butter",
        measured: vec!["Nothing was measured.".to_owned(), "Twice.".to_owned()],
        x: "guests",
        y: "µs per guest",
        curves,
    }
}

/// The places of a curve's points.
fn path(picture: &str, colour: usize) -> Vec<(f64, f64)> {
    let start = format!(r#"<path class="line l{colour}" d="M"#);
    let line = picture.lines().find_map(|line| line.strip_prefix(&*start)).expect("a line");
    let points = line.trim_end_matches("\"/>").split('L');
    let point = |point: &str| {
        let (x, y) = point.split_once(' ').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    points.map(point).collect()
}

#[test]
fn a_table_has_a_row_for_every_size_and_a_dash_where_nothing_was_measured() {
    let chart =
        chart(vec![curve("ours", &[(10, 1.5), (1000, 2.0)]), curve("theirs", &[(100, 3.0)])]);
    let table = chart.markdown();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(
        rows,
        [
            "| guests; µs per guest | ours | theirs |",
            "|---|---|---|",
            "| 10 | 1.50 | – |",
            "| 100 | – | 3.00 |",
            "| 1k | 2.00 | – |",
        ]
    );
    assert!(table.contains("Nothing was measured. Twice."), "{table}");
}

#[test]
fn sizes_are_logarithmic_and_costs_start_at_zero() {
    let picture = svg::draw(&chart(vec![
        curve("flat", &[(10, 5.0), (100, 5.0), (1000, 5.0)]),
        curve("half", &[(10, 2.5), (1000, 2.5)]),
        curve("none", &[(10, 0.0), (1000, 0.0)]),
    ]));
    let [flat, half, none] = [0, 1, 2].map(|colour| path(&picture, colour));
    let near = |a: f64, b: f64| (a - b).abs() < 0.2;
    assert!(near(flat[1].0 - flat[0].0, flat[2].0 - flat[1].0), "one decade is as wide as another");
    assert!(flat.iter().all(|point| near(point.1, flat[0].1)), "a flat curve is flat");
    assert!(near(none[0].1 - half[0].1, half[0].1 - flat[0].1), "half the cost, half the height");
}

#[test]
fn a_picture_follows_light_and_dark_and_fetches_nothing() {
    let picture = svg::draw(&chart(vec![curve("a<b", &[(10, 5.0)])]));
    assert!(picture.contains("prefers-color-scheme:dark"));
    assert!(picture.contains("Bread &amp; butter") && picture.contains("a&lt;b"));
    let addresses = picture.matches("http").count();
    assert_eq!(addresses, 1, "only the name of the language itself: {picture}");
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
}

#[test]
fn names_of_curves_that_end_at_the_same_place_do_not_cover_each_other() {
    let same = |name| curve(name, &[(10, 1.0), (100, 0.0)]);
    let picture = svg::draw(&chart(vec![same("one"), same("two"), same("three")]));
    let end = |name: &str| -> f64 {
        let name = format!(">{name}</text>");
        let line = picture.lines().find(|line| line.ends_with(&name)).unwrap();
        line.split("y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
    };
    let mut ends = ["one", "two", "three"].map(end);
    ends.sort_by(f64::total_cmp);
    assert!(ends.windows(2).all(|two| two[1] - two[0] >= 17.0), "{ends:?}");
    assert!(ends[2] < 388.0, "{ends:?}");
}

#[test]
fn a_chart_of_nothing_is_still_a_picture() {
    let picture = svg::draw(&chart(vec![curve("empty", &[])]));
    assert!(picture.ends_with("</svg>\n") && !picture.contains("NaN"), "{picture}");
}
