//! What `connection.js` of `engine.io-client` tests.

use std::time::Duration;

use bytes::Bytes;
use engine_client::Config;
use engine_proto::{CloseReason, Transport};

use crate::support::{Client, Kept, Running};

const WAYS: [&[Transport]; 3] =
    [&[Transport::Polling], &[Transport::WebSocket], &[Transport::Polling, Transport::WebSocket]];

fn over(transports: &[Transport], mut config: Config) -> Config {
    config.transports = transports.to_vec();
    config
}

#[tokio::test(start_paused = true)]
async fn connects_and_hears_the_first_message() {
    for transports in WAYS {
        let running = Running::start(|_| {});
        let mut client = Client::new(over(transports, running.config(8 << 10)));
        assert_eq!(client.hear(1).await, [Kept::text("hi")]);
        assert_eq!(client.ears.opened, 1);
        assert_eq!(client.engine.open_packet().unwrap().max_payload, Some(1_000_000));
    }
}

#[tokio::test(start_paused = true)]
async fn text_of_all_scripts_and_bytes_come_back_as_they_were() {
    for transports in WAYS {
        let running = Running::start(|_| {});
        let mut client = Client::new(over(transports, running.config(8 << 10)));
        client.open().await;
        client.send("cash money €€€");
        client.send("\u{1F600}\u{10FFFF}");
        client.send_with(
            "three follow",
            vec![
                Bytes::from_static(&[0, 1, 2, 253, 254, 255]),
                Bytes::new(),
                Bytes::from(vec![7; 100_000]),
            ],
        );
        client.send(&"long ".repeat(20_000));
        client.send("");
        client.send("give binary");
        assert_eq!(
            client.hear(10).await,
            [
                Kept::text("hi"),
                Kept::text("cash money €€€"),
                Kept::text("\u{1F600}\u{10FFFF}"),
                Kept::text("three follow"),
                Kept::Binary(vec![0, 1, 2, 253, 254, 255]),
                Kept::Binary(vec![]),
                Kept::Binary(vec![7; 100_000]),
                Kept::Text("long ".repeat(20_000)),
                Kept::text(""),
                Kept::Binary(vec![0, 1, 2, 3, 4]),
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn moves_to_a_websocket_if_the_server_offers_it() {
    let running = Running::start(|_| {});
    let mut client = Client::new(running.config(8 << 10));
    client.open().await;
    assert_eq!(client.engine.transport(), Some(Transport::Polling));
    client.upgraded().await;
    assert_eq!(client.ears.upgraded, [Transport::WebSocket]);
    client.send("over the WebSocket");
    assert_eq!(client.hear(2).await, [Kept::text("hi"), Kept::text("over the WebSocket")]);
}

#[tokio::test(start_paused = true)]
async fn what_was_queued_before_a_close_arrives() {
    for transports in WAYS {
        let running = Running::start(|_| {});
        let mut client = Client::new(over(transports, running.config(512)));
        client.open().await;
        for number in 0..100 {
            client.send(&format!("last words {number}"));
        }
        client.engine.close();
        let ended = client.end().await;
        assert_eq!(ended.reason, CloseReason::ForcedClose);
        assert!(ended.opened && ended.error.is_none(), "{ended:?}");
        let heard = running.record.heard.lock();
        assert_eq!(heard.len(), 100, "{transports:?}");
        assert_eq!(heard[99], Kept::text("last words 99"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_answers_pings_and_stays() {
    for transports in WAYS {
        let running = Running::start(|_| {});
        let mut client = Client::new(over(transports, running.config(8 << 10)));
        client.hear(1).await;
        client.rest(Duration::from_secs(1000)).await;
        assert!((39..=40).contains(&client.ears.pings), "{transports:?}");
        running.record.say("still there");
        assert_eq!(client.hear(1).await, [Kept::text("still there")]);
    }
}
