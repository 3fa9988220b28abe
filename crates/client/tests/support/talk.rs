//! A socket and its other end, and something to hear with.

use std::sync::{Arc, Mutex};

use sockeye::{Io, Socket as Served};
use sockeye_client::{Client, Socket};

use super::{Wire, soon};

/// Connects; gives the server's end of it.
pub(crate) async fn meet(io: &Io, socket: &Socket) -> Served {
    socket.connect().await.expect("let in");
    let id = socket.id().expect("connected");
    io.of(socket.namespace()).socket(&id).expect("the server calls it so, too")
}

/// A client of this server, whose socket is not connected yet.
pub(crate) fn stranger(io: &Io) -> (Client, Socket) {
    let client = Wire::to(io).client();
    let socket = client.socket();
    (client, socket)
}

/// What was heard, in its order.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    pub(crate) fn note(&self, words: impl Into<String>) {
        self.0.lock().unwrap().push(words.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until so much was heard, and says what.
    pub(crate) async fn wait_for(&self, number: usize) -> Vec<String> {
        soon(|| self.all().len() >= number).await;
        self.all()
    }
}
