//! Who comes from where, and how often: the limits on addresses.
//!
//! An IPv4 address counts by itself, one of IPv6 with its /64: a household or a machine has all of it. A client without
//! an address (on a Unix socket, with nobody in front who is believed) is let in by whoever owns the socket, and is
//! not counted.

use std::collections::HashMap;
use std::hash::RandomState;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::rate::{Bucket, Rate};
use crate::stats::Refused;

/// Limits on clients that are the server's alone to keep. All are off unless they are set: behind a proxy that is
/// not [trusted](crate::Config::proxies) everybody has the same address.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Most sessions from one address at a time; past it, a handshake is answered with 429.
    pub connections_per_address: Option<u32>,
    /// How often one address may open a session; past it, a handshake is answered with 429 and `Retry-After`.
    pub handshakes_per_address: Option<Rate>,
    /// How often a session may be opened at all; past it, a handshake is answered with 503 and `Retry-After`.
    pub handshakes: Option<Rate>,
    /// How many bytes one session may send; past it, it is read more slowly.
    pub bytes: Option<Rate>,
}

/// Why a handshake is refused, and when it may be tried again.
pub(crate) type Denied = (Refused, Option<Duration>);

/// The part of an address by which it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u16; 4]),
}

impl Network {
    fn of(address: SocketAddr) -> Network {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => Network::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [first, second, third, fourth, ..] = ip.segments();
                Network::V6([first, second, third, fourth])
            }
        }
    }
}

/// The addresses of a server.
pub(crate) struct Addresses {
    limits: Limits,
    origin: Instant,
    /// Guards the table: for a look-up.
    table: Mutex<Table>,
}

impl Addresses {
    /// `None` if there is nothing to count.
    pub(crate) fn new(limits: Limits) -> Option<Arc<Addresses>> {
        let Limits { connections_per_address, handshakes_per_address, handshakes, bytes: _ } =
            limits;
        let rates = handshakes_per_address.is_some() || handshakes.is_some();
        (rates || connections_per_address.is_some()).then(|| {
            let table = Mutex::default();
            Arc::new(Addresses { limits, origin: Instant::now(), table })
        })
    }

    /// Somebody wants to open a session.
    pub(crate) fn knock(&self, address: Option<SocketAddr>) -> Result<(), Denied> {
        self.table.lock().knock(&self.limits, address.map(Network::of), self.origin.elapsed())
    }

    /// One session more from there; it counts until what comes back is dropped.
    pub(crate) fn enter(self: &Arc<Self>, address: Option<SocketAddr>) -> Result<Place, Denied> {
        let (Some(most), Some(address)) = (self.limits.connections_per_address, address) else {
            return Ok(Place(None));
        };
        let network = Network::of(address);
        if self.table.lock().enter(network, most) {
            return Ok(Place(Some((Arc::clone(self), network))));
        }
        Err((Refused::TooManyConnections, None))
    }

    /// How many addresses are remembered.
    pub(crate) fn count(&self) -> usize {
        let mut table = self.table.lock();
        table.visits.forget(self.origin.elapsed());
        table.open.len() + table.visits.len()
    }
}

/// A session of an address. Given back when it is dropped.
#[derive(Default)]
pub(crate) struct Place(Option<(Arc<Addresses>, Network)>);

impl Place {
    /// Whether anybody counts it.
    pub(crate) fn is_counted(&self) -> bool {
        self.0.is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((addresses, network)) = &self.0 {
            addresses.table.lock().leave(*network, addresses.origin.elapsed());
        }
    }
}

/// Who has sessions, and who has come lately.
#[derive(Default)]
struct Table {
    /// Bounded by the sessions.
    open: HashMap<Network, u32, RandomState>,
    visits: Visits,
    /// Of all handshakes.
    all: Bucket,
}

impl Table {
    fn knock(
        &mut self,
        limits: &Limits,
        network: Option<Network>,
        now: Duration,
    ) -> Result<(), Denied> {
        if let (Some(rate), Some(network)) = (limits.handshakes_per_address, network) {
            let bucket = self.visits.bucket(network, rate, now);
            rate.take(bucket, now).map_err(|wait| (Refused::TooManyHandshakes, Some(wait)))?;
        }
        if let Some(rate) = limits.handshakes {
            rate.take(&mut self.all, now).map_err(|wait| (Refused::Overloaded, Some(wait)))?;
        }
        Ok(())
    }

    fn enter(&mut self, network: Network, most: u32) -> bool {
        let sessions = self.open.get(&network).copied().unwrap_or(0);
        if sessions < most {
            self.open.insert(network, sessions + 1);
        }
        sessions < most
    }

    fn leave(&mut self, network: Network, now: Duration) {
        self.visits.forget(now);
        if let Some(sessions) = self.open.get_mut(&network) {
            *sessions -= 1;
            if *sessions == 0 {
                self.open.remove(&network);
            }
        }
        // What a rush has taken is given back when it is over.
        if self.open.capacity() > 64 && self.open.len() < self.open.capacity() / 4 {
            self.open.shrink_to(self.open.len() * 2);
        }
    }
}

/// Most addresses in each half of what is remembered of visits.
const MOST: usize = 32_768;

/// Who has come lately, in two halves: when the time of an empty bucket to be full is over, or the new half is full, it
/// becomes the old one, and who has not come since is forgotten with the half before. In time that loses nothing, for
/// their buckets are full; past the bound it loses those who have not come for longest.
#[derive(Default)]
struct Visits {
    new: HashMap<Network, Bucket, RandomState>,
    old: HashMap<Network, Bucket, RandomState>,
    /// When the halves change next.
    turn_at: Duration,
    refill: Duration,
}

impl Visits {
    fn len(&self) -> usize {
        self.new.len() + self.old.len()
    }

    fn bucket(&mut self, network: Network, rate: Rate, now: Duration) -> &mut Bucket {
        self.refill = rate.refill();
        self.forget(now);
        if self.new.len() >= MOST && !self.new.contains_key(&network) {
            self.turn(now);
        }
        let old = self.old.remove(&network).unwrap_or_default();
        self.new.entry(network).or_insert(old)
    }

    fn forget(&mut self, now: Duration) {
        if now < self.turn_at {
            return;
        }
        // Nobody has come since the halves should have changed: both are over.
        let both = self.turn_at.saturating_add(self.refill) <= now;
        self.turn(now);
        if both {
            self.old = HashMap::default();
        }
    }

    fn turn(&mut self, now: Duration) {
        self.old = std::mem::take(&mut self.new);
        self.turn_at = now.saturating_add(self.refill);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(SocketAddr::new(address.parse().unwrap(), 1000))
    }

    fn number(number: u32) -> Network {
        Network::V4(number.to_be_bytes())
    }

    #[test]
    fn addresses_of_ipv6_count_by_64_bits_and_mapped_ones_as_what_they_are() {
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn one_address_that_hammers_takes_nothing_away_from_the_others() {
        let limits = Limits {
            handshakes_per_address: Some(Rate::per_second(1).burst(3)),
            handshakes: Some(Rate::per_second(10)),
            ..Limits::default()
        };
        let (mut table, now) = (Table::default(), Duration::from_secs(100));
        let hammered =
            (0..1000).filter(|_| table.knock(&limits, Some(number(1)), now).is_ok()).count();
        assert_eq!(hammered, 3);
        let (why, wait) = table.knock(&limits, Some(number(1)), now).unwrap_err();
        assert_eq!((why, wait), (Refused::TooManyHandshakes, Some(Duration::from_secs(1))));
        assert_eq!(
            (2..100).filter(|n| table.knock(&limits, Some(number(*n)), now).is_ok()).count(),
            7
        );
        assert_eq!(
            table.knock(&limits, Some(number(200)), now).unwrap_err().0,
            Refused::Overloaded
        );
    }

    #[test]
    fn a_client_without_an_address_counts_among_all_only() {
        let limits = Limits {
            handshakes_per_address: Some(Rate::per_second(1)),
            handshakes: Some(Rate::per_second(5)),
            ..Limits::default()
        };
        let mut table = Table::default();
        let come = |_: &i32| table.knock(&limits, None, Duration::ZERO).is_ok();
        assert_eq!((0..10).filter(come).count(), 5);
        assert_eq!(table.visits.len(), 0);
    }

    #[test]
    fn the_addresses_of_a_flood_are_bounded_and_forgotten_when_their_time_is_over() {
        let rate = Rate::per_second(1).burst(10);
        let limits = Limits { handshakes_per_address: Some(rate), ..Limits::default() };
        let mut table = Table::default();
        for n in 0..200_000 {
            let _ = table.knock(&limits, Some(number(n)), Duration::from_secs(1));
            assert!(table.visits.len() <= 2 * MOST);
        }
        table.visits.forget(Duration::from_secs(12));
        assert!(table.visits.len() <= MOST, "the older half is gone");
        table.visits.forget(Duration::from_secs(22));
        assert_eq!(table.visits.len(), 0);
        assert_eq!(table.visits.new.capacity() + table.visits.old.capacity(), 0);
    }

    #[test]
    fn an_address_is_remembered_for_as_long_as_it_has_something_to_wait_for() {
        let rate = Rate::per_second(1).burst(10);
        let limits = Limits { handshakes_per_address: Some(rate), ..Limits::default() };
        let mut table = Table::default();
        let mut let_in = 0;
        for second in 0..100 {
            let come = |_: &i32| {
                table.knock(&limits, Some(number(7)), Duration::from_secs(second)).is_ok()
            };
            let_in += (0..5).filter(come).count();
        }
        assert_eq!(let_in, 10 + 99, "its bucket, and one for each second");
    }

    #[test]
    fn sessions_are_counted_while_they_are_open_and_their_table_shrinks() {
        let mut table = Table::default();
        for n in 0..1000 {
            let network = number(n);
            assert!(table.enter(network, 2) && table.enter(network, 2) && !table.enter(network, 2));
        }
        for n in 0..1000 {
            (0..2).for_each(|_| table.leave(number(n), Duration::ZERO));
        }
        assert_eq!(table.open.len(), 0);
        assert!(table.open.capacity() <= 64, "{}", table.open.capacity());
        assert!(table.enter(number(1), 1));
    }
}
