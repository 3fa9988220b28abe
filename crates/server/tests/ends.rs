//! Connections that break while the server writes.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sockeye::{Reason, Socket};
use support::{Notes, io, serve};

/// A client in the main namespace that can be reset at any moment, from anywhere.
fn join(address: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    client.write_all(request.as_bytes()).unwrap();
    read_until(&mut client, "0{");
    say(&mut client, "40");
    read_until(&mut client, "40{");
    client
}

fn read_until(client: &mut TcpStream, word: &str) {
    let (mut heard, mut buffer) = (String::new(), [0; 4096]);
    while !heard.contains(word) {
        let length = client.read(&mut buffer).unwrap();
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

fn say(client: &mut TcpStream, text: &str) {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    client.write_all(&frame).unwrap();
}

/// Ends the connection with a RST.
fn reset(client: TcpStream) {
    client.set_nonblocking(true).unwrap();
    tokio::net::TcpStream::from_std(client).unwrap().set_zero_linger().unwrap();
}

#[tokio::test]
async fn on_disconnect_runs_to_its_end_when_a_write_of_the_same_turn_fails() {
    let io = io(|io| io);
    let notes = Notes::new();
    let seen = Arc::clone(&notes);
    io.of("/").on_disconnect(move |Reason(reason): Reason| {
        let notes = Arc::clone(&seen);
        notes.add(format!("begins: {reason}"));
        async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            notes.add("ends".to_owned());
        }
    });
    let held: Arc<Mutex<Option<TcpStream>>> = Arc::default();
    let client = Arc::clone(&held);
    io.of("/").on("go", move |socket: Socket| {
        // Between the read that brought this event and the write that answers it.
        reset(client.lock().unwrap().take().unwrap());
        async move {
            socket.emit("gone", &1)?;
            Ok::<_, sockeye::Error>(())
        }
    });
    let address = serve(&io).await;
    let mut client = tokio::task::spawn_blocking(move || join(address)).await.unwrap();
    say(&mut client, r#"42["go"]"#);
    *held.lock().unwrap() = Some(client);
    assert_eq!(notes.next().await, "begins: transport error");
    assert_eq!(notes.next().await, "ends");
}
