//! What the program shows to whoever watches it.

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use support::{Running, complaint, get, sockeye};

/// A program that shows its metrics, and on which port.
fn watched(arguments: &[&str]) -> (Running, u16) {
    let arguments = [&["--port", "0", "--metrics", "127.0.0.1:0"], arguments].concat();
    let mut running = Running::start(&arguments);
    let mut line = running.line();
    while !line.starts_with("Metrics are at ") {
        line = running.line();
    }
    let port = line.trim().trim_end_matches("/metrics").rsplit(':').next().unwrap();
    let port = port.parse().unwrap_or_else(|_| panic!("{line}"));
    (running, port)
}

/// What every line of the exposition format says: a family's type and labels by its name, and its samples.
#[derive(Default)]
struct Families {
    /// Type, and the names of labels, in order.
    kinds: BTreeMap<String, (String, Vec<String>)>,
    samples: BTreeMap<String, String>,
}

/// Reads the format strictly: each family has its HELP, then its TYPE, then its samples.
fn read(text: &str) -> Families {
    let mut all = Families::default();
    let mut helped = "";
    let mut family = String::new();
    assert!(text.ends_with('\n'), "the last line ends too");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("words of help");
            assert!(words.ends_with('.'), "{line}");
            helped = name;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert_eq!(name, helped, "HELP comes first");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            name.clone_into(&mut family);
            let before = all.kinds.insert(family.clone(), (kind.to_owned(), Vec::new()));
            assert!(before.is_none(), "{name} is there twice");
        } else {
            sample(line, &family, &mut all);
        }
    }
    all
}

fn sample(line: &str, family: &str, all: &mut Families) {
    let (name, value) = line.rsplit_once(' ').expect("a sample");
    let (bare, labels) = match name.split_once('{') {
        None => (name, ""),
        Some((bare, labels)) => (bare, labels.strip_suffix('}').expect("the labels end")),
    };
    let (kind, known) = all.kinds.get_mut(family).expect("its TYPE comes first");
    let own = bare == family
        || kind == "histogram"
            && bare
                .strip_prefix(family)
                .is_some_and(|suffix| ["_bucket", "_sum", "_count"].contains(&suffix));
    assert!(own, "{line} stands among {family}");
    assert!(bare.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
    if let Some((label, of)) = labels.split_once('=') {
        assert!(of.starts_with('"') && of.ends_with('"') && of.len() > 2, "{line}");
        if label != "le" && !known.iter().any(|other| other == label) {
            known.push(label.to_owned());
        }
    }
    assert!(value.parse::<f64>().is_ok(), "no number: {line}");
    let before = all.samples.insert(name.to_owned(), value.to_owned());
    assert!(before.is_none(), "{name} is there twice");
}

fn scraped(port: u16) -> Families {
    let answer = get(port, "/metrics");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    read(body)
}

#[test]
fn what_happens_on_the_public_address_is_seen_on_that_of_the_metrics() {
    let (running, port) = watched(&[]);
    assert!(running.get("/socket.io/?EIO=4&transport=polling").contains("0{\"sid\""));
    assert!(running.get("/socket.io/?EIO=3&transport=polling").contains("\"code\":5"));
    assert!(running.get("/metrics").starts_with("HTTP/1.1 404 "), "it is not public");
    let samples = scraped(port).samples;
    assert_eq!(samples["sockeye_connections{transport=\"polling\"}"], "1");
    assert_eq!(samples["sockeye_connections_opened_total{transport=\"polling\"}"], "1");
    assert_eq!(samples["sockeye_requests_refused_total{reason=\"unsupported version\"}"], "1");
    let [last, count] =
        ["sockeye_handler_seconds_bucket{le=\"+Inf\"}", "sockeye_handler_seconds_count"];
    assert_eq!(samples[last], samples[count]);
}

/// The rows of the table: a name, its type, its labels.
fn documented() -> BTreeMap<String, (String, Vec<String>)> {
    let page = include_str!("../../../docs/operations.md");
    let rows = page.lines().filter(|line| line.starts_with("| `sockeye_"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let labels = cells[2].split(", ").filter(|label| !label.is_empty());
        let labels = labels.map(|label| label.trim_matches('`').to_owned()).collect();
        (cells[0].trim_matches('`').to_owned(), (cells[1].to_owned(), labels))
    })
    .collect()
}

#[test]
fn the_table_in_the_documentation_has_every_metric_and_no_other() {
    let (_running, port) = watched(&[]);
    assert_eq!(documented(), scraped(port).kinds);
}

#[test]
fn it_says_whether_it_is_well_and_nothing_else_is_there() {
    let (_running, port) = watched(&[]);
    assert!(get(port, "/health").ends_with("\r\n\r\nok\n"));
    assert!(get(port, "/").starts_with("HTTP/1.1 404 "));
    assert!(get(port, "/socket.io/?EIO=4&transport=polling").starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_scraper_that_does_not_read_holds_up_neither_clients_nor_other_scrapers() {
    let (running, port) = watched(&[]);
    let mut slow = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /metr").unwrap();
    let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    assert!(get(port, "/metrics").starts_with("HTTP/1.1 200 "));
    assert!(running.get("/").starts_with("HTTP/1.1 200 "));
    let mut byte = [0];
    slow.read_exact(&mut byte).unwrap();
}

#[test]
fn an_address_for_metrics_that_is_taken_is_named_with_a_way_out() {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let words = complaint(&mut sockeye(&["--port", "0", "--metrics", &address]));
    assert!(words.contains(&address) && words.contains("--metrics"), "{words}");
}

#[test]
fn limits_that_are_given_on_the_command_line_hold() {
    let (running, port) = watched(&["--connections-per-address", "1", "--events", "50:200"]);
    let open = || running.get("/socket.io/?EIO=4&transport=polling");
    assert!(open().starts_with("HTTP/1.1 200 "));
    assert!(open().starts_with("HTTP/1.1 429 "));
    let samples = scraped(port).samples;
    assert_eq!(samples["sockeye_requests_refused_total{reason=\"too many connections\"}"], "1");
    assert_eq!(samples["sockeye_addresses"], "1");
    let words = complaint(&mut sockeye(&["--handshakes", "many"]));
    assert!(words.contains("'many'") && words.contains("50:200"), "{words}");
}
