//! Many clients on one thread: each a connection of its own, with one namespace on it.

use sockeye_client::{Client, Socket, Transport};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::PATIENCE;
use crate::client::Failure;

/// Connections on their way at a time: the backlog of the server is 128, and whoever finds it full waits for a second.
const ON_THE_WAY: usize = 100;

/// The sockets of all clients. Dropping it ends them.
#[derive(Debug)]
pub struct Crowd {
    sockets: Vec<Socket>,
}

impl Crowd {
    /// Connects so many clients over a WebSocket each; `listen` may give each its handlers.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if one of them is not let in, or all of them not in time.
    pub async fn open(
        url: &str,
        count: usize,
        listen: impl Fn(usize, &Socket),
    ) -> Result<Self, Failure> {
        let mut crowd = Crowd { sockets: Vec::with_capacity(count) };
        if let Ok(outcome) = timeout(PATIENCE, crowd.connect(url, count, listen)).await {
            return outcome.map(|()| crowd);
        }
        let open = crowd.sockets.iter().filter(|socket| socket.is_connected()).count();
        Err(Failure::Late { missing: count - open, of: count, seconds: PATIENCE.as_secs() })
    }

    async fn connect(
        &mut self,
        url: &str,
        count: usize,
        listen: impl Fn(usize, &Socket),
    ) -> Result<(), Failure> {
        let mut on_the_way = JoinSet::new();
        for link in 0..count {
            let client = Client::builder(url).transports([Transport::WebSocket]).build();
            let socket = client.map_err(|error| Failure::of_client(link, &error))?.socket();
            listen(link, &socket);
            self.sockets.push(socket.clone());
            on_the_way.spawn(async move {
                socket.connect().await.map_err(|error| Failure::of_client(link, &error))
            });
            while on_the_way.len() >= ON_THE_WAY
                && let Some(outcome) = on_the_way.join_next().await
            {
                outcome.expect("connecting does not panic")?;
            }
        }
        while let Some(outcome) = on_the_way.join_next().await {
            outcome.expect("connecting does not panic")?;
        }
        Ok(())
    }

    /// The sockets, in the order of their numbers.
    pub fn sockets(&self) -> &[Socket] {
        &self.sockets
    }

    /// # Errors
    ///
    /// A [`Failure`] if one of them is not connected any more.
    pub fn are_connected(&self) -> Result<(), Failure> {
        match self.sockets.iter().position(|socket| !socket.is_connected()) {
            Some(link) => Err(Failure::Closed { link, said: String::new() }),
            None => Ok(()),
        }
    }
}
