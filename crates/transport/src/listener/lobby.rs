//! Connections that have been accepted and have not said yet who they are: those that wait for a PROXY header or
//! a TLS handshake.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// At the bound, whoever has been here for longest goes: an honest client is through in a moment.
pub(crate) struct Lobby {
    /// Guards who is here. Held to come or go.
    guests: Mutex<Guests>,
    most: usize,
}

#[derive(Default)]
struct Guests {
    /// In the order in which they came; each is told to go by dropping what belongs to it.
    here: VecDeque<(u64, oneshot::Sender<()>)>,
    next: u64,
}

impl Lobby {
    pub(crate) fn new(most: usize) -> Arc<Lobby> {
        Arc::new(Lobby { guests: Mutex::default(), most: most.max(1) })
    }

    /// Lets a connection do something before it is one of HTTP.
    ///
    /// # Errors
    ///
    /// Its own, and if it takes too long, or too many others came meanwhile.
    pub(crate) async fn pass<T>(
        self: &Arc<Self>,
        deadline: Duration,
        handshake: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        let (guest, told_to_go) = self.enter();
        let outcome = tokio::select! {
            biased;
            _ = told_to_go => Err(ErrorKind::QuotaExceeded.into()),
            outcome = tokio::time::timeout(deadline, handshake) => {
                outcome.unwrap_or(Err(ErrorKind::TimedOut.into()))
            }
        };
        drop(guest);
        outcome
    }

    fn enter(self: &Arc<Self>) -> (Guest, oneshot::Receiver<()>) {
        let (sender, told_to_go) = oneshot::channel();
        let mut guests = self.guests.lock();
        if guests.here.len() >= self.most {
            guests.here.pop_front();
        }
        let number = guests.next;
        guests.next += 1;
        guests.here.push_back((number, sender));
        (Guest { lobby: Arc::clone(self), number }, told_to_go)
    }
}

/// A connection that is in here.
struct Guest {
    lobby: Arc<Lobby>,
    number: u64,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = self.lobby.guests.lock();
        if let Ok(place) = guests.here.binary_search_by_key(&self.number, |(number, _)| *number) {
            guests.here.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_too_long_has_to_go() {
        let lobby = Lobby::new(10);
        let late = lobby.pass(Duration::from_secs(10), pending::<io::Result<()>>()).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(lobby.guests.lock().here.is_empty());
    }

    #[tokio::test]
    async fn where_too_many_wait_the_oldest_goes_and_the_newest_gets_through() {
        let lobby = Lobby::new(2);
        let wait = || {
            let lobby = Arc::clone(&lobby);
            tokio::spawn(async move {
                lobby.pass(Duration::from_hours(1), pending::<io::Result<()>>()).await
            })
        };
        let (first, second) = (wait(), wait());
        tokio::task::yield_now().await;
        assert!(lobby.pass(Duration::from_hours(1), ready(Ok(()))).await.is_ok());
        let gone = first.await.unwrap().unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::QuotaExceeded);
        assert!(!second.is_finished());
        second.abort();
        assert!(second.await.is_err());
        assert!(lobby.guests.lock().here.is_empty());
    }
}
