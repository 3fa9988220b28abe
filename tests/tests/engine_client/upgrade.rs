//! Upgrades over a network that dawdles, stalls and cuts, against our own server: nothing is lost, doubled or reordered.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine_client::{Config, Connecting, Connector, Dialer, Ended, Packet, Stream, Target};
use engine_proto::Transport;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use transport::Server;

use crate::support::{Client, Echo, Kept, Running, config_of, serve};

/// What becomes of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine,
    /// Cut after so many bytes of the server.
    Cut(usize),
    /// Silent after so many bytes of the server.
    Stalls(usize),
}

/// A network between the client and the server.
struct Weather {
    server: Server<Echo>,
    seeds: Mutex<SmallRng>,
    fate: Fate,
}

impl Connector for Weather {
    fn connect(&self, _: &Target) -> Connecting {
        let mut seeds = self.seeds.lock();
        let pipe = seeds.random_range(300..2000);
        let (ours, near) = tokio::io::duplex(pipe);
        let (far, theirs) = tokio::io::duplex(pipe);
        serve(self.server.clone(), theirs);
        tokio::spawn(relay(near, far, self.fate, SmallRng::from_rng(&mut *seeds)));
        let late = Duration::from_millis(seeds.random_range(0..500));
        Box::pin(async move {
            tokio::time::sleep(late).await;
            Ok(Stream::new(ours))
        })
    }
}

async fn relay(mut near: DuplexStream, mut far: DuplexStream, fate: Fate, mut random: SmallRng) {
    let mut first = vec![0; 256];
    let Ok(length) = near.read(&mut first).await else { return };
    let head = String::from_utf8_lossy(&first[..length]).into_owned();

    let fate = if head.contains("websocket") { fate } else { Fate::Fine };
    if far.write_all(&first[..length]).await.is_err() {
        return;
    }
    let (near_read, near_write) = tokio::io::split(near);
    let (far_read, far_write) = tokio::io::split(far);
    let (there, back) = (SmallRng::from_rng(&mut random), random);
    tokio::select! {
        () = carry(near_read, far_write, usize::MAX, there) => {}
        () = async {
            let (Fate::Cut(most) | Fate::Stalls(most)) = fate else {
                return carry(far_read, near_write, usize::MAX, back).await;
            };
            carry(far_read, near_write, most, back).await;
            if matches!(fate, Fate::Stalls(_)) {
                std::future::pending::<()>().await;
            }
        } => {}
    }
}

/// Carries so many bytes, in portions, each with its delay.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    most: usize,
    mut random: SmallRng,
) {
    let (mut buffer, mut left) = ([0; 700], most);
    while left > 0 {
        let portion = random.random_range(1..=buffer.len()).min(left);
        let Ok(length @ 1..) = from.read(&mut buffer[..portion]).await else { return };
        tokio::time::sleep(Duration::from_millis(random.random_range(0..40))).await;
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        left -= length;
    }
}

fn through(running: &Running, seed: u64, fate: Fate) -> Config {
    let seeds = Mutex::new(SmallRng::seed_from_u64(seed));
    config_of(Dialer::default().connector(Weather { server: running.server.clone(), seeds, fate }))
}

/// The number that a message carries.
fn number(kept: &Kept) -> Option<usize> {
    match kept {
        Kept::Text(text) => text.split(' ').next()?.parse().ok(),
        Kept::Binary(data) => Some(usize::from(data[0]) * 256 + usize::from(data[1])),
    }
}

/// Message `number` is text or bytes, short or long.
fn packet(number: usize, random: &mut SmallRng) -> Packet {
    let filler = "x".repeat(random.random_range(0..600));
    Packet::text(&format!("{number} {filler}"))
}

fn attached(number: usize) -> Bytes {
    vec![u8::try_from(number / 256).unwrap(), u8::try_from(number % 256).unwrap(), 7].into()
}

const MESSAGES: usize = 120;

/// Sends numbered messages at random moments and hears them back. How many came back if the session was lost on the way.
async fn numbered_messages(
    seed: u64,
    fate: Fate,
) -> (Result<(), Ended>, Client, Arc<Mutex<Vec<Kept>>>) {
    let running = Running::start(|config| {
        config.engine.max_payload = 3000;
        config.engine.upgrade_timeout = Duration::from_secs(2);
    });
    let mut random = SmallRng::seed_from_u64(seed ^ 0xabc);
    let mut config = through(&running, seed, fate);
    config.upgrade_timeout = Duration::from_secs(3);
    let mut client = Client::new(config);
    let mut sent = 0;
    let lost = loop {
        let time = Duration::from_millis(random.random_range(0..60));
        if let Ok(ended) = tokio::time::timeout(time, client.end()).await {
            break Some(ended);
        }
        if client.ears.heard.len() > MESSAGES {
            break None;
        }
        for _ in 0..random.random_range(0..4) {
            if sent < MESSAGES {
                let mut next = packet(sent, &mut random);
                sent += 1;
                if sent < MESSAGES && random.random_bool(0.3) {
                    next.attachments.push(attached(sent));
                    sent += 1;
                }
                client.ears.to_send.push_back(next);
            }
        }
    };
    let heard = Arc::new(Mutex::new(running.record.heard.lock().clone()));
    let outcome = lost.map_or(Ok(()), Err);
    (outcome, client, heard)
}

fn in_order(heard: &[Kept]) -> bool {
    heard.iter().enumerate().all(|(place, kept)| number(kept) == Some(place))
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_doubled_or_reordered_by_an_upgrade() {
    let mut upgraded = 0;
    for seed in 0..60 {
        let (outcome, client, heard) = numbered_messages(seed, Fate::Fine).await;
        assert!(outcome.is_ok(), "seed {seed}: {outcome:?}");
        assert!(in_order(&client.ears.heard[1..]), "seed {seed}: {:?}", client.ears.heard);
        assert!(in_order(&heard.lock()) && heard.lock().len() == MESSAGES, "seed {seed}");
        upgraded += usize::from(client.engine.transport() == Some(Transport::WebSocket));
    }
    assert!(upgraded > 40, "{upgraded}");
}

#[tokio::test(start_paused = true)]
async fn what_fails_on_the_way_up_leaves_no_gap_in_what_arrived() {
    let (mut stayed, mut lost) = (0, 0);
    for seed in 0..120 {
        let most = usize::try_from(seed).unwrap() * 3;
        let fate = if seed % 2 == 0 { Fate::Cut(most) } else { Fate::Stalls(most) };
        let (outcome, client, heard) = numbered_messages(seed, fate).await;
        let heard = heard.lock();
        assert!(in_order(client.ears.heard.get(1..).unwrap_or_default()), "seed {seed}");
        assert!(in_order(&heard), "seed {seed}: {heard:?}");
        match outcome {
            Ok(()) => {
                assert_eq!(heard.len(), MESSAGES, "seed {seed}");
                stayed += 1;
            }
            // It had moved already: the WebSocket was the session.
            Err(ended) => {
                assert_eq!(client.ears.upgraded, [Transport::WebSocket], "seed {seed}: {ended:?}");
                lost += 1;
            }
        }
    }
    assert!(stayed > 20 && lost > 20, "{stayed} stayed, {lost} were lost");
}
