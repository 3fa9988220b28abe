//! RFC 6455, 4: the opening handshake.

use sockeye_websocket_proto::handshake::{
    HandshakeError, UpgradeRequest, UpgradeResponse, accept, accept_key, request_key, verify,
    verify_response,
};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const REQUEST: UpgradeRequest<'_> = UpgradeRequest {
    method: "GET",
    connection: Some("Upgrade"),
    upgrade: Some("websocket"),
    version: Some("13"),
    key: Some(KEY),
};

const RESPONSE: UpgradeResponse<'_> = UpgradeResponse {
    status: 101,
    connection: Some("Upgrade"),
    upgrade: Some("websocket"),
    accept: Some(ACCEPT),
};

fn refusal(request: &UpgradeRequest<'_>) -> Option<HandshakeError> {
    accept(request).err()
}

#[test]
fn server_accepts_the_specifications_example() {
    assert_eq!(accept(&REQUEST).as_deref(), Ok(ACCEPT));
}

#[test]
fn server_reads_tokens_in_any_case_and_among_others() {
    for connection in ["upgrade", "UPGRADE", "keep-alive, Upgrade", "keep-alive,\tupgrade ,x"] {
        let request = UpgradeRequest { connection: Some(connection), ..REQUEST };
        assert_eq!(refusal(&request), None, "{connection}");
    }
    for upgrade in ["WebSocket", "WEBSOCKET", "h2c, websocket"] {
        let request = UpgradeRequest { upgrade: Some(upgrade), ..REQUEST };
        assert_eq!(refusal(&request), None, "{upgrade}");
    }
}

#[test]
fn server_accepts_version_8_as_well() {
    let request = UpgradeRequest { version: Some("8"), ..REQUEST };
    assert_eq!(accept(&request).as_deref(), Ok(ACCEPT));
}

#[test]
fn server_refuses_every_method_but_get() {
    for method in ["POST", "get", "", "OPTIONS"] {
        let request = UpgradeRequest { method, ..REQUEST };
        assert_eq!(refusal(&request), Some(HandshakeError::Method));
    }
}

#[test]
fn server_refuses_a_connection_header_without_upgrade() {
    for connection in [None, Some(""), Some("keep-alive"), Some("upgrades"), Some("x-upgrade")] {
        let request = UpgradeRequest { connection, ..REQUEST };
        assert_eq!(refusal(&request), Some(HandshakeError::Connection));
    }
}

#[test]
fn server_refuses_an_upgrade_header_without_websocket() {
    for upgrade in [None, Some(""), Some("h2c"), Some("websockets"), Some("web socket")] {
        let request = UpgradeRequest { upgrade, ..REQUEST };
        assert_eq!(refusal(&request), Some(HandshakeError::Upgrade));
    }
}

#[test]
fn server_refuses_every_other_version() {
    for version in [None, Some(""), Some("7"), Some("14"), Some("013"), Some("13, 8"), Some("x")] {
        let request = UpgradeRequest { version, ..REQUEST };
        assert_eq!(refusal(&request), Some(HandshakeError::Version));
    }
}

#[test]
fn server_refuses_a_key_that_is_not_16_bytes_in_base64() {
    let bad = [
        None,
        Some(""),
        Some("=="),
        Some("dGhlIHNhbXBsZSBub25jZQ="),
        Some("dGhlIHNhbXBsZSBub25jZQ"),
        Some("dGhlIHNhbXBsZSBub25jZ==="),
        Some("dGhlIHNhbXBsZSBub25jZQAA"),
        Some("dGhlIHNhbXBsZSBub25jZQo=="),
        Some("dGhlIHNhbXBsZSBub25j-_=="),
        Some("dGhlIHNhbXBsZSBub25j Q=="),
        Some("dGhlIHNhbXBsZSBub25jß=="),
    ];
    for key in bad {
        let request = UpgradeRequest { key, ..REQUEST };
        assert_eq!(refusal(&request), Some(HandshakeError::Key), "{key:?}");
    }
}

#[test]
fn each_refusal_has_its_status() {
    assert_eq!(HandshakeError::Method.status(), 405);
    for bad in [
        HandshakeError::Connection,
        HandshakeError::Upgrade,
        HandshakeError::Version,
        HandshakeError::Key,
    ] {
        assert_eq!(bad.status(), 400);
    }
}

#[test]
fn a_clients_key_is_one_that_a_server_accepts() {
    for byte in 0..=255 {
        let key = request_key([byte; 16]);
        let accepted = accept(&UpgradeRequest { key: Some(&key), ..REQUEST }).expect("a good key");
        assert_eq!(verify(&key, Some(&accepted)), Ok(()));
    }
}

#[test]
fn client_refuses_an_answer_to_another_key() {
    assert_eq!(verify(KEY, Some(ACCEPT)), Ok(()));
    assert_eq!(verify(KEY, None), Err(HandshakeError::Accept));
    assert_eq!(verify(KEY, Some("")), Err(HandshakeError::Accept));
    assert_eq!(verify(KEY, Some(&accept_key("other"))), Err(HandshakeError::Accept));
}

#[test]
fn client_checks_the_whole_answer() {
    let check = |response: UpgradeResponse<'_>| verify_response(KEY, &response);
    assert_eq!(check(RESPONSE), Ok(()));
    let ok = UpgradeResponse { status: 200, ..RESPONSE };
    assert_eq!(check(ok), Err(HandshakeError::Status(200)));
    let closing = UpgradeResponse { connection: Some("close"), ..RESPONSE };
    assert_eq!(check(closing), Err(HandshakeError::Connection));
    let other = UpgradeResponse { upgrade: None, ..RESPONSE };
    assert_eq!(check(other), Err(HandshakeError::Upgrade));
    let silent = UpgradeResponse { accept: None, ..RESPONSE };
    assert_eq!(check(silent), Err(HandshakeError::Accept));
}

#[test]
fn every_refusal_explains_itself() {
    let all = [
        HandshakeError::Method,
        HandshakeError::Connection,
        HandshakeError::Upgrade,
        HandshakeError::Version,
        HandshakeError::Key,
        HandshakeError::Status(200),
        HandshakeError::Accept,
    ];
    for error in all {
        assert!(error.to_string().len() > 20);
    }
}
