//! HTTP requests: upgrades to WebSocket, and long-polling sessions.

use super::socket::CONNECTED;
use super::words::{self, Word};
use super::{Gone, Speaks};
use crate::client::open::{ACCEPT, REQUEST_KEY};
use crate::frame;
use crate::http::{self, Head};
use crate::outbox::Outbox;

const SEPARATOR: u8 = 0x1E;
const SETTINGS: &str = r#""pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// The long-polling sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: Vec<Session>,
}

#[derive(Debug, Default)]
struct Session {
    /// Packets that wait for the next GET, with separators.
    waiting: Vec<u8>,
    /// The connection whose GET waits for packets.
    held: Option<usize>,
}

impl Sessions {
    /// Answers all whole requests of `input`; how many bytes they took, and what the connection speaks from then on.
    pub(super) fn requests(
        &mut self,
        number: usize,
        input: &[u8],
        outbox: &mut Outbox,
    ) -> Result<(usize, Speaks), Gone> {
        let mut taken = 0;
        while let Some(head) = Head::read(&input[taken..]) {
            let end = taken + head.length + head.body().unwrap_or(0);
            let Some(body) = input.get(taken + head.length..end) else {
                break;
            };
            taken = end;
            if head.header("upgrade").is_some() {
                upgrade(&head, outbox.to(number))?;
                return Ok((taken, Speaks::WebSocket));
            }
            match head.request().ok_or(Gone)? {
                ("GET", target) => self.get(number, target, outbox)?,
                ("POST", target) => self.post(number, target, body, outbox)?,
                _ => return Err(Gone),
            }
        }
        Ok((taken, Speaks::Http))
    }

    /// A GET that waits on this connection will not be answered.
    pub(super) fn leave(&mut self, number: usize) {
        for session in self.all.iter_mut().filter(|session| session.held == Some(number)) {
            *session = Session::default();
        }
    }

    fn get(&mut self, number: usize, target: &str, outbox: &mut Outbox) -> Result<(), Gone> {
        let Some(sid) = http::query(target, "sid") else {
            let sid = self.all.len();
            self.all.push(Session::default());
            let open = format!(r#"0{{"sid":"{sid:020}","upgrades":["websocket"],{SETTINGS}"#);
            respond(outbox.to(number), open.as_bytes());
            return Ok(());
        };
        let session = self.find(sid)?;
        session.held = Some(number);
        session.release(outbox);
        Ok(())
    }

    fn post(
        &mut self,
        number: usize,
        target: &str,
        body: &[u8],
        outbox: &mut Outbox,
    ) -> Result<(), Gone> {
        let session = self.find(http::query(target, "sid").ok_or(Gone)?)?;
        for packet in body.split(|&byte| byte == SEPARATOR) {
            match words::read(packet).ok_or(Gone)? {
                Word::Connect => session.queue(&[CONNECTED]),
                Word::Message(rest) => session.queue(&[b"42[\"message-back\",", rest]),
                Word::Pong => {}
                _ => return Err(Gone),
            }
        }
        respond(outbox.to(number), b"ok");
        session.release(outbox);
        Ok(())
    }

    fn find(&mut self, sid: &str) -> Result<&mut Session, Gone> {
        let place: usize = sid.parse().map_err(|_| Gone)?;
        self.all.get_mut(place).ok_or(Gone)
    }
}

impl Session {
    fn queue(&mut self, pieces: &[&[u8]]) {
        if !self.waiting.is_empty() {
            self.waiting.push(SEPARATOR);
        }
        for piece in pieces {
            self.waiting.extend_from_slice(piece);
        }
    }

    /// Answers the GET that waits, if there is something to say.
    fn release(&mut self, outbox: &mut Outbox) {
        if let (Some(number), false) = (self.held, self.waiting.is_empty()) {
            respond(outbox.to(number), &self.waiting);
            self.waiting.clear();
            self.held = None;
        }
    }
}

/// The answer to a key is known beforehand, so there is only one key.
fn upgrade(head: &Head<'_>, out: &mut Vec<u8>) -> Result<(), Gone> {
    if head.header("sec-websocket-key") != Some(REQUEST_KEY) {
        return Err(Gone);
    }
    let switching = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    );
    out.extend_from_slice(switching.as_bytes());
    let open = format!(r#"0{{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],{SETTINGS}"#);
    frame::push(out, frame::TEXT, None, open.as_bytes());
    Ok(())
}

fn respond(out: &mut Vec<u8>, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body);
}
