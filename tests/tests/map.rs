//! The map is a test: what `ARCHITECTURE.md` promises about directions is checked here.

use sockeye_tests::house::{Dependency, Package, packages, reachable};

/// The floors of the house, lowest first; some rooms are planned and not built yet. Tools stand on
/// top: they may look at anything, and nobody looks at them.
const FLOORS: [(&str, &[&str]); 6] = [
    (
        "ground",
        &["crates/websocket-proto", "crates/engine-proto", "crates/socket-proto", "crates/log"],
    ),
    ("carriers", &["crates/transport", "crates/engine-client", "crates/adapter", "crates/handler"]),
    (
        "faces",
        &[
            "crates/server",
            "crates/client",
            "crates/adapter-redis",
            "crates/adapter-nats",
            "crates/adapter-postgres",
        ],
    ),
    ("apps", &["apps/chat"]),
    ("binary", &["apps/sockeye"]),
    (
        "tools",
        &[
            "tools/bench",
            "tools/contract",
            "tools/simulate",
            "tools/fuzz",
            "tools/instructions",
            "tools/xtask",
            "tests",
        ],
    ),
];

/// What a crate's tests and examples may look at beside or above it: the other side of the same wire, and a face that shows
/// it in use.
const PROVEN_AGAINST: [(&str, &str); 2] =
    [("crates/client", "crates/server"), ("crates/handler", "crates/server")];

/// Crates without a runtime: time comes in as a number, and nothing is opened, spawned or awaited.
const PURE: [&str; 6] = [
    "crates/websocket-proto",
    "crates/engine-proto",
    "crates/socket-proto",
    "crates/log",
    "crates/adapter",
    "crates/handler",
];

/// What a pure crate may not bring along, however indirectly.
const RUNTIMES: [&str; 5] = ["tokio", "hyper", "mio", "async-std", "smol"];

/// A package and what it points at, as directories.
type Arrows = Vec<(String, Vec<String>)>;

#[test]
fn every_package_has_its_floor() {
    let homeless: Vec<_> =
        packages().iter().map(Package::directory).filter(|dir| floor(dir).is_none()).collect();
    assert!(homeless.is_empty(), "say on which floor of `FLOORS` these stand: {homeless:?}");
}

#[test]
fn dependencies_only_point_down() {
    let wrong = arrows_that_do_not_point_down(&arrows(&packages()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_arrow_that_points_up_or_sideways_is_found() {
    let arrow = |from: &str, to: &str| vec![(from.to_owned(), vec![to.to_owned()])];
    assert_eq!(arrows_that_do_not_point_down(&arrow("crates/server", "crates/adapter")).len(), 0);
    assert_eq!(arrows_that_do_not_point_down(&arrow("crates/adapter", "crates/server")).len(), 1);
    assert_eq!(
        arrows_that_do_not_point_down(&arrow("crates/adapter", "crates/transport")).len(),
        1
    );
    assert_eq!(arrows_that_do_not_point_down(&arrow("apps/chat", "tools/bench")).len(), 1);
}

#[test]
fn pure_crates_bring_no_runtime_along() {
    let packages = packages();
    let pure = packages.iter().filter(|package| PURE.contains(&&*package.directory()));
    for package in pure {
        let reached = reachable(package, &packages);
        let runtimes: Vec<_> = RUNTIMES.iter().filter(|name| reached.contains(**name)).collect();
        assert!(runtimes.is_empty(), "{} brings {runtimes:?} along", package.directory());
    }
}

#[test]
fn a_runtime_that_comes_along_indirectly_is_found() {
    let packages = packages();
    let server = packages.iter().find(|package| package.name == "sockeye").expect("the server");
    let reached = reachable(server, &packages);
    assert!(reached.contains("sockeye-transport"), "directly");
    assert!(reached.contains("mio"), "through tokio");
    assert!(!reached.contains("proptest"), "what its floors need for tests stays behind");
}

fn arrows(packages: &[Package]) -> Arrows {
    let directory_of = |name: &str| {
        let found = packages.iter().find(|package| package.name == name);
        found.unwrap_or_else(|| panic!("`{name}` has a path, but is no member")).directory()
    };
    packages
        .iter()
        .map(|package| {
            // A crate may look at itself: so its own tests have all of its features.
            let inside = package
                .dependencies
                .iter()
                .filter(|arrow| arrow.path.is_some() && arrow.name != package.name);
            let from = package.directory();
            let proof = |arrow: &&Dependency| {
                let to = directory_of(&arrow.name);
                arrow.kind.as_deref() == Some("dev") && PROVEN_AGAINST.contains(&(&*from, &*to))
            };
            let arrows = inside.filter(|arrow| !proof(arrow));
            (from.clone(), arrows.map(|arrow| directory_of(&arrow.name)).collect())
        })
        .collect()
}

fn arrows_that_do_not_point_down(arrows: &Arrows) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, targets) in arrows {
        for to in targets.iter().filter(|to| floor(to) >= floor(from)) {
            let name = |dir| floor(dir).map_or("no floor", |floor| FLOORS[floor].0);
            wrong.push(format!("{from} ({}) may not look at {to} ({})", name(from), name(to)));
        }
    }
    wrong
}

fn floor(directory: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, rooms)| rooms.contains(&directory))
}
