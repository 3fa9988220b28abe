//! The official JavaScript client against the contract server: `tests/node`, once for each transport.

use sockeye_tests::contract::Contract;
use sockeye_tests::suite::{
    node, node_against, node_deflating, node_of_version, node_over_tls, node_packed,
};

/// Everything but what needs many clients or a server of its own.
const ESSENTIALS: [&str; 6] = [
    "events.test.cjs",
    "acks.test.cjs",
    "rooms.test.cjs",
    "lifecycle.test.cjs",
    "payloads.test.cjs",
    "upgrade.test.cjs",
];

#[test]
fn javascript_clients_are_served_by_polling_alone() {
    node("handlers", "polling", &ESSENTIALS);
}

#[test]
fn javascript_clients_are_served_by_websocket_alone() {
    node("handlers", "websocket", &ESSENTIALS);
}

#[test]
fn javascript_clients_are_served_across_the_upgrade() {
    node("handlers", "upgrade", &ESSENTIALS);
}

#[test]
fn javascript_clients_are_served_by_several_workers() {
    let mut files = ESSENTIALS.to_vec();
    files.push("crowd.test.cjs");
    for transports in ["polling", "websocket", "upgrade"] {
        node_against(|| Contract::start_on_workers("handlers", 3), transports, &files);
    }
}

#[test]
fn javascript_clients_are_served_compressed() {
    let mut files = ESSENTIALS.to_vec();
    files.push("deflate.test.cjs");
    node_deflating(0, "websocket", &files);
    node_deflating(100, "upgrade", &files);
}

#[test]
fn javascript_clients_are_served_in_messagepack() {
    for transports in ["polling", "websocket", "upgrade"] {
        node_packed("handlers", transports, &ESSENTIALS);
    }
}

#[test]
fn javascript_clients_of_version_2_are_served() {
    in_every_way("2");
}

#[test]
fn javascript_clients_of_version_3_are_served() {
    in_every_way("3");
}

#[test]
fn javascript_clients_of_version_4_are_served_beside_those_of_others() {
    in_every_way("4");
}

fn in_every_way(version: &str) {
    for transports in ["polling", "websocket", "upgrade"] {
        node_of_version(version, transports, &["versions.test.cjs"]);
    }
}

#[test]
fn two_hundred_javascript_clients_are_served_at_once_by_polling() {
    node("handlers", "polling", &["crowd.test.cjs"]);
}

#[test]
fn two_hundred_javascript_clients_are_served_at_once_by_websocket() {
    node("handlers", "websocket", &["crowd.test.cjs"]);
}

#[test]
fn two_hundred_javascript_clients_are_served_at_once_across_the_upgrade() {
    node("handlers", "upgrade", &["crowd.test.cjs"]);
}

#[test]
fn javascript_clients_survive_the_death_of_the_server_by_polling() {
    node("handlers", "polling", &["restart.test.cjs"]);
}

#[test]
fn javascript_clients_survive_the_death_of_the_server_by_websocket() {
    node("handlers", "websocket", &["restart.test.cjs"]);
}

#[test]
fn javascript_clients_survive_the_death_of_the_server_across_the_upgrade() {
    node("handlers", "upgrade", &["restart.test.cjs"]);
}

#[test]
fn http_2_of_node_js_polls_and_speaks_websocket_in_the_clear() {
    node("handlers", "upgrade", &["http2.test.cjs"]);
}

#[test]
fn http_2_of_node_js_polls_and_speaks_websocket_over_tls() {
    node_over_tls("handlers", &["http2.test.cjs"]);
}

#[test]
fn the_profile_of_the_benchmarks_does_what_the_load_generators_expect() {
    node("bench", "websocket", &["bench.test.cjs"]);
    node("bench", "polling", &["bench.test.cjs"]);
}

#[test]
fn the_profiles_of_the_clients_own_suites_do_what_those_expect() {
    for transports in ["polling", "websocket", "upgrade"] {
        node("client", transports, &["suite.test.cjs"]);
        node("engine-client", transports, &["engine.test.cjs"]);
    }
}

#[test]
fn the_profile_of_the_websocket_layer_echoes_a_foreign_client() {
    node("ws-echo", "websocket", &["ws-echo.test.cjs"]);
}
