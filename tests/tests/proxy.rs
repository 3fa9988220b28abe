//! The proxy that the client is tested through does what its words say.

use std::net::Ipv4Addr;
use std::time::Duration;

use sockeye_tests::DEADLINE;
use sockeye_tests::proxy::{Fate, Fault, Mixture, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A server that says back what it hears.
async fn echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    port
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.expect("it listens")
}

/// What comes back until the end of the stream.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await;
    // A reset after the bytes is an end too.
    let _ = read.expect("the connection ends");
    bytes
}

/// What comes back of six bytes and the end of the stream.
async fn six_through(fate: Fate) -> Vec<u8> {
    let proxy = Proxy::to(echo().await).await;
    proxy.fates(move |_| fate);
    let mut stream = connect(&proxy).await;
    let _ = stream.write_all(b"abcdef").await;
    let _ = stream.shutdown().await;
    rest(stream).await
}

#[tokio::test]
async fn everything_passes_where_nothing_goes_wrong() {
    assert_eq!(six_through(Fate::pass()).await, b"abcdef");
    assert_eq!(six_through(Fate::pass().late(Duration::from_millis(5))).await, b"abcdef");
}

#[tokio::test]
async fn a_connection_is_cut_after_so_many_bytes() {
    assert_eq!(six_through(Fate::pass().up(0, Fault::Cut)).await, b"");
    assert_eq!(six_through(Fate::pass().down(2, Fault::Cut)).await, b"ab");
    assert_eq!(six_through(Fate::pass().up(3, Fault::End)).await, b"abc");
}

#[tokio::test]
async fn one_byte_is_garbled() {
    let came = six_through(Fate::pass().up(2, Fault::Garble)).await;
    assert_eq!(came.len(), 6);
    assert_eq!((&came[..2], &came[3..]), (&b"ab"[..], &b"def"[..]));
    assert_ne!(came[2], b'c');
}

#[tokio::test]
async fn a_reset_is_seen_as_one() {
    let proxy = Proxy::to(echo().await).await;
    proxy.fates(|_| Fate::pass().up(3, Fault::Reset));
    let mut stream = connect(&proxy).await;
    stream.write_all(b"abc").await.expect("it is connected");
    let mut bytes = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.expect("it ends");
    assert_eq!(read.expect_err("a reset").kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn nobody_is_told_of_a_half_open_connection() {
    for fate in [
        Fate::pass().up(0, Fault::Swallow),
        Fate::pass().down(0, Fault::Swallow),
        Fate::pass().down(0, Fault::Stall),
        Fate::Ignore,
    ] {
        let proxy = Proxy::to(echo().await).await;
        proxy.fates(move |number| if number == 0 { fate } else { Fate::pass() });
        let mut quiet = connect(&proxy).await;
        quiet.write_all(b"abc").await.expect("it is connected");
        // What had to come has come when another connection has said so much.
        let mut other = connect(&proxy).await;
        for _ in 0..50 {
            other.write_all(b"d").await.expect("it is connected");
            assert_eq!(other.read_u8().await.expect("it comes back"), b'd');
        }
        let nothing = quiet.try_read(&mut [0; 8]).map_err(|error| error.kind());
        assert_eq!(nothing, Err(std::io::ErrorKind::WouldBlock), "{fate:?}");
    }
}

#[tokio::test]
async fn what_is_connected_can_be_cut_and_refused_and_sent_elsewhere() {
    let proxy = Proxy::to(echo().await).await;
    let mut stream = connect(&proxy).await;
    stream.write_all(b"a").await.expect("it is connected");
    assert_eq!(stream.read_u8().await.expect("it comes back"), b'a');
    assert_eq!((proxy.came(), proxy.open()), (1, 1));
    proxy.cut();
    assert_eq!(rest(stream).await, b"");
    proxy.down();
    // The listener is gone when its task is.
    while TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.is_ok() {
        tokio::task::yield_now().await;
    }
    proxy.up().await;
    proxy.retarget(echo().await);
    let mut stream = connect(&proxy).await;
    stream.write_all(b"b").await.expect("it is connected");
    assert_eq!(stream.read_u8().await.expect("it comes back"), b'b');
}

#[tokio::test]
async fn a_mixture_is_the_same_from_the_same_seed_and_has_everything_in_it() {
    let fates = |seed| {
        let mut mixture = Mixture::new(seed, 10_000).garbles();
        (0..500).map(|_| format!("{:?}", mixture.next_fate())).collect::<Vec<_>>()
    };
    assert_eq!(fates(7), fates(7));
    assert_ne!(fates(7), fates(8));
    for word in ["Close", "Ignore", "Cut", "Reset", "End", "Swallow", "Stall", "Garble", "None"] {
        assert!(fates(7).iter().any(|fate| fate.contains(word)), "no {word}");
    }
}
