//! The same connections made by `sockeye-client`: what a message costs whoever uses it.
//!
//! | file    | what                                                                     |
//! |---------|--------------------------------------------------------------------------|
//! | `crowd` | thousands of clients on this thread, each a connection with one namespace |
//! | `play`  | what they say, and how the answers are judged                             |
//! | `table` | what it cost them, beside what it costs the raw generator                 |
//!
//! All clients live on one runtime on this thread, so what this thread had of its core is what they cost. The raw generator
//! says the same things with prepared frames and next to no protocol: it is the floor of a client.

pub mod crowd;
pub mod play;
pub mod table;

use std::time::Duration;

use crate::client::Failure;
use crate::process::observer::Observer;
use crate::scenario::name::{Kind, Load};
use crate::scenario::{Footprint, Measurement, Scenario, Timing};
use crate::{histogram, statistics};
use crowd::Crowd;
use play::Score;

/// Whether clients can play it: what is left out says the same with other words, and the raw generator has it.
pub fn can_play(scenario: Scenario) -> bool {
    matches!(
        scenario,
        Scenario::Idle { .. }
            | Scenario::Talk { kind: Kind::Echo | Kind::Ack, load: Load::InFlight(_), .. }
            | Scenario::Broadcast { load: Load::InFlight(_), .. }
    )
}

/// Runs a scenario with clients, on a runtime of its own. The cost is that of the process that `observer` watches, and as that
/// of the generator, that of the clients.
///
/// # Errors
///
/// A [`Failure`] if somebody is not let in, or an answer is wrong or does not come.
pub fn run(
    scenario: Scenario,
    url: &str,
    timing: Timing,
    observer: &mut Observer,
) -> Result<Measurement, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match scenario {
            Scenario::Idle { links } => be_silent(url, links, timing, observer).await,
            Scenario::Talk { kind: Kind::Ack, links, load: Load::InFlight(window), payload } => {
                let score = Score::new(payload);
                let crowd = Crowd::open(url, links, |_, _| {}).await?;
                score.play(timing, observer, || score.ask_all(&crowd, window)).await
            }
            Scenario::Talk { links, load: Load::InFlight(window), payload, .. } => {
                let score = Score::new(payload);
                let crowd =
                    Crowd::open(url, links, |link, socket| score.echo(link, socket)).await?;
                score.play(timing, observer, || score.say_all(&crowd, window)).await
            }
            Scenario::Broadcast { recipients, load: Load::InFlight(window) } => {
                let score = Score::new(32);
                let listen = |_, socket: &_| score.hear_news(recipients, socket);
                let crowd = Crowd::open(url, recipients, listen).await?;
                score.play(timing, observer, || score.tell_news(&crowd, window)).await
            }
            _ => Err(Failure::NotForClients),
        }
    })
}

/// Clients connect, then there is silence, and the memory of this process is looked at.
async fn be_silent(
    url: &str,
    links: usize,
    timing: Timing,
    observer: &mut Observer,
) -> Result<Measurement, Failure> {
    let ourselves = Observer::new(std::process::id());
    let before = ourselves.memory()?;
    observer.begin()?;
    let crowd = Crowd::open(url, links, |_, _| {}).await?;
    let cost = observer.end()?;
    tokio::time::sleep(timing.silence).await;
    let after = ourselves.memory()?;
    crowd.are_connected()?;
    let units = links as u64;
    let each = |before: u64, after: u64| {
        statistics::per(after.saturating_sub(before), units).unwrap_or_default()
    };
    let memory = Footprint {
        pss: each(before.pss, after.pss),
        anonymous: each(before.anonymous, after.anonymous),
    };
    let latency = histogram::Histogram::new();
    Ok(Measurement { units, reordered: 0, cost, latency, memory: Some(memory) })
}

/// How long it may take until everybody is connected.
pub const PATIENCE: Duration = Duration::from_mins(1);
