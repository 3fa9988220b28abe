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
    let stream = race(in_turns(addresses.collect()), TcpStream::connect).await?;
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
async fn race<S, F>(addresses: Vec<SocketAddr>, connect: impl Fn(SocketAddr) -> F) -> io::Result<S>
where
    F: Future<Output = io::Result<S>>,
{
    let mut addresses = addresses.into_iter();
    let mut racing = FuturesUnordered::new();
    let mut failed = None;
    loop {
        let next = addresses.next();
        let is_last = next.is_none();
        racing.extend(next.map(&connect));
        tokio::select! {
            Some(outcome) = racing.next() => match outcome {
                Ok(stream) => return Ok(stream),
                Err(problem) => failed = failed.or(Some(problem)),
            },
            () = time::sleep(HEAD_START), if !is_last => {}
            else => return Err(failed.unwrap_or_else(no_address)),
        }
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    fn addresses<const N: usize>(texts: [&str; N]) -> Vec<SocketAddr> {
        texts.map(|address| address.parse().unwrap()).to_vec()
    }

    /// Port 1 says no, port 2 never answers, any other says yes after so many milliseconds.
    async fn connect(address: SocketAddr) -> io::Result<SocketAddr> {
        match address.port() {
            1 => Err(io::Error::other(address.to_string())),
            2 => pending().await,
            delay => {
                time::sleep(Duration::from_millis(delay.into())).await;
                Ok(address)
            }
        }
    }

    /// Who won, and after how many milliseconds.
    async fn winner<const N: usize>(texts: [&str; N]) -> (Result<String, String>, u128) {
        let start = Instant::now();
        let outcome = race(addresses(texts), connect).await;
        let outcome = outcome.map(|winner| winner.to_string()).map_err(|error| error.to_string());
        (outcome, start.elapsed().as_millis())
    }

    #[test]
    fn families_take_turns_and_the_first_one_stays_first() {
        let turns =
            in_turns(addresses(["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]));
        let order = addresses(["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(turns, order);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_costs_a_quarter_of_a_second() {
        let won = Ok("3.3.3.3:100".to_owned());
        assert_eq!(winner(["1.1.1.1:2", "3.3.3.3:100"]).await, (won.clone(), 350));
        assert_eq!(winner(["1.1.1.1:2", "2.2.2.2:2", "3.3.3.3:100"]).await, (won, 600));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_says_no_costs_nothing() {
        let (won, after) = winner(["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:100"]).await;
        assert_eq!((won.as_deref(), after), (Ok("3.3.3.3:100"), 100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_may_still_win() {
        let (won, after) = winner(["1.1.1.1:300", "2.2.2.2:500"]).await;
        assert_eq!((won.as_deref(), after), (Ok("1.1.1.1:300"), 300));
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_answers_the_first_address_says_why() {
        let (told, _) = winner(["1.1.1.1:1", "2.2.2.2:1"]).await;
        assert_eq!(told, Err("1.1.1.1:1".to_owned()));
        assert_eq!(winner([]).await.0, Err("the name has no address".to_owned()));
    }
}
