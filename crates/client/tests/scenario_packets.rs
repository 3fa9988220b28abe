//! The scenarios of npm `socket.io-client` in which a server says what ours would not: an old one, and a broken one. It is
//! Engine.IO with nothing on top.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sockeye::engine::{Message, Server, Socket as Session};
use sockeye_client::{Client, ConnectError, DisconnectReason, Reason, Reconnection};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Nothing takes so long, unless it hangs.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it never happened")
}

/// A server that answers each CONNECT with this; its URL.
async fn says(answer: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let server = Server::builder().path("/socket.io/").build().unwrap();
    let sessions = Arc::new(AtomicUsize::new(0));
    let counted = sessions.clone();
    server.on_connection(move |session: Session| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            while let Some(Message::Text(text)) = session.recv().await {
                if text.starts_with('0') {
                    for packet in answer {
                        session.send_text(packet);
                    }
                }
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { server.serve_listener(listener).await });
    (url, sessions)
}

#[tokio::test]
async fn a_server_of_version_2_is_an_error_that_says_so() {
    let (url, _) = says(&["0"]).await;
    let socket = Client::builder(&url).build().unwrap().socket();
    let error = soon(socket.connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::OldServer), "{error}");
    assert!(error.to_string().contains("Socket.IO 2"), "{error}");
}

#[tokio::test]
async fn what_is_no_packet_ends_the_connection_and_it_is_made_again() {
    let (url, sessions) = says(&["0{\"sid\":\"x\"}", "bad"]).await;
    let again = Reconnection::default().delay(Duration::from_millis(10));
    let socket = Client::builder(&url).reconnection(again).build().unwrap().socket();
    let (tell, mut reasons) = mpsc::unbounded_channel();
    socket.on_disconnect(move |Reason(reason): Reason| {
        let _ = tell.send(reason);
        async {}
    });
    socket.start();
    for _ in 0..2 {
        assert_eq!(soon(reasons.recv()).await, Some(DisconnectReason::ParseError));
    }
    assert!(sessions.load(Ordering::Relaxed) >= 2);
}
