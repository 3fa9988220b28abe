//! Polling, and servers that do not do it well.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use engine_client::{Ended, EngineError};
use engine_proto::{CloseReason, Transport};

use crate::script::{OPEN, PLAIN, Script, Wire};
use crate::support::{Client, Kept};

/// A session that polls, and the connection of its GETs.
async fn polling() -> (Script, Client, Wire) {
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::Polling];
    let mut client = Client::new(config);
    let mut gets = {
        let opening = async {
            let mut gets = script.accept().await;
            gets.serve(PLAIN).await;
            gets
        };
        let (gets, ()) = tokio::join!(opening, client.open());
        gets
    };
    let asked = drive(&mut client, gets.asked()).await;
    assert!(asked.head.contains("sid=abc"), "{}", asked.head);
    (script, client, gets)
}

/// Does this while the client is driven.
async fn drive<T>(client: &mut Client, act: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = act => done,
        ended = client.end() => panic!("ended: {ended:?}"),
    }
}

fn words(ended: &Ended) -> String {
    ended.error.as_ref().map(ToString::to_string).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_message_of_an_idle_session_leaves_at_once() {
    let (mut script, mut client, _gets) = polling().await;
    client.send("now");
    let asked = drive(&mut client, async { script.accept().await.asked().await }).await;
    assert!(
        asked.head.starts_with("POST /socket.io/?EIO=4&transport=polling&t="),
        "{}",
        asked.head
    );
    assert_eq!(asked.header("content-type"), Some("text/plain;charset=UTF-8"));
    assert_eq!(asked.body, "4now");
}

#[tokio::test(start_paused = true)]
async fn posts_are_cut_by_what_the_server_takes_and_go_one_at_a_time() {
    let (mut script, mut client, _gets) = polling().await;
    assert!(client.engine.is_writable());
    for letter in ["a", "b", "c"] {
        client.send(&letter.repeat(40));
    }
    client.send_with("with", vec![vec![1; 70].into()]);
    client.send(&"large".repeat(100));
    client.send("last");
    let bodies = async {
        let mut posts = script.accept().await;
        let mut bodies = Vec::new();
        for _ in 0..5 {
            bodies.push(posts.serve("ok").await.body);
        }
        bodies
    };
    let bodies = drive(&mut client, bodies).await;
    let letters = |letter: &str| format!("4{}", letter.repeat(40));
    assert_eq!(bodies[0], letters("a") + "\x1e" + &letters("b"));
    assert_eq!(bodies[1], letters("c") + "\x1e4with");
    assert_eq!(bodies[2].len(), 1 + 70_usize.div_ceil(3) * 4, "base64 counts as it is sent");
    assert_eq!(bodies[3], format!("4{}", "large".repeat(100)), "alone, and the server has its say");
    assert_eq!(bodies[4], "4last");
    client.until(|client| client.engine.is_writable()).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_not_writable_while_a_post_is_under_way() {
    let (mut script, mut client, _gets) = polling().await;
    client.send("one");
    let mut posts = drive(&mut client, script.accept()).await;
    drive(&mut client, posts.asked()).await;
    assert!(!client.engine.is_writable());
    posts.answer("200 OK", "ok").await;
    client.until(|client| client.engine.is_writable()).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_the_session_with_the_words_of_the_server() {
    for (status, body, expected) in [
        (
            "400 Bad Request",
            r#"{"code":1,"message":"Session ID unknown"}"#,
            "400 Bad Request, Session ID unknown (code 1)",
        ),
        ("413 Payload Too Large", "", "413 Payload Too Large"),
        ("502 Bad Gateway", "<html>no backend</html>", "502 Bad Gateway, <html>no backend</html>"),
    ] {
        let (_script, mut client, mut gets) = polling().await;
        gets.answer(status, body).await;
        let ended = client.end().await;
        assert_eq!(ended.reason, CloseReason::TransportError);
        assert!(words(&ended).ends_with(expected), "{ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_too_large_for_the_server_ends_the_session_with_413() {
    let (mut script, mut client, _gets) = polling().await;
    client.send(&"x".repeat(1000));
    let refuse = async {
        let mut posts = script.accept().await;
        posts.asked().await;
        posts.answer("413 Payload Too Large", "").await;
        posts
    };
    let (ended, _posts) = tokio::join!(client.end(), refuse);
    let Some(EngineError::Refused(refusal)) = &ended.error else { panic!("{ended:?}") };
    assert_eq!((refusal.status, ended.reason), (413, CloseReason::TransportError));
}

#[tokio::test(start_paused = true)]
async fn what_stood_in_front_of_a_bad_packet_is_still_heard() {
    let (_script, mut client, mut gets) = polling().await;
    gets.answer("200 OK", "4one\x1e4two\x1e9bad\x1e4never").await;
    let ended = client.end().await;
    assert_eq!(ended.reason, CloseReason::ParseError);
    assert!(words(&ended).contains("type '9'"), "{ended:?}");
    assert_eq!(client.ears.heard, [Kept::text("one"), Kept::text("two")]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_the_floor_above_cannot_read_is_a_parse_error() {
    let (mut script, mut client, mut gets) = polling().await;
    client.ears.broken_by = Some("nonsense");
    gets.answer("200 OK", "4nonsense\x1e4never").await;
    let goodbye = async {
        let mut posts = script.accept().await;
        (posts.serve("ok").await.body, posts)
    };
    let (ended, (body, _posts)) = tokio::join!(client.end(), goodbye);
    assert_eq!(ended.reason, CloseReason::ParseError);
    assert!(words(&ended).contains("not what was expected"), "{ended:?}");
    assert_eq!(body, "1");
    assert!(client.ears.heard.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_servers_close_packet_ends_the_session() {
    let (_script, mut client, mut gets) = polling().await;
    gets.answer("200 OK", "4bye\x1e1\x1e4never").await;
    let ended = client.end().await;
    assert_eq!(ended.reason, CloseReason::TransportClose);
    assert_eq!(client.ears.heard, [Kept::text("bye")]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_cut_by_the_limit() {
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::Polling];
    config.max_payload = 10_000;
    let mut client = Client::new(config);
    let endless = async {
        let mut gets = script.accept().await;
        gets.asked().await;
        let head = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{PLAIN}\x1e4\r\n",
            PLAIN.len() + 2
        );
        gets.write(head.as_bytes()).await;
        let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
        while gets.stream.write_all(chunk.as_bytes()).await.is_ok() {}
    };
    let (ended, ()) = tokio::join!(client.end(), endless);
    assert_eq!(ended.reason, CloseReason::TransportError);
    assert!(words(&ended).contains("10000"), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_given_up_after_its_own_patience() {
    let (_script, mut client, _gets) = polling().await;
    let start = tokio::time::Instant::now();
    let ended = client.end().await;
    assert_eq!(ended.reason, CloseReason::PingTimeout);
    assert!(start.elapsed().as_secs() == 45, "{:?}", start.elapsed());
    assert!(words(&ended).contains("ping"), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_ends_the_session_if_that_is_wanted() {
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::Polling];
    config.request_timeout = Some(Duration::from_secs(3));
    let mut client = Client::new(config);
    let silent = async {
        let mut gets = script.accept().await;
        gets.serve(PLAIN).await;
        gets
    };
    let (ended, _gets) = tokio::join!(client.end(), silent);
    assert_eq!((ended.reason, ended.opened), (CloseReason::TransportError, true));
    assert_eq!(words(&ended), "a request of polling took longer than 3s");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_server_of_engine_io_is_told_apart() {
    for (body, expected) in [
        ("<html>hello</html>", "type '<'"),
        ("4message", "open packet"),
        ("0{}", "open packet"),
        ("", "empty packet"),
        ("0not json", "open packet"),
    ] {
        let (mut script, config) = Script::new(64 << 10);
        let mut client = Client::new(config);
        let server = async {
            let mut gets = script.accept().await;
            gets.serve(body).await;
            gets
        };
        let (ended, _gets) = tokio::join!(client.end(), server);
        assert_eq!((ended.reason, ended.opened), (CloseReason::ParseError, false), "{body}");
        assert!(words(&ended).contains(expected), "{ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_answering_the_handshake_is_a_timeout_in_words() {
    let (mut script, config) = Script::new(64 << 10);
    let mut client = Client::new(config);
    let (ended, _wire) = tokio::join!(client.end(), script.accept());
    assert_eq!((ended.reason, ended.opened), (CloseReason::TransportError, false));
    assert_eq!(words(&ended), "opening the session took longer than 20s");
}

#[tokio::test(start_paused = true)]
async fn a_floor_above_that_takes_no_more_stops_polling_and_loses_nothing() {
    let (_script, mut client, mut gets) = polling().await;
    client.ears.deaf = true;
    gets.answer("200 OK", "4one\x1e4two").await;
    // Silence is not held against a server that is not listened to.
    client.rest(Duration::from_secs(200)).await;
    assert!(client.ears.heard.is_empty());
    client.ears.deaf = false;
    assert_eq!(client.hear(2).await, [Kept::text("one"), Kept::text("two")]);
    drive(&mut client, gets.asked()).await;
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_that_nobody_takes_has_its_time() {
    let (_script, mut client, _gets) = polling().await;
    client.send("last");
    client.engine.close();
    let start = tokio::time::Instant::now();
    let ended = client.end().await;
    assert_eq!(ended.reason, CloseReason::ForcedClose);
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_pings_and_pings_is_answered_once_for_all() {
    let (mut script, mut client, mut gets) = polling().await;
    let pings = vec!["2"; 2000].join("\x1e");
    gets.answer("200 OK", &pings).await;
    let asked = drive(&mut client, async {
        let mut posts = script.accept().await;
        posts.asked().await
    })
    .await;
    assert_eq!(asked.body, "3");
    assert!(client.ears.pings >= 512);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_the_server_refuses_leaves_the_session_on_polling() {
    let (mut script, config) = Script::new(64 << 10);
    let mut client = Client::new(config);
    let server = async {
        let mut gets = script.accept().await;
        gets.serve(OPEN).await;
        let mut candidate = script.accept().await;
        let asked = candidate.asked().await;
        assert!(asked.head.contains("transport=websocket&sid=abc"), "{}", asked.head);
        candidate.answer("400 Bad Request", r#"{"code":3,"message":"Bad request"}"#).await;
        gets.serve("4still here").await;
        gets
    };
    let (heard, _gets) = tokio::join!(client.hear(1), server);
    assert_eq!(heard, [Kept::text("still here")]);
    assert_eq!(client.engine.transport(), Some(Transport::Polling));
}

/// How many GETs a server hears within ten seconds that answers each at once.
async fn asked_in_ten_seconds(client: &mut Client, gets: &mut Wire, body: &str) -> usize {
    let mut count = 0;
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    while count < 1000 && tokio::time::Instant::now() < end {
        gets.answer("200 OK", body).await;
        drive(client, gets.asked()).await;
        count += 1;
    }
    count
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_at_once_with_nothing_is_not_asked_without_a_pause() {
    for nothing in ["6", "2", "6\x1e6\x1e2"] {
        let (script, mut client, mut gets) = polling().await;
        // It is the GETs that count.
        let mut posts = script;
        let posting = tokio::spawn(async move {
            while let Some(mut wire) = posts.next().await {
                tokio::spawn(async move {
                    loop {
                        wire.serve("ok").await;
                    }
                });
            }
        });
        let count = asked_in_ten_seconds(&mut client, &mut gets, nothing).await;
        assert!((10..30).contains(&count), "{count} for {nothing:?}");
        // A message is heard within a second, and ends the caution.
        gets.answer("200 OK", "4one").await;
        client.hear(1).await;
        let began = tokio::time::Instant::now();
        for _ in 0..4 {
            drive(&mut client, gets.asked()).await;
            gets.answer("200 OK", "6").await;
        }
        assert!(began.elapsed() < Duration::from_millis(10), "{:?}", began.elapsed());
        posting.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn messages_and_pings_in_their_time_are_asked_for_at_once() {
    let (mut script, mut client, mut gets) = polling().await;
    for number in 0..100 {
        gets.answer("200 OK", "4fast").await;
        client.hear(1).await;
        drive(&mut client, gets.asked()).await;
        assert_eq!(client.ears.pings, 0, "{number}");
    }
    let posting = tokio::spawn(async move {
        let mut posts = script.accept().await;
        loop {
            posts.serve("ok").await;
        }
    });
    for _ in 0..10 {
        client.rest(Duration::from_secs(25)).await;
        gets.answer("200 OK", "2").await;
        let began = tokio::time::Instant::now();
        drive(&mut client, gets.asked()).await;
        assert!(began.elapsed() < Duration::from_millis(10));
    }
    posting.abort();
}

#[tokio::test(start_paused = true)]
async fn an_open_packet_without_an_end_is_not_kept() {
    let long = PLAIN.replace("abc", &"x".repeat(1 << 20));
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::Polling];
    let mut client = Client::new(config);
    let serving = async { script.accept().await.serve(&long).await };
    let (_, ended) = tokio::join!(serving, client.end());
    assert_eq!(ended.reason, CloseReason::ParseError);
    assert!(words(&ended).len() < 300, "{} bytes of words", words(&ended).len());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_wants_to_read_yet_has_not_taken_too_long() {
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::Polling];
    config.request_timeout = Some(Duration::from_mins(1));
    let mut client = Client::new(config);
    let opening = async {
        let mut gets = script.accept().await;
        gets.serve(PLAIN).await;
        gets.asked().await;
        gets
    };
    let mut gets = drive(&mut client, opening).await;
    client.ears.deaf = true;
    gets.answer("200 OK", "4late").await;
    client.rest(Duration::from_mins(5)).await;
    client.ears.deaf = false;
    assert_eq!(client.hear(1).await, [Kept::text("late")]);
}
