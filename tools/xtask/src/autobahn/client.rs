//! The small client that the suite examines: it sends back whatever comes.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use websocket_proto::deflate::{Agreement, Deflater, Offer};
use websocket_proto::handshake::{UpgradeResponse, request_key, verify_response};
use websocket_proto::{CloseFrame, Event, Limits, Opcode, Receiver, Role, push_close, push_frame};

const LIMITS: Limits = Limits { frame: 64 << 20, message: 64 << 20, fragments: 1 << 20 };

/// How long the suite may be silent; its own patience with a slow case is 100 seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// Asks how many cases there are, sits them all and has the report written. Returns the number.
pub(super) fn run_all(server: SocketAddr, agent: &str) -> Result<usize, String> {
    let broken = |error: io::Error| format!("the suite's server: {error}");
    let count = connect(server, "/getCaseCount").and_then(Client::first_text).map_err(broken)?;
    let cases = count.parse().map_err(|_| format!("`{count}` is not a number of cases"))?;
    for case in 1..=cases {
        let path = format!("/runCase?case={case}&agent={agent}");
        // A connection that breaks is the suite's to judge; it says so in its report.
        if let Err(error) = connect(server, &path).and_then(Client::echo) {
            eprintln!("case {case} of {cases}: {error}");
        }
    }
    let path = format!("/updateReports?agent={agent}");
    connect(server, &path).and_then(Client::echo).map_err(broken)?;
    Ok(cases)
}

/// A connection whose handshake is done.
struct Client {
    stream: TcpStream,
    receiver: Receiver,
    /// Only where compression was agreed on.
    deflater: Option<Deflater>,
    /// What was read behind the handshake's answer.
    early: Vec<u8>,
    keys: RandomState,
    frames: u64,
}

fn connect(server: SocketAddr, path: &str) -> io::Result<Client> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let keys = RandomState::new();
    let nonce = [keys.hash_one(0).to_ne_bytes(), keys.hash_one(1).to_ne_bytes()].concat();
    let key = request_key(nonce.try_into().expect("twice eight bytes"));
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Extensions: {}\r\n\r\n",
        Offer::default()
    )?;
    let (head, early) = read_head(&mut stream)?;
    let agreed = verify_head(&key, &head).map_err(io::Error::other)?;
    let mut receiver = Receiver::new(Role::Client, LIMITS);
    if let Some(agreed) = agreed {
        receiver = receiver.inflating(agreed.inflater(Role::Client));
    }
    let deflater = agreed.and_then(|agreed| agreed.deflater(Role::Client, 1));
    Ok(Client { stream, receiver, deflater, early, keys, frames: 0 })
}

/// Reads the answer to the handshake, and what already came behind it.
fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    loop {
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            let early = answer.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&answer).into_owned(), early));
        }
        let count = stream.read(&mut piece)?;
        if count == 0 || answer.len() > 16 * 1024 {
            return Err(io::Error::other("no complete answer to the handshake"));
        }
        answer.extend_from_slice(&piece[..count]);
    }
}

/// Checks the answer to the handshake; returns how messages are compressed.
fn verify_head(
    key: &str,
    head: &str,
) -> Result<Option<Agreement>, Box<dyn std::error::Error + Send + Sync>> {
    let header = |wanted: &str| {
        head.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let response = UpgradeResponse {
        status: head.split(' ').nth(1).unwrap_or_default().parse()?,
        connection: header("Connection"),
        upgrade: header("Upgrade"),
        accept: header("Sec-WebSocket-Accept"),
    };
    verify_response(key, &response)?;
    Ok(Offer::default().verify(header("Sec-WebSocket-Extensions"))?)
}

impl Client {
    /// Sends back what comes, until the server hangs up.
    fn echo(mut self) -> io::Result<()> {
        let mut input = std::mem::take(&mut self.early);
        let mut answers = Vec::new();
        self.answer(&mut input, &mut answers);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            self.stream.write_all(&answers)?;
            answers.clear();
            // A client lets the server hang up first (RFC 6455, 7.1.1), even after an error.
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.answer(&mut buffer[..count], &mut answers),
                // The suite hangs up without reading what it had no use for.
                Err(_) if self.receiver.is_done() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes in what was read and appends what to answer.
    fn answer(&mut self, input: &mut [u8], answers: &mut Vec<u8>) {
        let deflater = &mut self.deflater;
        let mut say = |answers: &mut Vec<u8>, opcode, mask, message: &[u8]| match deflater {
            Some(deflater) => deflater.push_message(answers, opcode, mask, message),
            None => push_frame(answers, opcode, true, mask, message),
        };
        let mut incoming = self.receiver.receive(input);
        loop {
            self.frames += 1;
            let mask = Some(key(&self.keys, self.frames));
            match incoming.next() {
                Ok(Some(Event::Text(text))) => say(answers, Opcode::Text, mask, text.as_bytes()),
                Ok(Some(Event::Binary(bytes))) => say(answers, Opcode::Binary, mask, bytes),
                Ok(Some(Event::Ping(payload))) => {
                    push_frame(answers, Opcode::Pong, true, mask, payload);
                }
                Ok(Some(Event::Pong(_))) => {}
                Ok(Some(Event::Close(frame))) => {
                    push_close(answers, frame.map(|CloseFrame { code, .. }| code), "", mask);
                }
                Ok(None) => return,
                Err(error) => push_close(answers, Some(error.close_code()), "", mask),
            }
        }
    }

    /// The first text message; then we hang up.
    fn first_text(mut self) -> io::Result<String> {
        let mut input = std::mem::take(&mut self.early);
        loop {
            match self.receiver.receive(&mut input).next() {
                Ok(Some(Event::Text(text))) => return Ok(text.to_owned()),
                Ok(None) => {}
                other => return Err(io::Error::other(format!("no text came, but {other:?}"))),
            }
            input.resize(1024, 0);
            match self.stream.read(&mut input)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => input.truncate(count),
            }
        }
    }
}

/// A masking key that the server cannot foresee.
fn key(keys: &RandomState, frame: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = keys.hash_one(frame).to_ne_bytes();
    [a, b, c, d]
}
