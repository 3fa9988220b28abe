//! Clients of Engine.IO 3: polling, streaming, and on their way from one to the other.

mod support;

use std::time::Duration;

use bytes::Bytes;
use engine_proto::CloseReason;
use sockeye_transport::{Class, Config, Encoded};
use support::{Heard, Http, Running, Ws, eventually, quick, start};
use websocket_proto::Opcode;

const POLLING: &str = "/engine.io/?EIO=3&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=3&transport=websocket";
const BYTES: &str = "Content-Type: application/octet-stream\r\n";

fn allowing(mut config: Config) -> Config {
    config.engine.allow_v3 = true;
    config
}

async fn old() -> Running {
    start(allowing(Config::default())).await
}

/// The session's id in an open packet.
fn sid(open: &str) -> &str {
    open.split("\"sid\":\"").nth(1).expect("a sid").split('"').next().expect("a sid")
}

/// A client that polls.
struct Polling {
    get: Http,
    post: Http,
    target: String,
}

impl Polling {
    async fn open(running: &Running, more: &str) -> Polling {
        let mut get = Http::connect(running.address).await;
        let target = format!("{POLLING}{more}");
        let open = get.get(&target).await;
        assert_eq!(open.status, 200, "{}", open.body);
        let target = format!("{target}&sid={}", sid(&open.body));
        Polling { get, post: Http::connect(running.address).await, target }
    }

    async fn say(&mut self, payload: &str) {
        let answer = self.post.post(&self.target, payload).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    }

    async fn hear(&mut self) -> String {
        let answer = self.get.get(&self.target).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
        answer.body
    }

    /// Whether the session is there no more.
    async fn is_gone(&mut self) -> bool {
        self.get.get(&self.target).await.status == 400
    }
}

async fn websocket(running: &Running) -> Ws {
    let mut ws = Ws::connect(running.address, WEBSOCKET).await;
    let Heard::Text(open) = ws.next().await else { panic!("no open packet") };
    assert!(open.starts_with("0{\"sid\":"), "{open}");
    ws
}

fn heard(text: &str) -> Heard {
    Heard::Text(text.to_owned())
}

async fn closes_with(running: &Running, reason: CloseReason) {
    eventually("the session is closed", || running.record.reasons() == [reason]).await;
}

#[tokio::test]
async fn an_old_client_is_refused_unless_it_is_allowed() {
    let running = start(Config::default()).await;
    let answer = Http::connect(running.address).await.get(POLLING).await;
    let body = r#"{"code":5,"message":"Unsupported protocol version"}"#;
    assert_eq!((answer.status, answer.body.as_str()), (400, body));
}

#[tokio::test]
async fn the_length_of_the_open_packet_stands_in_front_of_it() {
    let running = old().await;
    let open = Http::connect(running.address).await.get(POLLING).await;
    let (length, packet) = open.body.split_once(':').expect("a length");
    assert_eq!(length, packet.len().to_string());
    let rest = packet.strip_prefix(&format!("0{{\"sid\":\"{}\",", sid(packet)));
    let expected = r#""upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    assert_eq!(rest, Some(expected));
    assert_eq!(open.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(open.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_script_of_a_foreign_page_is_no_transport() {
    let running = old().await;
    let answer = Http::connect(running.address).await.get(&format!("{POLLING}&j=0")).await;
    let body = r#"{"code":0,"message":"Transport unknown"}"#;
    assert_eq!((answer.status, answer.body.as_str()), (400, body));
}

#[tokio::test]
async fn texts_come_back_in_order_with_their_lengths_in_utf_16() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    client.say("6:4hello3:4😀4:4né!").await;
    assert_eq!(client.hear().await, "6:4hello3:4😀4:4né!");
}

#[tokio::test]
async fn a_binary_message_is_base64_for_clients_that_ask_for_it() {
    let running = old().await;
    let mut client = Polling::open(&running, "&b64=1").await;
    client.say("6:4hello10:b4AQIDBA==").await;
    assert_eq!(client.hear().await, "6:4hello10:b4AQIDBA==");
}

#[tokio::test]
async fn a_payload_with_something_binary_is_bytes_for_all_others() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    client.say("6:4hello10:b4AQIDBA==").await;
    let answer = client.get.get(&client.target).await;
    assert_eq!(answer.bytes, b"\0\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04");
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    client.say("6:4hello").await;
    assert_eq!(client.hear().await, "6:4hello", "and text again where all is text");
}

#[tokio::test]
async fn a_body_of_bytes_is_read_as_such() {
    let running = old().await;
    let mut client = Polling::open(&running, "&b64=1").await;
    let body = b"\0\x06\xff4h\xc3\xa9ll\x01\x03\xff\x04\x01\x02";
    client.post.send("POST", &client.target, BYTES, body).await;
    let answer = client.post.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    assert_eq!(client.hear().await, "5:4héll6:b4AQI=");
}

#[tokio::test]
async fn a_body_of_bytes_is_still_refused_for_a_client_of_today() {
    let running = old().await;
    let mut http = Http::connect(running.address).await;
    let target = http.open().await;
    http.send("POST", &target, BYTES, b"\0\x02\xff4a").await;
    assert_eq!(http.answer().await.status, 400);
    closes_with(&running, CloseReason::TransportError).await;
}

#[tokio::test]
async fn a_ping_is_answered_on_either_transport() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    for _ in 0..3 {
        client.say("1:2").await;
        assert_eq!(client.hear().await, "1:3");
    }
    let mut ws = websocket(&running).await;
    for _ in 0..3 {
        ws.text("2").await;
        assert_eq!(ws.next().await, heard("3"));
    }
}

#[tokio::test]
async fn a_client_that_never_pings_is_closed_after_interval_and_timeout() {
    let running = start(allowing(quick())).await;
    let mut ws = websocket(&running).await;
    ws.text("4I am here").await;
    assert_eq!(ws.next().await, heard("4I am here"));
    // The server has not pinged: nothing but the end comes.
    assert!(matches!(ws.next().await, Heard::Close(_)));
    let _polling = Polling::open(&running, "").await;
    let both = [CloseReason::PingTimeout; 2];
    eventually("both are closed", || running.record.reasons() == both).await;
}

#[tokio::test]
async fn a_client_that_answers_pings_which_nobody_sent_is_closed() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    client.say("1:3").await;
    closes_with(&running, CloseReason::TransportError).await;
}

#[tokio::test]
async fn a_binary_message_has_its_type_in_front_on_a_websocket() {
    let running = old().await;
    let mut ws = websocket(&running).await;
    ws.frame(Opcode::Binary, &[4, 1, 2, 3]).await;
    assert_eq!(ws.next().await, Heard::Binary(vec![4, 1, 2, 3]));
    ws.text("b4AQI=").await;
    assert_eq!(ws.next().await, Heard::Binary(vec![4, 1, 2]));
}

#[tokio::test]
async fn a_client_that_says_3_and_speaks_4_is_closed() {
    for (opcode, data) in
        [(Opcode::Binary, &[1, 2, 3][..]), (Opcode::Binary, b""), (Opcode::Text, b"bAQI=")]
    {
        let running = old().await;
        let mut ws = websocket(&running).await;
        ws.frame(opcode, data).await;
        closes_with(&running, CloseReason::ParseError).await;
    }
    let running = old().await;
    Polling::open(&running, "").await.say("4hello\u{1e}4world").await;
    closes_with(&running, CloseReason::ParseError).await;
}

#[tokio::test]
async fn a_body_that_lies_about_its_lengths_ends_its_session_and_no_other() {
    let running = old().await;
    let mut other = Polling::open(&running, "").await;
    for body in ["abc", "9:4a", "2:4😀", "99999999999999999999999:4a", "3:4a", ""] {
        let mut client = Polling::open(&running, "").await;
        client.say(body).await;
        assert!(client.is_gone().await, "{body}");
    }
    let reasons = running.record.reasons();
    assert!(reasons.iter().all(|reason| *reason == CloseReason::ParseError), "{reasons:?}");
    other.say("2:4a").await;
    assert_eq!(other.hear().await, "2:4a");
}

#[tokio::test]
async fn a_body_of_very_many_packets_leaves_turns_to_others() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    client.say(&"2:4a".repeat(5000)).await;
    assert_eq!(client.hear().await, "2:4a".repeat(5000));
    let longest = running.record.longest_turn.load(std::sync::atomic::Ordering::SeqCst);
    assert!(longest <= 512, "{longest}");
}

#[tokio::test]
async fn a_client_that_pings_and_never_takes_the_pongs_is_closed_and_not_kept_pongs_for() {
    let running = start(allowing(Config { outbox_bytes: 100_000, ..Config::default() })).await;
    let mut client = Polling::open(&running, "").await;
    // The answer to each is twenty times as large, and waits for a poll that never comes.
    client.say(&"1:2".repeat(50_000)).await;
    closes_with(&running, CloseReason::SlowConsumer).await;
    let mut honest = Polling::open(&running, "").await;
    honest.say(&"1:2".repeat(1_000)).await;
    assert_eq!(honest.hear().await, "1:3".repeat(1_000));
}

#[tokio::test]
async fn a_close_packet_ends_the_session() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    client.say("1:1").await;
    assert!(client.is_gone().await);
    closes_with(&running, CloseReason::TransportClose).await;
}

#[tokio::test]
async fn of_two_polls_at_a_time_one_hears_of_the_end_and_the_other_is_refused() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    client.get.send("GET", &client.target, "", b"").await;
    client.post.send("GET", &client.target, "", b"").await;
    let answers = [client.get.answer().await, client.post.answer().await];
    let mut answers = answers.map(|answer| (answer.status, answer.body));
    answers.sort();
    assert_eq!(answers, [(200, "1:1".to_owned()), (400, String::new())]);
    closes_with(&running, CloseReason::TransportError).await;
}

#[tokio::test]
async fn a_session_that_the_server_closes_says_so_to_the_next_poll() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    client.say("6:4close").await;
    assert_eq!(client.hear().await, "1:61:1");
}

#[tokio::test]
async fn a_session_moves_from_polling_to_a_websocket() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    client.get.send("GET", &client.target, "", b"").await;
    let target = client.target.replace("=polling", "=websocket");
    let mut ws = Ws::connect(running.address, &target).await;
    ws.text("2probe").await;
    assert_eq!(ws.next().await, heard("3probe"));
    assert_eq!(client.get.answer().await.body, "1:6");
    ws.text("5").await;
    ws.text("4hello").await;
    assert_eq!(ws.next().await, heard("4hello"));
    ws.text("2").await;
    assert_eq!(ws.next().await, heard("3"));
    assert!(client.is_gone().await);
}

#[tokio::test]
async fn what_was_posted_before_the_upgrade_comes_before_what_is_said_behind_it() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    let target = client.target.replace("=polling", "=websocket");
    let mut ws = Ws::connect(running.address, &target).await;
    ws.text("2probe").await;
    assert_eq!(ws.next().await, heard("3probe"));
    client.say("2:4a6:b4AQI=").await;
    ws.both("5", "4b").await;
    assert_eq!(ws.next().await, heard("4a"));
    assert_eq!(ws.next().await, Heard::Binary(vec![4, 1, 2]));
    assert_eq!(ws.next().await, heard("4b"));
}

#[tokio::test]
async fn one_packet_reaches_clients_of_both_revisions_as_each_reads_it() {
    let running = old().await;
    let mut new = Ws::open(running.address).await;
    let mut old = websocket(&running).await;
    let mut polling = Polling::open(&running, "&b64=1").await;
    let packet = Encoded::binary(Bytes::from_static(&[1, 2]));
    for connection in running.record.connections.lock().iter() {
        let _ = connection.push(&packet, Class::Normal);
        // As what comes from elsewhere than its own task.
        connection.wake();
    }
    assert_eq!(new.next().await, Heard::Binary(vec![1, 2]));
    assert_eq!(old.next().await, Heard::Binary(vec![4, 1, 2]));
    assert_eq!(polling.hear().await, "6:b4AQI=");
}

#[tokio::test]
async fn a_session_is_not_to_be_had_by_requests_of_the_other_revision() {
    let running = old().await;
    let mut client = Polling::open(&running, "").await;
    let target = client.target.replace("EIO=3", "EIO=4");
    let answer = client.get.get(&target).await;
    assert_eq!((answer.status, &answer.body[..9]), (400, "{\"code\":3"));
    client.say("2:4a").await;
    assert_eq!(client.hear().await, "2:4a");
}

#[tokio::test]
async fn a_request_that_gives_up_before_its_session_has_spoken_leaves_nothing_behind() {
    let running = old().await;
    for _ in 0..20 {
        let mut http = Http::connect(running.address).await;
        http.send("GET", POLLING, "", b"").await;
        drop(http);
    }
    let mut config = allowing(quick());
    config.sessions = 1;
    let full = start(config).await;
    let _first = Polling::open(&full, "").await;
    let answer = Http::connect(full.address).await.get(POLLING).await;
    assert_eq!(answer.status, 503);
    eventually("its place is free again", || full.server.connections() == 0).await;
    let _second = Polling::open(&full, "").await;
    tokio::time::timeout(
        Duration::from_secs(10),
        running.server.close(CloseReason::ServerShuttingDown, Duration::from_secs(5)),
    )
    .await
    .expect("nobody holds the server up");
}
