//! The word that ends a server's listeners, and the word that it has ended.

use tokio::sync::watch;

/// Said once each, heard by everybody who asks, before or after.
pub(crate) struct Stop(watch::Sender<Stage>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Open,
    Stopping,
    Ended,
}

impl Default for Stop {
    fn default() -> Self {
        Stop(watch::Sender::new(Stage::Open))
    }
}

impl Stop {
    /// Nobody is let in any more.
    pub(crate) fn say(&self) {
        self.reach(Stage::Stopping);
    }

    /// Nobody is left.
    pub(crate) fn say_ended(&self) {
        self.reach(Stage::Ended);
    }

    pub(crate) fn said(&self) -> impl Future<Output = ()> + Send + use<> {
        self.wait_for(Stage::Stopping)
    }

    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        self.wait_for(Stage::Ended)
    }

    fn reach(&self, stage: Stage) {
        self.0.send_modify(|current| *current = stage.max(*current));
    }

    fn wait_for(&self, stage: Stage) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.0.subscribe();
        async move {
            // The sender lives as long as the server; without it nobody could say more.
            let _ = stop.wait_for(|current| *current >= stage).await;
        }
    }
}
