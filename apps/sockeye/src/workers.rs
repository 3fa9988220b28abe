//! The workers besides the first, which is the main thread: a thread for each further core.

use std::io;
use std::thread::JoinHandle;

use sockeye::{Bound, threads};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::site::Site;

/// The running threads.
pub(crate) struct Workers {
    threads: Vec<JoinHandle<()>>,
    /// Dropped when no session is left: their tasks live on the threads' runtimes.
    finished: watch::Sender<()>,
    failures: mpsc::UnboundedReceiver<String>,
}

impl Workers {
    /// Starts the workers from number 1 on. All accept from the same queues of the kernel.
    pub(crate) fn start(
        count: usize,
        listeners: &[Bound],
        site: &Site,
        stopped: &watch::Receiver<()>,
    ) -> io::Result<Workers> {
        let (finished, finish) = watch::channel(());
        let (fail, failures) = mpsc::unbounded_channel();
        let mut threads = Vec::new();
        for number in 1..count {
            let listeners = listeners.iter().map(Bound::try_clone).collect::<io::Result<_>>()?;
            let (site, stopped) = (site.clone(), stopped.clone());
            let (mut finish, fail) = (finish.clone(), fail.clone());
            threads.push(threads::spawn(number, move || async move {
                if let Err(problem) = serve_all(listeners, &site, &stopped).await {
                    let _ = fail.send(problem);
                }
                while finish.changed().await.is_ok() {}
            })?);
        }
        Ok(Workers { threads, finished, failures })
    }

    /// Why a worker serves no more. Pending while all do.
    pub(crate) async fn failure(&mut self) -> String {
        match self.failures.recv().await {
            Some(problem) => problem,
            None => std::future::pending().await,
        }
    }

    /// Ends the threads; to be called when no session is left.
    pub(crate) fn finish(self) {
        drop(self.finished);
        for thread in self.threads {
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}

/// Answers everything that comes to any of these, until the other end of `stopped` is dropped.
pub(crate) async fn serve_all(
    listeners: Vec<Bound>,
    site: &Site,
    stopped: &watch::Receiver<()>,
) -> Result<(), String> {
    let mut serving = JoinSet::new();
    for listener in listeners {
        let listener =
            listener.listen().map_err(|error| format!("the system lets nobody listen: {error}"))?;
        serving.spawn(site.clone().serve(listener, stopped.clone()));
    }
    while let Some(ended) = serving.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            ended => return Err(format!("a listener failed: {ended:?}: start it again")),
        }
    }
    Ok(())
}
