//! Servers that say anything at all, at every step: the session ends or goes on, and a close is never delayed for long.

use std::time::Duration;

use engine_client::Revision;
use engine_proto::Transport;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use websocket_proto::handshake::accept_key;
use websocket_proto::{Opcode, push_close, push_frame};

use crate::script::{OPEN, PLAIN, Script, Wire};
use crate::support::Client;

const PACKETS: [&str; 16] = [
    OPEN, PLAIN, "1", "2", "3", "3probe", "4", "4text", "5", "6", "7", "b", "bAQI=", "b!", "",
    "0{}",
];

fn body(random: &mut SmallRng, is_old: bool) -> String {
    let count = random.random_range(1..6);
    let packets: Vec<_> = (0..count).map(|_| *PACKETS.choose(random).unwrap()).collect();
    if is_old {
        let lie = usize::from(random.random_bool(0.1));
        let payload = packets.iter().map(|it| format!("{}:{it}", it.len() + lie));
        return payload.collect::<Vec<_>>().concat();
    }
    packets.join("\x1e")
}

fn noise(random: &mut SmallRng) -> Vec<u8> {
    (0..random.random_range(0..200)).map(|_| random.random()).collect()
}

fn answer(random: &mut SmallRng, is_old: bool) -> Vec<u8> {
    let status = ["200 OK", "200 OK", "200 OK", "204 No Content", "400 Bad Request", "302 Found"];
    let status = status.choose(random).unwrap();
    let body = body(random, is_old);
    let length = match random.random_range(0..8) {
        0 => body.len() + 10,
        1 => usize::MAX,
        _ => body.len(),
    };
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn frame(random: &mut SmallRng) -> Vec<u8> {
    let mut frame = Vec::new();
    let opcodes = [Opcode::Text, Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Continuation];
    let opcode = *opcodes.choose(random).unwrap();
    let fin = opcode.is_control() || random.random_bool(0.8);
    let mask = random.random_bool(0.05).then_some([1, 2, 3, 4]);
    match random.random_range(0..20) {
        0 => push_close(&mut frame, Some(random.random()), "words", None),
        1 => frame = noise(random),
        _ => push_frame(
            &mut frame,
            opcode,
            fin,
            mask,
            body(random, false).get(..100).unwrap_or("4x").as_bytes(),
        ),
    }
    frame
}

/// Does as it likes with one connection.
async fn misbehave(mut wire: Wire, mut random: SmallRng) {
    let mut buffer = vec![0; 4096];
    for first in 0..random.random_range(1..30) {
        let Ok(length @ 1..) = wire.stream.read(&mut buffer).await else { return };
        let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let is_old = head.contains("EIO=3");
        let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: "));
        let mut said = match random.random_range(0..10) {
            0 => noise(&mut random),
            1 => return,
            2 => std::future::pending().await,
            _ if key.is_none() && first == 0 => {
                let length = if is_old { format!("{}:", OPEN.len()) } else { String::new() };
                let body = length + OPEN;
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                    .into_bytes()
            }
            _ if key.is_none() => answer(&mut random, is_old),
            _ => format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {}\r\n\r\n",
                accept_key(key.unwrap())
            )
            .into_bytes(),
        };
        if key.is_some() {
            let opening = if head.contains("sid=") { "3probe" } else { PLAIN };
            push_frame(&mut said, Opcode::Text, true, None, opening.as_bytes());
            for _ in 0..random.random_range(0..20) {
                said.extend(frame(&mut random));
            }
        }
        for piece in said.chunks(random.random_range(1..300)) {
            tokio::time::sleep(Duration::from_millis(random.random_range(0..30))).await;
            if wire.stream.write_all(piece).await.is_err() {
                return;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_server_says_nothing_panics_and_a_close_has_its_time() {
    suffer(Revision::Four).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_an_old_server_says_nothing_panics_and_a_close_has_its_time() {
    suffer(Revision::Three).await;
}

async fn suffer(revision: Revision) {
    let (mut opened, mut ended_by_itself) = (0, 0);
    for seed in 0..1500 {
        let mut random = SmallRng::seed_from_u64(seed);
        let (mut script, mut config) = Script::new(random.random_range(1..5000));
        config.transports = match random.random_range(0..3) {
            0 => vec![Transport::WebSocket],
            1 => vec![Transport::WebSocket, Transport::Polling],
            _ => vec![Transport::Polling, Transport::WebSocket],
        };
        config.try_all = random.random();
        config.max_payload = 2000;
        config.revision = revision;
        let mut client = Client::new(config);
        let mut servers = SmallRng::from_rng(&mut random);
        let accepting = tokio::spawn(async move {
            loop {
                let Some(wire) = script.next().await else { return };
                tokio::spawn(misbehave(wire, SmallRng::from_rng(&mut servers)));
            }
        });
        for _ in 0..random.random_range(0..10) {
            client.send(&"x".repeat(random.random_range(0..300)));
        }
        let patience = Duration::from_secs(random.random_range(0..60));
        let ended = tokio::time::timeout(patience, client.end()).await;
        opened += client.ears.opened;
        ended_by_itself += usize::from(ended.is_ok());
        if ended.is_err() {
            client.engine.close();
            let time = Duration::from_secs(6);
            let ended = tokio::time::timeout(time, client.end()).await;
            assert!(ended.is_ok(), "seed {seed}: the close is late");
        }
        accepting.abort();
        assert!(client.ears.opened < 2, "seed {seed}");
    }
    assert!(opened > 500 && ended_by_itself > 500, "{opened} opened, {ended_by_itself} ended");
}
