//! What an application may do to the headers of answers.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue};
use sockeye::{Cookie, Io, SameSite};
use support::{Client, Polling, http, io, serve, soon};
use tokio_tungstenite::connect_async;

const OPEN: &str = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1";

/// Adds a line that says how often it was there.
fn count(headers: &mut HeaderMap, name: &'static str) {
    headers.append(name, HeaderValue::from_static("here"));
}

/// The headers of the 101 that opens a WebSocket.
async fn switched(address: SocketAddr, path: &str) -> HeaderMap {
    let (_, answer) = connect_async(format!("ws://{address}{path}")).await.unwrap();
    answer.headers().clone()
}

#[tokio::test]
async fn headers_is_called_for_every_answer_and_initial_headers_for_the_first_of_a_session() {
    let io = io(|io| {
        io.any_origin()
            .initial_headers(|headers, _| count(headers, "x-first"))
            .headers(|headers, _| count(headers, "x-every"))
    });
    let address = serve(&io).await;
    let session = Polling::open(address, "/socket.io/").await;
    session.post("40").await;
    let poll = format!("GET {} HTTP/1.1", session.path());
    let requests = [
        (OPEN, true),
        (&poll, false),
        ("GET /socket.io/?EIO=3&transport=polling HTTP/1.1", false),
        ("OPTIONS /socket.io/ HTTP/1.1\r\nOrigin: https://a.example", false),
    ];
    for (head, first) in requests {
        let (_, headers, _) = http(address, head, "").await;
        assert_eq!(headers.matches("x-every: here").count(), 1, "{headers}");
        assert_eq!(headers.contains("x-first: here"), first, "{headers}");
    }
    let opened = switched(address, "/socket.io/?EIO=4&transport=websocket").await;
    assert!(opened.contains_key("x-first") && opened.contains_key("x-every"), "{opened:?}");
    let path = session.path().replace("transport=polling", "transport=websocket");
    let upgraded = switched(address, &path).await;
    assert!(!upgraded.contains_key("x-first") && upgraded.contains_key("x-every"), "{upgraded:?}");
}

#[tokio::test]
async fn header_hooks_see_the_request_change_what_is_there_and_cannot_move_the_end_of_an_answer() {
    let io = io(|io| {
        io.headers(|headers, request| {
            headers.remove("cache-control");
            headers.insert("content-length", HeaderValue::from_static("3"));
            headers.insert("x-path", request.path().parse().unwrap());
        })
    });
    let address = serve(&io).await;
    let (status, headers, body) = http(address, OPEN, "").await;
    assert_eq!(status, 200);
    assert!(headers.contains("x-path: /socket.io/") && !headers.contains("cache-control"));
    assert!(body.ends_with('}'), "{body}");
    Client::join(address).await;
}

#[tokio::test]
async fn what_a_header_hook_has_done_before_it_panics_does_not_count() {
    let io = io(|io| {
        io.initial_headers(|headers, _| count(headers, "x-first")).headers(|headers, _| {
            headers.clear();
            panic!("as the test wants it");
        })
    });
    let address = serve(&io).await;
    let (status, headers, _) = http(address, OPEN, "").await;
    assert_eq!(status, 200);
    assert!(headers.contains("x-first: here") && headers.contains("cache-control: no-store"));
    Client::join(address).await;
}

/// The session's id in an open packet.
fn id_in(open: &str) -> &str {
    open.split('"').nth(3).unwrap()
}

#[tokio::test]
async fn the_first_answer_of_a_session_sets_the_cookie_on_both_transports_and_no_other_does() {
    let address = serve(&io(|io| io.cookie(Cookie::default()))).await;
    let (_, headers, open) = http(address, OPEN, "").await;
    let id = id_in(&open);
    let cookie = format!("set-cookie: io={id}; path=/; httponly; samesite=lax");
    assert!(headers.contains(&cookie.to_ascii_lowercase()), "{headers}");
    let post = format!("POST /socket.io/?EIO=4&transport=polling&sid={id} HTTP/1.1");
    let (status, headers, _) = http(address, &post, "40").await;
    assert_eq!((status, headers.contains("set-cookie")), (200, false));

    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let (mut stream, answer) = connect_async(url).await.unwrap();
    let open = soon(stream.next()).await.unwrap().unwrap().into_text().unwrap();
    let expected = format!("io={}; Path=/; HttpOnly; SameSite=Lax", id_in(&open));
    assert_eq!(answer.headers()["set-cookie"], *expected);
}

#[tokio::test]
async fn a_cookie_is_set_as_it_was_ordered_and_by_default_there_is_none() {
    let cookie = Cookie::new("node")
        .max_age(Duration::from_secs(90))
        .domain("example.com")
        .path("/live")
        .http_only(false)
        .secure(true)
        .same_site(SameSite::None);
    let address = serve(&io(|io| io.cookie(cookie))).await;
    let headers = switched(address, "/socket.io/?EIO=4&transport=websocket").await;
    let set = headers["set-cookie"].to_str().unwrap();
    let (_, attributes) = set.split_once("; ").unwrap();
    assert!(set.starts_with("node="), "{set}");
    assert_eq!(attributes, "Max-Age=90; Domain=example.com; Path=/live; Secure; SameSite=None");

    let address = serve(&io(|io| io)).await;
    assert!(!http(address, OPEN, "").await.1.contains("set-cookie"));
}

#[tokio::test]
async fn each_part_of_the_cookie_may_be_chosen_alone() {
    let cases = [
        (Cookie::new("woot"), "woot=ID; Path=/; HttpOnly; SameSite=Lax"),
        (Cookie::default().path("/custom"), "io=ID; Path=/custom; HttpOnly; SameSite=Lax"),
        (Cookie::default().without_path(), "io=ID; HttpOnly; SameSite=Lax"),
        (Cookie::default().http_only(true), "io=ID; Path=/; HttpOnly; SameSite=Lax"),
        (Cookie::default().http_only(false), "io=ID; Path=/; SameSite=Lax"),
        (Cookie::default().same_site(SameSite::Strict), "io=ID; Path=/; HttpOnly; SameSite=Strict"),
        (Cookie::default().without_same_site(), "io=ID; Path=/; HttpOnly"),
    ];
    for (cookie, expected) in cases {
        let address = serve(&io(|io| io.cookie(cookie))).await;
        let (_, headers, open) = http(address, OPEN, "").await;
        let expected = expected.replace("ID", id_in(&open)).to_ascii_lowercase();
        assert!(headers.contains(&format!("set-cookie: {expected}\r\n")), "{headers}");
    }
}

#[tokio::test]
async fn a_cookie_of_a_header_hook_stands_beside_the_session_s_own() {
    let mine = HeaderValue::from_static("mine=456");
    let io = io(|io| {
        io.cookie(Cookie::default()).initial_headers(move |headers, _| {
            headers.append("set-cookie", mine.clone());
        })
    });
    let address = serve(&io).await;
    let (_, headers, _) = http(address, OPEN, "").await;
    assert!(headers.contains("set-cookie: io=") && headers.contains("set-cookie: mine=456"));
    let headers = switched(address, "/socket.io/?EIO=4&transport=websocket").await;
    assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
}

#[test]
fn a_cookie_that_no_browser_would_take_is_refused_when_it_is_built() {
    let bad = [
        Cookie::new(""),
        Cookie::new("a b"),
        Cookie::default().path("/;x"),
        Cookie::default().domain("a\r\nb"),
        Cookie::default().same_site(SameSite::None),
    ];
    for cookie in bad {
        let error = Io::builder().cookie(cookie).build().unwrap_err();
        assert!(error.to_string().starts_with("`cookie` may not be "), "{error}");
    }
    let bare = Cookie::default().without_path().without_same_site();
    assert!(Io::builder().cookie(bare).build().is_ok());
}
