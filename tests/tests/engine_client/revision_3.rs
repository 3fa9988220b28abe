//! Servers of Socket.IO 1 and 2: the client pings, and payloads and binary messages look different.

use std::time::Duration;

use bytes::Bytes;
use engine_client::{Config, Connecting, Connector, Dialer, Revision, Stream, Target};
use engine_proto::{CloseReason, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::support::{Client, Kept, Running, config_of};

const WAYS: [&[Transport]; 3] =
    [&[Transport::Polling], &[Transport::WebSocket], &[Transport::Polling, Transport::WebSocket]];

fn start() -> Running {
    Running::start(|config| config.engine.allow_v3 = true)
}

fn old(running: &Running, transports: &[Transport]) -> Config {
    let mut config = running.config(8 << 10);
    config.transports = transports.to_vec();
    config.revision = Revision::Three;
    config
}

#[tokio::test(start_paused = true)]
async fn text_of_all_scripts_and_bytes_come_back_as_they_were_from_an_old_server() {
    for transports in WAYS {
        let running = start();
        let mut client = Client::new(old(&running, transports));
        client.open().await;
        client.send("cash money €€€");
        client.send("\u{1F600}\u{10FFFF}");
        assert_eq!(client.hear(3).await[1], Kept::text("cash money €€€"));
        let bytes = [Bytes::from_static(&[0, 4, 255]), Bytes::new(), vec![7; 100_000].into()];
        client.send_with("three follow", bytes.to_vec());
        client.send(&"lang é ".repeat(20_000));
        client.send("");
        client.send("give binary");
        assert_eq!(
            client.hear(7).await,
            [
                Kept::text("three follow"),
                Kept::Binary(vec![0, 4, 255]),
                Kept::Binary(vec![]),
                Kept::Binary(vec![7; 100_000]),
                Kept::Text("lang é ".repeat(20_000)),
                Kept::text(""),
                Kept::Binary(vec![0, 1, 2, 3, 4]),
            ],
            "over {transports:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn moves_to_a_websocket_of_an_old_server() {
    let running = start();
    let mut client = Client::new(old(&running, WAYS[2]));
    client.open().await;
    assert_eq!(client.engine.transport(), Some(Transport::Polling));
    client.upgraded().await;
    client.send_with("over the WebSocket", vec![Bytes::from_static(&[1])]);
    let heard = [Kept::text("hi"), Kept::text("over the WebSocket"), Kept::Binary(vec![1])];
    assert_eq!(client.hear(3).await, heard);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_day_with_an_old_server_is_full_of_pings_of_ours() {
    for transports in WAYS {
        let running = start();
        let mut client = Client::new(old(&running, transports));
        client.rest(Duration::from_secs(24 * 60 * 60 + 1)).await;
        assert_eq!(client.ears.pings, 24 * 60 * 60 / 25, "over {transports:?}");
        assert!(!client.engine.is_expired());
        client.send("still there");
        assert_eq!(client.hear(2).await[1], Kept::text("still there"));
    }
}

/// A server that opens a session over polling and says nothing more, whatever it is asked.
struct Silent(mpsc::UnboundedSender<String>);

impl Connector for Silent {
    fn connect(&self, _: &Target) -> Connecting {
        let (ours, mut theirs) = tokio::io::duplex(8 << 10);
        let asked = self.0.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 8 << 10];
            while let Ok(1..) = theirs.read(&mut buffer).await.inspect(|&length| {
                let _ = asked.send(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }) {
                if !asked_for_a_session(&buffer) {
                    continue;
                }
                let open = r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#;
                let body = format!("{}:{open}", open.len());
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                theirs.write_all(answer.as_bytes()).await.expect("the pipe is there");
            }
        });
        Box::pin(async move { Ok(Stream::new(ours)) })
    }
}

fn asked_for_a_session(request: &[u8]) -> bool {
    let request = String::from_utf8_lossy(request);
    request.starts_with("GET ") && !request.contains("sid=")
}

#[tokio::test(start_paused = true)]
async fn an_old_server_that_does_not_answer_a_ping_is_given_up_in_time() {
    let (sender, mut asked) = mpsc::unbounded_channel();
    let mut config = config_of(Dialer::default().connector(Silent(sender)));
    config.revision = Revision::Three;
    let since = tokio::time::Instant::now();
    let ended = Client::new(config).end().await;
    assert_eq!(ended.reason, CloseReason::PingTimeout);
    assert_eq!(since.elapsed().as_secs(), 30);
    let error = ended.error.expect("it is said why").to_string();
    assert!(error.contains("the server's answer to a ping"), "{error}");
    let mut said = String::new();
    while let Ok(piece) = asked.try_recv() {
        said += &piece;
    }
    assert!(said.contains("POST /socket.io/?EIO=3&transport=polling"), "{said}");
    assert!(said.contains("\r\n\r\n1:2"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn either_side_says_goodbye_in_the_words_of_revision_3() {
    for transports in WAYS {
        let running = start();
        let mut client = Client::new(old(&running, transports));
        client.hear(1).await;
        client.send("last");
        client.engine.close();
        assert_eq!(client.end().await.reason, CloseReason::ForcedClose);
        while running.record.closed.lock().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(running.record.closed.lock()[..], [CloseReason::TransportClose]);
        assert_eq!(running.record.heard.lock()[..], [Kept::text("last")]);

        let mut client = Client::new(old(&running, transports));
        client.hear(1).await;
        client.send("close me");
        assert_eq!(client.end().await.reason, CloseReason::TransportClose);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_serves_no_old_clients_refuses_in_words() {
    for transports in [WAYS[0], WAYS[1]] {
        let running = Running::start(|_| {});
        let ended = Client::new(old(&running, transports)).end().await;
        assert!(!ended.opened);
        let error = ended.error.expect("it is said why").to_string();
        assert!(error.contains("Unsupported protocol version"), "{error}");
    }
}
