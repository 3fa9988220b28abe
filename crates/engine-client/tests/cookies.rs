//! What is kept of `Set-Cookie`, and sent again.

mod support;

use std::time::Duration;

use http::HeaderMap;
use http::header::SET_COOKIE;
use sockeye_engine_client::http::Lane;
use sockeye_engine_client::{Jar, Target};
use support::{header, ok, pair};

fn target(url: &str) -> Target {
    Target::parse(url).expect("a URL").0
}

/// A jar in which this target has set these cookies.
fn jar(url: &str, cookies: &[&str]) -> Jar {
    let jar = Jar::default();
    store(&jar, url, cookies);
    jar
}

fn store(jar: &Jar, url: &str, cookies: &[&str]) {
    let mut headers = HeaderMap::new();
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie.parse().expect("a header"));
    }
    jar.store(&target(url), &headers);
}

/// What is sent to this URL.
fn sent(jar: &Jar, url: &str) -> Option<String> {
    jar.header(&target(url)).map(|header| header.to_str().expect("ASCII").to_owned())
}

const URL: &str = "https://localhost:3000";

#[test]
fn a_simple_cookie_is_sent_again() {
    assert_eq!(sent(&jar(URL, &["foo=bar"]), URL).as_deref(), Some("foo=bar"));
}

#[test]
fn a_cookie_with_all_attributes_is_sent_again() {
    let cookie = "foo=bar; Max-Age=1000; Domain=.example.com; Path=/; Expires=Tue, 01 Jul 2025 \
                  10:01:11 GMT; HttpOnly; Secure; SameSite=strict";
    assert_eq!(sent(&jar(URL, &[cookie]), URL).as_deref(), Some("foo=bar"));
}

#[test]
fn a_weird_but_valid_cookie_keeps_all_of_its_value() {
    let cookie =
        "foo=bar=bar&foo=foo&John=Doe&Doe=John; Domain=.example.com; Path=/; HttpOnly; Secure";
    let value = "foo=bar=bar&foo=foo&John=Doe&Doe=John";
    assert_eq!(sent(&jar(URL, &[cookie]), URL).as_deref(), Some(value));
}

#[test]
fn what_is_no_cookie_is_left_out() {
    let jar = jar(URL, &["", "foo", "=bar", " = ", ";", "a=1"]);
    assert_eq!(sent(&jar, URL).as_deref(), Some("a=1"));
}

#[test]
fn names_of_attributes_may_be_written_in_any_case() {
    let jar = jar(URL, &["a=1; PATH=/elsewhere", "b=2; max-AGE=0", "c=3; pAtH=/"]);
    assert_eq!(sent(&jar, URL).as_deref(), Some("c=3"));
}

#[test]
fn a_cookie_that_is_over_is_forgotten() {
    let jar = jar(URL, &["a=1", "b=2", "c=3", "d=4"]);
    let over = ["a=; Max-Age=0", "b=; Max-Age=-1", "c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"];
    store(&jar, URL, &over);
    assert_eq!(sent(&jar, URL).as_deref(), Some("d=4"));
    store(&jar, URL, &["d=; Expires=Thu, 01-Jan-1970 00:00:00 GMT"]);
    assert_eq!(sent(&jar, URL), None);
}

#[test]
fn attributes_that_cannot_be_read_are_not_there() {
    let jar =
        jar(URL, &["a=1; Max-Age=soon", "b=2; Expires=never", "c=3; Path=here", "d=4; Max-Age="]);
    assert_eq!(sent(&jar, URL).as_deref(), Some("a=1; b=2; c=3; d=4"));
    let long = format!("e=5; Max-Age={}", "9".repeat(100));
    store(&jar, URL, &[&long]);
    assert!(sent(&jar, URL).unwrap().ends_with("e=5"));
}

#[tokio::test(start_paused = true)]
async fn a_cookie_goes_when_its_time_has_come() {
    let in_a_minute = std::time::SystemTime::now() + Duration::from_mins(1);
    let dated = format!("b=2; Expires={}", httpdate::fmt_http_date(in_a_minute));
    let jar = jar(URL, &["a=1; Max-Age=10; Expires=Fri, 01 Jan 2100 00:00:00 GMT", &dated]);
    assert_eq!(sent(&jar, URL).as_deref(), Some("a=1; b=2"));
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(sent(&jar, URL).as_deref(), Some("b=2"));
    tokio::time::advance(Duration::from_secs(50)).await;
    assert_eq!(sent(&jar, URL), None);
}

#[test]
fn a_cookie_goes_to_its_origin_and_to_nobody_else() {
    let jar = jar("http://a.example:3000", &["a=1"]);
    assert_eq!(sent(&jar, "ws://A.example:3000/chat").as_deref(), Some("a=1"));
    for other in ["http://b.example:3000", "http://a.example", "https://a.example:3000"] {
        assert_eq!(sent(&jar, other), None, "{other}");
    }
}

#[test]
fn a_secure_cookie_is_not_taken_without_tls() {
    assert_eq!(
        sent(&jar("http://localhost", &["a=1; Secure", "b=2"]), "http://localhost").unwrap(),
        "b=2"
    );
    assert_eq!(sent(&jar(URL, &["a=1; Secure"]), URL).unwrap(), "a=1");
}

#[test]
fn a_cookie_goes_below_its_path_and_the_longest_comes_first() {
    let jar = jar(
        URL,
        &["a=1; Path=/", "b=2; Path=/socket.io", "c=3; Path=/sock", "d=4; Path=/socket.io/x"],
    );
    assert_eq!(sent(&jar, URL).as_deref(), Some("b=2; a=1"));
}

#[test]
fn a_cookie_that_is_set_again_keeps_its_place() {
    let jar = jar(URL, &["a=1", "b=2"]);
    store(&jar, URL, &["a=3"]);
    assert_eq!(sent(&jar, URL).as_deref(), Some("a=3; b=2"));
    jar.clear();
    assert_eq!(sent(&jar, URL), None);
}

#[test]
fn an_origin_that_sets_too_many_loses_its_oldest_ones() {
    let jar = jar("http://quiet", &["q=1"]);
    for number in 0..60 {
        store(&jar, URL, &[&format!("c{number}=1")]);
    }
    let kept = sent(&jar, URL).unwrap();
    assert_eq!(kept.split("; ").count(), 50);
    assert!(kept.starts_with("c10=1;"), "{kept}");
    assert_eq!(sent(&jar, "http://quiet").as_deref(), Some("q=1"));
}

#[test]
fn an_origin_that_sets_large_ones_keeps_what_fits_into_a_head() {
    let jar = jar(URL, &["small=1"]);
    store(&jar, URL, &[&format!("large={}", "x".repeat(5000))]);
    assert_eq!(
        sent(&jar, URL).as_deref(),
        Some("small=1"),
        "what is larger than any cookie is not taken"
    );
    for number in 0..20 {
        store(&jar, URL, &[&format!("c{number}={}", "x".repeat(1000))]);
    }
    let kept = sent(&jar, URL).unwrap();
    assert!((7000..8192).contains(&kept.len()), "{}", kept.len());
}

#[test]
fn many_origins_share_a_thousand() {
    let jar = Jar::default();
    for number in 0..1100 {
        store(&jar, &format!("http://h{number}"), &["a=1"]);
    }
    assert_eq!(sent(&jar, "http://h99"), None);
    assert!(sent(&jar, "http://h100").is_some());
}

#[test]
fn a_jar_shows_no_values() {
    assert_eq!(format!("{:?}", jar(URL, &["session=secret"])), r#"["session"]"#);
}

#[tokio::test]
async fn with_a_jar_cookies_of_an_answer_go_along_with_the_next_request() {
    let (mut client, mut server) = pair("http://localhost:3000");
    client.cookies = Some(Jar::default());
    client.headers.insert("cookie", "own=0".parse().unwrap());
    let cookies = "set-cookie: 1=1; Max-Age=86400\r\nset-cookie: 2=2; Path=/; HttpOnly; \
                   SameSite=Strict\r\nset-cookie: 3=3; Max-Age=0\r\n";
    let first = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{cookies}\r\n");
    let mut lane = Lane::default();
    let (_, (mut stream, request)) = tokio::join!(client.get(&mut lane), server.answer(&first));
    assert_eq!(header(&request, "cookie"), Some("own=0"));
    let ok = ok("");
    let (_, request) = tokio::join!(client.get(&mut lane), support::answer(&mut stream, &ok));
    assert_eq!(header(&request, "cookie"), Some("own=0; 1=1; 2=2"));
}

#[tokio::test]
async fn without_a_jar_no_cookie_is_sent() {
    let (client, mut server) = pair("http://localhost:3000");
    let first = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: 1=1\r\n\r\n";
    let mut lane = Lane::default();
    let (_, (mut stream, _)) = tokio::join!(client.get(&mut lane), server.answer(first));
    let ok = ok("");
    let (_, request) = tokio::join!(client.get(&mut lane), support::answer(&mut stream, &ok));
    assert_eq!(header(&request, "cookie"), None);
}

#[tokio::test]
async fn a_refusal_and_a_websocket_set_cookies_as_well() {
    let (mut client, mut server) = pair("http://localhost:3000");
    client.cookies = Some(Jar::default());
    let refusal = "HTTP/1.1 503 x\r\ncontent-length: 0\r\nset-cookie: node=2; Path=/\r\n\r\n";
    let (upgraded, _) = tokio::join!(client.websocket(None), server.answer(refusal));
    assert!(upgraded.is_err());
    let ok = ok("");
    let mut lane = Lane::default();
    let (_, (_, request)) = tokio::join!(client.get(&mut lane), server.answer(&ok));
    assert_eq!(header(&request, "cookie"), Some("node=2"));
}
