//! Requests and answers, against servers that answer well, badly, slowly or not at all.

mod support;

use std::time::Duration;

use sockeye_engine_client::EngineError;
use sockeye_engine_client::http::{Answer, Ask, Lane};
use support::{answer, header, ok, pair, read_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::{join, time};

const URL: &str = "http://localhost:3000";

/// What a client gets from a server that answers its GET with these bytes, and closes.
async fn got(bytes: &str) -> Result<Answer, EngineError> {
    let (client, mut server) = pair(URL);
    let mut lane = Lane::default();
    let serve = async { drop(server.answer(bytes).await) };
    join!(client.get(&mut lane), serve).0
}

fn message(outcome: Result<Answer, EngineError>) -> String {
    outcome.and_then(Answer::success).expect_err("no success").to_string()
}

#[tokio::test]
async fn a_request_says_what_it_wants_and_where() {
    let (mut client, mut server) = pair("http://example.com:8080/chat?token=a%20b&transport=none");
    client.target.path = "/engine path/".to_owned();
    let ok = ok("hello");
    let mut lane = Lane::default();
    let (got, (_, request)) = join!(client.get(&mut lane), server.answer(&ok));
    assert_eq!(got.unwrap().success().unwrap(), "hello");
    let line = request.lines().next().unwrap();
    assert_eq!(line, "GET /engine%20path/?token=a%20b&EIO=4&transport=polling HTTP/1.1");
    assert_eq!(header(&request, "host"), Some("example.com:8080"));
    assert_eq!(header(&request, "content-length"), None);
}

#[tokio::test]
async fn a_post_carries_its_body_and_its_type() {
    let (client, mut server) = pair("ws://[::1]");
    let ok = ok("ok");
    let mut lane = Lane::default();
    let (got, (_, request)) = join!(client.post(&mut lane, "4hello"), server.answer(&ok));
    assert!(got.is_ok());
    assert!(request.starts_with("POST /socket.io/?EIO=4"), "{request}");
    assert!(request.ends_with("\r\n\r\n4hello"), "{request}");
    assert_eq!(header(&request, "content-type"), Some("text/plain;charset=UTF-8"));
    assert_eq!(header(&request, "host"), Some("[::1]"), "without the usual port");
}

#[tokio::test(start_paused = true)]
async fn headers_of_the_user_are_sent_but_for_those_of_the_connection() {
    let (mut client, mut server) = pair("http://me:se%63ret@localhost");
    for (name, value) in [
        ("x-token", "1"),
        ("host", "virtual.example"),
        ("content-length", "999"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("upgrade", "h2c"),
    ] {
        client.headers.insert(name, value.parse().unwrap());
    }
    let ok = ok("");
    let mut lane = Lane::default();
    let exchange = async { join!(client.get(&mut lane), server.answer(&ok)) };
    let exchange = time::timeout(Duration::from_secs(1), exchange).await;
    let (_, (_, request)) = exchange.expect("no body to wait for");
    assert_eq!(header(&request, "x-token"), Some("1"));
    assert_eq!(header(&request, "host"), Some("virtual.example"));
    assert_eq!(header(&request, "authorization"), Some("Basic bWU6c2VjcmV0"));
    for name in ["content-length", "transfer-encoding", "connection", "upgrade"] {
        assert_eq!(header(&request, name), None, "{name}");
    }
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let (client, mut server) = pair(URL);
    let (first, second) = (ok("1"), ok("2"));
    let mut lane = Lane::default();
    let (_, (mut stream, _)) = join!(client.get(&mut lane), server.answer(&first));
    let (got, _) = join!(client.get(&mut lane), answer(&mut stream, &second));
    assert_eq!(got.unwrap().body, "2");
    assert_eq!(server.waiting(), 0);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_not_used_again() {
    let (client, mut server) = pair(URL);
    let (first, second) = (ok("1"), ok("2"));
    let mut lane = Lane::default();
    let (_, (stream, _)) = join!(client.post(&mut lane, "a"), server.answer(&first));
    drop(stream);
    let (got, _) = join!(client.post(&mut lane, "b"), server.answer(&second));
    assert_eq!(got.unwrap().body, "2");
}

#[tokio::test]
async fn a_server_that_says_more_than_it_was_asked_is_left() {
    let (client, mut server) = pair(URL);
    let (first, second) = (ok("1") + "HTTP/1.1 408 Request Timeout\r\n\r\n", ok("2"));
    let mut lane = Lane::default();
    let (_, (_stream, _)) = join!(client.get(&mut lane), server.answer(&first));
    let (got, _) = join!(client.get(&mut lane), server.answer(&second));
    assert_eq!(got.unwrap().body, "2");
}

#[tokio::test]
async fn an_answer_to_nothing_is_not_taken_for_the_next_one() {
    let (client, mut server) = pair(URL);
    let (first, second) = (ok("1"), ok("2"));
    let mut lane = Lane::default();
    let (_, (mut stream, _)) = join!(client.get(&mut lane), server.answer(&first));
    stream.write_all(ok("forged").as_bytes()).await.unwrap();
    let (got, _) = join!(client.get(&mut lane), server.answer(&second));
    assert_eq!(got.unwrap().body, "2");
}

#[tokio::test]
async fn an_answer_that_closes_its_connection_closes_it() {
    for head in ["HTTP/1.1 200 OK\r\nconnection: close", "HTTP/1.0 200 OK"] {
        let (client, mut server) = pair(URL);
        let first = format!("{head}\r\ncontent-length: 1\r\n\r\n1");
        let (mut lane, second) = (Lane::default(), ok("2"));
        let (got, (_stream, _)) = join!(client.get(&mut lane), server.answer(&first));
        assert_eq!(got.unwrap().body, "1");
        let (got, _) = join!(client.get(&mut lane), server.answer(&second));
        assert_eq!(got.unwrap().body, "2");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_left_before_the_server_leaves_it() {
    for (says, idle, again) in [
        ("", 28, true),
        ("", 31, false),
        ("keep-alive: timeout=5\r\n", 3, true),
        ("keep-alive: max=100, timeout=5\r\n", 5, false),
        ("keep-alive: timeout=1\r\n", 0, false),
        ("keep-alive: timeout=86400\r\n", 31, false),
    ] {
        let (client, mut server) = pair(URL);
        let first = format!("HTTP/1.1 200 OK\r\n{says}content-length: 0\r\n\r\n");
        let (mut lane, second) = (Lane::default(), ok(""));
        let (_, (mut stream, _)) = join!(client.get(&mut lane), server.answer(&first));
        time::advance(Duration::from_secs(idle)).await;
        let serve = async {
            let used_again = stream.read(&mut [0]).await.unwrap() > 0;
            if used_again {
                answer(&mut stream, &second).await;
            } else {
                server.answer(&second).await;
            }
            used_again
        };
        let (got, used_again) = join!(client.get(&mut lane), serve);
        assert!(got.is_ok());
        assert_eq!(used_again, again, "`{says}` after {idle} s");
    }
}

#[tokio::test]
async fn a_request_of_which_something_has_left_is_not_sent_again() {
    let (client, mut server) = pair(URL);
    let (mut lane, first) = (Lane::default(), ok("1"));
    let (_, (mut stream, _)) = join!(client.post(&mut lane, "a"), server.answer(&first));
    let read_and_close = async move {
        read_request(&mut stream).await;
    };
    let (got, ()) = join!(client.post(&mut lane, "b"), read_and_close);
    assert!(matches!(got, Err(EngineError::Stream { .. })), "{got:?}");
    assert_eq!(server.waiting(), 0, "the packets may have been taken");
}

#[tokio::test]
async fn a_body_may_come_in_any_pieces() {
    for whole in [
        ok("hello"),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
            .to_owned(),
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_owned(),
        "HTTP/1.1 200 OK\r\n\r\nhello".to_owned(),
    ] {
        let (client, mut server) = pair(URL);
        let drip = async {
            let mut stream = server.accept().await;
            read_request(&mut stream).await;
            for byte in whole.bytes() {
                stream.write_all(&[byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let mut lane = Lane::default();
        let (got, ()) = join!(client.get(&mut lane), drip);
        assert_eq!(got.unwrap().body, "hello", "{whole}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_taken() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n";
    assert_eq!(
        message(got(announced).await),
        "not understood: the answer is larger than 1000 bytes"
    );
    let chunk = format!("258\r\n{}\r\n", "x".repeat(600));
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}");
    assert_eq!(
        message(got(&chunked).await),
        "not understood: the answer is larger than 1000 bytes"
    );
    assert_eq!(got(&ok(&"x".repeat(1000))).await.unwrap().body.len(), 1000);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_not_taken() {
    let many = "x-filling: 0123456789012345678901234567890123456789\r\n".repeat(400);
    let told = message(got(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")).await);
    assert_eq!(told, "not understood: the head of the answer is too large");
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(80 << 10));
    assert_eq!(message(got(&endless).await), "not understood: the head of the answer is too large");
}

#[tokio::test]
async fn what_is_no_http_is_not_understood() {
    for garbage in
        ["SSH-2.0-OpenSSH_9.6\r\n", "\x16\x03\x01\x02", "{\"hello\":1}\n\n", "HTTP/9.9 200\r\n\r\n"]
    {
        let outcome = got(garbage).await;
        assert!(matches!(outcome, Err(EngineError::Protocol { .. })), "{garbage}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_switches_protocols_unasked_has_refused() {
    let switched =
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\nPRI";
    assert_eq!(message(got(switched).await), "the server refused: 101 Switching Protocols");
}

#[tokio::test]
async fn a_connection_that_ends_half_way_is_lost() {
    for half in
        ["", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"]
    {
        let outcome = got(half).await;
        assert!(matches!(outcome, Err(EngineError::Stream { .. })), "`{half}`: {outcome:?}");
    }
    let (client, server) = pair(URL);
    drop(server);
    let outcome = client.get(&mut Lane::default()).await;
    let told = outcome.expect_err("nobody is there").to_string();
    assert_eq!(told, "cannot reach localhost:3000: connection refused");
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_is_given_up_closes_its_connection() {
    let (client, mut server) = pair(URL);
    let mut lane = Lane::default();
    let second = Duration::from_secs(1);
    let (given_up, mut stream) =
        join!(time::timeout(second, client.get(&mut lane)), server.accept());
    assert!(given_up.is_err());
    read_request(&mut stream).await;
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "closed");
    let again = ok("again");
    let (got, _) = join!(client.get(&mut lane), server.answer(&again));
    assert_eq!(got.unwrap().body, "again");
}

#[tokio::test]
async fn a_refusal_says_what_the_server_said() {
    let json = r#"{"code":1,"message":"Session ID unknown"}"#;
    let refused =
        format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{json}", json.len());
    let told = message(got(&refused).await);
    assert_eq!(told, "the server refused: 400 Bad Request, Session ID unknown (code 1)");
    let page =
        "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 24\r\n\r\n<h1>\r\n\x1b[31mnginx</h1>\r\n\r\n";
    let told = message(got(page).await);
    assert_eq!(told, "the server refused: 502 Bad Gateway, <h1>   [31mnginx</h1>");
}

#[tokio::test]
async fn a_refusal_that_breaks_off_or_is_too_large_is_still_a_refusal() {
    let half = "HTTP/1.1 403 Forbidden\r\ncontent-length: 100\r\n\r\nhalf";
    assert_eq!(message(got(half).await), "the server refused: 403 Forbidden");
    let large =
        format!("HTTP/1.1 403 Forbidden\r\ncontent-length: 99999\r\n\r\n{}", "x".repeat(99_999));
    assert_eq!(message(got(&large).await), "the server refused: 403 Forbidden");
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_says_for_how_long() {
    let retry = async |value: &str| {
        let refused =
            format!("HTTP/1.1 503 x\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n");
        got(&refused).await.unwrap().success().unwrap_err().retry_after()
    };
    assert_eq!(retry("120").await, Some(Duration::from_mins(2)));
    assert_eq!(retry("soon").await, None);
    assert_eq!(retry("Sun, 06 Nov 1994 08:49:37 GMT").await, Some(Duration::ZERO));
    let later = std::time::SystemTime::now() + Duration::from_hours(1);
    let left = retry(&httpdate::fmt_http_date(later)).await.unwrap();
    assert!((3500..=3600).contains(&left.as_secs()), "{left:?}");
}

#[tokio::test]
async fn a_redirection_is_not_followed_and_says_where_it_leads() {
    let moved = "HTTP/1.1 301 Moved Permanently\r\nlocation: https://localhost/socket.io/\r\n\
                 content-length: 0\r\n\r\n";
    let told = "the server refused: 301 Moved Permanently, it wants to be asked at \
                https://localhost/socket.io/: give that address instead";
    assert_eq!(message(got(moved).await), told);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_before_it_has_read_is_heard() {
    let (client, mut server) = pair(URL);
    let serve = async {
        let mut stream = server.accept().await;
        stream.read_u8().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        stream
    };
    let body = vec![b'x'; 4 << 20].into();
    let mut lane = Lane::default();
    let ask = Ask::post(&support::QUERY, body, "text/plain");
    let (got, _stream) = join!(lane.exchange(client.site(), ask), serve);
    assert_eq!(message(got), "the server refused: 413 Payload Too Large");
    // Half a request lies on that connection; the next one has its own.
    let again = ok("again");
    let exchange = async { join!(client.get(&mut lane), server.answer(&again)) };
    let exchange = time::timeout(Duration::from_secs(1), exchange).await;
    let (got, _) = exchange.expect("another connection");
    assert_eq!(got.unwrap().body, "again");
}
