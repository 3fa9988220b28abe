//! Wrong requests: each gets the answer of the reference, to the letter, and a client beside it notices nothing.

use sockeye_tests::client::{Client, ENGINE_IO, Polling, SOCKET_IO, beside_a_healthy_client};
use sockeye_tests::contract::Contract;
use sockeye_tests::http::{Response, Wire, ask, ask_with};
use sockeye_tests::websocket::{Frame, KEY, WebSocket};

const TRANSPORT_UNKNOWN: &str = r#"{"code":0,"message":"Transport unknown"}"#;
const SESSION_UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;
const BAD_METHOD: &str = r#"{"code":2,"message":"Bad handshake method"}"#;
const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;
const UNSUPPORTED: &str = r#"{"code":5,"message":"Unsupported protocol version"}"#;

#[track_caller]
fn assert_refused(answer: &Response, body: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (400, body));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[track_caller]
fn assert_empty(answer: &Response, status: u16) {
    assert_eq!((answer.status, answer.body.as_str()), (status, ""));
}

#[test]
fn a_transport_that_is_not_offered_is_unknown() {
    beside_a_healthy_client(Contract::port, |port| {
        for transport in
            ["abc", "constructor", "__proto__", "webtransport", "", "Polling", "flashsocket"]
        {
            let path = format!("{SOCKET_IO}?EIO=4&transport={transport}");
            assert_refused(&ask(port, "GET", &path), TRANSPORT_UNKNOWN);
        }
        assert_refused(&ask(port, "GET", &format!("{SOCKET_IO}?EIO=4")), TRANSPORT_UNKNOWN);
        assert_refused(&ask(port, "GET", SOCKET_IO), TRANSPORT_UNKNOWN);
        assert_refused(&ask(port, "GET", &format!("{SOCKET_IO}socket.io.js")), TRANSPORT_UNKNOWN);
    });
}

#[test]
fn a_session_that_does_not_exist_is_unknown() {
    beside_a_healthy_client(Contract::port, |port| {
        for sid in ["abc", "AAAAAAAAAAAAAAAAAAAA", "%00", "..%2f", &"x".repeat(5000)] {
            let path = format!("{SOCKET_IO}?EIO=4&transport=polling&sid={sid}");
            assert_refused(&ask(port, "GET", &path), SESSION_UNKNOWN);
            assert_refused(&ask_with(port, "POST", &path, &[], "40"), SESSION_UNKNOWN);
        }
    });
}

#[test]
fn a_handshake_that_is_not_a_get_is_a_bad_method() {
    beside_a_healthy_client(Contract::port, |port| {
        let path = format!("{SOCKET_IO}?EIO=4&transport=polling");
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            assert_refused(&ask(port, method, &path), BAD_METHOD);
        }
        assert_empty(&ask(port, "HEAD", &path), 400);
    });
}

#[test]
fn any_other_protocol_version_is_unsupported() {
    beside_a_healthy_client(Contract::port, |port| {
        for version in ["EIO=2&", "EIO=5&", "EIO=abc&", "EIO=&", "EIO=04&", "EIO=4.0&", ""] {
            let path = format!("{SOCKET_IO}?{version}transport=polling");
            assert_refused(&ask(port, "GET", &path), UNSUPPORTED);
        }
    });
}

#[test]
fn a_session_is_not_reachable_by_another_transport_or_version() {
    beside_a_healthy_client(Contract::port, |port| {
        let by_polling = Polling::join(port);
        let url = by_polling.url();
        assert_refused(&ask(port, "GET", &url.replace("EIO=4", "EIO=3")), BAD_REQUEST);
        by_polling.post("3");

        let mut by_websocket =
            WebSocket::open(port, &format!("{SOCKET_IO}?EIO=4&transport=websocket"))
                .expect("a WebSocket");
        let Frame::Text(open) = by_websocket.next() else { panic!("no open packet") };
        let sid = open.split('"').nth(3).expect("an id");
        let path = format!("{SOCKET_IO}?EIO=4&transport=polling&sid={sid}");
        assert_refused(&ask(port, "GET", &path), BAD_REQUEST);
        assert_refused(&ask_with(port, "POST", &path, &[], "40"), BAD_REQUEST);
        by_websocket.text("40");
        assert!(matches!(by_websocket.next(), Frame::Text(text) if text.starts_with("40{")));
    });
}

#[test]
fn a_websocket_session_without_an_upgrade_is_a_bad_request() {
    beside_a_healthy_client(Contract::port, |port| {
        let path = format!("{SOCKET_IO}?EIO=4&transport=websocket");
        assert_refused(&ask(port, "GET", &path), BAD_REQUEST);
    });
}

#[test]
fn of_several_mistakes_the_first_in_the_order_of_the_reference_counts() {
    beside_a_healthy_client(Contract::port, |port| {
        for (method, query, body) in [
            ("POST", "EIO=2&transport=abc&sid=abc", TRANSPORT_UNKNOWN),
            ("POST", "EIO=2&transport=polling&sid=abc", SESSION_UNKNOWN),
            ("POST", "EIO=2&transport=websocket", BAD_METHOD),
            ("GET", "EIO=2&transport=websocket", BAD_REQUEST),
            ("GET", "EIO=2&transport=polling", UNSUPPORTED),
        ] {
            assert_refused(&ask(port, method, &format!("{SOCKET_IO}?{query}")), body);
        }
    });
}

#[test]
fn other_methods_on_a_session_are_an_error_without_words() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        for method in ["PUT", "DELETE", "PATCH", "HEAD"] {
            assert_empty(&ask(port, method, &session.url()), 500);
        }
        session.post(r#"42["echo",1]"#);
        assert_eq!(session.packets(1), [r#"42["echo-back",1]"#]);
    });
}

#[test]
fn other_paths_are_not_found() {
    beside_a_healthy_client(Contract::port, |port| {
        for path in
            ["/", "/socket.io", "/socket.io?EIO=4&transport=polling", ENGINE_IO, "/socket.iox/"]
        {
            assert_eq!(ask(port, "GET", path).status, 404, "{path}");
        }
    });
}

#[test]
fn what_is_not_http_is_refused() {
    beside_a_healthy_client(Contract::port, |port| {
        for garbage in ["GARBAGE\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n", "GET\r\n\r\n"] {
            let mut wire = Wire::open(port);
            wire.send(garbage);
            assert_eq!(wire.response().status, 400, "{garbage:?}");
            assert!(wire.is_over());
        }
    });
}

#[test]
fn any_origin_is_served_here_and_refusals_can_be_read_too() {
    beside_a_healthy_client(Contract::port, |port| {
        let origin = ("Origin", "https://elsewhere.example");
        let allowed = |answer: &Response| {
            let allowed = answer.header("access-control-allow-origin").expect("the header");
            assert!(["*", origin.1].contains(&allowed), "{allowed}");
        };
        let path = format!("{SOCKET_IO}?EIO=4&transport=polling");
        let opened = ask_with(port, "GET", &path, &[origin], "");
        assert_eq!(opened.status, 200);
        allowed(&opened);
        let refused = ask_with(port, "GET", &path.replace('4', "2"), &[origin], "");
        assert_refused(&refused, UNSUPPORTED);
        allowed(&refused);

        let asked = ("Access-Control-Request-Method", "POST");
        let preflight = ask_with(port, "OPTIONS", &path, &[origin, asked], "");
        assert_empty(&preflight, 204);
        allowed(&preflight);
        let methods = preflight.header("access-control-allow-methods");
        assert_eq!(methods, Some("GET,HEAD,PUT,PATCH,POST,DELETE"));
    });
}

#[test]
fn answers_of_a_healthy_session_carry_the_headers_of_the_reference() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::open(port, SOCKET_IO);
        let posted = session.try_post("40");
        assert_eq!((posted.status, posted.body.as_str()), (200, "ok"));
        assert_eq!(posted.header("content-type"), Some("text/html"));
        assert_eq!(posted.header("content-length"), Some("2"));
        let polled = session.try_poll();
        assert_eq!(polled.status, 200);
        assert_eq!(polled.header("content-type"), Some("text/plain; charset=UTF-8"));
        assert_eq!(polled.header("cache-control"), Some("no-store"));
        assert_eq!(polled.header("content-length"), Some(&*polled.body.len().to_string()));
    });
}

#[test]
fn a_second_poll_ends_both_and_the_session() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        let (mut one, mut other) = (session.get(), session.get());
        let mut answers =
            [one.response(), other.response()].map(|answer| (answer.status, answer.body));
        answers.sort();
        assert_eq!(answers, [(200, "1".to_owned()), (400, String::new())]);
        assert!(session.is_forgotten());
        assert_eq!(Client::join(port).reason_of(&session.id), "transport error");
    });
}

#[test]
fn a_second_post_is_refused_and_ends_the_session() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        let mut first = Wire::open(port);
        let headers = [("Content-Length", "100"), ("Expect", "100-continue")];
        first.head("POST", &session.url(), &headers);
        assert_eq!(head_of(&mut first), "HTTP/1.1 100 Continue");
        first.send("42[");
        assert_empty(&session.try_post("3"), 400);
        assert!(session.is_forgotten());
        assert_eq!(Client::join(port).reason_of(&session.id), "transport error");
    });
}

/// The first line of what comes next; the rest of that head is dropped.
fn head_of(wire: &mut Wire) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(wire.exactly(1));
    }
    String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_binary_post_is_refused_and_ends_the_session() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        let kind = [("Content-Type", "application/octet-stream")];
        assert_empty(&ask_with(port, "POST", &session.url(), &kind, "4hello"), 400);
        assert!(session.is_forgotten());
        assert_eq!(Client::join(port).reason_of(&session.id), "transport error");
    });
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_sent_and_the_session_stays() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        let mut announced = Wire::open(port);
        let headers = [("Content-Length", "2000001"), ("Expect", "100-continue")];
        announced.head("POST", &session.url(), &headers);
        assert_empty(&refusal_after_continue(&mut announced), 413);

        let mut chunked = Wire::open(port);
        chunked.head("POST", &session.url(), &[("Transfer-Encoding", "chunked")]);
        chunked.send("1e8481\r\n");
        chunked.send("4".repeat(2_000_001));
        assert_empty(&chunked.response(), 413);

        session.post(r#"42["echo",1]"#);
        assert_eq!(session.packets(1), [r#"42["echo-back",1]"#]);
    });
}

/// A server may ask for the body before it looks at its length; it gets one that is too long then.
fn refusal_after_continue(wire: &mut Wire) -> Response {
    let answer = wire.response();
    if answer.status != 100 {
        return answer;
    }
    wire.send("4".repeat(2_000_001));
    wire.response()
}

#[test]
fn a_body_at_the_limit_is_taken() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        let packet = format!(r#"42["echo","{}"]"#, "x".repeat(2_000_000 - 13));
        assert_eq!(packet.len(), 2_000_000);
        session.post(&packet);
        assert_eq!(session.packets(1)[0].len(), packet.len() + "-back".len());
    });
}

#[test]
fn an_invalid_payload_is_accepted_and_ends_the_session() {
    beside_a_healthy_client(Contract::port, |port| {
        for payload in ["abc", "9", "", "\x1e", "3\x1e", "\x1e3", "7\x1e3", "é"] {
            let session = Polling::join(port);
            let answer = session.try_post(payload);
            assert_eq!((answer.status, answer.body.as_str()), (200, "ok"), "{payload:?}");
            assert!(session.is_forgotten(), "{payload:?}");
            assert_eq!(Client::join(port).reason_of(&session.id), "parse error", "{payload:?}");
        }
    });
}

#[test]
fn a_ping_of_a_client_is_the_wrong_direction() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        session.post("2");
        assert!(session.is_forgotten());
        assert_eq!(Client::join(port).reason_of(&session.id), "transport error");
    });
}

#[test]
fn a_pong_that_nobody_asked_for_is_fine() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        session.post("3\x1e3and more\x1e42[\"echo\",1]");
        assert_eq!(session.packets(1), [r#"42["echo-back",1]"#]);
    });
}

#[test]
fn a_poll_given_up_and_a_post_given_up_end_the_session() {
    beside_a_healthy_client(Contract::port, |port| {
        let mut observer = Client::join(port);
        let session = Polling::join(port);
        let poll = session.get();
        poll.hang_up();
        assert_eq!(observer.reason_of(&session.id), "transport error");

        let session = Polling::join(port);
        let mut post = Wire::open(port);
        post.head("POST", &session.url(), &[("Content-Length", "100")]);
        post.send("42[");
        post.hang_up();
        assert_eq!(observer.reason_of(&session.id), "transport error");
    });
}

#[test]
fn a_refused_upgrade_is_told_why_in_plain_words() {
    beside_a_healthy_client(Contract::port, |port| {
        for (query, words) in [
            ("EIO=4&transport=abc", "Transport unknown"),
            ("EIO=4", "Transport unknown"),
            ("EIO=4&transport=websocket&sid=abc", "Session ID unknown"),
            ("EIO=2&transport=websocket", "Unsupported protocol version"),
            ("transport=websocket", "Unsupported protocol version"),
            ("EIO=4&transport=polling", "Bad request"),
        ] {
            let path = format!("{SOCKET_IO}?{query}");
            let Err(answer) = WebSocket::open(port, &path) else { panic!("{query} is upgraded") };
            assert_eq!((answer.status, answer.body.as_str()), (400, words), "{query}");
            assert_eq!(answer.header("content-type"), Some("text/html"));
            assert_eq!(answer.header("connection"), Some("close"));
        }
    });
}

#[test]
fn a_handshake_without_a_proper_key_or_version_is_refused() {
    beside_a_healthy_client(Contract::port, |port| {
        let path = format!("{SOCKET_IO}?EIO=4&transport=websocket");
        for headers in [
            &[("Sec-WebSocket-Version", "13")][..],
            &[("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "short")],
            &[("Sec-WebSocket-Version", "12"), ("Sec-WebSocket-Key", KEY)],
            &[("Sec-WebSocket-Key", KEY)],
        ] {
            let answer = WebSocket::open_with(port, &path, headers).err().expect("refused");
            assert!((400..500).contains(&answer.status), "{answer:?}");
        }
        let old = [("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Key", KEY)];
        assert!(WebSocket::open_with(port, &path, &old).is_ok(), "version 8 has the same frames");
    });
}

#[test]
fn a_session_has_one_upgrade() {
    beside_a_healthy_client(Contract::port, |port| {
        let session = Polling::join(port);
        let mut first = WebSocket::open(port, &session.upgrade_url()).expect("a WebSocket");
        first.text("2probe");
        assert_eq!(first.next(), Frame::Text("3probe".to_owned()));
        let mut second = WebSocket::open(port, &session.upgrade_url()).expect("a WebSocket");
        second.closed();
        first.text("5");
        first.text(r#"42["echo",1]"#);
        let echo = loop {
            match first.next() {
                Frame::Text(text) if text == "6" => {}
                other => break other,
            }
        };
        assert_eq!(echo, Frame::Text(r#"42["echo-back",1]"#.to_owned()));
        let mut third = match WebSocket::open(port, &session.upgrade_url()) {
            Ok(third) => third,
            Err(answer) => return assert_eq!(answer.status, 400),
        };
        third.closed();
        assert_refused(&session.try_poll(), BAD_REQUEST);
        first.text(r#"42["echo",2]"#);
        assert_eq!(first.next(), Frame::Text(r#"42["echo-back",2]"#.to_owned()));
    });
}
