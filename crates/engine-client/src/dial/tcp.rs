//! TCP: whichever address of the host answers first (RFC 8305, in a simple form).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time;

use super::Stream;

/// How long an address may think before the next one is tried beside it (RFC 8305, 5).
const HEAD_START: Duration = Duration::from_millis(250);

pub(super) async fn connect(host: &str, port: u16) -> io::Result<Stream> {
    let addresses = tokio::net::lookup_host((host, port)).await?;
    let stream = race(in_turns(addresses.collect())).await?;
    // Packets are gathered here; the kernel must not hold them back as well.
    stream.set_nodelay(true)?;
    Ok(stream.into())
}

/// The families take turns, so that one that leads nowhere does not hold up the other (RFC 8305, 4). The system's order
/// says which is first.
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else { return addresses };
    let count = addresses.len();
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut turns = Vec::with_capacity(count);
    while turns.len() < count {
        turns.extend(one.next());
        turns.extend(other.next());
    }
    turns
}

/// Starts with the first; one more joins when the last one has had its head start, or has failed. The first failure is the
/// one that is told: it is about the address that the system likes best.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut addresses = addresses.into_iter();
    let mut racing = FuturesUnordered::new();
    let mut failed = None;
    loop {
        let next = addresses.next();
        let is_last = next.is_none();
        racing.extend(next.map(TcpStream::connect));
        let head_start = time::sleep(HEAD_START);
        tokio::select! {
            Some(outcome) = racing.next() => match outcome {
                Ok(stream) => return Ok(stream),
                Err(problem) => failed = failed.or(Some(problem)),
            },
            () = head_start, if !is_last => {}
            else => return Err(failed.unwrap_or_else(no_address)),
        }
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_the_first_one_stays_first() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"];
        let turns = in_turns(addresses.map(|address| address.parse().unwrap()).to_vec());
        let order = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"];
        assert_eq!(turns, order.map(|address| address.parse().unwrap()));
    }
}
