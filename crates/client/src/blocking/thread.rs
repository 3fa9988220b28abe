//! The thread on which a client lives, and how others wait for what happens there.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::oneshot;

use super::Error;
use crate::ClientState;

/// How long the end is waited for. A goodbye takes half of it at most; what is left is for a handler that blocks the thread.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client on a thread of its own. Whoever holds it can wait; dropped, it closes the client, and the thread ends.
pub(super) struct Thread {
    pub(super) client: crate::Client,
    runtime: Handle,
    /// Dropped when nobody can wait any more.
    held: Option<oneshot::Sender<()>>,
    /// Nothing comes here; the other end is the thread's, and ends with it. Locked by nobody but the drop.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Thread {
    pub(super) fn start(client: crate::Client) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (held, released) = oneshot::channel();
        let (lives, ended) = mpsc::channel();
        let state = client.state();
        std::thread::Builder::new().name("sockeye-client".to_owned()).spawn(move || {
            run(runtime, state, released);
            drop::<mpsc::Sender<()>>(lives);
        })?;
        Ok(Thread { client, runtime: handle, held: Some(held), ended: Mutex::new(ended) })
    }

    /// Waits on the calling thread; what has to happen meanwhile happens on the other one.
    pub(super) fn wait<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        outside()?;
        Ok(self.runtime.block_on(future))
    }

    /// Does something that is in need of a runtime, but waits for nothing.
    pub(super) fn enter<T>(&self, act: impl FnOnce() -> T) -> T {
        let _inside = self.runtime.enter();
        act()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.client.let_go();
        self.held.take();
        // Whoever is inside of a runtime may be a handler of the client itself: nobody waits for it there.
        if outside().is_ok() {
            // An error is what is waited for: that nobody is at the other end.
            let _ = self.ended.get_mut().recv_timeout(PATIENCE);
        }
    }
}

/// Until the client is closed, and nobody waits for anything any more.
fn run(
    runtime: Runtime,
    mut state: tokio::sync::watch::Receiver<ClientState>,
    released: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        // Both end with an error when what they wait for is gone, which is what is waited for.
        let _ = state.wait_for(|state| *state == ClientState::Closed).await;
        let _ = released.await;
    });
    // A name that is just being looked up is not waited for.
    runtime.shutdown_background();
}

fn outside() -> Result<(), Error> {
    match Handle::try_current() {
        Ok(_) => Err(Error::InsideRuntime),
        Err(_) => Ok(()),
    }
}
