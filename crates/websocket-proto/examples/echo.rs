//! A WebSocket echo server on nothing but this crate and the standard library: one thread per
//! connection, messages up to 64 MiB, compressed where the client wants that. The public Autobahn suite is pointed at it.
//!
//! ```text
//! cargo run --release -p sockeye-websocket-proto --example echo -- 9001
//! ```
//!
//! The port defaults to 9001; 0 takes a free one. The first line printed is the address.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

use sockeye_websocket_proto::deflate::{self, Agreement, Deflater};
use sockeye_websocket_proto::handshake::{HandshakeError, UpgradeRequest, accept};
use sockeye_websocket_proto::{
    CloseFrame, Event, Limits, Opcode, Receiver, Role, push_close, push_frame,
};

const LIMITS: Limits = Limits { frame: 64 << 20, message: 64 << 20, fragments: 1 << 20 };

fn main() -> Result<(), Box<dyn Error>> {
    let port = match env::args().nth(1) {
        Some(port) => port.parse().map_err(|_| format!("`{port}` is not a port"))?,
        None => 9001,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(|error| format!("cannot listen on port {port}: {error}"))?;
    println!("ws://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let mut stream = stream?;
        thread::spawn(move || {
            if let Err(error) = serve(&mut stream) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

/// One connection, from its first byte to its last.
fn serve(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    let body = read_head(stream, &mut request)?;
    let (head, early) = request.split_at_mut(body);
    match judge(head) {
        Ok((accept, agreed)) => {
            let extensions = agreed.map_or_else(String::new, |agreed| {
                format!("Sec-WebSocket-Extensions: {agreed}\r\n")
            });
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\n{extensions}Sec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes())?;
            echo(stream, early, agreed)
        }
        Err(error) => {
            let (status, text) = (error.status(), error.to_string());
            let length = text.len();
            let answer = format!(
                "HTTP/1.1 {status} Refused\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n\
                 Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{text}"
            );
            stream.write_all(answer.as_bytes())
        }
    }
}

/// Reads until the empty line that ends a request's head; returns where it ends.
fn read_head(stream: &mut TcpStream, request: &mut Vec<u8>) -> io::Result<usize> {
    let mut piece = [0; 1024];
    loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(end + 4);
        }
        let count = stream.read(&mut piece)?;
        if count == 0 || request.len() > 16 * 1024 {
            return Err(io::Error::other("no complete request head within 16 KiB"));
        }
        request.extend_from_slice(&piece[..count]);
    }
}

/// Judges the request; `Ok` holds the value for `Sec-WebSocket-Accept`, and how messages are compressed.
fn judge(head: &[u8]) -> Result<(String, Option<Agreement>), HandshakeError> {
    let head = String::from_utf8_lossy(head);
    let header = |wanted: &str| {
        head.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let accepted = accept(&UpgradeRequest {
        method: head.split(' ').next().unwrap_or_default(),
        connection: header("Connection"),
        upgrade: header("Upgrade"),
        version: header("Sec-WebSocket-Version"),
        key: header("Sec-WebSocket-Key"),
    })?;
    Ok((accepted, header("Sec-WebSocket-Extensions").and_then(deflate::accept)))
}

/// Sends back what comes. What became of one read is answered with one write.
fn echo(stream: &mut TcpStream, early: &mut [u8], agreed: Option<Agreement>) -> io::Result<()> {
    let mut receiver = Receiver::new(Role::Server, LIMITS);
    if let Some(agreed) = agreed {
        receiver = receiver.inflating(agreed.inflater(Role::Server));
    }
    let mut deflater = agreed.and_then(|agreed| agreed.deflater(Role::Server, 1));
    let mut answers = Vec::new();
    answer(&mut receiver, deflater.as_mut(), early, &mut answers);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        stream.write_all(&answers)?;
        answers.clear();
        if receiver.is_done() {
            return hang_up(stream, &mut buffer);
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => answer(&mut receiver, deflater.as_mut(), &mut buffer[..count], &mut answers),
        }
    }
}

/// Takes in what was read and appends what to answer.
fn answer(
    receiver: &mut Receiver,
    mut deflater: Option<&mut Deflater>,
    input: &mut [u8],
    answers: &mut Vec<u8>,
) {
    let mut say = |answers: &mut Vec<u8>, opcode, message: &[u8]| match &mut deflater {
        Some(deflater) => deflater.push_message(answers, opcode, None, message),
        None => push_frame(answers, opcode, true, None, message),
    };
    let mut incoming = receiver.receive(input);
    loop {
        match incoming.next() {
            Ok(Some(Event::Text(text))) => say(answers, Opcode::Text, text.as_bytes()),
            Ok(Some(Event::Binary(bytes))) => say(answers, Opcode::Binary, bytes),
            Ok(Some(Event::Ping(payload))) => {
                push_frame(answers, Opcode::Pong, true, None, payload);
            }
            Ok(Some(Event::Pong(_))) => {}
            Ok(Some(Event::Close(frame))) => {
                push_close(answers, frame.map(|CloseFrame { code, .. }| code), "", None);
            }
            Ok(None) => return,
            Err(error) => push_close(answers, Some(error.close_code()), "", None),
        }
    }
}

/// Lets the peer read our last words: closing while its bytes are unread would reset the connection.
fn hang_up(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    while stream.read(buffer).is_ok_and(|count| count > 0) {}
    Ok(())
}
