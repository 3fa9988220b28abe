//! A WebSocket, and servers that do not do it well.

use std::task::{Context, Waker};
use std::time::Duration;

use engine_client::{Broken, Ended, EngineError, Open, Packet, Queue, Upper};
use engine_proto::{CloseReason, Message, Transport};
use websocket_proto::{Opcode, push_frame};

use crate::script::{PLAIN, Script, Wire};
use crate::support::{Client, Kept};

/// A session on a WebSocket, through pipes of so many bytes.
async fn streaming_through(pipe: usize) -> (Client, Wire) {
    let (mut script, mut config) = Script::new(pipe);
    config.transports = vec![Transport::WebSocket];
    let mut client = Client::new(config);
    let server = async {
        let mut wire = script.accept_websocket().await;
        wire.say(PLAIN).await;
        wire
    };
    let (wire, ()) = tokio::join!(server, client.open());
    (client, wire)
}

async fn streaming() -> (Client, Wire) {
    streaming_through(64 << 10).await
}

fn words(ended: &Ended) -> String {
    ended.error.as_ref().map(ToString::to_string).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_is_answered_and_its_words_are_told() {
    for (code, reason, answer, expected) in [
        (None, "", "close", "the server closed the connection"),
        (Some(1000), "", "close 1000", "with code 1000, it is done"),
        (Some(1009), "", "close 1009", "with code 1009, our message is too large"),
        (Some(1001), "tonight", "close 1001", "with code 1001, it is going away, tonight"),
        (Some(4242), "bye", "close 4242", "with code 4242, bye"),
    ] {
        let (mut client, mut wire) = streaming().await;
        wire.close(code, reason).await;
        let ended = client.end().await;
        assert_eq!((ended.reason, ended.opened), (CloseReason::TransportClose, true));
        assert!(words(&ended).ends_with(expected), "{ended:?}");
        assert_eq!(wire.hear().await, answer);
        assert_eq!(wire.hear().await, "end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_without_a_word_is_gone() {
    let (mut client, wire) = streaming().await;
    drop(wire);
    let ended = client.end().await;
    assert_eq!(ended.reason, CloseReason::TransportClose);
    assert_eq!(words(&ended), "the server closed the connection");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_breaks_the_protocol_is_told_so_and_left() {
    let mut masked = Vec::new();
    push_frame(&mut masked, Opcode::Text, true, Some([1, 2, 3, 4]), b"4x");
    for (bytes, answer, expected) in [
        (&masked[..], "close 1002", "mask"),
        (b"\xf1\x02", "close 1002", "reserved bit"),
        (b"\x83\x00", "close 1002", "opcode"),
        (b"\x80\x00", "close 1002", "continuation"),
        (b"\x09\x00", "close 1002", "fragmented"),
        (b"\x88\x02\x03\xed", "close 1002", "1005"),
        (b"\x88\x01\x03", "close 1002", "one byte"),
        (b"\x81\x02\xff\xff", "close 1007", "UTF-8"),
        (b"\x82\x7f\x00\x00\x00\xff\xff\xff\xff\xff", "close 1009", "limit"),
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", "close 1002", "reserved bit"),
    ] {
        let (mut client, mut wire) = streaming().await;
        wire.say("4before").await;
        wire.write(bytes).await;
        let ended = client.end().await;
        assert_eq!(ended.reason, CloseReason::TransportError, "{bytes:?}");
        assert!(words(&ended).contains(expected), "{ended:?}");
        assert_eq!(client.ears.heard, [Kept::text("before")]);
        assert_eq!(wire.hear().await, answer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_no_packet_is_a_parse_error() {
    for text in ["", "9", "x", "0{}x"] {
        let (mut client, mut wire) = streaming().await;
        wire.say("4before").await;
        wire.say(text).await;
        if text.starts_with('0') {
            // A second open packet means nothing.
            wire.close(None, "").await;
            assert_eq!(client.end().await.reason, CloseReason::TransportClose);
            continue;
        }
        let ended = client.end().await;
        assert_eq!(ended.reason, CloseReason::ParseError, "{text}");
        assert!(words(&ended).contains("expected"), "{ended:?}");
        assert_eq!(wire.hear().await, "close");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stall_in_the_middle_of_a_frame_is_a_ping_timeout() {
    let (mut client, mut wire) = streaming().await;
    wire.write(b"\x81\x7e\x10\x00four").await;
    let start = tokio::time::Instant::now();
    let ended = client.end().await;
    assert_eq!(ended.reason, CloseReason::PingTimeout);
    assert_eq!(start.elapsed().as_secs(), 45);
    assert_eq!(wire.hear().await, "close");
}

#[tokio::test(start_paused = true)]
async fn pings_of_both_layers_are_answered_and_a_flood_of_them_with_few_words() {
    let (mut client, mut wire) = streaming().await;
    wire.say("2").await;
    client.until(|client| client.ears.pings == 1).await;
    assert_eq!(wire.hear().await, "3");
    let mut flood = Vec::new();
    for number in 0..1000 {
        push_frame(&mut flood, Opcode::Ping, true, None, format!("{number}").as_bytes());
        push_frame(&mut flood, Opcode::Text, true, None, b"2");
    }
    wire.write(&flood).await;
    client.until(|client| client.ears.pings == 1001).await;
    let mut answers = Vec::new();
    while answers.last().is_none_or(|last| last != "pong 999") {
        answers.push(wire.hear().await);
    }
    assert!(answers.len() < 10, "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_by_a_server_that_does_not_read_makes_nothing_grow() {
    let (mut client, mut wire) = streaming_through(128).await;
    // Fills the pipe to the server, which reads none of it.
    client.ears.to_send.extend((0..10).map(|_| Packet::text(&"x".repeat(1000))));
    let flood = async {
        for _ in 0..10_000 {
            wire.write(b"\x89\x04ping\x81\x012").await;
        }
        wire
    };
    let mut wire = tokio::select! {
        wire = flood => wire,
        ended = client.end() => panic!("{ended:?}"),
    };
    client.until(|client| client.ears.pings == 10_000).await;
    let reading = async {
        let mut answers = 0;
        for _ in 0..12 {
            answers += usize::from(wire.hear().await.len() < 10);
        }
        answers
    };
    let answers = tokio::select! {
        answers = reading => answers,
        ended = client.end() => panic!("{ended:?}"),
    };
    assert_eq!(answers, 2, "one for each kind of ping");
}

#[tokio::test(start_paused = true)]
async fn a_close_says_what_was_queued_then_goodbye_and_waits_for_the_server_to_hang_up() {
    let (mut client, mut wire) = streaming_through(100).await;
    for number in 0..50 {
        client.send(&format!("{number}"));
    }
    client.engine.close();
    let server = async move {
        for number in 0..50 {
            assert_eq!(wire.hear().await, format!("4{number}"));
        }
        assert_eq!(wire.hear().await, "close");
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let start = tokio::time::Instant::now();
    let (ended, ()) = tokio::join!(client.end(), server);
    assert_eq!((ended.reason, ended.error.is_none()), (CloseReason::ForcedClose, true));
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_reads_nothing_or_never_hangs_up_does_not_delay_a_close_for_long() {
    for (pipe, length) in [(64 << 10, 1), (64, 100_000)] {
        let (mut client, _wire) = streaming_through(pipe).await;
        client.send(&"x".repeat(length));
        client.engine.close();
        let start = tokio::time::Instant::now();
        assert_eq!(client.end().await.reason, CloseReason::ForcedClose);
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn the_close_packet_of_a_server_ends_the_session() {
    let (mut client, mut wire) = streaming().await;
    wire.say("1").await;
    assert_eq!(client.end().await.reason, CloseReason::TransportClose);
    assert_eq!(wire.hear().await, "close");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_when_the_server_has_been_silent_for_too_long() {
    let (mut client, mut wire) = streaming().await;
    assert!(!client.engine.is_expired());
    // Nobody polls, as on a machine that sleeps.
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert!(client.engine.is_expired());
    client.send("into the void");
    let ended = client.end().await;
    assert_eq!(ended.reason, CloseReason::PingTimeout);
    assert_eq!(wire.hear().await, "close");
}

#[tokio::test(start_paused = true)]
async fn a_floor_above_that_takes_no_more_lets_the_server_wait() {
    let (mut client, mut wire) = streaming_through(100).await;
    client.ears.deaf = true;
    let talk = async {
        for number in 0..1000 {
            wire.say(&format!("4{number}")).await;
        }
        wire
    };
    let mut talk = std::pin::pin!(talk);
    tokio::select! {
        _ = &mut talk => panic!("it has to wait"),
        () = client.rest(Duration::from_secs(500)) => {}
    }
    assert!(!client.engine.is_expired());
    client.ears.deaf = false;
    let (heard, _wire) = tokio::join!(client.hear(1000), talk);
    assert_eq!(heard.len(), 1000);
    assert_eq!(heard[999], Kept::text("999"));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_said_with_the_handshake_is_heard() {
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::WebSocket];
    let mut client = Client::new(config);
    let server = async {
        let mut wire = script.accept().await;
        let asked = wire.asked().await;
        let key = asked.header("sec-websocket-key").unwrap();
        let accept = websocket_proto::handshake::accept_key(key);
        let mut all = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .into_bytes();
        push_frame(&mut all, Opcode::Text, true, None, PLAIN.as_bytes());
        push_frame(&mut all, Opcode::Text, true, None, b"4early");
        push_frame(&mut all, Opcode::Text, false, None, b"4in ");
        wire.write(&all).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut rest = Vec::new();
        push_frame(&mut rest, Opcode::Continuation, true, None, b"pieces");
        wire.write(&rest).await;
        wire
    };
    let (heard, _wire) = tokio::join!(client.hear(2), server);
    assert_eq!(heard, [Kept::text("early"), Kept::text("in pieces")]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_handshake_says_why() {
    let (mut script, mut config) = Script::new(64 << 10);
    config.transports = vec![Transport::WebSocket];
    let mut client = Client::new(config);
    let server = async {
        let mut wire = script.accept().await;
        wire.asked().await;
        wire.write(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy",
        )
        .await;
        wire
    };
    let (ended, _wire) = tokio::join!(client.end(), server);
    assert_eq!((ended.reason, ended.opened), (CloseReason::TransportError, false));
    assert_eq!(ended.retry_after, Some(Duration::from_secs(7)));
    let Some(EngineError::Refused(refusal)) = &ended.error else { panic!("{ended:?}") };
    assert_eq!((refusal.status, &*refusal.message), (503, "busy"));
}

#[tokio::test(start_paused = true)]
async fn a_close_while_opening_lets_go_at_once() {
    for polled in [false, true] {
        let (mut script, config) = Script::new(64 << 10);
        let mut client = Client::new(config);
        if polled {
            client.rest(Duration::from_secs(1)).await;
            let _wire = script.accept().await;
        }
        client.engine.close();
        let ended = client.end().await;
        assert_eq!((ended.reason, ended.opened), (CloseReason::ForcedClose, false));
    }
}

/// Has the server close the connection between our reading and our writing.
struct Saboteur(Option<Wire>);

impl Upper for Saboteur {
    fn opened(&mut self, _: &Open, _: &mut Queue) {}
    fn message(&mut self, _: Message<'_>, _: &mut Queue) -> Result<(), Broken> {
        Ok(())
    }
    fn refill(&mut self, _: bool, queue: &mut Queue) {
        if let Some(mut wire) = self.0.take() {
            queue.push(Packet::text("nobody hears it"));
            let said = std::pin::pin!(wire.close(Some(1009), ""));
            assert!(said.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_finds_nobody_there_does_not_hide_what_the_server_said_last() {
    let (Client { mut engine, .. }, wire) = streaming().await;
    let mut upper = Saboteur(Some(wire));
    let ended = std::future::poll_fn(|cx| engine.poll(&mut upper, cx)).await;
    assert_eq!(ended.reason, CloseReason::TransportClose);
    assert!(words(&ended).contains("1009"), "{ended:?}");
}

/// Sends two messages that may be dropped.
struct Volatile(Vec<bool>);

impl Upper for Volatile {
    fn opened(&mut self, _: &Open, _: &mut Queue) {}
    fn message(&mut self, _: Message<'_>, _: &mut Queue) -> Result<(), Broken> {
        Ok(())
    }
    fn refill(&mut self, writable: bool, queue: &mut Queue) {
        if self.0.len() < 4 {
            self.0.push(writable);
            queue.push(Packet::text(&"x".repeat(60_000)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_together_may_leave_together_and_a_pipe_that_is_full_says_so() {
    let (Client { mut engine, .. }, _wire) = streaming().await;
    let mut upper = Volatile(Vec::new());
    let end = std::future::poll_fn(|cx| engine.poll(&mut upper, cx));
    assert!(tokio::time::timeout(Duration::from_secs(1), end).await.is_err());
    // Two are what is asked for at a time; then the pipe has had enough, and whatever may be dropped should be.
    assert_eq!(upper.0, [true, true, false, false]);
}

/// Owes an answer for each message, and hears nothing more while it does.
#[derive(Default)]
struct Dutiful {
    heard: usize,
    owed: usize,
}

impl Upper for Dutiful {
    fn opened(&mut self, _: &Open, _: &mut Queue) {}
    fn message(&mut self, _: Message<'_>, _: &mut Queue) -> Result<(), Broken> {
        self.heard += 1;
        self.owed += 1;
        Ok(())
    }
    fn refill(&mut self, _: bool, queue: &mut Queue) {
        if std::mem::take(&mut self.owed) > 0 {
            queue.push(Packet::text("answer"));
        }
    }
    fn takes_more(&self) -> bool {
        self.owed == 0
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_answered_in_the_same_turn_hears_on() {
    let (client, mut wire) = streaming().await;
    let (mut engine, mut dutiful) = (client.engine, Dutiful::default());
    // A task of its own: what wakes it does not wake the client.
    let server = tokio::spawn(async move {
        for _ in 0..3 {
            wire.say("4question").await;
            assert_eq!(wire.hear().await, "4answer");
        }
        wire
    });
    let driven = std::future::poll_fn(|cx| engine.poll(&mut dutiful, cx));
    tokio::select! {
        biased;
        ended = driven => panic!("{ended:?}"),
        wire = server => drop(wire.unwrap()),
        () = tokio::time::sleep(Duration::from_secs(1)) => panic!("it does not hear on"),
    }
    assert_eq!(dutiful.heard, 3);
}
