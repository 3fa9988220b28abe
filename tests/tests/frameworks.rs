//! The examples on other people's frameworks: built outside the workspace, and driven by the official client.

use sockeye_tests::program::examples;
use sockeye_tests::suite::node_framework;

fn driven(name: &str) {
    let built = examples().iter().find(|(built, _)| built == name);
    let (_, program) = built.unwrap_or_else(|| panic!("`{name}` is none of the examples"));
    node_framework(program);
}

#[test]
fn javascript_clients_are_served_on_axum() {
    driven("example-axum");
}

#[test]
fn javascript_clients_are_served_on_hyper() {
    driven("example-hyper");
}

#[test]
fn javascript_clients_are_served_on_salvo() {
    driven("example-salvo");
}

#[test]
fn javascript_clients_are_served_on_actix_web() {
    driven("example-actix-web");
}

#[test]
fn every_example_is_driven() {
    let text = include_str!("frameworks.rs");
    let forgotten: Vec<_> = examples()
        .iter()
        .filter(|(name, _)| !text.contains(&format!("driven(\"{name}\")")))
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
