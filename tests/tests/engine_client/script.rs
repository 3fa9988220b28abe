//! A server that does what a test says, to the byte.
#![allow(unreachable_pub)] // shared by the files beside it

use std::sync::Arc;

use engine_client::{Config, Connecting, Connector, Dialer, Stream, Target};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use websocket_proto::handshake::accept_key;
use websocket_proto::{Event, Limits, Opcode, Receiver, Role, push_close, push_frame};

use crate::support::config_of;

/// An open packet that offers a WebSocket.
pub const OPEN: &str = r#"0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}"#;

/// The same without that.
pub const PLAIN: &str =
    r#"0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}"#;

/// Where connections arrive.
pub struct Script {
    accepted: mpsc::UnboundedReceiver<DuplexStream>,
}

struct Dials(mpsc::UnboundedSender<DuplexStream>, Arc<Mutex<usize>>);

impl Connector for Dials {
    fn connect(&self, _: &Target) -> Connecting {
        let (ours, theirs) = tokio::io::duplex(*self.1.lock());
        let sent = self.0.send(theirs);
        Box::pin(async move {
            sent.map_err(|_| std::io::ErrorKind::ConnectionRefused)?;
            Ok(Stream::new(ours))
        })
    }
}

impl Script {
    /// A server, and how to get there through pipes of so many bytes.
    pub fn new(pipe: usize) -> (Script, Config) {
        let (sender, accepted) = mpsc::unbounded_channel();
        let dialer = Dialer::default().connector(Dials(sender, Arc::new(Mutex::new(pipe))));
        (Script { accepted }, config_of(dialer))
    }

    /// The next connection, if there can be another.
    pub async fn next(&mut self) -> Option<Wire> {
        let stream = self.accepted.recv().await?;
        let receiver = Receiver::new(Role::Server, Limits::default());
        Some(Wire { stream, receiver, heard: Vec::new() })
    }

    /// The next connection.
    pub async fn accept(&mut self) -> Wire {
        self.next().await.expect("the client is still there")
    }

    /// The next connection, as a WebSocket.
    pub async fn accept_websocket(&mut self) -> Wire {
        let mut wire = self.accept().await;
        wire.shake_hands().await;
        wire
    }
}

/// One connection.
pub struct Wire {
    pub stream: DuplexStream,
    receiver: Receiver,
    /// What has come on a WebSocket, and nobody has asked for.
    heard: Vec<String>,
}

/// A request: its first line and headers, and its body.
pub struct Asked {
    pub head: String,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (its, value) = line.split_once(": ")?;
            its.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Wire {
    pub async fn asked(&mut self) -> Asked {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.expect("a request"));
        }
        let mut asked = Asked { head: String::from_utf8(head).unwrap(), body: String::new() };
        let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        asked.body = String::from_utf8(body).unwrap();
        asked
    }

    pub async fn answer(&mut self, status: &str, body: &str) {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(answer.as_bytes()).await.unwrap();
    }

    /// Hears a request and answers it with 200.
    pub async fn serve(&mut self, body: &str) -> Asked {
        let asked = self.asked().await;
        self.answer("200 OK", body).await;
        asked
    }

    pub async fn shake_hands(&mut self) -> Asked {
        let asked = self.asked().await;
        let accept = accept_key(asked.header("sec-websocket-key").expect("a key"));
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        self.stream.write_all(answer.as_bytes()).await.unwrap();
        asked
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub async fn say(&mut self, text: &str) {
        let mut frame = Vec::new();
        push_frame(&mut frame, Opcode::Text, true, None, text.as_bytes());
        self.write(&frame).await;
    }

    pub async fn close(&mut self, code: Option<u16>, reason: &str) {
        let mut frame = Vec::new();
        push_close(&mut frame, code, reason, None);
        self.write(&frame).await;
    }

    /// The next text, or `close CODE`, `ping`, `pong …`, or `end`.
    pub async fn hear(&mut self) -> String {
        let mut buffer = [0; 4096];
        while self.heard.is_empty() {
            let Ok(length @ 1..) = self.stream.read(&mut buffer).await else { return "end".into() };
            let mut incoming = self.receiver.receive(&mut buffer[..length]);
            while let Some(event) = incoming.next().expect("the client keeps the rules") {
                self.heard.push(match event {
                    Event::Text(text) => text.to_owned(),
                    Event::Binary(data) => format!("{} bytes", data.len()),
                    Event::Ping(_) => "ping".to_owned(),
                    Event::Pong(data) => format!("pong {}", String::from_utf8_lossy(data)),
                    Event::Close(None) => "close".to_owned(),
                    Event::Close(Some(frame)) => format!("close {}", frame.code),
                });
            }
        }
        self.heard.remove(0)
    }
}
