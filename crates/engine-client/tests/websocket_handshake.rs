//! The handshake of a WebSocket, and what is handed on behind it.

mod support;

use sockeye_engine_client::http::Upgraded;
use sockeye_engine_client::{EngineError, Target};
use support::{Client, Server, header, pair, read_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::join;
use websocket_proto::handshake::accept_key;

fn client() -> (Client, Server) {
    pair("ws://localhost:3000/chat")
}

/// Answers a handshake by the book, with these headers and bytes behind it.
async fn accept(server: &mut Server, headers: &str, behind: &str) -> (DuplexStream, String) {
    let mut stream = server.accept().await;
    let request = read_request(&mut stream).await;
    let accept = accept_key(header(&request, "sec-websocket-key").expect("a key"));
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n{behind}"
    );
    stream.write_all(head.as_bytes()).await.expect("the client reads");
    (stream, request)
}

async fn message(answer: &str, offer: Option<&str>) -> String {
    let (client, mut server) = client();
    let (outcome, _) = join!(client.websocket(offer), server.answer(answer));
    outcome.expect_err("no WebSocket").to_string()
}

#[tokio::test]
async fn a_websocket_is_asked_for_by_the_book() {
    let (mut client, mut server) = client();
    client.headers.insert("sec-websocket-protocol", "mine".parse().unwrap());
    client.headers.insert("x-token", "1".parse().unwrap());
    let (upgraded, (_, request)) = join!(client.websocket(None), accept(&mut server, "", ""));
    let Upgraded { leftover, extensions, .. } = upgraded.unwrap();
    assert!(leftover.is_empty() && extensions.is_none());
    assert!(
        request.starts_with("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"),
        "{request}"
    );
    assert_eq!(header(&request, "connection"), Some("Upgrade"));
    assert_eq!(header(&request, "upgrade"), Some("websocket"));
    assert_eq!(header(&request, "sec-websocket-version"), Some("13"));
    assert_eq!(header(&request, "x-token"), Some("1"));
    for name in ["sec-websocket-protocol", "sec-websocket-extensions"] {
        assert_eq!(header(&request, name), None, "{name}");
    }
}

#[tokio::test]
async fn keys_differ() {
    let key = async || {
        let (client, mut server) = client();
        let (_, (_, request)) = join!(client.websocket(None), accept(&mut server, "", ""));
        header(&request, "sec-websocket-key").unwrap().to_owned()
    };
    assert_ne!(key().await, key().await);
}

#[tokio::test]
async fn what_came_with_the_answer_is_handed_on_and_the_rest_comes_from_the_stream() {
    let (client, mut server) = client();
    let (upgraded, (mut theirs, _)) =
        join!(client.websocket(None), accept(&mut server, "", "frames"));
    let Upgraded { mut stream, leftover, .. } = upgraded.unwrap();
    assert_eq!(leftover, b"frames");
    assert!(leftover.capacity() < 64, "no buffer of hyper's stays behind: {}", leftover.capacity());
    theirs.write_all(b"more").await.unwrap();
    let mut more = [0; 4];
    stream.read_exact(&mut more).await.unwrap();
    assert_eq!(&more, b"more");
    stream.write_all(b"mine").await.unwrap();
    theirs.read_exact(&mut more).await.unwrap();
    assert_eq!(&more, b"mine");
    drop(stream);
    assert_eq!(theirs.read(&mut more).await.unwrap(), 0, "nothing else holds the stream");
}

#[tokio::test]
async fn extensions_that_were_offered_are_handed_on() {
    let (client, mut server) = client();
    let offer = "permessage-deflate; client_max_window_bits";
    let answered = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let (upgraded, (_, request)) =
        join!(client.websocket(Some(offer)), accept(&mut server, answered, ""));
    assert_eq!(header(&request, "sec-websocket-extensions"), Some(offer));
    assert_eq!(upgraded.unwrap().extensions.as_deref(), Some("permessage-deflate"));
}

#[tokio::test]
async fn what_was_not_offered_is_not_taken() {
    for (headers, words) in [
        (
            "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            "not understood: the handshake of the WebSocket: the header Sec-WebSocket-Extensions is no answer \
             to what was offered",
        ),
        (
            "Sec-WebSocket-Protocol: chat\r\n",
            "not understood: the server chose a sub-protocol, and none was offered",
        ),
    ] {
        let (client, mut server) = client();
        let (outcome, _) = join!(client.websocket(None), accept(&mut server, headers, ""));
        assert_eq!(outcome.unwrap_err().to_string(), words);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_belong_to_the_key_is_not_taken() {
    let answer = "HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                  sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let told = message(answer, None).await;
    assert!(told.contains("does not belong to the key"), "{told}");
    let told = message("HTTP/1.1 101 x\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", None).await;
    assert!(told.contains("the header Upgrade does not list `websocket`"), "{told}");
}

#[tokio::test]
async fn a_refusal_is_read() {
    let json = r#"{"code":3,"message":"Bad request"}"#;
    let answer =
        format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{json}", json.len());
    let told = message(&answer, None).await;
    assert_eq!(told, "the server refused: 400 Bad Request, Bad request (code 3)");
    let moved = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    assert!(message(moved, None).await.contains("give that address instead"));
}

#[tokio::test]
async fn a_page_instead_of_a_websocket_is_not_understood() {
    let told = message(&support::ok("<html>"), None).await;
    assert_eq!(told, "not understood: asked for a WebSocket, the server answered 200 OK");
}

#[tokio::test]
async fn a_server_that_closes_instead_of_answering_is_lost() {
    let (client, mut server) = client();
    let close = async { drop(read_request(&mut server.accept().await).await) };
    let (outcome, ()) = join!(client.websocket(None), close);
    assert!(matches!(outcome, Err(EngineError::Stream { .. })), "{outcome:?}");
    assert_eq!(client.target, Target::parse("ws://localhost:3000").unwrap().0);
}
