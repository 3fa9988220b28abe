//! Connection state recovery as the reference's in-memory adapter has it: events end in an offset, and whoever comes back with
//! one is said what it has missed in front of the answer to its CONNECT.

mod support;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use sockeye_client::{Args, Event, Socket, SocketState};
use support::talk::Heard;
use support::{Script, Wire, until};
use tokio::io::DuplexStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

/// A server that remembers one session, and all that was said in it.
struct Memory {
    accepted: UnboundedReceiver<DuplexStream>,
    sessions: u32,
    log: Vec<(String, Vec<u8>)>,
}

impl Memory {
    fn new() -> (Wire, Memory) {
        let (wire, accepted) = Wire::raw();
        (wire, Memory { accepted, sessions: 0, log: Vec::new() })
    }

    /// An event with a number, to whoever is there or will come back.
    fn event(&mut self, number: usize) -> String {
        let offset = format!("offset {}", self.log.len());
        let packet = format!(r#"42["event",{number},"{offset}"]"#);
        self.log.push((packet.clone(), Vec::new()));
        packet
    }

    /// The same with an attachment.
    fn file(&mut self, bytes: &[u8]) {
        let offset = format!("offset {}", self.log.len());
        let packet = format!(r#"451-["file",{{"_placeholder":true,"num":0}},"{offset}"]"#);
        self.log.push((packet, bytes.to_vec()));
    }

    /// Where the client stands, if it says so.
    fn place(&self, asked: &Value) -> Option<usize> {
        let is_known = asked["pid"] == format!("pid {}", self.sessions);
        let offset = asked["offset"].as_str().filter(|_| is_known)?;
        self.log.iter().position(|(packet, _)| packet.contains(&format!("\"{offset}\"]")))
    }

    /// Lets the next client in; gives what it has said with its CONNECT.
    async fn accept(&mut self) -> (Script, Value) {
        let mut script = Script::open(&mut self.accepted).await;
        let connect = script.hear().await.expect("a CONNECT");
        let asked = serde_json::from_str(connect.strip_prefix("40").unwrap()).unwrap_or(json!({}));
        match self.place(&asked) {
            Some(at) => {
                for (packet, bytes) in &self.log[at + 1..] {
                    script.say(packet).await;
                    if !bytes.is_empty() {
                        script.send(bytes).await;
                    }
                }
            }
            None => self.forget(),
        }
        let number = self.sessions;
        script.say(&format!(r#"40{{"sid":"sid {number}","pid":"pid {number}"}}"#)).await;
        (script, asked)
    }

    fn forget(&mut self) {
        self.sessions += 1;
        self.log.clear();
    }
}

/// A socket that is started, and all that it hears.
fn started(wire: &Wire) -> (Socket, Heard) {
    let socket = wire.websocket_client().socket();
    let heard = Heard::default();
    let note = heard.clone();
    socket.on_any(move |Event(name): Event, args: Args| {
        note.note(format!(
            "{name} {}",
            args.parse::<(Value, Value)>().map_or(Value::Null, |all| all.0)
        ));
        async {}
    });
    socket.start();
    (socket, heard)
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_heard_once_in_its_order_and_before_what_is_new() {
    let (wire, mut server) = Memory::new();
    let (socket, heard) = started(&wire);
    let (mut script, asked) = server.accept().await;
    assert_eq!(asked, json!({}));
    let mut expected = 0;
    for round in 0..5 {
        until(&socket, SocketState::is_connected).await;
        assert_eq!(socket.recovered(), round > 0);
        assert_eq!(socket.id().as_deref(), Some("sid 1"));
        for _ in 0..3 {
            script.say(&server.event(expected)).await;
            expected += 1;
        }
        heard.wait_for(expected).await;
        drop(script);
        until(&socket, |state| !state.is_connected()).await;
        for _ in 0..2 {
            server.event(expected);
            expected += 1;
        }
        script = server.accept().await.0;
    }
    let all: Vec<_> = (0..expected).map(|number| format!("event {number}")).collect();
    assert_eq!(heard.wait_for(expected).await, all);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(heard.all().len(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_missed_event_comes_with_its_attachment() {
    let (wire, mut server) = Memory::new();
    let socket = wire.websocket_client().socket();
    let files: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let keep = files.clone();
    socket.on("file", move |args: Args| {
        keep.lock().extend(args.attachments().iter().map(|bytes| bytes.to_vec()));
        async {}
    });
    socket.start();
    let (mut script, _) = server.accept().await;
    script.say(&server.event(0)).await;
    sleep(Duration::from_secs(1)).await;
    drop(script);
    server.file(&[1, 2, 3]);
    server.file(&[4]);
    let (_script, _) = server.accept().await;
    until(&socket, SocketState::is_connected).await;
    support::soon(|| files.lock().len() == 2).await;
    assert_eq!(*files.lock(), [vec![1, 2, 3], vec![4]]);
    assert!(socket.recovered());
}

#[tokio::test(start_paused = true)]
async fn a_session_in_which_nothing_was_heard_is_not_recovered_and_says_so() {
    let (wire, mut server) = Memory::new();
    let (socket, heard) = started(&wire);
    let (script, _) = server.accept().await;
    until(&socket, SocketState::is_connected).await;
    drop(script);
    let (mut script, asked) = server.accept().await;
    assert_eq!(asked, json!({ "pid": "pid 1" }), "it stands nowhere yet");
    until(&socket, SocketState::is_connected).await;
    assert!(!socket.recovered());
    assert_eq!(socket.id().as_deref(), Some("sid 2"));
    script.say(&server.event(7)).await;
    assert_eq!(heard.wait_for(1).await, ["event 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_forgotten_the_session_is_not_told_its_position_once_more() {
    let (wire, mut server) = Memory::new();
    let (socket, heard) = started(&wire);
    let (mut script, _) = server.accept().await;
    script.say(&server.event(1)).await;
    heard.wait_for(1).await;
    drop(script);
    server.forget();
    let (script, asked) = server.accept().await;
    assert_eq!(asked, json!({ "pid": "pid 1", "offset": "offset 0" }));
    until(&socket, SocketState::is_connected).await;
    assert!(!socket.recovered());
    drop(script);
    let (_script, asked) = server.accept().await;
    assert_eq!(asked, json!({ "pid": "pid 3" }), "the old position is none in the new session");
}

#[tokio::test(start_paused = true)]
async fn a_question_and_an_event_without_an_offset_do_not_move_the_position() {
    let (wire, mut server) = Memory::new();
    let (_socket, heard) = started(&wire);
    let (mut script, _) = server.accept().await;
    script.say(&server.event(1)).await;
    script.say(r#"420["ask","a string"]"#).await;
    script.say(r#"42["volatile",1]"#).await;
    heard.wait_for(3).await;
    drop(script);
    let (_script, asked) = server.accept().await;
    assert_eq!(asked, json!({ "pid": "pid 1", "offset": "offset 0" }));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_named_like_a_position_is_heard_unless_it_follows_a_question() {
    let (wire, mut server) = Memory::new();
    let (_socket, heard) = started(&wire);
    let (mut script, _) = server.accept().await;
    let token = "abcdefghijklmnopqrst-_";
    script.say(r#"420["ask"]"#).await;
    script.say(r#"42["event",1]"#).await;
    script.say(&format!(r#"42["{token}"]"#)).await;
    script.say(r#"421["ask"]"#).await;
    script.say(&format!(r#"422["{token}"]"#)).await;
    let all = heard.wait_for(5).await;
    assert_eq!(all[2], format!("{token} null"), "an event is between it and the question");
    assert_eq!(all[4], format!("{token} null"), "it is a question itself");
}

#[tokio::test(start_paused = true)]
async fn a_missed_event_whose_handler_disconnects_is_the_last_that_is_heard() {
    let (wire, mut server) = Memory::new();
    let (socket, heard) = started(&wire);
    let connects = heard.clone();
    socket.on_connect(move || {
        connects.note("connected");
        async {}
    });
    socket.on("event", async |socket: Socket, args: Args| {
        if args.parse::<(u32, String)>().is_ok_and(|(number, _)| number == 2) {
            socket.disconnect();
        }
    });
    let (mut script, _) = server.accept().await;
    script.say(&server.event(1)).await;
    heard.wait_for(2).await;
    drop(script);
    for number in 2..5 {
        server.event(number);
    }
    let (_script, _) = server.accept().await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(heard.all(), ["connected", "event 1", "event 2"]);
    assert!(!socket.is_active());
}
