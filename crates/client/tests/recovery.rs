//! Going on where the last connection, or the last run of the client, had ended.

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sockeye::{Durability, Io};
use sockeye_client::{Data, Event, FilePositions, Position, Positions, Received, Socket};
use support::Wire;
use support::heard::{Heard, settle};
use tokio::task::JoinHandle;

fn server() -> Io {
    let io = Io::builder().build().expect("a server");
    io.of("/").durable(Durability::Memory);
    io
}

#[tokio::test(start_paused = true)]
async fn a_socket_whose_connection_was_lost_is_recovered() {
    let wire = Wire::to(&server());
    let socket = wire.websocket_client().socket();
    socket.connect().await.unwrap();
    let id = socket.id();
    assert!(!socket.recovered());
    wire.cut();
    settle().await;
    let mut state = socket.state();
    state.wait_for(sockeye_client::SocketState::is_connected).await.unwrap();
    assert!(socket.recovered());
    assert_eq!(socket.id(), id);
}

#[tokio::test]
async fn a_client_that_is_started_anew_is_recovered_where_its_position_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("positions.json");
    let wire = Wire::to(&server());
    let open = || FilePositions::open(&path).expect("it opens");

    let positions = open();
    let client = wire.websocket_client_with(|builder| builder.positions(positions));
    let socket = client.socket();
    socket.connect().await.unwrap();
    let id = socket.id();
    wire.set_down(true);
    drop((client, socket));
    // The file is written when the last of the client is gone, or a moment later.
    while !std::fs::read_to_string(&path).is_ok_and(|text| text.contains("pid")) {
        tokio::task::yield_now().await;
    }
    wire.set_down(false);

    let client = wire.websocket_client_with(|builder| builder.positions(open()));
    let socket = client.socket();
    socket.connect().await.unwrap();
    assert!(socket.recovered());
    assert_eq!(socket.id(), id);
}

/// Positions that outlive a client, as a disk does.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<HashMap<String, Position>>>);

impl Positions for Disk {
    fn load(&self, namespace: &str) -> Option<Position> {
        self.0.lock().get(namespace).cloned()
    }
    fn store(&self, namespace: &str, position: &Position) {
        self.0.lock().insert(namespace.to_owned(), position.clone());
    }
}

/// A run of a client: on a runtime of its own, so that it may die in the middle of everything.
fn run<F: Future<Output = ()>>(
    wire: &Wire,
    disk: &Disk,
    live: impl FnOnce(Socket) -> F + Send + 'static,
) -> JoinHandle<()> {
    let (wire, disk) = (wire.clone(), disk.clone());
    tokio::task::spawn_blocking(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client =
            runtime.block_on(async { wire.websocket_client_with(|one| one.positions(disk)) });
        runtime.block_on(live(client.socket()));
        // No goodbye: its task is dropped where it is.
        wire.set_down(true);
        drop(runtime);
    })
}

#[tokio::test]
async fn a_client_that_dies_in_the_middle_of_a_handler_hears_that_event_again_and_misses_none() {
    let io = server();
    let (wire, disk, heard) = (Wire::to(&io), Disk::default(), Heard::new());
    let (server, note) = (io.clone(), heard.clone());
    let first = run(&wire, &disk, async move |socket| {
        let noting = note.clone();
        socket.on("event", move |Data(number): Data<u32>| {
            noting.note(number);
            async move {
                if number == 3 {
                    std::future::pending::<()>().await;
                }
            }
        });
        socket.connect().await.unwrap();
        for number in 1..=5 {
            server.emit("event", &number).unwrap();
        }
        note.first(5).await;
    });
    first.await.unwrap();
    assert_eq!(heard.all(), [1, 2, 3, 4, 5]);
    io.emit("event", &6).unwrap();
    wire.set_down(false);

    let again = Heard::new();
    let note = again.clone();
    let second = run(&wire, &disk, async move |socket| {
        let noting = note.clone();
        socket.on("event", move |Data(number): Data<u32>| {
            noting.note(number);
            async {}
        });
        socket.connect().await.unwrap();
        assert!(socket.recovered());
        while note.all().last() != Some(&6) {
            settle().await;
        }
    });
    second.await.unwrap();
    assert_eq!(again.all(), [3, 4, 5, 6], "what was finished does not come again");
}

/// The first argument; the last is the position.
fn number_of(event: &Received) -> u32 {
    event.args.parse::<(u32, String)>().expect("a number").0
}

#[tokio::test]
async fn a_pulled_event_comes_again_to_a_client_that_died_before_it_asked_for_the_next() {
    let io = server();
    let (wire, disk) = (Wire::to(&io), Disk::default());
    let server = io.clone();
    let first = run(&wire, &disk, async move |socket| {
        socket.connect().await.unwrap();
        for number in 1..=4 {
            server.emit("event", &number).unwrap();
        }
        for number in 1..=2 {
            let event = socket.recv().await.expect("it is connected");
            assert_eq!(number_of(&event), number);
        }
    });
    first.await.unwrap();
    io.emit("event", &5).unwrap();
    wire.set_down(false);

    let again = Heard::new();
    let note = again.clone();
    let second = run(&wire, &disk, async move |socket| {
        socket.connect().await.unwrap();
        while note.all().last() != Some(&5) {
            let event = socket.recv().await.expect("it is connected");
            note.note(number_of(&event));
        }
    });
    second.await.unwrap();
    assert_eq!(again.all(), [2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn what_is_missed_over_a_cut_reaches_handlers_once_and_in_its_order() {
    let io = server();
    let (wire, heard) = (Wire::to(&io), Heard::new());
    let socket = wire.websocket_client().socket();
    let note = heard.clone();
    socket.on("event", move |Data(number): Data<u32>| {
        note.note(number);
        async {}
    });
    socket.connect().await.unwrap();
    for number in 0..300_u32 {
        match number % 60 {
            20 => wire.cut(),
            30 => wire.set_down(true),
            45 => wire.set_down(false),
            _ => {}
        }
        io.emit("event", &number).unwrap();
        tokio::time::sleep(Duration::from_millis(number.into())).await;
    }
    assert_eq!(heard.first(300).await, (0..300).collect::<Vec<_>>());
    settle().await;
    assert_eq!(heard.all().len(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_too_late_hears_of_the_gap_as_of_any_event() {
    let io = server();
    let (wire, gaps) = (Wire::to(&io), Heard::new());
    let socket = wire.websocket_client().socket();
    let note = gaps.clone();
    socket.on("sockeye:gap", move |Data(gap): Data<serde_json::Value>| {
        note.note(gap);
        async {}
    });
    socket.connect().await.unwrap();
    wire.set_down(true);
    tokio::time::sleep(Duration::from_mins(10)).await;
    wire.set_down(false);
    let gap = gaps.first(1).await;
    assert_eq!(gap, [serde_json::json!({ "reason": "unknown-session" })]);
    assert!(!socket.recovered());
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_answered_is_not_asked_again_after_a_cut_and_what_moves_its_position_is_no_event()
 {
    let io = server();
    io.of("/").on("ready", async |socket: sockeye::Socket| -> sockeye::Result<u32> {
        Ok(socket.emit_with_ack::<u32>("ask", &1).await?)
    });
    let (wire, heard) = (Wire::to(&io), Heard::new());
    let socket = wire.websocket_client_with(|builder| builder).socket();
    let note = heard.clone();
    socket.on_any(move |Event(name): Event| {
        note.note(name);
        async {}
    });
    socket.on("ask", async |Data(number): Data<u32>| number + 1);
    socket.connect().await.unwrap();
    assert_eq!(socket.emit_with_ack::<u32>("ready", &()).await.unwrap(), 2);
    wire.cut();
    settle().await;
    socket.state().wait_for(sockeye_client::SocketState::is_connected).await.unwrap();
    assert!(socket.recovered());
    io.emit("last", &()).unwrap();
    assert_eq!(heard.first(2).await, ["ask", "last"]);
    settle().await;
    assert_eq!(heard.all().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_ends_in_order_goes_on_where_it_has_ended_unless_it_has_said_goodbye() {
    for (ends, goes_on) in [("detach", true), ("drop", true), ("close", false)] {
        let io = server();
        let (wire, disk) = (Wire::to(&io), Disk::default());
        let made = |disk: &Disk| {
            let disk = disk.clone();
            wire.websocket_client_with(|builder| builder.positions(disk))
        };
        let client = made(&disk);
        let socket = client.socket();
        let note = Heard::new();
        let heard = note.clone();
        socket.on("event", move |Data(number): Data<u32>| {
            note.note(number);
            async {}
        });
        socket.connect().await.unwrap();
        io.emit("event", &1).unwrap();
        assert_eq!(heard.first(1).await, [1]);
        match ends {
            "detach" => client.detach().await,
            "close" => client.close().await,
            _ => drop((client, socket)),
        }
        settle().await;
        io.emit("event", &2).unwrap();

        let client = made(&disk);
        let socket = client.socket();
        let again = Heard::new();
        let noting = again.clone();
        socket.on("event", move |Data(number): Data<u32>| {
            noting.note(number);
            async {}
        });
        socket.connect().await.unwrap();
        assert_eq!(socket.recovered(), goes_on, "after {ends}");
        io.emit("event", &3).unwrap();
        let expected: &[u32] = if goes_on { &[2, 3] } else { &[3] };
        assert_eq!(again.first(expected.len()).await, expected, "after {ends}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_an_earlier_session_that_is_still_being_handled_holds_up_no_position_of_the_next()
 {
    let io = server();
    let (wire, disk, heard) = (Wire::to(&io), Disk::default(), Heard::new());
    let positions = disk.clone();
    let client = wire.websocket_client_with(|builder| {
        builder.positions(positions).handler_timeout(Duration::from_hours(24))
    });
    let (socket, note) = (client.socket(), heard.clone());
    socket.on("event", move |Data(number): Data<u32>| {
        note.note(number);
        async move {
            if number == 1 {
                std::future::pending::<()>().await;
            }
        }
    });
    socket.connect().await.unwrap();
    io.emit("event", &1).unwrap();
    heard.first(1).await;
    let offset = |disk: &Disk| disk.load("/").and_then(|position| position.offset);
    assert_eq!(offset(&disk), None);
    wire.set_down(true);
    tokio::time::sleep(Duration::from_mins(10)).await;
    wire.set_down(false);
    socket.state().wait_for(sockeye_client::SocketState::is_connected).await.unwrap();
    assert!(!socket.recovered());
    io.emit("event", &2).unwrap();
    heard.first(2).await;
    settle().await;
    assert!(offset(&disk).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_server_hears_the_answer_that_was_given_while_the_client_was_away() {
    let io = server();
    let (wire, asked) = (Wire::to(&io), Heard::new());
    let answers = Heard::new();
    let noting = answers.clone();
    io.of("/").on("ready", move |socket: sockeye::Socket| {
        let answers = noting.clone();
        async move {
            tokio::spawn(async move {
                answers.note(
                    socket.emit_with_ack::<u32>("ask", &1).await.map_err(|error| error.to_string()),
                );
            });
        }
    });
    let socket = wire.websocket_client().socket();
    let note = asked.clone();
    socket.on("ask", move |Data(number): Data<u32>| {
        note.note(number);
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            number + 1
        }
    });
    socket.connect().await.unwrap();
    socket.emit_with_ack::<()>("ready", &()).await.unwrap();
    assert_eq!(asked.first(1).await, [1]);
    wire.set_down(true);
    tokio::time::sleep(Duration::from_secs(2)).await;
    wire.set_down(false);
    assert_eq!(answers.first(1).await, [Ok(2)]);
    assert!(socket.recovered());
    assert_eq!(asked.all(), [1]);
}
