//! The contract server as a program: where it listens, what ends it, and what it says when it cannot start.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};

use sockeye_tests::contract::{Contract, free_port, program};

const PROFILES: [&str; 6] = ["bench", "client", "engine-client", "handlers", "protocol", "ws-echo"];

/// What it says when it does not start: one sentence, and the exit code is 1.
fn complaint(arguments: &[&str], port_in_environment: Option<&str>) -> String {
    let mut command = Command::new(program());
    command.args(arguments).env_remove("PORT").stdin(Stdio::null());
    if let Some(port) = port_in_environment {
        command.env("PORT", port);
    }
    let Output { status, stdout, stderr } = command.output().expect("the contract server starts");
    let stderr = String::from_utf8(stderr).expect("words");
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stdout.is_empty());
    // A machine that allows few open files is told so as well.
    let mut lines = stderr.lines().filter(|line| !line.contains("ulimit"));
    let sentence = lines.next().expect("a reason").to_owned();
    assert_eq!(lines.next(), None, "{stderr}");
    sentence
}

fn is_closed(port: u16) -> bool {
    let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|error| error.kind());
    matches!(refused, Err(ErrorKind::ConnectionRefused))
}

#[test]
fn the_four_listeners_of_the_handlers_are_there() {
    let contract = Contract::start("handlers");
    assert!((0..4).all(|above| !is_closed(contract.port() + above)));
}

#[test]
fn the_port_is_taken_from_the_environment_where_no_flag_says_it() {
    for profile in PROFILES {
        let contract = Contract::start_by_environment(profile);
        assert!(!is_closed(contract.port()), "{profile}");
    }
}

#[test]
fn an_unknown_profile_is_named_with_those_there_are() {
    let words = complaint(&["--profile", "delivery-van"], None);
    assert!(words.contains("'delivery-van'"), "{words}");
    assert!(PROFILES.iter().all(|profile| words.contains(profile)), "{words}");
}

#[test]
fn a_profile_has_to_be_named() {
    assert!(complaint(&[], None).contains("--profile"));
}

#[test]
fn a_port_that_is_none_is_named() {
    assert!(complaint(&["--profile", "bench", "--port", "many"], None).contains("'many'"));
    assert!(complaint(&["--profile", "bench"], Some("70000")).contains("70000"));
    // There is no room for the listener at `PORT + 3`.
    assert!(complaint(&["--profile", "handlers", "--port", "65533"], None).contains("65532"));
}

#[test]
fn a_port_in_use_is_named_with_a_way_out() {
    for profile in PROFILES {
        is_in_the_way(profile, 0);
    }
    is_in_the_way("handlers", 1);
    is_in_the_way("handlers", 2);
    is_in_the_way("handlers", 3);
}

/// Somebody else listens that far above the port of this profile.
fn is_in_the_way(profile: &str, above: u16) {
    let port = free_port();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port + above)).expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let words = complaint(&["--profile", profile, "--port", &port.to_string()], None);
    assert!(words.contains(&address) && words.contains("--port"), "{words}");
}

#[cfg(unix)]
mod ends {
    use sockeye_tests::client::{Client, ENGINE_IO, Polling, eventually};
    use sockeye_tests::contract::Contract;
    use sockeye_tests::http::Wire;
    use sockeye_tests::websocket::WebSocket;

    /// It is told to end and does, though somebody holds these.
    fn in_spite_of<T>(mut contract: Contract, _held: T) {
        contract.terminate();
        assert!(eventually(|| contract.ended().is_some()), "it goes on");
    }

    #[test]
    fn it_ends_on_sigterm_though_clients_are_connected_and_wait_for_answers() {
        for profile in ["handlers", "bench"] {
            let contract = Contract::start(profile);
            let port = contract.port();
            let session = Polling::join(port);
            let waiting = session.get();
            let mut unfinished = Wire::open(port);
            unfinished.head("POST", &session.url(), &[("Content-Length", "100")]);
            in_spite_of(contract, (Client::join(port), session, waiting, unfinished));
        }
    }

    #[test]
    fn it_ends_on_sigterm_in_the_profiles_of_the_protocols() {
        let contract = Contract::start("protocol");
        let session = Polling::open(contract.port(), ENGINE_IO);
        let waiting = session.get();
        in_spite_of(contract, (session, waiting));
        let contract = Contract::start("ws-echo");
        let websocket = WebSocket::open(contract.port(), "/").map_err(|answer| answer.status);
        assert_eq!(websocket.as_ref().err(), None);
        in_spite_of(contract, websocket);
    }
}
