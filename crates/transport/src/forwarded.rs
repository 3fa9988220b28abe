//! Where a request came from, if proxies in front may be believed: `X-Forwarded-For`.
//!
//! Each proxy adds the address that it was spoken to from, so the header is read from its end: the last entry
//! was written by whoever speaks to us, and counts if that one is trusted; then the entry before it, and so on.
//! What a client has written itself stands in front, and is never reached.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;
use ipnet::IpNet;

/// The proxies in front of the server, whose `X-Forwarded-For` is believed. Default: none is.
///
/// Either how many there are, or in which networks they are. Counting is for servers that nobody can reach but
/// through them; it also takes proxies whose address is not known, as over a Unix socket. By networks, an
/// entry counts only if it was written from an address in one of them.
///
/// ```
/// use sockeye_transport::Proxies;
///
/// let one = Proxies::from(1);
/// assert_eq!("1".parse(), Ok(one));
/// let balancers: Proxies = "10.0.0.0/8, fd00::/8, 192.0.2.7".parse()?;
/// assert!("10.0.0.0/40".parse::<Proxies>().is_err());
/// # Ok::<(), sockeye_transport::NoProxies>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxies(Trust);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Trust {
    /// So many of the nearest.
    Nearest(usize),
    /// Those in here.
    Within(Box<[IpNet]>),
}

impl Default for Proxies {
    fn default() -> Self {
        Proxies::from(0)
    }
}

/// So many proxies, one behind the other.
impl From<usize> for Proxies {
    fn from(count: usize) -> Self {
        Proxies(Trust::Nearest(count))
    }
}

/// A number, or networks with commas in between; an address is a network of its own.
impl FromStr for Proxies {
    type Err = NoProxies;

    fn from_str(text: &str) -> Result<Self, NoProxies> {
        if let Ok(count) = text.trim().parse() {
            return Ok(Proxies(Trust::Nearest(count)));
        }
        let networks = text.split(',').map(str::trim).map(|name| {
            let alone = || name.parse::<IpAddr>().map(IpNet::from);
            name.parse::<IpNet>().or_else(|_| alone()).map_err(|_| NoProxies(name.to_owned()))
        });
        networks.collect::<Result<_, _>>().map(|networks| Proxies(Trust::Within(networks)))
    }
}

/// A text that says neither how many proxies there are nor where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoProxies(String);

impl fmt::Display for NoProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoProxies(name) = self;
        write!(f, "`{name}` is neither a number of proxies nor a network such as 10.0.0.0/8")
    }
}

impl Error for NoProxies {}

impl Proxies {
    /// Where a request came from that `peer` has brought. The port is 0 where a proxy does not tell it.
    pub(crate) fn origin(
        &self,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Option<SocketAddr> {
        let mut origin = peer;
        for (hop, entry) in entries(headers).enumerate() {
            if !self.trusts(hop, origin) {
                break;
            }
            // What is no address, `unknown` say, is as far as can be seen.
            let Some(address) = address(entry) else { break };
            origin = Some(address);
        }
        origin
    }

    fn trusts(&self, hop: usize, writer: Option<SocketAddr>) -> bool {
        match &self.0 {
            Trust::Nearest(count) => hop < *count,
            Trust::Within(networks) => writer.is_some_and(|writer| {
                let writer = writer.ip().to_canonical();
                networks.iter().any(|network| network.contains(&writer))
            }),
        }
    }
}

/// The entries of all header lines, the last one first.
fn entries(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all("x-forwarded-for").into_iter().rev();
    lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')).map(str::trim)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(entry: &str) -> Option<SocketAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let ip = bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    ip.or_else(|_| entry.parse()).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PEER: &str = "10.0.0.1:4000";

    /// Who speaks, if these are the header's lines.
    fn origin(proxies: &str, peer: &str, lines: &[&'static str]) -> Option<String> {
        let proxies: Proxies = proxies.parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        proxies.origin(&headers, peer.parse().ok()).map(|address| address.to_string())
    }

    #[test]
    fn nobody_is_believed_unless_somebody_says_so() {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static("6.6.6.6"),
        )]);
        let peer = PEER.parse().ok();
        assert_eq!(Proxies::default().origin(&headers, peer), peer);
        assert_eq!(origin("0", PEER, &["6.6.6.6"]).unwrap(), PEER);
    }

    #[test]
    fn what_a_client_writes_in_front_of_the_proxies_entries_is_not_believed() {
        let lies = ["6.6.6.6, 192.0.2.1"];
        assert_eq!(origin("1", PEER, &lies).unwrap(), "192.0.2.1:0");
        assert_eq!(origin("10.0.0.0/8", PEER, &lies).unwrap(), "192.0.2.1:0");
        let lies = ["6.6.6.6", "10.9.9.9, 192.0.2.1", "10.0.0.2"];
        assert_eq!(origin("2", PEER, &lies).unwrap(), "192.0.2.1:0");
        assert_eq!(origin("10.0.0.0/8", PEER, &lies).unwrap(), "192.0.2.1:0");
    }

    #[test]
    fn a_peer_outside_of_the_networks_is_not_believed() {
        assert_eq!(origin("10.0.0.0/8", "192.0.2.1:1", &["6.6.6.6"]).unwrap(), "192.0.2.1:1");
        assert_eq!(origin("10.0.0.0/8", "unknown", &["6.6.6.6"]), None);
        let mapped = "[::ffff:10.0.0.1]:1";
        assert_eq!(origin("10.0.0.0/8", mapped, &["192.0.2.1"]).unwrap(), "192.0.2.1:0");
    }

    #[test]
    fn a_header_that_is_shorter_than_the_way_or_says_nothing_ends_where_it_can_be_seen() {
        assert_eq!(origin("3", PEER, &["192.0.2.1"]).unwrap(), "192.0.2.1:0");
        assert_eq!(origin("1", PEER, &[]).unwrap(), PEER);
        for nothing in ["", ",", "unknown", "192.0.2.1,", "_hidden", "192.0.2.1.5"] {
            assert_eq!(origin("1", PEER, &[nothing]).unwrap(), PEER, "{nothing}");
        }
        assert_eq!(origin("2", PEER, &["6.6.6.6, nonsense, 192.0.2.1"]).unwrap(), "192.0.2.1:0");
    }

    #[test]
    fn a_proxy_without_an_address_counts_as_one() {
        assert_eq!(origin("1", "over a Unix socket", &["192.0.2.1"]).unwrap(), "192.0.2.1:0");
    }

    #[test]
    fn addresses_are_read_in_the_ways_in_which_proxies_write_them() {
        let written = ["192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"];
        let read = ["192.0.2.1:80", "[2001:db8::1]:0", "[2001:db8::1]:0", "[2001:db8::1]:80"];
        for (written, read) in written.into_iter().zip(read) {
            assert_eq!(origin("1", PEER, &[written]).unwrap(), read);
        }
    }
}
