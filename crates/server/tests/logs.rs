//! What the log says of handlers: their events are named, whoever took them.
//!
//! One process, one log: it is set once, for all tests of this file.

mod support;

use std::fmt::{Debug, Write};
use std::sync::{Mutex, Once};
use std::time::Duration;

use sockeye::{Data, Io, Result};
use support::{Client, io, serve};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Writes down each event of the log as one line.
struct Scribe;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Scribe {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LOG.lock().unwrap().push(line.0);
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn write_down() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Scribe).unwrap());
}

/// Whether one line has all of these words.
#[track_caller]
fn assert_said(words: &[&str]) {
    let log = LOG.lock().unwrap();
    let said = log.iter().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(said, "{words:?} is not in\n{}", log.join("\n"));
}

/// Everything that can go wrong with a handler, at once and after a wait.
async fn misbehave(event: &str, Data(how): Data<String>) -> Result<()> {
    if event.starts_with("later") {
        tokio::task::yield_now().await;
    }
    match how.as_str() {
        "panic" => panic!("boom of {event}"),
        "fail" => Err(format!("no to {event}"))?,
        "block" => std::thread::sleep(Duration::from_millis(60)),
        _ => std::future::pending().await,
    }
    Ok(())
}

/// Has a client send the event four times, and each time something goes wrong.
async fn send_all(io: &Io, event: &str) {
    let (mut client, _) = Client::join(serve(io).await).await;
    for how in ["panic", "fail", "block", "hang"] {
        client.send(&format!("421[\"{event}\",\"{how}\"]")).await;
        assert!(client.text().await.starts_with("431["));
    }
    client.send(&format!("421[\"{event}\",1]")).await;
    assert!(client.text().await.contains("argument 1"));
}

fn assert_all_named(event: &str) {
    let handler = &format!("handler=`{event}`");
    assert_said(&["ERROR", "a handler panicked", handler, &format!("boom of {event}")]);
    assert_said(&["WARN", "a handler failed", handler, &format!("no to {event}")]);
    assert_said(&["WARN", "held its thread", handler]);
    assert_said(&["WARN", "did not finish in time", handler]);
    assert_said(&["INFO", "not called, argument 1", handler]);
}

fn watched() -> Io {
    write_down();
    io(|io| io.slow_handler(Duration::from_millis(20)).handler_timeout(Duration::from_millis(200)))
}

#[tokio::test]
async fn a_handler_that_misbehaves_is_logged_with_its_event() {
    let io = watched();
    io.of("/")
        .on("at once", async |how: Data<String>| misbehave("at once", how).await)
        .on("later", async |how: Data<String>| misbehave("later", how).await);
    for event in ["at once", "later"] {
        send_all(&io, event).await;
        assert_all_named(event);
    }
}

#[tokio::test]
async fn an_event_that_on_any_takes_is_logged_with_its_own_name_also_after_a_wait() {
    let io = watched();
    io.of("/").on_any(async |sockeye::Event(name): sockeye::Event, how: Data<String>| {
        misbehave(&name, how).await
    });
    for event in ["any at once", "later any"] {
        send_all(&io, event).await;
        assert_all_named(event);
    }
    let log = LOG.lock().unwrap();
    assert!(!log.iter().any(|line| line.contains("on_any")), "{}", log.join("\n"));
}

#[tokio::test]
async fn a_handler_that_is_no_event_s_is_logged_with_what_it_is_for() {
    let io = watched();
    io.of("/").on_connect(async || -> Result<()> { Err("not you".into()) });
    io.of("/").on_disconnect(async || -> () { panic!("farewell") });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.expect("41").await;
    while io.stats().panics == 0 {
        tokio::task::yield_now().await;
    }
    assert_said(&["a handler failed", "handler=on_connect", "not you"]);
    assert_said(&["a handler panicked", "handler=on_disconnect", "farewell"]);
}
