//! What `socket.js` and `connection.js` of `engine.io-client` test besides: how servers refuse, compression, plain TCP.

use std::time::Duration;

use bytes::Bytes;
use engine_client::{Config, EngineError, Jar, PerMessageDeflate, Target};
use engine_proto::{CloseReason, Transport};
use transport::listener;

use crate::script::{PLAIN, Script};
use crate::support::{Client, Kept, Running};

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_for_the_server_ends_with_1009_on_a_websocket() {
    let running = Running::start(|config| config.engine.max_payload = 100);
    let mut config = running.config(8 << 10);
    config.transports = vec![Transport::WebSocket];
    let mut client = Client::new(config);
    client.hear(1).await;
    client.send(&"x".repeat(101));
    let ended = client.end().await;
    assert_eq!(ended.reason, CloseReason::TransportClose);
    assert!(matches!(ended.error, Some(EngineError::Closed { code: Some(1009), .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_for_the_server_ends_with_413_on_polling() {
    let running = Running::start(|config| config.engine.max_payload = 100);
    let mut config = running.config(8 << 10);
    config.transports = vec![Transport::Polling];
    let mut client = Client::new(config);
    client.hear(1).await;
    client.send(&"x".repeat(101));
    let ended = client.end().await;
    assert_eq!(ended.reason, CloseReason::TransportError);
    let Some(EngineError::Refused(refusal)) = &ended.error else { panic!("{ended:?}") };
    assert_eq!(refusal.status, 413);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_server_has_closed_is_over() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let running = Running::start(|_| {});
        let mut config = running.config(8 << 10);
        config.transports = vec![transport];
        let mut client = Client::new(config);
        client.hear(1).await;
        client.send("close me");
        let ended = client.end().await;
        assert_eq!(ended.reason, CloseReason::TransportClose, "{transport:?}");
        // Nothing is sent behind the end.
        client.send("too late");
        assert_eq!(client.end().await.reason, CloseReason::TransportClose);
        assert_eq!(*running.record.heard.lock(), [Kept::text("close me")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_in_the_middle_of_an_upgrade_still_says_what_was_queued() {
    for turn in 0..40 {
        let running = Running::start(|_| {});
        let mut client = Client::new(running.config(256));
        client.open().await;
        // So far into the upgrade.
        let step = async {
            for _ in 0..turn {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = step => {}
            ended = client.end() => panic!("{ended:?}"),
        }
        client.send("one");
        client.send_with("two", vec![Bytes::from(vec![1; 1000])]);
        client.engine.close();
        let ended = client.end().await;
        assert_eq!((ended.reason, ended.error.is_none()), (CloseReason::ForcedClose, true));
        let heard = running.record.heard.lock();
        let sent = [Kept::text("one"), Kept::text("two"), Kept::Binary(vec![1; 1000])];
        assert_eq!(*heard, sent, "turn {turn}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_travel_compressed_if_both_want_it() {
    for takeover in [false, true] {
        let running = Running::start(|config| {
            config.per_message_deflate = Some(transport::PerMessageDeflate::default());
        });
        let mut config = running.config(100);
        config.transports = vec![Transport::WebSocket];
        config.deflate = Some(
            PerMessageDeflate::default().threshold(10).level(6).server_context_takeover(takeover),
        );
        let mut client = Client::new(config);
        let start = tokio::time::Instant::now();
        let random: Vec<u8> = (0..5000).map(|_| rand::random()).collect();
        for number in 0..20 {
            client.send(&format!("{number} {}", "again and ".repeat(1000)));
            client.send("short");
            client.send_with("with", vec![Bytes::from(vec![number; 3000]), random.clone().into()]);
        }
        let heard = client.hear(1 + 20 * 5).await;
        for (number, heard) in (0..).zip(heard[1..].chunks(5)) {
            assert_eq!(
                heard,
                [
                    Kept::Text(format!("{number} {}", "again and ".repeat(1000))),
                    Kept::text("short"),
                    Kept::text("with"),
                    Kept::Binary(vec![number; 3000]),
                    Kept::Binary(random.clone()),
                ]
            );
        }
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn pipes_that_hold_next_to_nothing_carry_everything() {
    for pipe in [1, 2, 3, 7, 64, 1000] {
        for deflate in [None, Some(PerMessageDeflate::default().threshold(50))] {
            let running = Running::start(|config| {
                config.per_message_deflate = Some(transport::PerMessageDeflate::default());
            });
            let mut config = running.config(pipe);
            config.transports = vec![Transport::WebSocket];
            config.deflate = deflate;
            let mut client = Client::new(config);
            let mut sent = vec![Kept::text("hi")];
            for length in [0, 1, 124, 125, 126, 127, 4000, 4096, 17_000, 20, 66_000, 3] {
                let (text, data) = ("t".repeat(length), vec![length.to_le_bytes()[0]; length]);
                client.send_with(&text, vec![data.clone().into(), Bytes::from_static(b"x")]);
                sent.extend([Kept::Text(text), Kept::Binary(data), Kept::Binary(b"x".to_vec())]);
            }
            assert_eq!(client.hear(sent.len()).await, sent, "{pipe}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_carry_headers_and_cookies_and_no_timestamp_if_none_is_wanted() {
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::Polling];
    config.timestamp = None;
    config.headers.insert("x-token", "secret".parse().unwrap());
    config.cookies = Some(Jar::default());
    let mut client = Client::new(config);
    let server = async {
        let mut gets = script.accept().await;
        let first = gets.asked().await;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nSet-Cookie: node=7; Path=/\r\nContent-Length: {}\r\n\r\n{PLAIN}",
            PLAIN.len()
        );
        gets.write(answer.as_bytes()).await;
        (first, gets.asked().await)
    };
    let (first, second) = tokio::select! {
        asked = server => asked,
        ended = client.end() => panic!("{ended:?}"),
    };
    assert!(first.head.starts_with("GET /socket.io/?EIO=4&transport=polling HTTP/1.1"));
    assert_eq!((first.header("x-token"), first.header("cookie")), (Some("secret"), None));
    assert!(second.head.starts_with("GET /socket.io/?EIO=4&transport=polling&sid=abc HTTP/1.1"));
    assert_eq!(
        (second.header("x-token"), second.header("cookie")),
        (Some("secret"), Some("node=7"))
    );
}

/// A server on a port of the machine.
async fn on_a_port(running: &Running) -> Config {
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let server = running.server.clone();
    let answer = move |request, remote| {
        let server = server.clone();
        async move { server.respond(request, remote).await }
    };
    let options = listener::Options::default();
    tokio::spawn(listener::serve(tcp, options, answer, std::future::pending()));
    Config::new(Target::parse(&format!("http://{address}")).unwrap().0)
}

#[tokio::test]
async fn over_tcp_all_of_it_arrives_before_the_end_too() {
    for transports in [
        vec![Transport::Polling],
        vec![Transport::WebSocket],
        vec![Transport::Polling, Transport::WebSocket],
    ] {
        let running = Running::start(|_| {});
        let mut config = on_a_port(&running).await;
        config.transports = transports.clone();
        let mut client = Client::new(config);
        client.hear(1).await;
        // The echo of it is not read any more: that must not cost what was sent.
        for number in 0..500 {
            client.send(&format!("{number} {}", "x".repeat(2000)));
        }
        client.engine.close();
        let ended = client.end().await;
        assert_eq!((ended.reason, ended.error.is_none()), (CloseReason::ForcedClose, true));
        assert_eq!(running.record.heard.lock().len(), 500, "{transports:?}");
    }
}

#[tokio::test]
async fn over_tcp_the_words_of_a_server_that_hangs_up_on_us_are_heard() {
    let running = Running::start(|config| config.engine.max_payload = 1000);
    let mut config = on_a_port(&running).await;
    config.transports = vec![Transport::WebSocket];
    let mut client = Client::new(config);
    client.hear(1).await;
    client.send(&"x".repeat(2_000_000));
    let ended = client.end().await;
    assert!(matches!(ended.error, Some(EngineError::Closed { code: Some(1009), .. })), "{ended:?}");
}
