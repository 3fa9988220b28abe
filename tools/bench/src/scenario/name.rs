//! Scenarios as words: `echo-100x16-32B`, `bcast-1000-k8`, `rooms-100x10`, `poll-100`, `idle-10k`;
//! and two for curves: `room-1000-k8`, `nsps-100x16-1000`.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Every connection talks with the server by itself.
    Talk {
        /// What comes back.
        kind: Kind,
        /// Connections.
        links: usize,
        /// How much is in flight.
        load: Load,
        /// Bytes of the payload.
        payload: usize,
    },
    /// One connection broadcasts to all, itself included.
    Broadcast {
        /// Connections.
        recipients: usize,
        /// How much is in flight.
        load: Load,
    },
    /// Everybody has one message to its room in flight.
    Rooms {
        /// Rooms.
        rooms: usize,
        /// Connections in each.
        members: usize,
    },
    /// All are in one room, and one of them speaks to it.
    Room {
        /// Connections.
        members: usize,
        /// How many messages are in flight.
        window: usize,
    },
    /// Echo in namespaces beside `/`: every connection is in some of them, and all of them are spoken to.
    Namespaces {
        /// Connections.
        links: usize,
        /// How many messages each has in flight.
        window: usize,
        /// Namespaces the server has, besides `/`.
        namespaces: usize,
    },
    /// Long-polling clients with one message in flight each.
    Polling {
        /// Clients, of two connections each.
        clients: usize,
    },
    /// Connections are made, then there is silence.
    Idle {
        /// Connections.
        links: usize,
    },
}

/// What comes back in [`Scenario::Talk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `message` is answered with `message-back`.
    Echo,
    /// `message-with-ack` is answered with an acknowledgement.
    Ack,
    /// `message` with an attachment is answered with `message-back` and the attachment.
    Binary,
}

/// How much is asked at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Closed loop: so many in flight; an answer lets the next one go.
    InFlight(usize),
    /// Open loop: so many per second in all, whether they are answered or not.
    PerSecond(u32),
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A question and its answer.
    RoundTrip,
    /// A message to one recipient.
    Delivery,
    /// A connection made.
    Connection,
}

/// More connections than this are not asked for.
const MOST_LINKS: usize = 20_000;
/// No connection is in more namespaces than this: servers have bounds, too.
const MOST_NAMESPACES: usize = 60;
/// No more than this is in flight on a connection.
const MOST_IN_FLIGHT: usize = 64;
/// The largest room: what each member heard from each other is remembered.
const MOST_MEMBERS: usize = 100;
/// The largest payload.
const MOST_BYTES: usize = 64 * 1024;
/// The smallest payload: room for the numbers in it.
const LEAST_BYTES: usize = 16;

impl Scenario {
    /// What one of its units is.
    pub fn unit(self) -> Unit {
        match self {
            Self::Talk { .. } | Self::Polling { .. } | Self::Namespaces { .. } => Unit::RoundTrip,
            Self::Broadcast { .. } | Self::Rooms { .. } | Self::Room { .. } => Unit::Delivery,
            Self::Idle { .. } => Unit::Connection,
        }
    }

    /// How many connections it takes.
    pub fn connections(self) -> usize {
        match self {
            Self::Talk { links, .. } | Self::Idle { links } | Self::Namespaces { links, .. } => {
                links
            }
            Self::Room { members, .. } => members,
            Self::Broadcast { recipients, .. } => recipients,
            Self::Rooms { rooms, members } => rooms.saturating_mul(members),
            Self::Polling { clients } => clients.saturating_mul(2),
        }
    }

    /// What the server finds in its environment.
    pub fn variables(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Namespaces { namespaces, .. } => vec![("NAMESPACES", namespaces.to_string())],
            _ => Vec::new(),
        }
    }

    /// The scenarios of the table in `docs/performance.md`.
    pub fn usual() -> Vec<Self> {
        all(&USUAL)
    }

    /// A few that say the most in the least time.
    pub fn quick() -> Vec<Self> {
        all(&QUICK)
    }

    /// Every combination the profile `bench` names.
    pub fn every() -> Vec<Self> {
        let mut every = Vec::new();
        for links in [1, 100, 1000] {
            for load in [1, 16].map(Load::InFlight) {
                for payload in [32, 1024] {
                    every.push(Self::Talk { kind: Kind::Echo, links, load, payload });
                }
                every.push(Self::Talk { kind: Kind::Ack, links, load, payload: 32 });
            }
        }
        every.extend(Self::usual().into_iter().filter(|usual| !usual.is_closed_text()));
        every
    }

    fn is_closed_text(self) -> bool {
        matches!(self, Self::Talk { kind: Kind::Echo | Kind::Ack, load: Load::InFlight(_), .. })
    }

    /// Scenarios from a list of words: names, `all`, `usual`, `quick`, or the beginning of the names of usual ones.
    ///
    /// # Errors
    ///
    /// [`NameError`] for a word that is none of these.
    pub fn select(words: &[String]) -> Result<Vec<Self>, NameError> {
        let mut chosen = Vec::new();
        for word in words {
            match word.as_str() {
                "all" => chosen.extend(Self::every()),
                "usual" => chosen.extend(Self::usual()),
                "quick" => chosen.extend(Self::quick()),
                _ => {
                    let usual = Self::usual();
                    let family: Vec<Self> = usual
                        .into_iter()
                        .filter(|name| name.to_string().starts_with(word))
                        .collect();
                    match word.parse() {
                        Ok(scenario) => chosen.push(scenario),
                        Err(_) if !family.is_empty() => chosen.extend(family),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        let mut seen = Vec::new();
        chosen.retain(|scenario| {
            !seen.contains(scenario) && {
                seen.push(*scenario);
                true
            }
        });
        Ok(chosen)
    }
}

const USUAL: [&str; 17] = [
    "echo-1x1-32B",
    "echo-100x16-32B",
    "echo-1000x1-32B",
    "echo-1000x16-32B",
    "echo-100x16-1KiB",
    "ack-100x16-32B",
    "ack-1000x1-32B",
    "bin-100x16-1KiB",
    "bcast-1000-k1",
    "bcast-1000-k8",
    "bcast-5000-k1",
    "bcast-5000-k8",
    "rooms-100x10",
    "poll-100",
    "echo-100@5k/s-32B",
    "bcast-1000@20/s",
    "idle-10k",
];

const QUICK: [&str; 9] = [
    "echo-100x16-32B",
    "echo-1000x1-32B",
    "ack-100x16-32B",
    "bin-100x16-1KiB",
    "bcast-1000-k1",
    "bcast-1000-k8",
    "rooms-100x10",
    "poll-100",
    "idle-1k",
];

fn all(names: &[&str]) -> Vec<Scenario> {
    names.iter().map(|name| name.parse().expect("the built-in names are right")).collect()
}

/// A word that names no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no scenario `{word}`: {why}. Names look like echo-100x16-32B, ack-1000x1-32B, bin-100x16-1KiB, \
     echo-100@5k/s-32B, bcast-1000-k8, bcast-1000@20/s, rooms-100x10, poll-100, idle-10k; also: usual, quick, all"
)]
pub struct NameError {
    word: String,
    why: &'static str,
}

impl FromStr for Scenario {
    type Err = NameError;

    fn from_str(word: &str) -> Result<Self, NameError> {
        let error = |why| NameError { word: word.to_owned(), why };
        let scenario = parse(word).ok_or_else(|| error("its parts are not understood"))?;
        scenario.check().map_err(error)?;
        Ok(scenario)
    }
}

fn parse(word: &str) -> Option<Scenario> {
    let mut parts = word.split('-');
    let family = parts.next()?;
    let size = parts.next()?;
    let rest = parts.next();
    let scenario = match family {
        "echo" => talk(Kind::Echo, size, rest?)?,
        "ack" => talk(Kind::Ack, size, rest?)?,
        "bin" => talk(Kind::Binary, size, rest?)?,
        "bcast" => broadcast(size, rest)?,
        "rooms" if rest.is_none() => {
            let (rooms, members) = size.split_once('x')?;
            Scenario::Rooms { rooms: count(rooms)?, members: count(members)? }
        }
        "room" => {
            Scenario::Room { members: count(size)?, window: count(rest?.strip_prefix('k')?)? }
        }
        "nsps" => {
            let (links, window) = size.split_once('x')?;
            let (links, window, namespaces) = (count(links)?, count(window)?, count(rest?)?);
            Scenario::Namespaces { links, window, namespaces }
        }
        "poll" if rest.is_none() => Scenario::Polling { clients: count(size)? },
        "idle" if rest.is_none() => Scenario::Idle { links: count(size)? },
        _ => return None,
    };
    parts.next().is_none().then_some(scenario)
}

fn talk(kind: Kind, size: &str, payload: &str) -> Option<Scenario> {
    let payload = match payload.strip_suffix("KiB") {
        Some(kibibytes) => count(kibibytes)?.checked_mul(1024)?,
        None => count(payload.strip_suffix('B')?)?,
    };
    let (links, load) = match size.split_once('x') {
        Some((links, window)) => (links, Load::InFlight(count(window)?)),
        None => open_loop(size)?,
    };
    Some(Scenario::Talk { kind, links: count(links)?, load, payload })
}

fn broadcast(size: &str, window: Option<&str>) -> Option<Scenario> {
    let (recipients, load) = match window {
        Some(window) => (size, Load::InFlight(count(window.strip_prefix('k')?)?)),
        None => open_loop(size)?,
    };
    Some(Scenario::Broadcast { recipients: count(recipients)?, load })
}

fn open_loop(size: &str) -> Option<(&str, Load)> {
    let (links, rate) = size.split_once('@')?;
    let rate = count(rate.strip_suffix("/s")?)?;
    Some((links, Load::PerSecond(u32::try_from(rate).ok()?)))
}

fn count(digits: &str) -> Option<usize> {
    match digits.strip_suffix('k') {
        Some(thousands) => thousands.parse::<usize>().ok()?.checked_mul(1000),
        None => digits.parse().ok(),
    }
}

impl Scenario {
    /// Load is bounded, whatever is asked for.
    fn check(self) -> Result<(), &'static str> {
        if !(1..=MOST_LINKS).contains(&self.connections()) {
            return Err("it needs between 1 and 20000 connections");
        }
        let (load, payload) = match self {
            Self::Talk { load, payload, .. } => (load, payload),
            Self::Broadcast { load, .. } => (load, LEAST_BYTES),
            Self::Rooms { members, .. } if members > MOST_MEMBERS => {
                return Err("a room has between 1 and 100 members");
            }
            Self::Namespaces { links, namespaces, .. }
                if namespaces == 0 || namespaces.div_ceil(links) > MOST_NAMESPACES =>
            {
                return Err("a connection is in between 1 and 60 namespaces");
            }
            Self::Namespaces { window, .. } | Self::Room { window, .. } => {
                (Load::InFlight(window), LEAST_BYTES)
            }
            _ => return Ok(()),
        };
        match load {
            Load::InFlight(1..=MOST_IN_FLIGHT) | Load::PerSecond(1..=1_000_000) => {}
            Load::InFlight(_) => return Err("between 1 and 64 messages may be in flight"),
            Load::PerSecond(_) => {
                return Err("between 1 and 1000000 messages may be sent per second");
            }
        }
        if !(LEAST_BYTES..=MOST_BYTES).contains(&payload) {
            return Err("a payload has between 16 bytes and 64 KiB");
        }
        Ok(())
    }
}

impl Display for Scenario {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Talk { kind, links, load, payload } => {
                match load {
                    Load::InFlight(window) => write!(f, "{kind}-{links}x{window}-")?,
                    Load::PerSecond(rate) => write!(f, "{kind}-{links}@{rate}/s-")?,
                }
                match payload {
                    kibibytes if kibibytes % 1024 == 0 => write!(f, "{}KiB", kibibytes / 1024),
                    bytes => write!(f, "{bytes}B"),
                }
            }
            Self::Broadcast { recipients, load: Load::InFlight(window) } => {
                write!(f, "bcast-{recipients}-k{window}")
            }
            Self::Broadcast { recipients, load: Load::PerSecond(rate) } => {
                write!(f, "bcast-{recipients}@{rate}/s")
            }
            Self::Rooms { rooms, members } => write!(f, "rooms-{rooms}x{members}"),
            Self::Room { members, window } => write!(f, "room-{members}-k{window}"),
            Self::Namespaces { links, window, namespaces } => {
                write!(f, "nsps-{links}x{window}-{namespaces}")
            }
            Self::Polling { clients } => write!(f, "poll-{clients}"),
            Self::Idle { links } => write!(f, "idle-{links}"),
        }
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Echo => "echo",
            Self::Ack => "ack",
            Self::Binary => "bin",
        })
    }
}

impl Display for Unit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoundTrip => "round trip",
            Self::Delivery => "delivery",
            Self::Connection => "connection",
        })
    }
}
