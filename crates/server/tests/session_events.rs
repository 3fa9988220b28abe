//! What happens to sessions of Engine.IO, told to whoever wants to know.

mod support;

use std::sync::Arc;
use std::time::Duration;

use sockeye::{Builder, SessionStep, Transport};
use support::{Client, Notes, Polling, io, pass, serve};

type Told = Arc<Notes<(u64, String)>>;

/// Notes every event of every session.
fn telling(builder: Builder) -> (Builder, Told) {
    let told = Notes::new();
    let notes: Told = Arc::clone(&told);
    let builder = builder.on_session_event(move |event| {
        let what = match event.what {
            SessionStep::Failing(words) => format!("failing: {words}"),
            SessionStep::Closed(reason) => format!("closed: {reason}"),
            SessionStep::Upgraded => {
                assert_eq!(event.transport, Transport::WebSocket);
                "upgraded".to_owned()
            }
            other => format!("{other:?}").to_lowercase(),
        };
        notes.add((event.session, what));
    });
    (builder, told)
}

async fn expect(told: &Told, steps: &[&str]) -> u64 {
    let mut session = None;
    for step in steps {
        let (of, what) = told.next().await;
        assert_eq!(what, *step);
        assert_eq!(*session.get_or_insert(of), of);
    }
    session.unwrap()
}

#[tokio::test]
async fn a_session_that_opens_answers_a_ping_and_goes_is_told_of_step_by_step() {
    let (builder, told) = telling(sockeye::Io::builder());
    let io = builder.ping_interval(Duration::from_secs(10)).build().unwrap();
    let address = serve(&io).await;
    let (mut client, _) = Client::join(address).await;
    let first = expect(&told, &["opened"]).await;
    pass(Duration::from_secs(10)).await;
    client.send("3").await;
    assert_eq!(expect(&told, &["heartbeat"]).await, first);
    client.send("1").await;
    assert_eq!(expect(&told, &["closed: transport close"]).await, first);
    let (mut client, _) = Client::join(address).await;
    client.send("x").await;
    let words = "failing: peer sent a packet of type 'x'; expected 0 to 6 or b";
    expect(&told, &["opened", words, "closed: parse error"]).await;
    assert!(told.so_far().is_empty());
}

#[tokio::test]
async fn an_upgrade_is_told_of_when_it_begins_and_when_it_is_done() {
    let (builder, told) = telling(sockeye::Io::builder());
    let io = builder.build().unwrap();
    let polling = Polling::open(serve(&io).await, "/socket.io/").await;
    let mut candidate = Client::candidate(&polling).await;
    candidate.send("2probe").await;
    candidate.expect("3probe").await;
    candidate.send("5").await;
    expect(&told, &["opened", "upgrading", "upgraded"]).await;
    drop(polling);
    candidate.hang_up();
    let (_, closed) = told.next().await;
    assert!(closed.starts_with("closed") || closed.starts_with("failing"), "{closed}");
}

#[tokio::test]
async fn whoever_panics_when_told_of_a_session_harms_nobody() {
    let io = io(|io| io.on_session_event(|_| panic!("on purpose")));
    support::with_sync(&io);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.sync().await;
}

#[tokio::test]
async fn every_session_that_opened_is_told_of_once_when_the_server_ends() {
    let (builder, told) = telling(sockeye::Io::builder());
    let io = builder.build().unwrap();
    let address = serve(&io).await;
    let stalled = Client::join(address).await.0.stall();
    let (mut client, _) = Client::join(address).await;
    expect(&told, &["opened"]).await;
    expect(&told, &["opened"]).await;
    let ((), _) = tokio::join!(io.close(Duration::from_secs(1)), client.rest());
    let mut closed: Vec<_> = [told.next().await, told.next().await].into();
    closed.sort_unstable();
    closed.dedup_by_key(|(session, _)| *session);
    assert_eq!(closed.len(), 2);
    assert!(closed.iter().all(|(_, what)| what == "closed: server shutting down"), "{closed:?}");
    assert!(told.so_far().is_empty());
    drop(stalled);
}
