//! npm `socket.io` 2, seen from below: its Engine.IO is revision 3, its packets are those of Socket.IO 4.

use bytes::Bytes;
use engine_client::{Config, Revision, Target};
use engine_proto::{CloseReason, Transport};
use sockeye_tests::server::{Kind, Server, Wanted};

use crate::support::{Client, Kept};

const WAYS: [&[Transport]; 3] =
    [&[Transport::Polling], &[Transport::WebSocket], &[Transport::Polling, Transport::WebSocket]];

fn to(server: &Server, transports: &[Transport]) -> Client {
    Client::new(config(server, transports))
}

fn config(server: &Server, transports: &[Transport]) -> Config {
    let (target, _) = Target::parse(&format!("http://127.0.0.1:{}", server.port())).expect("a URL");
    let mut config = Config::new(target);
    config.transports = transports.to_vec();
    config.revision = Revision::Three;
    config
}

#[tokio::test]
async fn text_and_bytes_come_back_from_npm_2_over_every_transport() {
    let Some(server) = Wanted::new(Kind::Npm2).start() else { return };
    for transports in WAYS {
        let mut client = to(&server, transports);
        assert_eq!(client.hear(1).await, [Kept::text("0")], "it lets us in by itself");
        if transports.len() == 2 {
            client.upgraded().await;
        }
        client.send(r#"2["echo","né😀"]"#);
        assert_eq!(client.hear(1).await, [Kept::text(r#"2["echo-back","né😀"]"#)]);
        let (small, large) = (vec![0, 4, 255], vec![0xab; 100_000]);
        client.send_with(
            r#"52-["echo",{"_placeholder":true,"num":0},"é",{"_placeholder":true,"num":1}]"#,
            vec![Bytes::from(small.clone()), Bytes::from(large.clone())],
        );
        let back =
            r#"52-["echo-back",{"_placeholder":true,"num":0},"é",{"_placeholder":true,"num":1}]"#;
        assert_eq!(
            client.hear(3).await,
            [Kept::text(back), Kept::Binary(small), Kept::Binary(large)],
            "over {transports:?}"
        );
        client.engine.close();
        assert_eq!(client.end().await.reason, CloseReason::ForcedClose);
    }
}

#[tokio::test]
async fn npm_2_is_pinged_and_answers() {
    let server = Wanted { ping: Some(300), ..Wanted::new(Kind::Npm2) };
    let Some(server) = server.start() else { return };
    for transports in WAYS {
        let mut client = to(&server, transports);
        client.until(|client| client.ears.pings >= 3).await;
        assert!(!client.engine.is_expired());
    }
}

#[tokio::test]
async fn who_asks_npm_2_in_todays_revision_is_told_what_it_is() {
    let Some(server) = Wanted::new(Kind::Npm2).start() else { return };
    let mut config = config(&server, WAYS[0]);
    config.revision = Revision::Four;
    let ended = Client::new(config).end().await;
    assert_eq!(ended.reason, CloseReason::ParseError);
    let error = ended.error.expect("it is said why").to_string();
    assert!(error.contains("Socket.IO 2") && error.contains("eio3"), "{error}");
}

/// What a connection makes of it: an event of the name `error`.
#[tokio::test]
async fn npm_2_refuses_an_event_by_a_packet_of_its_own() {
    let Some(server) = Wanted::new(Kind::Npm2).start() else { return };
    let mut client = to(&server, WAYS[1]);
    assert_eq!(client.hear(1).await, [Kept::text("0")]);
    client.send(r#"2["forbidden"]"#);
    assert_eq!(client.hear(1).await, [Kept::text(r#"4"not allowed""#)]);
    client.send(r#"2["echo",1]"#);
    assert_eq!(client.hear(1).await, [Kept::text(r#"2["echo-back",1]"#)]);
}

#[tokio::test]
async fn a_burst_of_npm_2_arrives_in_order_while_the_session_moves() {
    let Some(server) = Wanted::new(Kind::Npm2).start() else { return };
    let mut client = to(&server, WAYS[2]);
    client.open().await;
    client.send(r#"2["burst",2000]"#);
    let heard = client.hear(2001).await;
    let expected = (0..2000).map(|number| Kept::Text(format!(r#"2["burst",{number}]"#)));
    assert!(heard[1..].iter().cloned().eq(expected));
    client.upgraded().await;
}
