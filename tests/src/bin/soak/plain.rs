//! npm `socket.io` 4 with connection state recovery: it cannot tell a repeat, and forgets sessions whose end it has not
//! noticed before the client comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sockeye_client::{Data, Socket};
use sockeye_tests::DEADLINE;
use sockeye_tests::server::{Kind, Wanted};

use crate::Plan;
use crate::line::{Line, PACE, builder, retries, speak};
use crate::outcome::Outcome;

/// What came to a client, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Came {
    /// The server said this number.
    Tick(u64),
    /// The server did not know it any more.
    Anew,
}

type Heard = Arc<Mutex<Vec<Came>>>;

/// `None` where that server cannot be had, which was said.
pub(crate) async fn live(plan: Plan) -> Option<Outcome> {
    let wanted = Wanted { recovery: true, ping: Some(1000), ..Wanted::new(Kind::Npm) };
    let server = wanted.start()?;
    let mut line = Line::to(server.port(), plan.seed.wrapping_add(1)).await;
    let mut outcome = Outcome::of("npm socket.io 4");
    let clean = builder(server.port(), 1).build().expect("it can be built").socket();
    clean.connect().await.expect("the line is good");

    let stop = Arc::new(AtomicBool::new(false));
    let mut peers = Vec::new();
    for number in 0..plan.clients {
        let (socket, heard) = join(line.proxy.port(), number);
        let speaking = tokio::spawn(talk(socket.clone(), number, Arc::clone(&stop)));
        peers.push((socket, heard, speaking));
    }
    let ticking = tokio::spawn(tick(clean.clone(), Arc::clone(&stop)));
    let end = tokio::time::Instant::now() + plan.seconds;
    while tokio::time::timeout_at(end, line.strike()).await.is_ok() {
        outcome.count("blows", 1);
    }
    outcome.count("connections", line.proxy.came());
    // A blow may have been interrupted while the line was down.
    line.proxy.down();
    line.proxy.up().await;
    line.mend();
    stop.store(true, Ordering::Release);
    outcome.count("ticks", usize::try_from(ticking.await.expect("it does not panic")).unwrap_or(0));
    for ((socket, heard, speaking), number) in peers.into_iter().zip(0..) {
        let Ok(spoken) = tokio::time::timeout(DEADLINE, speaking).await else {
            outcome.blame(format!("client {number}: answers do not come, even on a good line"));
            continue;
        };
        let spoken = spoken.expect("it does not panic");
        outcome.count("events said", spoken.acknowledged.len() + spoken.failed.len());
        outcome.count("acknowledged", spoken.acknowledged.len());
        for (event, problem) in spoken.failed.iter().take(3) {
            outcome.blame(format!("client {number}: event {event} failed: {problem}"));
        }
        let prefix = format!("{number}.");
        let notes = clean.emit_with_ack::<(Vec<String>,)>("notes", &prefix).await;
        let (notes,) = notes.expect("the line is good");
        let arrived: Vec<u64> =
            notes.iter().filter_map(|note| note[prefix.len()..].parse().ok()).collect();
        let name = format!("client {number}");
        let twice = outcome.check_arrivals(&name, &spoken.acknowledged, &arrived);
        outcome.count("handled again", twice);
        check_heard(&mut outcome, &name, &heard);
        drop(socket);
    }
    Some(outcome)
}

fn join(port: u16, number: u32) -> (Socket, Heard) {
    let client = builder(port, number).retries(retries().without_key()).build();
    let socket = client.expect("it can be built").socket();
    let heard = Heard::default();
    let (ticks, anew) = (Arc::clone(&heard), Arc::clone(&heard));
    socket.on("tick", move |Data(number): Data<u64>| {
        lock(&ticks).push(Came::Tick(number));
        async {}
    });
    socket.on_connect(move |socket: Socket| {
        if !socket.recovered() {
            lock(&anew).push(Came::Anew);
        }
        async {}
    });
    socket.start();
    (socket, heard)
}

async fn talk(socket: Socket, number: u32, stop: Arc<AtomicBool>) -> crate::line::Spoken {
    let say = |event: u64| {
        let note = format!("{number}.{event}");
        let answer = socket.reliably().emit_with_ack::<String>("note", &note);
        async move { answer.await.map(drop) }
    };
    speak(stop, say).await
}

async fn tick(socket: Socket, stop: Arc<AtomicBool>) -> u64 {
    let mut number = 0;
    while !stop.load(Ordering::Acquire) {
        socket.emit("to-all", &("tick", number)).await.expect("the line is good");
        number += 1;
        tokio::time::sleep(PACE).await;
    }
    // What was said has been heard by those whose line is good.
    tokio::time::sleep(Duration::from_secs(1)).await;
    number
}

/// Each tick once, in order, and none is missing but where the server did not know the client any more.
fn check_heard(outcome: &mut Outcome, name: &str, heard: &Heard) {
    let heard = lock(heard).clone();
    let mut last: Option<u64> = None;
    let mut anew = true;
    for came in heard {
        match came {
            Came::Anew => {
                anew = true;
                outcome.count("sessions anew", 1);
            }
            Came::Tick(number) => {
                outcome.count("heard", 1);
                match last {
                    Some(last) if number <= last => {
                        outcome.blame(format!("{name} heard tick {number} after {last}"));
                    }
                    Some(last) if number > last + 1 && !anew => {
                        outcome.blame(format!("{name} recovered, and missed {last} to {number}"));
                    }
                    _ => {}
                }
                (last, anew) = (Some(number), false);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
