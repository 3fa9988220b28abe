//! Profile `ws-echo`: a plain WebSocket echo, on nothing but the WebSocket layer.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use websocket_proto::deflate::{self, Agreement, Deflater};
use websocket_proto::handshake::{HandshakeError, UpgradeRequest, accept};
use websocket_proto::{Event, Incoming, Limits, Opcode, Receiver, Role, push_close, push_frame};

use crate::{Result, listen, ready};

const LIMITS: Limits = Limits { frame: 16 << 20, message: 16 << 20, fragments: 1 << 20 };

/// Most bytes of a request's head.
const HEAD: usize = 16 * 1024;

/// How long a client may take for its request, and to read the last words.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(port: u16) -> Result<()> {
    let listener = listen(port).await?;
    ready("ws-echo", port);
    loop {
        // What can fail here is one connection, or files have run out: the next may do better.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(serve(stream));
    }
}

/// One connection, to its end; an error is its client's.
async fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (head, mut read) = timeout(PATIENCE, read_head(&mut stream)).await??;
    let agreed = match answer_to(&head) {
        Ok((key, agreed)) => {
            stream.write_all(switching(&key, agreed).as_bytes()).await?;
            agreed
        }
        Err(problem) => {
            stream.write_all(refusal(problem).as_bytes()).await?;
            return stream.shutdown().await;
        }
    };
    let mut receiver = Receiver::new(Role::Server, LIMITS);
    if let Some(agreed) = agreed {
        receiver = receiver.inflating(agreed.inflater(Role::Server));
    }
    let mut deflater = agreed.and_then(|agreed| agreed.deflater(Role::Server, 1));
    let mut out = Vec::new();
    loop {
        let goes_on = echo(receiver.receive(&mut read), deflater.as_mut(), &mut out);
        stream.write_all(&out).await?;
        out.clear();
        if !goes_on {
            return say_goodbye(stream).await;
        }
        read.clear();
        read.reserve(64 * 1024);
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
}

/// Answers what came; `false` when the conversation is over.
fn echo(
    mut incoming: Incoming<'_>,
    mut deflater: Option<&mut Deflater>,
    out: &mut Vec<u8>,
) -> bool {
    let mut say = |out: &mut Vec<u8>, opcode, message: &[u8]| match &mut deflater {
        Some(deflater) => deflater.push_message(out, opcode, None, message),
        None => push_frame(out, opcode, true, None, message),
    };
    loop {
        match incoming.next() {
            Ok(None) => return true,
            Ok(Some(Event::Text(text))) => say(out, Opcode::Text, text.as_bytes()),
            Ok(Some(Event::Binary(bytes))) => say(out, Opcode::Binary, bytes),
            Ok(Some(Event::Ping(bytes))) => push_frame(out, Opcode::Pong, true, None, bytes),
            Ok(Some(Event::Pong(_))) => {}
            Ok(Some(Event::Close(frame))) => {
                push_close(out, frame.map(|frame| frame.code), "", None);
                return false;
            }
            Err(problem) => {
                push_close(out, Some(problem.close_code()), "", None);
                return false;
            }
        }
    }
}

/// Reads what the client still sends: closing with unread bytes would take our last words back.
async fn say_goodbye(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = vec![0; 64 * 1024];
    let drained = async { while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {} };
    let _ = timeout(PATIENCE, drained).await;
    Ok(())
}

/// The head of the request, and what came behind it.
async fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut read = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut read).await? == 0 || read.len() > HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&read).into_owned(), rest));
        }
    }
}

/// What an upgrade request is answered: its key, and how messages are compressed.
fn answer_to(head: &str) -> std::result::Result<(String, Option<Agreement>), HandshakeError> {
    let header = |name: &str| {
        let pairs = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut values = pairs.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.trim())
    };
    let request = UpgradeRequest {
        method: head.split(' ').next().unwrap_or_default(),
        connection: header("connection"),
        upgrade: header("upgrade"),
        version: header("sec-websocket-version"),
        key: header("sec-websocket-key"),
    };
    Ok((accept(&request)?, header("sec-websocket-extensions").and_then(deflate::accept)))
}

fn switching(key: &str, agreed: Option<Agreement>) -> String {
    let extensions =
        agreed.map_or_else(String::new, |agreed| format!("Sec-WebSocket-Extensions: {agreed}\r\n"));
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{extensions}Sec-WebSocket-Accept: {key}\r\n\r\n"
    )
}

fn refusal(problem: HandshakeError) -> String {
    let text = problem.to_string();
    format!(
        "HTTP/1.1 {} Refused\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\nContent-Length: {}\r\n\r\n{text}",
        problem.status(),
        text.len()
    )
}
