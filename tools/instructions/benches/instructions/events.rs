//! Events and answers, in and out.

use std::hint::black_box;
use std::time::Duration;

use gungraun::{library_benchmark, library_benchmark_group};
use serde::{Deserialize, Serialize};
use socket_proto::server::Connection;
use socket_proto::{Args, Encoded, Message, encode};
use sockeye_instructions::events::{
    ACK, BINARY_EVENT, SMALL_EVENT, attachment, joined, nested_event,
};

/// What the server's floors below want in front of a packet.
const ROOM: usize = 11;

/// What chats send.
#[derive(Deserialize, Serialize)]
struct Line {
    room: String,
    text: String,
}

#[library_benchmark]
#[bench::small_event((joined(), SMALL_EVENT.to_owned()))]
#[bench::nested_event_of_1_kib((joined(), nested_event()))]
#[bench::ack((joined(), ACK.to_owned()))]
fn receive((mut connection, packet): (Connection, String)) -> (Connection, String) {
    let incoming = connection.receive(Message::Text(black_box(&packet)), Duration::ZERO);
    assert!(black_box(incoming).expect("the packet is right").is_some());
    (connection, packet)
}

#[library_benchmark]
#[bench::with_one_attachment((joined(), attachment()))]
fn receive_binary_event((mut connection, data): (Connection, Vec<u8>)) -> (Connection, Vec<u8>) {
    let announced = connection.receive(Message::Text(black_box(BINARY_EVENT)), Duration::ZERO);
    assert!(matches!(announced, Ok(None)));
    let incoming = connection.receive(Message::Binary(black_box(&data)), Duration::ZERO);
    assert!(black_box(incoming).expect("the packet is right").is_some());
    (connection, data)
}

#[library_benchmark]
#[bench::into_a_struct(small_args())]
fn parse_arguments(json: &str) -> Line {
    let args = Args { json: black_box(json), attachments: &[] };
    args.parse().expect("the arguments are right")
}

#[library_benchmark]
#[bench::typed(line())]
fn encode_event(line: Line) -> (Encoded, Line) {
    let packet = encode::event("/", black_box("message"), black_box(&line), None, ROOM);
    (packet.expect("a line is JSON"), line)
}

#[library_benchmark]
#[bench::raw(small_args())]
fn relay_event(json: &str) -> Encoded {
    let args = Args { json: black_box(json), attachments: &[] };
    encode::event_raw("/", black_box("message"), args, None, ROOM)
}

#[library_benchmark]
#[bench::typed(line())]
fn encode_ack(line: Line) -> (Encoded, Line) {
    let packet = encode::ack("/", black_box(4711), black_box(&line), ROOM);
    (packet.expect("a line is JSON"), line)
}

fn small_args() -> &'static str {
    r#"{"room":"lobby","text":"hello, everybody"}"#
}

fn line() -> Line {
    Line { room: "lobby".to_owned(), text: "hello, everybody".to_owned() }
}

library_benchmark_group!(
    name = socket,
    benchmarks =
        [receive, receive_binary_event, parse_arguments, encode_event, relay_event, encode_ack]
);
