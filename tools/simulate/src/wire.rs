//! A connection between a page and the server, and what it can suffer.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// How a wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Each piece takes up to so many milliseconds.
    Open {
        delay: u64,
    },
    /// What was sent stays in it, and nobody is told.
    Silent,
    Broken,
}

/// The handle of a wire. It goes on when this is dropped.
#[derive(Debug)]
pub(crate) struct Wire(watch::Sender<State>);

/// What a kernel would hold of each direction.
const BUFFER: usize = 8 * 1024;
/// What travels at once.
const PIECE: usize = 2 * 1024;

impl Wire {
    /// A wire with its two ends: the page's and the server's.
    pub(crate) fn new(seed: u64, delay: u64) -> (Wire, DuplexStream, DuplexStream) {
        let (page, near) = tokio::io::duplex(BUFFER);
        let (far, server) = tokio::io::duplex(BUFFER);
        let (from_page, to_page) = tokio::io::split(near);
        let (from_server, to_server) = tokio::io::split(far);
        let (state, seen) = watch::channel(State::Open { delay });
        let random = |n: u64| SmallRng::seed_from_u64(seed ^ n);
        tokio::spawn(carry(from_page, to_server, seen.clone(), random(1)));
        tokio::spawn(carry(from_server, to_page, seen, random(2)));
        (Wire(state), page, server)
    }

    pub(crate) fn slow_down(&self, delay: u64) {
        self.0.send_if_modified(|state| {
            let open = matches!(state, State::Open { .. });
            if open {
                *state = State::Open { delay };
            }
            open
        });
    }

    pub(crate) fn fall_silent(&self) {
        self.0.send_replace(State::Silent);
    }

    pub(crate) fn cut(&self) {
        self.0.send_replace(State::Broken);
    }
}

/// One direction, until it ends or breaks. Dropping both directions' halves is what both sides notice.
async fn carry(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    mut seen: watch::Receiver<State>,
    random: SmallRng,
) {
    let mut watched = seen.clone();
    tokio::select! {
        biased;
        // When the handle is gone it can only end by itself.
        Ok(_) = watched.wait_for(|state| *state == State::Broken) => {}
        () = forward(from, to, &mut seen, random) => {}
    }
}

async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    seen: &mut watch::Receiver<State>,
    mut random: SmallRng,
) {
    let mut piece = [0; PIECE];
    loop {
        let read = from.read(&mut piece).await.unwrap_or(0);
        travel(seen, &mut random).await;
        if read == 0 {
            let _ = to.shutdown().await;
            return;
        }
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}

async fn travel(seen: &mut watch::Receiver<State>, random: &mut SmallRng) {
    let state = *seen.borrow();
    if let State::Open { delay } = state {
        // Never none: time would stand still for a page that polls again and again in the middle of an upgrade.
        sleep(Duration::from_millis(random.random_range(0..=delay.max(1)))).await;
    }
    let open = seen.wait_for(|state| matches!(state, State::Open { .. })).await.is_ok();
    if !open && *seen.borrow() == State::Silent {
        std::future::pending::<()>().await;
    }
}
