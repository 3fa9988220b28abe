//! Bytes that arrive as other ones. What is said may be something else then; but it ends, in one way or the other.

use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sockeye_client::Transport;
use sockeye_tests::DEADLINE;
use sockeye_tests::proxy::{Fate, Fault, Proxy};
use tokio::time::timeout;

use super::{AT_ONCE, OURS, Peer, WAYS, socket, until, until_connected};

/// A sample has so many clients, and it is always the same one.
const SAMPLE: usize = 120;

/// One byte of one connection is garbled.
#[derive(Clone, Copy, Debug)]
struct Slip {
    way: &'static [Transport],
    /// How many connections come before it.
    number: usize,
    fate: Fate,
}

/// One for every few bytes in both directions of the first connections.
fn slips() -> Vec<Slip> {
    let mut slips = Vec::new();
    for way in WAYS {
        for number in 0..3 {
            for place in (0..700).step_by(11) {
                let up = Fate::pass().up(place, Fault::Garble);
                let down = Fate::pass().down(place, Fault::Garble);
                slips.extend([up, down].map(|fate| Slip { way, number, fate }));
            }
        }
    }
    slips
}

/// The client connects or is told that it is not wanted; then it can be asked again, and closed.
async fn survives(peer: Peer, server: u16, slip: Slip) {
    let proxy = Proxy::to(server).await;
    let Slip { way, number, fate } = slip;
    proxy.fates(move |came| if came == number { fate } else { Fate::pass() });
    let socket = socket(peer, proxy.port(), way);
    socket.start();
    let what = format!("an end: {peer:?}, {slip:?}");
    // A garbled name of a namespace is refused, for good.
    until(&socket, &what, |state| state.is_connected() || !state.is_active()).await;
    if !socket.is_connected() {
        socket.start();
        until_connected(&socket, &what).await;
    }
    let closed = timeout(DEADLINE, socket.client().close()).await;
    assert!(closed.is_ok(), "closing does not end: {what}");
}

async fn survive(peer: Peer, server: u16, slips: impl IntoIterator<Item = Slip>) {
    let lives = slips.into_iter().map(|slip| survives(peer, server, slip));
    futures_util::stream::iter(lives).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
}

pub(crate) async fn survive_some(peer: Peer, server: u16) {
    let mut random = StdRng::seed_from_u64(2);
    let all = slips();
    let some = (0..SAMPLE).map(|_| all[random.random_range(0..all.len())]);
    survive(peer, server, some).await;
}

#[tokio::test]
async fn whoever_is_garbled_connects_or_is_told_that_it_is_not_wanted() {
    let server = OURS.hasty().expect("it is ours");
    survive(OURS, server.port(), slips()).await;
}
