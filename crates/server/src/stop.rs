//! The word that ends a server's listeners.

use tokio::sync::watch;

/// Said once, heard by everybody who asks, before or after.
pub(crate) struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Stop(watch::Sender::new(false))
    }
}

impl Stop {
    pub(crate) fn say(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn said(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.0.subscribe();
        async move {
            // The sender lives as long as the server; without it nobody could say more.
            let _ = stop.wait_for(|said| *said).await;
        }
    }
}
