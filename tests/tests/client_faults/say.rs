//! What is said on bad lines: reliably, it arrives, in its order; otherwise, it does not arrive twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sockeye_client::{Retries, Socket, Transport};
use sockeye_tests::DEADLINE;
use sockeye_tests::proxy::{Fate, Fault, Proxy};
use tokio::time::timeout;

use super::{AT_ONCE, OURS, Peer, REFERENCE, WAYS, impatient, until_connected};

/// Places in what is said at the beginning of a connection.
const PLACES: [usize; 10] = [0, 1, 16, 60, 130, 200, 260, 340, 500, 800];

/// What ends a connection.
const ENDS: [Fault; 3] = [Fault::Cut, Fault::Reset, Fault::End];

/// What leaves it half open.
const SILENCES: [Fault; 2] = [Fault::Swallow, Fault::Stall];

/// How late everything arrives, in milliseconds.
const LATE: [u64; 4] = [0, 2, 15, 40];

/// A sample has so many lives, and it is always the same one.
const SAMPLE: usize = 60;

/// What becomes of the connections of a client.
#[derive(Clone, Copy, Debug)]
struct Life {
    way: &'static [Transport],
    /// How many connections come before the one that is hit.
    number: usize,
    /// What happens to it.
    fate: Fate,
    /// How late everything arrives, on all of them.
    late: Duration,
}

/// Every fault at every place in both directions of the first connections.
fn lives(way: &'static [Transport], faults: &[Fault]) -> Vec<Life> {
    let mut lives = Vec::new();
    for number in 0..3 {
        let life = |fate| Life { way, number, fate, late: Duration::ZERO };
        lives.extend([Fate::Close, Fate::Ignore].map(life));
        for fault in faults {
            for place in PLACES {
                lives.push(life(Fate::pass().up(place, *fault)));
                lives.push(life(Fate::pass().down(place, *fault)));
            }
        }
    }
    lives
}

/// How many clients there were: each has a number of its own.
static CLIENTS: AtomicUsize = AtomicUsize::new(0);

/// How many events of each kind a client says.
const NOTES: usize = 8;

fn retries() -> Retries {
    Retries::default().timeout(Duration::from_secs(2))
}

/// A client with this life is there in the end: what it has said reliably has arrived, in its order, and what it has said
/// otherwise has not arrived twice.
async fn survives(clean: &Socket, peer: Peer, server: u16, life: Life) {
    let proxy = Proxy::to(server).await;
    let Life { way, number, fate, late } = life;
    proxy.fates(move |came| if came == number { fate } else { Fate::pass() }.late(late));
    let builder = impatient(peer, proxy.port(), way).retries(retries());
    let client = builder.build().expect("it can be built");
    let socket = client.socket();
    socket.start();
    let what = format!("{peer:?}, {life:?}");
    let prefix = format!("{}.", CLIENTS.fetch_add(1, Ordering::Relaxed));
    let mut answers = Vec::new();
    for number in 0..NOTES {
        let (kept, plain) = (format!("{prefix}k{number}"), format!("{prefix}p{number}"));
        socket.emit("note", &plain).await.expect("there is room");
        answers.push(socket.reliably().emit_with_ack::<String>("note", &kept));
        if number == NOTES / 2 {
            until_connected(&socket, &format!("connected: {what}")).await;
        }
    }
    let answers = timeout(DEADLINE, join_all(answers)).await;
    let answers = answers.unwrap_or_else(|_| panic!("answers do not come: {what}"));
    for answer in answers {
        answer.unwrap_or_else(|problem| panic!("{problem}: {what}"));
    }
    let closed = timeout(DEADLINE, client.close()).await;
    assert!(closed.is_ok(), "closing does not end: {what}");
    assert!(!socket.is_active(), "{what}");
    let arrived = clean.reliably().emit_with_ack::<(Vec<String>,)>("notes", &prefix).await;
    let arrived = arrived.unwrap_or_else(|problem| panic!("on a good line: {problem}: {what}"));
    check(&arrived.0, &prefix, &what);
}

fn check(arrived: &[String], prefix: &str, what: &str) {
    let numbers = |kind: char| -> Vec<usize> {
        let tail = |note: &String| note[prefix.len()..].strip_prefix(kind).map(str::to_owned);
        arrived.iter().filter_map(tail).map(|number| number.parse().expect("a number")).collect()
    };
    let mut seen = Vec::new();
    for number in numbers('k') {
        if !seen.contains(&number) {
            seen.push(number);
        }
    }
    assert_eq!(seen, (0..NOTES).collect::<Vec<_>>(), "acknowledged, and lost or moved: {what}");
    let plain = numbers('p');
    assert!(plain.is_sorted_by(|one, next| one < next), "{plain:?}, twice or moved: {what}");
}

async fn survive(peer: Peer, server: u16, lives: impl IntoIterator<Item = Life>) {
    let builder = impatient(peer, server, &[Transport::WebSocket]);
    // A server that is busy may be taken for one that is gone.
    let clean = builder.retries(retries().without_key()).build().expect("it can be built").socket();
    clean.start();
    until_connected(&clean, "connected on a good line").await;
    let lives = lives.into_iter().map(|life| survives(&clean, peer, server, life));
    futures_util::stream::iter(lives).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
}

async fn survive_all(peer: Peer, faults: &[Fault]) {
    let Some(server) = peer.hasty() else {
        return;
    };
    for way in WAYS {
        survive(peer, server.port(), lives(way, faults)).await;
    }
}

/// As [`survive_all`], but not everything, and late.
pub(crate) async fn survive_some(peer: Peer, server: u16) {
    let mut random = StdRng::seed_from_u64(1);
    let faults = [&ENDS[..], &SILENCES].concat();
    let all: Vec<_> = WAYS.into_iter().flat_map(|way| lives(way, &faults)).collect();
    let some = (0..SAMPLE).map(|_| {
        let late = Duration::from_millis(LATE[random.random_range(0..LATE.len())]);
        Life { late, ..all[random.random_range(0..all.len())] }
    });
    survive(peer, server, some).await;
}

#[tokio::test]
async fn whoever_is_cut_off_anywhere_has_its_say_in_the_end() {
    survive_all(OURS, &ENDS).await;
}

#[tokio::test]
async fn whoever_hears_nothing_any_more_has_its_say_in_the_end() {
    survive_all(OURS, &SILENCES).await;
}

#[tokio::test]
async fn whoever_is_cut_off_anywhere_from_the_reference_has_its_say_in_the_end() {
    survive_all(REFERENCE, &ENDS).await;
}

#[tokio::test]
async fn whoever_hears_nothing_any_more_from_the_reference_has_its_say_in_the_end() {
    survive_all(REFERENCE, &SILENCES).await;
}
