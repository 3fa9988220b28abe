//! How sessions of Engine.IO end, as both sides see it.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sockeye::engine::{CloseReason, Message, Server, Socket};
use support::{Client, HANG, Notes, Polling, http, serve_engine, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What has happened to the sessions of a server.
#[derive(Debug, PartialEq)]
enum Seen {
    Opened(String),
    Heard(String),
    Ended(&'static str),
}

/// A server that notes what it sees, and closes the session of a client that says `close`.
fn watched() -> (Server, Arc<Notes<Seen>>) {
    let server = Server::builder().build().unwrap();
    let seen = Notes::new();
    let notes = Arc::clone(&seen);
    server.on_connection(move |socket: Socket| {
        let notes = Arc::clone(&notes);
        async move {
            notes.add(Seen::Opened(socket.id()));
            while let Some(Message::Text(text)) = socket.recv().await {
                if text == "close" {
                    socket.send_text("last words");
                    socket.close();
                }
                notes.add(Seen::Heard(text));
            }
            notes.add(Seen::Ended(socket.close_reason().expect("it is over").as_str()));
        }
    });
    (server, seen)
}

/// A client that polls, and its session's id is noted.
async fn polling(address: SocketAddr, seen: &Notes<Seen>) -> Polling {
    let polling = Polling::open(address, "/engine.io/").await;
    assert!(matches!(seen.next().await, Seen::Opened(id) if polling.path().ends_with(&id)));
    polling
}

async fn streaming(address: SocketAddr, seen: &Notes<Seen>) -> Client {
    let client = Client::open_at(address, "/engine.io/").await;
    assert!(matches!(seen.next().await, Seen::Opened(_)));
    client
}

fn heard(text: &str) -> Seen {
    Seen::Heard(text.to_owned())
}

/// A GET that is held until there is something to say; it is on its way when this returns.
fn held(client: &Polling, address: SocketAddr) -> JoinHandle<String> {
    let client = client.at(address);
    tokio::spawn(async move { client.get().await })
}

async fn status_of(address: SocketAddr, client: &Polling) -> u16 {
    http(address, &format!("GET {} HTTP/1.1", client.path()), "").await.0
}

#[tokio::test]
async fn a_session_that_the_server_closes_is_over_for_both_sides_on_both_transports() {
    let (server, seen) = watched();
    let address = serve_engine(&server).await;
    let mut client = streaming(address, &seen).await;
    client.send("4close").await;
    assert_eq!(client.rest().await, ["4last words"]);
    assert_eq!(seen.next().await, heard("close"));
    assert_eq!(seen.next().await, Seen::Ended("forced close"));

    let client = polling(address, &seen).await;
    let answer = held(&client, address);
    client.post("4close").await;
    let mut answer = soon(answer).await.unwrap();
    while !answer.ends_with('1') {
        assert!(answer.starts_with("4last words"), "{answer}");
        answer = client.get().await;
    }
    assert_eq!(seen.next().await, heard("close"));
    assert_eq!(seen.next().await, Seen::Ended("forced close"));
    assert_eq!(status_of(address, &client).await, 400);
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_on_both_transports() {
    let (server, seen) = watched();
    let address = serve_engine(&server).await;
    streaming(address, &seen).await.hang_up();
    assert_eq!(seen.next().await, Seen::Ended("transport close"));
    let mut client = streaming(address, &seen).await;
    client.send("1").await;
    assert_eq!(seen.next().await, Seen::Ended("transport close"));

    let client = polling(address, &seen).await;
    client.post("1").await;
    assert_eq!(seen.next().await, Seen::Ended("transport close"));
    assert_eq!(status_of(address, &client).await, 400);
}

#[tokio::test]
async fn what_stands_behind_a_close_packet_is_not_heard() {
    let (server, seen) = watched();
    let address = serve_engine(&server).await;
    let client = polling(address, &seen).await;
    client.post("4before\x1e1\x1e4behind").await;
    assert_eq!(seen.next().await, heard("before"));
    assert_eq!(seen.next().await, Seen::Ended("transport close"));

    let mut client = streaming(address, &seen).await;
    client.send_all(&["4before", "1", "4behind"]).await;
    assert_eq!(seen.next().await, heard("before"));
    assert_eq!(seen.next().await, Seen::Ended("transport close"));
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_its_upgrade_leaves_nothing_behind() {
    let (server, seen) = watched();
    let address = serve_engine(&server).await;
    let client = polling(address, &seen).await;
    let mut candidate = Client::candidate(&client).await;
    candidate.send("2probe").await;
    candidate.expect("3probe").await;
    client.post("1").await;
    assert_eq!(seen.next().await, Seen::Ended("transport close"));
    assert_eq!(server.connections(), 0);
    candidate.send("5").await;
    assert!(candidate.rest().await.is_empty());

    // The other way round: what breaks off is the candidate alone.
    let client = polling(address, &seen).await;
    let mut candidate = Client::candidate(&client).await;
    candidate.send("2probe").await;
    candidate.expect("3probe").await;
    candidate.hang_up();
    client.post("4still here").await;
    assert_eq!(seen.next().await, heard("still here"));
}

/// A POST whose body is waited for.
async fn begun_post(address: SocketAddr, client: &Polling, length: usize) -> TcpStream {
    let mut post = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nExpect: 100-continue\r\n\
         Content-Length: {length}\r\n\r\n",
        client.path()
    );
    post.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    soon(post.read_exact(&mut told)).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    post
}

#[tokio::test]
async fn a_client_that_leaves_before_it_is_told_of_its_session_leaves_nothing_behind() {
    let short = Duration::from_millis(20);
    let server = Server::builder().ping_interval(short).ping_timeout(short).build().unwrap();
    let address = serve_engine(&server).await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (transport, headers) in [("websocket", upgrade), ("polling", "")].repeat(20) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let target = format!("/engine.io/?EIO=4&transport={transport}");
        let head = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
    }
    // Who comes now is behind all of them.
    Client::open_at(address, "/engine.io/").await.hang_up();
    let empty = async {
        while server.connections() > 0 {
            tokio::time::sleep(short).await;
        }
    };
    soon(empty).await;
}

#[tokio::test]
async fn a_post_that_is_under_way_when_its_session_is_closed_comes_to_nothing_and_delays_nothing() {
    let server = Server::builder().build().unwrap();
    let (sockets, ends) = (Notes::new(), Notes::new());
    let notes = (Arc::clone(&sockets), Arc::clone(&ends));
    server.on_connection(move |socket: Socket| {
        let (sockets, ends) = notes.clone();
        sockets.add(socket.clone());
        async move { ends.add((socket.recv().await, socket.close_reason())) }
    });
    let address = serve_engine(&server).await;
    let client = Polling::open(address, "/engine.io/").await;
    let mut post = begun_post(address, &client, 7).await;
    sockets.next().await.close();
    assert_eq!(ends.next().await, (None, Some(CloseReason::ForcedClose)), "it ends at once");
    post.write_all(b"4unsaid").await.unwrap();
    let mut answer = String::new();
    soon(post.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.ends_with("ok"), "{answer}");
    assert_eq!(client.get().await, "6\u{1e}1");

    let client = Polling::open(address, "/engine.io/").await;
    let _unfinished = begun_post(address, &client, 7).await;
    soon(server.close(HANG)).await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_server_that_stops_ends_sessions_that_poll_stream_have_moved_or_are_moving() {
    let (server, seen) = watched();
    let address = serve_engine(&server).await;
    let mut stream = streaming(address, &seen).await;
    let away = polling(address, &seen).await;
    let waiting = polling(address, &seen).await;
    let answer = held(&waiting, address);
    let moved = polling(address, &seen).await;
    let mut upgraded = Client::candidate(&moved).await;
    upgraded.send_all(&["2probe", "5", "4moved"]).await;
    upgraded.expect("3probe").await;
    assert_eq!(seen.next().await, heard("moved"));
    let moving = polling(address, &seen).await;
    let mut candidate = Client::candidate(&moving).await;
    candidate.send("2probe").await;
    candidate.expect("3probe").await;

    soon(server.close(HANG)).await;
    assert_eq!(server.connections(), 0);
    for _ in 0..5 {
        assert_eq!(seen.next().await, Seen::Ended("server shutting down"));
    }
    assert!(stream.rest().await.is_empty() && upgraded.rest().await.is_empty());
    candidate.send("5").await;
    assert!(candidate.rest().await.is_empty());
    assert!(soon(answer).await.unwrap().ends_with('1'));
    assert!(TcpStream::connect(address).await.is_err(), "{}", away.path());

    drop(server);
    let idle = async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(idle).await;
}

#[tokio::test]
async fn a_client_may_come_back_to_a_server_that_was_started_again() {
    let (server, seen) = watched();
    let address = serve_engine(&server).await;
    let mut client = streaming(address, &seen).await;
    let reading = tokio::spawn(async move { client.rest().await });
    soon(server.close(HANG)).await;
    assert!(soon(reading).await.unwrap().is_empty());

    let (again, seen) = watched();
    let listener = TcpListener::bind(address).await.expect("the address is free again");
    tokio::spawn(async move { again.serve_listener(listener).await.unwrap() });
    let mut client = streaming(address, &seen).await;
    client.send("4hello").await;
    assert_eq!(seen.next().await, heard("hello"));
}
