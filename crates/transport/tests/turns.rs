//! Pushing from many threads while the connection's own task, the flusher and the client are all busy:
//! nothing is forgotten, nothing overtakes.

mod support;

use sockeye_transport::{Class, Config, Encoded, Pushed};
use support::{Heard, Http, Running, Ws, start};

const PUSHERS: usize = 3;
const PACKETS: usize = 3000;

fn roomy() -> Config {
    Config { outbox_bytes: 64 << 20, ..Config::default() }
}

/// Has `PUSHERS` threads push numbered packets to every connection there is.
fn push_from_threads(running: &Running) -> Vec<std::thread::JoinHandle<()>> {
    let connections = running.record.connections.lock().clone();
    (0..PUSHERS)
        .map(|pusher| {
            let connections = connections.clone();
            std::thread::spawn(move || {
                for number in 0..PACKETS {
                    let packet = Encoded::message(&format!("{pusher} {number}"));
                    for connection in &connections {
                        assert_eq!(connection.push(&packet, Class::Normal), Pushed::Queued);
                    }
                }
            })
        })
        .collect()
}

/// What one client has heard of every pusher.
#[derive(Default)]
struct Ear {
    next: [usize; PUSHERS],
    heard: usize,
}

impl Ear {
    fn hear(&mut self, packet: &str) {
        let Some((pusher, number)) = packet.strip_prefix('4').and_then(|text| text.split_once(' '))
        else {
            return;
        };
        let pusher: usize = pusher.parse().unwrap();
        assert_eq!(number.parse(), Ok(self.next[pusher]), "of pusher {pusher}");
        self.next[pusher] += 1;
        self.heard += 1;
    }

    fn has_all(&self) -> bool {
        self.heard == PUSHERS * PACKETS
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_packet_reaches_every_websocket_once_and_in_order() {
    let running = start(roomy()).await;
    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(Ws::open(running.address).await);
    }
    let pushers = push_from_threads(&running);
    let readers: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            tokio::spawn(async move {
                let (mut ear, mut echoes) = (Ear::default(), 0);
                while !ear.has_all() || echoes > 0 {
                    // Its own task has something to flush as well.
                    if ear.heard % 100 == 50 && echoes == 0 {
                        client.text("4echo").await;
                        echoes += 1;
                    }
                    match client.next().await {
                        Heard::Text(text) if text == "4echo" => echoes -= 1,
                        Heard::Text(text) => ear.hear(&text),
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
    for pusher in pushers {
        pusher.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_packet_reaches_a_polling_client_once_and_in_order() {
    let running = start(roomy()).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    let pushers = push_from_threads(&running);
    let mut ear = Ear::default();
    while !ear.has_all() {
        let answer = http.get(&session).await;
        assert_eq!(answer.status, 200);
        answer.body.split('\u{1e}').for_each(|packet| ear.hear(packet));
    }
    for pusher in pushers {
        pusher.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_in_the_middle_of_it_loses_and_reorders_nothing() {
    for _ in 0..5 {
        let running = start(roomy()).await;
        let mut http = Http::connect(running.address).await;
        let session = http.open().await;
        let pushers = push_from_threads(&running);
        let mut ear = Ear::default();
        http.get(&session).await.body.split('\u{1e}').for_each(|packet| ear.hear(packet));
        let mut ws = Ws::connect(running.address, &session.replace("polling", "websocket")).await;
        ws.text("2probe").await;
        assert_eq!(ws.next().await, Heard::Text("3probe".into()));
        http.get(&session).await.body.split('\u{1e}').for_each(|packet| ear.hear(packet));
        ws.text("5").await;
        while !ear.has_all() {
            match ws.next().await {
                Heard::Text(text) => ear.hear(&text),
                other => panic!("{other:?}"),
            }
        }
        for pusher in pushers {
            pusher.join().unwrap();
        }
    }
}
