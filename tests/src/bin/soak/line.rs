//! The bad line between clients and a server, and the clients on it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sockeye_client::{AckError, Builder, Client, Reconnection, Retries, Socket, Transport};
use sockeye_tests::proxy::{Fate, Mixture, Proxy};

/// Connections break after at most so many bytes.
const BYTES: usize = 40_000;

/// How many events of a speaker are on their way at a time.
const IN_FLIGHT: usize = 32;

/// How often somebody speaks.
pub(crate) const PACE: Duration = Duration::from_millis(20);

/// A proxy on which things go wrong until [`mend`](Self::mend).
pub(crate) struct Line {
    pub(crate) proxy: Proxy,
    random: StdRng,
}

/// What happens to everybody on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    Cut,
    Silence,
    Down,
    /// The server dies, if the line is told how.
    Kill,
}

impl Line {
    pub(crate) async fn to(port: u16, seed: u64) -> Self {
        let proxy = Proxy::to(port).await;
        let mut mixture = Mixture::new(seed, BYTES);
        proxy.fates(move |_| mixture.next_fate());
        Line { proxy, random: StdRng::seed_from_u64(seed ^ 0x5ea) }
    }

    /// Waits for the next blow, and strikes all but [`Blow::Kill`].
    pub(crate) async fn strike(&mut self) -> Blow {
        tokio::time::sleep(Duration::from_millis(self.random.random_range(300..4000))).await;
        let blow = match self.random.random_range(0..10) {
            0..5 => Blow::Cut,
            5..7 => Blow::Silence,
            7..9 => Blow::Down,
            _ => Blow::Kill,
        };
        match blow {
            Blow::Cut => self.proxy.cut(),
            Blow::Silence => self.proxy.silence(),
            Blow::Kill => {}
            Blow::Down => {
                self.proxy.down();
                self.proxy.cut();
                tokio::time::sleep(Duration::from_millis(self.random.random_range(20..1000))).await;
                self.proxy.up().await;
            }
        }
        blow
    }

    /// From now on the line is good.
    pub(crate) fn mend(&self) {
        self.proxy.fates(|_| Fate::pass());
        self.proxy.cut();
    }
}

/// A client that does not wait for long; they take turns with transports.
pub(crate) fn builder(port: u16, number: u32) -> Builder {
    let fast = Reconnection::default()
        .delay(Duration::from_millis(20))
        .delay_max(Duration::from_millis(500));
    let builder = Client::builder(&format!("http://127.0.0.1:{port}"))
        .reconnection(fast)
        .connect_timeout(Duration::from_secs(2))
        .upgrade_timeout(Duration::from_secs(2))
        .request_timeout(Duration::from_secs(5));
    match number % 3 {
        0 => builder,
        1 => builder.transports([Transport::WebSocket]),
        _ => builder.transports([Transport::Polling]),
    }
}

/// Never gives up.
pub(crate) fn retries() -> Retries {
    Retries::default().timeout(Duration::from_secs(3)).attempts(u32::MAX)
}

/// What somebody has said.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// How many events were emitted.
    pub(crate) said: u64,
    /// Those that were acknowledged.
    pub(crate) acknowledged: BTreeSet<u64>,
    /// Those that were not, and why.
    pub(crate) failed: Vec<(u64, String)>,
}

/// Says numbers until it is told to stop, many at a time, and waits for all their answers.
pub(crate) async fn speak<F>(stop: Arc<AtomicBool>, say: impl Fn(u64) -> F) -> Spoken
where
    F: Future<Output = Result<(), AckError>>,
{
    let mut spoken = Spoken::default();
    let mut flying = FuturesUnordered::new();
    let mut pace = tokio::time::interval(PACE);
    loop {
        let stopped = stop.load(Ordering::Acquire);
        if stopped && flying.is_empty() {
            return spoken;
        }
        tokio::select! {
            Some((number, answer)) = flying.next() => match answer {
                Ok(()) => drop(spoken.acknowledged.insert(number)),
                Err(problem) => spoken.failed.push((number, AckError::to_string(&problem))),
            },
            _ = pace.tick(), if !stopped && flying.len() < IN_FLIGHT => {
                let number = spoken.said;
                spoken.said += 1;
                let answer = say(number);
                flying.push(async move { (number, answer.await) });
            }
            // To look whether it is told to stop.
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
}

/// Asks until there is an answer: the line is bad.
pub(crate) async fn insist(socket: &Socket, event: &str, argument: &str) {
    loop {
        let patience = Duration::from_secs(3);
        let answer = socket.emit_with_ack::<bool>(event, argument).timeout(patience).await;
        if answer.is_ok() {
            return;
        }
    }
}
