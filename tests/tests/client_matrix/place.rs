//! One server, and how it is spoken to.

use std::time::Duration;

use serde::de::DeserializeOwned;
use sockeye_client::{
    Builder, Client, FromArgs, Msgpack, Reconnection, Socket, SocketState, ToArgs, Transport,
};
use sockeye_tests::server::{Kind, Server, Wanted};

/// Which server, and how it is spoken to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) carrier: Carrier,
    pub(crate) msgpack: bool,
}

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Polling,
    WebSocket,
    Upgrade,
}

/// A server that runs.
pub(crate) struct Place {
    pub(crate) row: Row,
    server: Server,
}

impl Place {
    /// Starts the server; `None` where it cannot be had.
    pub(crate) fn open(row: Row) -> Option<Self> {
        let server = Wanted { msgpack: row.msgpack, ..Wanted::new(row.kind) }.start()?;
        Some(Place { row, server })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.server.port())
    }

    /// A client that speaks to it in this row's way; the namespace is the path.
    pub(crate) fn builder(&self, path: &str) -> Builder {
        let fast = Reconnection::default()
            .delay(Duration::from_millis(20))
            .delay_max(Duration::from_millis(200));
        let builder = Client::builder(&self.url(path)).reconnection(fast);
        let builder = match self.row.carrier {
            Carrier::Polling => builder.transports([Transport::Polling]),
            Carrier::WebSocket => builder.transports([Transport::WebSocket]),
            Carrier::Upgrade => builder,
        };
        let builder = builder.eio3(self.row.kind == Kind::Npm2);
        if self.row.msgpack { builder.parser(Msgpack) } else { builder }
    }

    /// A client whose socket in this namespace is connected.
    pub(crate) async fn join(&self, path: &str) -> Socket {
        let client = self.builder(path).build().expect("it can be built");
        let socket = client.socket();
        socket.connect().await.expect("the server lets us in");
        socket
    }
}

/// The answer to a question.
pub(crate) async fn ask<T: FromArgs>(socket: &Socket, event: &str, args: impl ToArgs) -> T {
    let answer = socket.emit_with_ack::<T>(event, &args).await;
    answer.unwrap_or_else(|problem| panic!("`{event}`: {problem}"))
}

pub(crate) async fn say(socket: &Socket, event: &str, args: impl ToArgs) {
    let said = socket.emit(event, &args).await;
    said.unwrap_or_else(|problem| panic!("`{event}`: {problem}"));
}

/// The arguments of the next event, which has this name.
pub(crate) async fn next<T: DeserializeOwned>(socket: &Socket, name: &str) -> T {
    let event = socket.recv().await.expect("the socket is there");
    assert_eq!(event.name, name);
    event.args.parse().unwrap_or_else(|problem| panic!("`{name}`: {problem}"))
}

/// What was sent to this socket before has come when this is over.
pub(crate) async fn fence(socket: &Socket) {
    let _: () = ask(socket, "echo-ack", ()).await;
}

pub(crate) async fn until(
    socket: &Socket,
    stands: impl FnMut(&SocketState) -> bool,
) -> SocketState {
    let mut state = socket.state();
    state.wait_for(stands).await.expect("the socket is there").clone()
}

/// Bytes of no kind of text.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|index| u8::try_from(index * 7 % 256).expect("below 256")).collect()
}
