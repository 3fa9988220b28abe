//! The Python client against the contract server: `tests/python`, once for each transport.

use sockeye_tests::suite::python;

const MODULES: [&str; 5] =
    ["test_events", "test_acks", "test_rooms", "test_lifecycle", "test_async"];

#[test]
fn python_clients_are_served_by_polling_alone() {
    python("polling", &MODULES);
}

#[test]
fn python_clients_are_served_by_websocket_alone() {
    python("websocket", &MODULES);
}

#[test]
fn python_clients_are_served_across_the_upgrade() {
    python("upgrade", &MODULES);
}
