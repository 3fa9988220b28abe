//! A stream that is no TCP socket: written by its own task alone, with the same order and the same limits.

mod support;

use std::convert::Infallible;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sockeye_transport::{Class, Config, Encoded, Pushed, Server};
use support::{Echo, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use websocket_proto::{Event, Limits, Opcode, Receiver, Role};

/// A WebSocket through a pipe that holds 512 bytes.
async fn connect(server: &Server<Echo>) -> DuplexStream {
    let (mut ours, theirs) = tokio::io::duplex(512);
    let server = server.clone();
    tokio::spawn(async move {
        let service = service_fn(move |request| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.respond(request, None).await) }
        });
        let http = hyper::server::conn::http1::Builder::new();
        let _ = http.serve_connection(TokioIo::new(theirs), service).with_upgrades().await;
    });
    let request = "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    ours.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(ours.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    ours
}

/// Reads texts until there are `count`, the open packet not counted.
async fn texts(stream: &mut DuplexStream, count: usize) -> Vec<String> {
    let limits = Limits { frame: 1 << 20, message: 1 << 20, fragments: 10 };
    let mut receiver = Receiver::new(Role::Client, limits);
    let (mut found, mut buffer) = (Vec::new(), vec![0; 300]);
    while found.len() <= count {
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the stream ended after {} texts", found.len());
        let mut incoming = receiver.receive(&mut buffer[..length]);
        while let Some(event) = incoming.next().unwrap() {
            let Event::Text(text) = event else { panic!("{event:?}") };
            found.push(text.to_owned());
        }
    }
    found.split_off(1)
}

#[tokio::test]
async fn packets_pass_in_order_through_a_pipe_that_is_mostly_full() {
    let record = Arc::new(Record::default());
    let server = Server::new(Config::default(), Echo(Arc::clone(&record)));
    let mut stream = connect(&server).await;
    support::eventually("the session", || server.connections() == 1).await;
    let connection = record.last();
    for number in 0..500 {
        let packet = Encoded::message(&format!("number {number}"));
        assert_eq!(connection.push(&packet, Class::Normal), Pushed::Queued);
    }
    let mut frame = Vec::new();
    websocket_proto::push_frame(&mut frame, Opcode::Text, true, Some([7; 4]), b"4echo");
    stream.write_all(&frame).await.unwrap();
    let texts = texts(&mut stream, 501).await;
    let numbers: Vec<_> = texts.iter().filter(|text| *text != "4echo").collect();
    assert_eq!(numbers.len(), 500);
    for (number, text) in numbers.iter().enumerate() {
        assert_eq!(**text, format!("4number {number}"));
    }
}
