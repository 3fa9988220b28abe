//! What a server has heard, for whoever waits until it is so much.

use std::time::Duration;

use tokio::sync::watch;

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
