//! Clients on whatever stream there is.

use futures_util::{SinkExt, StreamExt};
use sockeye::{Io, Socket};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::soon;

/// Answers each client with where it is, and whether it came over TLS.
pub fn telling(io: &Io) {
    io.of("/").on("where", async |socket: Socket| {
        let address = socket.handshake().address().map(|address| address.to_string());
        (address, socket.handshake().secure())
    });
}

/// A stream that a test can use.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A client over WebSocket, in the main namespace.
pub struct Carried<S>(WebSocketStream<S>);

impl<S: Stream> Carried<S> {
    pub async fn join(stream: S) -> Carried<S> {
        let url = "ws://test/socket.io/?EIO=4&transport=websocket";
        let (stream, _) = soon(client_async(url, stream)).await.unwrap();
        let mut client = Carried(stream);
        assert!(client.text().await.starts_with("0{"));
        client.send("40").await;
        assert!(client.text().await.starts_with("40{"));
        client
    }

    pub async fn send(&mut self, packet: &str) {
        soon(self.0.send(Message::text(packet))).await.unwrap();
    }

    /// The next packet that is no ping.
    pub async fn text(&mut self) -> String {
        loop {
            match soon(self.0.next()).await {
                Some(Ok(Message::Text(text))) if text == "2" => self.send("3").await,
                Some(Ok(Message::Text(text))) => return text.to_string(),
                other => panic!("no text but {other:?}"),
            }
        }
    }

    /// What [`telling`] answers.
    pub async fn told(&mut self) -> String {
        self.send("420[\"where\"]").await;
        self.text().await
    }

    /// Whether the server ends it.
    pub async fn is_ended(&mut self) -> bool {
        while let Some(Ok(_)) = soon(self.0.next()).await {}
        true
    }
}

/// A handshake over polling on this stream: the answer, head and body.
pub async fn opened(stream: impl Stream) -> String {
    let request = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    said(stream, request.as_bytes()).await
}

/// All that the server says to this until it hangs up.
pub async fn said(mut stream: impl Stream, bytes: &[u8]) -> String {
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = soon(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}
