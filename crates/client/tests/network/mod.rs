//! A server of ours and the way to it, in memory and on virtual time: the way can be cut, blocked, and be down.

#![allow(dead_code, reason = "each file of tests uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sockeye_client::{Builder, Client, Connecting, Connector, Dialer, Stream, Target, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, split};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A way to a server.
#[derive(Clone)]
pub(crate) struct Network(Arc<Inside>);

struct Inside {
    server: sockeye::Io,
    lines: Mutex<Vec<JoinHandle<()>>>,
    is_down: Mutex<bool>,
    /// Whether what clients say is carried.
    flows: watch::Sender<bool>,
}

impl Network {
    pub(crate) fn to(server: &sockeye::Io) -> Network {
        Network(Arc::new(Inside {
            server: server.clone(),
            lines: Mutex::default(),
            is_down: Mutex::new(false),
            flows: watch::Sender::new(true),
        }))
    }

    /// A client that goes this way, over WebSocket at once.
    pub(crate) fn client(&self, adapt: impl FnOnce(Builder) -> Builder) -> Client {
        let dialer = Dialer::default().connector(self.clone());
        let builder = Client::builder("http://in-memory").transports([Transport::WebSocket]);
        adapt(builder.dialer(dialer)).build().expect("a client")
    }

    /// All connections break.
    pub(crate) fn cut(&self) {
        self.0.lines.lock().drain(..).for_each(|line| line.abort());
    }

    /// Nobody gets through from now on, until it is up.
    pub(crate) fn down(&self) {
        *self.0.is_down.lock() = true;
        self.cut();
    }

    pub(crate) fn up(&self) {
        *self.0.is_down.lock() = false;
    }

    /// What clients say is not carried any further, until it flows.
    pub(crate) fn block(&self) {
        self.0.flows.send_replace(false);
    }

    pub(crate) fn flow(&self) {
        self.0.flows.send_replace(true);
    }
}

impl Connector for Network {
    fn connect(&self, _: &Target) -> Connecting {
        let this = self.clone();
        Box::pin(async move {
            if *this.0.is_down.lock() {
                return Err(std::io::ErrorKind::ConnectionRefused.into());
            }
            let (client, near) = tokio::io::duplex(4 << 10);
            let (far, server) = tokio::io::duplex(4 << 10);
            let (io, flows) = (this.0.server.clone(), this.0.flows.subscribe());
            tokio::spawn(async move { io.serve_stream(server, None).await });
            this.0.lines.lock().push(tokio::spawn(carry(near, far, flows)));
            Ok(Stream::new(client))
        })
    }
}

async fn carry(near: DuplexStream, far: DuplexStream, mut flows: watch::Receiver<bool>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (split(near), split(far));
    let there = async {
        let mut bytes = [0; 4096];
        loop {
            flows.wait_for(|flows| *flows).await.map_err(std::io::Error::other)?;
            match from_client.read(&mut bytes).await? {
                0 => return std::io::Result::Ok(()),
                n => to_server.write_all(&bytes[..n]).await?,
            }
        }
    };
    tokio::select! {
        _ = there => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

/// What a server has heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard<T>(watch::Sender<Vec<T>>);

impl<T: Clone + Send + Sync + 'static> Heard<T> {
    pub(crate) fn new() -> Self {
        Heard(watch::Sender::new(Vec::new()))
    }

    pub(crate) fn note(&self, what: T) {
        self.0.send_modify(|all| all.push(what));
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.borrow().clone()
    }

    /// Waits until it is so many, and gives them.
    pub(crate) async fn first(&self, many: usize) -> Vec<T> {
        let mut all = self.0.subscribe();
        all.wait_for(|all| all.len() >= many).await.expect("we hold the sender").clone()
    }
}

/// Long enough for all that is under way, on a clock that only runs while nothing else does.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
