//! Transports in any order: fall-back while opening, and what is remembered.

use std::time::Duration;

use engine_client::Remembered;
use engine_proto::{CloseReason, Transport};

use crate::script::{OPEN, PLAIN, Script};
use crate::support::{Client, Kept, Running};

#[tokio::test(start_paused = true)]
async fn the_next_transport_is_tried_if_that_is_wanted() {
    for hang in [false, true] {
        let (mut script, mut config) = Script::new(64 << 10);
        config.transports = vec![Transport::WebSocket, Transport::Polling];
        config.try_all = true;
        let mut client = Client::new(config);
        let server = async {
            let mut first = script.accept().await;
            let asked = first.asked().await;
            assert!(asked.head.contains("transport=websocket"), "{}", asked.head);
            if !hang {
                first.answer("403 Forbidden", "no WebSockets here").await;
            }
            let mut gets = script.accept().await;
            gets.serve(PLAIN).await;
            gets.serve("4by polling").await;
            (first, gets)
        };
        let (heard, _wires) = tokio::join!(client.hear(1), server);
        assert_eq!(heard, [Kept::text("by polling")]);
        assert_eq!(client.ears.opened, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn without_that_wish_the_first_failure_is_the_end() {
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::WebSocket, Transport::Polling];
    let mut client = Client::new(config);
    let server = async {
        let mut first = script.accept().await;
        first.asked().await;
        first.answer("403 Forbidden", "").await;
        first
    };
    let (ended, _wire) = tokio::join!(client.end(), server);
    assert_eq!((ended.reason, ended.opened), (CloseReason::TransportError, false));
}

#[tokio::test(start_paused = true)]
async fn when_all_transports_fail_the_last_failure_is_told() {
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::WebSocket, Transport::Polling];
    config.try_all = true;
    let mut client = Client::new(config);
    let server = async {
        let mut first = script.accept().await;
        first.asked().await;
        first.answer("403 Forbidden", "first").await;
        let mut second = script.accept().await;
        second.asked().await;
        second.answer("404 Not Found", "second").await;
        (first, second)
    };
    let (ended, _wires) = tokio::join!(client.end(), server);
    assert!(ended.error.unwrap().to_string().contains("404 Not Found, second"));
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_not_tried_if_it_is_not_wanted() {
    for transports in [vec![Transport::Polling], vec![Transport::Polling, Transport::WebSocket]] {
        let (mut script, mut config) = Script::new(64 << 10);
        config.upgrade = transports.len() == 1;
        config.transports = transports;
        let mut client = Client::new(config);
        let server = async {
            let mut gets = script.accept().await;
            gets.serve(OPEN).await;
            gets.serve("4hi").await;
            tokio::select! {
                _ = script.accept() => panic!("nothing else was wanted"),
                _ = gets.asked() => {}
            }
            gets
        };
        let served = async {
            tokio::select! {
                gets = server => gets,
                ended = client.end() => panic!("{ended:?}"),
            }
        };
        let _gets = served.await;
        assert_eq!(client.ears.heard, [Kept::text("hi")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_has_worked_is_what_the_next_session_begins_with() {
    let running = Running::start(|_| {});
    let remembered = Remembered::default();
    let mut config = running.config(8 << 10);
    config.remembered = Some(remembered.clone());
    let mut client = Client::new(config.clone());
    client.open().await;
    assert!(!remembered.worked());
    client.upgraded().await;
    assert!(remembered.worked());

    let mut client = Client::new(config.clone());
    client.open().await;
    assert_eq!(client.engine.transport(), Some(Transport::WebSocket));
    assert!(client.ears.upgraded.is_empty());

    // Until it does not work any more.
    let (mut script, elsewhere) = Script::new(64 << 10);
    config.dialer = elsewhere.dialer;
    let mut client = Client::new(config.clone());
    let server = async {
        let mut wire = script.accept().await;
        wire.asked().await;
        wire.answer("400 Bad Request", "").await;
        wire
    };
    let (_ended, _wire) = tokio::join!(client.end(), server);
    assert!(!remembered.worked());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_nobody_reaches_is_named() {
    let (script, config) = Script::new(1);
    drop(script);
    let mut client = Client::new(config);
    let ended = client.end().await;
    assert_eq!((ended.reason, ended.opened), (CloseReason::TransportError, false));
    let words = ended.error.unwrap().to_string();
    assert!(words.starts_with("cannot reach test.example:80"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_takes_too_long_is_given_up_and_nothing_is_lost() {
    let (mut script, config) = Script::new(64 << 10);
    let mut client = Client::new(config);
    let start = tokio::time::Instant::now();
    let probed = async {
        let mut gets = script.accept().await;
        gets.serve(OPEN).await;
        let mut candidate = script.accept_websocket().await;
        assert_eq!(candidate.hear().await, "2probe");
        candidate.say("3probe").await;
        gets.asked().await;
        (gets, candidate)
    };
    let (mut gets, mut candidate) = tokio::select! {
        probed = probed => probed,
        ended = client.end() => panic!("{ended:?}"),
    };
    // The GET does not come back, so polling never pauses, and what is sent has to wait.
    client.rest(Duration::from_secs(1)).await;
    client.send("meanwhile");
    let server = async {
        assert_eq!(candidate.hear().await, "end");
        let mut posts = script.accept().await;
        let body = posts.serve("ok").await.body;
        let given_up = start.elapsed();
        gets.answer("200 OK", "4late").await;
        gets.serve("4on polling").await;
        (body, given_up, gets, posts)
    };
    let (heard, (body, given_up, ..)) = tokio::join!(client.hear(2), server);
    assert_eq!(heard, [Kept::text("late"), Kept::text("on polling")]);
    assert_eq!(body, "4meanwhile");
    assert_eq!(given_up, Duration::from_secs(10));
    assert_eq!(client.engine.transport(), Some(Transport::Polling));
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_says_something_else_is_not_taken() {
    for answer in ["3", "4message", "6", "garbage", "3probe then", "1"] {
        let (mut script, config) = Script::new(64 << 10);
        let mut client = Client::new(config);
        let server = async {
            let mut gets = script.accept().await;
            gets.serve(OPEN).await;
            let mut candidate = script.accept_websocket().await;
            assert_eq!(candidate.hear().await, "2probe");
            candidate.say(answer).await;
            assert_eq!(candidate.hear().await, "end");
            gets.serve("4still").await;
            gets
        };
        let (heard, _gets) = tokio::join!(client.hear(1), server);
        assert_eq!(heard, [Kept::text("still")], "{answer}");
    }
}
