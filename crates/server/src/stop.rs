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

/// Says that it has ended.
#[must_use = "dropped, it says that nobody is left"]
pub(crate) struct Ending<'a>(&'a Stop);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.reach(Stage::Ended);
    }
}

impl Stop {
    /// Nobody is let in any more; and nobody is left once what comes back is dropped.
    pub(crate) fn say(&self) -> Ending<'_> {
        self.reach(Stage::Stopping);
        Ending(self)
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
