//! What is logged while a connection or an event is looked after says whose it is, by spans.
//!
//! One process, one log: it is set once, for all tests of this file.

mod support;

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::{Mutex, Once};

use sockeye::Socket;
use support::{Client, io, serve};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static SPANS: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    static INSIDE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Writes down each line of the log, with the spans around it.
struct Scribe;

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Scribe {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sockeye::") || metadata.target() == "test"
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut words = Words(attributes.metadata().name().to_owned());
        attributes.record(&mut words);
        let mut spans = SPANS.lock().unwrap();
        spans.push(words.0);
        span::Id::from_u64(spans.len() as u64)
    }

    fn event(&self, event: &Event<'_>) {
        let spans = SPANS.lock().unwrap();
        let inside = |index: &u64| spans[usize::try_from(*index).unwrap() - 1].clone();
        let around =
            INSIDE.with_borrow(|all| all.iter().map(inside).collect::<Vec<_>>().join(" > "));
        let mut words = Words(around);
        event.record(&mut words);
        LINES.lock().unwrap().push(words.0);
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, id: &span::Id) {
        INSIDE.with_borrow_mut(|inside| inside.push(id.into_u64()));
    }

    fn exit(&self, _: &span::Id) {
        INSIDE.with_borrow_mut(Vec::pop);
    }
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Scribe).unwrap());
}

#[tokio::test]
async fn what_a_handler_logs_names_its_connection_and_event_also_after_a_wait() {
    listen();
    let io = io(|io| io);
    io.of("/chat").on("say", async |_: Socket| {
        tracing::info!(target: "test", "first");
        tokio::task::yield_now().await;
        tracing::info!(target: "test", "second");
    });
    let mut client = Client::open(serve(&io).await).await;
    let id = client.connect("/chat", "").await;
    client.send("42/chat,1[\"say\"]").await;
    client.expect("43/chat,1[]").await;
    let lines = LINES.lock().unwrap().join("\n");
    for line in ["first", "second"] {
        let found = lines.lines().find(|found| found.contains(line)).expect("it was logged");
        let around = format!("event name=\"say\" namespace=\"/chat\" socket=\"{id}\"");
        assert!(found.starts_with("connection id=") && found.contains(&around), "{found}");
        assert!(found.contains("transport=\"websocket\""), "{found}");
    }
}
