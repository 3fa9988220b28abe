//! Our durable server: what is said is in its log, and everybody hears it once and in the log's order, over cuts and
//! over the death of the server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use sockeye_client::{Client, Socket};
use sockeye_tests::DEADLINE;
use sockeye_tests::contract::Contract;
use sockeye_tests::proxy::Proxy;

use crate::Plan;
use crate::line::{Blow, Line, builder, insist, retries, speak};
use crate::outcome::Outcome;

/// Who said it, and the number.
type Said = (u32, u64);

/// What somebody heard, in order.
type Heard = Arc<Mutex<Vec<Said>>>;

/// A client that speaks and hears.
struct Peer {
    socket: Socket,
    heard: Heard,
    /// What should not have happened: an announced gap, a session that is not known any more.
    strange: Arc<Mutex<Vec<String>>>,
}

pub(crate) async fn live(plan: Plan) -> Outcome {
    let data = tempfile::tempdir().expect("a place for the log");
    let mut server = start(data.path()).await;
    let clean = Proxy::to(server.port()).await;
    let mut line = Line::to(server.port(), plan.seed).await;
    let mut outcome = Outcome::of("sockeye");

    let witness = Peer::join(clean.port(), u32::MAX).await;
    let mut peers = Vec::new();
    for number in 0..plan.clients {
        peers.push(Peer::join(line.proxy.port(), number).await);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let speaking: Vec<_> =
        peers.iter().zip(0..).map(|(peer, number)| peer.speak(number, Arc::clone(&stop))).collect();

    let end = tokio::time::Instant::now() + plan.seconds;
    while let Ok(blow) = tokio::time::timeout_at(end, line.strike()).await {
        outcome.count("blows", 1);
        if blow == Blow::Kill {
            drop(server);
            server = start(data.path()).await;
            line.proxy.retarget(server.port());
            clean.retarget(server.port());
            outcome.count("deaths of the server", 1);
        }
    }
    outcome.count("connections", line.proxy.came());
    // A blow may have been interrupted while the line was down.
    line.proxy.down();
    line.proxy.up().await;
    line.mend();
    stop.store(true, Ordering::Release);

    let mut acknowledged = BTreeMap::new();
    for (number, task) in (0..).zip(speaking) {
        let Ok(spoken) = tokio::time::timeout(DEADLINE, task).await else {
            outcome.blame(format!("client {number}: answers do not come, even on a good line"));
            continue;
        };
        let spoken = spoken.expect("it does not panic");
        outcome.count("events said", spoken.acknowledged.len() + spoken.failed.len());
        outcome.count("acknowledged", spoken.acknowledged.len());
        for (event, problem) in spoken.failed.iter().take(3) {
            outcome.blame(format!("client {number}: event {event} failed: {problem}"));
        }
        acknowledged.insert(number, spoken.acknowledged);
    }
    compare(&mut outcome, &acknowledged, &witness, &peers).await;
    outcome
}

async fn start(data: &Path) -> Contract {
    let data = data.to_owned();
    let start = move || Contract::start_delivery(&data, 2, &[]);
    tokio::task::spawn_blocking(start).await.expect("the server starts")
}

impl Peer {
    async fn join(port: u16, number: u32) -> Self {
        let client: Client =
            builder(port, number).retries(retries()).build().expect("it can be built");
        let socket = client.socket();
        let (heard, strange) = (Heard::default(), Arc::default());
        let peer = Peer { socket, heard, strange };
        // Whoever pulls at a socket that is not active hears that it is over.
        peer.socket.start();
        peer.listen();
        insist(&peer.socket, "join", "said").await;
        peer.is_somebody_for_good();
        peer
    }

    fn listen(&self) {
        let (socket, heard, strange) =
            (self.socket.clone(), Arc::clone(&self.heard), Arc::clone(&self.strange));
        tokio::spawn(async move {
            while let Some(event) = socket.recv().await {
                match event.args.parse::<(Said,)>() {
                    Ok((said,)) if event.name == "said" => lock(&heard).push(said),
                    _ => lock(&strange).push(format!("{event:?}")),
                }
            }
        });
    }

    /// From now on the server knows its session.
    fn is_somebody_for_good(&self) {
        let strange = Arc::clone(&self.strange);
        self.socket.on_connect(move |socket: Socket| {
            if !socket.recovered() {
                lock(&strange).push(format!("that it is somebody new: {:?}", socket.id()));
            }
            async {}
        });
    }

    fn speak(
        &self,
        number: u32,
        stop: Arc<AtomicBool>,
    ) -> tokio::task::JoinHandle<crate::line::Spoken> {
        let socket = self.socket.clone();
        tokio::spawn(async move {
            let say = |event: u64| {
                let said: Said = (number, event);
                let answer = socket.reliably().emit_with_ack::<Value>("say", &(said,));
                async move { answer.await.map(drop) }
            };
            speak(stop, say).await
        })
    }
}

/// Waits until everybody has heard everything, and says who has not.
async fn compare(
    outcome: &mut Outcome,
    acknowledged: &BTreeMap<u32, BTreeSet<u64>>,
    witness: &Peer,
    peers: &[Peer],
) {
    let wanted: usize = acknowledged.values().map(BTreeSet::len).sum();
    let complete = |peer: &Peer| lock(&peer.heard).len() >= wanted;
    let wait = async {
        while !complete(witness) || !peers.iter().all(complete) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(DEADLINE, wait).await;
    let all = lock(&witness.heard).clone();
    outcome.count("in the log", all.len());
    for (number, acknowledged) in acknowledged {
        let arrived: Vec<u64> =
            all.iter().filter(|said| said.0 == *number).map(|said| said.1).collect();
        let twice = outcome.check_arrivals(&format!("client {number}"), acknowledged, &arrived);
        if twice > 0 {
            outcome.blame(format!("client {number}: {twice} events were handled twice"));
        }
    }
    for (peer, number) in [witness].into_iter().chain(peers).zip(-1..) {
        let heard = lock(&peer.heard).clone();
        outcome.count("heard", heard.len());
        if let Some(place) = (0..heard.len().max(all.len())).find(|&i| heard.get(i) != all.get(i)) {
            outcome.blame(format!(
                "client {number} heard {} of {}; at {place} it is {:?} instead of {:?}",
                heard.len(),
                all.len(),
                heard.get(place),
                all.get(place),
            ));
        }
        for strange in lock(&peer.strange).iter().take(3) {
            outcome.blame(format!("client {number} heard {strange}"));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
