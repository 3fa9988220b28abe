//! While the log takes nothing: notices of gaps are told until their clients have them, and nothing overtakes what may
//! have been written.

mod support;

use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::Duration;

use log::Clock;
use log::store::simulated::Simulated;
use serde_json::{Value, json};
use sockeye::{Durability, Io, Log, LogOptions};
use support::durable::Guest;
use support::{io, serve, soon, with_sync};

/// A store, a log over it that writes by turns, and a server.
struct House {
    disk: Simulated,
    log: Log,
    clock: Clock,
    io: Io,
    address: SocketAddr,
}

impl House {
    async fn open() -> House {
        let disk = Simulated::new(1);
        let clock = Clock::by_hand();
        let options = LogOptions { clock: clock.clone(), ..LogOptions::default() };
        let log = Log::by_hand(disk.clone(), options).expect("it opens");
        let io = io(|io| io.log(log.clone()));
        io.of("/").durable(Durability::Async);
        with_sync(&io);
        let address = serve(&io).await;
        House { disk, log, clock, io, address }
    }

    /// The log's writer takes its turns meanwhile.
    async fn writing<T>(&self, what: impl Future<Output = T>) -> T {
        let mut what = Box::pin(what);
        soon(poll_fn(|cx| {
            self.log.turn();
            cx.waker().wake_by_ref();
            what.as_mut().poll(cx)
        }))
        .await
    }

    async fn join(&self) -> Guest {
        self.writing(Guest::join(self.address)).await
    }

    /// Nothing is written any more.
    fn break_down(&self) {
        self.disk.fail_appends(usize::MAX);
    }
}

fn told(gap: &Value) -> [Value; 1] {
    [json!(["sockeye:gap", gap, null])]
}

#[tokio::test]
async fn a_notice_that_the_log_does_not_take_is_told_until_its_client_has_it() {
    let house = House::open().await;
    let mut guest = house.join().await;
    house.break_down();
    let unknown = told(&json!({ "reason": "unknown-session" }));
    // It has the answer to its CONNECT, and its connection breaks before it has the notice.
    assert!(!house.writing(guest.come_as(r#"{"pid":"of earlier"}"#)).await);
    for _ in 0..2 {
        assert!(guest.come_back().await);
        // What it does not confirm, it may not have.
        guest.client.pongs = false;
        assert_eq!(guest.hear().await, unknown);
    }
    let confirmed = async {
        while guest.come_back().await && !guest.hear().await.is_empty() {
            // Reads the ping, and answers it.
            guest.hear().await;
        }
    };
    Box::pin(soon(confirmed)).await;
    assert!(guest.come_back().await);
    assert!(guest.hear().await.is_empty());
}

#[tokio::test]
async fn a_notice_that_the_log_loses_again_is_told_without() {
    let house = House::open().await;
    house.io.of("/").on_rejoin(async |_, _| false);
    let mut guest = house.join().await;
    house.io.socket(&guest.id).expect("it is connected").join("room").expect("taken");
    assert!(guest.come_back().await);
    house.log.turn();
    let rooms = json!({ "rooms": ["room"] });
    guest.next().await;
    assert_eq!(std::mem::take(&mut guest.heard), [json!(["sockeye:gap", rooms])], "the log has it");
    house.io.socket(&guest.id).expect("it is connected").join("room").expect("taken");
    house.log.turn();
    assert!(guest.come_back().await);
    house.break_down();
    house.log.turn();
    guest.next().await;
    assert_eq!(guest.heard, told(&rooms));
}

#[tokio::test]
async fn nothing_is_heard_before_what_has_failed_in_front_of_it_can_never_be_read() {
    let house = House::open().await;
    let mut guest = house.join().await;
    house.log.turn();
    house.disk.fail_syncs(1);
    let said =
        house.io.except("nobody").durability(Durability::Fsync).emit("fails", &()).expect("taken");
    house.io.emit("stays", &()).expect("taken");
    house.log.turn();
    said.stored().await.expect_err("the disk has not got it");
    assert!(guest.hear().await.is_empty(), "it may be on the disk all the same");
    house.clock.advance(Duration::from_secs(1));
    house.log.turn();
    guest.next().await;
    assert_eq!(guest.heard, [json!(["stays"])]);
}

#[tokio::test]
async fn the_first_event_in_memory_waits_until_the_log_knows_that_there_was_one() {
    let house = House::open().await;
    let mut guest = house.join().await;
    let say = |what: i32| {
        house
            .io
            .except("nobody")
            .durability(Durability::Memory)
            .emit("said", &what)
            .expect("taken");
    };
    say(1);
    say(2);
    assert!(guest.hear().await.is_empty(), "if the process ended now, nobody would know");
    house.log.turn();
    let first = [guest.next().await, guest.next().await];
    say(3);
    guest.next().await;
    assert_eq!(
        guest.heard,
        [json!(["said", 1]), json!(["said", 2]), json!(["said", 3])],
        "{first:?}"
    );
}
