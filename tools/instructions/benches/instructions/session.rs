//! Packets, payloads, and the session machine.

use std::hint::black_box;
use std::time::Duration;

use engine_proto::{Control, Message, Order, Packet, Pipe, Session, Tray, payload};
use gungraun::{library_benchmark, library_benchmark_group};
use sockeye_instructions::session::{PACKETS, body, polling, streaming};

#[library_benchmark]
#[bench::of_sixteen(Vec::with_capacity(64))]
fn parse_packets(mut base64: Vec<u8>) -> Vec<u8> {
    for text in black_box(PACKETS) {
        black_box(Packet::parse(text, &mut base64)).expect("the packets are right");
    }
    base64
}

#[library_benchmark]
#[bench::sixteen(streaming())]
fn receive_messages(mut session: Session) -> Session {
    let mut out = Tray::new();
    let packet = Ok(Packet::Message(Message::Text("2[\"echo\"]")));
    for second in 0..16 {
        let now = Duration::from_secs(second);
        black_box(&mut session).receive(Pipe::Current, black_box(packet), now, &mut out);
    }
    session
}

#[library_benchmark]
#[bench::sixteen_beats(streaming())]
fn heartbeat(mut session: Session) -> Session {
    let mut out = Tray::new();
    for _ in 0..16 {
        let now = session.next_timeout().expect("an open session waits for something");
        session.timeout(black_box(now), &mut out);
        assert_eq!(out.pop(), Some(Order::Send(Pipe::Current, Control::Ping)));
        session.receive(Pipe::Current, black_box(Ok(Packet::Pong(""))), now, &mut out);
    }
    session
}

#[library_benchmark]
#[bench::from_polling(polling())]
fn upgrade(mut session: Session) -> Session {
    let (now, mut out) = (black_box(Duration::ZERO), Tray::new());
    session.poll_arrived(&mut out);
    session.candidate_arrived(now, &mut out);
    session.receive(Pipe::Candidate, black_box(Ok(Packet::Ping("probe"))), now, &mut out);
    session.receive(Pipe::Candidate, black_box(Ok(Packet::Upgrade)), now, &mut out);
    assert_eq!(out.last(), Some(&Order::Switch));
    session
}

#[library_benchmark]
#[bench::of_sixteen_packets(body())]
fn decode_payload(body: Vec<u8>) -> Vec<u8> {
    let mut packets = payload::decode(black_box(&body));
    while let Some(packet) = packets.next() {
        black_box(packet).expect("the packets are right");
    }
    body
}

#[library_benchmark]
#[bench::of_sixteen_packets(Vec::with_capacity(1024))]
fn encode_payload(mut body: Vec<u8>) -> Vec<u8> {
    for text in black_box(PACKETS) {
        match text.strip_prefix('b') {
            None => payload::push_text(&mut body, text),
            Some(data) => payload::push_binary(&mut body, data.as_bytes()),
        }
    }
    body
}

library_benchmark_group!(
    name = engine,
    benchmarks =
        [parse_packets, receive_messages, heartbeat, upgrade, decode_payload, encode_payload]
);
