//! What the program is told by others: Ctrl-C, and on Unix the signals of a service manager, to end or to read its
//! certificate again.

use std::io;

#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until the program is to end; `renew` is called when it is to read its files again.
    pub(crate) async fn end(&mut self, renew: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => renew(),
            }
        }
    }
}

impl Signals {
    /// Waits until the program is to end, which the end of its terminal means as well.
    pub(crate) async fn told(&mut self) {
        let hung_up = tokio::sync::Notify::new();
        tokio::select! {
            () = self.end(|| hung_up.notify_one()) => {}
            () = hung_up.notified() => {}
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[allow(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Signals)
    }

    /// Waits until the program is to end. Nobody says here that files are to be read again.
    pub(crate) async fn end(&mut self, _: impl Fn()) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
