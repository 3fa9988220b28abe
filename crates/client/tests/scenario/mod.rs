//! What the scenarios of npm `socket.io-client` need: the server that its suite asks for, in this process, and a wire to it.
//! Everything is in memory, so that time may be paused.
#![allow(dead_code)] // Each file of tests uses some of it.

#[path = "../../../../tools/contract/src/client/namespaces.rs"]
mod namespaces;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use sockeye::Io;
use sockeye_client::{Args, Builder, Client, Reconnection, Socket};
use support::Wire;
#[allow(unused_imports)] // As above.
pub(crate) use support::{until, until_client};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// Nothing takes so long, unless it hangs. With the clock paused that is found at once.
const HANG: Duration = Duration::from_hours(1);

/// Waits for something that has to happen.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, what).await.expect("it never happened")
}

/// Time passes, and whatever is due happens.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Long enough for whatever would go wrong later.
pub(crate) const LONG: Duration = Duration::from_mins(5);

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A server, and the wire to it.
pub(crate) struct World {
    pub(crate) io: Io,
    pub(crate) wire: Wire,
    /// Those whom nobody answers.
    waiting: Option<mpsc::UnboundedReceiver<DuplexStream>>,
}

impl World {
    /// With the namespaces of the suite, and an event `silence` that is never answered.
    pub(crate) fn new() -> Self {
        let io = namespaces::assemble(Io::builder()).unwrap();
        io.of("/").on("silence", async |ack: sockeye::AckSender| {
            std::future::pending::<()>().await;
            drop(ack);
        });
        World::of(io)
    }

    pub(crate) fn of(io: Io) -> Self {
        World { wire: Wire::to(&io), io, waiting: None }
    }

    /// Whoever connects gets no answer.
    pub(crate) fn silent() -> Self {
        let (wire, waiting) = Wire::raw();
        World { io: support::server(), wire, waiting: Some(waiting) }
    }

    /// A client of it, about to be built. The path of the URL is a namespace.
    pub(crate) fn builder(&self, url: &str) -> Builder {
        let again = Reconnection::default().delay(ms(10)).delay_max(ms(100));
        self.wire.builder(url).reconnection(again)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder("http://server").build().unwrap()
    }

    /// A socket of a client of its own, connected.
    pub(crate) async fn connected(&self, namespace: &str) -> Socket {
        let socket = self.client().of(namespace);
        soon(socket.connect()).await.unwrap();
        socket
    }
}

/// What comes for this event from now on.
pub(crate) fn hear(socket: &Socket, event: &str) -> mpsc::UnboundedReceiver<Args> {
    let (tell, heard) = mpsc::unbounded_channel();
    socket.on(event, move |args: Args| {
        let _ = tell.send(args);
        async {}
    });
    heard
}
