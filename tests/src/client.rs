//! Raw Engine.IO and Socket.IO clients, packet by packet, and one that must not notice anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use crate::DEADLINE;
use crate::contract::Contract;
use crate::http::{Response, Wire, ask_with};
use crate::websocket::{Frame, WebSocket};

/// Where the profiles `handlers` and `bench` answer, and `protocol` for Socket.IO.
pub const SOCKET_IO: &str = "/socket.io/";
/// Where the profile `protocol` answers for Engine.IO.
pub const ENGINE_IO: &str = "/engine.io/";

/// An Engine.IO session by polling, each request on a connection of its own.
#[derive(Clone, Debug)]
pub struct Polling {
    port: u16,
    path: String,
    /// What the open packet says.
    pub open: Value,
    /// What the server calls the socket in its CONNECT reply, once it has joined.
    pub id: String,
}

impl Polling {
    /// Opens a session.
    ///
    /// # Panics
    ///
    /// If the server does not answer with an open packet.
    pub fn open(port: u16, path: &str) -> Self {
        let answer = ask_with(port, "GET", &format!("{path}?EIO=4&transport=polling"), &[], "");
        assert_eq!(answer.status, 200, "{answer:?}");
        let open = answer.body.strip_prefix('0').expect("an open packet");
        let open = serde_json::from_str(open).expect("an open packet holds JSON");
        Polling { port, path: path.to_owned(), open, id: String::new() }
    }

    /// Opens a session and joins the main namespace.
    ///
    /// # Panics
    ///
    /// If the server does not agree.
    pub fn join(port: u16) -> Self {
        let mut session = Self::open(port, SOCKET_IO);
        session.post("40");
        session.id = id_in(session.packets(1)[0].strip_prefix("40"));
        session
    }

    /// The session's id.
    ///
    /// # Panics
    ///
    /// If the server gave none.
    pub fn sid(&self) -> &str {
        self.open["sid"].as_str().expect("an id")
    }

    /// Path and query of this session's requests.
    pub fn url(&self) -> String {
        format!("{}?EIO=4&transport=polling&sid={}", self.path, self.sid())
    }

    /// Path and query for a WebSocket of this session.
    pub fn upgrade_url(&self) -> String {
        format!("{}?EIO=4&transport=websocket&sid={}", self.path, self.sid())
    }

    /// Sends a GET and does not wait for the answer.
    pub fn get(&self) -> Wire {
        let mut wire = Wire::open(self.port);
        wire.request("GET", &self.url(), &[], "");
        wire
    }

    /// One GET.
    pub fn try_poll(&self) -> Response {
        self.get().response()
    }

    /// One GET, answered with packets.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub fn poll(&self) -> Vec<String> {
        let answer = self.try_poll();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body.split('\x1e').map(str::to_owned).collect()
    }

    /// Polls on until this many packets are here that are no pings, which are answered.
    pub fn packets(&self, count: usize) -> Vec<String> {
        let mut packets = Vec::new();
        while packets.len() < count {
            for packet in self.poll() {
                match packet.as_str() {
                    "2" => self.post("3"),
                    "6" => {}
                    _ => packets.push(packet),
                }
            }
        }
        packets
    }

    /// One POST.
    pub fn try_post(&self, body: &str) -> Response {
        ask_with(
            self.port,
            "POST",
            &self.url(),
            &[("Content-Type", "text/plain;charset=UTF-8")],
            body,
        )
    }

    /// One POST that is accepted.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub fn post(&self, body: &str) {
        let answer = self.try_post(body);
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    }

    /// Whether the server does not know this session any more; asks until a minute is over.
    pub fn is_forgotten(&self) -> bool {
        eventually(|| {
            let answer = self.try_post("3");
            answer.status == 400 && answer.body == r#"{"code":1,"message":"Session ID unknown"}"#
        })
    }
}

/// A Socket.IO client on a WebSocket, packet by packet: text without the Engine.IO digit `4`.
pub struct Client {
    /// Below the packets.
    pub websocket: WebSocket,
    /// What the server calls this socket in its CONNECT reply.
    pub id: String,
}

/// What came from Engine.IO, pings aside, which are answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Packet {
    /// A Socket.IO packet.
    Text(String),
    /// An attachment.
    Binary(Vec<u8>),
    /// The connection is closed, with the code of the close frame if it has one.
    Closed(Option<u16>),
}

impl Client {
    /// Opens a connection without joining anything.
    ///
    /// # Panics
    ///
    /// If the server does not agree.
    pub fn open(port: u16) -> Self {
        let path = format!("{SOCKET_IO}?EIO=4&transport=websocket");
        let mut websocket = WebSocket::open(port, &path).expect("a WebSocket");
        let open = websocket.next();
        assert!(matches!(&open, Frame::Text(text) if text.starts_with("0{")), "{open:?}");
        Client { websocket, id: String::new() }
    }

    /// Opens a connection and joins the main namespace.
    pub fn join(port: u16) -> Self {
        let mut client = Self::open(port);
        client.id = client.connect("/");
        client
    }

    /// Joins one more namespace; returns the socket's id there.
    ///
    /// # Panics
    ///
    /// If the server does not agree.
    pub fn connect(&mut self, namespace: &str) -> String {
        let prefix = if namespace == "/" { String::new() } else { format!("{namespace},") };
        self.send(&format!("0{prefix}"));
        let Packet::Text(reply) = self.next() else { panic!("no CONNECT reply") };
        id_in(reply.strip_prefix(&format!("0{prefix}")))
    }

    /// Sends a Socket.IO packet.
    pub fn send(&mut self, packet: &str) {
        self.websocket.text(&format!("4{packet}"));
    }

    /// The next packet.
    #[allow(clippy::should_implement_trait)] // packets do not end with a `None`
    pub fn next(&mut self) -> Packet {
        let mut code = None;
        loop {
            match self.websocket.next() {
                Frame::Text(text) if text == "2" => self.websocket.text("3"),
                Frame::Text(text) if text.starts_with('4') => {
                    return Packet::Text(text[1..].to_owned());
                }
                Frame::Binary(bytes) => return Packet::Binary(bytes),
                Frame::Close(with) => {
                    code = with;
                    self.websocket.frame(0x88, &[]);
                }
                Frame::End => return Packet::Closed(code),
                Frame::Text(_) | Frame::Ping(_) | Frame::Pong(_) => {}
            }
        }
    }

    /// Expects this packet next.
    ///
    /// # Panics
    ///
    /// If something else comes.
    #[track_caller]
    pub fn expect(&mut self, packet: &str) {
        assert_eq!(self.next(), Packet::Text(packet.to_owned()));
    }

    /// Sends one packet and expects another.
    ///
    /// # Panics
    ///
    /// If something else comes.
    #[track_caller]
    pub fn exchange(&mut self, packet: &str, answer: &str) {
        self.send(packet);
        self.expect(answer);
    }

    /// Checks that the connection still works.
    ///
    /// # Panics
    ///
    /// If it does not.
    #[track_caller]
    pub fn is_alive(&mut self) {
        self.exchange(r#"2["echo","alive"]"#, r#"2["echo-back","alive"]"#);
    }

    /// Whether the connection is still there after all that was sent before.
    pub fn survives(&mut self) -> bool {
        self.send(r#"2["echo","survived"]"#);
        loop {
            match self.next() {
                Packet::Closed(_) => return false,
                Packet::Text(text) if text == r#"2["echo-back","survived"]"# => return true,
                _ => {}
            }
        }
    }

    /// Why that socket has left, once it has; the server is asked until it has.
    ///
    /// # Panics
    ///
    /// If it does not leave.
    pub fn reason_of(&mut self, id: &str) -> String {
        let mut reason = Value::Null;
        let left = eventually(|| {
            reason = self.ask(&json!(["reason-of", id]));
            !reason.is_null()
        });
        assert!(left, "the socket is still there");
        reason.as_str().expect("a word").to_owned()
    }

    /// The one argument of the acknowledgement of an event.
    ///
    /// # Panics
    ///
    /// If something else comes.
    pub fn ask(&mut self, event: &(impl Serialize + ?Sized)) -> Value {
        let event = serde_json::to_string(event).expect("JSON");
        self.send(&format!("27{event}"));
        let Packet::Text(answer) = self.next() else { panic!("no answer to {event}") };
        let answer = answer.strip_prefix("37").unwrap_or_else(|| panic!("{answer} is no answer"));
        let answer: Vec<Value> = serde_json::from_str(answer).expect("an answer holds an array");
        answer.into_iter().next().expect("an argument")
    }
}

/// A client that goes on echoing while others misbehave, and must not notice.
pub struct Healthy {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Healthy {
    /// Connects and starts.
    ///
    /// # Panics
    ///
    /// If the server does not agree.
    pub fn start(port: u16) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        let mut client = Client::join(port);
        let thread = thread::spawn(move || {
            let mut rounds = 0;
            loop {
                let last = seen.load(Ordering::Acquire);
                client.exchange(
                    &format!(r#"2["echo",{rounds}]"#),
                    &format!(r#"2["echo-back",{rounds}]"#),
                );
                rounds += 1;
                if last {
                    return rounds;
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        Healthy { done, thread: Some(thread) }
    }

    /// Checks that it is still connected, and that every event came back, once and in order.
    ///
    /// # Panics
    ///
    /// If not.
    pub fn noticed_nothing(mut self) {
        let rounds = self.stop().expect("it runs until now");
        assert!(rounds.expect("the healthy client is unharmed") > 0);
    }

    fn stop(&mut self) -> Option<thread::Result<u64>> {
        self.done.store(true, Ordering::Release);
        self.thread.take().map(JoinHandle::join)
    }
}

impl Drop for Healthy {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs a test against the contract server's profile `handlers` while a client beside it goes on echoing, which must
/// not notice anything. `listener` picks the port: `Contract::port` or `Contract::hasty_port`.
///
/// # Panics
///
/// If the test does, or the healthy client is disturbed, or the server is gone.
pub fn beside_a_healthy_client(listener: fn(&Contract) -> u16, test: impl FnOnce(u16)) {
    let mut contract = Contract::start("handlers");
    let port = listener(&contract);
    let healthy = Healthy::start(port);
    test(port);
    healthy.noticed_nothing();
    assert!(contract.is_running());
}

/// The `sid` of a CONNECT reply.
fn id_in(reply: Option<&str>) -> String {
    let reply = reply.expect("a CONNECT reply");
    let reply: Value = serde_json::from_str(reply).expect("a CONNECT reply holds JSON");
    reply["sid"].as_str().expect("an id").to_owned()
}

/// Asks until the answer is yes, for effects that nobody announces; no after a minute.
pub fn eventually(mut ask: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if ask() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}
