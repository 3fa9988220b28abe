//! What an application may say about requests.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use sockeye::engine::Refused;
use sockeye::{Builder, ConnectionError, Io, Rate, Request};
use support::{Client, Notes, Polling, http, io, serve, soon};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const OPEN: &str = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1";

/// Status and body of a handshake over polling with these header lines.
async fn polling(address: SocketAddr, headers: &str) -> (u16, String) {
    let (status, _, body) = http(address, &format!("{OPEN}{headers}"), "").await;
    (status, body)
}

/// Status and body with which a WebSocket is refused.
async fn refused_websocket(address: SocketAddr) -> (u16, String) {
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    match Client::request(url.into_client_request().unwrap()).await.err() {
        Some(Error::Http(answer)) => {
            let body = answer.body().clone().unwrap_or_default();
            (answer.status().as_u16(), String::from_utf8(body).unwrap())
        }
        other => panic!("not refused over HTTP: {other:?}"),
    }
}

const WORDS: &str = "speak, \"friend\"";

/// Lets in whoever says the word, once it has thought about it.
fn guarded_with(options: impl FnOnce(Builder) -> Builder) -> Io {
    io(|io| {
        options(io).allow_request(async |request: Request| {
            tokio::task::yield_now().await;
            match request.header("x-word") {
                Some("friend") => Ok(()),
                _ => Err(WORDS),
            }
        })
    })
}

#[tokio::test]
async fn whoever_allow_request_turns_away_reads_why_on_both_transports() {
    let io = guarded_with(|io| io);
    let address = serve(&io).await;
    let words = r#"{"code":4,"message":"speak, \"friend\""}"#;
    assert_eq!(polling(address, "").await, (403, words.to_owned()));
    assert_eq!(refused_websocket(address).await, (403, WORDS.to_owned()));
    assert_eq!(io.stats().connections(), 0);

    assert_eq!(polling(address, "\r\nX-Word: friend").await.0, 200);
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-word", "friend".parse().unwrap());
    let mut client = Client::request(request).await.unwrap();
    client.connect("/", "").await;
}

#[tokio::test]
async fn allow_request_is_asked_once_for_a_session_and_never_about_what_is_refused_anyway() {
    let asked = Notes::new();
    let notes = std::sync::Arc::clone(&asked);
    let io = io(move |io| {
        io.allow_request(move |request: Request| {
            let transport = request.query_value("transport").unwrap_or_default().into_owned();
            let known = request.address().is_some() && request.path() == "/socket.io/";
            notes.add((request.method().as_str().to_owned(), transport, known));
            async { Ok::<(), String>(()) }
        })
    });
    let address = serve(&io).await;
    let old = "GET /socket.io/?EIO=3&transport=polling HTTP/1.1";
    assert_eq!(http(address, old, "").await.0, 400);
    let session = Polling::open(address, "/socket.io/").await;
    session.post("40").await;
    session.get().await;
    let mut candidate = Client::candidate(&session).await;
    candidate.send("2probe").await;
    candidate.expect("3probe").await;
    Client::join(address).await;
    let get = "GET".to_owned();
    assert_eq!(asked.next().await, (get.clone(), "polling".to_owned(), true));
    assert_eq!(asked.next().await, (get, "websocket".to_owned(), true));
    assert!(asked.so_far().is_empty());
}

#[tokio::test]
async fn allow_request_that_never_decides_or_panics_refuses() {
    let io = io(|io| {
        io.allow_deadline(Duration::from_millis(50)).allow_request(async |request: Request| {
            match request.header("x-test") {
                Some("hang") => std::future::pending::<()>().await,
                Some("say nothing") => return Err(""),
                Some("let in") => {}
                _ => panic!("as the test wants it"),
            }
            Ok(())
        })
    });
    let address = serve(&io).await;
    let forbidden = (403, r#"{"code":4,"message":"Forbidden"}"#.to_owned());
    assert_eq!(polling(address, "\r\nX-Test: hang").await, forbidden);
    assert_eq!(polling(address, "\r\nX-Test: say nothing").await, forbidden);
    assert_eq!(polling(address, "").await, forbidden);
    assert_eq!(refused_websocket(address).await, (403, "Forbidden".to_owned()));
    assert_eq!(polling(address, "\r\nX-Test: let in").await.0, 200);
}

/// What there is to tell of a refusal: code, text, context.
type Told = (u8, String, Vec<(&'static str, String)>);

fn told(error: &ConnectionError) -> Told {
    let context = error.context().into_iter().map(|(name, value)| (name, value.into_owned()));
    (error.code(), error.to_string(), context.collect())
}

#[tokio::test]
async fn on_connection_error_is_told_of_every_refusal_and_what_was_wrong() {
    let refusals = Notes::new();
    let notes = std::sync::Arc::clone(&refusals);
    let io = guarded_with(|io| io.on_connection_error(move |error| notes.add(told(error))));
    let address = serve(&io).await;
    let cases = [
        ("GET /socket.io/?EIO=4&transport=tr%61m", 0, "Transport unknown", "transport", "tram"),
        (
            "GET /socket.io/?EIO=4&transport=polling&sid=gone",
            1,
            "Session ID unknown",
            "sid",
            "gone",
        ),
        ("PUT /socket.io/?EIO=4&transport=polling", 2, "Bad handshake method", "method", "PUT"),
        (
            "OPTIONS /socket.io/?EIO=4&transport=polling",
            2,
            "Bad handshake method",
            "method",
            "OPTIONS",
        ),
        (
            "GET /socket.io/?EIO=4&transport=websocket",
            3,
            "Bad request (TRANSPORT_HANDSHAKE_ERROR)",
            "name",
            "TRANSPORT_HANDSHAKE_ERROR",
        ),
        (
            "GET /socket.io/?EIO=3&transport=polling",
            5,
            "Unsupported protocol version",
            "protocol",
            "3",
        ),
    ];
    for (head, code, text, name, value) in cases {
        http(address, &format!("{head} HTTP/1.1"), "").await;
        let expected = (code, text.to_owned(), vec![(name, value.to_owned())]);
        assert_eq!(refusals.next().await, expected);
    }
    let words = || (4, WORDS.to_owned(), vec![("message", WORDS.to_owned())]);
    polling(address, "").await;
    assert_eq!(refusals.next().await, words());
    refused_websocket(address).await;
    assert_eq!(refusals.next().await, words());
    polling(address, "\r\nOrigin: https://foe.example").await;
    let foreign = vec![("message", "Forbidden".to_owned())];
    assert_eq!(refusals.next().await, (4, "Forbidden".to_owned(), foreign));
    assert!(refusals.so_far().is_empty());
}

type Limit = fn(Builder) -> Builder;

#[tokio::test]
async fn on_connection_error_is_told_of_those_for_whom_there_is_no_room() {
    let limits: [(Limit, u16, Refused, bool); 4] = [
        (|io| io.max_sessions(1), 503, Refused::Full, false),
        (|io| io.max_connections_per_address(1), 429, Refused::TooManyConnections, false),
        (
            |io| io.handshake_rate_per_address(Rate::per_second(1)),
            429,
            Refused::TooManyHandshakes,
            true,
        ),
        (|io| io.handshake_rate(Rate::per_second(1)), 503, Refused::Overloaded, true),
    ];
    for (limit, expected, reason, waits) in limits {
        let refusals = Notes::new();
        let notes = std::sync::Arc::clone(&refusals);
        let io = io(|io| {
            limit(io).on_connection_error(move |error| {
                notes.add((told(error), error.reason(), error.retry_after().is_some()));
            })
        });
        let address = serve(&io).await;
        // However slowly they come here: a second lets in one more.
        let refused = loop {
            match polling(address, "").await {
                (200, _) => {}
                refused => break refused,
            }
        };
        let words = reason.as_str().to_owned();
        assert_eq!(refused, (expected, words.clone()));
        let told = (4, words.clone(), vec![("message", words)]);
        assert_eq!(refusals.next().await, (told.clone(), reason, waits));
        if !waits {
            refused_websocket(address).await;
            assert_eq!(refusals.next().await, (told, reason, waits));
        }
    }
}

#[tokio::test]
async fn on_connection_error_that_panics_changes_no_answer() {
    let io = io(|io| io.on_connection_error(|error| panic!("as the test wants it: {error}")));
    let address = serve(&io).await;
    let old = "GET /socket.io/?EIO=3&transport=polling HTTP/1.1";
    assert_eq!(http(address, old, "").await.0, 400);
    assert_eq!(polling(address, "").await.0, 200);
}

#[tokio::test]
async fn generate_id_names_the_sessions_of_both_transports() {
    let io = io(|io| io.generate_id(|request| request.header("x-id").unwrap().to_owned()));
    let address = serve(&io).await;
    let id = "node-1_abcdefABCDEF0";
    let (status, open) = polling(address, &format!("\r\nX-Id: {id}")).await;
    assert_eq!(status, 200);
    assert!(open.starts_with(&format!("0{{\"sid\":\"{id}\"")), "{open}");
    let post = format!("POST /socket.io/?EIO=4&transport=polling&sid={id} HTTP/1.1");
    assert_eq!(http(address, &post, "40").await.0, 200);

    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-id", "node-2_abcdefABCDEF0".parse().unwrap());
    Client::request(request).await.unwrap().connect("/", "").await;
}

#[tokio::test]
async fn an_id_that_is_none_or_is_in_use_refuses_the_client_and_leaves_the_other_alone() {
    let refusals = Notes::new();
    let notes = std::sync::Arc::clone(&refusals);
    let io = io(|io| {
        io.on_connection_error(move |error| notes.add(told(error)))
            .generate_id(|request| request.header("x-id").expect("as the test wants it").to_owned())
    });
    let address = serve(&io).await;
    let id = "\r\nX-Id: 01234567890123456789";
    let (_, open) = polling(address, id).await;
    assert!(open.contains("01234567890123456789"), "{open}");
    let name = || vec![("name", "ID_GENERATION_ERROR".to_owned())];
    for bad in [id, "", "\r\nX-Id: short", "\r\nX-Id: 0123456789012345678!"] {
        let refused = (400, r#"{"code":3,"message":"Bad request"}"#.to_owned());
        assert_eq!(polling(address, bad).await, refused);
        let expected = (3, "Bad request (ID_GENERATION_ERROR)".to_owned(), name());
        assert_eq!(refusals.next().await, expected);
    }
    assert_eq!(refused_websocket(address).await.0, 400);
    assert_eq!(io.stats().connections(), 1);
    let post = "POST /socket.io/?EIO=4&transport=polling&sid=01234567890123456789 HTTP/1.1";
    assert_eq!(http(address, post, "40").await.0, 200);
}

#[tokio::test]
async fn of_clients_that_are_given_one_id_at_the_same_time_one_has_a_session() {
    let io = io(|io| io.generate_id(|_| "01234567890123456789".to_owned()));
    let address = serve(&io).await;
    let open = || async move {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (mut stream, _) = connect_async(url).await.ok()?;
        let open = stream.next().await?.ok()?;
        Some((stream, open))
    };
    let opened = soon(join_all((0..8).map(|_| open()))).await;
    assert_eq!(opened.iter().flatten().count(), 1);
    assert_eq!(io.stats().connections(), 1);
    soon(io.close(Duration::from_secs(1))).await;
    assert_eq!(io.stats().connections(), 0);
}

#[tokio::test]
async fn a_websocket_that_a_proxy_has_made_a_plain_request_is_refused_and_its_session_polls_on() {
    let refusals = Notes::new();
    let notes = std::sync::Arc::clone(&refusals);
    let io = io(|io| io.on_connection_error(move |error| notes.add(told(error))));
    support::with_sync(&io);
    let address = serve(&io).await;
    let session = Polling::open(address, "/socket.io/").await;
    let swallowed = session.path().replace("transport=polling", "transport=websocket");
    let (status, _, body) = http(address, &format!("GET {swallowed} HTTP/1.1"), "").await;
    assert_eq!((status, body.as_str()), (400, r#"{"code":3,"message":"Bad request"}"#));
    let context = [
        ("name", "TRANSPORT_MISMATCH"),
        ("transport", "websocket"),
        ("previousTransport", "polling"),
    ];
    let context = context.map(|(name, value)| (name, value.to_owned())).to_vec();
    let text = "Bad request (TRANSPORT_MISMATCH)".to_owned();
    assert_eq!(refusals.next().await, (3, text, context));
    session.post("40").await;
    assert!(session.get().await.starts_with("40{"));
    session.post("421[\"sync\"]").await;
    assert_eq!(session.get().await, "431[]");
}

#[tokio::test]
async fn a_request_in_another_revision_than_its_session_s_is_refused_and_the_session_goes_on() {
    let refusals = Notes::new();
    let notes = std::sync::Arc::clone(&refusals);
    let io = io(|io| io.on_connection_error(move |error| notes.add(told(error))));
    let address = serve(&io).await;
    let session = Polling::open(address, "/socket.io/").await;
    let old = session.path().replace("EIO=4", "EIO=3");
    let (status, _, body) = http(address, &format!("GET {old} HTTP/1.1"), "").await;
    assert_eq!((status, body.as_str()), (400, r#"{"code":3,"message":"Bad request"}"#));
    let context = [("name", "PROTOCOL_MISMATCH"), ("protocol", "3"), ("previousProtocol", "4")];
    let context = context.map(|(name, value)| (name, value.to_owned())).to_vec();
    let text = "Bad request (PROTOCOL_MISMATCH)".to_owned();
    assert_eq!(refusals.next().await, (3, text, context));
    session.post("40").await;
    assert!(session.get().await.starts_with("40{"));
}

#[tokio::test]
async fn names_that_every_object_of_javascript_has_are_no_transports() {
    let refusals = Notes::new();
    let notes = std::sync::Arc::clone(&refusals);
    let io = io(|io| io.on_connection_error(move |error| notes.add(told(error))));
    let address = serve(&io).await;
    for name in ["constructor", "__proto__", "toString"] {
        let target = format!("/socket.io/?EIO=4&transport={name}");
        let (status, _, body) = http(address, &format!("GET {target} HTTP/1.1"), "").await;
        assert_eq!((status, body.as_str()), (400, r#"{"code":0,"message":"Transport unknown"}"#));
        assert!(connect_async(format!("ws://{address}{target}")).await.is_err());
        for _ in 0..2 {
            let context = vec![("transport", name.to_owned())];
            assert_eq!(refusals.next().await, (0, "Transport unknown".to_owned(), context));
        }
    }
}

#[tokio::test]
async fn an_origin_that_no_browser_writes_opens_nothing() {
    let refusals = Notes::new();
    let notes = std::sync::Arc::clone(&refusals);
    let io = io(|io| io.on_connection_error(move |error| notes.add(told(error))));
    let address = serve(&io).await;
    let refused = (400, r#"{"code":3,"message":"Bad request"}"#.to_owned());
    assert_eq!(polling(address, "\r\nOrigin: http://a.example\u{e9}").await, refused);
    let (code, text, context) = refusals.next().await;
    assert_eq!((code, text.as_str()), (3, "Bad request (INVALID_ORIGIN)"));
    assert_eq!(context[0], ("name", "INVALID_ORIGIN".to_owned()));
    // What no header may hold does not come as far as that.
    assert_eq!(polling(address, "\r\nOrigin: http://a.example\u{1}").await.0, 400);
    assert!(refusals.so_far().is_empty());
    assert_eq!(io.stats().connections(), 0);
}

#[tokio::test]
async fn a_session_whose_id_was_used_before_outlives_the_one_that_is_still_saying_goodbye() {
    let io = io(|io| io.generate_id(|_| "01234567890123456789".to_owned()));
    let address = serve(&io).await;
    let (first, id) = Client::join(address).await;
    io.socket(&id).unwrap().close_transport();
    // It has not answered the goodbye; its id is free.
    while io.stats().engine.connections() > 0 {
        tokio::task::yield_now().await;
    }
    let second = Polling::open(address, "/socket.io/").await;
    second.post("40").await;
    drop(first);
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        second.post("3").await;
    }
}
