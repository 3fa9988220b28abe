//! The scenarios of the profile `bench`.
//!
//! | file        | what                                                                       |
//! |-------------|----------------------------------------------------------------------------|
//! | `name`      | scenarios as words: `echo-100x16-32B`, `bcast-1000-k8`, …                    |
//! | `window`    | warm-up, measured window, waiting for the last answers                      |
//! | `schedule`  | when to send, where the rate is set and not the server's                    |
//! | `talk`      | echo, acknowledgements, binary: each connection by itself                   |
//! | `broadcast` | one sender, everybody receives                                             |
//! | `rooms`     | everybody sends to a few                                                   |
//! | `namespaces`| echo in many namespaces                                                    |
//! | `polling`   | long-polling clients                                                       |
//! | `idle`      | connections made, then silence                                             |

pub mod broadcast;
pub mod idle;
pub mod name;
pub mod namespaces;
pub mod polling;
pub mod rooms;
pub mod schedule;
pub mod talk;
pub mod window;

use std::net::SocketAddr;
use std::time::Duration;

use crate::client::Failure;
use crate::client::fleet::Fleet;
use crate::client::open::open;
use crate::histogram::Histogram;
use crate::process::observer::{Cost, Observer};
pub use name::Scenario;

/// How long it may take until every connection is where it belongs, in its room or its namespaces.
const JOIN: Duration = Duration::from_secs(20);

/// How long the parts of a measurement take.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Load before the first figure is taken.
    pub warm_up: Duration,
    /// The measured window.
    pub measure: Duration,
    /// Silence of the idle scenario.
    pub silence: Duration,
    /// How long answers that are still in flight after the window are waited for before they count as lost.
    pub drain: Duration,
}

/// What one run of one scenario against one server brought.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// What was counted: round trips, deliveries or connections, as [`Scenario::unit`] says.
    pub units: u64,
    /// Answers that overtook an older one.
    pub reordered: u64,
    /// What the units cost.
    pub cost: Cost,
    /// From the moment a message was due to its (last) answer.
    pub latency: Histogram,
    /// Bytes per connection, where they were measured.
    pub memory: Option<Footprint>,
}

/// Bytes one silent connection takes in the server.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Proportional set size, everything included.
    pub pss: f64,
    /// Of it, anonymous memory: heap and stacks.
    pub anonymous: f64,
}

/// Runs a scenario against a server that is ready and has served nobody yet.
///
/// # Errors
///
/// A [`Failure`] if an answer was lost, doubled or wrong, or the server went away.
pub fn run(
    scenario: Scenario,
    server: SocketAddr,
    timing: Timing,
    observer: &mut Observer,
) -> Result<Measurement, Failure> {
    let mut fleet = Fleet::new(server)?;
    match scenario {
        Scenario::Idle { links } => return idle::run(&mut fleet, links, timing, observer),
        Scenario::Polling { clients } => {
            let mut game = polling::Polling::open(&mut fleet, clients)?;
            return window::play(&mut fleet, &mut game, timing, observer);
        }
        _ => open(&mut fleet, scenario.connections())?,
    }
    match scenario {
        Scenario::Talk { kind, links, load, payload } => {
            let mut game = talk::Talk::new(kind, links, load, payload);
            window::play(&mut fleet, &mut window::Heard(&mut game), timing, observer)
        }
        Scenario::Broadcast { recipients, load } => {
            let mut game = broadcast::Broadcast::new(recipients, load);
            window::play(&mut fleet, &mut window::Heard(&mut game), timing, observer)
        }
        Scenario::Rooms { rooms, members } => {
            let mut game = rooms::Rooms::join(&mut fleet, rooms, members)?;
            window::play(&mut fleet, &mut window::Heard(&mut game), timing, observer)
        }
        Scenario::Room { members, window } => {
            rooms::join(&mut fleet, members, members)?;
            let mut game = broadcast::Broadcast::in_room(members, window);
            window::play(&mut fleet, &mut window::Heard(&mut game), timing, observer)
        }
        Scenario::Namespaces { links, window, namespaces } => {
            let mut game = namespaces::Namespaces::join(&mut fleet, links, window, namespaces)?;
            window::play(&mut fleet, &mut window::Heard(&mut game), timing, observer)
        }
        Scenario::Idle { .. } | Scenario::Polling { .. } => unreachable!("these have returned"),
    }
}
