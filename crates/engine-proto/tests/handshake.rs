//! The query, the order of the checks, and the open packet.

use std::time::Duration;

use proptest::prelude::*;
use sockeye_engine_proto::handshake::{
    Open, Origin, Query, Request, Revision, Route, check, open_packet, pairs,
};
use sockeye_engine_proto::{BadRequest, Config, PacketError, Refusal, Sid, Transport, Transports};

const SID: &str = "AAAAAAAAAAAAAAAAAAAA";

fn sid() -> Sid {
    Sid::parse(SID).expect("twenty characters")
}

/// A request as a table writes it: `"GET EIO=4&transport=polling"`, `"UPGRADE …"` for a WebSocket.
struct Asked {
    config: Config,
    origin: Origin,
    /// What the one known session speaks through.
    session: Transport,
    /// And in which revision.
    revision: Revision,
}

impl Asked {
    fn plainly() -> Self {
        Asked {
            config: Config::default(),
            origin: Origin::Allowed,
            session: Transport::Polling,
            revision: Revision::Four,
        }
    }

    fn from(origin: Origin) -> Self {
        Asked { origin, ..Asked::plainly() }
    }

    fn of_a_streaming_session() -> Self {
        Asked { session: Transport::WebSocket, ..Asked::plainly() }
    }

    fn with(config: Config) -> Self {
        Asked { config, ..Asked::plainly() }
    }

    fn gets(&self, line: &str) -> Result<Route, Refusal> {
        let (method, query) = line.split_once(' ').expect("method and query");
        let query = Query::parse(query);
        let upgrade = method == "UPGRADE";
        let method = if upgrade { "GET" } else { method };
        let request = Request { method, upgrade, query: &query, origin: self.origin };
        check(&request, &self.config, |asked| {
            (asked == sid()).then_some((self.session, self.revision))
        })
    }
}

fn bad(what: BadRequest) -> Result<Route, Refusal> {
    Err(Refusal::BadRequest(what))
}

#[test]
fn a_session_opens_over_either_transport() {
    let asked = Asked::plainly();
    assert_eq!(
        asked.gets("GET EIO=4&transport=polling"),
        Ok(Route::Open(Transport::Polling, Revision::Four))
    );
    assert_eq!(
        asked.gets("UPGRADE EIO=4&transport=websocket&t=x"),
        Ok(Route::Open(Transport::WebSocket, Revision::Four))
    );
    assert_eq!(
        asked.gets("GET EIO=4&transport=polling&sid="),
        Ok(Route::Open(Transport::Polling, Revision::Four)),
        "an empty sid is none"
    );
}

#[test]
fn an_unknown_transport_is_code_0() {
    for transport in [
        "",
        "&transport=",
        "&transport=carrier-pigeon",
        "&transport=constructor",
        "&transport=__proto__",
        "&transport=webtransport",
        "&transport=POLLING",
    ] {
        for method in ["GET", "POST", "UPGRADE"] {
            let answer = Asked::plainly().gets(&format!("{method} EIO=4{transport}"));
            assert_eq!(answer, Err(Refusal::TransportUnknown), "{method} {transport}");
        }
    }
}

#[test]
fn a_transport_that_is_switched_off_is_unknown() {
    let transports = Transports { polling: false, websocket: true };
    let asked = Asked::with(Config { transports, ..Config::default() });
    assert_eq!(asked.gets("GET EIO=4&transport=polling"), Err(Refusal::TransportUnknown));
    assert_eq!(
        asked.gets("UPGRADE EIO=4&transport=websocket"),
        Ok(Route::Open(Transport::WebSocket, Revision::Four))
    );
    let transports = Transports { polling: true, websocket: false };
    let asked = Asked::with(Config { transports, ..Config::default() });
    let candidate = format!("UPGRADE EIO=4&transport=websocket&sid={SID}");
    assert_eq!(asked.gets(&candidate), Err(Refusal::TransportUnknown));
}

#[test]
fn an_unknown_sid_is_code_1() {
    for sid in ["BBBBBBBBBBBBBBBBBBBB", "short", "%00", "__proto__"] {
        for method in ["GET", "POST", "PUT", "UPGRADE"] {
            let line = format!("{method} EIO=4&transport=polling&sid={sid}");
            assert_eq!(Asked::plainly().gets(&line), Err(Refusal::UnknownSession), "{line}");
        }
    }
}

#[test]
fn a_handshake_that_is_no_get_is_code_2() {
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get"] {
        let answer = Asked::plainly().gets(&format!("{method} EIO=4&transport=polling"));
        assert_eq!(answer, Err(Refusal::BadHandshakeMethod), "{method}");
    }
}

#[test]
fn websocket_without_an_upgrade_is_code_3() {
    assert_eq!(
        Asked::plainly().gets("GET EIO=4&transport=websocket"),
        bad(BadRequest::TransportHandshake)
    );
}

#[test]
fn an_upgrade_that_says_polling_is_refused_before_the_101() {
    let asked = Asked::plainly();
    assert_eq!(asked.gets("UPGRADE EIO=4&transport=polling"), bad(BadRequest::TransportHandshake));
    assert_eq!(
        asked.gets(&format!("UPGRADE EIO=4&transport=polling&sid={SID}")),
        bad(BadRequest::TransportHandshake)
    );
}

#[test]
fn an_unsupported_version_is_code_5_on_both_transports() {
    for eio in ["", "EIO=&", "EIO=3&", "EIO=04&", "EIO=4.0&", "EIO=5&", "eio=4&"] {
        for (method, transport) in [("GET", "polling"), ("UPGRADE", "websocket")] {
            let answer = Asked::plainly().gets(&format!("{method} {eio}transport={transport}"));
            assert_eq!(answer, Err(Refusal::UnsupportedVersion), "{method} {eio}");
        }
    }
}

#[test]
fn a_known_sid_leads_to_its_session() {
    let asked = Asked::plainly();
    let line = |method, transport| format!("{method} EIO=4&transport={transport}&sid={SID}");
    assert_eq!(asked.gets(&line("GET", "polling")), Ok(Route::Poll(sid())));
    assert_eq!(asked.gets(&line("POST", "polling")), Ok(Route::Post(sid())));
    assert_eq!(asked.gets(&line("UPGRADE", "websocket")), Ok(Route::Candidate(sid())));
}

#[test]
fn a_known_sid_with_a_strange_method_is_no_refusal_of_the_handshake() {
    for method in ["PUT", "DELETE", "HEAD", "PATCH"] {
        let line = format!("{method} EIO=4&transport=polling&sid={SID}");
        assert_eq!(Asked::plainly().gets(&line), Ok(Route::WrongMethod), "{method}");
    }
}

#[test]
fn polling_after_the_upgrade_is_a_mismatch() {
    let asked = Asked::of_a_streaming_session();
    for method in ["GET", "POST", "PUT"] {
        let line = format!("{method} EIO=4&transport=polling&sid={SID}");
        assert_eq!(asked.gets(&line), bad(BadRequest::TransportMismatch), "{method}");
    }
}

#[test]
fn a_plain_request_that_says_websocket_is_a_mismatch_or_lacks_its_upgrade() {
    let line = format!("GET EIO=4&transport=websocket&sid={SID}");
    assert_eq!(Asked::plainly().gets(&line), bad(BadRequest::TransportMismatch));
    assert_eq!(Asked::of_a_streaming_session().gets(&line), bad(BadRequest::TransportHandshake));
}

#[test]
fn a_websocket_for_a_streaming_session_is_left_to_the_session_to_refuse() {
    let line = format!("UPGRADE EIO=4&transport=websocket&sid={SID}");
    assert_eq!(Asked::of_a_streaming_session().gets(&line), Ok(Route::Candidate(sid())));
}

#[test]
fn another_revision_than_the_sessions_is_code_3() {
    for (method, transport) in [("GET", "polling"), ("POST", "polling"), ("UPGRADE", "websocket")] {
        for eio in ["EIO=3&", ""] {
            let line = format!("{method} {eio}transport={transport}&sid={SID}");
            assert_eq!(Asked::plainly().gets(&line), bad(BadRequest::ProtocolMismatch), "{line}");
        }
    }
}

#[test]
fn a_malformed_origin_is_code_3_whatever_comes_after() {
    let asked = Asked::from(Origin::Malformed);
    let line = "POST EIO=3&transport=polling&sid=unknown";
    assert_eq!(asked.gets(line), bad(BadRequest::InvalidOrigin));
    assert_eq!(asked.gets("GET transport=nonsense"), Err(Refusal::TransportUnknown));
}

#[test]
fn a_foreign_origin_is_forbidden_on_every_door() {
    let asked = Asked::from(Origin::Foreign);
    let doors = [
        "GET EIO=4&transport=polling".to_owned(),
        "UPGRADE EIO=4&transport=websocket".to_owned(),
        format!("GET EIO=4&transport=polling&sid={SID}"),
        format!("POST EIO=4&transport=polling&sid={SID}"),
        format!("UPGRADE EIO=4&transport=websocket&sid={SID}"),
    ];
    for line in doors {
        assert_eq!(asked.gets(&line), Err(Refusal::Forbidden(None)), "{line}");
    }
}

#[test]
fn checks_come_in_the_order_of_the_reference() {
    let foreign = Asked::from(Origin::Foreign);
    // Each line breaks the rule that is named and all those after it.
    let order = [
        ("PUT EIO=3&transport=x&sid=unknown", Refusal::TransportUnknown),
        ("PUT EIO=3&transport=websocket&sid=unknown", Refusal::UnknownSession),
        ("PUT EIO=3&transport=websocket", Refusal::BadHandshakeMethod),
        ("GET EIO=3&transport=websocket", Refusal::BadRequest(BadRequest::TransportHandshake)),
        ("GET EIO=3&transport=polling", Refusal::Forbidden(None)),
    ];
    for (line, refusal) in order {
        assert_eq!(foreign.gets(line), Err(refusal), "{line}");
    }
    let mismatch = format!("PUT EIO=3&transport=websocket&sid={SID}");
    assert_eq!(foreign.gets(&mismatch), bad(BadRequest::TransportMismatch));
}

#[test]
fn the_open_packet_tells_of_the_upgrade_where_there_is_one() {
    let tail = r#","pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    let config = Config::default();
    let with = format!(r#"0{{"sid":"{SID}","upgrades":["websocket"]{tail}"#);
    let without = format!(r#"0{{"sid":"{SID}","upgrades":[]{tail}"#);
    assert_eq!(open_packet(sid(), &config, Transport::Polling), with);
    assert_eq!(open_packet(sid(), &config, Transport::WebSocket), without);

    let stays = Config { allow_upgrades: false, ..Config::default() };
    assert_eq!(open_packet(sid(), &stays, Transport::Polling), without);
    let transports = Transports { polling: true, websocket: false };
    let alone = Config { transports, ..Config::default() };
    assert_eq!(open_packet(sid(), &alone, Transport::Polling), without);
}

#[test]
fn a_client_reads_what_a_server_writes() {
    let config = Config { ping_timeout: Duration::from_millis(1500), ..Config::default() };
    let packet = open_packet(sid(), &config, Transport::Polling);
    let open = Open::parse(&packet[1..]).expect("our own words");
    assert_eq!(open.sid, SID);
    assert!(open.offers_websocket());
    assert_eq!(open.ping_interval, config.ping_interval);
    assert_eq!(open.ping_timeout, config.ping_timeout);
    assert_eq!(open.max_payload, Some(1_000_000));
}

#[test]
fn a_client_does_without_max_payload_and_with_members_it_does_not_know() {
    let json =
        r#"{"sid":"x","upgrades":["webtransport"],"pingInterval":1,"pingTimeout":2,"more":[]}"#;
    let open = Open::parse(json).expect("all that is needed");
    assert_eq!(open.max_payload, None);
    assert!(!open.offers_websocket());
}

#[test]
fn a_client_refuses_an_open_packet_that_lacks_something() {
    for json in ["", "{}", "null", r#"{"sid":"x","upgrades":[],"pingInterval":-1,"pingTimeout":2}"#]
    {
        assert_eq!(Open::parse(json), Err(PacketError::BadOpen), "{json}");
    }
}

#[test]
fn the_first_value_of_a_name_counts() {
    let query = Query::parse("transport=polling&EIO=4&transport=websocket&EIO=3&sid=a&sid=b");
    assert_eq!(query.transport.as_deref(), Some("polling"));
    assert_eq!(query.eio.as_deref(), Some("4"));
    assert_eq!(query.sid.as_deref(), Some("a"));
}

#[test]
fn names_and_values_are_decoded() {
    let all: Vec<_> = pairs("a=1%202&b+c=d+e%2B&&flag&x=y=z&bad=%zz%ff").collect();
    let expected =
        [("a", "1 2"), ("b c", "d e+"), ("flag", ""), ("x", "y=z"), ("bad", "%zz\u{fffd}")];
    assert_eq!(all, expected.map(|(name, value)| (name.into(), value.into())));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_query_makes_the_checks_panic(query in "(\\PC|[%&=+]|EIO=|transport=polling|sid=){0,20}") {
        for method in ["GET", "POST", "UPGRADE"] {
            let _ = Asked::plainly().gets(&format!("{method} {query}"));
        }
    }

    #[test]
    fn no_open_packet_makes_the_client_panic(json in "\\PC*") {
        let _ = Open::parse(&json);
    }
}

#[test]
fn revision_3_is_served_where_it_is_allowed_and_nothing_else_is_besides_4() {
    let asked = Asked::with(Config { allow_v3: true, ..Config::default() });
    for (query, revision) in [("EIO=3", Revision::Three), ("EIO=4", Revision::Four)] {
        let polling = asked.gets(&format!("GET {query}&transport=polling"));
        assert_eq!(polling, Ok(Route::Open(Transport::Polling, revision)));
        let websocket = asked.gets(&format!("UPGRADE {query}&transport=websocket"));
        assert_eq!(websocket, Ok(Route::Open(Transport::WebSocket, revision)));
    }
    for query in ["", "EIO=", "EIO=2", "EIO=03", "EIO=3.0", "EIO=abc", "EIO=5"] {
        let answer = asked.gets(&format!("GET {query}&transport=polling"));
        assert_eq!(answer, Err(Refusal::UnsupportedVersion), "{query}");
    }
}

#[test]
fn a_session_is_found_by_requests_of_its_own_revision_only() {
    let config = Config { allow_v3: true, ..Config::default() };
    let old = Asked { revision: Revision::Three, ..Asked::with(config.clone()) };
    let mismatch = bad(BadRequest::ProtocolMismatch);
    let poll = |eio: u8| format!("GET EIO={eio}&transport=polling&sid={SID}");
    assert_eq!(old.gets(&poll(3)), Ok(Route::Poll(sid())));
    assert_eq!(old.gets(&poll(4)), mismatch);
    assert_eq!(Asked::with(config).gets(&poll(3)), mismatch);
}
